"""The hour convention: what many systems in practice make of a limit in working days.

They count n working days as n × 8 working hours from the instant of receipt. The law counts days
(BLDS 2015 Đ147 k2), so ours is the due date; theirs is told where its date is another one, because
a director has both on the screen.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, SupplementPolicy, Suspension, Unit, deadline
from app.core.findings import Findings, start_of_clock
from app.core.lifecycle import Facts, State, closed_suspensions
from app.core.office_hours import CalendarEndsError
from app.core.stages import Stage, StageFact, last_begun, stages

HOURS_A_DAY = 8
_HOUR = 3_600_000_000


class ByHours(NamedTuple):
    """When a limit runs out by the hour convention: the instant, and its local day."""

    due_on: date
    due_at: datetime


def in_hours(limit: Limit) -> Limit:
    """A limit in working days as 8 working hours each; any other, and same day, as it is."""
    if limit.unit is not Unit.WORKING_DAYS or limit.amount == 0:
        return limit
    return Limit(limit.amount * HOURS_A_DAY * _HOUR, Unit.WORKING_HOURS, limit.cutoff)


def by_hours(
    received_at: datetime,
    limit: Limit,
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    policy: SupplementPolicy = SupplementPolicy.RESUME,
) -> ByHours | None:
    """When a limit in working days runs out by the hour convention: our clock, run in hours.

    None if the limit is not in working days, the clock stands, or the calendar ends before.
    """
    counted = in_hours(limit)
    if counted is limit:
        return None
    try:
        return _told(deadline(received_at, counted, suspensions, calendar, policy))
    except CalendarEndsError:
        return None


def where_it_differs(ours: Deadline | None, theirs: ByHours | None) -> ByHours | None:
    """The hour convention's answer if its date is another than ours; None while ours stands."""
    if theirs is None or ours is None or ours.due_on in (None, theirs.due_on):
        return None
    return theirs


def of_stages(
    received_at: datetime,
    found: Sequence[Stage],
    facts: Sequence[StageFact],
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    policy: SupplementPolicy = SupplementPolicy.RESUME,
    *,
    closed_at: datetime | None = None,
) -> tuple[ByHours | None, ...]:
    """For each stage that was `found` by `stages` from the same facts: where its date differs."""
    counted = [in_hours(one.limit) for one in found]
    try:
        again = stages(
            received_at, counted, facts, suspensions, calendar, policy, closed_at=closed_at
        )
    except CalendarEndsError:
        return (None,) * len(found)
    return tuple(
        where_it_differs(ours.deadline, _told(theirs.deadline))
        for ours, theirs in zip(found, again, strict=True)
    )


class Differences(NamedTuple):
    """Where the hour convention gives a dossier another date.

    Attributes:
        now: For the clock that gives the due date; None while the dossier has none.
        stages: For each stage; empty for a plain limit.
    """

    now: ByHours | None
    stages: tuple[ByHours | None, ...]


def of_dossier(facts: Facts, findings: Findings, calendar: WorkingCalendar) -> Differences:
    """Where the hour convention differs from the findings, from the same facts and law."""
    choice, limit = findings.choice, findings.limit
    if choice is None or limit is None or facts.received_at is None:
        return Differences(None, ())
    start = start_of_clock(facts, facts.received_at, choice.rule)
    stops = closed_suspensions(facts)
    if not findings.stages:
        theirs = by_hours(start, limit, stops, calendar, choice.policy)
        return Differences(where_it_differs(findings.clock, theirs), ())
    told = of_stages(
        start,
        findings.stages,
        facts.stages,
        stops,
        calendar,
        choice.policy,
        closed_at=facts.end,
    )
    last = last_begun(findings.stages)
    if last is None or findings.state is State.WAITING:
        return Differences(None, told)
    return Differences(told[last.stage - 1], told)


def _told(clock: Deadline | None) -> ByHours | None:
    if clock is None or clock.due_on is None or clock.due_at is None:
        return None
    return ByHours(clock.due_on, clock.due_at)
