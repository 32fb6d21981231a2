"""Stored calendar bodies as the core reads them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.core.calendar import WEEKDAYS, CalendarSpec, Hours, Season, WorkingCalendar, hours

# The days every published calendar is computed for: regime A's first receipts, and 30 years on.
FIRST_ON, LAST_ON = date(2013, 1, 1), date(2056, 12, 31)


def working_calendar(
    body: Mapping[str, Any], first_on: date = FIRST_ON, last_on: date = LAST_ON
) -> WorkingCalendar:
    """The table of a published calendar body.

    Raises:
        BadCalendarError: the body contradicts itself.
    """
    return WorkingCalendar(calendar_spec(body), first_on, last_on)


def calendar_spec(body: Mapping[str, Any]) -> CalendarSpec:
    """A published body (`app/catalogue/calendar_vn.json`) as the core reads it."""
    days = body.get("days", ())
    with_hours = [day for day in days if day.get("hours") is not None]
    plain = [day for day in days if day.get("hours") is None]
    return CalendarSpec(
        zone=body["zone"],
        week=_week(body["week"], "week"),
        days_off={
            date.fromisoformat(day["date"]): day["name"] for day in plain if day["kind"] == "off"
        },
        worked={
            date.fromisoformat(day["date"]): day["name"] for day in plain if day["kind"] == "work"
        },
        overrides={
            date.fromisoformat(day["date"]): hours(day["hours"], f"days.{day['date']}")
            for day in with_hours
        },
        confirmed_from=_date(body.get("confirmed_from")),
        confirmed_until=_date(body.get("confirmed_until")),
        seasons=tuple(
            Season(
                _date(season.get("from")),
                _date(season.get("until")),
                _week(season["week"], f"seasons[{at}].week"),
            )
            for at, season in enumerate(body.get("seasons", ()))
        ),
    )


def _week(week: Mapping[str, Any], where: str) -> tuple[Hours, ...]:
    return tuple(hours(week.get(name, []), f"{where}.{name}") for name in WEEKDAYS)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
