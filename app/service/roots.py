"""Sealing days: a root over all that was accepted, made of the root before."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.db import roots
from app.db.engine import Sessions
from app.db.roots import ZONE, Root

# Whoever writes a revision has read the clock no longer than this before its transaction begins.
# The longest is a recomputation of all open dossiers, which stamps every chunk with the moment it
# was started at: minutes for a province, an hour or so for the nation. Offices open at seven.
MARGIN = timedelta(hours=4)
_PATIENCE = timedelta(days=1)
_DAY = timedelta(days=1)
_zone = ZoneInfo(ZONE)


class HeldOpenError(Exception):
    """A day cannot be sealed: a transaction has been open since before it ended."""

    def __init__(self, day: date, since: datetime) -> None:
        super().__init__(
            f"{day} cannot be sealed: a transaction is open since {since.isoformat()}; end it"
        )


def root(before: bytes, day: date, heads: Iterable[bytes]) -> tuple[bytes, int]:
    """The root of a day and how many heads are in it, in constant memory.

    It is SHA-256 over the root of the day sealed before (nothing for the first), the day as
    `2026-10-05`, and the heads in the order of codes and revision numbers.
    """
    made, count = sha256(before + day.isoformat().encode()), 0
    for head in heads:
        made.update(head)
        count += 1
    return made.digest(), count


def seal(sessions: Sessions, now: datetime) -> int:
    """Seal every day that is over and not sealed yet, each in a transaction; return how many.

    A day is over when `MARGIN` has passed after its midnight and no transaction is open that began
    before then: whatever carries its date is committed.

    Raises:
        HeldOpenError: a transaction has held that up for more than a day.
    """
    sealed = 0
    while True:
        with sessions.begin() as session:
            last = roots.newest(session)
            day = _next(session, last, now)
            if day is None:
                return sealed
            since = roots.open_since_before(session, _over(day))
            if since is not None:
                if now - _over(day) > _PATIENCE:
                    raise HeldOpenError(day, since)
                return sealed
            made, count = root(last.root if last else b"", day, roots.heads(session, day))
            roots.keep(session, Root(day, made, count, now))
        sealed += 1


def _next(session: Session, last: Root | None, now: datetime) -> date | None:
    """The day to seal next; None while it is not over. Days on which nothing came are sealed."""
    day = last.day + _DAY if last else roots.first_day(session)
    return day if day is not None and _over(day) <= now else None


def _over(day: date) -> datetime:
    return datetime.combine(day + _DAY, time(), _zone) + MARGIN
