"""Stored calendar layers as the core reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from app.core.calendar import WorkingCalendar
from app.core.layers import Layer, merged
from app.core.office_hours import WEEKDAYS, CalendarSpec, Hours, Season, hours

# The days every published calendar is computed for: regime A's first receipts, and 30 years on.
FIRST_ON, LAST_ON = date(2013, 1, 1), date(2056, 12, 31)


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """One published layer: whose, and which version of it."""

    scope: str
    version: int


@dataclass(frozen=True)
class Published:
    """The working calendar of a branch: the layers it is made of, the widest first.

    `id` names exactly these versions for ever. The table is built at first use: most branches
    share one, and a process that only lists dossiers needs none.
    """

    id: int
    layers: tuple[LayerVersion, ...]
    spec: CalendarSpec

    @cached_property
    def calendar(self) -> WorkingCalendar:
        """The table of the days and hours worked."""
        return WorkingCalendar(self.spec, FIRST_ON, LAST_ON)


def published(calendar_id: int, rows: Sequence[Mapping[Any, Any]]) -> Published:
    """The working calendar of that id, from its stored layers, the widest first."""
    return Published(
        calendar_id,
        tuple(LayerVersion(row["scope"], row["version"]) for row in rows),
        merged(layer(row["body"]) for row in rows),
    )


def layer(body: Mapping[str, Any]) -> Layer:
    """A published body (`app/catalogue/calendar_vn.json`) as the core reads it.

    Raises:
        BadCalendarError: its hours contradict themselves.
    """
    days = {date.fromisoformat(day["date"]): day for day in body.get("days", ())}
    return Layer(
        zone=body.get("zone"),
        week=_week(body["week"], "week") if "week" in body else None,
        seasons=tuple(
            Season(
                _date(season.get("from")),
                _date(season.get("until")),
                _week(season["week"], f"seasons[{at}].week"),
            )
            for at, season in enumerate(body.get("seasons", ()))
        ),
        days_off={on: day["name"] for on, day in days.items() if day["kind"] == "off"},
        worked={on: day["name"] for on, day in days.items() if day["kind"] == "work"},
        overrides={
            on: hours(day["hours"], f"days.{on}")
            for on, day in days.items()
            if day.get("hours") is not None
        },
        confirmed_from=_date(body.get("confirmed_from")),
        confirmed_until=_date(body.get("confirmed_until")),
    )


def _week(week: Mapping[str, Any], where: str) -> tuple[Hours, ...]:
    return tuple(hours(week.get(name, []), f"{where}.{name}") for name in WEEKDAYS)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
