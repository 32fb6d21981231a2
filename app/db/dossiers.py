"""Dossiers: saving snapshots in a handful of statements, and the lists people work from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import chain
from app.db.bulk import copy_rows, temporary, wire_type
from app.db.tables import applicant, dossier, revision
from app.db.tables.dossiers import FACTS, FINDINGS

_FACTS = [column.name for column in FACTS]
_FINDINGS = [column.name for column in FINDINGS]
_STORED = ["code", *_FACTS, *_FINDINGS, "updated_at", "content_hash"]
_WATCHED = ["watch_moments", "watch_levels"]
_INCOMING = [*_STORED, "promise", *_WATCHED]


class Row(NamedTuple):
    """A snapshot ready to be saved: the columns of `_INCOMING`, in order, and the name beside."""

    code: str
    facts: tuple[Any, ...]
    findings: tuple[Any, ...]
    updated_at: datetime
    content_hash: bytes
    promise: str | None
    moments: list[datetime] | None
    levels: list[int] | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Author:
    """Who says so: the source, and the client or person that acted for it."""

    source: str
    by: str
    branches: Sequence[str]


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


def save(
    session: Session, rows: Sequence[Row], author: Author, now: datetime, *, why: str = "record"
) -> tuple[list[Saved], list[Held]]:
    """Write snapshots whose codes differ; return what was written and what stands in the way.

    Newer wins, and of two with equal stamps the one with the greater content hash, so that the
    result does not depend on the order of arrival. A row is left alone when what is held is newer
    or the same, when both procedure and day of receipt differ (a conflict), or when the author has
    no scope on the branch that holds it. Eight statements, whatever the number of rows.

    Rows are written in the order of their codes, so two batches that share codes wait for one
    another instead of dead-locking.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    _copy(session, ordered)
    arguments = {
        "source": author.source,
        "by": author.by,
        "branches": list(author.branches),
        "now": now,
        "why": why,
    }
    saved = [Saved(*row) for row in session.execute(_UPSERT, arguments)]
    written = {row.code for row in saved}
    session.execute(_UNWATCH, {"codes": list(written)})
    session.execute(_WATCH, {"codes": list(written)})
    left = [row.code for row in ordered if row.code not in written]
    held = [Held(*row) for row in session.execute(_HELD, {"codes": left})] if left else []
    _save_names(session, ordered, written, held)
    return saved, held


def _copy(session: Session, rows: Sequence[Row]) -> None:
    session.execute(_INCOMING_TABLE)
    session.execute(_EMPTY)  # a second wave of the same transaction meets the first one's rows
    copy_rows(
        session,
        "incoming",
        _COPIED,
        _TYPES,
        (
            (
                row.code,
                *row.facts,
                *row.findings,
                row.updated_at,
                row.content_hash,
                row.promise,
                row.moments,
                row.levels,
            )
            for row in rows
        ),
    )


def _save_names(
    session: Session, rows: Iterable[Row], written: set[str], held: Iterable[Held]
) -> None:
    """Keep the name of the newest snapshot; like its facts, absent means empty.

    Of two names under one stamp and the same facts the greater stays, whichever came first.
    """
    same = {(found.code, found.updated_at, bytes(found.content_hash)) for found in held}
    names = [
        (row.code, row.name, row.code in written)
        for row in rows
        if row.code in written or (row.code, row.updated_at, row.content_hash) in same
    ]
    if names:
        codes, told, newest = zip(*names, strict=True)
        session.execute(_NAMES, {"codes": list(codes), "names": list(told), "newest": list(newest)})


def _changed_facts() -> str:
    parts = (
        f'CASE WHEN old."{name}" IS DISTINCT FROM new."{name}" THEN '
        f'jsonb_build_object(\'{name}\', jsonb_build_array(old."{name}", new."{name}")) '
        "ELSE '{}' END"
        for name in _FACTS
    )
    return " || ".join(parts)


def _column(name: str) -> str:
    return f'"{name}"'


_NAMES_OF_STORED = ", ".join(map(_column, _STORED))
_SET = ", ".join(
    f"{_column(name)} = excluded.{_column(name)}" for name in _STORED if name != "code"
)
# A snapshot makes a revision when its facts differ, or when the law of today moves its due date.
_DIFFERS = (
    "(dossier.content_hash, dossier.state, dossier.due_at, dossier.limit_id) IS DISTINCT FROM "
    "(excluded.content_hash, excluded.state, excluded.due_at, excluded.limit_id)"
)
_ZONE = "Asia/Ho_Chi_Minh"

_COPIED = [_column(name) for name in _INCOMING]
_TYPES = [
    *(wire_type(dossier.c[name]) for name in _STORED),
    *("text", "timestamptz[]", "int2[]"),
]
# What is JSON in the dossier travels as text; read from there, it is JSON again.
_READ = ", ".join(
    f"{_column(name)}::jsonb" if isinstance(dossier.c[name].type, JSONB) else _column(name)
    for name in _STORED
)
_INCOMING_TABLE = text(temporary("incoming", _COPIED, _TYPES))
_EMPTY = text("TRUNCATE incoming")

_SAID = {
    "at": "CAST(:now AS timestamptz)",
    "by": "CAST(:by AS text)",
    "source": "CAST(:source AS text)",
}
_FIRST_HEAD = chain.link(
    head="''::bytea",
    content_hash="content_hash",
    code="code",
    revision_no="1",
    why="CAST(:why AS text)",
    updated_at="updated_at",
    old_due_on="NULL::date",
    new_due_on="due_on",
    **_SAID,
)
_NEXT_HEAD = chain.link(
    head="dossier.head_hash",
    content_hash="excluded.content_hash",
    code="dossier.code",
    revision_no="dossier.revision_no + 1",
    why="CASE WHEN dossier.content_hash <> excluded.content_hash THEN CAST(:why AS text) "
    "ELSE 'catalogue' END",
    updated_at="excluded.updated_at",
    old_due_on="dossier.due_on",
    new_due_on="excluded.due_on",
    **_SAID,
)

