"""The moments at which something must be said."""

from datetime import time

import pytest
from hypothesis import assume, given

from app.core.alarms import apology_day, moments
from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Unit, deadline
from app.core.ladder import DEFAULT, FIRST, Kind, Ladder, Level, Rung, Told, ladder, stored
from app.core.office_hours import CalendarSpec
from tests.core.ground import at, day, official, week_of, working_days, working_hours
from tests.core.worlds import World, worlds

MONTH = Limit(1, Unit.CALENDAR_MONTHS)
AFTER = {Level.OVERDUE_REMINDED, Level.OVERDUE_LONG, Level.OVERDUE_VERY_LONG}
UNWARNED = {Level.DUE_TODAY, Level.OVERDUE} | AFTER
WARNED = UNWARNED | {Level.DUE_SOON, Level.APOLOGY_DUE}


def told(received: str, limit: Limit, by: Ladder = FIRST) -> dict[Level, str]:
    clock = deadline(at(received), limit, (), official())
    assert clock.due_on is not None
    assert clock.due_at is not None
    found = moments(clock.due_on, clock.due_at, limit, official(), by)
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
        Level.OVERDUE_REMINDED: "2026-07-22 00:00",  # the third working day over, 21 July
        Level.OVERDUE_LONG: "2026-07-31 00:00",
        Level.OVERDUE_VERY_LONG: "2026-08-27 00:00",  # Saturday 22 August is worked
    }


@pytest.mark.parametrize(
    ("limit", "moment"),
    [
        (working_days(15), "2026-07-22 07:00"),  # due on Monday 27 July: 11 of 15 days are behind
        (working_days(20), "2026-07-27 07:00"),  # due on Monday 3 August: 15 of 20
        (Limit(30, Unit.CALENDAR_DAYS), "2026-07-29 07:00"),  # due on Wednesday 5 August, 7 days
        (MONTH, "2026-07-30 07:00"),  # due on Thursday 6 August
    ],
)
def test_much_of_a_long_limit_is_used_as_three_quarters_are_behind(limit: Limit, moment: str):
    assert told("2026-07-06T09:15", limit)[Level.SHARE_USED] == moment


def test_a_share_that_would_be_said_after_a_higher_level_is_not_said():
    assert Level.SHARE_USED not in told("2026-07-06T09:15", working_days(8))


def test_an_office_has_a_ladder_of_its_own():
    own = Ladder(
        7,
        (
            Rung(Level.DUE_SOON, (Told.BRANCH,), at_once=True, working_days=4),
            Rung(Level.OVERDUE, (Told.BRANCH,), at_once=True),
            Rung(Level.OVERDUE_REMINDED, (Told.OFFICE,), at_once=False, working_days=1),
        ),
    )

    assert told("2026-07-06T09:15", working_days(8), own) == {
        Level.DUE_SOON: "2026-07-10 07:00",
        Level.OVERDUE: "2026-07-17 00:00",
        Level.OVERDUE_REMINDED: "2026-07-18 00:00",
    }


def test_a_ladder_is_stored_and_read_back():
    again = ladder(1, stored(DEFAULT))

    assert again.rungs == DEFAULT
    assert [one["level"] for one in stored(DEFAULT)] == sorted(int(level) for level in Level)
    assert {rung.level.kind for rung in DEFAULT} == set(Kind)
    assert Level.DUE_SOON.word == "due_soon"


def test_the_day_of_the_apology_is_the_laws_whatever_a_ladder_says():
    due = day("2026-11-25")

    assert apology_day(due, working_days(3), official()) == day("2026-11-23").toordinal()
    assert apology_day(due, working_days(1), official()) is None
    calendar = WorkingCalendar(CalendarSpec(week=week_of()), day("2026-07-01"), day("2026-07-31"))
    assert apology_day(day("2026-07-01"), working_days(8), calendar) is None


@pytest.mark.parametrize(
    "limit", [working_days(0), working_days(1), Limit(1, Unit.CALENDAR_DAYS), working_hours(64)]
)
def test_no_apology_and_no_warning_for_a_limit_under_two_days_or_in_hours(limit: Limit):
    assert told("2026-07-06T09:15", limit).keys() == UNWARNED


@pytest.mark.parametrize(
    "limit", [working_days(2), Limit(2, Unit.CALENDAR_DAYS), MONTH, Limit(2, Unit.CALENDAR_MONTHS)]
)
def test_from_two_days_on_warnings_are_told(limit: Limit):
    assert told("2026-07-06T09:15", limit).keys() - {Level.SHARE_USED} == WARNED


def test_a_due_day_in_the_first_days_of_a_calendar_warns_of_what_it_can():
    calendar = WorkingCalendar(CalendarSpec(week=week_of()), day("2026-07-01"), day("2026-07-31"))

    def levels(due: str) -> set[Level]:
        due_on = day(due)
        due_at = calendar.midnight_after(due_on.toordinal())
        return {level for _, level in moments(due_on, due_at, working_days(8), calendar, FIRST)}

    reached = UNWARNED - {Level.OVERDUE_VERY_LONG}
    assert levels("2026-07-01") == reached
    assert levels("2026-07-02") == reached | {Level.APOLOGY_DUE}
    assert levels("2026-07-03") == reached | {Level.APOLOGY_DUE, Level.DUE_SOON}
    assert levels("2026-07-31") == WARNED - AFTER


@given(worlds())
def test_moments_are_in_order_and_warnings_come_as_the_office_opens(world: World):
    clock = world.clock()
    assume(clock.due_at is not None)
    assert clock.due_on is not None
    assert clock.due_at is not None

    found = moments(clock.due_on, clock.due_at, world.limit, world.calendar, FIRST)

    assert list(found) == sorted(found)
    assert [moment.level for moment in found] == sorted(moment.level for moment in found)
    assert (clock.due_at, Level.OVERDUE) in found
    for moment in found:
        if moment.level >= Level.OVERDUE:
            assert moment.at >= clock.due_at
            continue
        local = moment.at.astimezone(world.calendar.zone)
        opens = world.spec.hours_on(local.date())[0].start
        assert local.time() == time(opens // 3600, opens // 60 % 60)
