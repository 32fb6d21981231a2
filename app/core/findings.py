"""What is derived from a dossier's facts: the one function that writes findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from app.core import alarms, duties, yardsticks
from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, Suspension, deadline
from app.core.ladder import FIRST, Ladder
from app.core.lifecycle import COUNTED_OUTCOMES, Facts, State, closed_suspensions, extended
from app.core.limits import Choice, Law, LimitRule, NoLimit, Start, SupplementRule, choose
from app.core.office_hours import CalendarEndsError
from app.core.pauses import paused
from app.core.stages import Stage, between, stages
from app.core.standing import Days, day
from app.core.taxes import gaps
from app.core.trace import Begins, Opening
from app.core.yardsticks import Inputs


@dataclass(frozen=True, slots=True)
class Ground:
    """The law and the calendar a dossier is judged by, looked up once by the caller.

    `rules` None: the procedure is unknown. `difficult` None: the commune is unknown.
    """

    rules: Law | Sequence[LimitRule] | None
    province: str
    difficult: bool | None
    calendar: WorkingCalendar
    supplements: Sequence[SupplementRule] = ()
    ladder: Ladder = FIRST


class Findings(NamedTuple):
    """All that follows from facts, law and calendar, and from no clock on the wall.

    Attributes:
        state: Where the dossier stands.
        no_limit: Why no limit applies, else None.
        choice: The limit used, else None.
        clock: The clock that is running or ended last; None without a receipt or a limit.
        limit: The limit of that clock (of the stage, where there are stages).
        stages: One entry a stage; empty for a plain limit.
        received_on: The local day of the receipt; None where there was none.
        due_on, due_at: Of the clock; None while suspended, waiting, or without a limit.
        paused: The days on which it was out of the office's hands.
        legal, form, index766: Inputs of the three yardsticks.
        moments: What must be said and when; empty unless a clock is running.
        ladder: The ladder it is said by.
    """

    state: State
    no_limit: NoLimit | None
    choice: Choice | None
    clock: Deadline | None
    limit: Limit | None
    stages: tuple[Stage, ...]
    received_on: date | None
    due_on: date | None
    due_at: datetime | None
    provisional: bool
    paused: tuple[Days, ...]
    legal: Inputs
    form: Inputs
    index766: Inputs
    moments: tuple[alarms.Moment, ...]
    ladder: int


def derive(facts: Facts, ground: Ground) -> Findings:
    """Derive everything; the same facts, law and calendar always give the same findings."""
    calendar, received_at = ground.calendar, facts.received_at
    if received_at is None:
        return _without_clock(facts, ground, None)
    stops = closed_suspensions(facts)
    try:
        choice = choose(
            ground.rules,
            case=facts.case,
            received_at=received_at,
            province=ground.province,
            difficult=ground.difficult,
            promised_at=facts.promised_at,
            suspensions=stops,
            calendar=calendar,
            supplements=ground.supplements,
        )
        if not isinstance(choice, NoLimit):
            return _with_clock(facts, received_at, choice, stops, ground)
    except CalendarEndsError:  # an instant no calendar of ours covers: told, never a wrong date
        choice = NoLimit.CALENDAR
    return _without_clock(facts, ground, choice)


def _with_clock(
    facts: Facts,
    received_at: datetime,
    choice: Choice,
    stops: Sequence[Suspension],
    ground: Ground,
) -> Findings:
    calendar = ground.calendar
    start = start_of_clock(facts, received_at, choice.rule)
    clock, limit, found = _clock(facts, start, choice, stops, calendar)
    waiting = between(found) and facts.end is None
    due_on, due_at = (None, None) if waiting else (clock.due_on, clock.due_at)
    state = _state(facts, clock, waiting=waiting)
    forced = any(stage.late for stage in found) or _late_by_the_hour(facts, limit, clock)
    judged_on = clock.due_on
    if facts.end is not None and between(found):  # no stage ran, so no day of ours was exceeded
        judged_on = day(facts.end, calendar.zone)
    told: tuple[alarms.Moment, ...] = ()
    if state is State.RUNNING and due_on is not None and due_at is not None:
        told = alarms.moments(due_on, due_at, limit, calendar, ground.ladder)
    return Findings(
        state=state,
        no_limit=None,
        choice=choice,
        clock=clock,
        limit=limit,
        stages=found,
        received_on=day(received_at, calendar.zone),
        due_on=due_on,
        due_at=due_at,
        provisional=clock.provisional,
        paused=_paused(facts, found, calendar),
        legal=yardsticks.legal(
            facts,
            None if waiting else judged_on,
            forced_late=forced,
            zone=calendar.zone,
            stages=found,
        ),
        form=yardsticks.form(facts, calendar.zone),
        index766=yardsticks.index766(
            facts,
            lambda: deadline(received_at, choice.limit, (), calendar).due_on,
            calendar.zone,
        ),
        moments=_moments(facts, told, ground),
        ladder=ground.ladder.id,
    )


def _moments(
    facts: Facts, told: tuple[alarms.Moment, ...], ground: Ground
) -> tuple[alarms.Moment, ...]:
    """Those of the limit, and of the duties beside it, in order of time."""
    beside = tuple(duties.moments(facts, ground.calendar, ground.ladder))
    return tuple(sorted(told + beside)) if beside else told


def start_of_clock(facts: Facts, received_at: datetime, rule: LimitRule) -> datetime:
    """The receipt that starts the clock: the one-stop shop's, or the land office's own."""
    if rule.start is Start.LAND_OFFICE and facts.land_office_received_at is not None:
        return facts.land_office_received_at
    return received_at


def opening(facts: Facts, rule: LimitRule) -> Opening:
    """Whose receipt started the clock, for its explanation."""
    if rule.start is Start.LAND_OFFICE and facts.land_office_received_at is not None:
        return Opening(Begins.LAND_OFFICE, facts.received_at)
    return Opening()


def _clock(
    facts: Facts,
    start: datetime,
    choice: Choice,
    stops: Sequence[Suspension],
    calendar: WorkingCalendar,
) -> tuple[Deadline, Limit, tuple[Stage, ...]]:
    if choice.stages:
        found = stages(
            start,
            choice.stages,
            facts.stages,
            stops,
            calendar,
            choice.policy,
            closed_at=facts.end,
        )
        if facts.end is not None and found[0].ended_at is None:
            # No tax leg was ever told of: there was one appointment, for the whole limit.
            return deadline(start, choice.limit, stops, calendar, choice.policy), choice.limit, ()
        # Stage 1 begins at the receipt, so there always is one that has begun.
        clock, limit = next((one.deadline, one.limit) for one in reversed(found) if one.deadline)
        return clock, limit, found
    clock = deadline(start, choice.limit, stops, calendar, choice.policy)
    longer = extended(facts, choice.rule.extension, clock.due_at)
    if longer is not None:
        return deadline(start, longer, stops, calendar, choice.policy), longer, ()
    return clock, choice.limit, ()


def _state(facts: Facts, clock: Deadline, *, waiting: bool) -> State:
    if facts.end is not None:
        return ended_state(facts)
    if waiting:
        return State.WAITING
    return State.SUSPENDED if clock.due_at is None else State.RUNNING


def ended_state(facts: Facts) -> State:
    """Finished where the end counts as the office's own, closed where it does not."""
    return State.FINISHED if facts.how_ended in COUNTED_OUTCOMES else State.CLOSED


