"""What the office owes besides the result, with the examples of the law."""

from datetime import datetime
from typing import Any

import pytest

from app.core.clock import Limit, Reason, Suspension, deadline
from app.core.duties import Duty, Owed, owed
from app.core.lifecycle import Apology, Channel, Facts, Outcome, Status
from tests.core.ground import at, official, working_days, working_hours
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
