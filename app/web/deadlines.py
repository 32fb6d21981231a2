"""The calculator: when would it be due, and why. Nothing is stored."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from app.core.calendar import (
    WEEKDAYS,
    BadCalendarError,
    CalendarEndsError,
    CalendarSpec,
    WorkingCalendar,
    hours,
)
from app.core.clock import (
    Deadline,
    Limit,
    LimitError,
    Reason,
    SupplementPolicy,
    Suspension,
    Unit,
    deadline,
)
from app.core.problems import Problem
from app.core.stages import Stage, StageFact, between, last_begun, stages
from app.core.trace import Line, explain
from app.service.ask import chosen
from app.service.rules import Rules
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.problems import ProblemError, language_of

router = APIRouter(prefix="/v1", tags=["deadlines"])

_YEARS = 40
_FIRST_YEARS = 3


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _without_offset(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a local time; leave out its offset")
    return at


# The law this computes is younger, and a horizon of 40 years ends before.
_Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
_Local = Annotated[time, AfterValidator(_without_offset)]


class LimitAsked(_Strict):
    """A limit: `quantity` with its unit, or an ISO 8601 `duration` of working hours."""

    quantity: float | None = Field(default=None, examples=[8])
    duration: timedelta | None = Field(default=None, examples=["PT20M"])
    unit: Unit | None = None
    cutoff: _Local | None = None

    @field_validator("duration", mode="before")
    @classmethod
    def _of_hours(cls, sent: object) -> object:
        if isinstance(sent, str) and not sent.upper().startswith(("PT", "-PT")):
            raise ValueError("write working time as PT8H or PT20M; for days send quantity and unit")
        return sent

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.quantity is None) == (self.duration is None):
            raise ValueError("give either quantity with unit, or duration")
        if self.quantity is not None and self.unit is None:
            raise ValueError("give the unit of quantity: " + ", ".join(Unit))
        if self.duration is not None and self.unit not in (None, Unit.WORKING_HOURS):
            raise ValueError("a duration counts working_hours; leave unit out")
        return self

    def limit(self, cutoff: time | None) -> Limit:
        """The limit as the core has it."""
        cutoff = self.cutoff or cutoff
        if self.duration is not None:
            return Limit.lasting(self.duration, cutoff)
        return Limit.of(self.quantity or 0, self.unit or Unit.WORKING_DAYS, cutoff)


class StageAsked(LimitAsked):
    """An appointment's stage; the first starts at the receipt unless it says otherwise."""

    started_at: _Instant | None = None
    ended_at: _Instant | None = None


class SuspensionAsked(_Strict):
    """A lawful stop; `until` null while open."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    reason: Reason
    from_at: _Instant = Field(alias="from")
    until_at: _Instant | None = Field(default=None, alias="until")
    ground: str | None = Field(default=None, max_length=2_000)


Spans = list[tuple[str, str]]


class CalendarAsked(_Strict):
    """A calendar of one's own; the official one is used if it is absent."""

    zone: str = Field(default="Asia/Ho_Chi_Minh", max_length=60)
    week: dict[str, Spans]
    days_off: list[date] = Field(default_factory=list, max_length=20_000)
    worked: list[date] = Field(default_factory=list, max_length=20_000)
    overrides: dict[date, Spans] = Field(default_factory=dict, max_length=20_000)
    confirmed_from: date | None = None
    confirmed_until: date | None = None

    def spec(self) -> CalendarSpec:
        """The calendar as the core has it."""
        strange = sorted(set(self.week) - set(WEEKDAYS))
        if strange:
            raise BadCalendarError(f"week.{strange[0]}", "name the days mon, tue, … sun")
        return CalendarSpec(
            zone=self.zone,
            week=tuple(hours(self.week.get(name, []), f"week.{name}") for name in WEEKDAYS),
            days_off=dict.fromkeys(self.days_off, ""),
            worked=dict.fromkeys(self.worked, ""),
            overrides={on: hours(spans, f"overrides.{on}") for on, spans in self.overrides.items()},
            confirmed_from=self.confirmed_from,
            confirmed_until=self.confirmed_until,
        )


