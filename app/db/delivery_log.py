"""The log of deliveries, for people: what was said to whom and how often; and once more by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, Text, and_, cast, func, select, text
from sqlalchemy.orm import Session

from app.db.deliveries import OVER, UNTRUE, UNTRUE_ALERT, Channel
from app.db.tables import attempt, delivery, webhook
from app.db.webhooks import Owned

# Never the body: a log is read over shoulders.
_COLUMNS = tuple(column for column in delivery.c if column.name != "body")


class Fate(StrEnum):
    """How far a delivery has come."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose log a caller reads: the whole of an office, or what goes to the webhooks it keeps."""

    owned: Owned
    whole: bool

    @property
    def condition(self) -> ColumnElement[bool]:
        """As a condition on `delivery`."""
        ours = delivery.c.office == self.owned.office
        if self.whole:
            return ours
        kept = select(cast(webhook.c.id, Text)).where(self.owned.condition)
        return and_(ours, delivery.c.channel == "webhook", delivery.c.address.in_(kept))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the log is narrowed to; None narrows nothing."""

    state: Fate | None = None
    channel: Channel | None = None
    webhook: int | None = None
    branch: str | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions on `delivery`."""
        found: list[ColumnElement[bool]] = []
        for column, value in (
            (delivery.c.state, self.state),
            (delivery.c.channel, self.channel),
            (delivery.c.branch, self.branch),
        ):
            if value is not None:
                found.append(column == str(value))
        if self.webhook is not None:
            found.append(delivery.c.channel == "webhook")
            found.append(delivery.c.address == str(self.webhook))
        return found


def id_of(session: Session, key: str) -> int | None:
    """The number of a delivery by its key."""
    return session.scalar(select(delivery.c.id).where(delivery.c.key == key))


def page(
    session: Session, sight: Sight, wanted: Wanted, *, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Deliveries, newest first, those before a number: every column but the body."""
    query = select(*_COLUMNS).where(sight.condition, *wanted.conditions)
    if before is not None:
        query = query.where(delivery.c.id < before)
    query = query.order_by(delivery.c.id.desc()).limit(limit)
    return session.execute(query).mappings().all()


def find(session: Session, sight: Sight, delivery_id: int) -> RowMapping | None:
    """One delivery, without its body."""
    query = select(*_COLUMNS).where(delivery.c.id == delivery_id, sight.condition)
    return session.execute(query).mappings().first()


def attempts(session: Session, delivery_id: int) -> Sequence[RowMapping]:
    """What was done with a delivery, oldest first; `by` is null of an attempt."""
    query = select(attempt).where(attempt.c.delivery_id == delivery_id)
    return session.execute(query.order_by(attempt.c.id)).mappings().all()


def count_dead(session: Session, sight: Sight) -> int:
    """How many deliveries were given up."""
    query = select(func.count()).select_from(delivery)
    return int(
        session.scalar(query.where(sight.condition, delivery.c.state == Fate.DEAD.value)) or 0
    )


class Verdict(StrEnum):
    """Whether a delivery may be sent again, and if not, why."""

    MAY = "may"
    QUEUED = "queued"
    UNTRUE = "untrue"
    OVER = "over"
    DELETED = "deleted"
    OFF = "off"


_VERDICT = f"""
CASE
    WHEN held.state = 'queued' THEN 'queued'
    WHEN held.alert_id IS NOT NULL AND ({UNTRUE_ALERT}) THEN 'untrue'
    WHEN held.expires_at <= :now THEN 'over'
    WHEN held.channel = 'webhook' AND hook.id IS NULL THEN 'deleted'
    WHEN held.channel = 'webhook' AND NOT hook.active THEN 'off'
    ELSE 'may'
END
"""
_FROM = """
FROM delivery AS held
LEFT JOIN webhook AS hook ON held.channel = 'webhook' AND hook.id::text = held.address
LEFT JOIN alert AS said ON said.id = held.alert_id
LEFT JOIN dossier AS about ON about.code = said.subject
"""
# The receiver knows the key, so what it has seen it drops. What was tried stays in the log.
_AGAIN = """
again AS (
    UPDATE delivery
    SET state = 'queued', attempts = 0, next_attempt_at = :now, sent_at = NULL
    FROM judged
    WHERE delivery.id = judged.id AND judged.verdict = 'may'
    RETURNING delivery.id
), noted AS (
    INSERT INTO attempt (delivery_id, number, began_at, ended_at, by)
    SELECT id, 0, :now, :now, :by FROM again
)"""
_REPLAY = text(f"""
WITH judged AS (
    SELECT held.id, {_VERDICT} AS verdict {_FROM} WHERE held.id = :id FOR UPDATE OF held
), {_AGAIN}
SELECT verdict FROM judged
""")
_REPLAY_DEAD = text(f"""
WITH judged AS (
    SELECT held.id, {_VERDICT} AS verdict {_FROM}
    WHERE held.id = ANY (CAST(:ids AS bigint[])) AND held.state = 'dead'
    FOR UPDATE OF held SKIP LOCKED
), {_AGAIN}, dropped AS (
    UPDATE delivery
    SET state = 'dropped',
        last_error = CASE judged.verdict WHEN 'untrue' THEN :untrue ELSE :over END
    FROM judged
    WHERE delivery.id = judged.id AND judged.verdict IN ('untrue', 'over')
)
SELECT verdict, count(*) FROM judged GROUP BY verdict
""")


def replay(session: Session, delivery_id: int, by: str, now: datetime) -> Verdict:
    """Queue a delivery again, under the same key, with a fresh count of attempts; or why not.

    Ask only after `find` has said that the caller may see it. Who did so is kept among its
    attempts.
    """
    arguments = {"id": delivery_id, "by": by, "now": now}
    return Verdict(session.execute(_REPLAY, arguments).scalar_one())


class Replayed(NamedTuple):
    """What became of some dead deliveries by their verdict, and where to go on (None: no more)."""

    counts: dict[Verdict, int]
    before: int | None


def replay_dead(
    session: Session,
    sight: Sight,
    wanted: Wanted,
    by: str,
    now: datetime,
    *,
    before: int | None,
    limit: int,
) -> Replayed:
    """Queue up to `limit` dead deliveries again, the newest first.

    What is over or no longer true is dropped: it is nobody's work any more.
    """
    query = select(delivery.c.id).where(
        sight.condition, *wanted.conditions, delivery.c.state == Fate.DEAD.value
    )
    if before is not None:
        query = query.where(delivery.c.id < before)
    ids = list(session.scalars(query.order_by(delivery.c.id.desc()).limit(limit)))
    arguments: dict[str, Any] = {"ids": ids, "by": by, "now": now, "untrue": UNTRUE, "over": OVER}
    counts = {Verdict(word): many for word, many in session.execute(_REPLAY_DEAD, arguments)}
    return Replayed(counts, ids[-1] if len(ids) == limit else None)
