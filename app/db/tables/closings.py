"""Closed periods: the reports as they were, and the class each dossier had; never changed again.

The migration adds triggers that refuse every UPDATE, DELETE and TRUNCATE of these tables.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.tables.metadata import Code, Instant, metadata

closing = Table(
    "closing",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("closed_by", Text, nullable=False),
    # The closing whose list of open dossiers it opened with; null: it was opened by the facts.
    Column("previous_id", BigInteger, ForeignKey("closing.id")),
    Column("dossiers_hash", LargeBinary, nullable=False),
    # Over all of the above, its reports, and the closing of the office made before it.
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("office", "name"),
)
# db.closings.opening: what a period that begins the day after opens with
Index("ix_closing_last_on", closing.c.office, closing.c.last_on)

# A report of the office (branch '') or of a branch, as the bytes that were hashed.
closing_report = Table(
    "closing_report",
    metadata,
    Column("closing_id", BigInteger, ForeignKey("closing.id"), primary_key=True),
    Column("report", Text, primary_key=True),
    Column("branch", Code, primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# Each dossier in hand in the period. `ended_on` is null for what stood open at its close: that is
# the list the next period opens with. Classes are positions in `db.closings.CLASSES`. No foreign
# key: it would be looked up once a row, and the closing is written last.
closing_dossier = Table(
    "closing_dossier",
    metadata,
    Column("code", Code, primary_key=True),
    Column("closing_id", BigInteger, primary_key=True),
    Column("branch", Code, nullable=False),
    Column("procedure_code", Code, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("ended_on", Date),
    Column("carried_over", Boolean, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("legal", SmallInteger, nullable=False),
    Column("form", SmallInteger, nullable=False),
    Column("index766", SmallInteger, nullable=False),
    postgresql_with={"autovacuum_vacuum_insert_scale_factor": "0.02"},
)
# db.closings.dossiers: a page of a closing; db.openings: the list it left, from the index alone
Index(
    "ix_closing_dossier_closing",
    closing_dossier.c.closing_id,
    closing_dossier.c.branch,
    closing_dossier.c.code,
    postgresql_include=["procedure_code", "ended_on"],
)

# Where the facts did not agree with the list the period opened with: at what it was listed (was_…),
# and what it is by the facts; see `db.openings`.
closing_adjustment = Table(
    "closing_adjustment",
    metadata,
    Column("code", Code, primary_key=True),
    Column("closing_id", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("was_branch", Code),
    Column("was_procedure", Code),
    Column("was_online", Boolean),
    Column("branch", Code),
    Column("procedure", Code),
    Column("online", Boolean),
    Column("fresh", Boolean),
    Column("held", Boolean, nullable=False),
    Column("open", Boolean),
    Column("standing", Text),
)
# db.openings.frozen: a page of the corrections of a closed period
Index("ix_closing_adjustment_closing", closing_adjustment.c.closing_id, closing_adjustment.c.code)
