"""The simulator's own counting against the worked examples of the law."""

from datetime import datetime

import pytest

from app.simulator.calendar import ZONE, WorkingDays, instant_of, moment_of, text
from app.simulator.course import Course, counting_day, due_day
from app.simulator.province import Province, Terms

FIRST, LAST = (datetime(year, 1, 1).toordinal() for year in (2024, 2028))  # noqa: DTZ001
SAME_DAY = Terms(0, cutoff=21_600)  # 15:00 is six hours after 07:00, lunch left out


@pytest.fixture(scope="module")
def days(dong_thap: Province) -> WorkingDays:
    return WorkingDays(dong_thap.off, dong_thap.worked, FIRST, LAST)


def working(days: WorkingDays, moment: str) -> int:
    return days.working(instant_of(datetime.fromisoformat(f"{moment}+07:00")))


def due(days: WorkingDays, received: str, terms: Terms) -> str:
    return text(days.closing(due_day(days, counting_day(working(days, received), terms), terms)))


@pytest.mark.parametrize(
    ("received", "terms", "expected"),
    [
        ("2026-07-06T09:15", Terms(8), "2026-07-16"),
        ("2025-04-21T08:00", Terms(8), "2025-05-05"),
        ("2026-02-10T08:00", Terms(8), "2026-02-27"),
        ("2026-01-15T08:00", Terms(20), "2026-02-12"),
        ("2026-11-18T08:00", Terms(5), "2026-11-26"),
        ("2026-04-29T14:50", SAME_DAY, "2026-04-29"),
        ("2026-04-29T15:00", SAME_DAY, "2026-04-29"),
        ("2026-04-29T15:20", SAME_DAY, "2026-05-04"),
        ("2026-03-25T08:00", Terms(30, calendar=True), "2026-04-24"),
        ("2026-04-17T08:00", Terms(15, calendar=True), "2026-05-04"),
    ],
)
def test_a_slip_shows_the_day_of_the_worked_example(
    days: WorkingDays, received: str, terms: Terms, expected: str
):
    assert due(days, received, terms) == f"{expected}T17:00:00+07:00"


@pytest.mark.parametrize(
    ("asked", "brought", "expected"),
    [
        ("2026-04-24T15:00", "2026-04-29T10:00", "2026-05-05"),
        ("2026-04-29T15:00", "2026-05-05T10:00", "2026-05-05"),  # asked on the last day
        ("2026-05-04T08:00", "2026-05-08T10:00", "2026-04-29"),  # asked when it was late already
    ],
)
def test_a_stop_moves_the_due_day_as_the_law_says(
    days: WorkingDays, asked: str, brought: str, expected: str
):
    start = working(days, "2026-04-16T09:00") // 28_800
    course = Course(working(days, asked), start, due_day(days, start, Terms(8)))
    course.pause(working(days, brought))

    assert text(days.closing(course.due))[:10] == expected


@pytest.mark.parametrize(
    ("moment", "second"),
    [("06:00", 0), ("07:00", 0), ("11:30", 16_200), ("12:00", 16_200), ("13:30", 16_200)],
)
def test_lunch_and_the_early_morning_pass_no_working_time(
    days: WorkingDays, moment: str, second: int
):
    assert working(days, f"2026-07-06T{moment}") % 28_800 == second


def test_an_instant_comes_back_as_the_datetime_it_was():
    moment = datetime(2026, 10, 5, 8, 10, 59, tzinfo=ZONE)

    assert moment_of(instant_of(moment)) == moment
    assert text(instant_of(moment)) == moment.isoformat()
