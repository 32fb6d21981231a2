"""The clock: from a receipt, a limit and its suspensions to the moment a dossier is due.

One idea serves all four units. A clock runs over *positions* (days as ordinals, or instants as
microseconds); `between` counts what is used from one position to another, `after` is its inverse.
A suspension uses up what lies before it and moves the position to its end.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.office_hours import CalendarEndsError

MAX_QUANTITY = 5_000
_HOUR = 3_600_000_000


class Unit(StrEnum):
    """Four kinds of limit; none is ever converted into another."""

    WORKING_DAYS = "working_days"
    WORKING_HOURS = "working_hours"
    CALENDAR_DAYS = "calendar_days"
    CALENDAR_MONTHS = "calendar_months"


class Reason(StrEnum):
    """Why a clock may lawfully stop (NĐ 151/2025 Phụ lục I, ĐT138, earlier NĐ 43/2014)."""

    SUPPLEMENT = "supplement"
    FINANCIAL_OBLIGATION = "financial_obligation"
    PUBLIC_POSTING = "public_posting"
    EXPERT_APPRAISAL = "expert_appraisal"
    VIOLATION_HANDLING = "violation_handling"
    FORCE_MAJEURE = "force_majeure"


class SupplementPolicy(StrEnum):
    """What a completed supplement does to the limit of the stage it falls in."""

    RESUME = "resume"
    RESTART = "restart"  # NĐ 61/2018 Đ19 k4, receipts to 30 June 2025


class LimitError(ValueError):
    """A limit that cannot be one; `field` names what to mend."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Limit:
    """A statutory limit.

    Attributes:
        amount: Whole days or months; for working hours, microseconds of working time.
        unit: Which of the four kinds.
        cutoff: Received after this local time, or on a day off, counts as the next working day.
    """

    amount: int
    unit: Unit
    cutoff: time | None = None

    @classmethod
    def of(cls, quantity: float, unit: Unit, cutoff: time | None = None) -> "Limit":
        """A limit from the figure people write; half a day rounds up to the whole day.

        Raises:
            LimitError: the quantity is negative, no number, or above 5,000.
        """
        if not 0 <= quantity <= MAX_QUANTITY:
            raise LimitError("quantity", f"give a number from 0 to {MAX_QUANTITY}")
        if unit is Unit.WORKING_HOURS:
            return cls(round(quantity * _HOUR), unit, cutoff)
        return cls(ceil(quantity), unit, cutoff)

    @classmethod
    def lasting(cls, span: timedelta, cutoff: time | None = None) -> "Limit":
        """A limit of working time, such as PT20M; at most 5,000 hours.

        Raises:
            LimitError: the span is negative or too long.
        """
        if not timedelta(0) <= span <= timedelta(hours=MAX_QUANTITY):
            raise LimitError("duration", f"give a duration from PT0S to PT{MAX_QUANTITY}H")
        return cls(span // timedelta(microseconds=1), Unit.WORKING_HOURS, cutoff)

    @property
    def quantity(self) -> float:
        """The figure as people write it: days, months or hours."""
        return self.amount / _HOUR if self.unit is Unit.WORKING_HOURS else self.amount

    @property
    def by_date(self) -> bool:
        """Whether lateness is a matter of the date (all but working hours)."""
        return self.unit is not Unit.WORKING_HOURS


@dataclass(frozen=True, slots=True)
class Suspension:
    """A lawful stop of the clock; `until_at` is None while it is open."""

    reason: Reason
    from_at: datetime
    until_at: datetime | None = None
    ground: str | None = None


class Deadline(NamedTuple):
    """When a clock runs out, or that it stands still.

    Attributes:
        due_on: The last day on which the result is on time; None while suspended.
        due_at: For day limits the exclusive end of `due_on` (24:00); for hours the last instant.
        received_at: The instant it starts with, as it was given.
        counted_from: The local day the count starts after: the receipt, as a cut-off may move it.
        provisional: Some day it leans on is not officially published yet.
        suspended_since: The start of the open suspension, else None.
        heals_nothing: A suspension began after the due moment and changed nothing.
        legs: How the clock ran and stood, in order; what the explanation is made of.
    """

    due_on: date | None
    due_at: datetime | None
    received_at: datetime
    counted_from: date
    provisional: bool
    suspended_since: datetime | None
    heals_nothing: bool
    legs: "tuple[Leg, ...]"


class Leg(NamedTuple):
    """A stretch of the clock's way: running, or standing because of `stop`.

    Positions are local days as ordinals for day limits (a leg holds the days `since < d <= until`)
    and microseconds for working hours; `until` is None where a stop is still open. `amount` is the
    whole limit in the same measure: months have as many days as they have, anew after a restart.
    """

    since: int
    until: int | None
    amount: int
    stop: Suspension | None = None
    restarts: bool = False

    @property
    def last(self) -> int:
        """Where it ends; where it began while it is still open."""
        return self.since if self.until is None else self.until


class _Span(NamedTuple):
    since: int
    until: int | None
    restarts: bool
    stop: Suspension


class _Run(NamedTuple):
    due: int | None
    reached: int
    stop: Suspension | None
    heals_nothing: bool
    legs: tuple[Leg, ...]


def deadline(
    received_at: datetime,
    limit: Limit,
    suspensions: Iterable[Suspension],
    calendar: WorkingCalendar,
    policy: SupplementPolicy = SupplementPolicy.RESUME,
) -> Deadline:
    """Return when a limit that starts at `received_at` runs out.

    Suspensions may come in any order, touch and overlap. Raises CalendarEndsError rather than
    give a date beyond the calendar.

    Source: BLDS 2015 Đ147 (day of receipt not counted; hours from the instant), Đ148 k1, k3, k5,
    k6; NĐ 61/2018/NĐ-CP Đ19 k4 for `restart`.
    """
    first = calendar.local_day(received_at)
    counted_from = (
        first if limit.cutoff is None else counting_day(received_at, limit.cutoff, calendar)
    )
    if not suspensions and limit.unit is not Unit.WORKING_HOURS:
        found = _unstopped(first, counted_from, limit.amount, limit.unit, calendar)
        last_on, end_at, counted_from_on, provisional, legs = found
        return Deadline(
            last_on,
            end_at,
            received_at,
            counted_from_on,
            provisional,
            suspended_since=None,
            heals_nothing=False,
            legs=legs,
        )
    if limit.unit is Unit.WORKING_HOURS:
        start = micros(received_at)
        if counted_from != first:
            start = micros(calendar.opening(counted_from))
        spans = _spans(suspensions, policy, micros)
        run = _run(
            start, lambda _: limit.amount, spans, calendar.worked_time, calendar.after_working
        )
        due_at = None if run.due is None else instant(run.due).astimezone(calendar.zone)
        reached = _day_of_hours(run, calendar)
        due_on = None if run.due is None else date.fromordinal(reached)
    else:
        spans = _spans(suspensions, policy, calendar.local_day)
        run = _run_days(counted_from, limit, spans, calendar)
        due_on = None if run.due is None else date.fromordinal(run.due)
        due_at = None if run.due is None else calendar.midnight_after(run.due)
        reached = run.reached
    return Deadline(
        due_on=due_on,
        due_at=due_at,
        received_at=received_at,
        counted_from=date.fromordinal(counted_from),
        provisional=not calendar.is_confirmed(first, reached),
        suspended_since=None if run.stop is None else run.stop.from_at,
        heals_nothing=run.heals_nothing,
        legs=run.legs,
    )


@lru_cache(maxsize=65_536)  # most clocks are never stopped, and hundreds start on one day
def _unstopped(
    first: int, counted_from: int, amount: int, unit: Unit, calendar: WorkingCalendar
) -> tuple[date, datetime, date, bool, tuple[Leg, ...]]:
    """Due day, its end, the day counted from, whether provisional, and the one leg."""
    run = _run_days(counted_from, Limit(amount, unit), (), calendar)
    return (
        date.fromordinal(run.reached),
        calendar.midnight_after(run.reached),
        date.fromordinal(counted_from),
        not calendar.is_confirmed(first, run.reached),
        run.legs,
    )


def counting_day(received_at: datetime, cutoff: time, calendar: WorkingCalendar) -> int:
    """The local day the count starts after, as an ordinal.

    A receipt after the cut-off or on a day off counts as one of the next working day; at
    15:00:00 sharp "after 15:00" is still false. Source: NĐ 99/2022/NĐ-CP Đ16 k1; NĐ 61/2018 Đ18.
    """
    local = received_at.astimezone(calendar.zone)
    day = local.toordinal()
    after = calendar.is_working(day) and local.time() > cutoff
    return calendar.nth_working_day(day, 1) if after else calendar.roll(day)


def add_months(on: date, months: int) -> date:
    """The same day `months` later, or the last day of that month (BLDS 2015 Đ148 k3)."""
    month = on.month - 1 + months
    year, month = on.year + month // 12, month % 12 + 1
    if year > MAXYEAR:
        raise CalendarEndsError(f"no calendar reaches {months} months after {on}")
    return date(year, month, min(on.day, monthrange(year, month)[1]))


def _run_days(start: int, limit: Limit, spans: Sequence[_Span], calendar: WorkingCalendar) -> _Run:
    if limit.unit is Unit.WORKING_DAYS:

        def after(day: int, count: int) -> int:
            return calendar.nth_working_day(day, count) if count else calendar.roll(day)

        return _run(start, lambda _: limit.amount, spans, calendar.worked_days, after)

    def whole(since: int) -> int:
        on = date.fromordinal(since)
        by_month = limit.unit is Unit.CALENDAR_MONTHS
        return (add_months(on, limit.amount) - on).days if by_month else limit.amount

    def passed(since: int, until: int) -> int:
        return max(0, until - since)

    def then_roll(day: int, count: int) -> int:
        return calendar.roll(day + count)

    return _run(start, whole, spans, passed, then_roll)


def _spans(
    suspensions: Iterable[Suspension],
    policy: SupplementPolicy,
    position: Callable[[datetime], int],
) -> list[_Span]:
    restart = policy is SupplementPolicy.RESTART
    spans = [
        _Span(
            position(stop.from_at),
            None if stop.until_at is None else position(stop.until_at),
            restart and stop.reason is Reason.SUPPLEMENT,
            stop,
        )
        for stop in suspensions
    ]
    spans.sort(key=lambda span: (span.stop.from_at, span.until is None))
    return spans


def _run(
    start: int,
    whole: Callable[[int], int],
    spans: Sequence[_Span],
    between: Callable[[int, int], int],
    after: Callable[[int, int], int],
) -> _Run:
    """Run a clock through its suspensions, in order of their starts.

    `whole` is the limit when it starts at a position, which for months depends on it. A suspension
    that begins after the due position, as it stood then, heals nothing. One that begins at it
    (asked on the last day) leaves nothing to use, so the dossier is due when it is complete again.
    """
    position = again = start
    left = amount = whole(start)
    due = after(position, left)
    if not spans:
        return _Run(due, due, None, heals_nothing=False, legs=(Leg(start, due, amount),))
    legs: list[Leg] = []
    for span in spans:
        if due < span.since:
            legs.append(Leg(position, due, amount))
            return _Run(due, due, None, heals_nothing=True, legs=tuple(legs))
        begun = max(position, span.since)
        if span.until is not None and span.until <= (start if span.restarts else begun):
            continue  # it takes no time, or none that an earlier one has not taken
        left = max(0, left - between(position, begun))
        if begun > position:
            legs.append(Leg(position, begun, amount))
        if span.until is None:
            legs.append(Leg(begun, None, amount, span.stop))
            return _Run(None, begun, span.stop, heals_nothing=False, legs=tuple(legs))
        position = max(begun, span.until)
        if span.restarts:
            again = max(again, span.until)
            left = amount = whole(again)
        legs.append(Leg(begun, position, amount, span.stop, span.restarts))
        due = after(position, left)
    legs.append(Leg(position, due, amount))
    return _Run(due, due, None, heals_nothing=False, legs=tuple(legs))


def _day_of_hours(run: _Run, calendar: WorkingCalendar) -> int:
    """The local day a clock of hours reached: hours used up at 24:00 end on that day."""
    at = instant(run.reached).astimezone(calendar.zone)
    begun = max(run.legs[-1].since, run.reached - 1)
    until_midnight = at.time() == time() and calendar.worked_time(begun, run.reached) > 0
    return at.toordinal() - until_midnight
