"""The chain of a dossier's revisions: each head is made of the one before and of what was added."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.db.bulk import TOLD_AS_TEXT
from app.db.tables.dossiers import FACTS, FINDINGS

_AT_ONCE = 2_000  # rows of a stream in memory
_FEW = 10_000


def link(
    *,
    head: str,
    content_hash: str,
    code: str,
    revision_no: str,
    at: str,
    by: str,
    source: str,
    why: str,
    updated_at: str,
    old_due_on: str,
    new_due_on: str,
) -> str:
    """The head after a revision, as an expression of SQL; `head` is the one before it, or `''`.

    What a revision says of the facts is in `content_hash`. Days and instants go in as numbers,
    which no setting of a session writes otherwise, and all as JSON, in which no text can pass for
    two.
    """
    said = ", ".join(
        (
            code,
            revision_no,
            f"extract(epoch FROM {at})",
            by,
            source,
            why,
            f"extract(epoch FROM {updated_at})",
            f"{old_due_on} - DATE '2000-01-01'",
            f"{new_due_on} - DATE '2000-01-01'",
        )
    )
    return (
        f"sha256({head} || {content_hash} || convert_to(jsonb_build_array({said})::text, 'UTF8'))"
    )


class Link(NamedTuple):
    """A revision as it stands in its chain; `linked` if its head is made of what it says.

    `changes` is JSON as text. `linked` is judged by the revision that stands before it, so it means
    nothing after one that is missing.
    """

    code: str
    revision_no: int
    content_hash: bytes
    head_hash: bytes
    changes: str | None
    old_due_on: date | None
    new_due_on: date | None
    linked: bool


_FACTS_AND_FINDINGS = ", ".join(
    f'"{column.name}"::text AS "{column.name}"'
    if type(column.type) in TOLD_AS_TEXT
    else f'"{column.name}"'
    for column in (*FACTS, *FINDINGS)
)
_STANDING = (
    f"SELECT code, {_FACTS_AND_FINDINGS}, updated_at, content_hash, revision_no, head_hash "
    "FROM dossier WHERE {} ORDER BY code"
)
_MADE = link(
    head="coalesce(lag(head_hash) OVER before, ''::bytea)",
    content_hash="content_hash",
    code="code",
    revision_no="revision_no",
    at="at",
    by="by",
    source="source",
    why="why",
    updated_at="updated_at",
    old_due_on="old_due_on",
    new_due_on="new_due_on",
)
_LINKS = f"""
SELECT code, revision_no, content_hash, head_hash, changes::text, old_due_on, new_due_on,
  head_hash = {_MADE} AS linked
FROM revision WHERE {{}} WINDOW before AS (PARTITION BY code ORDER BY revision_no)
ORDER BY code, revision_no
"""
_THESE = "code = ANY(CAST(:codes AS text[]))"


def standing(session: Session, after: str, limit: int) -> Sequence[RowMapping]:
    """The next dossiers by code: facts, findings and where their chains end; JSON as text."""
    query = text(_STANDING.format("code > :after") + " LIMIT :limit")
    return session.execute(query, {"after": after, "limit": limit}).mappings().all()


def standing_of(session: Session, codes: Sequence[str]) -> Sequence[RowMapping]:
    """The same of some dossiers."""
    query = text(_STANDING.format(_THESE))
    return session.execute(query, {"codes": list(codes)}).mappings().all()


def links(session: Session, after: str, until: str | None) -> Iterator[Link]:
    """Every revision of the codes after one up to another (None: to the end), in order.

    They are judged by the server and read as a stream, whatever their number.
    """
    where = "code > :after" if until is None else "code > :after AND code <= :until"
    return _streamed(session, where, {"after": after, "until": until})


def links_of(session: Session, codes: Sequence[str]) -> Iterator[Link]:
    """The same of some dossiers."""
    return _streamed(session, _THESE, {"codes": list(codes)})


def _streamed(session: Session, where: str, told: Mapping[str, object]) -> Iterator[Link]:
    rows = session.execute(
        text(_LINKS.format(where)), told, execution_options={"yield_per": _AT_ONCE}
    )
    return (Link(*row) for row in rows)


def some(session: Session, count: int) -> Sequence[str]:
    """Codes of dossiers taken by chance, at most `count`, read block by block where there are many.

    Blocks are taken whole, so neighbours come together; of a small table all are in the hat.
    """
    held = about(session)
    percent = 100.0 if held <= _FEW else min(100.0, 100.0 * max(_FEW, 10 * count) / held)
    query = text(
        "SELECT code FROM dossier TABLESAMPLE SYSTEM (:percent) ORDER BY random() LIMIT :count"
    )
    return session.scalars(query, {"percent": percent, "count": count}).all()


def about(session: Session) -> int:
    """About how many dossiers there are, as the planner believes; exact where they are few."""
    believed = session.scalar(
        text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'dossier'::regclass")
    )
    if believed is not None and believed > _FEW:
        return int(believed)
    return int(session.scalar(text("SELECT count(*) FROM dossier")) or 0)
