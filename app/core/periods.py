"""Periods of a report: months, quarters, halves and years, and those the law closes on the 14th."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """How a period is cut; `reporting` ones close on the 14th (NĐ 09/2019/NĐ-CP Đ12)."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"
    REPORTING_QUARTER = "reporting_quarter"
    REPORTING_HALF = "reporting_half"
    REPORTING_YEAR = "reporting_year"
    FREE = "free"


class PeriodError(ValueError):
    """There is no such period; `args[0]` says what to write instead."""


class Period(NamedTuple):
    """Days from `first` to `last`, both included; `name` tells it among all of one office."""

    kind: Kind
    name: str
    first: date
    last: date


FORMS = "2026-09, 2026-Q3, 2026-H1, 2026, 2026-RQ3, 2026-RH1, 2026-RY"
"""How each kind is written; R is the reporting period that closes on the 14th."""

_MONTHS = {
    Kind.MONTH: 1,
    Kind.QUARTER: 3,
    Kind.HALF: 6,
    Kind.YEAR: 12,
    Kind.REPORTING_QUARTER: 3,
    Kind.REPORTING_HALF: 6,
    Kind.REPORTING_YEAR: 12,
}
_REPORTING = (Kind.REPORTING_QUARTER, Kind.REPORTING_HALF, Kind.REPORTING_YEAR)
_LETTERS = {
    "": Kind.MONTH,
    "Q": Kind.QUARTER,
    "H": Kind.HALF,
    "RQ": Kind.REPORTING_QUARTER,
    "RH": Kind.REPORTING_HALF,
}
_WRITTEN = re.compile("([0-9]{4})(?:-(RQ|RH|Q|H|)([0-9]{1,2})|-(RY))?")
CLOSES_ON = 14
"""The day of its last month on which a reporting period closes."""


def named(name: str) -> Period:
    """The period of a name, written as one of `FORMS`.

    Raises:
        PeriodError: there is none.
    """
    found = _WRITTEN.fullmatch(name.strip().upper())
    if found is None:
        raise PeriodError(FORMS)
    year = int(found[1])
    if found[4]:
        kind, nth = Kind.REPORTING_YEAR, 1
    elif found[3] is None:
        kind, nth = Kind.YEAR, 1
    else:
        kind, nth = _LETTERS[found[2]], int(found[3])
    if not (1 <= nth <= 12 // _MONTHS[kind] and date.min.year < year < date.max.year):
        raise PeriodError(FORMS)
    return _nth(kind, year, nth)


def free(first: date, last: date) -> Period:
    """Any days; where they are just those of a named period, that one, the reporting ones first.

    Raises:
        PeriodError: the last day is before the first.
    """
    if last < first:
        raise PeriodError(FORMS)
    for kind in (*_REPORTING, *_MONTHS):
        found = of_day(kind, first)
        if (found.first, found.last) == (first, last):
            return found
    return Period(Kind.FREE, f"{first}..{last}", first, last)


def of_day(kind: Kind, on: date) -> Period:
    """The period of a kind that a day falls into.

    Raises:
        PeriodError: of the free kind there are too many.
    """
    if kind is Kind.FREE:
        raise PeriodError(FORMS)
    year, month = on.year, on.month
    if kind in _REPORTING and on.day > CLOSES_ON:
        year, month = (year + month // 12, month % 12 + 1)
    return _nth(kind, year, 1 + (month - 1) // _MONTHS[kind])


def before(period: Period) -> Period:
    """The period of the same kind that ends the day before; a free one is as long."""
    if period.kind is Kind.FREE:
        return free(period.first - (period.last - period.first) - _DAY, period.first - _DAY)
    return of_day(period.kind, period.first - _DAY)


def latest(kind: Kind, on: date) -> Iterator[Period]:
    """The periods of a kind that are over by a day, the newest first, without end."""
    period = of_day(kind, on)
    while True:
        if period.last < on:
            yield period
        period = before(period)


def _nth(kind: Kind, year: int, nth: int) -> Period:
    months = _MONTHS[kind]
    last_month = nth * months
    if kind in _REPORTING:
        first_month = last_month - months
        first = date(year - 1, 12, 15) if first_month == 0 else date(year, first_month, 15)
        last = date(year, last_month, CLOSES_ON)
    else:
        first = date(year, last_month - months + 1, 1)
        last = date(year, last_month, monthrange(year, last_month)[1])
    return Period(kind, _name(kind, year, nth), first, last)


def _name(kind: Kind, year: int, nth: int) -> str:
    match kind:
        case Kind.MONTH:
            return f"{year}-{nth:02}"
        case Kind.YEAR:
            return f"{year}"
        case Kind.REPORTING_YEAR:
            return f"{year}-RY"
        case _:
            letters = next(letters for letters, one in _LETTERS.items() if one is kind)
            return f"{year}-{letters}{nth}"
