"""Letters of apology: drafted and numbered, sent or void; and the dossiers that still need one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, and_, exists, func, insert, select, text, update
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db.tables import dossier, letter


class LetterState(StrEnum):
    """What has become of a letter."""

    DRAFT = "draft"
    SENT = "sent"
    VOID = "void"


_STATE: dict[LetterState, ColumnElement[bool]] = {
    LetterState.DRAFT: and_(letter.c.sent_at.is_(None), letter.c.void_at.is_(None)),
    LetterState.SENT: letter.c.sent_at.is_not(None),
    LetterState.VOID: letter.c.void_at.is_not(None),
}


def state(row: RowMapping) -> LetterState:
    """What has become of a letter."""
    if row["void_at"] is not None:
        return LetterState.VOID
    return LetterState.DRAFT if row["sent_at"] is None else LetterState.SENT


def _within(branches: Sequence[str]) -> ColumnElement[bool]:
    """A letter goes where its dossier goes; `letter.branch` is the one that numbered it."""
    return exists().where(dossier.c.code == letter.c.code, dossier.c.branch.in_(branches))


def find(
    session: Session, letter_id: int, branches: Sequence[str], *, lock: bool = False
) -> RowMapping | None:
    """A letter of a dossier in scope; with `lock` nobody else changes it meanwhile."""
    query = select(letter).where(letter.c.id == letter_id, _within(branches))
    if lock:
        query = query.with_for_update()
    return session.execute(query).mappings().first()


def found(session: Session, ids: Sequence[int], branches: Sequence[str]) -> Sequence[RowMapping]:
    """Some letters of dossiers in scope, in the order of their numbers."""
    query = (
        select(letter)
        .where(letter.c.id.in_(ids), _within(branches))
        .order_by(letter.c.branch, letter.c.year, letter.c.number)
    )
    return session.execute(query).mappings().all()


def page(
    session: Session,
    branches: Sequence[str],
    *,
    state: LetterState | None = None,
    after: int | None = None,
    limit: int,
) -> Sequence[RowMapping]:
    """Letters of dossiers of some branches, newest first; `after` is the id a page ended with."""
    query = select(letter).where(_within(branches))
    if state is not None:
        query = query.where(_STATE[state])
    if after is not None:
        query = query.where(letter.c.id < after)
    return session.execute(query.order_by(letter.c.id.desc()).limit(limit)).mappings().all()


def of_dossier(session: Session, code: str) -> Sequence[RowMapping]:
    """All letters of one dossier, the oldest first; ask after the dossier was found in scope."""
    query = select(letter).where(letter.c.code == code).order_by(letter.c.id)
    return session.execute(query).mappings().all()


def standing(session: Session, codes: Sequence[str]) -> frozenset[str]:
    """Those of some dossiers that have a letter which is not void."""
    query = select(letter.c.code).where(letter.c.code.in_(codes), letter.c.void_at.is_(None))
    return frozenset(session.scalars(query))


class Draft(NamedTuple):
    """A letter to be numbered."""

    code: str
    branch: str
    due_on: Any


def hold_numbers(session: Session, branches: Iterable[str]) -> None:
    """Let nobody else number letters of these branches until the transaction ends.

    Always in the same order, so that two lists of dossiers cannot wait for one another.
    """
    for branch in sorted(set(branches)):
        key = func.hashtextextended(f"letter:{branch}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def add(
    session: Session, drafts: Sequence[Draft], year: int, values: dict[str, Any]
) -> Sequence[RowMapping]:
    """Number letters on from the last of each branch and year, and keep them, in their order.

    Call `hold_numbers` first: then numbers have no gap, for what is rolled back gives its own back.

    Raises:
        IntegrityError: one of the dossiers has got another letter meanwhile.
    """
    last = dict(
        session.execute(
            select(letter.c.branch, func.max(letter.c.number))
            .where(letter.c.year == year, letter.c.branch.in_({one.branch for one in drafts}))
            .group_by(letter.c.branch)
        ).all()
    )
    rows = []
    for one in drafts:
        last[one.branch] = last.get(one.branch, 0) + 1
        rows.append(values | one._asdict() | {"year": year, "number": last[one.branch]})
    made = session.execute(insert(letter).returning(letter, sort_by_parameter_order=True), rows)
    return made.mappings().all()


def set_sent(session: Session, letter_id: int, sent_at: datetime, by: str) -> RowMapping:
    """Record when a letter was sent, and who says so."""
    return _set(session, letter_id, sent_at=sent_at, sent_by=by)


def set_void(session: Session, letter_id: int, now: datetime, by: str, reason: str) -> RowMapping:
    """Take a draft back: its number stays used, its dossier may have another letter."""
    return _set(session, letter_id, void_at=now, void_by=by, void_reason=reason)


def _set(session: Session, letter_id: int, **values: object) -> RowMapping:
    query = update(letter).where(letter.c.id == letter_id).values(**values).returning(letter)
    return session.execute(query).mappings().one()


def promise(
    session: Session, code: str, source: str, promised_at: datetime, sent_at: datetime
) -> None:
    """Add a re-appointment to what the citizen was promised; the order is that of the days."""
    session.execute(
        _PROMISE,
        {"code": code, "source": source, "promised_at": promised_at, "sent_at": sent_at},
    )


class Yard(NamedTuple):
    """A branch as letters are due there: the end of today, and how far ahead to look."""

    branch: str
    day_end: datetime
    until: datetime


def owing(
    session: Session, yards: Sequence[Yard], *, limit: int
) -> tuple[Sequence[RowMapping], int]:
    """The running dossiers whose letter must leave today or should have left, and how many.

    Those that have one, or that their sources tell an apology of, are not among them. Columns:
    code, branch, procedure_code, due_on, due_at; the longest overdue last, as what can still be
    kept comes first.
    """
    told = {
        "branches": [yard.branch for yard in yards],
        "day_ends": [yard.day_end for yard in yards],
        "untils": [yard.until for yard in yards],
        "level": int(Level.APOLOGY_DUE),
        "limit": limit,
    }
    rows = session.execute(_OWING, told).mappings().all()
    return rows, rows[0]["whole"] if rows else 0


_PROMISE = text(
    """