class Asked(_Strict):
    """What to compute: a procedure of the catalogue, a limit, or stages."""

    received_at: _Instant
    procedure: str | None = None
    case: str | None = None
    branch: str | None = None
    commune: str | None = None
    limit: LimitAsked | None = None
    stages: list[StageAsked] | None = Field(default=None, min_length=1, max_length=9)
    cutoff: _Local | None = None
    supplement: SupplementPolicy | None = None
    suspensions: list[SuspensionAsked] = Field(default_factory=list, max_length=1_000)
    calendar: CalendarAsked | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.limit, self.stages, self.procedure)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of procedure, limit, or stages")
        return self

    def stops(self) -> list[Suspension]:
        """The suspensions as the core has them, checked."""
        for at, stop in enumerate(self.suspensions):
            if stop.until_at is not None and stop.until_at < stop.from_at:
                told = Problem(
                    f"suspensions[{at}].until",
                    "the suspension ends before it begins; correct one of the two",
                )
                raise _unprocessable(told)
        return [
            Suspension(stop.reason, stop.from_at, stop.until_at, stop.ground)
            for stop in self.suspensions
        ]


@router.post("/deadlines", summary="When it would be due, and why")
def post_deadline(
    request: Request, asked: Asked, session: Transaction, caller: Reader, held: TheParts, now: Now
) -> dict[str, Any]:
    """Compute a due date with the official calendar, a branch's, or one sent along."""
    rules = held.book.in_force(session)
    if asked.branch is not None and asked.branch not in caller.branches:
        raise _unprocessable(
            Problem("branch", "{branch} is no branch you may see", {"branch": asked.branch[:60]})
        )
    if asked.branch is None and asked.procedure is not None and caller.branches:
        asked = asked.model_copy(update={"branch": min(caller.branches)})  # one's own province
    language = language_of(request)
    try:
        if asked.calendar is None:
            calendar = rules.calendar_of(asked.branch)
            return _answer(asked, rules, calendar, now, language)
        return _with_own_calendar(asked, asked.calendar.spec(), rules, now, language)
    except BadCalendarError as wrong:
        raise _unprocessable(
            Problem(f"calendar.{wrong.where}", "{why}", {"why": wrong.why})
        ) from None
    except LimitError as wrong:
        raise _unprocessable(Problem(f"limit.{wrong.field}", "{why}", {"why": wrong.why})) from None
    except CalendarEndsError as wrong:
        told = Problem(
            "limit", "no due date within {years} years: {why}", {"years": _YEARS, "why": str(wrong)}
        )
        raise _unprocessable(told) from None


def _with_own_calendar(
    asked: Asked, spec: CalendarSpec, rules: Rules, now: datetime, language: str
) -> dict[str, Any]:
    """Three years of days suffice for nearly all; if they end, all forty are laid out."""
    first = (asked.received_at - timedelta(days=40)).date()
    for years in (_FIRST_YEARS, _YEARS):
        last = min(asked.received_at.year + years, 9_998)
        try:
            calendar = WorkingCalendar(spec, first, date(last, 12, 31))
            return _answer(asked, rules, calendar, now, language)
        except CalendarEndsError:
            if years == _YEARS:
                raise
        except (KeyError, ValueError, OSError) as wrong:
            if isinstance(wrong, (BadCalendarError, LimitError)):
                raise
            raise BadCalendarError("zone", f"{spec.zone!r} is not a time zone") from None
    raise AssertionError("unreachable")


