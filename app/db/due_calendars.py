"""Calendar addresses of due dates: of their secrets only hashes; and the days they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, insert, or_, select, text, update
from sqlalchemy.orm import Session

from app.db.tables import due_calendar

SHOWN = 100
"""How many codes of a day are named."""

_READ_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DueDay:
    """What of a branch is due on a day: how many dossiers, and the first codes."""

    on: date
    count: int
    codes: tuple[str, ...]


def create(session: Session, **values: Any) -> int:  # noqa: ANN401 columns
    """Add an address: office, branch, label, token_hash, created_at, created_by; return its id."""
    made = insert(due_calendar).values(**values).returning(due_calendar.c.id)
    return int(session.execute(made).scalar_one())


_SHOWN_COLUMNS = tuple(column for column in due_calendar.c if column.name != "token_hash")


def listing(session: Session, branches: Sequence[str]) -> Sequence[RowMapping]:
    """The addresses of some branches that are not revoked, oldest first."""
    query = select(*_SHOWN_COLUMNS).where(
        due_calendar.c.branch.in_(branches), due_calendar.c.revoked_at.is_(None)
    )
    return session.execute(query.order_by(due_calendar.c.id)).mappings().all()


def revoke(session: Session, calendar_id: int, branches: Sequence[str], now: datetime) -> bool:
    """Let an address of some branches open nothing any more; False if there is none."""
    ended = (
        update(due_calendar)
        .where(
            due_calendar.c.id == calendar_id,
            due_calendar.c.branch.in_(branches),
            due_calendar.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(due_calendar.c.id)
    )
    return session.execute(ended).first() is not None


# An address opens no more than whoever made it may see today: with the account, the client or its
# branch gone, it is shut.
_OPENED = text("""
SELECT held.id, held.branch, held.label
FROM due_calendar AS held
WHERE held.token_hash = :token_hash AND held.revoked_at IS NULL AND (
    EXISTS (
        SELECT FROM user_account AS maker
        WHERE held.created_by = 'user:' || maker.login AND maker.active
          AND maker.office = held.office
          AND coalesce(held.branch = ANY (maker.branches), true)
    ) OR EXISTS (
        SELECT FROM client AS maker
        WHERE held.created_by = 'client:' || maker.client_id AND maker.active
          AND maker.office = held.office AND 'read' = ANY (maker.scopes)
          AND coalesce(held.branch = ANY (maker.branches), true)
    )
)
""")


def opened_by(session: Session, token_hash: bytes) -> RowMapping | None:
    """The address a secret opens: id, branch, label; None for an unknown or revoked one."""
    return session.execute(_OPENED, {"token_hash": token_hash}).mappings().first()


def note_read(session: Session, calendar_id: int, now: datetime) -> None:
    """Remember that an address was read, once an hour: an unread one may be revoked."""
    read_at = due_calendar.c.read_at
    query = update(due_calendar).where(
        due_calendar.c.id == calendar_id,
        or_(read_at.is_(None), read_at <= now - _READ_NOTED_EVERY),
    )
    session.execute(query.values(read_at=now))


# The state is written out, so that the planner sees that ix_dossier_open covers it.
_DUE_DAYS = text("""
SELECT d.due_on, count(*) AS count,
       (array_agg(d.code ORDER BY d.due_at, d.code))[1:100] AS codes
FROM dossier AS d
WHERE d.branch = :branch AND d.state NOT IN ('finished', 'closed') AND d.state = 'running'
  AND coalesce(d.due_at, 'infinity'::timestamptz) >= :since
  AND coalesce(d.due_at, 'infinity'::timestamptz) < :until
GROUP BY d.due_on
ORDER BY d.due_on
""")


def due_days(session: Session, branch: str, since: datetime, until: datetime) -> tuple[DueDay, ...]:
    """The due days of the running dossiers of a branch, of due moments in `[since, until)`."""
    arguments = {"branch": branch, "since": since, "until": until}
    return tuple(
        DueDay(row["due_on"], row["count"], tuple(row["codes"]))
        for row in session.execute(_DUE_DAYS, arguments).mappings()
    )
