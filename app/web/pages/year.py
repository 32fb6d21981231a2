"""A working calendar as a page shows it: the months of a year, its special days, its hours."""

from calendar import Calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.office_hours import WEEKDAYS, CalendarSpec
from app.db import calendars, publications
from app.service.calendars import Published
from app.web.calendars import days_of

MONTHS = range(1, 13)


class Mark(StrEnum):
    """What a day of the year is: as usual, or one somebody has said something of."""

    WORKED = "worked"
    REST = "rest"
    OFF = "off"
    EXTRA = "extra"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in the grid; `name` is that of a special day."""

    on: date
    mark: Mark
    name: str | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month: its weeks from Monday, None where a week leaves it, and its working days."""

    first: date
    weeks: Sequence[Sequence[Cell | None]]
    worked: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """One day of the list: what is said of it, by which layer, who took it over and when."""

    on: date
    kind: str
    name: str
    source: str
    hours: str
    scope: str
    accepted_by: str | None
    accepted_at: datetime | None
    proposed_by: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """Hours of a week, neighbouring days that are alike together, and when they hold."""

    scope: str
    from_on: date | None
    until_on: date | None
    days: Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Made:
    """One change of a calendar, as people are told of it; `until` where a span was confirmed."""

    published_at: datetime
    by: str
    subject: str
    on: date | None
    kind: str
    name: str
    until: date | None
    moved: int


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer of the calendar: whose, which version of it, published when and by whom."""

    scope: str
    version: int
    published_at: datetime
    by: str | None


def months(worked: WorkingCalendar, year: int) -> list[Month]:
    """The twelve months of a year."""
    return [_month(worked, date(year, month, 1)) for month in MONTHS]


def _month(worked: WorkingCalendar, first: date) -> Month:
    weeks = [
        [_cell(worked, on) if on.month == first.month else None for on in week]
        for week in Calendar().monthdatescalendar(first.year, first.month)
    ]
    cells = [cell for week in weeks for cell in week if cell is not None]
    return Month(
        first,
        weeks,
        sum(worked.is_working(cell.on.toordinal()) for cell in cells),
        all(cell.confirmed for cell in cells),
    )


def _cell(worked: WorkingCalendar, on: date) -> Cell:
    spec, day = worked.spec, on.toordinal()
    name = spec.days_off.get(on) or spec.worked.get(on)
    return Cell(on, _mark(spec, on), name, worked.is_confirmed(day, day))


def _mark(spec: CalendarSpec, on: date) -> Mark:
    usual, hours = spec.week_on(on)[on.weekday()], spec.hours_on(on)
    if not hours:
        return Mark.OFF if usual or on in spec.days_off else Mark.REST
    if not usual:
        return Mark.EXTRA
    return Mark.WORKED if hours == usual else Mark.HOURS


def special_days(session: Session, published: Published, year: int) -> list[SpecialDay]:
    """The days of a year that some layer says something of, in order."""
    return [
        SpecialDay(
            on=date.fromisoformat(day["date"]),
            kind=Mark.HOURS if day.get("hours") else day["kind"],
            name=day["name"],
            source=day.get("source", ""),
            hours=spans(day.get("hours") or ()),
            scope=day["scope"],
            accepted_by=person(day.get("accepted_by")),
            accepted_at=_moment(day.get("accepted_at")),
            proposed_by=day.get("proposed_by"),
        )
        for day in days_of(session, published, year)
    ]


def weeks_and_layers(
    session: Session, published: Published
) -> tuple[list[Week], list[LayerRow], Mapping[str, Any]]:
    """The hours each layer says, the widest first; the layers; and the body of the narrowest."""
    weeks: list[Week] = []
    layers: list[LayerRow] = []
    body: Mapping[str, Any] = {}
    for row in calendars.layers_of(session, published.id):
        body = row["body"]
        if "week" in body:
            weeks.append(_week(row["scope"], None, None, body["week"]))
        weeks += [
            _week(row["scope"], season.get("from"), season.get("until"), season["week"])
            for season in body.get("seasons", ())
        ]
        made = publications.find(session, row["published_in"])
        by = person(made["by"]) if made else None
        layers.append(LayerRow(row["scope"], row["version"], row["published_at"], by))
    return weeks, layers, body


def changes_of(session: Session, scopes: Sequence[str]) -> list[Made]:
    """The newest ten changes of the calendars of some scopes: who said what of which day."""
    found = []
    for row in publications.of_calendars(session, scopes, 10):
        said: Mapping[str, str] = row["details"] or {}
        found.append(
            Made(
                published_at=row["published_at"],
                by=person(row["by"]) or "",
                subject=row["subject"],
                on=_date(said.get("date")),
                kind=said.get("kind", ""),
                name=said.get("name", ""),
                until=_date(said.get("confirmed_until")),
                moved=row["moved"],
            )
        )
    return found


def _week(scope: str, since: str | None, until: str | None, week: Mapping[str, Any]) -> Week:
    told = [spans(week.get(name, ())) for name in WEEKDAYS]
    days = []
    for hours, alike in groupby(range(len(told)), key=told.__getitem__):
        numbers = list(alike)
        days.append((numbers[0], numbers[-1], hours))
    return Week(scope, _date(since), _date(until), days)


def spans(hours: Iterable[Sequence[str]]) -> str:
    """Hours as people write them: `07:00–11:30, 13:30–17:00`; empty for none."""
    return ", ".join(f"{start}–{end}" for start, end in hours)


def person(by: str | None) -> str | None:
    """Who it was, without the kind of credential."""
    return by and (by.partition(":")[2] or by)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
