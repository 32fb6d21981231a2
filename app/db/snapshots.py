"""Snapshots of dossiers, saved in a handful of statements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.db.bulk import copy_rows
from app.db.upsert import COPIED, INCOMING, PROMISE, REWRITE, SAVE, TYPES
from app.db.watched import Watched


class Row(NamedTuple):
    """A snapshot ready to be saved, and beside it what is kept elsewhere.

    `raw_hash` is of the bytes it came in; None where it was made of several.
    """

    code: str
    facts: tuple[Any, ...]
    findings: tuple[Any, ...]
    updated_at: datetime
    content_hash: bytes
    raw_hash: bytes | None
    promise: str | None
    name: str | None
    watched: Watched


@dataclass(frozen=True, slots=True)
class Author:
    """Who says so: the source, and the client or person that acted for it.

    `record` is the source the dossier is held by, where it is not the one that speaks. Of a
    `historical` snapshot no alarm is raised for what has passed.
    """

    source: str
    by: str
    branches: Sequence[str]
    historical: bool = False
    record: str | None = None


class Saved(NamedTuple):
    """What became of a row that was written: created, or updated; `changed` if its facts did."""

    code: str
    created: bool
    changed: bool


class Held(NamedTuple):
    """What stands in the database under a code that was not written."""

    code: str
    updated_at: datetime
    content_hash: bytes
    procedure_code: str
    received_at: datetime | None
    branch: str
    source: str
    witnessed: bool


class Sent(NamedTuple):
    """What a dossier was last sent as, and by whom."""

    raw_hash: bytes
    source: str
    branch: str


def save(
    session: Session, rows: Sequence[Row], author: Author, now: datetime, *, why: str = "record"
) -> tuple[list[Saved], list[Held]]:
    """Write snapshots whose codes differ; return what was written and what stands in the way.

    Newer wins, and of two with equal stamps the one with the greater content hash, so that the
    result does not depend on the order of arrival. A row is left alone when what is held is newer
    or the same, when both procedure and day of receipt differ (a conflict), when the author has no
    scope on the branch that holds it, or when another source tells of it too. Three to six
    statements and a COPY, whatever the number of rows.

    Rows are written in the order of their codes, so two batches that share codes wait for one
    another instead of dead-locking. Those left alone are locked as well.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    _copy(session, ordered)
    saved = _written(session, SAVE, ordered, author, now, why)
    if len(saved) == len(rows):
        return saved, []
    written = {row.code for row in saved}
    left = [row.code for row in ordered if row.code not in written]
    held = [Held(*row) for row in session.execute(_HELD, {"codes": left})]
    _complete(session, ordered, [one for one in held if one.source == author.source])
    return saved, held


def rewrite(
    session: Session, rows: Sequence[Row], author: Author, now: datetime, *, why: str
) -> list[Saved]:
    """Write what several sources together say of dossiers that `save` has left alone and locked.

    A row that says what is held makes no revision. What each has promised `promise_too` has kept.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    _copy(session, ordered)
    return _written(session, REWRITE, ordered, author, now, why)


def promise_too(session: Session, codes: Sequence[str], source: str) -> None:
    """Keep the promises told by snapshots that were not written: `codes` of the last `save`."""
    session.execute(_PROMISE_TOO, {"codes": list(codes), "source": source})


def last_sent(session: Session, codes: Sequence[str]) -> dict[str, Sent]:
    """What dossiers told of by one source were last sent as, by code."""
    return {
        row[0]: Sent(bytes(row[1]), *row[2:]) for row in session.execute(_SENT, {"codes": codes})
    }


def _written(
    session: Session,
    statement: TextClause,
    rows: Sequence[Row],
    author: Author,
    now: datetime,
    why: str,
) -> list[Saved]:
    arguments = {
        "source": author.source,
        "record": author.record or author.source,
        "by": author.by,
        "branches": list(author.branches),
        "historical": author.historical,
        "now": now,
        "why": why,
    }
    saved = [Saved(*row) for row in session.execute(statement, arguments)]
    _take_away(session, {row.code for row in saved if not row.created}, rows)
    return saved


def _take_away(session: Session, codes: Collection[str], rows: Sequence[Row]) -> None:
    """What is over is watched no more and, as with facts, a name that is absent is gone.

    Not in the statement that saves: it would not see what another transaction, for which it had to
    wait, has written meanwhile.
    """
    over = [row.code for row in rows if row.code in codes and row.watched.moments is None]
    if over:
        session.execute(_UNWATCH, {"codes": over})
    nameless = [row.code for row in rows if row.code in codes and row.name is None]
    if nameless:
        session.execute(_UNNAME, {"codes": nameless})


def _copy(session: Session, rows: Sequence[Row]) -> None:
    session.execute(INCOMING)
    session.execute(_EMPTY)  # a second wave of the same transaction meets the first one's rows
    copy_rows(
        session,
        "incoming",
        COPIED,
        TYPES,
        ((row.code, *row.facts, *row.findings, *row[3:-1], *row.watched) for row in rows),
    )


def _complete(session: Session, rows: Sequence[Row], held: Sequence[Held]) -> None:
    """Of two names under one stamp and the same facts the greater stays, whichever came first."""
    same = {
        row.code: (row.updated_at, bytes(row.content_hash)) for row in held if not row.witnessed
    }
    named = [
        row.code
        for row in rows
        if row.name is not None and same.get(row.code) == (row.updated_at, row.content_hash)
    ]
    if named:
        session.execute(_GREATER_NAMES, {"codes": named})


_EMPTY = text("DELETE FROM incoming")

_UNWATCH = text("DELETE FROM watch WHERE code = ANY(:codes)")
_UNNAME = text("DELETE FROM applicant WHERE subject = ANY(:codes)")

_HELD = text(
    """
SELECT code, updated_at, content_hash, procedure_code, received_at, branch, source, witnessed
FROM dossier WHERE code = ANY(:codes)
"""
)

_SENT = text(
    """
SELECT code, raw_hash, source, branch FROM dossier
WHERE code = ANY(:codes) AND NOT witnessed AND raw_hash IS NOT NULL
"""
)

_PROMISE_TOO = text(
    f"""
UPDATE dossier SET promises = (
  SELECT jsonb_agg(
    one ORDER BY (one ->> 'at')::timestamptz, one ->> 'promised_at', one ->> 'source') FROM (
    SELECT DISTINCT ON (one ->> 'source', one ->> 'promised_at') one
    FROM jsonb_array_elements(dossier.promises || {PROMISE}) AS one
    ORDER BY one ->> 'source', one ->> 'promised_at',
             (one ->> 'at')::timestamptz, one ->> 'reason') AS earliest)
FROM incoming
WHERE dossier.code = incoming.code AND incoming.code = ANY(:codes)
  AND incoming.promised_at IS NOT NULL
"""
)

_GREATER_NAMES = text(
    """
INSERT INTO applicant (subject, details)
SELECT code, jsonb_build_object('name', name) FROM incoming WHERE code = ANY(:codes) ORDER BY code
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
WHERE applicant.details ->> 'name' COLLATE "C" < excluded.details ->> 'name' COLLATE "C"
"""
)
