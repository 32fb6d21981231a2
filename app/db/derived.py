"""Findings derived anew: which dossiers a change reaches, and writing what it makes of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, RowMapping, cast, func, select, text
from sqlalchemy.orm import Session

from app.db import chain
from app.db.bulk import TOLD_AS_TEXT, back, copy_rows, temporary, wire_type
from app.db.tables import dossier
from app.db.tables.dossiers import FACTS, FINDINGS, MOVABLE
from app.db.tables.metadata import Code
from app.db.watched import NOTHING, WATCHED_BEFORE, Watched


def _column(name: str, of: str = "") -> str:
    return f'{of}"{name}"'


FOUND = tuple(column.name for column in FINDINGS)
_READ = ", ".join(
    f"{_column(column.name)}::text" if type(column.type) in TOLD_AS_TEXT else _column(column.name)
    for column in (*FACTS, *FINDINGS)
)
_REACHED = {"procedures": "procedure_code", "branches": "branch", "communes": "commune"}
# A clock runs from the receipt to the last of its due days, and an alarm may go off before it: of
# a limit of few days before the receipt, over the longest closure there could be. What is overdue
# has moments to come as well, though no due day that could move.
_OVER_DAYS = (
    "(due_on IS NULL OR greatest(due_on, legal_due_on, index766_due_on) >= CAST(:first AS date) "
    "OR :moments AND watch_next IS NOT NULL) "
    "AND coalesce(received_at < CAST(:last AS date) + interval '60 days', :moments)"
)


_WATCH = "watch_moments, watch_levels, watch_ladder"
_WITH_WATCH = """LEFT JOIN (
  SELECT code AS watched, moments AS watch_moments, levels AS watch_levels, ladder AS watch_ladder,
         next_at AS watch_next
  FROM watch
) AS w ON w.watched = dossier.code"""


class Stored(NamedTuple):
    """A dossier as it stands: the columns of `FACTS` and `FINDINGS` in order, lists as text."""

    code: str
    facts: Sequence[Any]
    findings: Sequence[Any]
    updated_at: datetime
    content_hash: bytes
    watched: Watched = NOTHING


class Found(NamedTuple):
    """New findings of a dossier, for the facts that had this hash at this stamp."""

    code: str
    findings: tuple[Any, ...]
    updated_at: datetime
    content_hash: bytes
    watched: Watched


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
    *,
    moments: bool = True,
) -> list[Stored]:
    """Open dossiers, and ended ones without a limit, of a catalogue before `version`, by code.

    Of those only the ones a change reaches: any of its `procedures`, `branches` or `communes`, and
    if it names `days` those whose clock may run over them (None: all), and with `moments` those of
    which something is still to be said. Closed dossiers with a limit keep what was used (design
    §5).
    """
    where = ["code > :after", "catalogue_version < :version", MOVABLE]
    told: dict[str, Any] = {"after": after, "version": version, "limit": limit}
    if reach is not None:
        places = {name: list(reach[name]) for name in _REACHED if name in reach}
        days = reach.get("days")
        if days == [] or (places and not any(places.values())):
            return []
        if places:
            where.append(f"({' OR '.join(f'{_REACHED[name]} = ANY(:{name})' for name in places)})")
            told |= places
        if days:
            where.append(_OVER_DAYS)
            told |= {"first": days[0], "last": days[-1], "moments": moments}
    query = text(
        f"SELECT code, {_READ}, updated_at, content_hash, {_WATCH} FROM dossier {_WITH_WATCH} "
        f"WHERE {' AND '.join(where)} ORDER BY code LIMIT :limit"
    )
    rows = session.execute(query, told)
    until = 1 + len(FACTS)
    return [
        Stored(row[0], row[1:until], row[until:-5], row[-5], row[-4], Watched(*row[-3:]))
        for row in rows
    ]


_KEYED = ("updated_at", "content_hash", "watch_moments", "watch_levels", "watch_ladder")
_COPIED = ["code", *map(_column, FOUND), *_KEYED]
_TYPES = [
    "text",
    *(wire_type(column) for column in FINDINGS),
    *("timestamptz", "bytea", "timestamptz[]", "int2[]", "int8"),
]
_SET = ", ".join(
    f'"{column.name}" = {back(column, _column(column.name, "refound."))}' for column in FINDINGS
)
# What makes a revision: what people are told of the dossier, and the row of law it is told by.
_MOVED = (
    "(dossier.due_at, dossier.state, dossier.limit_id, dossier.legal_due_on, dossier.legal_late, "
    "dossier.stage_dues) IS DISTINCT FROM (refound.due_at, refound.state, refound.limit_id, "
    "refound.legal_due_on, refound.legal_late, refound.stage_dues::jsonb)"
)

_REFOUND = text(temporary("refound", _COPIED, _TYPES))

_EMPTY = text("TRUNCATE refound")
_HEAD = chain.link(
    head="dossier.head_hash",
    content_hash="dossier.content_hash",
    code="dossier.code",
    revision_no="dossier.revision_no + 1",
    at="CAST(:now AS timestamptz)",
    by="CAST(:by AS text)",
    source="dossier.source",
    why="CAST(:why AS text)",
    updated_at="dossier.updated_at",
    old_due_on="dossier.due_on",
    new_due_on="refound.due_on",
)
_REFIND = text(
    f"""
WITH written AS (
  UPDATE dossier SET {_SET},
    revision_no = dossier.revision_no + CASE WHEN {_MOVED} OR :always THEN 1 ELSE 0 END,
    head_hash = CASE WHEN {_MOVED} OR :always THEN {_HEAD} ELSE dossier.head_hash END
  FROM refound
  WHERE dossier.code = refound.code AND dossier.content_hash = refound.content_hash
    AND dossier.updated_at = refound.updated_at
  RETURNING new.code, old.revision_no AS old_revision_no, new.revision_no, new.updated_at,
    new.content_hash, new.head_hash, old.due_on AS old_due_on, new.due_on AS new_due_on, new.source,
    (old.due_at, old.state, old.legal_due_on, old.legal_late)
      IS DISTINCT FROM (new.due_at, new.state, new.legal_due_on, new.legal_late) AS moved,
    new.branch, new.due_at, refound.watch_moments, refound.watch_levels, refound.watch_ladder
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
  INSERT INTO watch (code, branch, due_at, moments, levels, ladder, next_at, next_level)
  SELECT code, branch, due_at, watch_moments, watch_levels, watch_ladder,
         watch_moments[1], watch_levels[1]
  FROM written WHERE watch_moments IS NOT NULL ORDER BY code
  {WATCHED_BEFORE}
)
SELECT code, moved FROM written
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

    Returns the codes written, and for each whether its due moment, state or verdict moved. It has
    a revision that says why if it did, or if a stage or the row of law did; with `always` in any
    case. Four
    statements, whatever the number of rows.
    """
    session.execute(_REFOUND)
    session.execute(_EMPTY)  # a second call in one transaction meets the rows of the first
    copy_rows(
        session,
        "refound",
        _COPIED,
        _TYPES,
        (
            (
                row.code,
                *row.findings,
                row.updated_at,
                row.content_hash,
                *row.watched,
            )
            for row in sorted(rows, key=lambda row: row.code)
        ),
    )
    told = session.execute(_REFIND, {"now": now, "by": by, "why": why, "always": always})
    return {row.code: row.moved for row in told}
