"""Publications: the version everybody computes with, who made it, and how far it was derived."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.db import locks
from app.db.locks import AdvisoryLock
from app.db.tables import catalogue, dossier, publication


def version(session: Session) -> int:
    """The newest version of the catalogue; 0 when nothing was ever published."""
    return session.scalar(select(catalogue.c.version)) or 0


def hold(session: Session) -> int:
    """Keep the catalogue from moving until this transaction ends; return its version."""
    locks.shared(session, AdvisoryLock.CATALOGUE)
    return version(session)


def draft(session: Session) -> int:
    """Be alone with what others may publish or preview, intake apart; return the version."""
    locks.alone(session, AdvisoryLock.DRAFT)
    return version(session)


def lock(session: Session) -> int:
    """Wait for intakes under way and be alone with the catalogue; return its version.

    Previews are waited for first, while intake still goes on.
    """
    draft(session)
    locks.alone(session, AdvisoryLock.CATALOGUE)
    return version(session)


def advance(session: Session, now: datetime) -> int:
    """Begin a publication (see `lock`); return the version it makes."""
    lock(session)
    fresh = upsert(catalogue).values(version=1, published_at=now)
    found = session.execute(
        fresh.on_conflict_do_update(
            index_elements=["one"],
            set_={"version": catalogue.c.version + 1, "published_at": now},
        ).returning(catalogue.c.version)
    )
    return int(found.scalar_one())


def record(
    session: Session,
    made: int,
    *,
    by: str,
    kind: str,
    subject: str,
    details: Mapping[str, Any] | None,
    reach: Mapping[str, Sequence[str]] | None,
    now: datetime,
) -> None:
    """Write down who published what, in which words, and which open dossiers it may concern.

    Where there is no dossier at all there is nothing to derive.
    """
    nobody = session.scalar(select(dossier.c.code).limit(1)) is None
    session.execute(
        insert(publication).values(
            version=made,
            published_at=now,
            by=by,
            kind=kind,
            subject=subject,
            details=details,
            reach=reach,
            derived_at=now if nobody else None,
        )
    )


def next_underived(session: Session, *, lock: bool = False) -> RowMapping | None:
    """The oldest publication whose dossiers have not all been derived anew; None normally.

    With `lock` it is the caller's until its transaction ends; one that somebody else is writing
    for is not found.
    """
    query = (
        select(publication)
        .where(publication.c.derived_at.is_(None))
        .order_by(publication.c.version)
        .limit(1)
    )
    if lock:
        query = query.with_for_update(skip_locked=True)
    return session.execute(query).mappings().first()


def note_progress(
    session: Session, of: int, *, until: str, derived: int, moved: int, done_at: datetime | None
) -> None:
    """A chunk was derived: how far it came, how many it was and how many moved."""
    session.execute(
        update(publication)
        .where(publication.c.version == of)
        .values(
            derived_until=until,
            derived=publication.c.derived + derived,
            moved=publication.c.moved + moved,
            derived_at=done_at,
        )
    )


def newest(
    session: Session, scopes: Sequence[str] | None, limit: int, before: int | None = None
) -> Sequence[RowMapping]:
    """The newest publications, newest first; `before` a version, for the next page.

    `scopes` are the offices and branches whose own calendars and communes may be seen (None: all).
    """
    query = select(publication).order_by(publication.c.version.desc()).limit(limit)
    if scopes is not None:
        common = publication.c.kind.not_in(["office", "calendar"])
        query = query.where(or_(common, publication.c.subject.in_(scopes)))
    if before is not None:
        query = query.where(publication.c.version < before)
    return session.execute(query).mappings().all()


def of_calendars(session: Session, scopes: Sequence[str], limit: int) -> Sequence[RowMapping]:
    """The newest publications of the calendars of some scopes, newest first."""
    query = (
        select(publication)
        .where(publication.c.kind == "calendar", publication.c.subject.in_(scopes))
        .order_by(publication.c.version.desc())
        .limit(limit)
    )
    return session.execute(query).mappings().all()


def find(session: Session, made: int) -> Mapping[Any, Any] | None:
    """One publication."""
    query = select(publication).where(publication.c.version == made)
    return session.execute(query).mappings().first()


def between(
    session: Session, spans: Sequence[tuple[int, int]], scopes: Sequence[str]
) -> Sequence[RowMapping]:
    """The publications of some spans of versions, both ends included, oldest first.

    Of offices and calendars only those of the `scopes`.
    """
    common = publication.c.kind.not_in(["office", "calendar"])
    query = (
        select(publication)
        .where(
            or_(*(publication.c.version.between(first, last) for first, last in spans)),
            or_(common, publication.c.subject.in_(scopes)),
        )
        .order_by(publication.c.version)
    )
    return session.execute(query).mappings().all() if spans else []
