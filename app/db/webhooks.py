"""Webhooks: addresses of other machines that are told, scoped by office and branches."""

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Text,
    and_,
    cast,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.core.retry import PAUSE_AFTER, PAUSE_AFTER_FAILING_FOR
from app.db.tables import delivery, webhook

_SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64
BOTH_SIGN_FOR = timedelta(hours=24)
"""How long after a rotation messages are signed with the secret before, too."""

_HIDDEN = frozenset({"secret", "previous_secret"})
_SHOWN = tuple(column for column in webhook.c if column.name not in _HIDDEN)


@dataclass(frozen=True, slots=True)
class Owned:
    """Which webhooks a caller keeps: those of an office, all or those that tell of its branches.

    A caller bound to branches has none that tells of more.
    """

    office: str
    branches: Collection[str] | None

    @property
    def condition(self) -> ColumnElement[bool]:
        """As a condition on `webhook`."""
        ours = webhook.c.office == self.office
        if self.branches is None:
            return ours
        return and_(ours, webhook.c.branches.contained_by(cast(sorted(self.branches), ARRAY(Text))))


def create(
    session: Session,
    office: str,
    branches: Collection[str] | None,
    url: str,
    **more: Any,  # noqa: ANN401 columns
) -> tuple[int, str]:
    """Add a webhook for some branches of an office (None: all); return its id and secret.

    The secret is shown to people this once; the caller has checked that the branches are theirs.
    `more` are further columns: events, contact, created_at, created_by.
    """
    secret = _new_secret()
    row = {
        "office": office,
        "branches": None if branches is None else sorted(branches),
        "url": url,
        "secret": secret,
    }
    added = session.execute(insert(webhook).values(row | more).returning(webhook.c.id))
    return int(added.scalar_one()), secret


def listing(session: Session, owned: Owned) -> Sequence[RowMapping]:
    """The webhooks of a scope, oldest first, without their secrets."""
    query = select(*_SHOWN).where(owned.condition).order_by(webhook.c.id)
    return session.execute(query).mappings().all()


def find(session: Session, webhook_id: int, owned: Owned) -> RowMapping | None:
    """One webhook of a scope, without its secrets."""
    query = select(*_SHOWN).where(webhook.c.id == webhook_id, owned.condition)
    return session.execute(query).mappings().first()


def change(
    session: Session, webhook_id: int, owned: Owned, values: Mapping[str, Any]
) -> RowMapping | None:
    """Change some columns of a webhook of a scope; the row as it is then, None without one."""
    query = update(webhook).where(webhook.c.id == webhook_id, owned.condition)
    return session.execute(query.values(values).returning(*_SHOWN)).mappings().first()


def rotate(session: Session, webhook_id: int, owned: Owned, now: datetime) -> str | None:
    """Give a webhook a new secret; the one before signs beside it for a day. None without one.

    Rotated twice in a day, the oldest is forgotten at once: it may be the one that leaked.
    """
    secret = _new_secret()
    values = {
        "secret": secret,
        "previous_secret": webhook.c.secret,
        "previous_until": now + BOTH_SIGN_FOR,
    }
    return secret if change(session, webhook_id, owned, values) is not None else None


def resume(session: Session, webhook_id: int, owned: Owned, now: datetime) -> int | None:
    """End a pause and release what was held; how many deliveries that is, None without a webhook.

    They begin anew: their failures were the receiver's, which has been mended.
    """
    values = {"paused_at": None, "failures": 0, "failing_since": None, "active": True}
    if change(session, webhook_id, owned, values) is None:
        return None
    return _end_hold(session, webhook_id, next_attempt_at=now, attempts=0)


def remove(session: Session, webhook_id: int, owned: Owned) -> bool:
    """Delete a webhook of a scope; False if the scope has no such webhook.

    What is still queued for it is given up: what was held at once, the rest at its next attempt.
    """
    query = delete(webhook).where(webhook.c.id == webhook_id, owned.condition)
    if session.execute(query.returning(webhook.c.id)).first() is None:
        return False
    _end_hold(session, webhook_id, state="dead", last_error="the webhook was deleted")
    return True


def _end_hold(session: Session, webhook_id: int, **values: Any) -> int:  # noqa: ANN401 columns
    held = delivery.c
    ended = (
        update(delivery)
        .where(
            held.state == "queued",
            held.next_attempt_at.is_(None),
            held.channel == "webhook",
            held.address == str(webhook_id),
        )
        .values(values)
    )
    return len(session.execute(ended.returning(held.id)).all())


_NOTE_FAILURE = text("""
UPDATE webhook
SET failures = failures + 1, failing_since = coalesce(failing_since, :now),
    active = active AND NOT :gone,
    paused_at = CASE
        WHEN paused_at IS NULL AND (:gone OR (
            failures + 1 >= :most AND coalesce(failing_since, :now) <= :long_ago
        )) THEN :now
        ELSE paused_at
    END
WHERE id = :id
RETURNING old.paused_at IS NULL AND new.paused_at IS NOT NULL
""")


def note_failure(session: Session, webhook_id: int, now: datetime, *, gone: bool) -> bool:
    """Count a failed attempt in a row; whether the webhook is paused by this one.

    One that is `gone` (it answered 410) is paused and switched off at once: nothing new is queued
    for it either.
    """
    arguments = {
        "id": webhook_id,
        "now": now,
        "gone": gone,
        "most": PAUSE_AFTER,
        "long_ago": now - PAUSE_AFTER_FAILING_FOR,
    }
    return bool(session.scalar(_NOTE_FAILURE, arguments))


# The key of a notice goes on after what is said here; `;` is what follows `:` in their order.
_UNTOLD = text("""
SELECT hook.id, hook.office, hook.branches, hook.url, hook.contact, hook.active, hook.failures,
       hook.failing_since, hook.paused_at, notice.key
FROM webhook AS hook
CROSS JOIN LATERAL (
    SELECT format(
        'paused:%s:%s', hook.id,
        floor(extract(epoch FROM coalesce(hook.failing_since, hook.paused_at)))
    ) AS key
) AS notice
WHERE hook.paused_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM delivery AS told
    WHERE told.key > notice.key || ':' AND told.key < notice.key || ';'
      AND told.state IN ('queued', 'sent')
)
ORDER BY hook.id
""")


def untold(session: Session) -> Sequence[RowMapping]:
    """The paused webhooks whose owners have not been told, nor are about to be.

    `key` is how the keys of the notices begin: one pause is told of once. A notice that was given
    up or whose day was over does not count.
    """
    return session.execute(_UNTOLD).mappings().all()


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
