"""Refused records driven again: one as it is or mended, or many at once after a publication."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.db import imports, quarantine, refusals
from app.db.refusals import Scope, Wanted
from app.service.intake import take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.records import joined
from app.service.refusals import refused
from app.service.rules import RuleBook

CHUNK = 500
"""Driven in one transaction: short enough that nobody who sends waits for it."""


@dataclass(frozen=True, slots=True)
class Driven:
    """What became of some records; `last_id` is the last of them, None when none was left."""

    outcomes: Counter[str] = field(default_factory=Counter)
    last_id: int | None = None


def redrive(
    session: Session,
    quarantine_id: int,
    scope: Scope,
    mended: bytes | None,
    caller: Caller,
    book: RuleBook,
    now: datetime,
) -> Outcome | None:
    """Take one record in, as it came or as `mended`; None if no open one is in scope.

    It leaves quarantine when it is taken in, or harmless. If it is refused again it stays, with
    the new reason and what was mended so far. It is spoken for the source that sent it.
    """
    found = refusals.hold(session, quarantine_id, scope)
    if found is None:
        return None
    raw = mended or joined(found["record"], quarantine.personal(session, quarantine_id))
    past = imports.historical(session, [found["import_id"] or 0])
    speaker = replace(caller, source=found["source"], historical=bool(past))
    outcome = take_in(session, [Line(1, raw)], speaker, book, now, keep=False)[0]
    if outcome.outcome != "quarantined":
        how = "amended" if mended else "redriven"
        quarantine.settle(session, [quarantine_id], "mended", how, caller.by, now)
    elif outcome.kept:
        again = refused(outcome, raw, speaker, book.in_force(session))
        quarantine.amend(session, quarantine_id, again, now)
    return outcome


def redrive_many(
    session: Session,
    scope: Scope,
    wanted: Wanted,
    caller: Caller,
    book: RuleBook,
    now: datetime,
    *,
    after: int = 0,
    limit: int = CHUNK,
) -> Driven:
    """Take in the next records as they came; ask again after `last_id` until none is left.

    Conflicts are left alone: whether it is the same dossier somebody must decide. What is refused
    again stays, with what is wrong with it now.
    """
    rows = refusals.take(
        session, scope, after=after, limit=limit, wanted=wanted._replace(decided=True)
    )
    if not rows:
        return Driven()
    told = Driven(last_id=rows[-1]["id"])
    personals = quarantine.personals(session, [row["id"] for row in rows])
    past = imports.historical(session, [row["import_id"] for row in rows if row["import_id"]])
    by_source: dict[tuple[str, bool], list[RowMapping]] = {}
    for row in rows:
        by_source.setdefault((row["source"], row["import_id"] in past), []).append(row)
    for (source, historical), theirs in by_source.items():
        speaker = replace(caller, source=source, historical=historical)
        told.outcomes.update(_drive(session, theirs, personals, speaker, book, now))
    return told


def _drive(
    session: Session,
    rows: Sequence[RowMapping],
    personals: Mapping[int, dict[str, Any]],
    caller: Caller,
    book: RuleBook,
    now: datetime,
) -> Counter[str]:
    """Take in the records of one source; how many became what."""
    raws = {row["id"]: joined(row["record"], personals.get(row["id"], {})) for row in rows}
    ids = list(raws)
    lines = [Line(number, raws[one]) for number, one in enumerate(ids, start=1)]
    outcomes = take_in(session, lines, caller, book, now, keep=False)
    rules = book.in_force(session)
    taken: list[int] = []
    still: dict[int, quarantine.Refused] = {}
    for one, outcome in zip(ids, outcomes, strict=True):
        if outcome.outcome != "quarantined":
            taken.append(one)
        elif outcome.kept:
            still[one] = refused(outcome, raws[one], caller, rules)
    if taken:
        quarantine.settle(session, taken, "mended", "redriven", caller.by, now)
    quarantine.still_refused(session, still)
    return Counter(outcome.outcome for outcome in outcomes)
