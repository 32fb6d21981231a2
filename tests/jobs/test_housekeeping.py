"""Housekeeping: what has run its course goes, once a day."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.db import access, imports, job_runs
from app.db.tables import access_token, applicant, client, job_run, source
from app.db.tables import session as sign_in
from jobs import Context, housekeeping
from tests.jobs.rows import vn

NOW = vn("2026-11-23 03:00")


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
