"""Why a dossier is due when it is: each day counted, each day skipped, each with its ground."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.clock import Deadline, Limit, Reason, Suspension, Unit
from app.core.stages import Stage

_LONGEST = 1_500  # days explained one by one; beyond it nobody reads
_HOUR_MICROS = 3_600_000_000

RECEIPT_GROUND = "BLDS 2015 Đ147 k2"
EVENT_GROUND = "BLDS 2015 Đ147 k3"
INSTANT_GROUND = "BLDS 2015 Đ147 k1"
ROLL_GROUND = "BLDS 2015 Đ148 k5"

_STOPPED = "clock stopped: {reason}"
_STOPPED_OFF = "clock stopped: {reason} (day off: {name})"
_STILL_STOPPED = "clock stopped and not yet resumed: {reason}"
_RESTARTS = "complete on this day: the limit starts again ({reason})"
_DUE_NOW = "complete on this day and nothing of the limit is left: due on this day ({reason})"
_DUE_NEXT = (
    "complete on this day and nothing of the limit is left: due on the next working day ({reason})"
)
_COUNTED = {
    Unit.WORKING_DAYS: "working day",
    Unit.WORKING_HOURS: "working hours",
    Unit.CALENDAR_DAYS: "calendar day",
    Unit.CALENDAR_MONTHS: "calendar day",
}


class Begins(StrEnum):
    """What a clock starts with; the word for it, of receipts whose it is."""

    RECEIPT = "received"
    LAND_OFFICE = "received by the land office"
    STAGE = "the stage begins"


_BY_HOURS = {
    Begins.RECEIPT: "receipt: hours count from the instant",
    Begins.LAND_OFFICE: "received by the land office at {at}: hours count from the instant",
    Begins.STAGE: "the stage begins: hours count from the instant",
}
_BY_DAYS = {
    Begins.RECEIPT: "day of receipt: not counted",
    Begins.LAND_OFFICE: "received by the land office at {at}: the day is not counted",
    Begins.STAGE: "the stage begins: the day is not counted",
}
_SAME_DAY = {
    Begins.RECEIPT: "day of receipt: the limit is this same working day",
    Begins.LAND_OFFICE: "received by the land office at {at}: the limit is this same working day",
    Begins.STAGE: "the stage begins: the limit is this same working day",
}
_OPENING_HOURS = (
    "counts as received when the office opens (cut-off {cutoff}): hours count from then"
)
_CUT_DAYS = "counts as received on this day (cut-off {cutoff}): not counted"
_CUT_SAME_DAY = "counts as received on this day (cut-off {cutoff}): due the same day"
_CUT_LAND_OFFICE = "received by the land office at {at} (cut-off {cutoff}): the day is not counted"
_CUT_LAND_OFFICE_SAME_DAY = (
    "received by the land office at {at} (cut-off {cutoff}): due the same day"
)


class Opening(NamedTuple):
    """How a clock began.

    Attributes:
        begins: With whose receipt, or with a later stage.
        handed_in: The one-stop shop's receipt, where the land office's starts the clock.
    """

    begins: Begins = Begins.RECEIPT
    handed_in: datetime | None = None


_AT_RECEIPT = Opening()


class Grounds(NamedTuple):
    """The articles behind an explanation: of the limit, and of each reason to stop the clock."""

    limit: str = ""
    halts: Mapping[Reason, str] = MappingProxyType({})


class Line(NamedTuple):
    """One day of an explanation.

    Attributes:
        on: The local day.
        counted: Its number in the count (for hours, the working hours used by its end), or None.
        why: The English sentence with `{names}`, which is also the key of its translation.
        params: What fills it; `reason` and `received` are themselves words to translate.
        ground: The article behind it, where there is one.
        remark: What the sender wrote of the suspension it lies in.
        provisional: Whether the calendar of that day is not officially published yet.
    """

    on: date
    counted: float | None
    why: str
    params: dict[str, str]
    ground: str | None
    remark: str | None = None
    provisional: bool = False


def explain(
    clock: Deadline,
    limit: Limit,
    calendar: WorkingCalendar,
    grounds: Grounds,
    opening: Opening = _AT_RECEIPT,
) -> list[Line]:
    """Return the days from the receipt to the due day (or to where the clock stands), in order.

    The article of the limit stands on the last counted day.
    """
    lines = [*_opened(clock, limit, calendar, grounds, opening)]
    by_hours = limit.unit is Unit.WORKING_HOURS
    days = _hour_days(clock, calendar) if by_hours else _days(clock, limit, calendar)
    lines.extend(islice(days, _LONGEST))
    last = lines[-1]
    if last.on == clock.due_on:
        lines[-1] = last._replace(ground=last.ground or grounds.limit or None)
    return [_marked(line, calendar, grounds) for line in lines]


def explain_stages(
    found: Sequence[Stage], calendar: WorkingCalendar, grounds: Grounds, opening: Opening
) -> Iterator[tuple[int | None, Line]]:
    """The days of each stage with its number; those between two stages belong to none."""
    for one, following in zip(found, (*found[1:], None), strict=True):
        if one.deadline is None:
            continue
        begun = opening if one.stage == 1 else Opening(Begins.STAGE)
        for line in explain(one.deadline, one.limit, calendar, grounds, begun):
            yield one.stage, line
        if following is not None and one.ended_at is not None:
            ended = calendar.local_day(one.ended_at)
            for line in _overdue(one.deadline, ended):
                yield one.stage, _marked(line, calendar, grounds)
            for line in _wait(ended, following.started_at, calendar, grounds):
                yield None, _marked(line, calendar, grounds)


def _overdue(clock: Deadline, ended: int) -> Iterator[Line]:
    """The days a stage lasted beyond its due day."""
    first = ended + 1 if clock.due_on is None else clock.due_on.toordinal() + 1
    why = "after the due day of this appointment, which has not ended yet"
    for day in islice(range(first, ended + 1), _LONGEST):
        yield Line(date.fromordinal(day), None, why, {}, None)


def _wait(
    ended: int, started_at: datetime | None, calendar: WorkingCalendar, grounds: Grounds
) -> Iterator[Line]:
    """The days after one stage ended and before the next began; an open wait has one line."""
    ground = grounds.halts.get(Reason.FINANCIAL_OBLIGATION)
    if started_at is None:
        why = "from this day on the financial obligation is waited for: no appointment runs"
        yield Line(date.fromordinal(ended), None, why, {}, ground)
        return
    for day in islice(range(ended + 1, calendar.local_day(started_at)), _LONGEST):
        why = "waiting for the financial obligation: in no appointment, nobody's delay"
        yield Line(date.fromordinal(day), None, why, {}, ground)


def _marked(line: Line, calendar: WorkingCalendar, grounds: Grounds) -> Line:
    """With the law of its stop, and whether its day is confirmed."""
    day = line.on.toordinal()
    stop = line.params.get("reason")
    ground = line.ground if stop is None else grounds.halts.get(Reason(stop), line.ground)
    return line._replace(ground=ground, provisional=not calendar.is_confirmed(day, day))


def _opened(
    clock: Deadline, limit: Limit, calendar: WorkingCalendar, grounds: Grounds, opening: Opening
) -> Iterator[Line]:
    """The day of receipt, and those until the day it counts as received."""
    received_at = clock.received_at.astimezone(calendar.zone)
    first, start = received_at.date(), clock.counted_from
    if opening.handed_in is not None:
        yield from _handed_in(opening.handed_in.astimezone(calendar.zone), first, grounds)
    cutoff = _time(limit.cutoff or time())
    told = {"at": _time(received_at.time()), "cutoff": cutoff}
    if start != first:
        params = told | {"received": opening.begins.value}
        yield _moved(first, params, calendar)._replace(ground=grounds.limit or None)
        for day in range(first.toordinal() + 1, start.toordinal()):
            yield _off(date.fromordinal(day), calendar)
    yield _start(start, clock, limit, opening.begins, told, calendar)


def _time(at: time) -> str:
    return at.isoformat("minutes" if at.second == 0 else "seconds")


def _handed_in(at: datetime, until: date, grounds: Grounds) -> Iterator[Line]:
    """The one-stop shop's receipt, and the days until the land office's."""
    if at.date() <= until:
        why = "received by the one-stop shop at {at}: the limit runs from the land office's receipt"
        ground = grounds.limit or None
        yield Line(at.date(), None, why, {"at": _time(at.time())}, ground)
    for day in islice(range(at.toordinal() + 1, until.toordinal()), _LONGEST):
        yield Line(date.fromordinal(day), None, "not yet received by the land office", {}, None)


def _moved(on: date, told: dict[str, str], calendar: WorkingCalendar) -> Line:
    """A receipt that counts as one of a later day."""
    if calendar.is_working(on.toordinal()):
        why = "{received} at {at}, after {cutoff}: counts as of the next working day"
        return Line(on, None, why, told, None)
    name = calendar.spec.days_off.get(on)
    if name:
        why = "{received} at {at} on a day off ({name}): counts as of the next working day"
        return Line(on, None, why, told | {"name": name}, None)
    why = "{received} at {at}, while the office is closed: counts as of the next working day"
    return Line(on, None, why, told, None)


def _start(
    on: date,
    clock: Deadline,
    limit: Limit,
    begins: Begins,
    told: dict[str, str],
    calendar: WorkingCalendar,
) -> Line:
    """The day the count starts after, or the instant hours start from."""
    moved = on != clock.received_at.astimezone(calendar.zone).date()
    if limit.unit is Unit.WORKING_HOURS:
        why = _OPENING_HOURS if moved else _BY_HOURS[begins]
        return Line(on, 0, why, told, INSTANT_GROUND)
    same = limit.amount == 0 and calendar.is_working(on.toordinal())
    if moved or (limit.cutoff is not None and begins is Begins.RECEIPT):
        why = _CUT_SAME_DAY if same else _CUT_DAYS
    elif limit.cutoff is not None and begins is Begins.LAND_OFFICE:
        why = _CUT_LAND_OFFICE_SAME_DAY if same else _CUT_LAND_OFFICE
    else:
        why = (_SAME_DAY if same else _BY_DAYS)[begins]
    not_counted = EVENT_GROUND if begins is Begins.STAGE else RECEIPT_GROUND
    return Line(on, None, why, told, None if same else not_counted)


def _days(clock: Deadline, limit: Limit, calendar: WorkingCalendar) -> Iterator[Line]:
    used = 0
    for leg in clock.legs:
        if leg.restarts:
            used = 0
        if leg.stop is not None:  # an open one has one line; a restart says so even if in one day
            first = leg.since if leg.until is None else leg.since + 1
            ends = _STOPPED
            if leg.until is None:
                ends = _STILL_STOPPED
            elif used >= leg.amount and leg is clock.legs[-2]:
                ends = _DUE_NOW if clock.legs[-1].last == leg.last else _DUE_NEXT
            elif leg.restarts:
                ends = _RESTARTS
            yield from _stopped(leg.stop, min(first, leg.last), leg.last, ends, calendar)
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


def _stopped(
    stop: Suspension, first: int, last: int, ends: str, calendar: WorkingCalendar
) -> Iterator[Line]:
    """The days from `first` to `last`, both included, on which the clock stood."""
    told: dict[str, str] = {"reason": stop.reason}
    for day in range(first, last + 1):
        on = date.fromordinal(day)
        name = calendar.spec.days_off.get(on)
        if day == last and ends != _STOPPED:
            yield Line(on, None, ends, told, None, stop.ground)
        elif name:
            yield Line(on, None, _STOPPED_OFF, told | {"name": name}, None, stop.ground)
        else:
            yield Line(on, None, _STOPPED, told, None, stop.ground)


def _hour_days(clock: Deadline, calendar: WorkingCalendar) -> Iterator[Line]:
    """Each day with the hours used by its end; one on which the clock ran and stood has two."""
    used = 0
    for leg in clock.legs:
        if leg.restarts:
            used = 0
        first, last = (calendar.local_day(instant(edge)) for edge in (leg.since, leg.last))
        if leg.stop is not None:
            ends = _RESTARTS if leg.restarts else _STOPPED
            ends = _STILL_STOPPED if leg.until is None else ends
            yield from _stopped(leg.stop, first, last, ends, calendar)
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
