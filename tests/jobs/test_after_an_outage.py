"""After an outage: what was missed is made up for once, by the first run, however long it was."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app import wallclock
from app.core.ladder import Level
from app.db import access, deliveries, job_runs
from app.db.deliveries import Channel, Draft
from app.db.tables import access_token, alert, client, delivery, job_run, source
from app.outbound.addresses import Reach
from app.service.pulls import keep
from app.service.rules import Rules
from app.service.shape import PullBody
from jobs import Context
from jobs.delivery import send_mails
from jobs.flags import raise_due
from jobs.housekeeping import sweep_out
from jobs.pull import ask_sources
from tests.jobs.rows import BRANCH, put_watch, vn
from tests.outbound.shops import shop
from tests.web.wire import record

BACK = vn("2026-11-23 09:00")  # a Monday
OUTAGES = pytest.mark.parametrize(
    "out", [timedelta(minutes=3), timedelta(hours=5), timedelta(days=9)], ids=str
)


@OUTAGES
def test_all_that_came_due_is_raised_and_of_each_dossier_the_highest_level_only(
    session: Session, context: Context, out: timedelta
):
    first = BACK - out + timedelta(seconds=30)
    steps = [(first, Level.DUE_SOON), (BACK - timedelta(seconds=20), Level.APOLOGY_DUE)]
    later = (BACK + timedelta(hours=1), Level.DUE_TODAY)
    put_watch(session, [(str(n), BRANCH) for n in range(25)], [*steps, later])
    session.commit()

    taken = [raise_due(context, BACK), raise_due(context, BACK)]

    assert taken == [25, 0]
    raised = session.execute(select(alert.c.subject, alert.c.level)).all()
    assert len(raised) == 25
    assert {level for _, level in raised} == {int(Level.APOLOGY_DUE)}
    assert raise_due(context, later[0]) == 25


@OUTAGES
def test_a_source_is_asked_once_and_not_for_each_time_that_was_missed(
    session: Session, context: Context, rules: Rules, out: timedelta
):
    settings = context.settings.model_copy(update={"pull_reach": Reach.ANY})
    back = wallclock.now()  # a run goes by the clock on the wall
    with shop() as other:
        other.records = [record(1)]
        body = PullBody.model_validate(
            {"url": f"{other.url}/list", "shape": {"kind": "cursor"}, "every_seconds": 60}
        )
        keep(session, "mot-cua", body, "H20.16", rules.branches, back - out)
        session.commit()
        jobs = Context(context.sessions, context.book, settings, context.client)

        new = ask_sources(jobs, back)
        asked = len(other.lists)
        again = ask_sources(jobs, back)

    assert (new, again) == (1, 0)
    assert asked == len(other.lists)


@OUTAGES
def test_housekeeping_is_done_once_for_all_days_that_were_missed(
    session: Session, context: Context, out: timedelta
):
    session.execute(insert(source).values(code="s", name="s"))
    session.execute(
        insert(client).values(
            client_id="c", secret_hash=b"-", source="s", office="H20.16", scopes=["read"]
        )
    )
    for n in range(9):
        access.save_token(session, bytes([n]), "c", BACK - out / 9 * n)
    before = BACK - out - timedelta(days=1)
    job_runs.once(session, "housekeeping", f"housekeeping:{before.date()}", before)
    session.commit()

    gone = [sweep_out(context, BACK), sweep_out(context, BACK)]

    assert gone == [9, 0]
    assert session.scalar(select(func.count()).select_from(access_token)) == 0
    done = session.scalars(select(job_run.c.done).order_by(job_run.c.id)).all()
    assert done == [None, 9]


@OUTAGES
def test_what_was_queued_and_what_a_killed_scheduler_held_goes_out(
    session: Session, context: Context, out: timedelta
):
    body = {"subject": "x", "text": "y"}
    drafts = [Draft(f"m:{n}", Channel.MAIL, "an@x.vn", None, body) for n in range(5)]
    deliveries.queue(session, drafts, BACK - out)
    deliveries.claim(session, BACK - out, timedelta(minutes=2), 2, channel=Channel.MAIL)
    session.commit()

    sent = [send_mails(context, BACK), send_mails(context, BACK)]

    assert sent == [5, 0]
    assert set(session.scalars(select(delivery.c.state))) == {"sent"}