_UPSERT = text(
    f"""
WITH saved AS (
  INSERT INTO dossier ({_NAMES_OF_STORED}, source, revision_no, head_hash, promises, first_seen_at)
  SELECT {_READ}, :source, 1, {_FIRST_HEAD},
         CASE WHEN promised_at IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
           jsonb_build_object('promised_at', promised_at, 'at', updated_at, 'reason', promise)) END,
         :now
  FROM incoming ORDER BY code
  ON CONFLICT (code) DO UPDATE SET {_SET}, source = excluded.source,
    revision_no = dossier.revision_no + CASE WHEN {_DIFFERS} THEN 1 ELSE 0 END,
    head_hash = CASE WHEN {_DIFFERS} THEN {_NEXT_HEAD} ELSE dossier.head_hash END,
    promises = CASE WHEN excluded.promised_at IS NOT DISTINCT FROM dossier.promised_at
               THEN dossier.promises ELSE dossier.promises || excluded.promises END
  WHERE (excluded.updated_at, excluded.content_hash) > (dossier.updated_at, dossier.content_hash)
    AND dossier.branch = ANY(:branches)
    AND NOT (dossier.procedure_code <> excluded.procedure_code
             AND coalesce((dossier.received_at AT TIME ZONE '{_ZONE}')::date
                       <> (excluded.received_at AT TIME ZONE '{_ZONE}')::date, false))
  RETURNING new.code, old.code IS NULL AS created,
    old.content_hash IS DISTINCT FROM new.content_hash AS changed,
    new.revision_no, old.revision_no AS old_revision_no,
    new.updated_at, new.content_hash, new.head_hash,
    old.due_on AS old_due_on, new.due_on AS new_due_on,
    CASE WHEN old.code IS NOT NULL THEN {_changed_facts()} END AS changes
), told AS (
  INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, changes,
                        old_due_on, new_due_on, content_hash, head_hash)
  SELECT code, revision_no, :now, :by, :source, CASE WHEN changed THEN :why ELSE 'catalogue' END,
         updated_at, changes, old_due_on, new_due_on, content_hash, head_hash
  FROM saved WHERE revision_no IS DISTINCT FROM old_revision_no
)
SELECT code, created, changed FROM saved
"""
)

_UNWATCH = text(
    """
DELETE FROM watch USING incoming
WHERE watch.code = incoming.code AND incoming.code = ANY(:codes) AND incoming.watch_moments IS NULL
"""
)

# The same due moment keeps what has been said of it; a moved one is armed anew.
_WATCH = text(
    """
INSERT INTO watch (code, branch, due_at, moments, levels, next_at, next_level)
SELECT code, branch, due_at, watch_moments, watch_levels, watch_moments[1], watch_levels[1]
FROM incoming WHERE code = ANY(:codes) AND watch_moments IS NOT NULL ORDER BY code
ON CONFLICT (code) DO UPDATE SET branch = excluded.branch, due_at = excluded.due_at,
  moments = excluded.moments, levels = excluded.levels,
  next_at = CASE WHEN watch.moments = excluded.moments THEN watch.next_at
            ELSE excluded.next_at END,
  next_level = CASE WHEN watch.moments = excluded.moments THEN watch.next_level
               ELSE excluded.next_level END
WHERE (watch.branch, watch.moments) IS DISTINCT FROM (excluded.branch, excluded.moments)
"""
)

_HELD = text(
    """
SELECT code, updated_at, content_hash, procedure_code, received_at, branch
FROM dossier WHERE code = ANY(:codes)
"""
)

_NAMES = text(
    """
WITH given AS (
  SELECT code, name, newest FROM unnest(
    CAST(:codes AS text[]), CAST(:names AS text[]), CAST(:newest AS boolean[])
  ) AS given(code, name, newest)
), gone AS (
  DELETE FROM applicant USING given WHERE subject = code AND newest AND name IS NULL
)
INSERT INTO applicant (subject, details)
SELECT code, jsonb_build_object('name', CASE WHEN newest THEN name
         ELSE greatest(name COLLATE "C", held.details ->> 'name') END)
FROM given LEFT JOIN applicant AS held ON held.subject = code
WHERE name IS NOT NULL ORDER BY code
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
WHERE applicant.details IS DISTINCT FROM excluded.details
"""
)


def find(
    session: Session, code: str, branches: Sequence[str], *, lock: bool = False
) -> RowMapping | None:
    """One dossier of the branches in scope; None where there is none, or it is out of scope.

    With `lock` nobody else writes it until the transaction ends.
    """
    query = select(dossier).where(dossier.c.code == code, dossier.c.branch.in_(branches))
    if lock:
        query = query.with_for_update()
    return session.execute(query).mappings().first()


def name_of(session: Session, code: str) -> str | None:
    """The applicant's name; ask only after `find` has said that the caller may see the dossier."""
    details = session.scalar(select(applicant.c.details).where(applicant.c.subject == code))
    return details.get("name") if details else None


def history(session: Session, code: str) -> Sequence[RowMapping]:
    """The revisions of a dossier, oldest first."""
    query = select(revision).where(revision.c.code == code).order_by(revision.c.revision_no)
    return session.execute(query).mappings().all()
