"""Where a dossier stood on any past day, against judging it by what was known that evening."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import Reason
from app.core.findings import Findings
from app.core.lifecycle import Apology, Facts, Outcome, Status
from app.core.stages import StageFact
from app.core.standing import Days, past_due, stood, unless_plain, written
from app.core.yardsticks import form, index766, last_promise
from tests.core.ground import HANOI, at, day, stop
from tests.core.records import ended, facts
from tests.core.test_findings import RULE, STAGED, found
from tests.core.worlds import World, worlds

PROMISED = "2026-07-16T17:00"
DUE = day("2026-07-16")
MIDNIGHT = time()


def as_known(told: Facts, on: date) -> Facts:
    """The dossier as it was known at the close of a day: nothing of what came later."""
    close = datetime.combine(on + timedelta(days=1), MIDNIGHT, HANOI) - timedelta(microseconds=1)

    def past(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= close else None

    return told._replace(
        suspensions=tuple(
            replace(one, until_at=past(one.until_at))
            for one in told.suspensions
            if one.from_at <= close
        ),
        stages=tuple(
            replace(one, started_at=past(one.started_at), ended_at=past(one.ended_at))
            for one in told.stages
            if one.started_at is None or past(one.started_at)
        ),
        apologies=tuple(one for one in told.apologies if one.sent_at <= close),
        finished_at=past(told.finished_at),
        ended_at=past(told.ended_at),
        outcome=told.outcome if past(told.end) else None,
    )


def late_by_the_form(told: Facts, on: date) -> bool:
    """An open dossier by Biểu II.06a, on the evening it is asked about."""
    if any(one.until_at is None for one in told.suspensions):
        return False
    began = {one.stage for one in told.stages if one.started_at}
    if any(one.ended_at and one.stage + 1 not in began for one in told.stages):
        return False
    promised = last_promise(told)
    return promised is not None and promised.astimezone(HANOI).date() < on


def late_by_766(told: Facts, whole: date | None, on: date) -> bool:
    """An open dossier by formula 2.1, on the evening it is asked about."""
    asked = [one for one in told.suspensions if one.reason is Reason.SUPPLEMENT]
    if len(asked) > 1:
        return True
    promised = last_promise(told)
    due_on = promised.astimezone(HANOI).date() if promised else whole
    end = datetime.combine(on + timedelta(days=1), MIDNIGHT, HANOI) - timedelta(microseconds=1)
    for one in asked:
        end = one.from_at if one.until_at is None else end - (one.until_at - one.from_at)
    return due_on is not None and end.astimezone(HANOI).date() > due_on


def asked_of(held: Findings, on: date) -> tuple[bool | None, bool | None]:
    """What the stored inputs say of a day, by the form and by 766."""
    end_on = held.form.end_on
    practised, index = (
        stood(one.overdue, one.due_on, end_on, on) for one in (held.form, held.index766)
    )
    return practised, index


@st.composite
def lives(draw: st.DrawFn) -> tuple[Facts, Findings, date]:
    """A dossier of any law and calendar with letters and an end, and a day while it was open."""
    world = draw(worlds())
    told = facts(suspensions=world.stops)._replace(received_at=world.received_at)
    rule = replace(RULE, limit=world.limit, policy=world.policy)
    after = world.received_at
    if draw(st.booleans()):
        told = told._replace(promised_at=after + timedelta(hours=draw(st.integers(0, 700))))
    letters = [
        Apology(after + timedelta(hours=sent), "quá tải", after + timedelta(hours=sent + more))
        for sent, more in draw(
            st.lists(st.tuples(st.integers(1, 900), st.integers(1, 300)), max_size=2)
        )
    ]
    told = told._replace(apologies=tuple(letters))
    if draw(st.booleans()):
        latest = max([after, *(one.until_at or one.from_at for one in told.suspensions)])
        end = latest + timedelta(hours=draw(st.integers(0, 400)))
        told = told._replace(
            finished_at=end,
            status=Status.FINISHED,
            outcome=draw(st.sampled_from([None, Outcome.RETURNED])),
        )
    on = after.date() + timedelta(days=draw(st.integers(0, 70)))
    return told, found(told, rule, calendar=world.calendar), on


@given(lives())
def test_a_past_day_is_judged_by_what_was_known_that_evening(life: tuple[Facts, Findings, date]):
    told, held, on = life
    known = as_known(told, on)
    practised, index = asked_of(held, on)
    if known.end is not None:
        assert (practised, index) == (None, None)
        return

    assert practised == late_by_the_form(known, on)
    whole = held.index766.due_on if last_promise(told) is None else None
    if whole is not None or told.promised_at is not None:
        assert index == late_by_766(known, whole, on)


def closing(on: date) -> datetime:
    return datetime.combine(on + timedelta(days=1), MIDNIGHT, HANOI) - timedelta(microseconds=1)


@given(worlds(), st.integers(0, 70))
def test_our_clock_on_a_past_day_is_its_due_moment_of_today(world: World, days: int):
    told = facts(suspensions=world.stops)._replace(received_at=world.received_at)
    rule = replace(RULE, limit=world.limit, policy=world.policy)
    on = world.received_at.date() + timedelta(days=days)

    today, then = (found(one, rule, calendar=world.calendar) for one in (told, as_known(told, on)))

    late_then = then.due_at is not None and then.due_at <= closing(on)
    late_now = today.due_at is not None and today.due_at <= closing(on)
    assert late_now == late_then


@pytest.mark.parametrize("paid", [None, "2026-08-03T09:00"])
@pytest.mark.parametrize("end", [None, "2026-08-20T10:00"])
def test_a_missed_first_appointment_was_overdue_until_it_ended(paid: str | None, end: str | None):
    told = facts(
        stages=(
            StageFact(1, None, at("2026-07-20T16:00")),
            *((StageFact(2, at(paid)),) if paid else ()),
        )
    )
    if end and paid:
        told = told._replace(finished_at=at(end), status=Status.FINISHED)
    held = found(told, STAGED)

    for more in range(60):
        on = day("2026-07-06") + timedelta(days=more)
        known = as_known(told, on)
        if known.end is not None:
            continue
        then = found(known, STAGED)
        late = then.due_at is not None and then.due_at <= closing(on)
        assert stood(held.legal.overdue, held.legal.due_on, held.form.end_on, on) == late, on
    assert held.legal.overdue is not None
    assert held.legal.overdue[0] == Days(day("2026-07-14"), day("2026-07-20"))


def test_a_stop_after_the_promised_day_heals_only_while_it_lasts():
    told = facts(promised_at=PROMISED, suspensions=(stop("2026-07-20T09:00", "2026-07-24T09:00"),))

    assert form(told, HANOI).overdue == (
        Days(day("2026-07-17"), day("2026-07-20")),
        Days(day("2026-07-24"), None),
    )


def test_a_re_appointment_counts_from_the_day_it_was_sent():
    told = facts(
        promised_at=PROMISED,
        apologies=(Apology(at("2026-07-18T08:00"), "quá tải", at("2026-07-22T17:00")),),
    )

    assert form(told, HANOI).overdue == (Days(day("2026-07-17"), day("2026-07-18")),
                                         Days(day("2026-07-23"), None))  # fmt: skip


def test_what_was_withdrawn_late_stood_overdue_before():
    told = ended(Status.WITHDRAWN, "2026-07-20T08:00", promised_at=PROMISED)

    held = form(told, HANOI)

    assert (held.due_on, held.overdue) == (
        None,
        (Days(day("2026-07-17"), day("2026-07-20")),),
    )


def test_one_supplement_that_is_still_out_ends_it_for_formula_2_1():
    in_time = facts(promised_at=PROMISED, suspensions=(stop("2026-07-16T09:00", None),))
    too_late = facts(promised_at=PROMISED, suspensions=(stop("2026-07-17T09:00", None),))

    assert index766(in_time, lambda: None, HANOI).overdue == ()
    assert index766(too_late, lambda: None, HANOI).overdue is None  # as each day after the promise


def test_the_time_of_a_supplement_is_given_back_by_formula_2_1():
    told = facts(promised_at=PROMISED, suspensions=(stop("2026-07-10T09:00", "2026-07-13T08:00"),))

    assert index766(told, lambda: None, HANOI).overdue == (Days(day("2026-07-19"), None),)


def test_before_a_first_promise_the_law_counts_for_formula_2_1():
    letter = Apology(at("2026-07-20T08:00"), "quá tải", at("2026-07-24T17:00"))

    held = index766(facts(apologies=(letter,)), lambda: DUE, HANOI)

    assert held.overdue == (
        Days(day("2026-07-17"), day("2026-07-20")),
        Days(day("2026-07-25"), None),
    )


def test_spans_that_touch_are_one():
    assert past_due([DUE], None, lambda _: DUE - timedelta(days=3)) == (
        Days(DUE - timedelta(days=3), None),
    )


def test_what_is_plain_is_left_unsaid():
    plain = (Days(DUE + timedelta(days=1), None),)

    assert unless_plain(plain, DUE, None) is None
    assert unless_plain((), None, None) is None
    assert unless_plain((), DUE, DUE) is None
    assert unless_plain((), DUE, None) == ()
    assert (written(None), written(()), written(plain)) == (None, "{}", "{[2026-07-17,)}")
    assert written((Days(DUE, DUE + timedelta(days=2)),)) == "{[2026-07-16,2026-07-18)}"


def test_a_promise_at_the_end_of_time_is_given_no_days_beyond_it():
    told = facts(
        promised_at="9998-12-31T17:00",
        suspensions=(stop("2026-07-10T09:00", "2027-07-12T09:00"),),
    )

    (late,) = index766(told, lambda: None, HANOI).overdue or ()

    assert late.first <= date.max
