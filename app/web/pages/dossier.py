"""One dossier: what is known of it, when it is due, and why, day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit
from app.core.codes import dossier_code
from app.core.lifecycle import State, supplements
from app.core.rating import Verdict, verdict
from app.core.stages import Stage, last_begun
from app.db import catalogue, dossiers
from app.db.calendars import NATIONAL
from app.db.lists import Reading
from app.service.calendars import LayerVersion
from app.service.explain import Explained, explain
from app.service.rules import Rules
from app.service.silence import BranchClock
from app.web import shown
from app.web.beside import Beside, beside, tax_sentence
from app.web.deps import Now, TheParts, Transaction, clocks_of
from app.web.pages import words
from app.web.pages.branch import by_the_hour, days_left
from app.web.pages.shell import PageRoute, Person, render, speech
from app.web.pages.speech import Speech
from app.web.pages.words import (
    CONFIDENCES,
    FIELDS,
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

_COUNTED_FROM_RECEIPT = {
    True: "{limit}, counted from the moment of receipt, {received}.",
    False: "{limit}, counted from the day after the receipt, {received}.",
}
_COUNTED_FROM_STAGE = {
    True: "Appointment {stage}: {limit}, counted from the moment it began, {received}.",
    False: "Appointment {stage}: {limit}, counted from the day after it began, {received}.",
}
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
    request: Request, session: Transaction, held: TheParts, now: Now, who: Person, code: str
) -> Response:
    """Facts, the explained due date, and the history; the only page that names the applicant."""
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
    return render(
        request,
        "dossier.html",
        words=words,
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
        sentences=[*sentences(told, say), *_longer(more, say), *_by_hours(told, more, say)],
        by_the_hour=by_the_hour(told.findings.due_at),
        confidence=CONFIDENCES.get(choice.rule.confidence) if choice else None,
        policy=POLICIES[choice.policy] if choice else None,
        supplement=told.supplement,
        calendar=calendar.spec,
        layers=", ".join(_layer(one, rules, say) for one in told.published.layers),
        supplements=supplements(told.facts),
        duties=more.duties,
        legs=[(leg, tax_sentence(leg, say.language)) for leg in more.legs],
        steps=more.steps,
        trace=shown.whole_trace(told, say.language),
        history=[revision(one, say) for one in dossiers.history(session, row["code"])],
        now=now,
    )


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


def sentences(told: Explained, say: Speech) -> list[str]:
    """The due date in words: the limit, from when it counts, and what was taken out."""
    findings, clock = told.findings, told.findings.clock
    if clock is None or findings.limit is None or told.facts.received_at is None:
        return []
    stage = last_begun(findings.stages)
    said = [_counted(findings.limit, clock, stage, told, say)]
    stood = _days_stood(clock)
    if stood:
        said.append(say("Days on which the clock stood and which are not counted: {days}.",
                        days=say.number(stood)))  # fmt: skip
    if clock.heals_nothing:
        said.append(say("A suspension began after the due moment had passed and changes nothing."))
    return said


def _counted(
    limit: Limit, clock: Deadline, stage: Stage | None, told: Explained, say: Speech
) -> str:
    hours = not limit.by_date
    began = stage.started_at if stage and stage.started_at else told.facts.received_at
    received = say.at(began) if hours or began is None else say.long_day(_day(began, told))
    if stage is not None:
        return say(_COUNTED_FROM_STAGE[hours], stage=stage.stage, limit=say.limit(limit),
                   received=received)  # fmt: skip
    moved = began is not None and not hours and _day(began, told) != clock.counted_from
    if moved and limit.cutoff is not None:
        return say(
            "{limit}; received {received}, after {cutoff} or on a day off, so it counts as "
            "received on {day}.",
            limit=say.limit(limit), received=say.at(began), cutoff=f"{limit.cutoff:%H:%M}",
            day=say.long_day(clock.counted_from),
        )  # fmt: skip
    return say(_COUNTED_FROM_RECEIPT[hours], limit=say.limit(limit), received=received)


def _longer(more: Beside, say: Speech) -> list[str]:
    """What an extension gives, or gave."""
    held = more.longer
    if held is None:
        return []
    if held.in_time is None:
        if held.due_on is None:
            return []
        return [
            say(
                "For a good reason, told at once, it may be extended to {limit} from the receipt: "
                "to {day}.",
                limit=say.limit(held.limit), day=say.long_day(held.due_on),
            )
        ]  # fmt: skip
    granted = say.at(held.granted_at)
    if held.in_time:
        return [say("Extended at {at}, before it was due: {limit} from the receipt.",
                    at=granted, limit=say.limit(held.limit))]  # fmt: skip
    return [say("The extension of {at} was granted after the due moment and changes nothing.",
                at=granted)]  # fmt: skip


def _by_hours(told: Explained, more: Beside, say: Speech) -> list[str]:
    """Where systems that count hours show another date."""
    stages = told.findings.stages
    each = more.hours.stages if stages else (more.hours.now,)
    return [
        (say("Appointment {stage}", stage=at) + ": " if stages else "")
        + say(
            "Systems that count a working day as 8 hours from the moment of receipt show {at}; "
            "the law counts days, and the day of receipt is not one of them (BLDS 2015 Đ147 k2).",
            at=say.at(theirs.due_at),
        )
        for at, theirs in enumerate(each, start=1)
        if theirs is not None
    ]


def _days_stood(clock: Deadline) -> int:
    """Days of closed suspensions, for limits in days (in hours a leg is in microseconds)."""
    stops = [leg for leg in clock.legs if leg.stop is not None and leg.until is not None]
    if clock.due_at is None or by_the_hour(clock.due_at):
        return 0
    return sum((leg.until or leg.since) - leg.since for leg in stops)


def _day(at: datetime, told: Explained) -> date:
    return at.astimezone(told.published.calendar.zone).date()


def revision(row: RowMapping, say: Speech) -> dict[str, object]:
    """A revision for people: when, who, what changed, and the old and the new due day."""
    changes: Mapping[str, Sequence[Any]] = row["changes"] or {}
    why = row["why"]
    if why == "record":
        told = say("a record of the sender") if row["revision_no"] > 1 else say("first record")
    elif why.startswith("catalogue "):
        told = say("new law or calendar, version {version}", version=why.removeprefix("catalogue "))
    elif why == "catalogue":
        told = say("a record of the sender, counted with newer law or calendar")
    elif why.startswith("recount: "):
        told = say("counted anew on request: {reason}", reason=why.removeprefix("recount: "))
    else:
        told = why
    return {
        "no": row["revision_no"],
        "at": row["at"],
        "by": row["by"].partition(":")[2] or row["by"],
        "why": told,
        "fields": [say(FIELDS[name]) for name in FIELDS if name in changes],
        "old": row["old_due_on"],
        "new": row["new_due_on"],
        "moved": row["old_due_on"] != row["new_due_on"],
    }
