"""Sources that are asked: how, from where on, who asks them now, and what went wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import pull, source

_FREE = {"lease": None, "leased_until": None}


def put(session: Session, **values: Any) -> None:  # noqa: ANN401 columns of `pull`
    """Add a pull, or change one; its source is registered if nobody knows it."""
    named = {"code": values["source"], "name": values["source"]}
    session.execute(insert(source).values(named).on_conflict_do_nothing())
    fresh = insert(pull).values(**values)
    changed = {name: fresh.excluded[name] for name in values if name != "source"}
    session.execute(fresh.on_conflict_do_update(index_elements=["source"], set_=changed))


def find(session: Session, code: str) -> RowMapping | None:
    """The pull of a source, of whatever office."""
    return session.execute(select(pull).where(pull.c.source == code)).mappings().first()


def listing(session: Session, office: str | None) -> Sequence[RowMapping]:
    """The pulls of an office (None: all), by source."""
    query = select(pull).order_by(pull.c.source)
    if office is not None:
        query = query.where(pull.c.office == office)
    return session.execute(query).mappings().all()


def remove(session: Session, code: str, office: str) -> bool:
    """Ask a source no more; False if the office has no such pull. What it told stays."""
    mine = (pull.c.source == code, pull.c.office == office)
    return session.execute(delete(pull).where(*mine).returning(pull.c.source)).first() is not None


def change(session: Session, code: str, office: str, **values: Any) -> bool:  # noqa: ANN401 columns
    """Change columns of a pull of an office; False if it has none of that source."""
    mine = (pull.c.source == code, pull.c.office == office)
    changed = session.execute(update(pull).where(*mine).values(**values).returning(pull.c.source))
    return changed.first() is not None


def claim(
    session: Session, now: datetime, lease: str, until: datetime, *, code: str | None = None
) -> RowMapping | None:
    """Take one pull that is due, or that of `code` due or not; None if there is none to take.

    One that somebody else asks is left to him until his lease has run out.
    """
    free = or_(pull.c.leased_until.is_(None), pull.c.leased_until <= now)
    wanted = (pull.c.active, pull.c.next_at <= now) if code is None else (pull.c.source == code,)
    first = (
        select(pull.c.source)
        .where(free, *wanted)
        .order_by(pull.c.next_at, pull.c.source)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = update(pull).where(pull.c.source == first).values(lease=lease, leased_until=until)
    return session.execute(taken.returning(pull)).mappings().first()


def advance(
    session: Session,
    code: str,
    lease: str,
    *,
    cursor: str | None,
    watermark: datetime | None,
    now: datetime,
    until: datetime,
) -> bool:
    """Remember where a page ended, in the transaction that takes its records in.

    False if the lease is no longer ours, or the pull was changed or removed meanwhile: then nothing
    of the page may be kept, for somebody else has read on.
    """
    mine = (pull.c.source == code, pull.c.lease == lease)
    values = {"cursor": cursor, "watermark": watermark, "told_at": now, "leased_until": until}
    moved = session.execute(update(pull).where(*mine).values(values).returning(pull.c.source))
    return moved.first() is not None


def settle(
    session: Session,
    code: str,
    lease: str,
    *,
    next_at: datetime,
    failures: int,
    error: Mapping[str, Any] | None,
    failed_at: datetime | None,
) -> bool:
    """End a run; False if it was no longer ours. Without `failed_at` the old one stays."""
    values: dict[str, Any] = {"next_at": next_at, "failures": failures, "error": error} | _FREE
    if failed_at is not None:
        values["failed_at"] = failed_at
    mine = (pull.c.source == code, pull.c.lease == lease)
    ended = session.execute(update(pull).where(*mine).values(values).returning(pull.c.source))
    return ended.first() is not None
