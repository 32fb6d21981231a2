"""What directors record of a late dossier: letters of apology (Mẫu 04), causes of lateness."""

from sqlalchemy import BigInteger, Column, Date, Identity, Index, Integer, Table, Text, text

from app.db.tables.metadata import Code, Instant, metadata

# A letter of apology and re-appointment, numbered within its branch and year. Its text, with the
# citizen's name, is made when asked for and never stored.
letter = Table(
    "letter",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Code, nullable=False),
    Column("branch", Code, nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # The due day it apologises for, kept as it was.
    Column("due_on", Date, nullable=False),
    # The new appointment.
    Column("promised_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("sent_by", Text),
    Column("void_at", Instant),
    Column("void_by", Text),
    Column("void_reason", Text),
)
Index("uq_letter_number", letter.c.branch, letter.c.year, letter.c.number, unique=True)
# One re-appointment a dossier (NĐ 61/2018/NĐ-CP Đ19 k9); a void letter is none.
Index("uq_letter_code", letter.c.code, unique=True, postgresql_where=text("void_at IS NULL"))
# the letters of a branch that were drafted and not yet sent
Index(
    "ix_letter_unsent",
    letter.c.branch,
    letter.c.id,
    postgresql_where=text("sent_at IS NULL AND void_at IS NULL"),
)

# Why a dossier is late: append-only, the newest counts.
lateness_cause = Table(
    "lateness_cause",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Code, nullable=False),
    Column("cause", Text, nullable=False),
    Column("note", Text),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
)
Index("ix_lateness_cause_code", lateness_cause.c.code, lateness_cause.c.id)
