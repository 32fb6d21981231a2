"""What must be said, to whom, and whether it has been: watch list, alerts, deliveries, job runs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.tables.metadata import Code, Instant, Json, metadata

# One narrow row per running clock: what changes often stays out of `dossier`. `moments` and
# `levels` run in step, in order of time; `next_at` is the first moment not yet said.
watch = Table(
    "watch",
    metadata,
    Column("code", Code, primary_key=True),
    Column("branch", Code, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("moments", ARRAY(Instant), nullable=False),
    Column("levels", ARRAY(SmallInteger), nullable=False),
    Column("next_at", Instant),
    Column("next_level", SmallInteger),
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_threshold": "500",
    },
)
# db.alerts.raise_due: an idle poll reads nothing
Index("ix_watch_next_at", watch.c.next_at, postgresql_where=watch.c.next_at.is_not(None))

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Code, nullable=False),
    Column("branch", Code, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("raised_at", Instant, nullable=False),
)
# A fact is announced once: two sweeps, a restart or a replay meet here.
Index("uq_alert_fact", alert.c.code, alert.c.level, alert.c.due_at, unique=True)
# the digest: what was raised for a branch since yesterday
Index("ix_alert_branch", alert.c.branch, alert.c.raised_at)

webhook = Table(
    "webhook",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    # Null: every branch of the office.
    Column("branches", ARRAY(Text)),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # `digest:<recipient>:<day>` or `alert:<alert>:<webhook>`: nothing is ever queued twice.
    Column("key", Code, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("branch", Code),
    Column("body", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", Instant),
    Column("sent_at", Instant),
    Column("last_error", Text),
    CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
    CheckConstraint("state IN ('queued', 'sent', 'dead')", name="state"),
)
# db.deliveries.claim
Index(
    "ix_delivery_queued",
    delivery.c.next_attempt_at,
    postgresql_where=text("state = 'queued'"),
)

# The ledger of work by time; `run_key` makes a piece of work that must happen once a fact.
job_run = Table(
    "job_run",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("run_key", Text, unique=True),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("done", Integer),
    Column("error", Text),
)
Index("ix_job_run_name", job_run.c.name, job_run.c.started_at)

job_tick = Table(
    "job_tick",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ticked_at", Instant, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
