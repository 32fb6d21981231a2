"""Why a revision was made, in words: what `revision.why` says, and which publications it names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import publications
from app.db.calendars import NATIONAL
from app.service.language import tell
from app.service.rules import Rules

# `catalogue 12`, `catalogue 11–12`, `record, catalogue 12`, `letter, catalogue 12`; of an earlier
# time `catalogue` alone.
_CATALOGUE = re.compile(
    r"(?P<record>(?:record|letter), )?catalogue(?: (?P<first>\d+)(?:–(?P<last>\d+))?)?"
)
_RECOUNT = "recount: "
_LETTER = "letter"
_NAMED = 3  # of many publications followed at once
_MOST = 2**63  # versions are bigint


class Span(NamedTuple):
    """Versions of the catalogue, both ends included."""

    first: int
    last: int


Published = Mapping[int, Mapping[Any, Any]]
"""Publications by their version."""


def span(why: str) -> Span | None:
    """The versions that moved a dossier; None if none is named."""
    found = _CATALOGUE.fullmatch(why)
    if found is None or found["first"] is None:
        return None
    first, last = int(found["first"]), int(found["last"] or found["first"])
    return Span(first, last) if first <= last < _MOST else None


def published(session: Session, whys: Iterable[str], branch: str, rules: Rules) -> Published:
    """The publications that some revisions of a branch's dossier name, in at most one statement.

    What another office or branch published for itself moved nothing here, and is not told.
    """
    spans = sorted({one for why in whys if (one := span(why)) is not None})
    if not spans:
        return {}
    held = rules.branches.get(branch)
    scopes = [NATIONAL, branch, *([held.office] if held else [])]
    return {row["version"]: row for row in publications.between(session, spans, scopes)}


def told(row: Mapping[Any, Any], known: Published, rules: Rules, language: str) -> str:
    """One sentence without a full stop; what it does not know it repeats."""
    why: str = row["why"]
    if why == "record":
        first = row["revision_no"] == 1
        return tell("first record" if first else "a record of the sender", language)
    if why == _LETTER:
        return tell("letter of apology recorded as sent", language)
    if why.startswith(_RECOUNT):
        reason = why.removeprefix(_RECOUNT)
        return tell("counted anew on request: {reason}", language, reason=reason)
    found = _CATALOGUE.fullmatch(why)
    if found is None:
        return why
    versions = span(why)
    if versions is None:
        return tell("a record of the sender, counted with newer law or calendar", language)
    number = "–".join(str(one) for one in sorted(set(versions)))
    if found["record"]:
        sentence = "a record of the sender, counted with newer law or calendar, version {version}"
        if found["record"].startswith(_LETTER):
            sentence = "letter of apology, counted with newer law or calendar, version {version}"
        said = tell(sentence, language, version=number)
    else:
        said = tell("new law or calendar, version {version}", language, version=number)
    names = _names(versions, known, rules, language)
    return f"{said}: {'; '.join(names)}" if names else said


def _names(versions: Span, known: Published, rules: Rules, language: str) -> Sequence[str]:
    rows = [known[one] for one in sorted(known) if versions.first <= one <= versions.last]
    names = [_name(row, rules, language) for row in rows[:_NAMED]]
    return [*names, "…"] if len(rows) > _NAMED else names


def _name(row: Mapping[Any, Any], rules: Rules, language: str) -> str:
    """What was published, by its name."""
    subject = row["subject"]
    if row["kind"] == "calendar":
        return _of_calendar(_scope(subject, rules, language), row["details"] or {}, language)
    if row["kind"] == "procedures":
        return tell("limits of procedures {subject}", language, subject=subject)
    if row["kind"] == "supplement":
        return tell("what a supplement does to a limit", language)
    return tell("branches and communes of {subject}", language, subject=subject)


def _of_calendar(scope: str, said: Mapping[str, Any], language: str) -> str:
    day = _day(said.get("date") or said.get("confirmed_until"))
    if "confirmed_until" in said:
        return tell("calendar of {scope} confirmed until {day}", language, scope=scope, day=day)
    if "date" not in said:
        return tell("calendar of {scope}", language, scope=scope)
    if said.get("kind") == "taken back":
        return tell("calendar of {scope}: {day} taken back", language, scope=scope, day=day)
    name = said.get("name", "")
    return tell("calendar of {scope}: {day}, {name}", language, scope=scope, day=day, name=name)


def _scope(subject: str, rules: Rules, language: str) -> str:
    if subject == NATIONAL:
        return tell("the nation", language)
    branch = rules.branches.get(subject)
    return branch.short_name if branch else subject


def _day(text: str | None) -> str:
    return f"{date.fromisoformat(text):%d/%m/%Y}" if text else ""
