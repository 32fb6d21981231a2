"""Reports of any past day: on which days a dossier stood past due, and the indexes that answer"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fill_0004 import AS_IT_WAS, fill

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_YARDSTICKS = ("legal", "form", "index766")
_RECEIVED_ON = "((received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)"


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
    op.drop_index("ix_dossier_legal", table_name="dossier")
    op.drop_index("ix_dossier_received", table_name="dossier")
    op.create_index(
        "ix_dossier_ended",
        "dossier",
        ["branch", "ended_on"],
        unique=False,
        postgresql_include=[
            *("received_on", "procedure_code", "channel"),
            *("legal_end_on", "legal_due_on", "legal_late", "form_due_on"),
            *("index766_due_on", "index766_end_on", "index766_late"),
        ],
        postgresql_where=sa.text("ended_on IS NOT NULL"),
    )
    op.create_index(
        "ix_dossier_stood_open",
        "dossier",
        [sa.text("daterange(received_on, ended_on)")],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("received_on < ended_on"),
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


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("received", "missed", "due", "stood_open", "ended"):
        op.drop_index(f"ix_dossier_{name}", table_name="dossier")
    for yardstick in _YARDSTICKS:
        op.drop_column("dossier", f"{yardstick}_overdue")
    op.drop_column("dossier", "received_on")
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
