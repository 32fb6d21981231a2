"""The catalogue in the database but for its calendars: put what is new, read what is in force."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import branch, commune, ladder, limit_rule, office, procedure, supplement_rule

_SUPPLEMENT = ("valid_from", "valid_until", "policy", "ground", "doubt")


def put_offices(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Insert or change offices by code; the codes of those that differ."""
    return _put(session, office, rows)


def put_branches(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Insert or change branches by code; the codes of those that differ."""
    return _put(session, branch, rows)


def put_communes(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Insert or change communes by code; the codes of those that differ."""
    return _put(session, commune, rows)


def put_procedures(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Insert or change procedures by code (their limits are rows apart); those that differ."""
    return _put(session, procedure, rows)


def _put(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> list[str]:  # noqa: ANN401
    """Insert or change rows by code; the codes of those that are new or differ."""
    if not rows:
        return []
    fresh = insert(table)
    changed = {
        column.name: fresh.excluded[column.name] for column in table.c if not column.primary_key
    }
    differs = or_(*(table.c[name].is_distinct_from(value) for name, value in changed.items()))
    put = fresh.on_conflict_do_update(index_elements=["code"], set_=changed, where=differs)
    return sorted(session.scalars(put.returning(table.c.code), list(rows)))


def replace_limits(
    session: Session, procedure_code: str, rows: Iterable[Mapping[str, Any]], published: int
) -> int:
    """Publish the limits of one procedure; rows that stay the same keep their id.

    Returns how many rows are new or superseded: 0 means the publication changes nothing.
    """
    held = {
        (row.case, row.province, row.valid_from): row
        for row in session.execute(
            select(limit_rule).where(
                limit_rule.c.procedure == procedure_code, limit_rule.c.superseded_in.is_(None)
            )
        )
    }
    moved = 0
    for row in rows:
        key = (row["case"], row["province"], row["valid_from"])
        old = held.pop(key, None)
        if old is not None and (old.valid_until, old.rule) == (row["valid_until"], row["rule"]):
            continue
        if old is not None:
            _supersede(session, [old.id], published)
        session.execute(
            insert(limit_rule).values(procedure=procedure_code, published_in=published, **row)
        )
        moved += 1
    gone = [old.id for old in held.values()]
    _supersede(session, gone, published)
    return moved + len(gone)


def _supersede(session: Session, ids: Sequence[int], published: int) -> None:
    if ids:
        session.execute(
            update(limit_rule).where(limit_rule.c.id.in_(ids)).values(superseded_in=published)
        )


def replace_supplements(session: Session, rows: Sequence[Mapping[str, Any]], published: int) -> int:
    """Publish what a completed supplement does by day of receipt; 0 if nothing differs."""
    held = supplements(session)
    if [{name: row[name] for name in _SUPPLEMENT} for row in held] == list(rows):
        return 0
    session.execute(
        update(supplement_rule)
        .where(supplement_rule.c.superseded_in.is_(None))
        .values(superseded_in=published)
    )
    session.execute(insert(supplement_rule), [{**row, "published_in": published} for row in rows])
    return len(rows)


def replace_ladder(
    session: Session,
    office_code: str,
    group: str | None,
    rungs: Sequence[Mapping[str, Any]] | None,
    published: int,
) -> int:
    """Publish the ladder of an office and group, or take it back (None); 0 if nothing differs."""
    scope = and_(ladder.c.office == office_code, ladder.c.group.is_not_distinct_from(group))
    held = session.execute(select(ladder.c.rungs).where(scope, ladder.c.superseded_in.is_(None)))
    if held.scalar_one_or_none() == rungs:
        return 0
    session.execute(
        update(ladder)
        .where(scope, ladder.c.superseded_in.is_(None))
        .values(superseded_in=published)
    )
    if rungs is not None:
        row = {"office": office_code, "group": group, "rungs": list(rungs)}
        session.execute(insert(ladder).values(**row, published_in=published))
    return 1


def offices(session: Session) -> Sequence[RowMapping]:
    """All offices by code."""
    return session.execute(select(office).order_by(office.c.code)).mappings().all()


def branches(session: Session, of_office: str | None = None) -> Sequence[RowMapping]:
    """All branches, or those of an office, by code, with the province of their office."""
    query = (
        select(branch, office.c.province)
        .join(office, office.c.code == branch.c.office)
        .order_by(branch.c.code)
    )
    if of_office is not None:
        query = query.where(branch.c.office == of_office)
    return session.execute(query).mappings().all()


def communes(session: Session) -> Sequence[RowMapping]:
    """All communes by code."""
    return session.execute(select(commune).order_by(commune.c.code)).mappings().all()


def procedures(session: Session) -> Sequence[RowMapping]:
    """All procedures by code."""
    return session.execute(select(procedure).order_by(procedure.c.code)).mappings().all()


def limits(session: Session) -> Sequence[RowMapping]:
    """Every limit row in force in the newest version, of any day of validity."""
    query = (
        select(limit_rule)
        .where(limit_rule.c.superseded_in.is_(None))
        .order_by(limit_rule.c.procedure, limit_rule.c.case, limit_rule.c.valid_from)
    )
    return session.execute(query).mappings().all()


def limits_by_id(session: Session, ids: Sequence[int]) -> Sequence[RowMapping]:
    """Some limit rows, superseded or not."""
    return session.execute(select(limit_rule).where(limit_rule.c.id.in_(ids))).mappings().all()


def ladders(session: Session) -> Sequence[RowMapping]:
    """Every ladder in force, by office and group; the widest first."""
    query = (
        select(ladder)
        .where(ladder.c.superseded_in.is_(None))
        .order_by(ladder.c.office.nulls_first(), ladder.c.group.nulls_first())
    )
    return session.execute(query).mappings().all()


def supplements(session: Session) -> Sequence[RowMapping]:
    """What a completed supplement does, by day of receipt, the oldest first."""
    query = (
        select(supplement_rule)
        .where(supplement_rule.c.superseded_in.is_(None))
        .order_by(supplement_rule.c.valid_from.nulls_first())
    )
    return session.execute(query).mappings().all()
