"""What is to be said to other machines: queued once, claimed with a lease, settled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import delivery

_LONGEST_ERROR = 2048


class Channel(StrEnum):
    """A way out of the building."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to queue.

    `key` names the fact, so that it is queued once; `address` is a mail address or a webhook's id;
    `branch` is None where the message covers several.
    """

    key: str
    channel: Channel
    address: str
    branch: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery one worker holds until its lease ends; `attempts` counts the present one.

    `url` and `secret` are None for mail, and for a webhook that was deleted.
    """

    id: int
    key: str
    channel: Channel
    address: str
    body: dict[str, Any]
    attempts: int
    url: str | None
    secret: str | None
    active: bool


def queue(session: Session, drafts: Sequence[Draft], now: datetime) -> int:
    """Queue messages, due at once; return how many are new (a known key is left as it is)."""
    if not drafts:
        return 0
    fresh = insert(delivery).values(
        [
            {
                "key": draft.key,
                "channel": draft.channel.value,
                "address": draft.address,
                "branch": draft.branch,
                "body": draft.body,
                "created_at": now,
                "next_attempt_at": now,
            }
            for draft in sorted(drafts, key=lambda draft: draft.key)  # one order: no deadlock
        ]
    )
    added = session.execute(
        fresh.on_conflict_do_nothing(index_elements=["key"]).returning(delivery.c.id)
    )
    return len(added.all())


_CLAIM = text("""
UPDATE delivery AS d
SET attempts = d.attempts + 1, next_attempt_at = :lease_ends
FROM (
    SELECT queued.id, hook.url, hook.secret, hook.active
    FROM delivery AS queued
    LEFT JOIN webhook AS hook ON queued.channel = 'webhook' AND hook.id::text = queued.address
    WHERE queued.state = 'queued' AND queued.next_attempt_at <= :now
      AND queued.channel = :channel AND queued.address <> ALL (CAST(:skip AS text[]))
    ORDER BY queued.next_attempt_at
    LIMIT :limit
    FOR UPDATE OF queued SKIP LOCKED
) AS due
WHERE d.id = due.id
RETURNING d.id, d.key, d.channel, d.address, d.body, d.attempts,
          due.url, due.secret, coalesce(due.active, false) AS active
""")


def claim(
    session: Session,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    channel: Channel,
    skip: Collection[str] = (),
) -> tuple[Claimed, ...]:
    """Take up to `limit` deliveries that are due, in one statement; no two workers take the same.

    The next attempt is moved past the lease, so what a dead worker held comes due again by itself
    (at least once; the receiver knows repeats by the key). `skip` leaves out addresses.
    """
    rows = session.execute(
        _CLAIM,
        {
            "now": now,
            "lease_ends": now + lease,
            "limit": limit,
            "channel": channel.value,
            "skip": list(skip),
        },
    )
    return tuple(Claimed(**{**row, "channel": Channel(row["channel"])}) for row in rows.mappings())


def settle_sent(session: Session, delivery_id: int, now: datetime) -> None:
    """It has been sent, whoever holds it by now."""
    session.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state == "queued")
        .values(state="sent", sent_at=now, next_attempt_at=None, last_error=None)
    )


def settle_failed(
    session: Session,
    delivery_id: int,
    *,
    attempts: int,
    error: str,
    next_attempt_at: datetime | None,
) -> None:
    """It failed: try again at a moment, or never (None: dead).

    Only the newest attempt settles: a worker that outlived its lease must not pull back the
    delivery another one holds now.
    """
    session.execute(
        update(delivery)
        .where(
            delivery.c.id == delivery_id,
            delivery.c.state == "queued",
            delivery.c.attempts == attempts,
        )
        .values(
            state="queued" if next_attempt_at else "dead",
            next_attempt_at=next_attempt_at,
            last_error=error.replace("\0", "")[:_LONGEST_ERROR],  # text holds no NUL
        )
    )
