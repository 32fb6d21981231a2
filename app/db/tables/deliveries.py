"""What is said to whom: webhooks, deliveries and their attempts, digests, subscriptions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.tables.metadata import Code, Instant, Json, metadata

webhook = Table(
    "webhook",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    # Null: every branch of the office.
    Column("branches", ARRAY(Text)),
    # Null: every type of event.
    Column("events", ARRAY(Text)),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    # After a rotation messages are signed with both until then.
    Column("previous_secret", Text),
    Column("previous_until", Instant),
    # Who is told when it is paused, besides the administrators of the office.
    Column("contact", Text),
    Column("created_at", Instant),
    Column("created_by", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    # Failures in a row, since when; past a bound it is paused, and what is queued for it waits.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", Instant),
    Column("paused_at", Instant),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # `digest:<recipient>:<day>` or `alert:<alert>:<webhook>`: nothing is ever queued twice.
    Column("key", Code, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("office", Code),
    Column("branch", Code),
    # The alert it tells of, whose truth is looked at again before it is sent.
    Column("alert_id", BigInteger),
    Column("body", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # Null while queued: its webhook is paused, and it waits for that to be resumed.
    Column("next_attempt_at", Instant),
    # Not sent any more from then on: a morning's digest is not for the night.
    Column("expires_at", Instant),
    Column("sent_at", Instant),
    Column("last_error", Text),
    CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
    # `dropped`: no longer true, or its day is over; `last_error` says which.
    CheckConstraint("state IN ('queued', 'sent', 'dead', 'dropped')", name="state"),
)
# db.deliveries.claim
Index(
    "ix_delivery_queued",
    delivery.c.next_attempt_at,
    postgresql_where=text("state = 'queued'"),
)
# the log people read: of an office, newest first
Index("ix_delivery_office", delivery.c.office, delivery.c.id)
# what could not be delivered, to drive again
Index("ix_delivery_dead", delivery.c.office, delivery.c.id, postgresql_where=text("state = 'dead'"))

attachment = Table(
    "attachment",
    metadata,
    Column(
        "delivery_id", BigInteger, ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    # How the HTML names it (`cid:…`); null: a file beside the letter.
    Column("content_id", Text),
    Column("content", LargeBinary, nullable=False),
)

# Each try: when, how long, and what came back; and each time it was queued again by hand.
attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "delivery_id", BigInteger, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False
    ),
    Column("number", Integer, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    # Null: it went out.
    Column("error", Text),
    # Who queued it again by hand: no try, and its `number` is 0. Null: a try.
    Column("by", Text),
)
Index("ix_attempt_delivery_id", attempt.c.delivery_id, attempt.c.id)

# What each recipient has been told of by a digest, a row a day: alerts past `alerts_after` up to
# and with `alerts_until` are new to it.
digest = Table(
    "digest",
    metadata,
    # `digest:user:1:2026-11-23`: also the key of its delivery. `weekly:user:1:2026-11-23`, the
    # summary of a week that goes out on a day: too, or it is in the digest of that day.
    Column("key", Code, primary_key=True),
    Column("recipient", Code, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("alerts_after", BigInteger, nullable=False),
    Column("alerts_until", BigInteger, nullable=False),
    Column("written_at", Instant, nullable=False),
    # False: there was nothing to say, and nothing was sent.
    Column("said", Boolean, nullable=False),
)
# the last one of a recipient
Index("ix_digest_recipient", digest.c.recipient, digest.c.kind, digest.c.day)

# What a person wants to hear; who has no row hears by default.
subscription = Table(
    "subscription",
    metadata,
    Column(
        "user_id",
        BigInteger,
        ForeignKey("user_account.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("daily", Boolean, nullable=False, server_default=text("true")),
    Column("weekly", Boolean, nullable=False, server_default=text("true")),
    # A short mail on a day with nothing to say.
    Column("all_clear", Boolean, nullable=False, server_default=text("true")),
    # Weekdays without mail, 1 Monday to 7 Sunday.
    Column("quiet_weekdays", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    # Spans of days without mail, a leave: [{"from": …, "until": …}], both inclusive.
    Column("quiet_days", Json, nullable=False, server_default=text("'[]'::jsonb")),
)

# An iCalendar address of due dates; of its secret only the hash. Revoked it stays, for the record.
due_calendar = Table(
    "due_calendar",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    Column("branch", Code, ForeignKey("branch.code"), nullable=False),
    Column("label", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("read_at", Instant),
    Column("revoked_at", Instant),
)
