"""One dossier: what is known of it, when it is due, and why, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.codes import dossier_code
from app.core.lifecycle import State, supplements
from app.core.rating import Verdict, verdict
from app.db import catalogue, causes, dossiers
from app.db.calendars import NATIONAL
from app.db.letters import of_dossier, state
from app.db.lists import Reading
from app.printed.speech import Speech
from app.printed.week import CAUSES
from app.service.access import Right
from app.service.calendars import LayerVersion
from app.service.explain import Explained, explain
from app.service.rules import RuleBook, Rules
from app.service.silence import BranchClock
from app.web import shown
from app.web.beside import beside, tax_sentence
from app.web.deps import Now, TheParts, Transaction, clocks_of
from app.web.letters import number
from app.web.pages import words
from app.web.pages.branch import by_the_hour, days_left
from app.web.pages.history import LAST, past
from app.web.pages.sentences import sentences
from app.web.pages.shell import PageRoute, Person, render, speech
from app.web.pages.words import (
    CONFIDENCES,
    NO_LIMITS,
    OUTCOMES,
    POLICIES,
    REASONS,
    STATES,
    TONES,
    VERDICTS,
)
from app.web.problems import ProblemError

router = APIRouter(route_class=PageRoute)

_STILL: Mapping[str, str] = {
    State.SUBMITTED: "It has been submitted and not yet received; no limit runs.",
    State.WAITING: "Waiting for the applicant to meet the financial obligation; this time does not "
    "count, and the next appointment is made when the proof of payment arrives.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a dossier stands, in one word and one sentence."""

    word: str
    tone: str
    sentence: str


@router.get("/dossiers/{code}")
def dossier(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    code: str,
    after: Annotated[int, Query(ge=0, le=LAST)] = 0,
) -> Response:
    """Facts, the explained due date, and the history; the only page that names the applicant.

    The history begins after a revision, and goes on for a page.
    """
    wanted = dossier_code(code)
    row = dossiers.find(session, wanted, sorted(who.branches)) if wanted else None
    if row is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    rules, say = held.book.in_force(session), speech(request)
    told = explain(session, row, held.book, rules)
    more = beside(told, now)
    _, heard = clocks_of(session, held, rules, now, [row["branch"]])
    clock = heard[row["branch"]]
    calendar = told.published.calendar
    choice = told.findings.choice
    policy_ground = _policy_ground(session, held.book, row, told)
    return render(
        request,
        "dossier.html",
        words=words,
        cause_words=CAUSES,
        row=row,
        facts=told.facts,
        findings=told.findings,
        choice=choice,
        branch=rules.branches[row["branch"]],
        procedure=rules.procedures.get(row["procedure_code"]),
        case=_case(session, row),
        commune=_commune(session, row),
        applicant=dossiers.name_of(session, row["code"]),
        judged=judged(row, told, clock, now, say),
        sentences=sentences(told, more, say),
        by_the_hour=by_the_hour(told.findings.due_at),
        confidence=CONFIDENCES.get(choice.rule.confidence) if choice else None,
        policy=POLICIES[choice.policy] if choice else None,
        policy_ground=policy_ground,
        supplement=told.supplement,
        calendar=calendar.spec,
        layers=", ".join(_layer(one, rules, say) for one in told.published.layers),
        supplements=supplements(told.facts),
        duties=more.duties,
        legs=[(leg, tax_sentence(leg, say.language)) for leg in more.legs],
        steps=more.steps,
        trace=shown.whole_trace(told, say.language, policy_ground),
        said=causes.of_dossier(session, row["code"]),
        letters=[(number(one), state(one), one) for one in of_dossier(session, row["code"])],
        records=Right.RECORD in who.rights,
        history=past(session, row, after, rules, say),
        after=after,
        now=now,
    )


def _policy_ground(
    session: Session, book: RuleBook, row: RowMapping, told: Explained
) -> str | None:
    """What a supplement does is from the rule published for its day, or from the limit itself."""
    if told.supplement is not None:
        return told.supplement.ground or None
    if row["limit_id"] is None:
        return None
    own = book.limits(session, {row["limit_id"]})[row["limit_id"]]
    return own.ground or None if own.policy is not None else None


