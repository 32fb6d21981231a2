"""Dossiers: facts as sent, findings as derived, their history, and what was refused."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE

from app.db.tables.metadata import Code, Instant, Json, metadata


def facts_columns() -> tuple[Column[Any], ...]:
    """What a source says, in the order rows are written in. Names of citizens are not among it."""
    return (
        Column("procedure", Text, nullable=False),
        Column("procedure_code", Code, nullable=False),
        Column("case", Text),
        Column("branch", Code, nullable=False),
        Column("commune", Text),
        Column("channel", Text, nullable=False),
        Column("applicant_kind", Text, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("submitted_at", Instant),
        Column("received_at", Instant),
        Column("land_office_received_at", Instant),
        Column("promised_at", Instant),
        Column("suspensions", Json),
        Column("stages", Json),
        Column("extensions", Json),
        Column("apologies", Json),
        Column("steps", Json),
        Column("finished_at", Instant),
        Column("ended_at", Instant),
        Column("outcome", Text),
        Column("handed_over_at", Instant),
        Column("online_payment", Boolean),
        # Told by few sources; a snapshot without them hashes as if they did not exist.
        Column("status_told", SmallInteger),
        Column("suspensions_inferred", Boolean),
        Column("aliases", Json),
    )


FACTS = facts_columns()

FINDINGS = (
    Column("catalogue_version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("no_limit", Text),
    Column("how_ended", Text),
    Column("limit_id", BigInteger),
    Column("calendar_id", BigInteger),
    Column("case_used", Text),
    Column("case_assumed", Boolean, nullable=False),
    Column("difficult", Boolean, nullable=False),
    Column("policy", Text),
    Column("stage_dues", Json),
    Column("due_on", Date),
    Column("due_at", Instant),
    Column("provisional", Boolean, nullable=False),
    Column("received_on", Date),
    Column("ended_on", Date),
    # The days it was out of the office's hands, suspended or at the tax office; null without any.
    Column("paused", DATEMULTIRANGE),
    Column("legal_due_on", Date),
    Column("legal_end_on", Date),
    Column("legal_late", Boolean, nullable=False),
    # On which days it stood past due, where that is not simply each after its due day.
    Column("legal_overdue", DATEMULTIRANGE),
    Column("form_due_on", Date),
    Column("form_overdue", DATEMULTIRANGE),
    Column("index766_due_on", Date),
    Column("index766_end_on", Date),
    Column("index766_late", Boolean, nullable=False),
    Column("index766_overdue", DATEMULTIRANGE),
)
"""What `core.findings.derive` made of them; only `db.dossiers` writes these."""

MOVABLE = "(state NOT IN ('finished', 'closed') OR no_limit IS NOT NULL)"
"""What a change of the catalogue may move: what is open, and what ended without a limit."""

MISSED_APPOINTMENT = "legal_late AND stage_dues IS NOT NULL"
"""Late, and of several appointments: perhaps one before the last was missed."""
LONG_DAYS = 45
LONG = f"(ended_on - received_on > {LONG_DAYS})"
"""What took longer than nearly all do."""

dossier = Table(
    "dossier",
    metadata,
    Column("code", Code, primary_key=True),
    *FACTS,
    *FINDINGS,
    Column("updated_at", Instant, nullable=False),
    Column("source", Code, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("revision_no", Integer, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("promises", Json, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    # Of the bytes it came in, so that the same bytes again are known without reading them.
    Column("raw_hash", LargeBinary),
    # Several sources tell of it: what each says is in `witness`, and this row is made of them.
    Column("witnessed", Boolean, nullable=False, server_default=text("false")),
    # Updates are frequent and small; leave room in the page and vacuum early, after one row in a
    # thousand (of ten million that is a day's work), so that the index-only scans of the reports
    # stay alive while data change (design §4). Left to itself vacuum passes over the indexes while
    # few pages have dead rows, and these pages, the ones that are worked on, stay invisible.
    postgresql_with={
        "fillfactor": "85",
        "autovacuum_vacuum_scale_factor": "0.001",
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_vacuum_insert_scale_factor": "0.001",
        "vacuum_index_cleanup": "on",
    },
)
_OPEN = text("state NOT IN ('finished', 'closed')")
# What an open dossier, or one that was open on a past day, is judged by: read from an index alone.
_JUDGED_BY = (
    *("received_on", "procedure_code", "channel", "due_at", "no_limit"),
    *("legal_due_on", "form_due_on", "index766_due_on"),
    *("legal_overdue", "form_overdue", "index766_overdue"),
)
# db.lists.page: the open dossiers of a branch, most urgent first; db.in_hand: all of them
Index(
    "ix_dossier_open",
    dossier.c.branch,
    func.coalesce(dossier.c.due_at, text("'infinity'::timestamptz")),
    dossier.c.code,
    postgresql_include=["state", *_JUDGED_BY],
    postgresql_where=_OPEN,
)
# db.dossiers.page: all dossiers of a branch in the default order
Index(
    "ix_dossier_all",
    dossier.c.branch,
    func.coalesce(dossier.c.due_at, text("'infinity'::timestamptz")),
    dossier.c.code,
)
# db.in_hand: what ended in a period, by every yardstick, and what stood open shortly before
Index(
    "ix_dossier_ended",
    dossier.c.branch,
    dossier.c.ended_on,
    postgresql_include=[
        *_JUDGED_BY,
        *("legal_end_on", "legal_late", "index766_end_on", "index766_late"),
    ],
    postgresql_where=dossier.c.ended_on.is_not(None),
)
# db.in_hand: what stood open on a past day long before it ended. Few take so long: it is small, and
# most dossiers are never in it.
Index(
    "ix_dossier_long",
    dossier.c.branch,
    dossier.c.ended_on,
    postgresql_include=_JUDGED_BY,
    postgresql_where=text(LONG),
)
# db.reports.fell_due: what the law made due in a period
Index(
    "ix_dossier_due",
    dossier.c.branch,
    dossier.c.legal_due_on,
    postgresql_include=["received_on", "procedure_code", "legal_end_on", "legal_late", "ended_on"],
    postgresql_where=dossier.c.legal_due_on.is_not(None),
)
# db.reports.due: what had missed its first appointment and stood in it at the close of a past day
Index(
    "ix_dossier_missed",
    dossier.c.branch,
    dossier.c.ended_on,
    postgresql_where=text(MISSED_APPOINTMENT),
)
# db.completeness.received: what a branch received on a day
Index("ix_dossier_received", dossier.c.branch, dossier.c.received_on)
# db.derived.open_ones: what a change of the catalogue may move, in the order it is derived anew
Index(
    "ix_dossier_movable",
    dossier.c.code,
    postgresql_where=text(MOVABLE),
)

# The one table that holds names of citizens. The subject is a dossier code or `quarantine/<id>`;
# erasing a row breaks no chain and no report.
applicant = Table(
    "applicant",
    metadata,
    Column("subject", Code, primary_key=True),
    Column("details", Json, nullable=False),
)

revision = Table(
    "revision",
    metadata,
    Column("code", Code, primary_key=True),
    Column("revision_no", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("source", Code, nullable=False),
    Column("why", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("changes", Json),
    Column("old_due_on", Date),
    Column("new_due_on", Date),
    Column("content_hash", LargeBinary, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
)

# db.roots: what was written on one day, without an index entry a row
Index(
    "ix_revision_at",
    revision.c.at,
    postgresql_using="brin",
    # else the newest pages, millions of rows of a table that only grows, are read for each day
    postgresql_with={"autosummarize": "on"},
)

# How late the clock of each branch is: the newest moment its sources have told of.
feed = Table(
    "feed",
    metadata,
    Column("branch", Code, ForeignKey("branch.code"), primary_key=True),
    Column("source", Code, primary_key=True),
    Column("heard_at", Instant, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

# What was refused, raw but for the personal part, which is in `applicant`.
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("arrived_at", Instant, nullable=False),
    Column("last_sent_at", Instant, nullable=False),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("source", Code, nullable=False),
    Column("office", Code, nullable=False),
    Column("branch", Code),
    Column("code", Text),
    # Refused for what is held under its code: no later record of that code settles it.
    Column("conflict", Boolean, nullable=False),
    Column("line", Integer, nullable=False),
    Column("problems", Json, nullable=False),
    Column("record", Json, nullable=False),
    Column("record_hash", LargeBinary, nullable=False),
    # The file it came in; the cells of its row are with its personal part.
    Column("import_id", BigInteger),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("settled_at", Instant),
    Column("settled_by", Text),
    # A later record settled it (`resent`), or somebody drove it again as it was (`redriven`) or
    # with other fields (`amended`), or discarded it, with the reason in `note`.
    Column("settled_how", Text),
    Column("note", Text),
)
# intake: the same refused record sent again is counted, not kept twice
Index(
    "uq_quarantine_open_record",
    quarantine.c.source,
    quarantine.c.record_hash,
    unique=True,
    postgresql_where=text("state = 'open'"),
)
# the list people mend from, and the count beside a branch's rate
Index(
    "ix_quarantine_open",
    quarantine.c.office,
    quarantine.c.branch,
    quarantine.c.id,
    postgresql_where=text("state = 'open'"),
)
# intake: a sound record settles what was refused of its code before
Index(
    "ix_quarantine_code",
    quarantine.c.source,
    quarantine.c.code,
    postgresql_where=text("state = 'open'"),
)
# who settled what, and how
Index(
    "ix_quarantine_settled",
    quarantine.c.office,
    quarantine.c.id,
    postgresql_where=text("state <> 'open'"),
)
# the rejects of a file, in the order of its rows
Index(
    "ix_quarantine_import",
    quarantine.c.import_id,
    quarantine.c.line,
    postgresql_where=quarantine.c.import_id.is_not(None),
)
