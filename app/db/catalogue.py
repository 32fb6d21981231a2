"""The catalogue in the database: publish a version, read what is in force."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from app.db.tables import branch, calendar, catalogue, commune, limit_rule, office, procedure

# Held shared by every intake, alone by a publication: a publication waits for the intakes that
# computed with the old version, and no intake begins with the old one after it.
_LOCK = 7_266_001


def version(session: Session) -> int:
    """The newest version of the catalogue; 0 when nothing was ever published."""
    return session.scalar(select(catalogue.c.version)) or 0


def hold(session: Session) -> int:
    """Keep the catalogue from moving until this transaction ends; return its version."""
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})
    return version(session)


def advance(session: Session, now: datetime) -> int:
    """Begin a publication: wait for intakes under way, return the version it makes."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    fresh = insert(catalogue).values(version=1, published_at=now)
    found = session.execute(
        fresh.on_conflict_do_update(
            index_elements=["one"],
            set_={"version": catalogue.c.version + 1, "published_at": now},
        ).returning(catalogue.c.version)
    )
    return int(found.scalar_one())


def is_derived(session: Session) -> bool:
    """Whether everything open has been derived with the newest version."""
    found = session.execute(select(catalogue.c.version, catalogue.c.derived)).first()
    return found is None or found.derived >= found.version


def set_derived(session: Session, derived: int) -> None:
    """Everything open has been derived with this version."""
    session.execute(update(catalogue).where(catalogue.c.derived < derived).values(derived=derived))


def put_offices(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert or change offices by code; how many differ."""
    return _put(session, office, rows)


def put_branches(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert or change branches by code; how many differ."""
    return _put(session, branch, rows)


def put_communes(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert or change communes by code; how many differ."""
    return _put(session, commune, rows)


def put_procedures(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert or change procedures by code (their limits are rows apart); how many differ."""
    return _put(session, procedure, rows)


def _put(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> int:  # noqa: ANN401
    """Insert or change rows by code; how many are new or differ."""
    if not rows:
        return 0
    fresh = insert(table)
    changed = {
        column.name: fresh.excluded[column.name] for column in table.c if not column.primary_key
    }
    differs = or_(*(table.c[name].is_distinct_from(value) for name, value in changed.items()))
    put = fresh.on_conflict_do_update(index_elements=["code"], set_=changed, where=differs)
    return len(session.scalars(put.returning(table.c.code), list(rows)).all())


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


def publish_calendar(
    session: Session, scope: str, body: Mapping[str, Any], published: int, now: datetime
) -> bool:
    """Publish a new version of a scope's calendar; False if it equals the newest already."""
    newest = session.execute(
        select(calendar.c.version, calendar.c.body)
        .where(calendar.c.scope == scope)
        .order_by(calendar.c.version.desc())
        .limit(1)
    ).first()
    if newest is not None and newest.body == body:
        return False
    session.execute(
        insert(calendar).values(
            scope=scope,
            version=(newest.version if newest else 0) + 1,
            body=body,
            published_in=published,
            published_at=now,
        )
    )
    return True


def offices(session: Session) -> Sequence[RowMapping]:
    """All offices by code."""
    return session.execute(select(office).order_by(office.c.code)).mappings().all()


def branches(session: Session) -> Sequence[RowMapping]:
    """All branches by code, with the province of their office."""
    query = (
        select(branch, office.c.province)
        .join(office, office.c.code == branch.c.office)
        .order_by(branch.c.code)
    )
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


def limit(session: Session, limit_id: int) -> RowMapping | None:
    """One limit row, superseded or not."""
    return session.execute(select(limit_rule).where(limit_rule.c.id == limit_id)).mappings().first()


def calendars(session: Session) -> Sequence[RowMapping]:
    """The newest calendar of each scope."""
    query = (
        select(calendar)
        .ext(distinct_on(calendar.c.scope))
        .order_by(calendar.c.scope, calendar.c.version.desc())
    )
    return session.execute(query).mappings().all()


def calendar_by_id(session: Session, calendar_id: int) -> RowMapping | None:
    """One calendar version."""
    return session.execute(select(calendar).where(calendar.c.id == calendar_id)).mappings().first()
