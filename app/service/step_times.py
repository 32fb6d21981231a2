"""Steps against the half days the law gives them, and the bottleneck step of each branch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar, micros
from app.core.clock import Suspension
from app.core.lifecycle import Step
from app.core.limits import LimitRule
from app.core.office_hours import CalendarEndsError
from app.core.stages import StageFact
from app.core.steps import HOURS_A_HALF_DAY, JudgedStep, StepLimit, judged
from app.core.taxes import gaps
from app.db import steps
from app.db.in_hand import ZONE, Span
from app.db.lists import Clock
from app.db.steps import Told
from app.service.rules import RuleBook, Rules

_HOUR = 3_600_000_000
DAY = 2 * HOURS_A_HALF_DAY * _HOUR
"""A day of the law's steps, in microseconds of working time."""

_steps = msgspec.json.Decoder(tuple[Step, ...]).decode
_stops = msgspec.json.Decoder(tuple[Suspension, ...]).decode
_stages = msgspec.json.Decoder(tuple[StageFact, ...]).decode


class LawStep(NamedTuple):
    """A step of the law: of which procedure and case, the how manieth, and what it says."""

    procedure: str
    case: str
    nth: int
    law: StepLimit


@dataclass(slots=True)
class Judgement:
    """Steps of one kind: ended on time or late, open and late or not, and the time beyond."""

    on_time: int = 0
    late: int = 0
    open: int = 0
    open_late: int = 0
    late_time: int = 0  # microseconds of working time after the due moment

    def add(self, other: "Judgement") -> None:
        """Count another kind in."""
        self.on_time += other.on_time
        self.late += other.late
        self.open += other.open
        self.open_late += other.open_late
        self.late_time += other.late_time

    @property
    def all(self) -> int:
        """How many there are."""
        return self.on_time + self.late + self.open

    @property
    def all_late(self) -> int:
        """How many were late, ended or not."""
        return self.late + self.open_late


@dataclass(slots=True)
class Judgements:
    """What became of the steps of a period, by branch and step of the law.

    `unmatched` are steps of which it is not certain which of the law's they are; `untimed` those
    whose step of the law has no time of its own (tax, posting), or whose clock stands.
    """

    judged: dict[str, dict[LawStep, Judgement]] = field(default_factory=dict)
    unmatched: int = 0
    untimed: int = 0


def judgements(session: Session, clocks: Sequence[Clock], rules: Rules, over: Span) -> Judgements:
    """The steps that ended in a period, or were open at its close, as they stood then.

    Read as a stream, a row after the other, with little more memory than one takes.
    """
    found = Judgements()
    judge = _Judge(session, rules, over)
    for row in steps.told(session, clocks, over):
        law = judge.law(row)
        numbered = {id(one): nth for nth, one in enumerate(law.steps, start=1)} if law else {}
        for one, stopped_at, calendar in judge.steps(row, law):
            if one.law is None or law is None:
                found.unmatched += 1
            elif one.late is None or one.due_at is None:
                found.untimed += 1
            else:
                of_branch = found.judged.setdefault(row.branch, {})
                step = LawStep(row.procedure, law.case, numbered[id(one.law)], one.law)
                held = of_branch.setdefault(step, Judgement())
                _take(held, one, stopped_at, _beyond(one, stopped_at or over.close, calendar))
    return found


def _take(held: Judgement, one: JudgedStep, stopped_at: datetime | None, beyond: int) -> None:
    late = bool(one.late)
    if stopped_at is None:
        held.open += 1
        held.open_late += late
    else:
        held.late += late
        held.on_time += not late
    held.late_time += beyond


def _beyond(one: JudgedStep, until: datetime, calendar: WorkingCalendar) -> int:
    if not one.late or one.due_at is None:
        return 0
    try:
        return calendar.worked_time(micros(one.due_at), micros(until))
    except CalendarEndsError:
        return 0