def _case(session: Session, row: RowMapping) -> str | None:
    """The name of the case the limit was taken from."""
    if row["case_used"] is None:
        return None
    found = [one for one in catalogue.procedures(session) if one["code"] == row["procedure_code"]]
    cases = found[0]["cases"] if found else []
    names = (str(case["name"]) for case in cases if case["case"] == row["case_used"])
    return next(names, None)


def _layer(held: LayerVersion, rules: Rules, say: Speech) -> str:
    """Whose calendar, and which version of it: `quốc gia 3`, `Chi nhánh … 1`."""
    branch = rules.branches.get(held.scope)
    name = say("the nation") if held.scope == NATIONAL else branch.name if branch else held.scope
    return say("{name} (version {version})", name=name, version=held.version)


def _commune(session: Session, row: RowMapping) -> str | None:
    """The name of the commune, or its code where the catalogue does not know it."""
    code: str | None = row["commune"]
    names = (str(one["name"]) for one in catalogue.communes(session) if one["code"] == code)
    return next(names, code)


def judged(
    row: RowMapping, told: Explained, clock: BranchClock, now: datetime, say: Speech
) -> Judged:
    """The state as a person would say it at this moment."""
    if told.facts.end is not None:
        return _ended(row, told.published.calendar, say)
    reading = _reading(row, clock, now)
    tone = TONES.get(reading, "still")
    return Judged(say(STATES[reading]), tone, _standing(row, told, clock, reading, now, say))


def _reading(row: RowMapping, clock: BranchClock, now: datetime) -> str:
    """The reading of the lists (`db.lists`) for one row."""
    due_at = row["due_at"]
    if row["state"] != "running" or due_at is None:
        return str(row["state"])
    if due_at <= clock.clock_at:
        return Reading.OVERDUE
    if due_at <= now:
        return Reading.UNVERIFIED
    return Reading.DUE_SOON if due_at <= clock.soon_until else "running"


def _standing(
    row: RowMapping, told: Explained, clock: BranchClock, reading: str, now: datetime, say: Speech
) -> str:
    findings = told.findings
    if reading == State.NO_LIMIT:
        return say(NO_LIMITS[row["no_limit"]])
    if reading in _STILL:
        return say(_STILL[reading])
    if reading == State.SUSPENDED:
        since = findings.clock.suspended_since if findings.clock else None
        return say(
            "The clock has stood still since {since}: {reason}. There is no due date until it "
            "goes on.",
            since=say.at(since),
            reason=say(_open_reason(told)),
        )
    if reading == Reading.UNVERIFIED:
        return say(
            "The due date has passed, but the branch has sent no data since {since}; it may have "
            "been finished meanwhile.",
            since=say.at(clock.heard_at),
        )
    days = days_left(told.published.calendar, now, findings.due_on)
    return "" if days is None else _time_left(days, late=reading == Reading.OVERDUE, say=say)


def _time_left(days: int, *, late: bool, say: Speech) -> str:
    if days == 0:
        return say("Its hour has passed today.") if late else say("Due today.")
    return f"{say.late(-days) if days < 0 else say.left(days)}."


def _open_reason(told: Explained) -> str:
    stops = [stop for stop in told.facts.suspensions if stop.until_at is None]
    return REASONS[stops[0].reason] if stops else STATES["suspended"]


def _ended(row: RowMapping, calendar: WorkingCalendar, say: Speech) -> Judged:
    """How it ended, by the legal yardstick; what does not count is said so."""
    ended = say.at(row["finished_at"] or row["ended_at"])
    outcome = say(OUTCOMES[row["how_ended"]])
    end_on, due_on = row["legal_end_on"], row["legal_due_on"]
    if end_on is None:
        sentence = say(
            "Ended {ended}: {outcome}. It does not count in the on-time rate.",
            ended=ended, outcome=outcome,
        )  # fmt: skip
        return Judged(say(STATES["closed"]), "done", sentence)
    how = verdict(due_on, end_on, forced_late=row["legal_late"])
    sentence = say("Ended {ended}: {outcome}.", ended=ended, outcome=outcome)
    if how is Verdict.LATE:
        days = 0
        if due_on is not None:
            days = calendar.worked_days(due_on.toordinal(), end_on.toordinal())
        more = say.late(days) if days else say("An appointment or an hour was missed")
        sentence = f"{sentence} {more}."
    return Judged(say(VERDICTS[how]), "late" if how is Verdict.LATE else "done", sentence)
