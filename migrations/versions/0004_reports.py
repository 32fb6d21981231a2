"""Reports of any past day, and periods that are closed: what they need to answer, and to last"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fill_0004 import AS_IT_WAS, fill
from migrations.paused_0004 import PAUSED

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_YARDSTICKS = ("legal", "form", "index766")
_INSTANT = sa.DateTime(timezone=True)
_CODE = sa.Text(collation="C")
_FROZEN = ("closing", "closing_report", "closing_dossier", "closing_adjustment")
_RECEIVED_ON = "((received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)"
_JUDGED_BY = (
    *("received_on", "procedure_code", "channel", "due_at", "no_limit"),
    *("legal_due_on", "form_due_on", "index766_due_on"),
    *("legal_overdue", "form_overdue", "index766_overdue"),
)


def _open_index(include: list[str] | None) -> None:
    op.create_index(
        "ix_dossier_open",
        "dossier",
        ["branch", sa.text("coalesce(due_at, 'infinity'::timestamptz)"), "code"],
        unique=False,
        postgresql_include=include,
        postgresql_where=sa.text("state NOT IN ('finished', 'closed')"),
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("dossier", "form_end_on", new_column_name="ended_on")
    op.add_column("dossier", sa.Column("received_on", sa.Date(), nullable=True))
    for yardstick in _YARDSTICKS:
        op.add_column(
            "dossier",
            sa.Column(f"{yardstick}_overdue", postgresql.DATEMULTIRANGE(), nullable=True),
        )
    fill(op.get_bind())
    op.add_column("dossier", sa.Column("paused", postgresql.DATEMULTIRANGE(), nullable=True))
    op.execute(PAUSED)
    op.drop_index("ix_dossier_legal", table_name="dossier")
    op.drop_index("ix_dossier_received", table_name="dossier")
    op.drop_index("ix_dossier_open", table_name="dossier")
    _open_index(["state", *_JUDGED_BY])
    op.create_index(
        "ix_dossier_ended",
        "dossier",
        ["branch", "ended_on"],
        unique=False,
        postgresql_include=[
            *_JUDGED_BY,
            *("legal_end_on", "legal_late", "index766_end_on", "index766_late"),
        ],
        postgresql_where=sa.text("ended_on IS NOT NULL"),
    )
    op.create_index(
        "ix_dossier_long",
        "dossier",
        ["branch", "ended_on"],
        unique=False,
        postgresql_include=list(_JUDGED_BY),
        postgresql_where=sa.text("(ended_on - received_on > 45)"),
    )
    op.create_index(
        "ix_dossier_due",
        "dossier",
        ["branch", "legal_due_on"],
        unique=False,
        postgresql_include=[
            *("received_on", "procedure_code", "legal_end_on", "legal_late", "ended_on")
        ],
        postgresql_where=sa.text("legal_due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_dossier_missed",
        "dossier",
        ["branch", "ended_on"],
        unique=False,
        postgresql_where=sa.text("legal_late AND stage_dues IS NOT NULL"),
    )
    op.create_index("ix_dossier_received", "dossier", ["branch", "received_on"], unique=False)
    op.execute(
        "ALTER TABLE dossier SET (autovacuum_vacuum_scale_factor = 0.001, "
        "autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.001, "
        "vacuum_index_cleanup = on)"
    )
    _closings()


def _closings() -> None:
    """What a closed period keeps, and that nothing changes it."""
    op.create_table(
        "closing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office", _CODE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("previous_id", sa.BigInteger(), nullable=True),
        sa.Column("dossiers_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_closing_office")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["closing.id"], name=op.f("fk_closing_previous_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing")),
        sa.UniqueConstraint("office", "name", name=op.f("uq_closing_office_name")),
    )
    op.create_index("ix_closing_last_on", "closing", ["office", "last_on"], unique=False)
    op.create_table(
        "closing_report",
        sa.Column("closing_id", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["closing.id"], name=op.f("fk_closing_report_closing_id")
        ),
        sa.PrimaryKeyConstraint("closing_id", "report", "branch", name=op.f("pk_closing_report")),
    )
    op.create_table(
        "closing_dossier",
        sa.Column("code", _CODE, nullable=False),
        sa.Column("closing_id", sa.BigInteger(), nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("procedure_code", _CODE, nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("carried_over", sa.Boolean(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in _YARDSTICKS),
        sa.PrimaryKeyConstraint("code", "closing_id", name=op.f("pk_closing_dossier")),
        postgresql_with={"autovacuum_vacuum_insert_scale_factor": "0.02"},
    )
    op.create_index(
        "ix_closing_dossier_closing",
        "closing_dossier",
        ["closing_id", "branch", "code"],
        unique=False,
        postgresql_include=["procedure_code", "ended_on"],
    )
    op.create_table(
        "closing_adjustment",
        sa.Column("code", _CODE, nullable=False),
        sa.Column("closing_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("was_branch", _CODE, nullable=True),
        sa.Column("was_procedure", _CODE, nullable=True),
        sa.Column("was_online", sa.Boolean(), nullable=True),
        sa.Column("branch", _CODE, nullable=True),
        sa.Column("procedure", _CODE, nullable=True),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("fresh", sa.Boolean(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", "closing_id", name=op.f("pk_closing_adjustment")),
    )
    op.create_index(
        "ix_closing_adjustment_closing",
        "closing_adjustment",
        ["closing_id", "code"],
        unique=False,
    )
    op.execute(
        "CREATE FUNCTION closing_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'a closed period is never changed (% of %)', TG_OP, TG_TABLE_NAME; "
        "END $$"
    )
    for table in _FROZEN:
        op.execute(
            f"CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION closing_is_final()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM closing) THEN RAISE EXCEPTION "
        "'periods were closed, which the old version cannot keep'; END IF; END $$"
    )
    for table in reversed(_FROZEN):
        op.drop_table(table)
    op.execute("DROP FUNCTION closing_is_final()")
    op.execute("ALTER TABLE dossier RESET (autovacuum_vacuum_threshold, vacuum_index_cleanup)")
    op.execute(
        "ALTER TABLE dossier SET (autovacuum_vacuum_scale_factor = 0.02, "
        "autovacuum_vacuum_insert_scale_factor = 0.02)"
    )
    for name in ("received", "missed", "due", "long", "ended", "open"):
        op.drop_index(f"ix_dossier_{name}", table_name="dossier")
    _open_index(None)
    for yardstick in _YARDSTICKS:
        op.drop_column("dossier", f"{yardstick}_overdue")
    op.drop_column("dossier", "received_on")
    op.drop_column("dossier", "paused")
    op.execute(AS_IT_WAS)
    op.alter_column("dossier", "ended_on", new_column_name="form_end_on")
    op.create_index(
        "ix_dossier_received",
        "dossier",
        ["branch", sa.text(_RECEIVED_ON)],
        unique=False,
    )
    op.create_index(
        "ix_dossier_legal",
        "dossier",
        ["branch", "legal_end_on"],
        unique=False,
        postgresql_include=["legal_due_on", "legal_late", "procedure_code"],
        postgresql_where=sa.text("legal_end_on IS NOT NULL"),
    )