class _Judge:
    """What a row is judged by, looked up once."""

    def __init__(self, session: Session, rules: Rules, over: Span) -> None:
        """The rules of now, and the period asked about."""
        self.session, self.rules = session, rules
        self.book = RuleBook()  # of older law and calendars, each read once
        self.laws: dict[tuple[int, bool], LimitRule] = {}
        self.kept = {held.id: held.calendar for held in rules.calendars.values()}

        self.close = over.close
        self.first = over.first

    def law(self, row: Told) -> LimitRule | None:
        """The row of law of a dossier; for a difficult commune it prints no steps."""
        if row.limit_id is None:
            return None
        key = row.limit_id, row.difficult
        if key not in self.laws:
            rule = self.book.limits(self.session, [row.limit_id])[row.limit_id]
            self.laws[key] = replace(rule, steps=()) if row.difficult else rule
        return self.laws[key]

    def calendar(self, row: Told) -> WorkingCalendar:
        """What ended keeps its calendar; what is open counts by the branch's newest."""
        if row.ended_at is None or row.calendar_id is None:
            return self.rules.calendar_of(row.branch)
        if row.calendar_id not in self.kept:
            self.kept[row.calendar_id] = self.book.calendar(self.session, row.calendar_id).calendar
        return self.kept[row.calendar_id]

    def steps(
        self, row: Told, law: LimitRule | None
    ) -> Iterator[tuple[JudgedStep, datetime | None, WorkingCalendar]]:
        """The steps of a dossier that belong to the period, and when each ended, if it had."""
        close, ended_at = self.close, row.ended_at
        if ended_at is not None and ended_at > close:
            ended_at = None
        calendar = self.calendar(row)
        sent = tuple(_step_then(one, close) for one in _steps(row.steps) if _begun(one, close))
        if law is None or not law.steps:
            judged_ones = tuple(JudgedStep(one, None, None, None) for one in sent)
            yield from self._of_period(judged_ones, ended_at, calendar)
            return
        stops = _stops_then(_stops(row.suspensions), close) if row.suspensions else ()
        stages = _stages_then(_stages(row.stages), close) if row.stages else ()
        legs = gaps(stops, stages) if stops or stages else ()
        found = judged(sent, law.steps, legs, stops, calendar, ended_at or close)
        yield from self._of_period(found, ended_at, calendar)

    def _of_period(
        self, found: Sequence[JudgedStep], ended_at: datetime | None, calendar: WorkingCalendar
    ) -> Iterator[tuple[JudgedStep, datetime | None, WorkingCalendar]]:
        for one in found:
            stopped_at = one.step.finished_at or ended_at
            if one.step.started_at is not None and (
                stopped_at is None or stopped_at.astimezone(ZONE).date() >= self.first
            ):
                yield one, stopped_at, calendar


def _begun(one: Step, close: datetime) -> bool:
    return one.started_at is None or one.started_at <= close


def _step_then(one: Step, close: datetime) -> Step:
    """A step as it stood at a moment."""
    if one.finished_at is None or one.finished_at <= close:
        return one
    return replace(one, finished_at=None)


def _stops_then(stops: Sequence[Suspension], close: datetime) -> tuple[Suspension, ...]:
    return tuple(
        replace(stop, until_at=None) if stop.until_at and stop.until_at > close else stop
        for stop in stops
        if stop.from_at <= close
    )


def _stages_then(stages: Sequence[StageFact], close: datetime) -> tuple[StageFact, ...]:
    def then(at: datetime | None) -> datetime | None:
        return at if at is not None and at <= close else None

    return tuple(StageFact(one.stage, then(one.started_at), then(one.ended_at)) for one in stages)


class Bottleneck(NamedTuple):
    """The step of the land office's own in which a branch loses most time."""

    step: LawStep
    judgement: Judgement


def bottleneck(of_branch: Mapping[LawStep, Judgement]) -> Bottleneck | None:
    """The charged step with the most working time beyond the law's; None where none was late.

    Of equal ones that with the greater share late, then the first by procedure, case and number.
    """
    late = [
        Bottleneck(step, held)
        for step, held in of_branch.items()
        if step.law.charged and held.late_time > 0
    ]
    return min(
        late,
        key=lambda one: (
            -one.judgement.late_time,
            -one.judgement.all_late / one.judgement.all,
            one.step[:3],
        ),
        default=None,
    )
