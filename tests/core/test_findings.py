"""What follows from facts, law and calendar."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given

from app.core.clock import Limit, Reason, Unit
from app.core.findings import Findings, Ground, derive, opening, start_of_clock
from app.core.ladder import Kind, Level
from app.core.lifecycle import Extension, Facts, Outcome, State, Status
from app.core.limits import LimitRule, NoLimit, Start
from app.core.stages import StageFact
from app.core.trace import Begins, Opening
from app.core.yardsticks import Inputs
from tests.core.ground import at, day, official, stop, working_days, working_hours
from tests.core.records import RECEIVED, ended, facts
from tests.core.worlds import World, worlds

RULE = LimitRule(
    id=1,
    procedure="1.012783",
    case="đổi tên",
    province=None,
    valid_from=day("2025-07-01"),
    valid_until=None,
    limit=working_days(8),
)
STAGED = replace(RULE, stages=(working_days(5), working_days(3)))
DUE = day("2026-07-16")  # 8 working days after RECEIVED; the first of two stages: 13 July
TAX = Reason.FINANCIAL_OBLIGATION


def found(told: Facts, *rules: LimitRule, **ground: Any) -> Findings:  # noqa: ANN401 fields of any type
    given: dict[str, Any] = {"rules": rules or (RULE,), "province": "H20", "difficult": False}
    return derive(told, Ground(**(given | {"calendar": official()} | ground)))


def test_a_running_dossier_has_a_due_moment_and_its_alarms():
    findings = found(facts())

    assert findings.state is State.RUNNING
    assert (findings.due_on, findings.due_at) == (DUE, at("2026-07-17T00:00"))
    assert findings.legal == Inputs(DUE, None)
    assert Level.OVERDUE in {level for _, level in findings.moments}
    assert findings.choice is not None
    assert findings.limit == findings.choice.limit == working_days(8)
    assert not findings.provisional


@pytest.mark.parametrize(
    ("told", "ground", "state", "why"),
    [
        (facts(status=Status.SUBMITTED, received_at=None), {}, State.SUBMITTED, None),
        (facts(), {"rules": None}, State.NO_LIMIT, NoLimit.PROCEDURE),
        (facts(), {"difficult": None}, State.NO_LIMIT, NoLimit.COMMUNE),
        (facts(case="?"), {}, State.NO_LIMIT, NoLimit.CASE),
        (ended(Status.FINISHED, RECEIVED), {"rules": None}, State.FINISHED, NoLimit.PROCEDURE),
        (ended(Status.WITHDRAWN, RECEIVED), {"rules": None}, State.CLOSED, NoLimit.PROCEDURE),
        (ended(Status.NOT_ACCEPTED, RECEIVED, received_at=None), {}, State.FINISHED, None),
    ],
)
def test_without_a_receipt_or_a_limit_there_is_no_clock(
    told: Facts, ground: dict[str, Any], state: State, why: NoLimit | None
):
    findings = found(told, **ground)

    assert (findings.state, findings.no_limit) == (state, why)
    assert (findings.clock, findings.due_on, findings.due_at, findings.limit) == (None,) * 4
    assert findings.legal.due_on is None
    assert findings.index766.due_on is None
    assert all(level.kind is not Kind.LIMIT for _, level in findings.moments)
    assert not findings.stages


def test_a_suspended_dossier_has_no_due_moment_and_no_alarm():
    findings = found(
        facts(status=Status.AWAITING_SUPPLEMENT, suspensions=(stop("2026-07-08T15:00", None),))
    )

    assert findings.state is State.SUSPENDED
    assert (findings.due_on, findings.due_at, findings.moments) == (None, None, ())
    assert findings.clock is not None
    assert findings.clock.suspended_since == at("2026-07-08T15:00")


def test_suspended_after_the_due_moment_it_runs_and_is_late():
    findings = found(facts(suspensions=(stop("2026-07-17T09:00", None),)))

    assert findings.state is State.RUNNING
    assert findings.due_on == DUE


@pytest.mark.parametrize(
    ("told", "state", "end_on"),
    [
        (ended(Status.FINISHED, "2026-07-16T19:00"), State.FINISHED, DUE),
        (ended(Status.NOT_ACCEPTED, "2026-07-16T19:00"), State.FINISHED, DUE),
        (ended(Status.WITHDRAWN, "2026-07-16T19:00"), State.CLOSED, None),
        (
            ended(Status.FINISHED, "2026-07-16T19:00", outcome=Outcome.STOPPED),
            State.CLOSED,
            None,
        ),
    ],
)
def test_an_ended_dossier_is_judged_by_its_due_day(told: Facts, state: State, end_on: date | None):
    findings = found(told)

    assert findings.state is state
    assert findings.legal == Inputs(DUE, end_on)
    assert all(level.kind is Kind.HAND_OVER for _, level in findings.moments)


def test_what_stood_open_at_the_end_stands_until_the_end():
    told = ended(Status.FINISHED, "2026-07-20T09:00", suspensions=(stop("2026-07-08T15:00", None),))

    assert found(told).legal == Inputs(day("2026-07-28"), day("2026-07-20"))


@pytest.mark.parametrize(
    ("end", "late"), [("2026-07-07T09:15", False), ("2026-07-07T09:15:01", True)]
)
def test_a_limit_of_hours_is_late_by_the_hour(end: str, *, late: bool):
    findings = found(ended(Status.FINISHED, end), replace(RULE, limit=working_hours(8)))

    assert findings.legal == Inputs(day("2026-07-07"), day("2026-07-07"), forced_late=late)


def test_an_extension_is_the_longer_limit_from_the_receipt():
    mortgage = replace(
        RULE,
        valid_from=day("2023-01-15"),
        limit=working_days(0, "15:00"),
        extension=working_days(3),
    )
    granted = (Extension(at("2026-04-29T16:00"), "hồ sơ phức tạp"),)

    plain = found(facts(received_at="2026-04-29T14:50"), mortgage)
    longer = found(facts(received_at="2026-04-29T14:50", extensions=granted), mortgage)
    too_late = found(facts(received_at="2026-04-28T14:50", extensions=granted), mortgage)

    assert plain.due_on == day("2026-04-29")
    assert (longer.due_on, longer.limit) == (day("2026-05-06"), working_days(3))
    assert too_late.due_on == day("2026-04-28")


@pytest.mark.parametrize(
    ("start", "land_office", "due_on"),
    [
        (Start.LAND_OFFICE, "2026-05-04T08:00", "2026-05-04"),  # M5
        (Start.LAND_OFFICE, None, "2026-04-29"),
        (Start.RECEIPT, "2026-05-04T08:00", "2026-04-29"),
    ],
)
def test_time_runs_from_whose_receipt_the_law_names(
    start: Start, land_office: str | None, due_on: str
):
    rule = replace(RULE, limit=working_days(0, "15:00"), start=start)
    told = facts(received_at="2026-04-29T14:00", land_office_received_at=land_office)

    assert found(told, rule).due_on == day(due_on)
    assert start_of_clock(told, at("2026-04-29T14:00"), rule).date() == day(due_on)
    by_land_office = start is Start.LAND_OFFICE and land_office is not None
    handed_in = at("2026-04-29T14:00") if by_land_office else None
    begins = Begins.LAND_OFFICE if by_land_office else Begins.RECEIPT
    assert opening(told, rule) == Opening(begins, handed_in)


def test_between_two_appointments_it_waits_and_nothing_is_due():
    told = facts(status=Status.AWAITING_PAYMENT, suspensions=(stop("2026-07-13T16:00", None, TAX),))

    findings = found(told, STAGED)

    assert findings.state is State.WAITING
    assert (findings.due_on, findings.due_at, findings.moments) == (None, None, ())
    assert findings.legal == Inputs(None, None)


def test_the_second_appointment_runs_from_the_proof_of_payment():
    told = facts(suspensions=(stop("2026-07-13T16:00", "2026-08-03T09:00", TAX),))

    findings = found(told, STAGED)

    assert findings.state is State.RUNNING
    assert findings.due_on == day("2026-08-06")
    assert findings.limit == working_days(3)
    assert findings.index766.due_on == DUE  # the whole limit


def test_late_in_any_stage_is_late():
    told = ended(
        Status.FINISHED,
        "2026-08-04T09:00",
        suspensions=(stop("2026-07-14T08:00", "2026-08-03T09:00", TAX),),  # due on 13 July
    )

    assert found(told, STAGED).legal == Inputs(
        day("2026-08-06"), day("2026-08-04"), forced_late=True
    )


@pytest.mark.parametrize(
    "gap",
    [
        {"suspensions": (stop("2026-07-13T16:00", None, TAX),)},
        {"stages": (StageFact(1, at(RECEIVED), at("2026-07-13T16:00")),)},
    ],
)
def test_ended_while_waiting_no_day_of_the_office_was_exceeded(gap: dict[str, Any]):
    told = ended(Status.NOT_ACCEPTED, "2026-09-01T09:00", **gap)

    findings = found(told, STAGED)

    assert findings.state is State.FINISHED
    assert findings.legal == Inputs(day("2026-09-01"), day("2026-09-01"))


def test_a_difficult_commune_has_its_own_stages():
    rule = replace(
        STAGED, difficult=working_days(18), difficult_stages=(working_days(10), working_days(8))
    )

    assert found(facts(), rule, difficult=True).due_on == day("2026-07-20")


def test_where_nothing_was_promised_index766_has_the_whole_limit_without_suspensions():
    told = facts(suspensions=(stop("2026-07-08T15:00", "2026-07-10T09:00", TAX),))

    assert found(told).index766.due_on == DUE
    assert found(told).due_on == day("2026-07-20")


def test_a_date_beyond_the_confirmed_calendar_is_marked():
    assert found(facts(received_at="2026-12-28T09:00")).provisional


@given(worlds())
def test_the_same_facts_law_and_calendar_give_the_same_findings(world: World):
    told = facts(suspensions=world.stops)._replace(received_at=world.received_at)
    rule = replace(RULE, limit=world.limit, policy=world.policy)

    one, other = (found(told, rule, calendar=world.calendar) for _ in range(2))

    assert one == other
    assert one.clock == world.clock()
    assert one.state in (State.RUNNING, State.SUSPENDED)
    limits = [level for _, level in one.moments if level.kind is Kind.LIMIT]
    assert (one.state is State.RUNNING) == bool(limits) == (one.due_on is not None)
    if one.due_at is not None and world.limit.by_date:
        assert one.due_on == (one.due_at - timedelta(microseconds=1)).date()


def test_a_month_warns_as_its_law_says():
    month = replace(RULE, limit=Limit(1, Unit.CALENDAR_MONTHS))

    told = {level for _, level in found(facts(), month).moments}
    assert told == {level for level in Level if level.kind is Kind.LIMIT}


def test_with_no_tax_leg_there_was_one_appointment_for_the_whole_limit():
    on_the_seventh_day = found(ended(Status.FINISHED, "2026-07-15T10:00"), STAGED)
    after_the_eighth = found(ended(Status.FINISHED, "2026-07-17T10:00"), STAGED)

    assert on_the_seventh_day.legal == Inputs(DUE, day("2026-07-15"))
    assert after_the_eighth.legal == Inputs(DUE, day("2026-07-17"))
    assert on_the_seventh_day.stages == ()


def test_what_no_calendar_covers_is_told_and_never_dated():
    findings = found(facts(suspensions=(stop("2026-07-08T09:00", "2090-01-01T09:00"),)))

    assert (findings.state, findings.no_limit) == (State.NO_LIMIT, NoLimit.CALENDAR)
    assert (findings.due_on, findings.due_at, findings.moments) == (None, None, ())
