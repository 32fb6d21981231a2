"""When the law changes: derive anew what was derived with an older catalogue, chunk by chunk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.core.clock import Suspension
from app.core.lifecycle import (
    Apology,
    ApplicantKind,
    Channel,
    Extension,
    Facts,
    Outcome,
    Status,
    Step,
)
from app.core.stages import StageFact
from app.db import catalogue, dossiers
from app.db.engine import Sessions, again_if_deadlocked
from app.service.rows import to_row
from app.service.rules import RuleBook

CHUNK = 2_000


def recompute(
    sessions: Sessions, book: RuleBook, by: str, now: datetime, procedures: Sequence[str] | None
) -> tuple[int, int]:
    """Derive every open dossier (and ended ones that had no limit) with the newest catalogue.

    Each chunk is a transaction of its own and skips rows that changed meanwhile (those were
    derived with the newest anyway), so it can be stopped and started again. Returns how many were
    derived and how many of them moved; each that moved has a revision that says why.
    """
    derived, moved, after = 0, 0, ""
    with sessions() as session:
        target = catalogue.version(session)

    def chunk(session: Session) -> tuple[Mapping[str, bool], str] | None:
        done = recompute_chunk(session, book, by, now, procedures, after)
        if done is None and procedures is None:
            catalogue.set_derived(session, target)
        return done

    while True:
        done = again_if_deadlocked(sessions, chunk)
        if done is None:
            return derived, moved
        found, after = done
        derived += len(found)
        moved += sum(found.values())


def recompute_chunk(
    session: Session,
    book: RuleBook,
    by: str,
    now: datetime,
    procedures: Sequence[str] | None,
    after: str,
) -> tuple[Mapping[str, bool], str] | None:
    """One chunk in the order of codes: what was derived, and where it ended; None at the end."""
    rules = book.in_force(session, catalogue.hold(session))
    held = dossiers.stale(session, rules.version, procedures, after, CHUNK)
    if not held:
        return None
    rows = [
        to_row(facts_of(row), rules, None)._replace(content_hash=bytes(row["content_hash"]))
        for row in held
        if row["branch"] in rules.branches
    ]
    why = f"catalogue {rules.version}"
    return dossiers.refind(session, rows, by, why, now), held[-1]["code"]


def facts_of(row: Mapping[Any, Any]) -> Facts:
    """The facts of a stored dossier, as they were sent."""
    return Facts(
        code=row["code"],
        procedure=row["procedure"],
        branch=row["branch"],
        status=Status(row["status"]),
        updated_at=row["updated_at"],
        case=row["case"],
        commune=row["commune"],
        channel=Channel(row["channel"]),
        applicant_kind=ApplicantKind(row["applicant_kind"]),
        submitted_at=row["submitted_at"],
        received_at=row["received_at"],
        land_office_received_at=row["land_office_received_at"],
        promised_at=row["promised_at"],
        suspensions=_many(row["suspensions"], tuple[Suspension, ...]),
        stages=_many(row["stages"], tuple[StageFact, ...]),
        extensions=_many(row["extensions"], tuple[Extension, ...]),
        apologies=_many(row["apologies"], tuple[Apology, ...]),
        steps=_many(row["steps"], tuple[Step, ...]),
        finished_at=row["finished_at"],
        ended_at=row["ended_at"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        handed_over_at=row["handed_over_at"],
        online_payment=row["online_payment"],
    )


def _many(rows: Any, kind: Any) -> Any:  # noqa: ANN401 JSON in, dataclasses out
    return msgspec.convert(rows or (), kind)
