"""The moments at which something must be said."""

from datetime import time

import pytest
from hypothesis import assume, given

from app.core.alarms import Level, moments
from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Unit, deadline
from app.core.office_hours import CalendarSpec
from tests.core.ground import at, day, official, week_of, working_days, working_hours
from tests.core.worlds import World, worlds

MONTH = Limit(1, Unit.CALENDAR_MONTHS)


def told(received: str, limit: Limit) -> dict[Level, str]:
    clock = deadline(at(received), limit, (), official())
    assert clock.due_on is not None
    assert clock.due_at is not None
    found = moments(clock.due_on, clock.due_at, limit, official())
    return {
        level: f"{moment.astimezone(official().zone):%Y-%m-%d %H:%M}" for moment, level in found
    }


@pytest.mark.parametrize(
    ("received", "limit", "apology_due"),
    [
        ("2025-04-21T09:00", working_days(8), "2025-04-29 07:00"),  # A1: due Monday 5 May 2025
        ("2026-11-19T09:00", working_days(3), "2026-11-23 07:00"),  # A3: 24 November is a holiday
        ("2026-02-10T09:00", working_days(8), "2026-02-26 07:00"),  # A4
        ("2026-07-06T09:00", MONTH, "2026-08-05 07:00"),
    ],
)
def test_an_apology_is_due_on_the_last_office_day_before(
    received: str, limit: Limit, apology_due: str
):
    assert told(received, limit)[Level.APOLOGY_DUE] == apology_due


def test_the_ladder_of_a_limit_of_days():
    assert told("2026-07-06T09:15", working_days(8)) == {
        Level.DUE_SOON: "2026-07-14 07:00",
        Level.APOLOGY_DUE: "2026-07-15 07:00",
        Level.DUE_TODAY: "2026-07-16 07:00",
        Level.OVERDUE: "2026-07-17 00:00",
    }


@pytest.mark.parametrize(
    "limit", [working_days(0), working_days(1), Limit(1, Unit.CALENDAR_DAYS), working_hours(64)]
)
def test_no_apology_and_no_warning_for_a_limit_under_two_days_or_in_hours(limit: Limit):
    assert told("2026-07-06T09:15", limit).keys() == {Level.DUE_TODAY, Level.OVERDUE}


@pytest.mark.parametrize(
    "limit", [working_days(2), Limit(2, Unit.CALENDAR_DAYS), MONTH, Limit(2, Unit.CALENDAR_MONTHS)]
)
def test_from_two_days_on_all_four_are_told(limit: Limit):
    assert told("2026-07-06T09:15", limit).keys() == set(Level)


def test_a_due_day_in_the_first_days_of_a_calendar_warns_of_what_it_can():
    calendar = WorkingCalendar(CalendarSpec(week=week_of()), day("2026-07-01"), day("2026-07-31"))

    def levels(due: str) -> set[Level]:
        due_on = day(due)
        due_at = calendar.midnight_after(due_on.toordinal())
        return {level for _, level in moments(due_on, due_at, working_days(8), calendar)}

    assert levels("2026-07-01") == {Level.DUE_TODAY, Level.OVERDUE}
    assert levels("2026-07-02") == {Level.APOLOGY_DUE, Level.DUE_TODAY, Level.OVERDUE}
    assert levels("2026-07-03") == set(Level)


@given(worlds())
def test_moments_are_in_order_and_all_but_the_last_as_the_office_opens(world: World):
    clock = world.clock()
    assume(clock.due_at is not None)
    assert clock.due_on is not None
    assert clock.due_at is not None

    found = moments(clock.due_on, clock.due_at, world.limit, world.calendar)

    assert list(found) == sorted(found)
    assert [moment.level for moment in found] == sorted(moment.level for moment in found)
    assert found[-1] == (clock.due_at, Level.OVERDUE)
    for moment in found[:-1]:
        local = moment.at.astimezone(world.calendar.zone)
        opens = world.spec.hours_on(local.date())[0].start
        assert local.time() == time(opens // 3600, opens // 60 % 60)
