"""What each source says of a dossier, where several do, and how it is asked and read."""

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
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.tables.dossiers import facts_columns
from app.db.tables.metadata import Code, Instant, Json, metadata

# The newest snapshot of each source about a dossier of which several tell. Names are in
# `applicant`, under `witness/{source}/{code}`.
witness = Table(
    "witness",
    metadata,
    Column("code", Code, primary_key=True),
    Column("source", Code, primary_key=True),
    *facts_columns(),
    Column("updated_at", Instant, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
)

# Where a source says otherwise than the system of record; kept when they agree again.
divergence = Table(
    "divergence",
    metadata,
    Column("code", Code, primary_key=True),
    Column("source", Code, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("branch", Code, nullable=False),
    Column("held", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("settled_at", Instant),
)
# the list of what does not agree, by branch
Index(
    "ix_divergence_open",
    divergence.c.branch,
    divergence.c.code,
    postgresql_where=divergence.c.settled_at.is_(None),
)

# Other names of a dossier (SoBienNhan, MaHoSoMotCua), each in the words of one source. A name that
# two dossiers bear names neither.
alias = Table(
    "alias",
    metadata,
    Column("reference", Code, primary_key=True),
    Column("code", Code, primary_key=True),
    Column("source", Code, primary_key=True),
)
Index("ix_alias_code", alias.c.code)

# What a source that speaks the national portal's protocol has told: its last whole record, without
# names, and every (status, at) seen, from which pauses are inferred. People who are signed in are
# no source of the table `source`, and may call all the same: no foreign key.
portal_dossier = Table(
    "portal_dossier",
    metadata,
    Column("source", Code, primary_key=True),
    Column("code", Code, primary_key=True),
    Column("synced", Json),
    Column("seen", Json, nullable=False, server_default=text("'[]'::jsonb")),
    # The promises that were made history of, so that none is told twice.
    Column("promised", Json, nullable=False, server_default=text("'[]'::jsonb")),
    # The record last made of these: its hash, and the stamp it was given when it first came.
    Column("made", LargeBinary),
    Column("stamped_at", Instant),
    postgresql_with={"fillfactor": "70"},
)

# A file that was taken in.
import_run = Table(
    "import_run",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("source", Code, ForeignKey("source.code"), nullable=False),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    Column("by", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("file_name", Text, nullable=False),
    Column("historical", Boolean, nullable=False),
    # How its columns were read, and how many of its rows became what.
    Column("columns", Json, nullable=False),
    Column("counts", Json, nullable=False, server_default=text("'{}'::jsonb")),
)

# How a source names its columns, learned from the files people have mapped.
column_mapping = Table(
    "column_mapping",
    metadata,
    Column("office", Code, ForeignKey("office.code"), primary_key=True),
    Column("source", Code, ForeignKey("source.code"), primary_key=True),
    Column("heading", Text, primary_key=True),
    Column("field", Text, nullable=False),
)

# A source that is asked instead of sending.
pull = Table(
    "pull",
    metadata,
    Column("source", Code, ForeignKey("source.code"), primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    # Null: every branch of the office.
    Column("branches", ARRAY(Text)),
    Column("url", Text, nullable=False),
    # A token, or what one is had for; shown to nobody again.
    Column("credential", Json),
    # How it pages and where in its answer things are.
    Column("shape", Json, nullable=False),
    # Where the last answer that was taken in ended.
    Column("cursor", Text),
    Column("watermark", Instant),
    Column("every_seconds", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    # Who asks it now, and until when nobody else may.
    Column("lease", Text),
    Column("leased_until", Instant),
    # The last answer that was taken in.
    Column("told_at", Instant),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    # What was wrong in the last run: a message and its figures.
    Column("error", Json),
    Column("failed_at", Instant),
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

# The revisions of a day sealed with those of all days before.
daily_root = Table(
    "daily_root",
    metadata,
    Column("day", Date, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("revisions", BigInteger, nullable=False),
    Column("sealed_at", Instant, nullable=False),
)