def _answer(
    asked: Asked, rules: Rules, calendar: WorkingCalendar, now: datetime, language: str
) -> dict[str, Any]:
    policy = asked.supplement or SupplementPolicy.RESUME
    if asked.procedure is not None:
        return _by_procedure(asked, rules, calendar, now, language)
    if asked.stages is not None:
        limits = [
            _stage_limit(at, stage, asked.cutoff if at == 0 else None)
            for at, stage in enumerate(asked.stages)
        ]
        return _staged(asked, limits, policy, calendar, "", now, language)
    if asked.limit is None:
        raise AssertionError("the model has checked that one is given")
    limit = asked.limit.limit(asked.cutoff)
    clock = deadline(asked.received_at, limit, asked.stops(), calendar, policy)
    return _plain(clock, limit, calendar, "", now, language)


def _stage_limit(at: int, stage: StageAsked, cutoff: time | None) -> Limit:
    try:
        return stage.limit(cutoff)
    except LimitError as wrong:
        told = Problem(f"stages[{at}].{wrong.field}", "{why}", {"why": wrong.why})
        raise _unprocessable(told) from None


def _by_procedure(
    asked: Asked, rules: Rules, calendar: WorkingCalendar, now: datetime, language: str
) -> dict[str, Any]:
    stops = asked.stops()
    choice = chosen(
        rules,
        asked.procedure or "",
        asked.received_at,
        branch=asked.branch,
        commune=asked.commune,
        case=asked.case,
        suspensions=stops,
        calendar=calendar,
    )
    if isinstance(choice, Problem):
        raise _unprocessable(choice)
    policy = asked.supplement or choice.policy
    law = {
        "procedure": choice.rule.procedure,
        "case": choice.rule.case,
        "case_assumed": choice.case_assumed,
        "difficult": choice.difficult,
        "limit": shown.limit(choice.limit),
        "supplement": policy.value,
        "ground": choice.rule.ground,
        "source": choice.rule.source,
        "confidence": choice.rule.confidence,
        "doubt": shown.doubt(choice, language),
    }
    if choice.stages:
        limits = list(choice.stages)
        return law | _staged(asked, limits, policy, calendar, choice.rule.ground, now, language)
    clock = deadline(asked.received_at, choice.limit, stops, calendar, policy)
    return law | _plain(clock, choice.limit, calendar, choice.rule.ground, now, language)


def _plain(
    clock: Deadline,
    limit: Limit,
    calendar: WorkingCalendar,
    ground: str,
    now: datetime,
    language: str,
) -> dict[str, Any]:
    answer = shown.deadline(clock, limit, calendar, ground, language)
    answer["remaining"] = shown.remaining(clock, calendar, now)
    answer["stages"] = [{"stage": 1, "due_on": answer["due_on"], "due_at": answer["due_at"]}]
    return answer


def _staged(
    asked: Asked,
    limits: Sequence[Limit],
    policy: SupplementPolicy,
    calendar: WorkingCalendar,
    ground: str,
    now: datetime,
    language: str,
) -> dict[str, Any]:
    facts = [
        StageFact(number, stage.started_at, stage.ended_at)
        for number, stage in enumerate(asked.stages or (), start=1)
    ]
    found = stages(asked.received_at, limits, facts, asked.stops(), calendar, policy)
    stage = last_begun(found)
    clock = stage.deadline if stage and not between(found) else None
    return {
        "due_on": shown.value(clock.due_on) if clock else None,
        "due_at": clock.due_at.isoformat() if clock and clock.due_at else None,
        "provisional": any(one.deadline.provisional for one in found if one.deadline),
        "waiting": between(found),
        "remaining": shown.remaining(clock, calendar, now) if clock else None,
        "stages": [_stage(one) for one in found],
        "trace": [
            {"stage": one.stage, **line}
            for one in found
            if one.deadline
            for line in shown.trace(_explained(one, one.deadline, calendar, ground), language)
        ],
    }


def _explained(one: Stage, clock: Deadline, calendar: WorkingCalendar, ground: str) -> list[Line]:
    return explain(clock, one.limit, calendar, ground, later_stage=one.stage > 1)


def _stage(one: Stage) -> dict[str, Any]:
    clock = one.deadline
    return shown.stage(one) | {
        "due_at": clock.due_at.isoformat() if clock and clock.due_at else None
    }


def _unprocessable(problem: Problem) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [problem])
