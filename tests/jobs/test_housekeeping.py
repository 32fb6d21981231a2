"""Housekeeping: what has run its course goes, once a day."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from app.db import access, deliveries, imports, job_runs
from app.db.deliveries import Attachment, Channel, Draft
from app.db.tables import access_token, applicant, client, delivery, job_run, source
from app.db.tables import session as sign_in
from jobs import Context, housekeeping
from tests.jobs.rows import vn

NOW = vn("2026-11-23 03:00")
_LEFT = text("""
SELECT key, (SELECT count(*) FROM attachment WHERE delivery_id = delivery.id) AS files
FROM delivery
""")


def test_what_has_expired_goes_once_a_day(
    session: Session, context: Context, director: Callable[..., int]
):
    user = director("an")
    session.execute(insert(source).values(code="s", name="s"))
    session.execute(
        insert(client).values(
            client_id="c", secret_hash=b"-", source="s", office="H20.16", scopes=["read"]
        )
    )
    for n, expires_at in enumerate((NOW, NOW + timedelta(seconds=1))):
        access.save_token(session, bytes([n]), "c", expires_at)
        access.save_session(session, bytes([n]), user, "csrf", expires_at)
    for days in (15, 13):
        started = NOW - timedelta(days=days)
        job_runs.record(session, "flags", started, started, done=1)
        imports.wait(session, f"waits-{days}", {"file": ""}, NOW - timedelta(hours=days + 10))
    session.commit()

    gone = [housekeeping.sweep_out(context, NOW + timedelta(hours=n)) for n in range(3)]

    assert gone == [4, 0, 0]
    for table, left in ((access_token, 1), (sign_in, 1), (job_run, 2), (applicant, 1)):
        assert session.scalar(select(func.count()).select_from(table)) == left
    ledger = session.execute(select(job_run).where(job_run.c.run_key.is_not(None))).mappings().one()
    assert (ledger["run_key"], ledger["done"]) == ("housekeeping:2026-11-22", 4)
    assert ledger["finished_at"] is not None


def test_the_log_of_deliveries_is_kept_for_a_quarter_and_its_files_for_a_fortnight(
    session: Session, context: Context
):
    file = Attachment("a.xlsx", "application/vnd.ms-excel", b"PK")
    ages = {"sent": (13, 15, 89, 91), "dropped": (91,), "dead": (15, 400), "queued": (400,)}
    for state, days in ages.items():
        for age in days:
            key = f"{state}:{age}"
            draft = Draft(key, Channel.MAIL, "an@x.vn", None, {}, attachments=(file,))
            deliveries.queue(session, [draft], NOW - timedelta(days=age))
            changed = update(delivery).where(delivery.c.key == key)
            session.execute(changed.values(state=state, next_attempt_at=None))
    session.commit()

    gone = housekeeping.sweep_out(context, NOW)

    left = {row.key: row.files for row in session.execute(_LEFT)}
    assert gone == 2
    assert left == {
        "sent:13": 1, "sent:15": 0, "sent:89": 0, "dead:15": 1, "dead:400": 1, "queued:400": 1
    }  # fmt: skip
