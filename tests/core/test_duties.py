"""What the office owes besides the result, with the examples of the law."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, deadline
from app.core.duties import Duty, Longer, Owed, longer, moments, owed
from app.core.ladder import FIRST, Ladder, Level
from app.core.lifecycle import Apology, Channel, Extension, Facts, Outcome, Status
from app.core.limits import Choice, LimitRule, Start
from tests.core.ground import at, day, official, stop, working_days, working_hours
from tests.core.records import facts as told

LATER = at("2027-06-01T09:00")


def record(**given: Any) -> Facts:  # noqa: ANN401 fields of any type
    return told(
        **{
            name: held.isoformat() if isinstance(held, datetime) else held
            for name, held in given.items()
        }
    )


def duties(facts: Facts, now: datetime = LATER, limit: Limit | None = None) -> dict[Duty, Owed]:
    clock = None
    if facts.received_at is not None and limit is not None:
        clock = deadline(facts.received_at, limit, facts.suspensions, official())
    return {one.duty: one for one in owed(facts, clock, limit, official(), now)}


def test_an_online_dossier_is_accepted_within_eight_working_hours():
    sent, accepted = at("2025-11-14T16:20"), at("2025-11-17T16:20")  # H1

    found = duties(record(channel=Channel.ONLINE, submitted_at=sent, received_at=accepted))
    late = duties(
        record(channel=Channel.ONLINE, submitted_at=sent, received_at=at("2025-11-17T16:20:01"))
    )

    assert found[Duty.ACCEPTANCE].due_at == accepted
    assert not found[Duty.ACCEPTANCE].late
    assert late[Duty.ACCEPTANCE].late


def test_an_online_dossier_nobody_answers_is_late_by_the_clock():
    waiting = record(
        status=Status.SUBMITTED,
        channel=Channel.ONLINE,
        submitted_at=at("2025-09-08T13:00"),  # H4
        received_at=None,
    )

    assert not duties(waiting, at("2025-09-09T11:30"))[Duty.ACCEPTANCE].late
    assert duties(waiting, at("2025-09-11T17:00"))[Duty.ACCEPTANCE].late


def test_a_dossier_handed_in_at_the_counter_owes_no_acceptance():
    assert Duty.ACCEPTANCE not in duties(record(submitted_at=at("2026-03-02T08:00")))


@pytest.mark.parametrize(
    ("asked", "late"), [("2026-11-20T16:59", False), ("2026-11-21T00:00", True)]
)
def test_a_supplement_is_asked_for_within_three_working_days(asked: str, late: bool):  # noqa: FBT001
    facts = record(  # B1
        received_at=at("2026-11-17T09:00"),
        suspensions=(Suspension(Reason.SUPPLEMENT, at(asked)),),
    )

    found = duties(facts)[Duty.SUPPLEMENT_NOTICE]

    assert found.due_at == at("2026-11-21T00:00")
    assert found.late is late


def test_nothing_asked_owes_no_notice():
    assert Duty.SUPPLEMENT_NOTICE not in duties(record())


def test_a_result_is_handed_over_within_three_working_days():
    facts = record(  # C5w
        received_at=at("2026-08-20T09:00"),
        finished_at=at("2026-08-28T09:00"),
        status=Status.FINISHED,
        updated_at=at("2026-08-28T09:00"),
    )

    found = duties(facts, at("2026-09-07T23:59"))[Duty.HAND_OVER]
    after = duties(facts, at("2026-09-08T00:00"))[Duty.HAND_OVER]

    assert found.due_at == at("2026-09-08T00:00")
    assert (found.late, after.late) == (False, True)


def open_and_late(**more: Any) -> Facts:  # noqa: ANN401 (the same)
    return record(received_at=at("2026-02-10T09:00"), **more)  # E11: due Friday 27/02/2026


def test_an_apology_leaves_one_working_day_before_the_due_day():
    limit = working_days(8)

    assert Duty.APOLOGY not in duties(open_and_late(), at("2026-02-26T23:59"), limit)
    found = duties(open_and_late(), at("2026-02-27T08:00"), limit)[Duty.APOLOGY]  # A4

    assert found.due_at == at("2026-02-27T00:00")
    assert found.late


def test_an_apology_sent_in_time_is_not_late_and_one_sent_later_is():
    limit = working_days(8)
    kept = open_and_late(apologies=(Apology(at("2026-02-26T15:00"), "", None),))
    missed = open_and_late(apologies=(Apology(at("2026-02-27T07:30"), "", None),))

    assert not duties(kept, LATER, limit)[Duty.APOLOGY].late
    assert duties(missed, LATER, limit)[Duty.APOLOGY].late


@pytest.mark.parametrize("ended", ["2026-02-25T09:00", "2026-02-27T19:00"])
def test_what_ends_on_time_owes_no_apology(ended: str):
    facts = open_and_late(
        status=Status.FINISHED,
        finished_at=at(ended),
        outcome=Outcome.RESULT,
        updated_at=at(ended),
    )

    assert Duty.APOLOGY not in duties(facts, LATER, working_days(8))


def test_a_limit_of_less_than_two_days_or_in_hours_owes_no_apology():
    for limit in (working_days(1), working_hours(8)):
        assert Duty.APOLOGY not in duties(open_and_late(), LATER, limit)


def test_a_suspended_dossier_owes_no_apology_while_its_clock_stands():
    facts = open_and_late(suspensions=(Suspension(Reason.SUPPLEMENT, at("2026-02-12T09:00")),))

    assert Duty.APOLOGY not in duties(facts, LATER, working_days(8))


def test_an_instant_no_calendar_covers_owes_nothing():
    facts = record(channel=Channel.ONLINE, submitted_at=at("1990-01-01T08:00"))

    assert Duty.ACCEPTANCE not in duties(facts)


def asked(*moments: str, received: str = "2026-11-17T09:00") -> Facts:
    return record(
        received_at=at(received),
        suspensions=tuple(stop(moment, moment) for moment in moments),
    )


@pytest.mark.parametrize(
    ("received", "article"),
    [("2025-06-30T16:00", "NĐ 61/2018 Đ15 k3"), ("2025-07-01T07:30", "NĐ 118/2025 Đ11")],
)
def test_a_second_supplement_is_a_breach_with_its_ground(received: str, article: str):
    first, second = "2025-07-02T08:00", "2025-07-09T08:00"

    found = duties(asked(second, first, received=received))[Duty.ONE_SUPPLEMENT]

    assert (found.done_at, found.due_on, found.breach) == (at(second), None, True)
    assert found.ground.article == article
    assert found.ground.doubt is not None


def test_one_supplement_is_no_breach():
    found = duties(asked("2026-11-18T08:00"))

    assert Duty.ONE_SUPPLEMENT not in found
    assert not found[Duty.SUPPLEMENT_NOTICE].breach


def test_what_is_late_is_a_breach():
    assert duties(asked("2026-11-23T08:00"))[Duty.SUPPLEMENT_NOTICE].breach


@pytest.mark.parametrize(("received", "doubted"), [("2025-06-30", False), ("2025-07-01", True)])
def test_duties_of_a_decree_no_longer_in_force_carry_a_doubt(received: str, doubted: bool):  # noqa: FBT001
    facts = asked("2025-07-02T08:00", received=f"{received}T08:00")
    facts = facts._replace(suspensions=(stop("2025-07-02T08:00", "2025-07-02T09:00"),))

    found = duties(facts, at("2025-08-01T08:00"), working_days(8))

    for duty in (Duty.SUPPLEMENT_NOTICE, Duty.APOLOGY):
        assert "NĐ 61/2018" in found[duty].ground.article
        assert (found[duty].ground.doubt is not None) is doubted


@pytest.mark.parametrize(
    ("sent", "said"), [("2025-06-30T08:00", "comparison only"), ("2025-07-01T08:00", "press")]
)
def test_the_acceptance_of_an_online_dossier_always_carries_a_doubt(sent: str, said: str):
    facts = record(channel=Channel.ONLINE, submitted_at=at(sent), received_at=at(sent))

    doubt = duties(facts)[Duty.ACCEPTANCE].ground.doubt

    assert doubt is not None
    assert said in doubt.sentence


def finished(*stops: Suspension, handed: str | None = None) -> Facts:
    return record(
        received_at=at("2026-08-20T09:00"),
        finished_at=at("2026-08-28T09:00"),
        handed_over_at=at(handed) if handed else None,
        status=Status.FINISHED,
        updated_at=at("2026-12-01T09:00"),
        suspensions=stops,
    )


def test_the_time_of_an_open_payment_is_no_part_of_the_hand_over():
    tax = Reason.FINANCIAL_OBLIGATION
    unpaid = stop("2026-08-27T09:00", None, tax)
    paid = stop("2026-08-27T09:00", "2026-09-07T09:00", tax)
    supplement = stop("2026-08-24T09:00", None)

    assert Duty.HAND_OVER not in duties(finished(unpaid))
    assert duties(finished(paid))[Duty.HAND_OVER].due_on == day("2026-09-10")
    assert duties(finished(supplement))[Duty.HAND_OVER].due_on == day("2026-09-07")
    found = duties(finished(unpaid, handed="2026-09-15T09:00"))[Duty.HAND_OVER]
    assert (found.due_on, found.late) == (day("2026-09-18"), False)


MORTGAGE = LimitRule(
    1,
    "1.011441",
    "default",
    None,
    day("2023-01-15"),
    None,
    working_days(0, "15:00"),
    extension=working_days(3),
    start=Start.LAND_OFFICE,
)


def extended(start: str, *granted: str, rule: LimitRule = MORTGAGE) -> Longer | None:
    choice = Choice(
        rule, rule.limit, (), SupplementPolicy.RESUME, difficult=False, case_assumed=False
    )
    extensions = tuple(Extension(at(moment), "sự cố") for moment in granted)
    return longer(at(start), choice, (), extensions, official())


@pytest.mark.parametrize("received", ["2026-04-29T14:50", "2026-04-29T15:20"])  # M1, M3
def test_a_mortgage_may_be_extended_to_three_working_days_from_its_receipt(received: str):
    found = extended(received)

    assert found is not None
    assert (found.due_on, found.granted_at, found.in_time) == (day("2026-05-06"), None, None)


def test_an_extension_counts_only_if_granted_before_the_due_moment():
    kept = extended("2026-04-29T14:50", "2026-04-29T16:00")
    missed = extended("2026-04-29T14:50", "2026-04-30T08:00", "2026-05-04T08:00")

    assert kept is not None
    assert (kept.granted_at, kept.in_time) == (at("2026-04-29T16:00"), True)
    assert missed is not None
    assert (missed.granted_at, missed.in_time) == (at("2026-04-30T08:00"), False)


def test_most_limits_cannot_be_extended():
    assert extended("2026-04-29T14:50", rule=replace(MORTGAGE, extension=None)) is None
    assert extended("2028-12-29T14:50") is None  # the calendar ends before


def said(facts: Facts, by: Ladder = FIRST) -> dict[Level, str]:
    zone = official().zone
    return {
        level: f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
        for moment, level in moments(facts, official(), by)
    }


def test_an_acceptance_nobody_gives_is_said_to_be_late():
    """H4, Hà Nội: filed on Monday at 13:00, within the lunch hour."""
    filed = record(
        channel=Channel.ONLINE,
        status=Status.SUBMITTED,
        submitted_at=at("2025-09-08T13:00"),
        received_at=None,
    )

    assert said(filed) == {Level.ACCEPTANCE_LATE: "2025-09-09 11:30"}
    assert said(filed._replace(received_at=at("2025-09-08T14:00"))) == {}


def test_a_notice_is_said_to_be_late_once_it_was_sent_too_late():
    in_time, late = asked("2026-11-20T09:00"), asked("2026-11-23T09:00")

    assert said(in_time) == {}
    assert said(late) == {Level.SUPPLEMENT_NOTICE_LATE: "2026-11-21 00:00"}
    over = late._replace(status=Status.FINISHED, finished_at=at("2026-11-26T09:00"))
    assert Level.SUPPLEMENT_NOTICE_LATE not in said(over)


def test_a_result_nobody_fetches_is_said_to_be_late():
    assert said(finished())[Level.HAND_OVER_LATE]
    assert said(finished(handed="2026-07-20T09:00")) == {}
    waits = finished(stop("2026-07-08T15:00", None, Reason.FINANCIAL_OBLIGATION))
    assert said(waits) == {}


def test_what_a_ladder_does_not_have_is_not_said():
    assert said(finished(), Ladder(9, ())) == {}