UPDATE dossier SET promises = (
  SELECT jsonb_agg(
    one ORDER BY (one ->> 'at')::timestamptz, one ->> 'promised_at', one ->> 'source')
  FROM jsonb_array_elements(dossier.promises || jsonb_build_object(
    'promised_at', CAST(:promised_at AS timestamptz), 'at', CAST(:sent_at AS timestamptz),
    'reason', 'apology', 'source', CAST(:source AS text))) AS one)
WHERE code = :code
"""
)
# An apology is owed for limits of two days and more: those whose ladder has the moment.
_OWING = text(
    """
WITH yard AS (
  SELECT * FROM unnest(CAST(:branches AS text[]), CAST(:day_ends AS timestamptz[]),
    CAST(:untils AS timestamptz[])) AS y (branch, day_end, until)
)
SELECT d.code, d.branch, d.procedure_code, d.due_on, d.due_at, count(*) OVER () AS whole
FROM yard AS y
JOIN dossier AS d ON d.branch = y.branch COLLATE "C"
  AND d.state NOT IN ('finished', 'closed') AND d.state = 'running'
  AND coalesce(d.due_at, 'infinity'::timestamptz) <= y.until
JOIN watch AS w ON w.code = d.code
WHERE w.moments[array_position(w.levels, CAST(:level AS smallint))] < y.day_end
  AND coalesce(jsonb_array_length(d.apologies), 0) = 0
  AND NOT EXISTS (SELECT FROM letter AS l WHERE l.code = d.code AND l.void_at IS NULL)
ORDER BY d.due_at DESC, d.code LIMIT :limit
"""
)
