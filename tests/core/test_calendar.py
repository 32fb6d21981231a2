"""The working calendar: what may be published, and its look-ups against counting by hand."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.office_hours import (
    BadCalendarError,
    CalendarEndsError,
    CalendarSpec,
    Interval,
    Season,
    hours,
)
from tests.core import naive
from tests.core.ground import HANOI, OFFICE, at, day, official, official_spec, week_of
from tests.core.worlds import FIRST, LAST, specs

BEGINS, ENDS = date(2026, 1, 1), date(2026, 3, 31)
_moments = st.integers(0, 89 * 96).map(
    lambda quarters: datetime.combine(BEGINS, time(), HANOI) + quarters * naive.QUARTER
)


def numbered(text: str) -> int:
    return day(text).toordinal()


def test_hours_are_sorted_and_may_end_at_midnight():
    assert hours([("13:30", "24:00"), ["07:00", "11:30:15"]], "week.mon") == (
        Interval(7 * 3600, 11 * 3600 + 30 * 60 + 15),
        Interval(13 * 3600 + 30 * 60, 24 * 3600),
    )


def test_spans_may_touch():
    assert len(hours([("07:00", "11:30"), ("11:30", "17:00")], "week.mon")) == 2


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ([("07:00", "11:30"), ("11:00", "17:00")], "two spans overlap"),
        ([("22:00", "02:00")], "split it at midnight"),
        ([("17:00", "07:00")], "ends before it begins"),
        ([("07:00", "07:00")], "ends before it begins"),
        ([("24:00", "24:00")], "ends before it begins"),
        ([("7 o'clock", "17:00")], "is not a time of day"),
        ([("07:00", None)], "is not a time of day"),
        ([("25:00", "26:00")], "is not a time of day"),
        ([("07:00",)], "give each span as [from, to]"),
        (["07:00-17:00"], "give each span as [from, to]"),
        ("07:00-17:00", "give a list of [from, to] pairs"),
        (None, "give a list of [from, to] pairs"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_their_field(spans: object, why: str):
    with pytest.raises(BadCalendarError) as refused:
        hours(spans, "week.mon")

    assert refused.value.where == "week.mon"
    assert why in refused.value.why


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (
            CalendarSpec(
                week=week_of(), days_off={day("2026-01-10"): ""}, worked={day("2026-01-10"): ""}
            ),
            "days",
        ),
        (CalendarSpec(week=week_of(days=0)), "week"),
        (CalendarSpec(week=week_of(days=0), overrides={day("2026-01-10"): ()}), "week"),
        (CalendarSpec(week=week_of()[:6]), "week"),
        (CalendarSpec(), "week"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(spec: CalendarSpec, where: str):
    with pytest.raises(BadCalendarError) as refused:
        WorkingCalendar(spec, BEGINS, ENDS)

    assert refused.value.where == where


def test_a_calendar_of_single_days_is_one():
    spec = CalendarSpec(week=week_of(days=0), overrides={day("2026-01-10"): OFFICE})

    assert WorkingCalendar(spec, BEGINS, ENDS).is_working(numbered("2026-01-10"))


def test_hours_of_one_date_win_over_exchange_over_days_off_over_the_week():
    short = hours([("07:00", "11:30")], "overrides")
    spec = CalendarSpec(
        week=week_of(),
        days_off={day("2026-01-01"): "Tết", day("2026-01-02"): "hoán đổi"},
        worked={day("2026-01-10"): "làm bù", day("2026-01-17"): "làm bù"},
        overrides={day("2026-01-01"): short, day("2026-01-17"): (), day("2026-01-05"): short},
    )

    told = {
        on: spec.hours_on(day(on))
        for on in ("2026-01-01", "2026-01-02", "2026-01-05", "2026-01-06", "2026-01-10")
    }

    assert told == {
        "2026-01-01": short,
        "2026-01-02": (),
        "2026-01-05": short,
        "2026-01-06": OFFICE,
        "2026-01-10": OFFICE,
    }
    assert spec.hours_on(day("2026-01-17")) == ()
    assert CalendarSpec(week=week_of(days=0)).usual_hours(BEGINS) == ()


@pytest.mark.parametrize(("year", "days"), [(2023, 249), (2024, 251), (2025, 250), (2026, 249)])
def test_the_official_calendar_has_as_many_working_days_as_counted_by_hand(year: int, days: int):
    before, last = (date(at_year, 12, 31).toordinal() for at_year in (year - 1, year))

    assert official().worked_days(before, last) == days


def test_each_month_of_2026_has_as_many_working_days_as_counted_by_hand():
    edges = [date(2026, month, 1).toordinal() - 1 for month in range(1, 13)]
    edges.append(date(2026, 12, 31).toordinal())

    counted = [official().worked_days(since, until) for since, until in pairwise(edges)]

    assert counted == [21, 15, 22, 20, 20, 22, 23, 21, 20, 22, 20, 23]


@given(st.integers(0, 2000), st.integers(0, 700))
def test_working_days_agree_with_numpy(since: int, lasting: int):
    spec, first = official_spec(), date(2023, 1, 1).toordinal() + since
    last = min(first + lasting, official().last_on.toordinal())
    begin, end = (date.fromordinal(edge + 1) for edge in (first, last))

    weekdays = np.busday_count(begin, end, holidays=sorted(spec.days_off))
    saturdays = sum(begin <= on < end for on in spec.worked)

    assert official().worked_days(first, last) == weekdays + saturdays


@given(specs(), st.integers(0, 300), st.integers(1, 30))
def test_the_nth_working_day_has_n_working_days_up_to_it(
    spec: CalendarSpec, since: int, count: int
):
    calendar, after = WorkingCalendar(spec, FIRST, LAST), FIRST.toordinal() + since

    found = calendar.nth_working_day(after, count)

    assert calendar.is_working(found)
    assert sum(calendar.is_working(one) for one in range(after + 1, found + 1)) == count
    assert calendar.worked_days(after, found) == count
    assert calendar.worked_days(found, after) == 0
    assert calendar.last_working_day_before(calendar.roll(found + 1)) == found


@given(specs(), _moments, _moments)
def test_worked_time_is_the_sum_of_the_open_quarters(
    spec: CalendarSpec, since: datetime, until: datetime
):
    calendar = WorkingCalendar(spec, BEGINS, ENDS)
    edges = [
        (micros(at(f"{on}T00:00")) + start * 1_000_000, micros(at(f"{on}T00:00")) + end * 1_000_000)
        for on in (BEGINS + timedelta(days=more) for more in range(90))
        for start, end in spec.hours_on(on)
    ]
    first, last = micros(since), micros(until)

    by_hand = sum(max(0, min(end, last) - max(start, first)) for start, end in edges)

    assert calendar.worked_time(first, last) == by_hand


@given(specs(), _moments, st.integers(1, 40))
def test_after_working_is_the_inverse_of_worked_time(
    spec: CalendarSpec, since: datetime, quarters: int
):
    calendar = WorkingCalendar(spec, FIRST, LAST)
    start, amount = micros(since), quarters * 900_000_000

    found = calendar.after_working(start, amount)

    assert calendar.worked_time(start, found) == amount
    assert calendar.worked_time(start, found - 1) == amount - 1


@given(specs(), _moments)
def test_nothing_to_work_is_now_or_the_next_opening(spec: CalendarSpec, since: datetime):
    calendar = WorkingCalendar(spec, FIRST, LAST)

    found = calendar.after_working(micros(since), 0)

    assert found >= micros(since)
    assert calendar.worked_time(micros(since), found) == 0
    assert calendar.worked_time(found, found + 1) == 1


def test_an_office_opens_and_closes_by_its_hours():
    monday = numbered("2026-01-05")

    assert official().opening(monday) == at("2026-01-05T07:00")
    assert official().closing(monday) == at("2026-01-05T17:00")
    assert official().midnight_after(monday) == at("2026-01-06T00:00")
    with pytest.raises(ValueError, match="2026-01-04 is not a working day"):
        official().opening(numbered("2026-01-04"))


def test_outside_its_days_a_calendar_has_no_answer():
    calendar = WorkingCalendar(CalendarSpec(week=week_of()), BEGINS, ENDS)
    first, last = BEGINS.toordinal(), ENDS.toordinal()
    noon = micros(datetime.combine(ENDS, time(18), HANOI))

    with pytest.raises(CalendarEndsError, match="covers 2026-01-01 to 2026-03-31"):
        calendar.is_working(last + 1)
    with pytest.raises(CalendarEndsError, match="ends on 2026-03-31"):
        calendar.nth_working_day(last, 1)
    with pytest.raises(CalendarEndsError, match="begins on 2026-01-01"):
        calendar.last_working_day_before(first)
    with pytest.raises(CalendarEndsError, match="ends on 2026-03-31"):
        calendar.after_working(noon, 0)
    with pytest.raises(CalendarEndsError, match="ends on 2026-03-31"):
        calendar.after_working(noon, 1)
    with pytest.raises(CalendarEndsError):
        calendar.worked_time(micros(at("2025-12-31T12:00")), noon)


def test_before_the_first_opening_nothing_is_worked():
    spec = CalendarSpec(week=week_of())
    calendar = WorkingCalendar(spec, BEGINS, ENDS)

    midnight, ten = (micros(at(f"2026-01-01T{text}")) for text in ("00:00", "10:00"))

    assert calendar.worked_time(midnight, ten) == 3 * 3600 * 1_000_000


def test_what_is_confirmed_has_a_first_and_a_last_day():
    calendar = official()
    first, last = numbered("2023-01-01"), numbered("2026-12-31")

    assert calendar.is_confirmed(first, last)
    assert not calendar.is_confirmed(first - 1, last)
    assert not calendar.is_confirmed(first, last + 1)
    assert WorkingCalendar(CalendarSpec(week=week_of()), BEGINS, ENDS).is_confirmed(first, last)


def test_instants_are_exact_to_the_microsecond_and_before_1970():
    for text in ("2026-07-06T09:15:00.000001", "1969-12-31T23:59:59.999999"):
        assert instant(micros(at(text))) == at(text)


def test_a_summer_time_day_has_the_hours_the_clocks_show():
    spec = CalendarSpec(
        zone="Europe/Berlin", week=week_of(hours([("00:00", "24:00")], "week"), days=7)
    )
    calendar = WorkingCalendar(spec, date(2026, 3, 1), date(2026, 11, 30))

    def worked(on: str) -> float:
        midnight = calendar.midnight_after(numbered(on) - 1), calendar.midnight_after(numbered(on))
        return calendar.worked_time(*map(micros, midnight)) / 3_600_000_000

    assert [worked(on) for on in ("2026-03-29", "2026-03-30", "2026-10-25")] == [23, 24, 25]


SUMMER = hours([("06:30", "11:00"), ("13:30", "17:00")], "summer")


def test_of_the_seasons_that_cover_a_day_the_last_wins():
    spec = CalendarSpec(
        week=week_of(),
        seasons=(
            Season(day("2026-04-16"), day("2026-10-15"), week_of(SUMMER)),
            Season(day("2026-07-01"), day("2026-07-03"), week_of(days=0)),
        ),
        worked={day("2026-08-22"): "làm bù"},
    )

    assert spec.hours_on(day("2026-04-15")) == OFFICE
    assert spec.hours_on(day("2026-04-16")) == SUMMER
    assert spec.hours_on(day("2026-10-15")) == SUMMER
    assert spec.hours_on(day("2026-10-16")) == OFFICE
    assert spec.hours_on(day("2026-07-02")) == ()
    assert spec.hours_on(day("2026-08-22")) == SUMMER  # worked like the days of its season


def test_a_season_changes_the_days_the_table_counts():
    storm = Season(day("2026-07-01"), day("2026-07-03"), week_of(days=0))
    calendar = WorkingCalendar(
        CalendarSpec(week=week_of(), seasons=(storm,)), day("2026-06-01"), day("2026-12-31")
    )

    counted = calendar.worked_days(numbered("2026-06-30"), numbered("2026-07-07"))

    assert counted == 2  # 6 and 7 July: 1 to 3 are closed, 4 and 5 a weekend


@pytest.mark.parametrize(
    ("season", "why"),
    [
        (Season(day("2026-05-01"), day("2026-04-30"), week_of()), "ends before it"),
        (Season(None, None, week_of()[:6]), "give seven days"),
    ],
)
def test_a_season_that_cannot_be_one_is_refused(season: Season, why: str):
    with pytest.raises(BadCalendarError, match=why):
        CalendarSpec(week=week_of(), seasons=(season,)).check()


def test_running_totals_are_the_look_ups_of_whoever_has_no_calendar_at_hand():
    calendar = official()
    first, last = calendar.first_on.toordinal(), day("2026-12-31").toordinal()
    days = calendar.running_days(last)
    starts, ends, before = calendar.running_hours(micros(calendar.midnight_after(last)))

    assert len(days) == last - first + 1
    for on in (day("2026-01-10"), day("2026-02-13"), day("2026-12-31")):
        since = day("2026-01-02").toordinal()
        until = on.toordinal()
        assert days[until - first] - days[since - first] == calendar.worked_days(since, until)
    assert len(starts) == len(ends) == len(before)
    worked = sum(end - start for start, end in zip(starts, ends, strict=True))
    assert before[-1] + ends[-1] - starts[-1] == worked
    assert instant(ends[-1]).astimezone(HANOI) == at("2026-12-31T17:00")


def test_before_a_calendar_begins_there_are_no_running_totals_and_beyond_it_no_more():
    calendar = official()

    assert calendar.running_days(day("0590-01-01").toordinal()) == []
    assert calendar.running_days(day("2999-01-01").toordinal()) == calendar.running_days(
        calendar.last_on.toordinal()
    )
    assert calendar.running_hours(micros(at("1900-01-01T08:00"))) == ([], [], [])
