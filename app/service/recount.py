"""A closed dossier counted anew because somebody asked, and the request written down."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.core.rating import Verdict, verdict
from app.core.yardsticks import Inputs
from app.db import derived, dossiers, publications
from app.db.derived import Stored
from app.service.recompute import told_anew
from app.service.rows import found, stored_findings
from app.service.rules import RuleBook
from app.service.stored import facts_of


class Recounted(NamedTuple):
    """The due day and the legal verdict before and after; no verdict while it is open."""

    old_due_on: date | None
    new_due_on: date | None
    old_verdict: Verdict | None
    new_verdict: Verdict | None
    version: int


def recount(
    session: Session,
    code: str,
    branches: list[str],
    book: RuleBook,
    by: str,
    reason: str,
    now: datetime,
) -> Recounted | None:
    """Judge a dossier by the newest catalogue, closed or not; None if it is not in scope.

    What was used before stays in the history: the revision says who asked, and why.
    """
    rules = book.in_force(session, publications.hold(session))
    row = dossiers.find(session, code, branches, lock=True)
    if row is None:
        return None
    facts = facts_of(row)
    findings = found(facts, rules)
    new = stored_findings(facts, findings, rules.version, rules.published(facts.branch).id)
    derived.refind(
        session,
        [told_anew(_stored(row), findings, new)],
        by,
        f"recount: {reason}",
        now,
        always=True,
    )
    before = Inputs(row["legal_due_on"], row["legal_end_on"], row["legal_late"])
    return Recounted(
        before.due_on,
        findings.legal.due_on,
        _verdict(before),
        _verdict(findings.legal),
        rules.version,
    )


def _verdict(legal: Inputs) -> Verdict | None:
    if legal.end_on is None:
        return None
    return verdict(legal.due_on, legal.end_on, forced_late=legal.forced_late)


def _stored(row: Mapping[Any, Any]) -> Stored:
    return Stored(row["code"], (), (), row["updated_at"], row["content_hash"])
