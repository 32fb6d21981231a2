"""Dossiers and deadlines as they are shown: instants with the office's offset, days as dates."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.core.calendar import WorkingCalendar, micros
from app.core.clock import Deadline
from app.core.findings import opening
from app.core.halts import halts
from app.core.limits import Choice, SupplementRule
from app.core.office_hours import CalendarEndsError
from app.core.rating import verdict
from app.core.stages import Stage
from app.core.trace import Grounds, Line, explain, explain_stages
from app.core.yardsticks import Yardstick
from app.service.calendars import Published
from app.service.explain import Explained
from app.service.language import tell
from app.web import beside
from app.web.written import ZONE, instant, limit, value

__all__ = ["ZONE", "deadline", "dossier", "explained", "instant", "limit", "remaining", "value"]

_HIDDEN = frozenset(
    {
        "content_hash",
        "head_hash",
        "raw_hash",
        "limit_id",
        "calendar_id",
        "catalogue_version",
        # Late besides by date, which `verdict` has taken in; alone they would mislead.
        "legal_late",
        "index766_late",
        # Of past days; what it is today follows from its due day.
        "legal_overdue",
        "form_overdue",
        "index766_overdue",
        # The same as suspensions and stages, in days.
        "paused",
    }
)
_WORDS = frozenset({"reason", "received"})
"""What of a line's figures is itself a word to translate."""


