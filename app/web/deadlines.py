"""The calculator: when would it be due, and why. Nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, LimitError, SupplementPolicy, Suspension, deadline
from app.core.conventions import by_hours, of_stages, where_it_differs
from app.core.duties import longer
from app.core.halts import halts
from app.core.limits import Choice, LimitRule, Start, SupplementRule
from app.core.office_hours import BadCalendarError, CalendarEndsError, CalendarSpec
from app.core.problems import Problem
from app.core.stages import Stage, between, last_begun, stages
from app.core.taxes import TaxLimit, gaps, legs
from app.core.trace import Begins, Grounds, Opening, explain, explain_stages
from app.service.ask import chosen
from app.service.rules import Rules
from app.web import beside, shown
from app.web.asked import Asked, StageAsked, unprocessable
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.problems import language_of

router = APIRouter(prefix="/v1", tags=["deadlines"])

_YEARS = 40
_FIRST_YEARS = 3


@dataclass(frozen=True, slots=True)
class _Question:
    """What is computed: the law that applies, and by which calendar, in which language."""

    asked: Asked
    stops: Sequence[Suspension]
    calendar: WorkingCalendar
    policy: SupplementPolicy
    now: datetime
    language: str
    grounds: Grounds = field(default_factory=Grounds)
    opening: Opening = field(default_factory=Opening)
    tax: TaxLimit | None = None


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
    return answered(asked, rules, now, language_of(request))


def answered(asked: Asked, rules: Rules, now: datetime, language: str) -> dict[str, Any]:
    """The answer to a question, the same over HTTP and in a terminal.

    Raises:
        ProblemError: the question cannot be answered; its field is named.
    """
    try:
        if asked.calendar is None:
            held = rules.published(asked.branch)
            told = _answer(asked, rules, held.calendar, now, language)
            return told | {"calendar": shown.calendar(held)}
        told = _with_own_calendar(asked, asked.calendar.spec(), rules, now, language)
        return told | {"calendar": None}
    except BadCalendarError as wrong:
        raise unprocessable(
            Problem(f"calendar.{wrong.where}", "{why}", {"why": wrong.why})
        ) from None
    except LimitError as wrong:
        raise unprocessable(Problem(f"limit.{wrong.field}", "{why}", {"why": wrong.why})) from None
    except CalendarEndsError as wrong:
        told_why = {"years": _YEARS, "why": str(wrong)}
        raise unprocessable(
            Problem("limit", "no due date within {years} years: {why}", told_why)
        ) from None


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
    raise AssertionError("unreachable")


def _answer(
    asked: Asked, rules: Rules, calendar: WorkingCalendar, now: datetime, language: str
) -> dict[str, Any]:
    if asked.procedure is not None:
        return _by_procedure(asked, rules, calendar, now, language)
    policy = asked.supplement or SupplementPolicy.RESUME
    question = _Question(asked, asked.stops(), calendar, policy, now, language)
    if asked.stages is not None:
        limits = [
            _stage_limit(at, stage, asked.cutoff if at == 0 else None)
            for at, stage in enumerate(asked.stages)
        ]
        return _staged(question, limits)
    if asked.limit is None:
        raise AssertionError("the model has checked that one is given")
    return _plain(question, asked.limit.limit(asked.cutoff))


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
    rule, policy = choice.rule, asked.supplement or choice.policy
    on = asked.received_at.astimezone(calendar.zone).date()
    said = _supplement(
        asked, rule, next((one for one in rules.supplements if one.covers(on)), None)
    )
    told = shown.supplement_rule(said, language)
    grounds = Grounds(rule.ground, halts(on, rule.ground, told["supplement_ground"]))
    begins = Begins.LAND_OFFICE if rule.start is Start.LAND_OFFICE else Begins.RECEIPT
    question = _Question(
        asked, stops, calendar, policy, now, language, grounds, Opening(begins), rule.tax
    )
    law = _law(question, choice) | told
    if choice.stages:
        return law | _staged(question, choice.stages)
    return law | _plain(question, choice.limit)


def _supplement(
    asked: Asked, rule: LimitRule, general: SupplementRule | None
) -> SupplementRule | None:
    """What says what a supplement does: the limit itself, else the rule in force; not the asker."""
    if asked.supplement is not None:
        return None
    if rule.policy is not None:
        return SupplementRule(rule.policy, ground=rule.ground)
    return general


def _law(question: _Question, choice: Choice) -> dict[str, Any]:
    rule, language = choice.rule, question.language
    may_last = longer(question.asked.received_at, choice, question.stops, (), question.calendar)
    return {
        "procedure": rule.procedure,
        "case": rule.case,
        "case_assumed": choice.case_assumed,
        "difficult": choice.difficult,
        "limit": shown.limit(choice.limit),
        "extension": beside.extension(may_last),
        "ground": rule.ground,
        "source": rule.source,
        "confidence": rule.confidence,
        "doubt": shown.doubt(choice, language),
        "steps": beside.step_limits(choice.steps, language),
    }


def _plain(question: _Question, limit: Limit) -> dict[str, Any]:
    received_at, calendar = question.asked.received_at, question.calendar
    clock = deadline(received_at, limit, question.stops, calendar, question.policy)
    theirs = by_hours(received_at, limit, question.stops, calendar, question.policy)
    lines = explain(clock, limit, calendar, question.grounds, question.opening)
    answer = shown.deadline(clock, lines, question.language)
    answer["hour_convention"] = beside.hour_convention(where_it_differs(clock, theirs))
    answer["supplement"] = question.policy.value
    answer["remaining"] = shown.remaining(clock, calendar, question.now)
    answer["stages"] = [{"stage": 1, "due_on": answer["due_on"], "due_at": answer["due_at"]}]
    found = legs(gaps(question.stops, ()), question.tax, calendar, question.now)
    answer["tax"] = beside.taxes(found, question.language)
    return answer


def _staged(question: _Question, limits: Sequence[Limit]) -> dict[str, Any]:
    asked, calendar, language = question.asked, question.calendar, question.language
    law = (asked.stage_facts(), question.stops, calendar, question.policy)
    found = stages(asked.received_at, limits, *law)
    theirs = [beside.hour_convention(one) for one in of_stages(asked.received_at, found, *law)]
    stage = last_begun(found)
    running = stage if stage and not between(found) else None
    clock = running.deadline if running else None
    leg = legs(gaps(question.stops, found), question.tax, calendar, question.now)
    return {
        "due_on": shown.value(clock.due_on) if clock else None,
        "due_at": clock.due_at.isoformat() if clock and clock.due_at else None,
        "hour_convention": theirs[running.stage - 1] if running else None,
        "provisional": any(one.deadline.provisional for one in found if one.deadline),
        "waiting": between(found),
        "supplement": question.policy.value,
        "remaining": shown.remaining(clock, calendar, question.now) if clock else None,
        "stages": [
            _stage(one) | {"hour_convention": hours}
            for one, hours in zip(found, theirs, strict=True)
        ],
        "tax": beside.taxes(leg, language),
        "trace": shown.staged(
            explain_stages(found, calendar, question.grounds, question.opening), language
        ),
    }


def _stage(one: Stage) -> dict[str, Any]:
    clock = one.deadline
    return shown.stage(one) | {
        "due_at": clock.due_at.isoformat() if clock and clock.due_at else None
    }
