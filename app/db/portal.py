"""What sources that speak the national portal's protocol have told of each dossier."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from app.db.tables import portal_dossier


class Kept(NamedTuple):
    """A row of `portal_dossier`; JSON as plain values, the hash in hexadecimal digits."""

    code: str
    synced: Mapping[str, Any] | None
    seen: Sequence[Mapping[str, Any]]
    promised: Sequence[str]
    made: str | None
    stamped_at: datetime | None


# An upsert locks a row whatever its WHERE says, and where that is false it writes nothing.
_LOCK = text(
    """
INSERT INTO portal_dossier (source, code)
SELECT :source, code FROM unnest(CAST(:codes AS text[])) AS given(code) ORDER BY code COLLATE "C"
ON CONFLICT (source, code) DO UPDATE SET code = excluded.code WHERE false
"""
)

_SAVE = text(
    """
UPDATE portal_dossier AS held SET synced = given.synced, seen = given.seen,
  promised = given.promised, made = decode(given.made, 'hex'), stamped_at = given.stamped_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(
  code text, synced jsonb, seen jsonb, promised jsonb, made text, stamped_at timestamptz)
WHERE held.source = :source AND held.code = given.code
"""
)

# A source of several about a dossier has its own name of the citizen beside what it witnesses. Of
# dossiers that other branches hold no name is read: it would travel into what this source sends.
_NAMES = text(
    """
SELECT given.code, coalesce(mine.details, held.details) ->> 'name' AS name
FROM unnest(CAST(:codes AS text[])) AS given(code)
LEFT JOIN applicant AS mine ON mine.subject = 'witness/' || :source || '/' || given.code
LEFT JOIN dossier ON dossier.code = given.code AND dossier.branch = ANY(:branches)
LEFT JOIN applicant AS held ON held.subject = dossier.code
WHERE coalesce(mine.subject, held.subject) IS NOT NULL
"""
)


def lock(session: Session, source: str, codes: Collection[str]) -> dict[str, RowMapping]:
    """What a source has told of some dossiers, held for this transaction; a new one has a new row.

    Rows are locked in the order of their codes, so that two calls wait for one another.
    """
    session.execute(_LOCK, {"source": source, "codes": list(codes)})
    query = select(portal_dossier).where(
        portal_dossier.c.source == source, portal_dossier.c.code.in_(codes)
    )
    return {row["code"]: row for row in session.execute(query).mappings()}


def save(session: Session, source: str, rows: Sequence[Kept]) -> None:
    """Write what has changed of rows that this transaction has locked, in one statement."""
    if rows:
        told = msgspec.json.encode([row._asdict() for row in rows]).decode()
        session.execute(_SAVE, {"source": source, "rows": told})


def names(
    session: Session, source: str, codes: Collection[str], branches: Collection[str]
) -> dict[str, str | None]:
    """The applicants' names of dossiers of some branches; where it differs, this source's own."""
    arguments = {"source": source, "codes": list(codes), "branches": list(branches)}
    return {row[0]: row[1] for row in session.execute(_NAMES, arguments)}
