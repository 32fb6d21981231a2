"""The history of a dossier for an inspector: fields by their names, values as people write them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.db import revisions
from app.printed.speech import NOTHING, Speech
from app.service.rules import Rules
from app.web import why
from app.web.pages.words import APPLICANTS, CHANNELS, FIELDS, OUTCOMES, REASONS, STATUSES

PAGE = 100
LAST = 2**31 - 1
_DERIVED = "procedure_code"  # changes with the procedure, and says no more


@dataclass(frozen=True, slots=True)
class Changed:
    """One field, as it was and as it became; of lists only what went and what came."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One accepted change. `source` is empty where it says no more than who it was."""

    no: int
    at: datetime
    by: str
    source: str
    why: str
    changes: Sequence[Changed]
    old_due_on: date | None
    new_due_on: date | None

    @property
    def moved(self) -> bool:
        """Whether the due day is another than before."""
        return self.old_due_on != self.new_due_on


@dataclass(frozen=True, slots=True)
class History:
    """A page of it; `next` is the revision the page after begins behind."""

    revisions: Sequence[Revision]
    next: int | None


def past(session: Session, row: RowMapping, after: int, rules: Rules, say: Speech) -> History:
    """The revisions of a dossier after one of them, oldest first."""
    rows = revisions.history(session, row["code"], after, PAGE + 1)
    page = rows[:PAGE]
    known = why.published(session, (one["why"] for one in page), row["branch"], rules)
    made = [_revision(one, why.told(one, known, rules, say.language), rules, say) for one in page]
    return History(made, page[-1]["revision_no"] if len(rows) > PAGE else None)


def _revision(row: RowMapping, told: str, rules: Rules, say: Speech) -> Revision:
    changes: Mapping[str, Sequence[Any]] = row["changes"] or {}
    by = row["by"].partition(":")[2] or row["by"]
    return Revision(
        no=row["revision_no"],
        at=row["at"],
        by=by,
        source="" if row["source"] == by else row["source"],
        why=told[:1].upper() + told[1:],
        changes=[
            _changed(name, changes[name], rules, say)
            for name in FIELDS
            if name in changes and not (name == _DERIVED and "procedure" in changes)
        ],
        old_due_on=row["old_due_on"],
        new_due_on=row["new_due_on"],
    )


def _changed(name: str, pair: Sequence[Any], rules: Rules, say: Speech) -> Changed:
    old, new = pair
    if isinstance(old, list) or isinstance(new, list):
        were, are = old or [], new or []
        old, new = (
            [one for one in were if one not in are],
            [one for one in are if one not in were],
        )
    told = (_value(name, one, rules, say) for one in (old, new))
    return Changed(say(FIELDS[name]), *told)


def _value(name: str, value: Any, rules: Rules, say: Speech) -> str:  # noqa: ANN401 JSON
    """A value in words; one that cannot be read so is repeated as it stands."""
    if value is None or value == []:
        return NOTHING
    try:
        return _plain(name, value, rules, say)
    except (LookupError, ValueError, TypeError, AttributeError):
        return str(value)


def _plain(name: str, value: Any, rules: Rules, say: Speech) -> str:  # noqa: ANN401 JSON
    words = _WORDS.get(name)
    if words is not None:
        told = say(words[value])
        return f"{value} ({told})" if words is STATUSES else told
    if name == "branch" and value in rules.branches:
        return rules.branches[value].short_name
    if isinstance(value, list):
        return "; ".join(_member(name, one, say) for one in value)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return _at(value, say) if name.endswith("_at") else str(value)


_WORDS: Mapping[str, Mapping[Any, str]] = {
    "channel": CHANNELS,
    "applicant_kind": APPLICANTS,
    "outcome": OUTCOMES,
    "status": STATUSES,
    "status_told": STATUSES,
}


def _member(name: str, held: Any, say: Speech) -> str:  # noqa: ANN401 JSON
    tell = _MEMBERS.get(name)
    return tell(held, say) if tell else str(held)


def _suspension(held: Mapping[str, Any], say: Speech) -> str:
    ground = f" ({held['ground']})" if held.get("ground") else ""
    return f"{say(REASONS[held['reason']])}, {_span(held, 'from_at', 'until_at', say)}{ground}"


def _stage(held: Mapping[str, Any], say: Speech) -> str:
    said = say("Appointment {stage}", stage=held["stage"])
    return f"{said}, {_span(held, 'started_at', 'ended_at', say)}"


def _extension(held: Mapping[str, Any], say: Speech) -> str:
    return _with_reason(_at(held["granted_at"], say), held)


def _apology(held: Mapping[str, Any], say: Speech) -> str:
    told = _at(held["sent_at"], say)
    if held.get("promised_at"):
        told = f"{told}, " + say("promised for {day}", day=_at(held["promised_at"], say))
    return _with_reason(told, held)


def _step(held: Mapping[str, Any], say: Speech) -> str:
    who = ", ".join(one for one in (held.get("unit"), held.get("officer")) if one)
    told = f"{held['name']} ({who})" if who else held["name"]
    return f"{told}, {_span(held, 'started_at', 'finished_at', say)}"


_MEMBERS: Mapping[str, Callable[[Mapping[str, Any], Speech], str]] = {
    "suspensions": _suspension,
    "stages": _stage,
    "extensions": _extension,
    "apologies": _apology,
    "steps": _step,
}


def _with_reason(told: str, held: Mapping[str, Any]) -> str:
    return f"{told} ({held['reason']})" if held.get("reason") else told


def _span(held: Mapping[str, Any], since: str, until: str, say: Speech) -> str:
    begun = _at(held[since], say) if held.get(since) else say("not yet begun")
    return f"{begun} – {_at(held[until], say) if held.get(until) else say('not yet ended')}"


def _at(text: str, say: Speech) -> str:
    return say.at(datetime.fromisoformat(text))
