"""The first tables"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_branch", "alert", ["branch", "raised_at"], unique=False)
    op.create_index("uq_alert_fact", "alert", ["code", "level", "due_at"], unique=True)
    op.create_table(
        "applicant",
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_applicant")),
    )
    op.create_table(
        "calendar",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scope", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
    )
    op.create_index("uq_calendar_scope_version", "calendar", ["scope", "version"], unique=True)
    op.create_table(
        "catalogue",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("derived", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_catalogue_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_catalogue")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name=op.f("ck_delivery_channel")),
        sa.CheckConstraint("state IN ('queued', 'sent', 'dead')", name=op.f("ck_delivery_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_key")),
    )
    op.create_index(
        "ix_delivery_queued",
        "delivery",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "dossier",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("procedure_code", sa.Text(collation="C"), nullable=False),
        sa.Column("case", sa.Text(), nullable=True),
        sa.Column("branch", sa.Text(collation="C"), nullable=False),
        sa.Column("commune", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("applicant_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("land_office_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "suspensions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "stages", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "extensions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "apologies", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "steps", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("online_payment", sa.Boolean(), nullable=True),
        sa.Column("catalogue_version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("no_limit", sa.Text(), nullable=True),
        sa.Column("how_ended", sa.Text(), nullable=True),
        sa.Column("limit_id", sa.BigInteger(), nullable=True),
        sa.Column("calendar_id", sa.BigInteger(), nullable=True),
        sa.Column("case_used", sa.Text(), nullable=True),
        sa.Column("case_assumed", sa.Boolean(), nullable=False),
        sa.Column("difficult", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column(
            "stage_dues", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("legal_due_on", sa.Date(), nullable=True),
        sa.Column("legal_end_on", sa.Date(), nullable=True),
        sa.Column("legal_late", sa.Boolean(), nullable=False),
        sa.Column("form_due_on", sa.Date(), nullable=True),
        sa.Column("form_end_on", sa.Date(), nullable=True),
        sa.Column("index766_due_on", sa.Date(), nullable=True),
        sa.Column("index766_end_on", sa.Date(), nullable=True),
        sa.Column("index766_late", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "promises", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_dossier")),
        postgresql_with={
            "fillfactor": "85",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_insert_scale_factor": "0.02",
        },
    )
    op.create_index(
        "ix_dossier_all",
        "dossier",
        ["branch", sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)"), "code"],
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
    op.create_index(
        "ix_dossier_no_limit",
        "dossier",
        ["procedure_code"],
        unique=False,
        postgresql_where=sa.text("no_limit IS NOT NULL"),
    )
    op.create_index(
        "ix_dossier_open",
        "dossier",
        ["branch", sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)"), "code"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('finished', 'closed')"),
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("run_key", name=op.f("uq_job_run_run_key")),
    )
    op.create_index("ix_job_run_name", "job_run", ["name", "started_at"], unique=False)
    op.create_table(
        "job_tick",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_tick")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "office",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_office")),
    )
    op.create_table(
        "procedure",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column(
            "cases", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_procedure")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("office", sa.Text(collation="C"), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column(
            "problems", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "record", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("record_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(
        "ix_quarantine_code",
        "quarantine",
        ["source", "code"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_quarantine_open",
        "quarantine",
        ["office", "branch", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "uq_quarantine_open_record",
        "quarantine",
        ["source", "record_hash"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "revision",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "changes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("old_due_on", sa.Date(), nullable=True),
        sa.Column("new_due_on", sa.Date(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "revision_no", name=op.f("pk_revision")),
    )
    op.create_table(
        "source",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column(
            "salt",
            sa.LargeBinary(),
            server_default=sa.text("sha256(((gen_random_uuid())::text)::bytea)"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_source")),
    )
    op.create_table(
        "watch",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moments", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("levels", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_level", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_watch")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_threshold": "500",
        },
    )
    op.create_index(
        "ix_watch_next_at",
        "watch",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "branch",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("office", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("active_from", sa.Date(), nullable=True),
        sa.Column("active_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_branch_office")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_branch")),
    )
    op.create_table(
        "client",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("office", sa.Text(collation="C"), nullable=False),
        sa.Column("branches", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_client_office")),
        sa.ForeignKeyConstraint(["source"], ["source.code"], name=op.f("fk_client_source")),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client")),
    )
    op.create_table(
        "limit_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("procedure", sa.Text(collation="C"), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "rule", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("superseded_in", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["procedure"], ["procedure.code"], name=op.f("fk_limit_rule_procedure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_rule")),
    )
    op.create_index(
        "ix_limit_rule_current",
        "limit_rule",
        ["procedure"],
        unique=False,
        postgresql_where=sa.text("superseded_in IS NULL"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(collation="C"), nullable=False),
        sa.Column("branches", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("'vi'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "role <> 'director' OR branches IS NOT NULL",
            name=op.f("ck_user_account_director_has_branches"),
        ),
        sa.CheckConstraint(
            "role IN ('director', 'administrator')", name=op.f("ck_user_account_role")
        ),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_user_account_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office", sa.Text(collation="C"), nullable=False),
        sa.Column("branches", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_webhook_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "access_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.client_id"],
            name=op.f("fk_access_token_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_access_token")),
    )
    op.create_index("ix_access_token_expires_at", "access_token", ["expires_at"], unique=False)
    op.create_table(
        "commune",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=False),
        sa.Column("difficult_from", sa.Date(), nullable=True),
        sa.Column("difficult_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["branch"], ["branch.code"], name=op.f("fk_commune_branch")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_commune")),
    )
    op.create_table(
        "feed",
        sa.Column("branch", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["branch"], ["branch.code"], name=op.f("fk_feed_branch")),
        sa.PrimaryKeyConstraint("branch", "source", name=op.f("pk_feed")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_session_expires_at", table_name="session")
    op.drop_table("session")
    op.drop_table("feed")
    op.drop_table("commune")
    op.drop_index("ix_access_token_expires_at", table_name="access_token")
    op.drop_table("access_token")
    op.drop_table("webhook")
    op.drop_table("user_account")
    op.drop_index(
        "ix_limit_rule_current",
        table_name="limit_rule",
        postgresql_where=sa.text("superseded_in IS NULL"),
    )
    op.drop_table("limit_rule")
    op.drop_table("client")
    op.drop_table("branch")
    op.drop_index(
        "ix_watch_next_at", table_name="watch", postgresql_where=sa.text("next_at IS NOT NULL")
    )
    op.drop_table("watch")
    op.drop_table("source")
    op.drop_table("revision")
    op.drop_index(
        "uq_quarantine_open_record",
        table_name="quarantine",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "ix_quarantine_open", table_name="quarantine", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index(
        "ix_quarantine_code", table_name="quarantine", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_table("quarantine")
    op.drop_table("procedure")
    op.drop_table("office")
    op.drop_table("job_tick")
    op.drop_index("ix_job_run_name", table_name="job_run")
    op.drop_table("job_run")
    op.drop_index(
        "ix_dossier_open",
        table_name="dossier",
        postgresql_where=sa.text("state NOT IN ('finished', 'closed')"),
    )
    op.drop_index(
        "ix_dossier_no_limit",
        table_name="dossier",
        postgresql_where=sa.text("no_limit IS NOT NULL"),
    )
    op.drop_index(
        "ix_dossier_legal",
        table_name="dossier",
        postgresql_include=["legal_due_on", "legal_late", "procedure_code"],
        postgresql_where=sa.text("legal_end_on IS NOT NULL"),
    )
    op.drop_index("ix_dossier_all", table_name="dossier")
    op.drop_table("dossier")
    op.drop_index(
        "ix_delivery_queued", table_name="delivery", postgresql_where=sa.text("state = 'queued'")
    )
    op.drop_table("delivery")
    op.drop_table("catalogue")
    op.drop_index("uq_calendar_scope_version", table_name="calendar")
    op.drop_table("calendar")
    op.drop_table("applicant")
    op.drop_index("uq_alert_fact", table_name="alert")
    op.drop_index("ix_alert_branch", table_name="alert")
    op.drop_table("alert")