def _late_by_the_hour(facts: Facts, limit: Limit, clock: Deadline) -> bool:
    if limit.by_date or facts.end is None or clock.due_at is None:
        return False
    return facts.end > clock.due_at


def _paused(facts: Facts, found: Sequence[Stage], calendar: WorkingCalendar) -> tuple[Days, ...]:
    if not facts.suspensions and not found:
        return ()
    legs = gaps(facts.suspensions, found)
    return paused(facts.suspensions, legs, facts.end, calendar.zone)


def _without_clock(facts: Facts, ground: Ground, why: NoLimit | None) -> Findings:
    if facts.end is not None:
        state = ended_state(facts)
    else:
        state = State.SUBMITTED if why is None else State.NO_LIMIT
    zone = ground.calendar.zone
    return Findings(
        state=state,
        no_limit=why,
        choice=None,
        clock=None,
        limit=None,
        stages=(),
        received_on=None if facts.received_at is None else day(facts.received_at, zone),
        due_on=None,
        due_at=None,
        provisional=False,
        paused=_paused(facts, (), ground.calendar),
        legal=yardsticks.legal(facts, None, forced_late=False, zone=zone),
        form=yardsticks.form(facts, zone),
        index766=yardsticks.index766(facts, lambda: None, zone),
        moments=_moments(facts, (), ground),
        ladder=ground.ladder.id,
    )
