"""Ladders of alerts, deliveries people can read, digests, letters of apology, causes of lateness"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CODE = sa.Text(collation="C")
_INSTANT = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
_TEXTS = postgresql.ARRAY(sa.Text())
_RUNGS = (
    '[{"level": 10, "tell": ["branch"], "at_once": false, "share_used": 0.75}, '
    '{"level": 20, "tell": ["branch"], "at_once": false, "working_days": 2}, '
    '{"level": 30, "tell": ["branch"], "at_once": true, "working_days": 1}, '
    '{"level": 40, "tell": ["branch"], "at_once": true}, '
    '{"level": 50, "tell": ["branch", "office"], "at_once": true}, '
    '{"level": 60, "tell": ["branch", "office"], "at_once": true, "working_days": 3}, '
    '{"level": 70, "tell": ["branch", "office"], "at_once": true, "working_days": 10}, '
    '{"level": 80, "tell": ["branch", "office", "department"], "at_once": true, '
    '"working_days": 30}, '
    '{"level": 110, "tell": ["branch"], "at_once": true}, '
    '{"level": 120, "tell": ["branch"], "at_once": false}, '
    '{"level": 130, "tell": ["branch"], "at_once": false}, '
    '{"level": 210, "tell": ["branch", "office"], "at_once": true}, '
    '{"level": 220, "tell": ["office"], "at_once": true, "days": 60}, '
    '{"level": 230, "tell": ["branch", "office"], "at_once": true, "records": 10}]'
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _ladder()
    _watch()
    _alerts()
    _deliveries()
    _digests()
    _letters()
    _jobs()
    _roles("'director', 'administrator', 'department'")


def _ladder() -> None:
    """The rungs everybody has until an office says otherwise; `app.core.ladder.DEFAULT`."""
    op.create_table(
        "ladder",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office", _CODE, nullable=True),
        sa.Column("group", sa.Text(), nullable=True),
        sa.Column("rungs", _JSON, nullable=False),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("superseded_in", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_ladder_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder")),
    )
    op.execute(f"INSERT INTO ladder (rungs, published_in) VALUES ('{_RUNGS}', 0)")  # noqa: S608 ours


def _watch() -> None:
    """Levels leave room between them; what is open is counted anew, by the ladder."""
    op.alter_column("watch", "due_at", existing_type=_INSTANT, nullable=True)
    op.add_column("watch", sa.Column("ladder", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE watch SET ladder = (SELECT id FROM ladder), next_level = (next_level + 1) * 10, "
        "levels = ARRAY(SELECT (level + 1) * 10 FROM unnest(levels) WITH ORDINALITY AS one "
        "(level, place) ORDER BY place)"
    )
    op.alter_column("watch", "ladder", existing_type=sa.BigInteger(), nullable=False)
    op.create_index("ix_watch_branch", "watch", ["branch"], unique=False)
    op.execute("UPDATE catalogue SET version = version + 1 WHERE EXISTS (SELECT FROM watch)")
    op.execute(
        "INSERT INTO publication (version, published_at, by, kind, subject) "
        "SELECT version, published_at, 'migration', 'all', 'all' FROM catalogue "
        "WHERE EXISTS (SELECT FROM watch)"
    )


def _alerts() -> None:
    op.alter_column("alert", "code", new_column_name="subject")
    op.execute("ALTER TABLE alert RENAME CONSTRAINT alert_code_not_null TO alert_subject_not_null")
    op.alter_column("alert", "branch", existing_type=_CODE, nullable=True)
    for name, kind in (("office", _CODE), ("kind", sa.Text()), ("tell", _TEXTS)):
        op.add_column("alert", sa.Column(name, kind, nullable=True))
    op.add_column("alert", sa.Column("at_once", sa.Boolean(), nullable=True))
    op.add_column("alert", sa.Column("details", _JSON, nullable=True))
    op.execute(
        "UPDATE alert SET office = branch.office, kind = 'limit', tell = '{branch}', "
        "at_once = true, level = (level + 1) * 10 FROM branch WHERE branch.code = alert.branch"
    )
    for name, kind in (("office", _CODE), ("kind", sa.Text()), ("tell", _TEXTS)):
        op.alter_column("alert", name, existing_type=kind, nullable=False)
    op.alter_column("alert", "at_once", existing_type=sa.Boolean(), nullable=False)
    op.drop_index("ix_alert_branch", table_name="alert")
    op.create_index("ix_alert_branch", "alert", ["branch", "id"], unique=False)
    op.create_index(
        "ix_alert_office",
        "alert",
        ["office", "id"],
        unique=False,
        postgresql_where=sa.text("level >= 200"),
    )
    op.create_table(
        "acknowledgement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("until_at", _INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("fk_acknowledgement_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgement")),
    )
    op.create_index(
        "ix_acknowledgement_alert_id", "acknowledgement", ["alert_id", "id"], unique=False
    )
    op.create_index("ix_acknowledgement_until_at", "acknowledgement", ["until_at"], unique=False)


def _deliveries() -> None:
    for name in ("events", "previous_secret", "contact", "created_by"):
        kind = _TEXTS if name == "events" else sa.Text()
        op.add_column("webhook", sa.Column(name, kind, nullable=True))
    for name in ("previous_until", "created_at", "failing_since", "paused_at"):
        op.add_column("webhook", sa.Column(name, _INSTANT, nullable=True))
    op.add_column(
        "webhook", sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("delivery", sa.Column("office", _CODE, nullable=True))
    op.add_column("delivery", sa.Column("alert_id", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("expires_at", _INSTANT, nullable=True))
    op.execute(
        "UPDATE delivery SET office = coalesce(body ->> 'office', (SELECT office FROM webhook "
        "WHERE delivery.channel = 'webhook' AND webhook.id::text = delivery.address))"
    )
    _states("'queued', 'sent', 'dead', 'dropped'")
    op.create_index("ix_delivery_office", "delivery", ["office", "id"], unique=False)
    op.create_index(
        "ix_delivery_dead",
        "delivery",
        ["office", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_table(
        "attachment",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_attachment_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "name", name=op.f("pk_attachment")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_attempt_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_delivery_id", "attempt", ["delivery_id", "id"], unique=False)


def _digests() -> None:
    op.create_table(
        "digest",
        sa.Column("key", _CODE, nullable=False),
        sa.Column("recipient", _CODE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("alerts_after", sa.BigInteger(), nullable=False),
        sa.Column("alerts_until", sa.BigInteger(), nullable=False),
        sa.Column("written_at", _INSTANT, nullable=False),
        sa.Column("said", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_digest")),
    )
    op.create_index("ix_digest_recipient", "digest", ["recipient", "kind", "day"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("daily", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("weekly", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("all_clear", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "quiet_weekdays",
            postgresql.ARRAY(sa.Integer()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("quiet_days", _JSON, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_subscription_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_subscription")),
    )
    op.create_table(
        "due_calendar",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office", _CODE, nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("read_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["branch"], ["branch.code"], name=op.f("fk_due_calendar_branch")),
        sa.ForeignKeyConstraint(["office"], ["office.code"], name=op.f("fk_due_calendar_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_calendar")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_due_calendar_token_hash")),
    )


def _letters() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("branch", _CODE, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("drafted_at", _INSTANT, nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("promised_at", _INSTANT, nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("void_at", _INSTANT, nullable=True),
        sa.Column("void_by", sa.Text(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_index(
        "ix_letter_unsent",
        "letter",
        ["branch", "id"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND void_at IS NULL"),
    )
    op.create_index(
        "uq_letter_code",
        "letter",
        ["code"],
        unique=True,
        postgresql_where=sa.text("void_at IS NULL"),
    )
    op.create_index("uq_letter_number", "letter", ["branch", "year", "number"], unique=True)
    op.create_table(
        "lateness_cause",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lateness_cause")),
    )
    op.create_index("ix_lateness_cause_code", "lateness_cause", ["code", "id"], unique=False)


def _jobs() -> None:
    op.add_column("job_run", sa.Column("acted_at", _INSTANT, nullable=True))
    op.add_column("job_run", sa.Column("by", sa.Text(), nullable=True))
    op.create_index(
        "ix_job_run_open",
        "job_run",
        ["name"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.alter_column("job_tick", "ticked_at", existing_type=_INSTANT, nullable=True)
    for name in ("every_seconds", "seconds"):
        op.add_column("job_tick", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("job_tick", sa.Column("failed_at", _INSTANT, nullable=True))
    op.add_column("job_tick", sa.Column("error", sa.Text(), nullable=True))
    for name in ("runs", "failures"):
        op.add_column(
            "job_tick",
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        )


def _roles(roles: str) -> None:
    name = op.f("ck_user_account_role")
    op.drop_constraint(name, "user_account", type_="check")
    op.create_check_constraint(name, "user_account", f"role IN ({roles})")


def _states(states: str) -> None:
    name = op.f("ck_delivery_state")
    op.drop_constraint(name, "delivery", type_="check")
    op.create_check_constraint(name, "delivery", f"state IN ({states})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM letter) OR EXISTS (SELECT FROM lateness_cause) OR "
        "EXISTS (SELECT FROM user_account WHERE role = 'department') THEN RAISE EXCEPTION "
        "'letters, causes or accounts of a department are kept, which the old version cannot'; "
        "END IF; END $$"
    )
    _roles("'director', 'administrator'")
    op.execute("DELETE FROM job_tick WHERE ticked_at IS NULL")
    for name in ("every_seconds", "seconds", "failed_at", "error", "runs", "failures"):
        op.drop_column("job_tick", name)
    op.alter_column("job_tick", "ticked_at", existing_type=_INSTANT, nullable=False)
    op.drop_index("ix_job_run_open", table_name="job_run")
    op.drop_column("job_run", "acted_at")
    op.drop_column("job_run", "by")
    op.execute("UPDATE delivery SET state = 'dead' WHERE state = 'dropped'")
    _states("'queued', 'sent', 'dead'")
    op.drop_index("ix_delivery_dead", table_name="delivery")
    op.drop_index("ix_delivery_office", table_name="delivery")
    for name in ("office", "alert_id", "expires_at"):
        op.drop_column("delivery", name)
    for name in (
        *("events", "previous_secret", "contact", "created_by", "previous_until"),
        *("created_at", "failing_since", "paused_at", "failures"),
    ):
        op.drop_column("webhook", name)
    for table in (
        *("lateness_cause", "letter", "due_calendar", "subscription", "digest"),
        *("attempt", "attachment", "acknowledgement"),
    ):
        op.drop_table(table)
    _alerts_as_they_were()


def _alerts_as_they_were() -> None:
    """Four levels of one clock; alerts of other clocks and further levels go."""
    op.execute("DELETE FROM alert WHERE level NOT IN (20, 30, 40, 50) OR branch IS NULL")
    op.execute("UPDATE alert SET level = level / 10 - 1")
    op.drop_index("ix_alert_office", table_name="alert")
    op.drop_index("ix_alert_branch", table_name="alert")
    for name in ("office", "kind", "tell", "at_once", "details"):
        op.drop_column("alert", name)
    op.alter_column("alert", "branch", existing_type=_CODE, nullable=False)
    op.alter_column("alert", "subject", new_column_name="code")
    op.execute("ALTER TABLE alert RENAME CONSTRAINT alert_subject_not_null TO alert_code_not_null")
    op.create_index("ix_alert_branch", "alert", ["branch", "raised_at"], unique=False)
    op.drop_index("ix_watch_branch", table_name="watch")
    op.execute("DELETE FROM watch WHERE due_at IS NULL OR NOT levels && '{20,30,40,50}'")
    op.execute(
        "UPDATE watch SET levels = kept.levels, moments = kept.moments, next_at = kept.next_at, "
        "next_level = kept.next_level FROM (SELECT code, array_agg(level / 10 - 1 ORDER BY place) "
        "AS levels, array_agg(moment ORDER BY place) AS moments, "
        "min(moment) FILTER (WHERE moment >= next_at) AS next_at, "
        "(array_agg(level / 10 - 1 ORDER BY place) FILTER (WHERE moment >= next_at))[1] "
        "AS next_level "
        "FROM watch, unnest(moments, levels) WITH ORDINALITY AS one (moment, level, place) "
        "WHERE level IN (20, 30, 40, 50) GROUP BY code) AS kept WHERE kept.code = watch.code"
    )
    op.drop_column("watch", "ladder")
    op.alter_column("watch", "due_at", existing_type=_INSTANT, nullable=False)
    op.drop_table("ladder")
