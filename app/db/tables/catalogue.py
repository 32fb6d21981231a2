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
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.tables.metadata import Code, Instant, Json, metadata

# One row. Publishing anything below advances `version`; intake checks that the version it
# computed with is still the newest (design §5), so no stale finding is ever written.
catalogue = Table(
    "catalogue",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False),
    Column("published_at", Instant, nullable=False),
    CheckConstraint("one", name="one_row"),
)

# Who published what, one row a version; and how far the open dossiers it may concern have been
# derived anew (`derived_until` is the code reached, `derived_at` is set at the end).
publication = Table(
    "publication",
    metadata,
    Column("version", BigInteger, primary_key=True),
    Column("published_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # What was said: of a day its date, kind, name and source; null for whole bodies.
    Column("details", Json),
    # Which dossiers: {"procedures": […]}, {"branches": […]}, {"communes": […]}; null is all.
    Column("reach", Json),
    Column("derived_until", Code, nullable=False, server_default=text("''")),
    Column("derived_at", Instant),
    Column("derived", BigInteger, nullable=False, server_default=text("0")),
    Column("moved", BigInteger, nullable=False, server_default=text("0")),
)
# db.publications.next_underived: normally empty
Index(
    "ix_publication_underived",
    publication.c.version,
    postgresql_where=publication.c.derived_at.is_(None),
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

# What a completed supplement does to a limit that does not say so itself, by day of receipt;
# immutable like limits.
supplement_rule = Table(
    "supplement_rule",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("policy", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("doubt", Text),
    Column("published_in", BigInteger, nullable=False),
    Column("superseded_in", BigInteger),
)

# At what moments of a dossier's clocks something is said, whom it tells and how; immutable like
# limits. The narrowest of office and group, office, group, neither applies.
ladder = Table(
    "ladder",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("office", Code, ForeignKey("office.code")),
    Column("group", Text),
    Column("rungs", Json, nullable=False),
    Column("published_in", BigInteger, nullable=False),
    Column("superseded_in", BigInteger),
)

# Immutable layers; the newest version of a scope is in force. Scope: `national`, an office or a
# branch. What a layer leaves out is as the wider ones have it.
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

# The layers a branch works by, ids of `calendar`, the widest first: what a dossier names as its
# calendar, so that it can be recomputed for ever with exactly these versions.
working_calendar = Table(
    "working_calendar",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("layers", ARRAY(BigInteger), nullable=False, unique=True),
)
