"""Why a dossier is due when it is: each day counted, each day skipped, each with its ground."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import NamedTuple

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.clock import Deadline, Leg, Limit, Suspension, Unit

_LONGEST = 1_500  # days explained one by one; beyond it nobody reads
_HOUR_MICROS = 3_600_000_000

RECEIPT_GROUND = "BLDS 2015 Đ147 k2"
EVENT_GROUND = "BLDS 2015 Đ147 k3"
INSTANT_GROUND = "BLDS 2015 Đ147 k1"
ROLL_GROUND = "BLDS 2015 Đ148 k5"

_STOPPED = "clock stopped: {reason}"
_STILL_STOPPED = "clock stopped and not yet resumed: {reason}"
_RESTARTS = "complete on this day: the limit starts again ({reason})"
_COUNTED = {
    Unit.WORKING_DAYS: "working day",
    Unit.WORKING_HOURS: "working hours",
    Unit.CALENDAR_DAYS: "calendar day",
    Unit.CALENDAR_MONTHS: "calendar day",
}


class Line(NamedTuple):
    """One day of an explanation.

    Attributes:
        on: The local day.
        counted: Its number in the count (for hours, the working hours used by its end), or None.
        why: The English sentence with `{names}`, which is also the key of its translation.
        params: What fills it; `reason` is itself a word to translate.
        ground: The article behind it, where there is one.
    """

    on: date
    counted: float | None
    why: str
    params: dict[str, str]
    ground: str | None


def explain(
    clock: Deadline,
    limit: Limit,
    calendar: WorkingCalendar,
    ground: str,
    *,
    later_stage: bool = False,
) -> list[Line]:
    """Return the days from the receipt to the due day (or to where the clock stands), in order.

    `ground` is the article of the limit; it stands on the last counted day. A later stage begins
    with the proof of payment, not with a receipt.
    """
    lines: list[Line] = []
    by_hours = limit.unit is Unit.WORKING_HOURS
    first = calendar.local_day(instant(clock.legs[0].since)) if by_hours else clock.legs[0].since
    start = _begun if later_stage else _receipt
    lines.append(start(date.fromordinal(first), clock, limit))
    days = _hour_days(clock, calendar) if by_hours else _days(clock, limit, calendar)
    lines.extend(islice(days, _LONGEST))
    last = lines[-1]
    if last.on == clock.due_on:
        lines[-1] = last._replace(ground=last.ground or ground or None)
    return lines


def _begun(on: date, _: Deadline, limit: Limit) -> Line:
    if limit.unit is Unit.WORKING_HOURS:
        return Line(on, 0, "the stage begins: hours count from the instant", {}, INSTANT_GROUND)
    return Line(on, None, "the stage begins: the day is not counted", {}, EVENT_GROUND)


def _receipt(on: date, clock: Deadline, limit: Limit) -> Line:
    if limit.unit is Unit.WORKING_HOURS:
        return Line(on, 0, "receipt: hours count from the instant", {}, INSTANT_GROUND)
    if limit.cutoff is not None and limit.amount == 0:
        why = "counts as received on this day (cut-off {cutoff}): due the same day"
        return Line(on, None, why, {"cutoff": limit.cutoff.isoformat("minutes")}, None)
    if limit.cutoff is not None:
        why = "counts as received on this day (cut-off {cutoff}): not counted"
        return Line(
            clock.counted_from,
            None,
            why,
            {"cutoff": limit.cutoff.isoformat("minutes")},
            RECEIPT_GROUND,
        )
    return Line(on, None, "day of receipt: not counted", {}, RECEIPT_GROUND)


def _days(clock: Deadline, limit: Limit, calendar: WorkingCalendar) -> Iterator[Line]:
    used = 0
    for leg in clock.legs:
        if leg.restarts:
            used = 0
        if leg.stop is not None:  # an open one has one line; a restart says so even if in one day
            first = leg.since if leg.until is None else leg.since + 1
            yield from _stopped(leg, leg.stop, min(first, leg.last), leg.last)
            continue
        for day in range(leg.since + 1, leg.last + 1):
            line = _day(day, used, leg.amount, limit.unit, calendar)
            used += line.counted is not None
            yield line


def _day(day: int, used: int, amount: int, unit: Unit, calendar: WorkingCalendar) -> Line:
    on = date.fromordinal(day)
    works = calendar.is_working(day)
    name = calendar.spec.worked.get(on)
    if used < amount and (works or unit is not Unit.WORKING_DAYS):
        if works and name:
            return Line(on, used + 1, "worked day: {name}", {"name": name}, None)
        return Line(on, used + 1, _COUNTED[unit], {}, None)
    if works:
        return Line(on, None, "the last day moves to the next working day", {}, ROLL_GROUND)
    return _off(on, calendar)


def _off(on: date, calendar: WorkingCalendar) -> Line:
    name = calendar.spec.days_off.get(on)
    if name:
        return Line(on, None, "day off: {name}", {"name": name}, None)
    if calendar.spec.overrides.get(on) == ():
        return Line(on, None, "closed on this date", {}, None)
    return Line(on, None, "day of rest", {}, None)


def _stopped(leg: Leg, stop: Suspension, first: int, last: int) -> Iterator[Line]:
    """The days from `first` to `last`, both included, on which the clock stood."""
    told: dict[str, str] = {"reason": stop.reason}
    for day in range(first, last + 1):
        why = _RESTARTS if leg.restarts and day == last else _STOPPED
        if leg.until is None:
            why = _STILL_STOPPED
        yield Line(date.fromordinal(day), None, why, told, stop.ground)


def _hour_days(clock: Deadline, calendar: WorkingCalendar) -> Iterator[Line]:
    """Each day with the hours used by its end; one on which the clock ran and stood has two."""
    used = 0
    for leg in clock.legs:
        if leg.restarts:
            used = 0
        first, last = (calendar.local_day(instant(edge)) for edge in (leg.since, leg.last))
        if leg.stop is not None:
            yield from _stopped(leg, leg.stop, first, last)
            continue
        for day in range(first, last + 1):
            on = date.fromordinal(day)
            begin, end = (micros(calendar.midnight_after(edge)) for edge in (day - 1, day))
            span = calendar.worked_time(max(leg.since, begin), min(leg.last, end))
            used += span
            if span or on == clock.due_on:
                yield Line(on, round(used / _HOUR_MICROS, 4), "working hours", {}, None)
            elif not calendar.is_working(day) and (clock.due_on is None or on < clock.due_on):
                yield _off(on, calendar)
