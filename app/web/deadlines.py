"""The calculator: when would it be due, and why. Nothing is stored."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request

from app.core.calendar import BadCalendarError, CalendarEndsError, CalendarSpec, WorkingCalendar
from app.core.clock import Deadline, Limit, LimitError, SupplementPolicy, deadline
from app.core.problems import Problem
from app.core.stages import Stage, StageFact, between, last_begun, stages
from app.core.trace import Line, explain
from app.service.ask import chosen
from app.service.rules import Rules
from app.web import shown
from app.web.asked import Asked, StageAsked, unprocessable
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.problems import language_of

router = APIRouter(prefix="/v1", tags=["deadlines"])

_YEARS = 40
_FIRST_YEARS = 3


@router.post("/deadlines", summary="When it would be due, and why")
def post_deadline(
    request: Request, asked: Asked, session: Transaction, caller: Reader, held: TheParts, now: Now
) -> dict[str, Any]:
    """Compute a due date with the official calendar, a branch's, or one sent along."""
    rules = held.book.in_force(session)
    if asked.branch is not None and asked.branch not in caller.branches:
        raise unprocessable(
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
        raise unprocessable(
            Problem(f"calendar.{wrong.where}", "{why}", {"why": wrong.why})
        ) from None
    except LimitError as wrong:
        raise unprocessable(Problem(f"limit.{wrong.field}", "{why}", {"why": wrong.why})) from None
    except CalendarEndsError as wrong:
        told = Problem(
            "limit", "no due date within {years} years: {why}", {"years": _YEARS, "why": str(wrong)}
        )
        raise unprocessable(told) from None


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
        raise unprocessable(told) from None


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
        raise unprocessable(choice)
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
