"""What stands beside a due date: the hour convention, the tax office's leg, steps, duties."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.core.conventions import ByHours, Differences, of_dossier
from app.core.duties import Duty, Longer, Owed, longer, owed
from app.core.findings import start_of_clock
from app.core.lifecycle import closed_suspensions
from app.core.steps import HOURS_A_HALF_DAY, JudgedStep, StepLimit, StepUnit, judged
from app.core.taxes import TaxLeg, gaps, legs
from app.service.explain import Explained
from app.service.language import tell
from app.web.written import instant, limit, value

UNITS: Mapping[StepUnit, str] = {
    StepUnit.ONE_STOP: "one-stop shop",
    StepUnit.BRANCH: "land registration branch",
    StepUnit.OFFICE: "land registration office",
    StepUnit.COMMUNE: "commune",
    StepUnit.DEPARTMENT: "provincial department",
    StepUnit.TAX: "tax office",
    StepUnit.APPLICANT: "applicant",
}


class Beside(NamedTuple):
    """What stands beside the due date of a stored dossier."""

    hours: Differences
    legs: tuple[TaxLeg, ...]
    steps: tuple[JudgedStep, ...]
    longer: Longer | None
    duties: tuple[Owed, ...]


def beside(held: Explained, now: datetime) -> Beside:
    """All of it, from the same facts and law as the due date, as of `now`.

    What still runs (a tax leg, a step, the hand-over) counts by the calendar of today.
    """
    facts, findings, calendar = held.facts, held.findings, held.published.calendar
    choice, until = findings.choice, held.facts.end or now
    running = held.newest if facts.end is None else calendar
    by_newest = {
        one.duty: one for one in owed(facts, findings.clock, findings.limit, held.newest, now)
    }
    found = gaps(facts.suspensions, findings.stages)
    may_last = None
    if choice is not None and facts.received_at is not None:
        start = start_of_clock(facts, facts.received_at, choice.rule)
        may_last = longer(start, choice, closed_suspensions(facts), facts.extensions, calendar)
    return Beside(
        hours=of_dossier(facts, findings, calendar),
        legs=legs(found, choice.rule.tax if choice else None, running, until),
        steps=judged(
            facts.steps, choice.steps if choice else (), found, facts.suspensions, running, until
        ),
        longer=may_last,
        duties=tuple(
            by_newest.get(one.duty, one) if one.duty is Duty.HAND_OVER else one
            for one in owed(facts, findings.clock, findings.limit, calendar, now)
        ),
    )


def hour_convention(theirs: ByHours | None) -> dict[str, Any] | None:
    """The due date of systems that count hours, where it is another than ours; else null."""
    if theirs is None:
        return None
    return {"due_on": theirs.due_on.isoformat(), "due_at": theirs.due_at.isoformat()}


def taxes(found: Sequence[TaxLeg], language: str) -> list[dict[str, Any]]:
    """Each leg at the tax office: shown, never charged to the branch."""
    return [
        {
            "sent_at": instant(leg.gap.sent_at),
            "limit": limit(leg.tax.limit) if leg.tax else None,
            "notice_due_on": value(leg.due_on),
            "paid_at": instant(leg.gap.paid_at),
            "working_days": leg.days,
            "longer_by": leg.longer_by,
            "charged": False,
            "ground": leg.tax.ground if leg.tax else None,
            "why": tax_sentence(leg, language),
        }
        for leg in found
    ]


def tax_sentence(leg: TaxLeg, language: str) -> str:
    """What a leg means, in words that accuse nobody."""
    if leg.longer_by is None:
        return tell("the catalogue has no limit of the tax office for this case", language)
    if leg.longer_by == 0:
        return tell("within the tax office's own limit", language)
    return tell(
        "longer than the tax office's own limit by {days} (in working days); after its notice the "
        "citizen's time to pay lies in this leg too, so nobody is called late",
        language,
        days=leg.longer_by,
    )


def step_limits(law: Sequence[StepLimit], language: str) -> list[dict[str, Any]]:
    """The steps the law prints for a procedure, with their limits in working hours."""
    return [step_limit(one, language) for one in law]


def step_limit(one: StepLimit, language: str) -> dict[str, Any]:
    """A step of the law; no hours where it has no time of its own."""
    halves = one.half_days
    return {
        "unit": one.unit.value,
        "who": tell(UNITS[one.unit], language),
        "name": one.name,
        "half_days": halves,
        "working_hours": None if halves is None else halves * HOURS_A_HALF_DAY,
        "charged": one.charged,
    }


def steps(found: Sequence[JudgedStep], language: str) -> list[dict[str, Any]]:
    """Each step as it was sent, with the due moment the law gives it; null where it is unsure."""
    return [
        {
            "name": one.step.name,
            "unit": one.step.unit,
            "started_at": instant(one.step.started_at),
            "finished_at": instant(one.step.finished_at),
            "law": step_limit(one.law, language) if one.law else None,
            "due_at": instant(one.due_at),
            "late": one.late,
            "charged": one.law.charged if one.law else None,
            "why": None if one.law else tell("which step of the law this is cannot be told for "
                                             "certain from its order and unit", language),
        }
        for one in found
    ]  # fmt: skip


def extension(held: Longer | None) -> dict[str, Any] | None:
    """The longer limit an extension gives, from the same receipt; null where the law has none."""
    if held is None:
        return None
    return {
        "limit": limit(held.limit),
        "due_on": value(held.due_on),
        "granted_at": instant(held.granted_at),
        "in_time": held.in_time,
    }


def duties(found: Sequence[Owed], language: str) -> list[dict[str, Any]]:
    """Acceptance, supplement notice, one supplement only, apology, hand-over."""
    return [
        {
            "duty": one.duty.value,
            "due_on": value(one.due_on),
            "due_at": instant(one.due_at),
            "done_at": instant(one.done_at),
            "late": one.late,
            "breach": one.breach,
            "ground": one.ground.article,
            "doubt": tell(one.ground.doubt.sentence, language) if one.ground.doubt else None,
        }
        for one in found
    ]
