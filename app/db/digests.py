"""What a daily digest needs: who is owed one, and what each recipient was told of before.

A row of `digest` is a recipient's watermark: alerts up to its `alerts_until` have been told. For
that an alert must never appear below a mark that was read already. Ids are given in order, but
transactions end in any order; so whoever raises alerts holds a lock in common while it does, and
the mark is read while nobody holds it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.ladder import Told
from app.db import locks
from app.db.deliveries import Channel
from app.db.locks import AdvisoryLock
from app.db.tables import alert, delivery, digest, subscription, user_account, webhook


def alerts_settled(session: Session) -> int:
    """The newest alert, once nobody is raising any: none will ever appear with a lower id.

    Ask in a short transaction: the sweep waits until it ends.
    """
    locks.alone(session, AdvisoryLock.ALERT_IDS)
    # a statement of its own: it sees what was committed while the lock was waited for
    return int(session.scalar(select(func.coalesce(func.max(alert.c.id), 0))) or 0)


_ROLES = {
    "director": Told.BRANCH,
    "administrator": Told.OFFICE,
    "department": Told.DEPARTMENT,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone, or some machine, that may be owed a digest.

    Attributes:
        name: `user:1` or `webhook:3`.
        address: A mail address, or the id of a webhook.
        branches: The branches it may see; None for all of the office.
        told: Which alerts are meant for it.
        without_daily: Whether it has no digest of that day yet, and no other mail.
        without_weekly: Whether it has no summary of that week yet, and no mail that day.
    """

    name: str
    channel: Channel
    address: str
    office: str
    branches: frozenset[str] | None
    told: Told
    language: str = "vi"
    without_daily: bool = True
    without_weekly: bool = False

    @property
    def user_id(self) -> int | None:
        """The account; None of a webhook."""
        kind, _, number = self.name.partition(":")
        return int(number) if kind == "user" else None

    def key(self, day: date) -> str:
        """What its digest of a day is kept and delivered under."""
        return f"digest:{self.name}:{day}"

    def weekly_key(self, day: date) -> str:
        """The same of the summary of a week that goes out on a day."""
        return f"weekly:{self.name}:{day}"


def recipients_without(
    session: Session, offices: Collection[str], day: date
) -> tuple[Recipient, ...]:
    """Who has no digest of that day or no summary of its week yet, from one statement.

    A summary that was not sent on an earlier day of the week is none; who has had a mail that day
    is not among them. Active accounts with a mail address, and active webhooks; these get no
    summary, and a director one only who has asked for it.
    """
    found = union_all(_people(offices, day), _hooks(offices, day)).subquery()
    rows = session.execute(
        select(found).where(or_(found.c.daily, found.c.weekly)).order_by(found.c.kind, found.c.id)
    )
    return tuple(
        Recipient(
            name=f"{row.kind}:{row.id}",
            channel=Channel.MAIL if row.kind == "user" else Channel.WEBHOOK,
            address=row.address,
            office=row.office,
            branches=None if row.branches is None else frozenset(row.branches),
            told=told_to(row.role, whole=row.branches is None),
            language=row.language,
            without_daily=row.daily,
            without_weekly=row.weekly,
        )
        for row in rows
    )


def _people(offices: Collection[str], day: date) -> Select[Any]:
    asked = (
        select(subscription.c.user_id)
        .where(subscription.c.user_id == user_account.c.id, subscription.c.weekly)
        .exists()
    )
    person = _name("user", user_account.c.id)
    return select(
        literal("user").label("kind"),
        user_account.c.id,
        user_account.c.email.label("address"),
        user_account.c.office,
        user_account.c.branches,
        user_account.c.role,
        user_account.c.language,
        and_(_without_daily(person, day), _without_mail(person, day)).label("daily"),
        and_(
            or_(user_account.c.role != "director", asked),
            _without_mail(person, day),
            _without_weekly(person, day),
        ).label("weekly"),
    ).where(
        user_account.c.active,
        user_account.c.email != "",
        user_account.c.office.in_(sorted(offices)),
    )


def _hooks(offices: Collection[str], day: date) -> Select[Any]:
    return select(
        literal("webhook"),
        webhook.c.id,
        cast(webhook.c.id, String),
        webhook.c.office,
        webhook.c.branches,
        cast(null(), Text),
        literal("vi"),
        _without_daily(_name("webhook", webhook.c.id), day),
        literal(value=False),
    ).where(
        webhook.c.active,
        or_(webhook.c.events.is_(None), webhook.c.events.contains(["digest.daily"])),
        webhook.c.office.in_(sorted(offices)),
    )