def dossier(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of a dossier, without what only the machine needs, with its verdicts."""
    told = {name: value(held) for name, held in row.items() if name not in _HIDDEN}
    return told | {"verdict": verdicts(row)}


def verdicts(row: Mapping[Any, Any]) -> dict[str, str | None]:
    """Early, on time or late by each yardstick the row has inputs of; None while it is open.

    The form knows no dossier without a due day: where nothing was promised, it is on time.
    """
    told: dict[str, str | None] = {}
    for yardstick in Yardstick:
        if f"{yardstick}_due_on" not in row:
            continue
        form = yardstick is Yardstick.FORM
        end_on = row["ended_on" if form else f"{yardstick}_end_on"]
        due_on = row[f"{yardstick}_due_on"]
        if form:
            due_on = due_on or end_on
        forced = not form and row[f"{yardstick}_late"]
        told[yardstick.value] = (
            None if end_on is None else verdict(due_on, end_on, forced_late=forced).value
        )
    return told


def trace(lines: Iterable[Line], language: str) -> list[dict[str, Any]]:
    """An explanation: one entry a day."""
    return [
        {
            "on": line.on.isoformat(),
            "counted": line.counted,
            "why": tell(line.why, language, **_told(line.params, language)),
            "ground": line.ground,
            "remark": line.remark,
            "provisional": line.provisional,
        }
        for line in lines
    ]


def _told(params: Mapping[str, str], language: str) -> dict[str, object]:
    return {
        name: tell(str(word), language) if name in _WORDS else word for name, word in params.items()
    }


def remaining(clock: Deadline, calendar: WorkingCalendar, now: datetime) -> dict[str, Any] | None:
    """Time left at `now`, in working days and in working hours by the same calendar.

    Past the due moment both are negative: how late it is. None while the clock stands.
    """
    if clock.due_at is None or clock.due_on is None:
        return None
    try:
        today, due = calendar.local_day(now), clock.due_on.toordinal()
        days = calendar.worked_days(today, due) - calendar.worked_days(due, today)
        at, until = micros(now), micros(clock.due_at)
        worked = calendar.worked_time(at, until) - calendar.worked_time(until, at)
    except CalendarEndsError:
        return None
    return {
        "as_of": instant(now),
        "working_days": days,
        "working_hours": round(worked / 3_600_000_000, 2),
        "late": now >= clock.due_at,
    }


def deadline(clock: Deadline, lines: Iterable[Line], language: str) -> dict[str, Any]:
    """The due moment and its explanation."""
    return {
        "due_on": value(clock.due_on),
        "due_at": clock.due_at.isoformat() if clock.due_at else None,
        "provisional": clock.provisional,
        "suspended_since": instant(clock.suspended_since),
        "trace": trace(lines, language),
    }


def explained(
    row: Mapping[Any, Any], held: Explained, now: datetime, language: str
) -> dict[str, Any]:
    """The whole explanation of a stored dossier's due date."""
    findings = held.findings
    choice = findings.choice
    clock = findings.clock if findings.due_at is not None else None
    ended = held.facts.end is not None
    more = beside.beside(held, now)
    return {
        "code": row["code"],
        "state": row["state"],
        "no_limit": row["no_limit"],
        "due_on": value(findings.due_on),
        "due_at": value(findings.due_at),
        "hour_convention": beside.hour_convention(more.hours.now),
        "provisional": findings.provisional,
        "suspended_since": instant(findings.clock.suspended_since if findings.clock else None),
        "promised_at": value(row["promised_at"]),
        "remaining": remaining(clock, held.newest, now) if clock and not ended else None,
        "limit": limit(choice.limit) if choice else None,
        "extension": beside.extension(more.longer),
        "case": row["case_used"],
        "case_assumed": row["case_assumed"],
        "difficult": row["difficult"],
        "supplement": choice.policy.value if choice else None,
        **supplement_rule(held.supplement, language),
        "ground": choice.rule.ground if choice else None,
        "source": choice.rule.source if choice else None,
        "confidence": choice.rule.confidence if choice else None,
        "doubt": doubt(choice, language) if choice else None,
        "calendar": calendar(held.published),
        "duties": beside.duties(more.duties, language),
        "finished_at": value(row["finished_at"]),
        "ended_at": value(row["ended_at"]),
        "outcome": row["how_ended"],
        "verdict": verdicts(row),
        "stages": [
            stage(one, held.facts.end or now) | {"hour_convention": beside.hour_convention(theirs)}
            for one, theirs in zip(findings.stages, more.hours.stages, strict=True)
        ],
        "tax": beside.taxes(more.legs, language),
        "steps": beside.steps(more.steps, language),
        "trace": whole_trace(held, language),
    }


def supplement_rule(held: SupplementRule | None, language: str) -> dict[str, str | None]:
    """The general rule the supplement policy is from; null where the limit or the asker says."""
    return {
        "supplement_ground": held.ground or None if held else None,
        "supplement_doubt": tell(held.doubt, language) if held and held.doubt else None,
    }


def calendar(held: Published) -> dict[str, Any]:
    """The layers that were used with their versions, and how far they are officially confirmed."""
    spec = held.calendar.spec
    return {
        "layers": [{"scope": one.scope, "version": one.version} for one in held.layers],
        "confirmed_from": value(spec.confirmed_from),
        "confirmed_until": value(spec.confirmed_until),
    }


def doubt(choice: Choice, language: str) -> str | None:
    """What is not certain of the limit, in a language."""
    return "; ".join(tell(one, language) for one in choice.doubts) or None


def stage(one: Stage, until: datetime | None = None) -> dict[str, Any]:
    """One appointment: its limit, its clock, and whether it was missed.

    One that has not ended is judged at `until`: the end of the dossier, or now.
    """
    return {
        "stage": one.stage,
        "limit": limit(one.limit),
        "started_at": instant(one.started_at),
        "ended_at": instant(one.ended_at),
        "due_on": value(one.deadline.due_on) if one.deadline else None,
        "due_at": value(one.deadline.due_at) if one.deadline else None,
        "late": one.late if until is None else one.late_at(until),
    }


def whole_trace(
    held: Explained, language: str, supplement_ground: str | None = None
) -> list[dict[str, Any]]:
    """The days of every clock the dossier had, each line with the stage it belongs to, if any.

    `supplement_ground` is the article of a limit that says itself what a supplement does.
    """
    findings, facts, working = held.findings, held.facts, held.published.calendar
    choice, received_at = findings.choice, facts.received_at
    if choice is None or received_at is None:
        return []
    if held.supplement is not None:
        supplement_ground = held.supplement.ground
    received_on = received_at.astimezone(working.zone).date()
    grounds = Grounds(choice.rule.ground, halts(received_on, choice.rule.ground, supplement_ground))
    began = opening(facts, choice.rule)
    if findings.stages:
        return staged(explain_stages(findings.stages, working, grounds, began), language)
    if findings.clock is None or findings.limit is None:
        return []
    return trace(explain(findings.clock, findings.limit, working, grounds, began), language)


def staged(lines: Iterable[tuple[int | None, Line]], language: str) -> list[dict[str, Any]]:
    """An explanation of several appointments; the wait between two belongs to none (null)."""
    return [{"stage": number, **one} for number, line in lines for one in trace([line], language)]
