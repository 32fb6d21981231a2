"""When a dossier is due: the worked examples of the law, then what holds for every clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.core.calendar import WorkingCalendar, micros
from app.core.clock import (
    MAX_QUANTITY,
    Limit,
    LimitError,
    Reason,
    SupplementPolicy,
    Suspension,
    Unit,
    add_months,
    deadline,
)
from app.core.office_hours import CalendarEndsError, CalendarSpec, hours
from tests.core import naive
from tests.core.ground import (
    at,
    cases,
    day,
    limit_of,
    official,
    policy_of,
    stop,
    stops_of,
    week_of,
    working_days,
    working_hours,
)
from tests.core.worlds import DAY_UNITS, World, suspensions, worlds

PLAIN = [case for case in cases("due_dates")["cases"] if "limit" in case]
RESTART = SupplementPolicy.RESTART
NEVER = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case["id"])
def test_every_worked_example_of_the_law_is_met(case: dict[str, Any]):
    limit = limit_of(case["limit"], case.get("cutoff"))

    clock = deadline(at(case["received_at"]), limit, stops_of(case), official(), policy_of(case))

    if "expected_due_at" in case:
        assert clock.due_at == at(case["expected_due_at"])
    else:
        assert clock.due_on == day(case["expected_due_on"])


def test_a_day_limit_ends_when_its_last_day_ends():
    clock = deadline(at("2026-07-06T09:15"), working_days(8), (), official())

    assert clock.due_on == day("2026-07-16")
    assert clock.due_at == at("2026-07-17T00:00:00+07:00")


def test_a_suspension_after_the_due_moment_heals_nothing_and_is_told():
    late = [stop("2026-07-17T09:00", None)]

    clock = deadline(at("2026-07-06T09:15"), working_days(8), late, official())

    assert clock.heals_nothing
    assert clock.suspended_since is None


def test_an_open_suspension_leaves_no_due_moment_and_says_since_when():
    clock = deadline(
        at("2026-07-06T09:15"), working_days(8), [stop("2026-07-16T15:00", None)], official()
    )

    assert (clock.due_on, clock.due_at) == (None, None)
    assert clock.suspended_since == at("2026-07-16T15:00")


def test_a_supplement_complete_on_the_day_it_was_asked_changes_nothing():
    same_day = [stop("2026-07-08T08:00", "2026-07-08T16:00")]

    clock = deadline(at("2026-07-06T09:15"), working_days(8), same_day, official())

    assert clock == deadline(at("2026-07-06T09:15"), working_days(8), (), official())


def test_a_restart_counts_from_the_completion_even_on_the_day_it_was_asked():
    same_day = [stop("2026-07-08T08:00", "2026-07-08T16:00")]

    clock = deadline(at("2026-07-06T09:15"), working_days(8), same_day, official(), RESTART)

    assert clock.due_on == day("2026-07-20")  # 9, 10, 13 … 17, 20 July


def test_only_a_supplement_restarts():
    stops = [stop("2026-04-24T15:00", "2026-04-29T10:00", Reason.FORCE_MAJEURE)]

    clock = deadline(at("2026-04-16T09:00"), working_days(8), stops, official(), RESTART)

    assert clock.due_on == day("2026-05-05")  # as P1, which resumes


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        ("2026-01-15T09:00", 1, "2026-02-23"),  # 15 February is a Sunday before Tết
        ("2026-01-31T09:00", 1, "2026-03-02"),  # 28 February is a Saturday
        ("2024-01-31T09:00", 1, "2024-02-29"),
        ("2026-03-31T09:00", 3, "2026-06-30"),
        ("2025-11-30T09:00", 14, "2027-02-01"),  # 30 January 2027 is a Saturday
        ("2026-07-06T09:00", 0, "2026-07-06"),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last_one_then_rolls(
    received: str, months: int, due: str
):
    clock = deadline(at(received), Limit(months, Unit.CALENDAR_MONTHS), (), official())

    assert clock.due_on == day(due)


def test_a_month_that_starts_again_is_a_month_from_the_completion():
    stops = [stop("2026-02-05T09:00", "2026-03-10T09:00")]
    month = Limit(1, Unit.CALENDAR_MONTHS)

    clocks = [
        deadline(at(received), month, stops, official(), RESTART)
        for received in ("2026-01-30T09:00", "2026-01-31T09:00")
    ]

    assert [clock.due_on for clock in clocks] == [day("2026-04-10"), day("2026-04-10")]


def test_a_month_that_started_again_twice_is_counted_from_the_last_completion():
    stops = [
        stop("2026-02-05T09:00", "2026-03-10T09:00"),
        stop("2026-02-06T09:00", "2026-02-20T09:00"),
    ]
    month = Limit(1, Unit.CALENDAR_MONTHS)

    clock = deadline(at("2026-01-30T09:00"), month, stops, official(), RESTART)

    assert clock.due_on == day("2026-04-10")


def test_an_extension_counts_from_the_receipt_without_the_cut_off():
    assert deadline(at("2026-04-29T15:20"), working_days(3), (), official()).due_on == day(
        "2026-05-06"
    )


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-07-10T14:00", "2026-07-13T14:00"),  # before it: from the instant
        ("2026-07-10T15:20", "2026-07-13T17:00"),  # after it: as if received as Monday opens
        ("2026-07-11T10:00", "2026-07-13T17:00"),  # a Saturday
    ],
)
def test_a_cut_off_moves_a_limit_of_hours_to_the_next_opening(received: str, due: str):
    limit = Limit.of(8, Unit.WORKING_HOURS, time(15))

    assert deadline(at(received), limit, (), official()).due_at == at(due)


@pytest.mark.parametrize(
    ("received", "hours_given", "due_on", "due_at"),
    [
        ("2026-07-10T12:00", 12, "2026-07-10", "2026-07-11T00:00"),  # used up at Friday's 24:00
        ("2026-07-10T12:00", 36, "2026-07-13", "2026-07-14T00:00"),
        ("2026-07-11T09:00", 0, "2026-07-13", "2026-07-13T00:00"),  # the opening on Monday
        ("2026-07-14T00:00", 0, "2026-07-14", "2026-07-14T00:00"),  # at the very opening
    ],
)
def test_hours_used_up_at_midnight_are_due_on_the_day_they_were_worked(
    received: str, hours_given: float, due_on: str, due_at: str
):
    spec = CalendarSpec(week=week_of(hours([("00:00", "24:00")], "week")))
    calendar = WorkingCalendar(spec, day("2026-07-01"), day("2026-07-31"))

    clock = deadline(at(received), working_hours(hours_given), (), calendar)

    assert (clock.due_on, clock.due_at) == (day(due_on), at(due_at))


@pytest.mark.parametrize(
    ("received", "limit", "stops"),
    [
        ("2028-12-28T09:00", working_days(8), []),
        ("2028-12-28T09:00", working_hours(64), []),
        ("2028-12-31T09:00", working_hours(0), []),
        ("2028-12-20T09:00", Limit(30, Unit.CALENDAR_DAYS), []),
        ("2028-12-20T09:00", Limit(2, Unit.CALENDAR_MONTHS), []),
        ("9990-12-20T09:00", Limit(MAX_QUANTITY, Unit.CALENDAR_MONTHS), []),
        ("2029-01-02T09:00", working_days(1), []),
        ("2020-01-02T09:00", working_days(1), []),
        ("2020-01-02T09:00", working_hours(1), []),
        ("2026-07-06T09:00", working_days(8), [stop("2026-07-08T09:00", "2030-01-01T09:00")]),
        ("2028-12-30T09:00", working_days(0, "15:00"), []),
    ],
)
def test_beyond_the_calendar_there_is_no_date_at_all(
    received: str, limit: Limit, stops: list[Suspension]
):
    with pytest.raises(CalendarEndsError):
        deadline(at(received), limit, stops, official())


@pytest.mark.parametrize(
    ("received", "limit", "provisional"),
    [
        ("2026-12-30T09:00", working_days(1), False),  # 31 December 2026: the last one confirmed
        ("2026-12-30T09:00", working_days(2), True),
        ("2026-12-31T09:00", working_hours(4), False),
        ("2026-12-31T16:00", working_hours(4), True),
        ("2022-12-30T09:00", working_days(3), True),  # begins before what was ever published
    ],
)
def test_a_date_that_leans_on_an_unconfirmed_day_is_provisional(
    received: str, limit: Limit, *, provisional: bool
):
    assert deadline(at(received), limit, (), official()).provisional is provisional


def test_half_a_day_rounds_up_in_days_and_stays_half_in_hours():
    assert Limit.of(0.5, Unit.WORKING_DAYS).amount == 1
    assert Limit.of(4.5, Unit.CALENDAR_DAYS).quantity == 5
    assert Limit.of(0.5, Unit.WORKING_HOURS).quantity == 0.5


def test_a_duration_is_a_limit_of_working_hours():
    assert Limit.lasting(timedelta(minutes=20)) == Limit.of(1 / 3, Unit.WORKING_HOURS)
    assert not Limit.lasting(timedelta(0)).by_date


@pytest.mark.parametrize("quantity", [-1, -0.5, MAX_QUANTITY + 0.5, float("nan"), float("inf")])
def test_a_quantity_no_law_gives_is_refused_by_name(quantity: float):
    with pytest.raises(LimitError) as refused:
        Limit.of(quantity, Unit.WORKING_DAYS)

    assert refused.value.field == "quantity"


@pytest.mark.parametrize("span", [timedelta(seconds=-1), timedelta(hours=MAX_QUANTITY, seconds=1)])
def test_a_duration_no_law_gives_is_refused_by_name(span: timedelta):
    with pytest.raises(LimitError) as refused:
        Limit.lasting(span)

    assert refused.value.field == "duration"
    assert "PT0S" in refused.value.why


def test_months_beyond_all_calendars_are_no_date():
    with pytest.raises(CalendarEndsError):
        add_months(date(9999, 12, 1), 1)


# What holds for every clock.


@settings(max_examples=400)
@given(worlds(*DAY_UNITS))
def test_the_table_equals_a_walk_day_by_day(world: World):
    receipt = naive.counted_from(world.received_at, world.limit, world.spec)
    walked = naive.walk_days(receipt, world.limit, world.stops, world.spec, world.policy)

    clock = world.clock()

    assert clock.counted_from == receipt
    assert clock.due_on == walked.due


@settings(max_examples=150)
@given(worlds(Unit.WORKING_HOURS))
def test_the_table_equals_a_walk_quarter_by_quarter(world: World):
    walked = naive.walk_hours(world.received_at, world.limit, world.stops, world.spec, world.policy)

    clock = world.clock()

    assert (clock.due_at, clock.due_on) == walked


@given(worlds(Unit.WORKING_HOURS))
def test_an_hour_limit_is_due_in_office_hours_both_ends_included(world: World):
    clock = world.clock()

    assume(clock.due_at is not None and clock.due_on is not None)
    assert clock.due_at is not None
    assert clock.due_on is not None
    due = micros(clock.due_at)
    second = (due - micros(world.calendar.midnight_after(clock.due_on.toordinal() - 1))) / 1e6
    assert any(start <= second <= end for start, end in world.spec.hours_on(clock.due_on))


@given(worlds())
def test_every_due_day_is_a_working_day_not_before_the_receipt(world: World):
    clock = world.clock()

    if clock.due_on is not None:
        assert world.calendar.is_working(clock.due_on.toordinal())
        assert clock.due_on >= clock.counted_from


@given(st.data(), worlds(policies=(SupplementPolicy.RESUME,)))
def test_a_suspension_never_brings_a_date_forward(data: st.DataObject, world: World):
    one_more = data.draw(suspensions(world.received_at))

    later = world.clock(stops=(*world.stops, one_more))

    assert (later.due_at or NEVER) >= (world.clock().due_at or NEVER)


@given(st.data(), worlds())
def test_a_suspension_in_two_touching_parts_is_one(data: st.DataObject, world: World):
    whole = data.draw(suspensions(world.received_at, may_be_open=False))
    assert whole.until_at is not None
    quarters = (whole.until_at - whole.from_at) // naive.QUARTER
    middle = whole.from_at + data.draw(st.integers(0, quarters)) * naive.QUARTER
    # Only its second half completes a supplement; the first is where it merely still stands.
    halves = (
        Suspension(Reason.FORCE_MAJEURE, whole.from_at, middle),
        replace(whole, from_at=middle),
    )

    split = world.clock(stops=(*world.stops, *halves))

    assert split.due_at == world.clock(stops=(*world.stops, whole)).due_at


@given(worlds())
def test_the_order_of_suspensions_does_not_matter(world: World):
    assert world.clock(stops=world.stops[::-1]).due_at == world.clock().due_at


@given(st.data(), worlds())
def test_a_later_receipt_is_never_due_earlier(data: st.DataObject, world: World):
    later_at = world.received_at + data.draw(st.integers(0, 20 * 96)) * naive.QUARTER
    stops = tuple(data.draw(st.lists(suspensions(later_at), max_size=3)))

    earlier, later = (
        world.clock(received_at=at, stops=stops) for at in (world.received_at, later_at)
    )

    assert (later.due_at or NEVER) >= (earlier.due_at or NEVER)


@example(
    World(
        CalendarSpec(week=week_of()),
        working_days(8),
        at("2026-07-06T09:15"),
        (stop("2026-07-16T15:00", "2026-07-18T09:00"),),
        SupplementPolicy.RESUME,
    )
)
@given(worlds(*DAY_UNITS, policies=(SupplementPolicy.RESUME,)))
def test_asked_on_the_last_day_it_is_due_when_it_is_complete_again(world: World):
    due_on = world.clock(stops=()).due_on
    assert due_on is not None
    asked_at = datetime.combine(due_on, time(16), world.calendar.zone)
    complete_at = asked_at + timedelta(days=3)
    stops = (Suspension(Reason.SUPPLEMENT, asked_at, complete_at),)

    clock = world.clock(stops=stops)

    rolled = world.calendar.roll(world.calendar.local_day(complete_at))
    assert clock.due_on == date.fromordinal(rolled)


@given(st.data(), worlds())
def test_an_open_suspension_begun_in_time_leaves_none_and_begun_after_heals_nothing(
    data: st.DataObject, world: World
):
    clock = world.clock()
    assume(clock.due_at is not None)
    assert clock.due_at is not None
    since = data.draw(st.integers(0, 60 * 96)) * naive.QUARTER + world.received_at
    stops = (*world.stops, Suspension(Reason.EXPERT_APPRAISAL, since))

    opened = world.clock(stops=stops)

    in_time = since < clock.due_at if world.limit.by_date else since <= clock.due_at
    if in_time:
        assert opened.due_at is None
        assert opened.suspended_since is not None
    else:
        assert opened.due_at == clock.due_at
        assert opened.heals_nothing


@given(worlds(*DAY_UNITS))
def test_a_stop_that_ends_before_it_begins_takes_no_time(world: World):
    backwards = Suspension(
        Reason.FORCE_MAJEURE, world.received_at + timedelta(days=5), world.received_at
    )

    assert world.clock(stops=(backwards,)).due_at == world.clock(stops=()).due_at
