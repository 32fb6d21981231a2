"""The clock held against a slow one, written apart from the text of the law, on random dossiers.

The suite throws 20,000. For a million, on as many processes as `-n` says, and other throws:

    DUNGHAN_CASES=1000000 DUNGHAN_SEED=7 pytest -n 2 tests/core/test_slow.py

Each of the 40 parts fails with the first dossiers that differ, ready to read.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest

from app.core.calendar import WorkingCalendar
from app.core.clock import (
    Deadline,
    Limit,
    Reason,
    SupplementPolicy,
    Suspension,
    Unit,
    deadline,
)
from app.core.office_hours import CalendarEndsError, CalendarSpec, Hours, Season, hours
from tests.core import dice
from tests.core.slow import Due, NeverError, SlowCalendar, Spans, Week, slow_due

CASES = int(os.environ.get("DUNGHAN_CASES", "20000"))
SEED = os.environ.get("DUNGHAN_SEED", "2026")
PARTS = 40
OF_ONE_CALENDAR = 500
"""Dossiers thrown under one calendar, as it takes long to lay out."""


def spec_of(held: SlowCalendar) -> CalendarSpec:
    """A calendar in the types of the core."""

    def read(week: Week) -> tuple[Hours, ...]:
        return tuple(hours(spans, "week") for spans in week)

    return CalendarSpec(
        zone=held.zone,
        week=read(held.week),
        days_off=dict.fromkeys(held.days_off, "nghỉ"),
        worked=dict.fromkeys(held.worked, "làm bù"),
        overrides={on: hours(spans, "overrides") for on, spans in held.overrides.items()},
        confirmed_from=held.confirmed[0] if held.confirmed else None,
        confirmed_until=held.confirmed[1] if held.confirmed else None,
        seasons=tuple(
            Season(None if first == date.min else first, last, read(week))
            for first, last, week in held.seasons
        ),
    )


def asked(case: dice.Case, calendar: WorkingCalendar) -> Deadline:
    """What the core answers."""
    unit = Unit(case.unit)
    amount = (
        case.quantity if isinstance(case.quantity, int) else Limit.lasting(case.quantity).amount
    )
    stops = [Suspension(Reason(one.reason), one.since, one.until) for one in case.told]
    policy = SupplementPolicy.RESTART if case.restart else SupplementPolicy.RESUME
    return deadline(case.received, Limit(amount, unit, case.cutoff), stops, calendar, policy)


def judged(case: dice.Case, held: SlowCalendar) -> Due:
    """What the slow clock answers."""
    return slow_due(case.received, case.quantity, case.unit, held, case.stops(), case.cutoff)


def difference(case: dice.Case, held: SlowCalendar, calendar: WorkingCalendar) -> str | None:
    """What the two clocks say of a dossier, unless they say the same."""
    try:
        slow = judged(case, held)
    except NeverError:
        slow = None
    try:
        fast = asked(case, calendar)
    except CalendarEndsError:
        beyond = slow is None or slow.on is None or slow.on > dice.LAST
        return None if beyond else f"{case}\nslow {slow}\nfast: beyond the calendar"
    due_at = None if fast.due_at is None else fast.due_at.astimezone(UTC)
    told = Due(fast.due_on, due_at, fast.suspended_since, fast.heals_nothing)
    if told != slow:
        return f"{case}\nslow {slow}\nfast {told}"
    received_on = held.day_of(case.received)
    if fast.due_on is None or fast.counted_from != received_on:
        return None
    sure = held.published(received_on, fast.due_on)
    return None if sure is not fast.provisional else f"{case}\nprovisional {fast.provisional}"


@pytest.mark.parametrize("part", range(PARTS))
def test_the_clock_agrees_with_one_written_apart(part: int):
    throws = Random(f"{SEED} {part}")  # noqa: S311 dice
    wrong: list[str] = []
    left = CASES // PARTS
    while left > 0 and not wrong:
        held = dice.calendar(throws)
        calendar = WorkingCalendar(spec_of(held), dice.FIRST, dice.LAST)
        for _ in range(min(left, OF_ONE_CALENDAR)):
            found = difference(dice.case(throws, held), held, calendar)
            if found:
                wrong.append(f"{found}\n{held.zone} {held.week}")
        left -= OF_ONE_CALENDAR

    assert wrong[:3] == []


NIGHT: Spans = [("02:30", "03:10")]
SPLIT: Spans = [("01:00", "02:50"), ("03:00", "04:00")]


@pytest.mark.parametrize(
    ("spans", "quantity", "due_at"),
    [
        (NIGHT, timedelta(0), "2026-03-08T03:00:00-04:00"),  # told: 03:30, when nobody works
        (NIGHT, timedelta(minutes=10), "2026-03-08T03:10:00-04:00"),  # told: a day later
        (SPLIT, timedelta(hours=2), "2026-03-08T04:00:00-04:00"),  # told: 03:10; 1 h 50 min: 03:50
    ],
)
def test_hours_where_clocks_are_put_forward(spans: Spans, quantity: timedelta, due_at: str):
    """In New York 02:00 becomes 03:00 on 8 March 2026; nobody works from 02:00 to 03:00."""
    held = SlowCalendar("America/New_York", [spans] * 7)
    received = datetime.fromisoformat("2026-03-08T00:00:00-05:00")
    case = dice.Case(received, quantity, "working_hours", None, (), restart=False)

    assert judged(case, held).at == datetime.fromisoformat(due_at)
    calendar = WorkingCalendar(spec_of(held), date(2026, 1, 1), date(2026, 12, 31))
    assert difference(case, held, calendar) is None


def test_a_receipt_moved_over_days_not_yet_published_is_provisional():
    """Received on 29 December after 15:00; that 30 and 31 December are off nobody has confirmed."""
    off = {date(2025, 12, 30), date(2025, 12, 31)}
    sure = (date(2026, 1, 1), date(2026, 12, 31))
    held = SlowCalendar(dice.HOME, [dice.OFFICE] * 7, off, confirmed=sure)
    received = datetime.fromisoformat("2025-12-29T16:00:00+07:00")
    case = dice.Case(received, 0, "working_days", time(15), (), restart=False)

    clock = asked(case, WorkingCalendar(spec_of(held), date(2025, 1, 1), date(2026, 12, 31)))

    assert clock.due_on == date(2026, 1, 1)
    assert clock.provisional
