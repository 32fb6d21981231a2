"""Several sources, other names, files, pulls, sealed days; chains over all a revision says"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
_CODE = sa.Text(collation="C")
_INSTANT = sa.DateTime(timezone=True)
_EMPTY_LIST, _EMPTY_OBJECT = sa.text("'[]'::jsonb"), sa.text("'{}'::jsonb")

_OLD_LINK = "coalesce(before.head_hash, ''::bytea) || told.content_hash"
_NEW_LINK = (
    f"{_OLD_LINK} || convert_to(jsonb_build_array(told.code, told.revision_no, "
    "extract(epoch FROM told.at), told.by, told.source, told.why, "
    "extract(epoch FROM told.updated_at), told.old_due_on - DATE '2000-01-01', "
    "told.new_due_on - DATE '2000-01-01')::text, 'UTF8')"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _witnesses()
    _portal()
    _files()
    _pull()
    _settling()
    op.add_column("dossier", sa.Column("status_told", sa.SmallInteger(), nullable=True))
    op.add_column("dossier", sa.Column("suspensions_inferred", sa.Boolean(), nullable=True))
    op.add_column("dossier", sa.Column("aliases", _JSON, nullable=True))
    op.add_column("dossier", sa.Column("raw_hash", sa.LargeBinary(), nullable=True))
    op.add_column(
        "dossier",
        sa.Column("witnessed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("source", sa.Column("expected_minutes", sa.Integer(), nullable=True))
    op.create_table(
        "daily_root",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("revisions", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_daily_root")),
    )
    op.create_index(
        "ix_revision_at",
        "revision",
        ["at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
    op.create_index(
        "ix_dossier_received",
        "dossier",
        ["branch", sa.text("((received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)")],
        unique=False,
    )
    _chain(_NEW_LINK)


def _chain(link: str) -> None:
    """Forge every chain anew, revision by revision."""
    op.execute(
        f"""
DO $$
DECLARE nth int;
BEGIN
  FOR nth IN 1 .. (SELECT coalesce(max(revision_no), 0) FROM revision) LOOP
    UPDATE revision AS told SET head_hash = sha256({link})
    FROM revision AS same LEFT JOIN revision AS before
      ON before.code = same.code AND before.revision_no = same.revision_no - 1
    WHERE told.revision_no = nth AND same.code = told.code AND same.revision_no = nth;
  END LOOP;
END $$
"""  # noqa: S608 made of two constants of this file
    )
    op.execute(
        "UPDATE dossier SET head_hash = revision.head_hash FROM revision "
        "WHERE revision.code = dossier.code AND revision.revision_no = dossier.revision_no"
    )


def _witnesses() -> None:
    op.create_table(
        "witness",
        sa.Column("code", _CODE, nullable=False),
        sa.Column("source", _CODE, nullable=False),
        *_facts(),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "source", name=op.f("pk_witness")),
    )
    op.create_table(
        "divergence",
        sa.Column("code", _CODE, nullable=False),
        sa.Column("source", _CODE, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("code", "source", "field", name=op.f("pk_divergence")),
    )
    op.create_index(
        "ix_divergence_open",
        "divergence",
        ["branch", "code"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "alias",
        sa.Column("reference", _CODE, nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("source", _CODE, nullable=False),
        sa.PrimaryKeyConstraint("reference", "code", "source", name=op.f("pk_alias")),
    )
    op.create_index("ix_alias_code", "alias", ["code"], unique=False)


def _facts() -> list[sa.Column[Any]]:
    """The facts of a dossier as they are from here on."""
    texts = ("case", "commune", "outcome")
    instants = ("submitted_at", "received_at", "land_office_received_at", "promised_at")
    lists = ("suspensions", "stages", "extensions", "apologies", "steps")
    return [
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("procedure_code", _CODE, nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("applicant_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in texts),
        *(sa.Column(name, _INSTANT, nullable=True) for name in instants),
        *(sa.Column(name, _JSON, nullable=True) for name in (*lists, "aliases")),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("handed_over_at", _INSTANT, nullable=True),
        sa.Column("online_payment", sa.Boolean(), nullable=True),
        sa.Column("status_told", sa.SmallInteger(), nullable=True),
        sa.Column("suspensions_inferred", sa.Boolean(), nullable=True),
    ]


def _portal() -> None:
    op.create_table(
        "portal_dossier",
        sa.Column("source", _CODE, nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("synced", _JSON, nullable=True),
        sa.Column("seen", _JSON, server_default=_EMPTY_LIST, nullable=False),
        sa.Column("promised", _JSON, server_default=_EMPTY_LIST, nullable=False),
        sa.Column("made", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("source", "code", name=op.f("pk_portal_dossier")),
        postgresql_with={"fillfactor": "70"},
    )


def _files() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", _CODE, nullable=False),
        sa.Column("office", _CODE, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("columns", _JSON, nullable=False),
        sa.Column("counts", _JSON, server_default=_EMPTY_OBJECT, nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_import_run_office")),
        sa.ForeignKeyConstraint(["source"], ["source.code"], name=op.f("fk_import_run_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "column_mapping",
        sa.Column("office", _CODE, nullable=False),
        sa.Column("source", _CODE, nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_column_mapping_office")),
        sa.ForeignKeyConstraint(["source"], ["source.code"], name=op.f("fk_column_mapping_source")),
        sa.PrimaryKeyConstraint("office", "source", "heading", name=op.f("pk_column_mapping")),
    )
    op.add_column("quarantine", sa.Column("import_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_quarantine_import",
        "quarantine",
        ["import_id", "line"],
        unique=False,
        postgresql_where=sa.text("import_id IS NOT NULL"),
    )


def _settling() -> None:
    op.add_column("quarantine", sa.Column("settled_how", sa.Text(), nullable=True))
    op.add_column("quarantine", sa.Column("note", sa.Text(), nullable=True))
    op.create_index(
        "ix_quarantine_settled",
        "quarantine",
        ["office", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'open'"),
    )


def _pull() -> None:
    op.create_table(
        "pull",
        sa.Column("source", _CODE, nullable=False),
        sa.Column("office", _CODE, nullable=False),
        sa.Column("branches", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("credential", _JSON, nullable=True),
        sa.Column("shape", _JSON, nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("watermark", _INSTANT, nullable=True),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("leased_until", _INSTANT, nullable=True),
        sa.Column("told_at", _INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_pull_office")),
        sa.ForeignKeyConstraint(["source"], ["source.code"], name=op.f("fk_pull_source")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_pull")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM witness) OR EXISTS (SELECT FROM portal_dossier) THEN "
        "RAISE EXCEPTION 'several sources, or a portal, have told of dossiers, which the old "
        "version cannot keep'; END IF; END $$"
    )
    _chain(_OLD_LINK)
    op.drop_index("ix_dossier_received", table_name="dossier")
    op.drop_index("ix_revision_at", table_name="revision", postgresql_using="brin")
    op.drop_table("daily_root")
    op.drop_column("source", "expected_minutes")
    for column in ("witnessed", "raw_hash", "aliases", "suspensions_inferred", "status_told"):
        op.drop_column("dossier", column)
    op.drop_table("pull")
    op.drop_index("ix_quarantine_settled", table_name="quarantine")
    op.drop_column("quarantine", "note")
    op.drop_column("quarantine", "settled_how")
    op.drop_index("ix_quarantine_import", table_name="quarantine")
    op.drop_column("quarantine", "import_id")
    for table in ("column_mapping", "import_run", "portal_dossier", "alias", "divergence"):
        op.drop_table(table)
    op.drop_table("witness")
