"""What must be said about what: the watch list, the alerts raised, who is on it, job runs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
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

# One narrow row per dossier with a running clock: what changes often stays out of `dossier`.
# `moments` and `levels` run in step, in order of time; `next_at` is the first moment not yet said.
watch = Table(
    "watch",
    metadata,
    Column("code", Code, primary_key=True),
    Column("branch", Code, nullable=False),
    # Of the limit; null where only another clock runs (acceptance, hand-over), whose moment it is.
    Column("due_at", Instant),
    Column("moments", ARRAY(Instant), nullable=False),
    Column("levels", ARRAY(SmallInteger), nullable=False),
    # The ladder the moments were counted by; it says whom each level tells, and how.
    Column("ladder", BigInteger, nullable=False),
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

# db.raised.page: of what of a branch something may still be so
Index("ix_watch_branch", watch.c.branch)

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, nullable=False),
    # Null: of the office as a whole.
    Column("branch", Code),
    # A dossier code; of a feed and of quarantine `branch/source`, of a calendar its first open day.
    Column("subject", Code, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("raised_at", Instant, nullable=False),
    # As the ladder said when it was raised.
    Column("tell", ARRAY(Text), nullable=False),
    Column("at_once", Boolean, nullable=False),
    Column("details", Json),
)
# A fact is announced once: two sweeps, a restart or a replay meet here.
Index("uq_alert_fact", alert.c.subject, alert.c.level, alert.c.due_at, unique=True)
# the digest and the page: what was raised for a branch, newest last
Index("ix_alert_branch", alert.c.branch, alert.c.id)
# db.raised.page: what is of no dossier
Index("ix_alert_office", alert.c.office, alert.c.id, postgresql_where=text("level >= 200"))

# "I am on it until …": append-only, the newest of an alert counts.
acknowledgement = Table(
    "acknowledgement",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("alert_id", BigInteger, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("until_at", Instant, nullable=False),
    Column("note", Text),
)
Index("ix_acknowledgement_alert_id", acknowledgement.c.alert_id, acknowledgement.c.id)
# the digest: what is being handled, and what was to be handled by now
Index("ix_acknowledgement_until_at", acknowledgement.c.until_at)

# The ledger of work by time; `run_key` makes a piece of work that must happen once a fact.
job_run = Table(
    "job_run",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("run_key", Text, unique=True),
    # The moment it acted at; by hand that may be another than the wall clock's.
    Column("acted_at", Instant),
    # Who ran it by hand; null: the timetable.
    Column("by", Text),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("done", Integer),
    Column("error", Text),
)
Index("ix_job_run_name", job_run.c.name, job_run.c.started_at)
# what is under way, or ended with its process
Index("ix_job_run_open", job_run.c.name, postgresql_where=job_run.c.finished_at.is_(None))

job_tick = Table(
    "job_tick",
    metadata,
    Column("name", Text, primary_key=True),
    # How often it should run, as the leading scheduler's timetable has it: who reads need not know.
    Column("every_seconds", Double),
    # When it last ran to its end, and for how long; null: it never has.
    Column("ticked_at", Instant),
    Column("seconds", Double),
    # When it last failed, and why; older than the tick: it has recovered.
    Column("failed_at", Instant),
    Column("error", Text),
    # Since the table was made, also the runs that found nothing to do.
    Column("runs", BigInteger, nullable=False, server_default=text("0")),
    Column("failures", BigInteger, nullable=False, server_default=text("0")),
    postgresql_with={"fillfactor": "50"},
)
