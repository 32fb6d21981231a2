"""What each of several sources says of a dossier, and what does not agree."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.bulk import copy_rows, temporary, wire_type
from app.db.tables import divergence, dossier, source, witness
from app.db.tables.dossiers import FACTS

_KEPT = ["code", "source", *(column.name for column in FACTS), "updated_at", "content_hash"]


class Telling(NamedTuple):
    """What one source says of a dossier: the columns of `FACTS` in order, and the name beside."""

    code: str
    source: str
    facts: tuple[Any, ...]
    updated_at: datetime
    content_hash: bytes
    name: str | None


class Differs(NamedTuple):
    """A field of which a source says otherwise than the system of record."""

    code: str
    source: str
    field: str
    branch: str
    held: str
    told: str


def of(session: Session, codes: Sequence[str]) -> Sequence[RowMapping]:
    """What the sources of some dossiers say; empty for one that a single source tells of."""
    query = select(witness).where(witness.c.code.in_(codes)).order_by(witness.c.source)
    return session.execute(query).mappings().all()


class Spoken(NamedTuple):
    """When a source last spoke of a dossier, and what it promised."""

    source: str
    updated_at: datetime
    status: int
    promised_at: datetime | None


def words(session: Session, code: str) -> list[Spoken]:
    """The sources of a dossier of which several tell."""
    columns = (witness.c[name] for name in Spoken._fields)
    query = select(*columns).where(witness.c.code == code).order_by(witness.c.source)
    return [Spoken(*row) for row in session.execute(query)]


def locked(session: Session, source: str, after: str, limit: int) -> list[str]:
    """The next dossiers a source is a witness of, locked in the order of their codes."""
    return list(session.scalars(_LOCKED, {"source": source, "after": after, "limit": limit}))


def dossiers_of(session: Session, codes: Sequence[str]) -> Sequence[RowMapping]:
    """The dossiers as they stand."""
    return session.execute(select(dossier).where(dossier.c.code.in_(codes))).mappings().all()


def names(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The names told of some dossiers, by subject: the code, or `subject(source, code)`."""
    rows = session.execute(_NAMES, {"codes": list(codes)})
    return {row[0]: row[1] for row in rows if row[1]}


def subject(source: str, code: str) -> str:
    """Where `applicant` keeps the name that one of several sources tells."""
    return f"witness/{source}/{code}"


def ranks(session: Session) -> dict[str, int]:
    """The rank of every source; the lowest is the system of record.

    Who changes one waits until what was made with it is committed, and then puts it together anew.
    """
    query = select(source.c.code, source.c.rank).order_by(source.c.code)
    return {row[0]: row[1] for row in session.execute(query.with_for_update(read=True))}


def keep(session: Session, tellings: Iterable[Telling]) -> None:
    """Put the newest word of each source in the place of its last one."""
    rows = sorted(tellings)
    session.execute(_TOLD_TABLE)
    session.execute(_EMPTY)
    copy_rows(
        session,
        "told",
        _COPIED,
        _TYPES,
        ((row.code, row.source, *row.facts, row.updated_at, row.content_hash) for row in rows),
    )
    session.execute(_KEEP)
    told = [(subject(row.source, row.code), row.name) for row in rows]
    session.execute(_FORGET, {"subjects": [name for name, said in told if said is None]})
    named = [one for one in told if one[1] is not None]
    session.execute(
        _NAME, {"subjects": [name for name, _ in named], "names": [said for _, said in named]}
    )


def diverge(
    session: Session, codes: Sequence[str], found: Sequence[Differs], now: datetime
) -> None:
    """Keep what does not agree of some dossiers; what agrees again is settled, not forgotten."""
    columns = {f"{name}s": [getattr(row, name) for row in found] for name in Differs._fields}
    session.execute(_AGREE, {**columns, "concerned": list(codes), "now": now})
    if found:
        session.execute(_DIFFER, {**columns, "now": now})


def open_divergences(
    session: Session, branches: Sequence[str], *, after: tuple[str, str, str], limit: int
) -> Sequence[RowMapping]:
    """What does not agree in some branches, in the order of code, source and field."""
    key = (divergence.c.code, divergence.c.source, divergence.c.field)
    query = (
        select(divergence)
        .where(
            divergence.c.settled_at.is_(None),
            divergence.c.branch.in_(branches),
            tuple_(*key) > after,
        )
        .order_by(*key)
        .limit(limit)
    )
    return session.execute(query).mappings().all()


_COPIED = [f'"{name}"' for name in _KEPT]
_TYPES = [wire_type(witness.c[name]) for name in _KEPT]
_TOLD_TABLE = text(temporary("told", _COPIED, _TYPES))
_EMPTY = text("DELETE FROM told")
_READ = ", ".join(
    f'"{name}"::jsonb' if isinstance(witness.c[name].type, JSONB) else f'"{name}"' for name in _KEPT
)
_SET = ", ".join(
    f'"{name}" = excluded."{name}"' for name in _KEPT if name not in ("code", "source")
)
_KEEP = text(
    f"""
INSERT INTO witness ({", ".join(_COPIED)}) SELECT {_READ} FROM told ORDER BY code, source
ON CONFLICT (code, source) DO UPDATE SET {_SET}
"""
)
_LOCKED = text(
    """
WITH next AS (
  SELECT code FROM witness WHERE source = :source AND code > :after ORDER BY code LIMIT :limit
)
SELECT code FROM dossier WHERE code IN (SELECT code FROM next) ORDER BY code FOR UPDATE
"""
)
_FORGET = text("DELETE FROM applicant WHERE subject = ANY(:subjects)")
_NAME = text(
    """
INSERT INTO applicant (subject, details)
SELECT subject, jsonb_build_object('name', name)
FROM unnest(CAST(:subjects AS text[]), CAST(:names AS text[])) AS given(subject, name)
ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
WHERE applicant.details IS DISTINCT FROM excluded.details
"""
)
_NAMES = text(
    """
SELECT subject, details ->> 'name' FROM applicant WHERE subject = ANY(:codes)
UNION ALL
SELECT subject, details ->> 'name' FROM witness
JOIN applicant ON subject = 'witness/' || source || '/' || code WHERE code = ANY(:codes)
"""
)
_GIVEN = """unnest(CAST(:codes AS text[]), CAST(:sources AS text[]), CAST(:fields AS text[]),
  CAST(:branchs AS text[]), CAST(:helds AS text[]), CAST(:tolds AS text[]))
  AS given(code, source, field, branch, held, told)"""
_AGREE = text(
    f"""
UPDATE divergence SET settled_at = :now
WHERE code = ANY(:concerned) AND settled_at IS NULL
  AND (code, source, field) NOT IN (SELECT code, source, field FROM {_GIVEN})
"""
)
_DIFFER = text(
    f"""
INSERT INTO divergence (code, source, field, branch, held, told, since)
SELECT code, source, field, branch, held, told, :now FROM {_GIVEN} ORDER BY code, source, field
ON CONFLICT (code, source, field) DO UPDATE SET branch = excluded.branch, held = excluded.held,
  told = excluded.told, settled_at = NULL,
  since = CASE WHEN divergence.settled_at IS NULL THEN divergence.since ELSE excluded.since END
WHERE (divergence.branch, divergence.held, divergence.told, divergence.settled_at)
  IS DISTINCT FROM (excluded.branch, excluded.held, excluded.told, NULL)
"""
)
