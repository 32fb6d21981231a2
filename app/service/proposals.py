"""Days that a library proposes for a calendar: a person takes each over, or does not."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any, NamedTuple

import holidays

from app.core.office_hours import CalendarSpec
from app.core.problems import Problem
from app.service.calendar_items import Day, DayBody
from app.service.changes import NotPublishableError

_YEARS_LOOKED_AT = 3
PROPOSED_BY = f"holidays {version('holidays')}"


class Standing(StrEnum):
    """What the calendar says of a proposed day."""

    NEW = "new"
    THERE = "there"
    DIFFERS = "differs"


class Proposal(NamedTuple):
    """One proposed day.

    `confirmed` tells that the calendar is said to be complete on that day: then a new proposal
    is where the library and the official notice disagree, and the notice is right.
    """

    on: date
    kind: str
    name: str
    proposed_by: str
    standing: Standing
    confirmed: bool


def proposals(spec: CalendarSpec, year: int) -> list[Proposal]:
    """The days off and worked Saturdays the library knows for a year, in order.

    It only proposes: its version 0.109 misses the swap of 2 January 2026 for Saturday the 10th.
    Days off that fall on a day of rest change nothing and are left out.
    """
    known = holidays.country_holidays("VN", years=year, language="vi")
    worked: Sequence[date] = sorted(on for on in known.weekend_workdays if on.year == year)
    off = [(on, "off", name) for on, name in known.items() if _works(spec, on)]
    work = [(on, "work", "Làm bù") for on in worked]
    until = spec.confirmed_until
    return [
        Proposal(
            on, kind, name, PROPOSED_BY, _standing(spec, on, kind), until is None or on <= until
        )
        for on, kind, name in sorted([*off, *work])
    ]


def taken_over(spec: CalendarSpec, on: date, body: DayBody, by: str, at: datetime) -> Day:
    """A day as a person says it; the library is named with it only if it proposes that kind.

    Raises:
        NotPublishableError: it names no source. A library's word is none.
    """
    if not body.source.strip():
        why = "name the notice or decision that says so"
        raise NotPublishableError(Problem("source", why))
    proposed = next((one for one in proposals(spec, on.year) if one.on == on), None)
    of = proposed.proposed_by if proposed is not None and proposed.kind == body.kind else None
    return body.accepted(on, of, by, at)


def left_out(spec: CalendarSpec, until: date) -> list[Proposal]:
    """Proposed days that nobody has taken over, among those a confirmation up to a day adds."""
    since = spec.confirmed_until
    if since is None or until <= since:
        return []
    years = range(since.year, min(until.year, since.year + _YEARS_LOOKED_AT) + 1)
    return [
        one
        for year in years
        for one in proposals(spec, year)
        if one.standing is Standing.NEW and since < one.on <= until
    ]


def _works(spec: CalendarSpec, on: date) -> bool:
    """Whether the day would be worked, were it no special day."""
    return bool(spec.week_on(on)[on.weekday()]) or on in spec.worked


def _standing(spec: CalendarSpec, on: date, kind: str) -> Standing:
    said: Mapping[str, Mapping[date, Any]] = {"off": spec.days_off, "work": spec.worked}
    if on in said[kind]:
        return Standing.THERE
    other = said["work" if kind == "off" else "off"]
    return Standing.DIFFERS if on in other else Standing.NEW
