"""A calendar in layers: what the nation says, then an office, then a branch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.core.office_hours import BadCalendarError, CalendarSpec, Hours, Season

ZONE = "Asia/Ho_Chi_Minh"
WARNED_DAYS = 60


@dataclass(frozen=True, slots=True)
class Layer:
    """What one scope publishes; what it leaves out is as the wider scopes have it.

    A day stands under its name in `days_off` or `worked`; `overrides` has the hours of those that
    have hours of their own.
    """

    zone: str | None = None
    week: tuple[Hours, ...] | None = None
    seasons: tuple[Season, ...] = ()
    days_off: Mapping[date, str] = field(default_factory=dict)
    worked: Mapping[date, str] = field(default_factory=dict)
    overrides: Mapping[date, Hours] = field(default_factory=dict)
    confirmed_from: date | None = None
    confirmed_until: date | None = None


def merged(layers: Iterable[Layer]) -> CalendarSpec:
    """The calendar of a branch from its layers, the widest first.

    * a day: the narrowest layer that names it decides, so one branch may close for a storm, or
      work on a day the rest of the province has off;
    * hours: the seasons of the narrowest layer that has a week or seasons win over its week, which
      wins over everything wider;
    * confirmed: only what every layer that says so has confirmed.

    Raises:
        BadCalendarError: no layer has a week, or the whole contradicts itself.
    """
    zone, week = ZONE, None
    seasons: list[Season] = []
    off: dict[date, str] = {}
    worked: dict[date, str] = {}
    other: dict[date, Hours] = {}
    since: list[date] = []
    until: list[date] = []
    for layer in layers:
        zone = layer.zone or zone
        if layer.week is not None:
            if week is None:
                week = layer.week
            else:  # from the first day to the last, over all that is wider
                seasons.append(Season(None, None, layer.week))
        seasons.extend(layer.seasons)
        for day in (*layer.days_off, *layer.worked, *layer.overrides):
            for held in (off, worked, other):
                held.pop(day, None)
        off |= layer.days_off
        worked |= layer.worked
        other |= layer.overrides
        since += [layer.confirmed_from] if layer.confirmed_from else []
        until += [layer.confirmed_until] if layer.confirmed_until else []
    if week is None:
        raise BadCalendarError("week", "no layer has a week; publish the national calendar first")
    spec = CalendarSpec(
        zone=zone,
        week=week,
        days_off=off,
        worked=worked,
        overrides=other,
        confirmed_from=max(since, default=None),
        confirmed_until=min(until, default=None),
        seasons=tuple(seasons),
    )
    spec.check()
    return spec


def days_between(old: Layer, new: Layer) -> tuple[date, date] | None:
    """The first and the last day on which two versions of a layer may differ; None if on none.

    Other hours of the week, or another zone, may differ on any day: from `date.min` to `date.max`.
    """
    if (old.zone, old.week, old.seasons) != (new.zone, new.week, new.seasons):
        return date.min, date.max
    days = [on for on in _named(old) | _named(new) if _said(old, on) != _said(new, on)]
    days += _moved(old.confirmed_from or date.min, new.confirmed_from or date.min)
    days += _moved(old.confirmed_until or date.max, new.confirmed_until or date.max)
    return (min(days), max(days)) if days else None


def _named(layer: Layer) -> set[date]:
    return {*layer.days_off, *layer.worked, *layer.overrides}


def _said(layer: Layer, on: date) -> tuple[object, ...]:
    return layer.days_off.get(on), layer.worked.get(on), layer.overrides.get(on)


def _moved(was: date, will: date) -> tuple[date, ...]:
    return () if was == will else (min(was, will), max(was, will))


def unconfirmed_soon(spec: CalendarSpec, today: date, days: int | None = None) -> date | None:
    """The first day that nobody has confirmed, from 60 days before it on; None while it is far.

    With `days`, from so many before it.

    A notice may come late (2 January 2026 was announced on 25 December 2025), so whoever keeps the
    calendar is told in time to ask for it.
    """
    if spec.confirmed_until is None or spec.confirmed_until == date.max:
        return None
    first = spec.confirmed_until + timedelta(days=1)
    return first if (first - today).days <= (days or WARNED_DAYS) else None
