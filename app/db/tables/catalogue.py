"""The catalogue: offices, branches, communes, procedures, limits, calendars."""

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
    Table,
    Text,
    text,
)

from app.db.tables.metadata import Code, Instant, Json, metadata

# One row. Publishing anything below advances `version`; intake checks that the version it
# computed with is still the newest (design §5), so no stale finding is ever written.
catalogue = Table(
    "catalogue",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False),
    Column("published_at", Instant, nullable=False),
    # The newest version with which everything open has been derived; behind it there is work.
    Column("derived", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("one", name="one_row"),
)

office = Table(
    "office",
    metadata,
    Column("code", Code, primary_key=True),
    Column("name", Text, nullable=False),
    Column("province", Text, nullable=False),
)

branch = Table(
    "branch",
    metadata,
    Column("code", Code, primary_key=True),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("short_name", Text, nullable=False),
    Column("active_from", Date),
    Column("active_until", Date),
)

commune = Table(
    "commune",
    metadata,
    Column("code", Code, primary_key=True),
    Column("name", Text, nullable=False),
    Column("branch", Code, ForeignKey("branch.code"), nullable=False),
    Column("difficult_from", Date),
    Column("difficult_until", Date),
)

procedure = Table(
    "procedure",
    metadata,
    Column("code", Code, primary_key=True),
    Column("name", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("cases", Json, nullable=False),
)

# Immutable: a change is a new row, and the old one gets its `superseded_in`; a closed dossier can
# be recomputed for ever with the row it names.
limit_rule = Table(
    "limit_rule",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("procedure", Code, ForeignKey("procedure.code"), nullable=False),
    Column("case", Text, nullable=False),
    Column("province", Text),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("rule", Json, nullable=False),
    Column("published_in", BigInteger, nullable=False),
    Column("superseded_in", BigInteger),
)
# rules_in_force: every row not superseded
Index(
    "ix_limit_rule_current",
    limit_rule.c.procedure,
    postgresql_where=limit_rule.c.superseded_in.is_(None),
)

# Immutable versions; the newest of a scope is in force. Scope: `national`, an office or a branch.
calendar = Table(
    "calendar",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("scope", Code, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Json, nullable=False),
    Column("published_in", BigInteger, nullable=False),
    Column("published_at", Instant, nullable=False),
)
Index("uq_calendar_scope_version", calendar.c.scope, calendar.c.version, unique=True)
