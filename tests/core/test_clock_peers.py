"""What other systems expect of their own clocks, held against ours (facts told in cases/)."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import businesstimedelta
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.clock import Limit, Reason, Suspension, Unit, deadline
from app.core.office_hours import CalendarSpec, hours
from tests.core.ground import cases, day, week_of

OTHER_LAW = (
    "german_month_first_late_day"  # froide: the first day that is late, from a later receipt
)
DUE, ELAPSED = cases("peers_due"), cases("peers_elapsed")
JUDGED = [case for case in DUE["cases"] if case.get("day_rule") != OTHER_LAW]
BY_DAY = [case for case in JUDGED if case["unit"] != Unit.WORKING_HOURS]
BY_HOUR = [case for case in JUDGED if case["unit"] == Unit.WORKING_HOURS]
_DURATION = re.compile(
    r"P(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@cache
def calendar(source: str, name: str, year: int) -> WorkingCalendar:
    told = (DUE if source == "due" else ELAPSED)["calendars"][name]
    spec = CalendarSpec(
        zone=told["zone"],
        week=tuple(hours(spans, "week") for spans in told["week"]),
        days_off={day(on): "" for on in told.get("days_off", ())},
        overrides={day(on): hours(spans, on) for on, spans in told.get("overrides", {}).items()},
    )
    return WorkingCalendar(spec, date(year - 1, 12, 1), date(year + 4, 12, 31))


def moment(text: str, zone: str) -> datetime:
    """An instant, or the start of a day where the source has only the date."""
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))


def stops(case: dict[str, Any]) -> list[Suspension]:
    return [
        Suspension(Reason.SUPPLEMENT, datetime.fromisoformat(since), datetime.fromisoformat(until))
        for since, until in case.get("pauses", ())
    ]


def duration(text: str) -> tuple[int, timedelta]:
    """Months or days, and the time besides."""
    found = _DURATION.fullmatch(text)
    assert found is not None
    figures = {name: int(value or 0) for name, value in found.groupdict().items()}
    days = figures.pop("months") or figures.pop("days")
    return days, timedelta(**{name: figures[name] for name in ("hours", "minutes", "seconds")})


def expected(case: dict[str, Any]) -> str:
    """A peer's own convention or bug is told beside what the plain rule gives."""
    told: str = case.get("plain_rule_due", case["expected_due"])
    return told


@pytest.mark.parametrize("case", BY_HOUR, ids=lambda case: case["id"])
def test_limits_of_hours_agree_with_other_systems(case: dict[str, Any]):
    worked = calendar("due", case["calendar"], int(case["start"][:4]))
    _, span = duration(case["business_duration"])

    clock = deadline(
        datetime.fromisoformat(case["start"]), Limit.lasting(span), stops(case), worked
    )

    assert clock.due_at == datetime.fromisoformat(expected(case))


@pytest.mark.parametrize("case", BY_DAY, ids=lambda case: case["id"])
def test_limits_of_days_and_months_agree_with_other_systems_by_date(case: dict[str, Any]):
    worked = calendar("due", case["calendar"], int(case["start"][:4]))
    zone = worked.spec.zone
    days, span = duration(case["business_duration"])
    received_at = moment(case["start"], zone)

    clock = deadline(received_at, Limit(days, Unit(case["unit"])), stops(case), worked)

    assert clock.due_on is not None
    due_at = moment(expected(case), zone)
    if span:  # some count whole days first, then hours from the same time of that day
        then = datetime.combine(clock.due_on, received_at.astimezone(ZoneInfo(zone)).timetz())
        assert deadline(then, Limit.lasting(span), (), worked).due_at == due_at
    else:
        assert clock.due_on == due_at.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("case", ELAPSED["cases"], ids=lambda case: case["id"])
def test_worked_time_less_pauses_agrees_with_other_systems(case: dict[str, Any]):
    worked = calendar("elapsed", case["calendar"], int(case["start"][:4]))

    def between(since: str, until: str) -> int:
        start, end = (micros(datetime.fromisoformat(edge)) for edge in (since, until))
        return worked.worked_time(start, end)

    paused = sum(between(since, until) for since, until in case.get("pauses", ()))
    seconds = (between(case["start"], case["end"]) - paused) / 1_000_000

    assert seconds == case.get("plain_rule_seconds", case["expected_business_seconds"])


def test_only_the_german_months_are_another_law():
    kept_as_examples = [case["id"] for case in DUE["cases"] if case not in JUDGED]

    assert kept_as_examples == ["froide-01", "froide-03"]
    assert len(JUDGED) == 129


@settings(max_examples=40)
@given(st.integers(0, 60 * 24 * 60), st.integers(1, 60 * 20))
def test_hours_agree_with_a_library_that_walks(minute: int, lasting: int):
    spans = [("07:00", "11:30"), ("13:30", "17:00")]
    spec = CalendarSpec(zone="UTC", week=week_of(hours(spans, "week")))
    worked = WorkingCalendar(spec, date(2026, 1, 1), date(2026, 12, 31))
    walker = businesstimedelta.Rules(  # its own zone is UTC
        [
            businesstimedelta.WorkDayRule(
                start_time=time.fromisoformat(start),
                end_time=time.fromisoformat(end),
                working_days=[0, 1, 2, 3, 4],
            )
            for start, end in spans
        ]
    )
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)

    ours = worked.after_working(micros(start), lasting * 60_000_000)

    assert instant(ours) == start + businesstimedelta.BusinessTimeDelta(
        walker, seconds=lasting * 60
    )
