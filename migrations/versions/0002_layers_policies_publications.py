"""Calendars in layers, the supplement policy in the catalogue, publications with their author"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _publications()
    _supplement()
    _layers()
    op.drop_column("catalogue", "derived")
    op.drop_index("ix_dossier_no_limit", table_name="dossier")
    op.create_index(
        "ix_dossier_movable",
        "dossier",
        ["code"],
        unique=False,
        postgresql_where=sa.text("(state NOT IN ('finished', 'closed') OR no_limit IS NOT NULL)"),
    )


def _publications() -> None:
    op.create_table(
        "publication",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", _JSON, nullable=True),
        sa.Column("reach", _JSON, nullable=True),
        sa.Column(
            "derived_until", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("derived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("derived", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_publication")),
    )
    op.create_index(
        "ix_publication_underived",
        "publication",
        ["version"],
        unique=False,
        postgresql_where=sa.text("derived_at IS NULL"),
    )
    # What was under way goes on under the new table. A branch's own calendar stood for itself and
    # is laid over the nation's now: days off it had left out hold again, so what is open follows.
    op.execute(
        "UPDATE catalogue SET version = version + 1 "
        "WHERE derived < version OR EXISTS (SELECT FROM calendar WHERE scope <> 'national')"
    )
    op.execute(
        "INSERT INTO publication (version, published_at, by, kind, subject) "
        "SELECT version, published_at, 'migration', 'all', 'all' FROM catalogue "
        "WHERE derived < version - 1 "
        "OR EXISTS (SELECT FROM calendar WHERE scope <> 'national')"
    )


def _supplement() -> None:
    op.create_table(
        "supplement_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("doubt", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("superseded_in", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplement_rule")),
    )
    # What the code held until now; a province that had set DUNGHAN_SUPPLEMENT_POLICY publishes it.
    op.execute(
        "INSERT INTO supplement_rule (valid_from, valid_until, policy, ground, doubt, published_in)"
        " VALUES (NULL, '2025-06-30', 'restart', 'NĐ 61/2018/NĐ-CP Điều 19 khoản 4', NULL, 0),"
        " ('2025-07-01', NULL, 'resume', 'NĐ 118/2025/NĐ-CP', 'whether NĐ 118/2025 keeps the"
        " sentence of NĐ 61/2018 Đ19 k4 (the limit starts again) is not confirmed', 0)"
    )


def _layers() -> None:
    op.create_table(
        "working_calendar",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layers", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_calendar")),
        sa.UniqueConstraint("layers", name=op.f("uq_working_calendar_layers")),
    )
    # A dossier names the calendar it was derived with. Until now that was one body that stood for
    # itself: a stack of one layer under the same id, so that nothing stored changes its meaning.
    op.execute(
        "INSERT INTO working_calendar (id, layers) OVERRIDING SYSTEM VALUE "
        "SELECT id, ARRAY[id] FROM calendar"
    )
    op.execute(
        "SELECT setval(pg_get_serial_sequence('working_calendar', 'id'), "
        "coalesce(max(id), 1), max(id) IS NOT NULL) FROM working_calendar"
    )
    op.execute(
        "WITH newest AS (SELECT DISTINCT ON (scope) scope, id FROM calendar "
        "  ORDER BY scope, version DESC), "
        "place AS (SELECT code AS office, NULL::text AS branch FROM office "
        "  UNION ALL SELECT office, code FROM branch) "
        "INSERT INTO working_calendar (layers) "
        "SELECT DISTINCT array_remove(ARRAY[nation.id, own.id, narrow.id], NULL) FROM place "
        "LEFT JOIN newest AS nation ON nation.scope = 'national' "
        "LEFT JOIN newest AS own ON own.scope = place.office "
        "LEFT JOIN newest AS narrow ON narrow.scope = place.branch "
        "WHERE coalesce(nation.id, own.id, narrow.id) IS NOT NULL "
        "ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM calendar WHERE NOT body ? 'week') THEN "
        "RAISE EXCEPTION 'a calendar says only what differs, which the old version cannot read; "
        "publish it whole first'; END IF; END $$"
    )
    op.add_column(
        "catalogue",
        sa.Column("derived", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    # Calendars of several layers have no name in the old schema: the narrowest stands for them.
    op.execute(
        "UPDATE dossier SET calendar_id = held.layers[cardinality(held.layers)] "
        "FROM working_calendar AS held WHERE held.id = dossier.calendar_id"
    )
    op.drop_index("ix_dossier_movable", table_name="dossier")
    op.create_index(
        "ix_dossier_no_limit",
        "dossier",
        ["procedure_code"],
        unique=False,
        postgresql_where=sa.text("no_limit IS NOT NULL"),
    )
    op.drop_table("working_calendar")
    op.drop_table("supplement_rule")
    op.drop_index("ix_publication_underived", table_name="publication")
    op.drop_table("publication")
