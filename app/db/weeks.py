"""What a week brought each branch besides its rate: receipts, apologies, causes of lateness."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.ladder import Level


def received(session: Session, branches: Sequence[str], first: date, last: date) -> dict[str, int]:
    """How many dossiers each branch received from one day to another, both included."""
    found = session.execute(
        text("""SELECT d.branch, count(*) AS n
FROM unnest(CAST(:branches AS text[])) AS y (branch)
JOIN dossier AS d ON d.branch = y.branch COLLATE "C" AND d.received_on BETWEEN :first AND :last
GROUP BY d.branch"""),
        {"branches": list(branches), "first": first, "last": last},
    )
    return {row.branch: row.n for row in found}


def apologies(
    session: Session, branches: Sequence[str], since: datetime, until: datetime
) -> dict[str, tuple[int, int]]:
    """By branch how many letters of apology came to be owed between two instants, and were sent.

    Owed is one where the last day to send it came while the dossier was open; whether it was sent
    is told by our letter or by the source.
    """
    found = session.execute(
        text("""SELECT a.branch, count(*) AS owed, count(*) FILTER (
    WHERE jsonb_array_length(d.apologies) > 0 OR EXISTS (
        SELECT FROM letter AS l
        WHERE l.code = d.code AND l.sent_at IS NOT NULL AND l.void_at IS NULL
    )) AS sent
FROM (
    SELECT DISTINCT branch, subject FROM alert
    WHERE branch = ANY (CAST(:branches AS text[]) COLLATE "C") AND level = :apology
      AND raised_at >= :since AND raised_at < :until
) AS a
JOIN dossier AS d ON d.code = a.subject
GROUP BY a.branch"""),
        {
            "branches": list(branches),
            "since": since,
            "until": until,
            "apology": int(Level.APOLOGY_DUE),
        },
    )
    return {row.branch: (row.owed, row.sent) for row in found}


def causes(
    session: Session, branches: Sequence[str], since: datetime, until: datetime
) -> Sequence[RowMapping]:
    """The causes of lateness recorded between two instants, the newest of each dossier.

    Columns: branch, cause, n.
    """
    found = session.execute(
        text("""SELECT d.branch, c.cause, count(*) AS n
FROM (
    SELECT DISTINCT ON (code) code, cause FROM lateness_cause
    WHERE at >= :since AND at < :until ORDER BY code, id DESC
) AS c
JOIN dossier AS d ON d.code = c.code AND d.branch = ANY (CAST(:branches AS text[]) COLLATE "C")
GROUP BY d.branch, c.cause ORDER BY d.branch, c.cause"""),
        {"branches": list(branches), "since": since, "until": until},
    )
    return found.mappings().all()
