"""Why dossiers are late, as people say: one by one, what nobody has said yet, and how many."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import RowMapping, func, insert, select, text
from sqlalchemy.orm import Session

from app.core.yardsticks import Yardstick
from app.db.in_hand import ENDED, Span, arguments, parts, standing
from app.db.lists import CLOCKS, OPEN_STATES, OVERDUE, Clock, clock_arguments
from app.db.tables import lateness_cause


def add(
    session: Session, code: str, cause: str, note: str | None, now: datetime, by: str
) -> RowMapping:
    """Keep a cause; those said before stay, the newest counts."""
    query = insert(lateness_cause).values(code=code, cause=cause, note=note, at=now, by=by)
    return session.execute(query.returning(lateness_cause)).mappings().one()


def of_dossier(session: Session, code: str) -> Sequence[RowMapping]:
    """All that was said of one dossier, the oldest first; ask after it was found in scope."""
    query = (
        select(lateness_cause).where(lateness_cause.c.code == code).order_by(lateness_cause.c.id)
    )
    return session.execute(query).mappings().all()


def newest(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The cause that counts of each of some dossiers that have one."""
    last = (
        select(func.max(lateness_cause.c.id))
        .where(lateness_cause.c.code.in_(codes))
        .group_by(lateness_cause.c.code)
    )
    query = select(lateness_cause.c.code, lateness_cause.c.cause).where(
        lateness_cause.c.id.in_(last)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def missing(
    session: Session,
    clocks: Sequence[Clock],
    now: datetime,
    since: date,
    *,
    after: str = "",
    limit: int,
) -> Sequence[RowMapping]:
    """Late dossiers nobody has said the cause of, by code: overdue now, or ended late since a day.

    Columns: code, branch, procedure_code, due_on, ended_on (null while open).
    """
    told = clock_arguments(clocks, now) | {"since": since, "after": after, "limit": limit}
    return session.execute(_MISSING, told).mappings().all()


def counted(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """How many were late by law in a period, by branch and cause (null: nobody has said).

    Ended late in it, or overdue at its close. Columns: branch, cause, open, n.
    """
    columns = "d.branch, d.code, {judged} AS standing, {open} AS open"
    held = parts(
        over,
        columns.format(judged=ENDED[Yardstick.LEGAL], open="false"),
        columns.format(judged=standing(Yardstick.LEGAL, over), open="true"),
    )
    query = f"""
SELECT h.branch, said.cause, h.open, count(*) AS n FROM ({held}) AS h
LEFT JOIN LATERAL (
  SELECT cause FROM lateness_cause WHERE code = h.code ORDER BY id DESC LIMIT 1
) AS said ON true
WHERE h.standing IN ('late', 'overdue') GROUP BY h.branch, said.cause, h.open"""
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


_COLUMNS = "d.code, d.branch, d.procedure_code, d.due_on, d.ended_on"
_UNSAID = """d.code > :after COLLATE "C"
    AND NOT EXISTS (SELECT FROM lateness_cause AS said WHERE said.code = d.code)"""
_MISSING = text(
    f"""
SELECT late.* FROM (
  SELECT {_COLUMNS} FROM {CLOCKS} JOIN dossier AS d ON d.branch = c.branch COLLATE "C"
  WHERE {OPEN_STATES} AND {OVERDUE}
    AND coalesce(d.due_at, 'infinity'::timestamptz) <= c.clock_at AND {_UNSAID}
  UNION ALL
  SELECT {_COLUMNS} FROM {CLOCKS} JOIN dossier AS d ON d.branch = c.branch COLLATE "C"
  WHERE d.ended_on IS NOT NULL AND d.ended_on >= :since AND d.legal_end_on IS NOT NULL
    AND (d.legal_late OR d.legal_end_on > d.legal_due_on) AND {_UNSAID}
) AS late ORDER BY late.code LIMIT :limit
"""
)
