"""What is to be said to other machines: queued once, claimed with a lease, settled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import attachment, delivery
from app.db.truth import still_so

OVER = "its day is over"
UNTRUE = "no longer true: the dossier was closed or its due date moved"
_LONGEST_ERROR = 2048


class Channel(StrEnum):
    """A way out of the building."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside a letter, or a picture in it: then `content_id` is how the HTML names it."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to queue.

    Attributes:
        key: Names the fact, so that it is queued once.
        address: A mail address, or a webhook's id.
        branch: None where the message covers several.
        body: Of mail `subject`, `text` and perhaps `html`; of a webhook the event.
        office: Whose log it stands in.
        alert_id: The alert it tells of: it is sent only while that is true.
        expires_at: From when on it is not sent any more; None: never.
        attachments: Of mail; their names differ.
    """

    key: str
    channel: Channel
    address: str
    branch: str | None
    body: dict[str, Any]
    office: str | None = None
    alert_id: int | None = None
    expires_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery one worker holds until its lease ends; `attempts` counts the present one.

    `url` and `secret` are None for mail, and for a webhook that was deleted; `previous_secret`
    signs beside the present one for a while after a rotation.
    """

    id: int
    key: str
    channel: Channel
    address: str
    body: dict[str, Any]
    attempts: int
    alert_id: int | None
    url: str | None
    secret: str | None
    previous_secret: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: its number, when it began and ended, and why it failed (None: it went out)."""

    delivery_id: int
    number: int
    began_at: datetime
    ended_at: datetime
    error: str | None = None


def queue(session: Session, drafts: Sequence[Draft], now: datetime) -> int:
    """Queue messages, due at once; return how many are new (a known key is left as it is)."""
    if not drafts:
        return 0
    fresh = insert(delivery).on_conflict_do_nothing(index_elements=["key"])
    added = session.execute(
        fresh.returning(delivery.c.key, delivery.c.id),
        [
            {
                "key": draft.key,
                "channel": draft.channel.value,
                "address": draft.address,
                "office": draft.office,
                "branch": draft.branch,
                "alert_id": draft.alert_id,
                "body": draft.body,
                "created_at": now,
                "next_attempt_at": now,
                "expires_at": draft.expires_at,
            }
            for draft in sorted(drafts, key=lambda draft: draft.key)  # one order: no deadlock
        ],
    )
    ids: dict[str, int] = {row.key: row.id for row in added}
    _attach(session, dict(ids), drafts)
    return len(ids)


def _attach(session: Session, ids: dict[str, int], drafts: Sequence[Draft]) -> None:
    """Keep the attachments of what is new; of two drafts with one key, those of the first."""
    rows = []
    for draft in drafts:
        delivery_id = ids.pop(draft.key, None) if draft.attachments else None
        if delivery_id is not None:
            rows += [
                {
                    "delivery_id": delivery_id,
                    "name": one.name,
                    "media_type": one.media_type,
                    "content_id": one.content_id,
                    "content": one.content,
                }
                for one in draft.attachments
            ]
    if rows:
        session.execute(plain_insert(attachment), rows)


# Both parts act on rows of their own: what is over is not held. SKIP LOCKED: two workers share.
# The lock on the webhook orders this and the end of a pause: what a pause that ends meanwhile
# would miss is not held, and who ends it waits until what is held can be seen.
_SET_ASIDE = text("""
WITH over AS (
    UPDATE delivery SET state = 'dropped', next_attempt_at = NULL, last_error = :over
    WHERE id IN (
        SELECT id FROM delivery
        WHERE state = 'queued' AND next_attempt_at <= :now AND expires_at <= :now
          AND channel = :channel
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
), held AS (
    UPDATE delivery SET next_attempt_at = NULL
    WHERE id IN (
        SELECT queued.id FROM webhook AS hook
        JOIN delivery AS queued ON queued.channel = 'webhook' AND queued.address = hook.id::text
        WHERE hook.paused_at IS NOT NULL AND queued.state = 'queued'
          AND queued.next_attempt_at <= :now AND coalesce(queued.expires_at > :now, true)
          AND queued.channel = :channel
        FOR UPDATE OF queued SKIP LOCKED
        FOR SHARE OF hook SKIP LOCKED
    )
)
SELECT count(*) FROM over
""")


def set_aside(session: Session, now: datetime, channel: Channel) -> int:
    """Drop what is due but over, and put what a paused webhook holds out of the way.

    Returns how many were dropped. One statement a run, so that a claim meets none of them: held
    deliveries, however many, cost later claims nothing.
    """
    arguments = {"now": now, "channel": channel.value, "over": OVER}
    return int(session.scalar(_SET_ASIDE, arguments) or 0)


# `each` counts among the first `limit`, so that a long backlog is not read to its end; what is
# locked and not taken is free again at once.
_CLAIM = text("""
UPDATE delivery AS d
SET attempts = d.attempts + 1, next_attempt_at = :lease_ends
FROM (
    SELECT first.*, row_number() OVER (
        PARTITION BY first.address ORDER BY first.next_attempt_at, first.id
    ) AS place
    FROM (
        SELECT queued.id, queued.address, queued.next_attempt_at,
               hook.url, hook.secret, hook.active,
               CASE WHEN hook.previous_until > :now THEN hook.previous_secret END AS previous_secret
        FROM delivery AS queued
        LEFT JOIN webhook AS hook ON queued.channel = 'webhook' AND hook.id::text = queued.address
        WHERE queued.state = 'queued' AND queued.next_attempt_at <= :now
          AND coalesce(queued.expires_at > :now, true) AND hook.paused_at IS NULL
          AND queued.channel = :channel AND queued.address <> ALL (CAST(:skip AS text[]))
        ORDER BY queued.next_attempt_at
        LIMIT :limit
        FOR UPDATE OF queued SKIP LOCKED
    ) AS first
) AS due
WHERE d.id = due.id AND due.place <= :each
RETURNING d.id, d.key, d.channel, d.address, d.body, d.attempts, d.alert_id,
          due.url, due.secret, due.previous_secret, coalesce(due.active, false) AS active
""")


def claim(
    session: Session,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    channel: Channel,
    skip: Collection[str] = (),
    each: int | None = None,
) -> tuple[Claimed, ...]:
    """Take up to `limit` deliveries that are due, in one statement; no two workers take the same.

    The next attempt is moved past the lease, so what a dead worker held comes due again by itself
    (at least once; the receiver knows repeats by the key). `skip` leaves out addresses; what is
    over and what a paused webhook holds is never taken. Of one address at most `each` are taken,
    and then fewer than `limit` although more are due: claim again, skipping it.
    """
    rows = session.execute(
        _CLAIM,
        {
            "now": now,
            "lease_ends": now + lease,
            "limit": limit,
            "channel": channel.value,
            "skip": list(skip),
            "each": limit if each is None else each,
        },
    )
    return tuple(Claimed(**{**row, "channel": Channel(row["channel"])}) for row in rows.mappings())


# Whether an alert is no longer true; one of a feed, a calendar or quarantine stays what was said of
# a day. `said` is the alert, `about` the dossier.
UNTRUE_ALERT = f"NOT coalesce({still_so('said', 'about', 'said.id IS NOT NULL')}, false)"
_DROP_UNTRUE = text(f"""
UPDATE delivery SET state = 'dropped', next_attempt_at = NULL, last_error = :why,
                    attempts = attempts - 1
FROM unnest(CAST(:ids AS bigint[]), CAST(:alerts AS bigint[])) AS held (id, alert_id)
LEFT JOIN alert AS said ON said.id = held.alert_id
LEFT JOIN dossier AS about ON about.code = said.subject
WHERE delivery.id = held.id AND ({UNTRUE_ALERT})
RETURNING delivery.id
""")


def drop_untrue(session: Session, batch: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """What of a claimed batch is still true; the rest is dropped, in one statement for all.

    Between the sweep and the sending a dossier may have been closed: nobody is accused of it.
    """
    told = [one for one in batch if one.alert_id is not None]
    if not told:
        return tuple(batch)
    arguments = {
        "ids": [one.id for one in told],
        "alerts": [one.alert_id for one in told],
        "why": UNTRUE,
    }
    gone = set(session.scalars(_DROP_UNTRUE, arguments))
    return tuple(one for one in batch if one.id not in gone)


def attachments(session: Session, delivery_id: int) -> tuple[Attachment, ...]:
    """The files of a letter and the pictures in it, by name."""
    held = attachment.c
    query = select(held.name, held.media_type, held.content, held.content_id)
    query = query.where(held.delivery_id == delivery_id).order_by(held.name)
    return tuple(Attachment(*row) for row in session.execute(query))


# An attempt that was made is written down even where another has settled the delivery by now.
_NOTED = """
noted AS (
    INSERT INTO attempt (delivery_id, number, began_at, ended_at, error)
    SELECT id, :number, :began_at, :ended_at, :error FROM delivery WHERE id = :id
)"""
_SETTLE_SENT = text(f"""
WITH {_NOTED}, settled AS (
    UPDATE delivery
    SET state = 'sent', sent_at = :ended_at, next_attempt_at = NULL, last_error = NULL
    WHERE id = :id AND state = 'queued'
    RETURNING channel, address
)
UPDATE webhook SET failures = 0, failing_since = NULL
FROM settled
WHERE settled.channel = 'webhook' AND webhook.id::text = settled.address AND webhook.failures > 0
  AND webhook.paused_at IS NULL
""")
_SETTLE_FAILED = text(f"""
WITH {_NOTED}
UPDATE delivery SET state = :state, next_attempt_at = :next_attempt_at, last_error = :error
WHERE id = :id AND state = 'queued' AND attempts = :number
""")


def settle_sent(session: Session, tried: Tried) -> None:
    """It has been sent, whoever holds it by now; and its webhook fails no more.

    One that was paused meanwhile keeps its counts: they say why, until somebody resumes it.
    """
    session.execute(_SETTLE_SENT, _arguments(tried))


def settle_failed(session: Session, tried: Tried, *, next_attempt_at: datetime | None) -> None:
    """It failed: try again at a moment, or never (None: dead).

    Only the newest attempt settles: a worker that outlived its lease must not pull back the
    delivery another one holds now.
    """
    state = "queued" if next_attempt_at else "dead"
    arguments = _arguments(tried) | {"state": state, "next_attempt_at": next_attempt_at}
    session.execute(_SETTLE_FAILED, arguments)


def _arguments(tried: Tried) -> dict[str, Any]:
    error = tried.error
    return {
        "id": tried.delivery_id,
        "number": tried.number,
        "began_at": tried.began_at,
        "ended_at": tried.ended_at,
        # text holds no NUL
        "error": None if error is None else error.replace("\0", "")[:_LONGEST_ERROR],
    }
