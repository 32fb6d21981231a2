"""Who may come in: sources, clients, tokens, accounts, sessions. Of secrets only hashes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

from app.db.tables.metadata import Code, Instant, metadata

source = Table(
    "source",
    metadata,
    Column("code", Code, primary_key=True),
    Column("name", Text, nullable=False),
    # Of the sources that tell of a dossier the one with the lowest number is its system of record.
    Column("rank", Integer, nullable=False, server_default=text("100")),
    # How long it may be silent while the office is open; null: a working day.
    Column("expected_minutes", Integer),
    # Mixed into the hashes of refused records, so that no name can be guessed from them.
    Column(
        "salt",
        LargeBinary,
        nullable=False,
        server_default=text("sha256(((gen_random_uuid())::text)::bytea)"),
    ),
)

client = Table(
    "client",
    metadata,
    Column("client_id", Code, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("source", Code, ForeignKey("source.code"), nullable=False),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    # Null: every branch of the office.
    Column("branches", ARRAY(Text)),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

access_token = Table(
    "access_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("client_id", Code, ForeignKey("client.client_id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Instant, nullable=False),
)
Index("ix_access_token_expires_at", access_token.c.expires_at)  # housekeeping

user_account = Table(
    "user_account",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("login", Code, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("office", Code, ForeignKey("office.code"), nullable=False),
    Column("branches", ARRAY(Text)),
    Column("language", Text, nullable=False, server_default=text("'vi'")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    CheckConstraint("role IN ('director', 'administrator', 'department')", name="role"),
    CheckConstraint("role <> 'director' OR branches IS NOT NULL", name="director_has_branches"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column(
        "user_id", BigInteger, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    ),
    Column("csrf", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
Index("ix_session_expires_at", session.c.expires_at)  # housekeeping
