"""Reports of any past day: on which days a dossier stood past due, and the indexes that answer"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_YARDSTICKS = ("legal", "form", "index766")
_RECEIVED_ON = "((received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)"
_JUDGED_BY = (
    *("received_on", "procedure_code", "channel", "due_at", "no_limit"),
    *("form_due_on", "index766_due_on", "legal_overdue", "form_overdue", "index766_overdue"),
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
    op.execute(f"UPDATE dossier SET received_on = {_RECEIVED_ON}")  # noqa: S608 a constant
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
            *("legal_end_on", "legal_due_on", "legal_late", "index766_end_on", "index766_late"),
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
    op.create_index("ix_dossier_received", "dossier", ["branch", "received_on"], unique=False)
    op.execute(
        "ALTER TABLE dossier SET (autovacuum_vacuum_scale_factor = 0.001, "
        "autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.001, "
        "vacuum_index_cleanup = on)"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE dossier RESET (autovacuum_vacuum_threshold, vacuum_index_cleanup)")
    op.execute(
        "ALTER TABLE dossier SET (autovacuum_vacuum_scale_factor = 0.02, "
        "autovacuum_vacuum_insert_scale_factor = 0.02)"
    )
    for name in ("received", "due", "long", "ended", "open"):
        op.drop_index(f"ix_dossier_{name}", table_name="dossier")
    _open_index(None)
    for yardstick in _YARDSTICKS:
        op.drop_column("dossier", f"{yardstick}_overdue")
    op.drop_column("dossier", "received_on")
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
