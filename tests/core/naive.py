"""The clock walked day by day and quarter by quarter, written apart from the tables it checks."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit
from app.core.office_hours import CalendarSpec

ONE_DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
_A_QUARTER_OF_AN_HOUR = 900_000_000


class Days(NamedTuple):
    """Where a walk over days came to: the due day or None, and the days used of those needed."""

    due: date | None
    used: int
    need: int


class Hours(NamedTuple):
    """Where a walk over quarters came to; `on` is the day on which the last of them was used."""

    due: datetime | None
    on: date | None


def works(spec: CalendarSpec, on: date) -> bool:
    return bool(spec.hours_on(on))


def counted_from(received: datetime, limit: Limit, spec: CalendarSpec) -> date:
    local = received.astimezone(ZoneInfo(spec.zone))
    on = local.date()
    if limit.cutoff is None:
        return on
    if works(spec, on) and local.time() > limit.cutoff:
        on += ONE_DAY
    while not works(spec, on):
        on += ONE_DAY
    return on


def walk_days(
    receipt: date,
    limit: Limit,
    stops: Sequence[Suspension],
    spec: CalendarSpec,
    policy: SupplementPolicy,
) -> Days:
    zone = ZoneInfo(spec.zone)
    spans = [
        (
            stop.from_at.astimezone(zone).date(),
            stop.until_at.astimezone(zone).date() if stop.until_at else date.max,
            _restarts(stop, policy),
        )
        for stop in stops
    ]
    used, need, on = 0, _days(limit, receipt), receipt
    while True:
        stood = any(since < on <= until for since, until, _ in spans)
        if on > receipt and not stood and (limit.unit is not Unit.WORKING_DAYS or works(spec, on)):
            used = min(used + 1, need)
        if any(restarts and until == on for _, until, restarts in spans):
            used, need = 0, _days(limit, on)
        stands = any(since <= on < until for since, until, _ in spans)
        if used == need and works(spec, on) and not stands:
            return Days(on, used, need)
        if any(since <= on and until == date.max for since, until, _ in spans):
            return Days(None, used, need)
        on += ONE_DAY


def walk_hours(
    received: datetime,
    limit: Limit,
    stops: Sequence[Suspension],
    spec: CalendarSpec,
    policy: SupplementPolicy,
) -> Hours:
    """Every edge must lie on a whole quarter of an hour."""
    zone = ZoneInfo(spec.zone)
    need, used, just_used = limit.amount // _A_QUARTER_OF_AN_HOUR, 0, False
    now = received
    start = counted_from(received, limit, spec)
    if start != received.astimezone(zone).date():
        now = datetime.combine(start, time(), zone)
        while not _open(spec, now):
            now += QUARTER
    begun = now
    while True:
        if any(_restarts(stop, policy) and stop.until_at == now > begun for stop in stops):
            used = 0
        stood = any(
            stop.from_at <= now and (stop.until_at is None or now < stop.until_at) for stop in stops
        )
        if used == need and not stood and (just_used or _open(spec, now)):
            last = now - QUARTER if just_used else now
            return Hours(now, last.astimezone(zone).date())
        if any(stop.until_at is None and stop.from_at <= now for stop in stops):
            return Hours(None, None)
        just_used = not stood and _open(spec, now) and used < need
        used += just_used
        now += QUARTER


def _open(spec: CalendarSpec, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(spec.zone))
    second = local.hour * 3600 + local.minute * 60
    return any(start <= second < end for start, end in spec.hours_on(local.date()))


def _restarts(stop: Suspension, policy: SupplementPolicy) -> bool:
    return policy is SupplementPolicy.RESTART and stop.reason is Reason.SUPPLEMENT


def _days(limit: Limit, since: date) -> int:
    if limit.unit is not Unit.CALENDAR_MONTHS:
        return limit.amount
    year, month = since.year, since.month
    for _ in range(limit.amount):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    last = monthrange(year, month)[1]
    return (date(year, month, min(since.day, last)) - since).days
