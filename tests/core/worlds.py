"""Random calendars, receipts, limits and suspensions, all on whole quarters of an hour."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property

from hypothesis import strategies as st

from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, Reason, SupplementPolicy, Suspension, Unit, deadline
from app.core.office_hours import CalendarSpec, Hours, Season, hours
from tests.core.ground import HANOI, OFFICE
from tests.core.naive import QUARTER

FIRST, LAST = date(2025, 12, 1), date(2028, 6, 30)
_NEW_YEAR = datetime(2026, 1, 1, tzinfo=HANOI)
_DAY = 96  # quarters

DAY_UNITS = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS, Unit.CALENDAR_MONTHS)

_SHAPES: tuple[Hours, ...] = (
    OFFICE,
    hours([("07:30", "11:30")], "short"),
    hours([("08:00", "12:00"), ("12:00", "16:00")], "touching"),
    hours([("00:00", "24:00")], "all day"),
    hours([("00:00", "06:00"), ("18:00", "24:00")], "nights"),
)
_shapes = st.sampled_from(_SHAPES)
_dates = st.integers(0, 120).map(lambda days: date(2026, 1, 1) + timedelta(days=days))


@dataclass(frozen=True)
class World:
    """A dossier under some law and calendar."""

    spec: CalendarSpec
    limit: Limit
    received_at: datetime
    stops: tuple[Suspension, ...]
    policy: SupplementPolicy

    @cached_property
    def calendar(self) -> WorkingCalendar:
        return WorkingCalendar(self.spec, FIRST, LAST)

    def clock(self, **other: object) -> Deadline:
        """Its deadline, or the one it would have were some of it otherwise."""
        world = replace(self, **other)  # type: ignore[arg-type]
        return deadline(
            world.received_at, world.limit, world.stops, self.calendar, policy=world.policy
        )


@st.composite
def _seasons(draw: st.DrawFn) -> Season:
    """Other hours, or other days, for a while; a bound may be left open."""
    edges = sorted((draw(_dates), draw(_dates)))
    first, last = (edge if draw(st.booleans()) else None for edge in edges)
    return Season(first, last, (*(draw(st.just(()) | _shapes) for _ in range(6)), OFFICE))


@st.composite
def specs(draw: st.DrawFn) -> CalendarSpec:
    """A calendar: any week, days off and closed weeks, days worked in exchange, other hours."""
    usual = draw(st.just(OFFICE) | _shapes)
    open_days = draw(st.lists(st.booleans(), min_size=7, max_size=7).filter(any))
    week = [usual if is_open else () for is_open in open_days]
    week[draw(st.integers(0, 6))] = draw(_shapes)
    days_off = dict.fromkeys(draw(st.sets(_dates, max_size=8)), "nghỉ lễ")
    if draw(st.booleans()):
        closed = draw(_dates)
        days_off |= {closed + timedelta(days=more): "nghỉ Tết" for more in range(9)}
    worked = draw(st.sets(_dates, max_size=5)) - days_off.keys()
    overrides: Mapping[date, Hours] = draw(
        st.dictionaries(_dates, st.just(()) | _shapes, max_size=5)
    )
    return CalendarSpec(
        week=tuple(week),
        seasons=tuple(draw(st.lists(_seasons(), max_size=2))),
        days_off=days_off,
        worked=dict.fromkeys(worked, "làm bù"),
        overrides=overrides,
    )


@st.composite
def limits(draw: st.DrawFn, *units: Unit) -> Limit:
    unit = draw(st.sampled_from(units or tuple(Unit)))
    cutoff = draw(st.none() | st.sampled_from([time(11), time(15)]))
    match unit:
        case Unit.WORKING_HOURS:
            return Limit.of(draw(st.integers(0, 60)) / 4, unit, cutoff)
        case Unit.CALENDAR_MONTHS:
            return Limit.of(draw(st.integers(1, 3)), unit, cutoff)
        case _:
            return Limit.of(draw(st.integers(0, 20)), unit, cutoff)


@st.composite
def receipts(draw: st.DrawFn) -> datetime:
    """An instant of the first quarter of 2026."""
    return _NEW_YEAR + draw(st.integers(0, 90 * _DAY)) * QUARTER


@st.composite
def suspensions(draw: st.DrawFn, since: datetime, *, may_be_open: bool = True) -> Suspension:
    """A stop that begins within six weeks, often enough on the very first days."""
    begun = since + draw(st.integers(0, 3 * _DAY) | st.integers(0, 42 * _DAY)) * QUARTER
    lasted = draw(st.integers(0, 2 * _DAY) | st.integers(0, 20 * _DAY))
    until = None if may_be_open and draw(st.integers(0, 5)) == 0 else begun + lasted * QUARTER
    reason = draw(st.sampled_from([Reason.SUPPLEMENT, Reason.SUPPLEMENT, Reason.FORCE_MAJEURE]))
    return Suspension(reason, begun, until)


@st.composite
def worlds(
    draw: st.DrawFn,
    *units: Unit,
    most_stops: int = 3,
    policies: tuple[SupplementPolicy, ...] = tuple(SupplementPolicy),
) -> World:
    received_at = draw(receipts())
    stops = draw(st.lists(suspensions(received_at), max_size=most_stops))
    return World(
        spec=draw(specs()),
        limit=draw(limits(*units)),
        received_at=received_at,
        stops=tuple(stops),
        policy=draw(st.sampled_from(policies)),
    )