def told_to(role: str | None, *, whole: bool) -> Told:
    """Which alerts are meant for a role; a machine is told as those are who see as much."""
    return _ROLES.get(role or "", Told.OFFICE if whole else Told.BRANCH)


def _name(kind: str, number: ColumnElement[int]) -> ColumnElement[str]:
    return literal(f"{kind}:", String) + cast(number, String)


def _without_daily(name: ColumnElement[str], day: date) -> ColumnElement[bool]:
    return ~exists().where(
        digest.c.recipient == name, digest.c.kind == "daily", digest.c.day == day
    )


def _without_mail(name: ColumnElement[str], day: date) -> ColumnElement[bool]:
    return ~exists().where(
        digest.c.recipient == name,
        digest.c.kind.in_(("daily", "weekly")),
        digest.c.day == day,
        digest.c.said,
    )


def _without_weekly(name: ColumnElement[str], day: date) -> ColumnElement[bool]:
    """No summary reached them on an earlier day of the week: in that day's digest, or alone."""
    monday = day - timedelta(days=day.weekday())
    unsent = exists().where(
        delivery.c.key.in_((digest.c.key, func.replace(digest.c.key, "weekly:", "digest:"))),
        delivery.c.state != "sent",
    )
    return ~exists().where(
        digest.c.recipient == name,
        digest.c.kind == "weekly",
        digest.c.day.between(monday, day),
        ~unsent,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a recipient has been told: up to which alert, and when that was written.

    `first_on` is set where no digest has ever reached it: the day of the first that was written.
    """

    until: int
    at: datetime
    first_on: date | None = None


def drop_unsent(session: Session, names: Collection[str], day: date) -> int:
    """Drop digests of earlier days that still wait to be sent; what they tell, the next one does.

    Returns how many.
    """
    stale = (
        update(delivery)
        .where(
            delivery.c.state == "queued",
            delivery.c.key == digest.c.key,
            digest.c.recipient.in_(sorted(names)),
            digest.c.day < day,
        )
        .values(state="dropped", next_attempt_at=None, last_error="its day is over")
        .returning(delivery.c.id)
    )
    return len(session.execute(stale).all())


_LAST_SEEN = text("""
SELECT one.name, coalesce(told.alerts_until, 0) AS until,
    coalesce(told.written_at, first.written_at) AS at,
    CASE WHEN told.written_at IS NULL THEN first.day END AS first_on
FROM unnest(CAST(:names AS text[])) AS one (name)
JOIN LATERAL (
    SELECT g.day, g.written_at FROM digest AS g
    WHERE g.recipient = one.name COLLATE "C" AND g.kind = 'daily' ORDER BY g.day LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT g.alerts_until, g.written_at FROM digest AS g LEFT JOIN delivery AS d ON d.key = g.key
    WHERE g.recipient = one.name COLLATE "C" AND g.kind = 'daily'
        AND (NOT g.said OR d.id IS NULL OR d.state = 'sent')
    ORDER BY g.day DESC LIMIT 1
) AS told ON true
""")


def last_seen(session: Session, names: Collection[str]) -> Mapping[str, Seen]:
    """What each recipient was last told, by its newest digest that was sent or had nothing to say.

    One that died or was dropped on the way told nothing. A delivery no longer kept was sent. Who
    never had one written is not in it.
    """
    rows = session.execute(_LAST_SEEN, {"names": sorted(names)})
    return {row.name: Seen(row.until, row.at, row.first_on) for row in rows}


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of `digest` to keep: of the day's digest, or of the week's summary."""

    key: str
    recipient: str
    kind: str
    day: date
    after: int
    until: int
    said: bool


def keep(session: Session, marks: Sequence[Mark], now: datetime) -> frozenset[str]:
    """Keep watermarks; return the keys that were not there before: theirs are to be queued."""
    if not marks:
        return frozenset()
    fresh = insert(digest).values(
        [
            {
                "key": mark.key,
                "recipient": mark.recipient,
                "kind": mark.kind,
                "day": mark.day,
                "alerts_after": mark.after,
                "alerts_until": mark.until,
                "written_at": now,
                "said": mark.said,
            }
            for mark in sorted(marks, key=lambda mark: mark.key)  # one order: no deadlock
        ]
    )
    added = fresh.on_conflict_do_nothing(index_elements=["key"]).returning(digest.c.key)
    return frozenset(session.execute(added).scalars())
