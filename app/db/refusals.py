"""What lies in quarantine: found, listed and counted, each within a caller's scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, Select, exists, func, or_, select, text
from sqlalchemy.orm import Session

from app.db.tables import quarantine

STATES = ("open", "mended", "discarded")


class Scope(NamedTuple):
    """Whose refused records are looked at.

    Those of no known branch belong to the office as a whole and are seen only by who may see all
    of it (`whole_office`).
    """

    office: str
    branches: Sequence[str]
    whole_office: bool


class Wanted(NamedTuple):
    """Which of them: `field` is a field of the record, or a part of one; `code` how it begins.

    `state` None is every state, settled ones with who, when and how.
    """

    state: str | None = "open"
    source: str | None = None
    field: str | None = None
    code: str | None = None
    decided: bool = False
    """Without conflicts, which somebody must decide one by one."""


OPEN = Wanted()


def page(
    session: Session, scope: Scope, *, after: int, limit: int, wanted: Wanted = OPEN
) -> Sequence[RowMapping]:
    """Refused records of a scope, oldest first."""
    query = select(quarantine).where(*_matching(scope, wanted), quarantine.c.id > after)
    return session.execute(_in_order(query, limit)).mappings().all()


def take(
    session: Session, scope: Scope, *, after: int, limit: int, wanted: Wanted = OPEN
) -> Sequence[RowMapping]:
    """The same, held until the transaction ends; what another one holds is passed over."""
    query = select(quarantine).where(*_matching(scope, wanted), quarantine.c.id > after)
    held = _in_order(query, limit).with_for_update(skip_locked=True)
    return session.execute(held).mappings().all()


def find(
    session: Session, quarantine_id: int, scope: Scope, *, state: str | None = "open"
) -> RowMapping | None:
    """One record, if it is in scope."""
    query = select(quarantine).where(
        *_matching(scope, Wanted(state)), quarantine.c.id == quarantine_id
    )
    return session.execute(query).mappings().first()


def hold(session: Session, quarantine_id: int, scope: Scope) -> RowMapping | None:
    """One open record in scope, kept for this transaction: of two who settle it one finds none."""
    query = select(quarantine).where(*_matching(scope, OPEN), quarantine.c.id == quarantine_id)
    return session.execute(query.with_for_update()).mappings().first()


def count(session: Session, scope: Scope, wanted: Wanted = OPEN) -> int:
    """How many there are."""
    query = select(func.count()).select_from(quarantine).where(*_matching(scope, wanted))
    return int(session.scalar(query) or 0)


def tally(session: Session, scope: Scope) -> Sequence[RowMapping]:
    """How many of each branch and source are open, mended and discarded, and since when.

    Columns: branch (None: of no known branch), source, open, mended, discarded, times (how often
    the open ones were sent), oldest_at (of the open ones).
    """
    is_open = quarantine.c.state == "open"
    query = (
        select(
            quarantine.c.branch,
            quarantine.c.source,
            *(func.count().filter(quarantine.c.state == state).label(state) for state in STATES),
            func.coalesce(func.sum(quarantine.c.times).filter(is_open), 0).label("times"),
            func.min(quarantine.c.arrived_at).filter(is_open).label("oldest_at"),
        )
        .where(*_matching(scope, Wanted(None)))
        .group_by(quarantine.c.branch, quarantine.c.source)
        .order_by(quarantine.c.branch.nulls_last(), quarantine.c.source)
    )
    return session.execute(query).mappings().all()


_ARRIVED = text("""
SELECT q.branch, q.source, count(*) AS count
FROM unnest(CAST(:branches AS text[]), CAST(:since AS timestamptz[])) AS b (branch, since)
JOIN quarantine AS q ON q.branch = b.branch COLLATE "C" AND q.state = 'open'
    AND q.arrived_at >= b.since
GROUP BY q.branch, q.source
""")


def arrived(session: Session, since: Mapping[str, datetime]) -> Sequence[RowMapping]:
    """How many records of each branch arrived since a moment of its own and lie there still.

    Columns: branch, source, count; a line only where there is one.
    """
    asked = {"branches": list(since), "since": list(since.values())}
    return session.execute(_ARRIVED, asked).mappings().all()


def tally_of_fields(session: Session, scope: Scope) -> Sequence[RowMapping]:
    """How many open records have something wrong in a field. Columns: branch, source, field, open.

    `field` is the field of the record, not a part of it; empty where it is the record as a whole.
    """
    problem = func.jsonb_array_elements(quarantine.c.problems).table_valued("value")
    name = func.substring(problem.c.value.op("->>")("field"), "^[^.[]*")
    query = (
        select(
            quarantine.c.branch,
            quarantine.c.source,
            name.label("field"),
            func.count(quarantine.c.id.distinct()).label("open"),
        )
        .select_from(quarantine.join(problem, text("true")))
        .where(*_matching(scope, OPEN))
        .group_by(quarantine.c.branch, quarantine.c.source, name)
        .order_by(quarantine.c.branch.nulls_last(), quarantine.c.source, name)
    )
    return session.execute(query).mappings().all()


def _matching(scope: Scope, wanted: Wanted) -> list[ColumnElement[bool]]:
    mine: ColumnElement[bool] = quarantine.c.branch.in_(scope.branches)
    if scope.whole_office:
        mine = or_(mine, quarantine.c.branch.is_(None))
    found = [quarantine.c.office == scope.office, mine]
    if wanted.state is not None:
        found.append(quarantine.c.state == wanted.state)
    if wanted.source is not None:
        found.append(quarantine.c.source == wanted.source)
    if wanted.code is not None:
        found.append(func.starts_with(quarantine.c.code, wanted.code))
    if wanted.decided:
        found.append(~quarantine.c.conflict)
    if wanted.field is not None:
        problem = func.jsonb_array_elements(quarantine.c.problems).table_valued("value")
        name = problem.c.value.op("->>")("field")
        parts = [func.starts_with(name, wanted.field + sign) for sign in ".["]
        found.append(exists().where(or_(name == wanted.field, *parts)).select_from(problem))
    return found


def _in_order(query: Select[Any], limit: int) -> Select[Any]:
    return query.order_by(quarantine.c.id).limit(limit)
