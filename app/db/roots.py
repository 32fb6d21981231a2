"""The days whose revisions are sealed: one hash over all that was accepted, on the one before."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import daily_root

ZONE = "Asia/Ho_Chi_Minh"
_AT_ONCE = 10_000  # rows of a stream in memory
_MIDNIGHT = f"CAST(CAST(:{{}} AS date) AS timestamp) AT TIME ZONE '{ZONE}'"
_FROM, _UNTIL = _MIDNIGHT.format("day"), _MIDNIGHT.format("until")


class Root(NamedTuple):
    """A sealed day."""

    day: date
    root: bytes
    revisions: int
    sealed_at: datetime


_COLUMNS = (daily_root.c.day, daily_root.c.root, daily_root.c.revisions, daily_root.c.sealed_at)


def newest(session: Session) -> Root | None:
    """The last day that was sealed."""
    row = session.execute(select(*_COLUMNS).order_by(daily_root.c.day.desc()).limit(1)).first()
    return None if row is None else Root(*row)


def page(session: Session, first: date | None, last: date | None, limit: int) -> Sequence[Root]:
    """Sealed days from `first` to `last`, both included (None: without end), oldest first."""
    query = select(*_COLUMNS).order_by(daily_root.c.day).limit(limit)
    if first is not None:
        query = query.where(daily_root.c.day >= first)
    if last is not None:
        query = query.where(daily_root.c.day <= last)
    return [Root(*row) for row in session.execute(query)]


def count(session: Session) -> int:
    """How many days are sealed."""
    return int(session.scalar(text("SELECT count(*) FROM daily_root")) or 0)


def first_day(session: Session) -> date | None:
    """The day of the oldest revision; None if there is none. Reads them all: ask only once."""
    found: date | None = session.scalar(
        text(f"SELECT (min(at) AT TIME ZONE '{ZONE}')::date FROM revision")
    )
    return found


def heads(session: Session, day: date) -> Iterator[bytes]:
    """The heads of what was accepted on a day, by code and revision, as a stream."""
    rows = session.execute(
        text(
            f"SELECT head_hash FROM revision WHERE at >= {_FROM} "
            f"AND at < {_FROM} + interval '1 day' ORDER BY code, revision_no"
        ),
        {"day": day},
        execution_options={"yield_per": _AT_ONCE},
    )
    return (bytes(row[0]) for row in rows)


def strays(session: Session, day: date, until: date, limit: int) -> Sequence[tuple[str, int]]:
    """Revisions (code, number) of the days from `day` to before `until`."""
    rows = session.execute(
        text(
            f"SELECT code, revision_no FROM revision WHERE at >= {_FROM} AND at < {_UNTIL} "
            "ORDER BY at, code, revision_no LIMIT :limit"
        ),
        {"day": day, "until": until, "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


def keep(session: Session, sealed: Root) -> None:
    """Seal a day; one that is sealed stays as it is."""
    fresh = insert(daily_root).values(sealed._asdict())
    session.execute(fresh.on_conflict_do_nothing(index_elements=["day"]))


def open_since_before(session: Session, moment: datetime) -> datetime | None:
    """When the oldest transaction began that is open and began before a moment; None if none is.

    Of roles that PostgreSQL hides from ours nothing is seen; what writes here has ours.
    """
    found: datetime | None = session.scalar(
        text(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
            "AND xact_start < :moment"
        ),
        {"moment": moment},
    )
    return found
