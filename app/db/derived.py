"""Findings derived anew: which dossiers a change reaches, and writing what it makes of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor
from sqlalchemy import ARRAY, RowMapping, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.tables import dossier
from app.db.tables.dossiers import FACTS, FINDINGS
from app.db.tables.metadata import Code

FOUND = tuple(column.name for column in FINDINGS)
_READ = ", ".join(
    f'"{column.name}"::text' if isinstance(column.type, JSONB) else f'"{column.name}"'
    for column in (*FACTS, *FINDINGS)
)
_REACHED = {"procedures": "procedure_code", "branches": "branch", "communes": "commune"}


class Stored(NamedTuple):
    """A dossier as it stands: the columns of `FACTS` and `FINDINGS` in order, lists as text."""

    code: str
    facts: Sequence[Any]
    findings: Sequence[Any]
    updated_at: datetime
    content_hash: bytes


class Found(NamedTuple):
    """New findings of a dossier, for the facts that had this hash at this stamp."""

    code: str
    findings: tuple[Any, ...]
    updated_at: datetime
    content_hash: bytes
    moments: list[datetime] | None
    levels: list[int] | None


def closed_before(session: Session, codes: Sequence[str], version: int) -> Sequence[RowMapping]:
    """Of some dossiers those that are closed, have a limit, and took it from an older catalogue."""
    query = select(dossier).where(
        dossier.c.code == func.any(cast(list(codes), ARRAY(Code))),
        dossier.c.catalogue_version < version,
        dossier.c.limit_id.is_not(None),
        text("state IN ('finished', 'closed')"),
    )
    return session.execute(query).mappings().all()


def open_ones(
    session: Session,
    version: int,
    reach: Mapping[str, Sequence[str]] | None,
    after: str,
    limit: int,
) -> list[Stored]:
    """Open dossiers, and ended ones without a limit, of a catalogue before `version`, by code.

    Of those only the ones a change reaches: any of its `procedures`, `branches` or `communes`
    (None: all). Closed dossiers with a limit keep what was used (design §5).
    """
    reached = ""
    if reach is not None:
        reached = f"AND ({' OR '.join(f'{_REACHED[name]} = ANY(:{name})' for name in reach)})"
        if not any(reach.values()):
            return []
    query = text(
        f"SELECT code, {_READ}, updated_at, content_hash FROM dossier "
        "WHERE code > :after AND catalogue_version < :version "
        "AND (state NOT IN ('finished', 'closed') OR no_limit IS NOT NULL) "
        f"{reached} ORDER BY code LIMIT :limit"
    )
    arguments = {name: list(codes) for name, codes in (reach or {}).items()}
    rows = session.execute(query, {"after": after, "version": version, "limit": limit, **arguments})
    until = 1 + len(FACTS)
    return [Stored(row[0], row[1:until], row[until:-2], row[-2], row[-1]) for row in rows]


_NAMES = ", ".join(f'"{name}"' for name in FOUND)
_SET = ", ".join(f'"{name}" = refound."{name}"' for name in FOUND)
_MOVED = (
    "(dossier.due_on, dossier.state, dossier.limit_id) IS DISTINCT FROM "
    "(refound.due_on, refound.state, refound.limit_id)"
)

_REFOUND = text(
    "CREATE TEMP TABLE IF NOT EXISTS refound ON COMMIT DELETE ROWS AS "
    f"SELECT code, {_NAMES}, updated_at, content_hash, NULL::timestamptz[] AS watch_moments, "
    "NULL::smallint[] AS watch_levels FROM dossier WITH NO DATA"
)
_COPY = (
    f"COPY refound (code, {_NAMES}, updated_at, content_hash, watch_moments, watch_levels) "
    "FROM STDIN"
)

_REFIND = text(
    f"""
WITH written AS (
  UPDATE dossier SET {_SET},
    revision_no = dossier.revision_no + CASE WHEN {_MOVED} OR :always THEN 1 ELSE 0 END,
    head_hash = CASE WHEN {_MOVED} OR :always
      THEN sha256(dossier.head_hash || dossier.content_hash) ELSE dossier.head_hash END
  FROM refound
  WHERE dossier.code = refound.code AND dossier.content_hash = refound.content_hash
    AND dossier.updated_at = refound.updated_at
  RETURNING new.code, old.revision_no AS old_revision_no, new.revision_no, new.updated_at,
    new.content_hash, new.head_hash, old.due_on AS old_due_on, new.due_on AS new_due_on, new.source,
    new.branch, new.due_at, refound.watch_moments, refound.watch_levels
), told AS (
  INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, changes,
                        old_due_on, new_due_on, content_hash, head_hash)
  SELECT code, revision_no, :now, :by, source, :why, updated_at, NULL,
         old_due_on, new_due_on, content_hash, head_hash
  FROM written WHERE revision_no <> old_revision_no
), unwatched AS (
  DELETE FROM watch USING written
  WHERE watch.code = written.code AND written.watch_moments IS NULL
), watched AS (
  INSERT INTO watch (code, branch, due_at, moments, levels, next_at, next_level)
  SELECT code, branch, due_at, watch_moments, watch_levels, watch_moments[1], watch_levels[1]
  FROM written WHERE watch_moments IS NOT NULL ORDER BY code
  ON CONFLICT (code) DO UPDATE SET branch = excluded.branch, due_at = excluded.due_at,
    moments = excluded.moments, levels = excluded.levels,
    next_at = excluded.next_at, next_level = excluded.next_level
  WHERE (watch.branch, watch.moments) IS DISTINCT FROM (excluded.branch, excluded.moments)
)
SELECT code, revision_no <> old_revision_no AS moved FROM written
"""
)


def refind(
    session: Session,
    rows: Sequence[Found],
    by: str,
    why: str,
    now: datetime,
    *,
    always: bool = False,
) -> Mapping[str, bool]:
    """Write new findings for unchanged facts; a dossier changed meanwhile is skipped.

    Returns the codes written, and for each whether its due day, state or limit moved (then it has
    a revision that says why; with `always` it has one in any case). Three statements, whatever the
    number of rows.
    """
    session.execute(_REFOUND)
    cursor: Cursor[Any] = session.connection().connection.cursor()  # type: ignore[assignment]
    with cursor, cursor.copy(_COPY) as copy:
        for row in sorted(rows, key=lambda row: row.code):
            copy.write_row(
                (
                    row.code,
                    *row.findings,
                    row.updated_at,
                    row.content_hash,
                    row.moments,
                    row.levels,
                )
            )
    told = session.execute(_REFIND, {"now": now, "by": by, "why": why, "always": always})
    return {row.code: row.moved for row in told}
