"""The hour convention: where many systems' date is another than the law's."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from app.core.clock import Limit, Reason, Suspension, Unit, deadline
from app.core.conventions import (
    ByHours,
    by_hours,
    in_hours,
    of_dossier,
    of_stages,
    where_it_differs,
)
from app.core.findings import Ground, derive
from app.core.lifecycle import Facts, Status
from app.core.limits import LimitRule
from app.core.stages import stages
from tests.core.ground import at, day, official, official_spec, stop, working_days, working_hours
from tests.core.records import facts as told
from tests.core.worlds import World, worlds

EIGHT = working_days(8)


def hours(received: str, limit: Limit = EIGHT, stops: tuple[Suspension, ...] = ()) -> ByHours:
    found = by_hours(at(received), limit, stops, official())
    assert found is not None
    return found


def differs(
    received: str, limit: Limit = EIGHT, stops: tuple[Suspension, ...] = ()
) -> ByHours | None:
    ours = deadline(at(received), limit, stops, official())
    return where_it_differs(ours, by_hours(at(received), limit, stops, official()))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-07-06T16:45", "2026-07-16T16:45"),  # H9
        ("2026-07-10T17:40", "2026-07-22T17:00"),  # H10: after hours
        ("2026-07-06T12:10", "2026-07-16T11:30"),  # H11: in the lunch break
        ("2026-07-06T07:00", "2026-07-15T17:00"),  # domain 4.5: at opening time
    ],
)
def test_eight_working_days_are_sixty_four_hours(received: str, due: str):
    assert hours(received).due_at == at(due)


@pytest.mark.parametrize("received", ["2026-07-06T16:45", "2026-07-10T17:40", "2026-07-06T07:01"])
def test_after_opening_time_the_dates_are_the_same(received: str):
    assert differs(received) is None


@pytest.mark.parametrize("received", ["2026-07-06T07:00", "2026-07-06T06:15", "2026-07-06T00:00"])
def test_at_or_before_opening_time_theirs_is_a_working_day_earlier(received: str):
    assert deadline(at(received), EIGHT, (), official()).due_on == day("2026-07-16")
    assert differs(received) == ByHours(day("2026-07-15"), at("2026-07-15T17:00"))


def test_after_a_suspension_they_may_differ_by_a_day():
    pause = (stop("2026-04-24T15:00", "2026-04-29T10:00"),)  # P1

    assert deadline(at("2026-04-16T09:00"), EIGHT, pause, official()).due_on == day("2026-05-05")
    assert differs("2026-04-16T09:00", EIGHT, pause) == (day("2026-05-04"), at("2026-05-04T16:00"))


def test_only_working_days_are_counted_in_hours():
    for limit in (working_hours(8), working_days(0), Limit.of(3, Unit.CALENDAR_DAYS)):
        assert in_hours(limit) is limit
        assert by_hours(at("2026-07-06T07:00"), limit, (), official()) is None


def test_a_clock_that_stands_differs_from_nothing():
    pause = (stop("2026-07-08T09:00", None),)

    assert by_hours(at("2026-07-06T07:00"), EIGHT, pause, official()) is None
    assert differs("2026-07-06T07:00", EIGHT, pause) is None


def test_where_ours_stands_and_theirs_ran_out_there_is_nothing_to_compare():
    asked_on_the_last_day = (stop("2026-07-16T16:00", None),)

    assert by_hours(at("2026-07-06T09:00"), EIGHT, asked_on_the_last_day, official()) is not None
    assert differs("2026-07-06T09:00", EIGHT, asked_on_the_last_day) is None


def test_a_calendar_that_ends_before_says_nothing():
    assert by_hours(at("2026-07-06T07:00"), working_days(900), (), official()) is None
    staged = stages(at("2026-07-06T07:00"), [EIGHT], (), (), official())
    endless = staged[0]._replace(limit=working_days(900))

    assert of_stages(at("2026-07-06T07:00"), [endless], (), (), official()) == (None,)


@settings(max_examples=200)
@given(worlds(Unit.WORKING_DAYS, most_stops=0))
def test_without_suspensions_only_a_receipt_by_opening_time_differs(world: World):
    world = replace(world, spec=official_spec(), limit=replace(world.limit, cutoff=None))
    if world.limit.amount == 0:
        return
    calendar = official()
    received = calendar.local_day(world.received_at)
    by_opening = calendar.is_working(received) and world.received_at <= calendar.opening(received)

    ours = deadline(world.received_at, world.limit, (), calendar)
    theirs = where_it_differs(ours, by_hours(world.received_at, world.limit, (), calendar))

    expected = None
    if by_opening and ours.due_on is not None:
        before = calendar.last_working_day_before(ours.due_on.toordinal())
        expected = ByHours(date.fromordinal(before), calendar.closing(before))
    assert theirs == expected


RULE = LimitRule(
    1, "1.012783", "default", None, day("2018-01-01"), None, EIGHT, ground="NĐ 151/2025"
)
STAGED = replace(RULE, stages=(working_days(5), working_days(3)))


def dossier(rule: LimitRule, facts: Facts) -> tuple[ByHours | None, tuple[ByHours | None, ...]]:
    ground = Ground(rules=[rule], province="H20", difficult=False, calendar=official())
    return of_dossier(facts, derive(facts, ground), official())


def test_a_dossier_received_at_opening_time_differs():
    assert dossier(RULE, told(received_at="2026-07-06T07:00")) == (
        (day("2026-07-15"), at("2026-07-15T17:00")),
        (),
    )
    assert dossier(RULE, told(received_at="2026-07-06T09:00")) == (None, ())


def test_a_dossier_without_a_limit_differs_from_nothing():
    waiting = told(status=Status.SUBMITTED, received_at=None)

    assert dossier(RULE, waiting) == (None, ())


def test_each_appointment_is_compared_by_itself():
    tax = Suspension(Reason.FINANCIAL_OBLIGATION, at("2026-10-12T10:00"), at("2026-11-19T07:00"))
    waiting = replace(tax, until_at=None)
    first = (day("2026-10-09"), at("2026-10-09T17:00"))
    received = "2026-10-05T07:00"

    now, both = dossier(STAGED, told(received_at=received, suspensions=(tax,)))
    assert both == (first, (day("2026-11-23"), at("2026-11-23T17:00")))
    assert now == both[1]

    now, both = dossier(STAGED, told(received_at=received, suspensions=(waiting,)))
    assert (now, both) == (None, (first, None))

    now, both = dossier(STAGED, told(received_at=received))
    assert (now, both) == (first, (first, None))
