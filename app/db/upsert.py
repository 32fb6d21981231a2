"""The one statement that saves snapshots: dossiers, revisions, the watch list, the names."""

from sqlalchemy import text

from app.db import chain
from app.db.bulk import back, temporary, wire_type
from app.db.tables import dossier
from app.db.tables.dossiers import FACTS, FINDINGS
from app.db.watched import WATCHED_BEFORE

_FACTS = [column.name for column in FACTS]
_STORED = [
    *("code", *_FACTS, *(column.name for column in FINDINGS)),
    *("updated_at", "content_hash", "raw_hash"),
]
_BESIDE = {"promise": "text", "name": "text", "watch_moments": "timestamptz[]"}
_SENT = [*_STORED, *_BESIDE, "watch_levels", "watch_ladder"]


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
_NEWER = f"""
  WHERE (excluded.updated_at, excluded.content_hash) > (dossier.updated_at, dossier.content_hash)
    AND dossier.branch = ANY(:branches)
    AND dossier.source = :source AND NOT dossier.witnessed
    AND NOT (dossier.procedure_code <> excluded.procedure_code
             AND coalesce((dossier.received_at AT TIME ZONE '{_ZONE}')::date
                       <> (excluded.received_at AT TIME ZONE '{_ZONE}')::date, false))
"""

COPIED = [_column(name) for name in _SENT]
TYPES = [
    *(wire_type(dossier.c[name]) for name in _STORED),
    *_BESIDE.values(),
    *("int2[]", "int8"),
]
_READ = ", ".join(back(dossier.c[name], _column(name)) for name in _STORED)
INCOMING = text(temporary("incoming", COPIED, TYPES))

_SAID = {
    "at": "CAST(:now AS timestamptz)",
    "by": "CAST(:by AS text)",
    "source": "CAST(:source AS text)",
}


def _why(old: str, new: str) -> str:
    """Why a snapshot makes a revision: what the caller says, and which newer law it met.

    Versions of the catalogue are named only where the dossier is judged by another row than before.
    """
    span = (
        f"'catalogue ' || ({old}.catalogue_version + 1)::text || CASE WHEN "
        f"{new}.catalogue_version > {old}.catalogue_version + 1 "
        f"THEN '–' || {new}.catalogue_version::text ELSE '' END"
    )
    judged = "{0}.limit_id, {0}.calendar_id, {0}.policy, {0}.difficult"
    by_law = (
        f"{new}.catalogue_version > {old}.catalogue_version "
        f"AND ({new}.due_at, {new}.state) IS DISTINCT FROM ({old}.due_at, {old}.state) "
        f"AND ({judged.format(new)}) IS DISTINCT FROM ({judged.format(old)})"
    )
    return (
        f"CASE WHEN {new}.content_hash = {old}.content_hash THEN CASE WHEN "
        f"{new}.catalogue_version > {old}.catalogue_version THEN {span} ELSE 'catalogue' END "
        f"WHEN {by_law} THEN CAST(:why AS text) || ', ' || {span} ELSE CAST(:why AS text) END"
    )


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
    why=_why("dossier", "excluded"),
    updated_at="excluded.updated_at",
    old_due_on="dossier.due_on",
    new_due_on="excluded.due_on",
    **_SAID,
)
PROMISE = (
    "jsonb_build_object('promised_at', incoming.promised_at, 'at', incoming.updated_at, "
    "'reason', incoming.promise, 'source', CAST(:source AS text))"
)
# A date a source promised twice counts from the first time: the list is the same in any order.
_PROMISES = """CASE
    WHEN excluded.promised_at IS NOT DISTINCT FROM dossier.promised_at
      OR excluded.promised_at IS NULL
      OR dossier.promises @> jsonb_build_array(
           jsonb_build_object('promised_at', excluded.promised_at, 'source', CAST(:source AS text)))
    THEN dossier.promises ELSE dossier.promises || excluded.promises END"""
# For a file of the past: the first moment that has not passed.
_NEXT_AT = """CASE WHEN CAST(:historical AS boolean)
    THEN (SELECT min(moment) FROM unnest(watch_moments) AS moment WHERE moment > :now)
    ELSE watch_moments[1] END"""
_NEXT_LEVEL = """CASE WHEN CAST(:historical AS boolean)
    THEN (SELECT watch_levels[place]
          FROM unnest(watch_moments) WITH ORDINALITY AS one(moment, place)
          WHERE moment > :now ORDER BY moment LIMIT 1)
    ELSE watch_levels[1] END"""


def _saving(witnessed: str, promises: str, condition: str) -> str:
    """Dossiers, their revisions, the watch list and the names, in one statement.

    The same due moment keeps what has been said of it; a moved one is armed anew.
    """
    return f"""
WITH saved AS (
  INSERT INTO dossier ({_NAMES_OF_STORED}, source, witnessed, revision_no, head_hash, promises,
                       first_seen_at)
  SELECT {_READ}, :record, {witnessed}, 1, {_FIRST_HEAD},
         CASE WHEN promised_at IS NULL THEN '[]'::jsonb
         ELSE jsonb_build_array({PROMISE}) END, :now
  FROM incoming ORDER BY code
  ON CONFLICT (code) DO UPDATE SET {_SET}, source = excluded.source,
    witnessed = excluded.witnessed,
    revision_no = dossier.revision_no + CASE WHEN {_DIFFERS} THEN 1 ELSE 0 END,
    head_hash = CASE WHEN {_DIFFERS} THEN {_NEXT_HEAD} ELSE dossier.head_hash END,
    promises = {promises}
  {condition}
  RETURNING new.code, old.code IS NULL AS created,
    old.content_hash IS DISTINCT FROM new.content_hash AS changed,
    CASE WHEN old.code IS NULL THEN CAST(:why AS text) ELSE {_why("old", "new")} END AS why,
    new.revision_no, old.revision_no AS old_revision_no,
    new.updated_at, new.content_hash, new.head_hash,
    old.due_on AS old_due_on, new.due_on AS new_due_on,
    CASE WHEN old.code IS NOT NULL THEN {_changed_facts()} END AS changes
), told AS (
  INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, changes,
                        old_due_on, new_due_on, content_hash, head_hash)
  SELECT code, revision_no, :now, :by, :source, why, updated_at,
         changes, old_due_on, new_due_on, content_hash, head_hash
  FROM saved WHERE revision_no IS DISTINCT FROM old_revision_no
), watched AS (
  INSERT INTO watch (code, branch, due_at, moments, levels, ladder, next_at, next_level)
  SELECT code, branch, due_at, watch_moments, watch_levels, watch_ladder, {_NEXT_AT}, {_NEXT_LEVEL}
  FROM saved JOIN incoming USING (code) WHERE watch_moments IS NOT NULL ORDER BY code
  {WATCHED_BEFORE}
), named AS (
  INSERT INTO applicant (subject, details)
  SELECT code, jsonb_build_object('name', name)
  FROM saved JOIN incoming USING (code) WHERE name IS NOT NULL ORDER BY code
  ON CONFLICT (subject) DO UPDATE SET details = excluded.details
  WHERE applicant.details IS DISTINCT FROM excluded.details
)
SELECT code, created, changed FROM saved
"""


SAVE = text(_saving("false", _PROMISES, _NEWER))
REWRITE = text(_saving("true", "dossier.promises", ""))
