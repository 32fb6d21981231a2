"""Working days and hours as look-ups in SQL: running totals of each branch's calendar, bound once.

A statement that uses them begins `WITH {TOLD}` (or `TOLD_HOURS` too) and joins `PLACES` by branch;
its arguments are those of `arguments`. The totals of all calendars stand in one array: to find an
entry costs the same wherever it stands, so a row costs two look-ups and no join.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from app.core.calendar import WorkingCalendar, micros

TOLD = "told AS MATERIALIZED (SELECT CAST(:worked AS int[]) AS days)"
PLACES = (
    "unnest(CAST(:placed AS text[]), CAST(:places AS int[]), CAST(:bases AS date[]), "
    "CAST(:untils AS date[]), CAST(:numbers AS int8[])) AS place(branch, at, base, until, number)"
)
TOLD_HOURS = (
    "hours AS MATERIALIZED (SELECT CAST(:starts AS int8[]) AS starts, CAST(:ends AS int8[]) "
    "AS ends, CAST(:before AS int8[]) AS before)"
)
_APART = 2**53  # microseconds; more than lie between any two instants of a calendar


def arguments(
    calendars: Mapping[str, WorkingCalendar], last: date, *, hours: bool = False
) -> dict[str, Any]:
    """The bound parameters: the calendars of branches, up to a day; of later ones is no look-up."""
    distinct = list({id(one): one for one in calendars.values()}.values())
    number = {id(one): at for at, one in enumerate(distinct)}
    days: list[int] = []
    begins: list[int] = []
    for one in distinct:
        begins.append(len(days) + 1)  # arrays of PostgreSQL begin at 1
        days += one.running_days(last.toordinal())
    numbers = [number[id(one)] for one in calendars.values()]
    told = {
        "worked": _array(days),
        "placed": list(calendars),
        "places": [begins[at] for at in numbers],
        "bases": [one.first_on for one in calendars.values()],
        "untils": [min(last, one.last_on) for one in calendars.values()],
        "numbers": [at * _APART for at in numbers],
    }
    return told | (_hours(distinct, last) if hours else {})


def _hours(calendars: Sequence[WorkingCalendar], last: date) -> dict[str, str]:
    """The hours of all calendars in one sorted array, each calendar's apart from the next one's."""
    columns: tuple[list[int], ...] = ([], [], [])
    for number, one in enumerate(calendars):
        midnight = micros(one.midnight_after(min(last, one.last_on).toordinal()))
        for column, values in zip(columns, one.running_hours(midnight), strict=True):
            column += [value + number * _APART for value in values]
    return dict(zip(("starts", "ends", "before"), map(_array, columns), strict=True))


def days(after: str, until: str) -> str:
    """Working days d with `after < d <= until`; null if the calendar does not cover both."""
    return (
        f"CASE WHEN {until} <= {after} THEN 0 "
        f"WHEN {after} >= place.base AND {until} <= place.until "
        f"THEN {_total(until)} - {_total(after)} END"
    )


def at_least(after: str, until: str) -> str:
    """The same, counted from the first day of the calendar where `after` lies before it."""
    return days(f"greatest({after}, place.base)", until)


def time(since: str, until: str) -> str:
    """Working microseconds from one instant to another; null if the calendar lacks a day."""
    return (
        f"CASE WHEN {until} <= {since} THEN 0 "
        f"WHEN {since} AT TIME ZONE 'Asia/Ho_Chi_Minh' >= place.base "
        f"AND {until} AT TIME ZONE 'Asia/Ho_Chi_Minh' < place.until + 1 "
        f"THEN {_worked_before(until)} - {_worked_before(since)} END"
    )


def _total(day: str) -> str:
    return f"(SELECT days FROM told)[place.at + ({day} - place.base)]"


def _worked_before(at: str) -> str:
    """As `WorkingCalendar._worked_before`: the interval that began last, and how much of it."""
    moment = f"(CAST(extract(epoch FROM {at}) * 1000000 AS int8) + place.number)"
    nth = f"width_bucket({moment}, (SELECT starts FROM hours))"
    return (
        f"((SELECT before FROM hours)[{nth}] "
        f"+ least({moment}, (SELECT ends FROM hours)[{nth}]) - (SELECT starts FROM hours)[{nth}])"
    )


def _array(values: Sequence[int]) -> str:
    """An array as PostgreSQL writes it: read once, ten times as fast as bound one by one."""
    return "{" + ",".join(map(str, values)) + "}"


def local_day(at: str) -> str:
    """The local day of an instant."""
    return f"CAST({at} AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)"
