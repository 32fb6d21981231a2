"""The minute's sweep, as the scheduler runs it."""

from threading import Thread

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db import feeds
from app.db.tables import alert
from jobs import Context, flags
from tests.jobs.rows import BRANCH, OTHER, alerts_raised, put_watch, vn

DUE_AT = vn("2026-11-26 00:00")


def due(session: Session, count: int, branch: str = BRANCH) -> None:
    codes = [(f"{branch}-{n:05}", branch) for n in range(count)]
    put_watch(session, codes, [(vn("2026-11-25 07:00"), Level.DUE_TODAY), (DUE_AT, Level.OVERDUE)])
    session.commit()


def test_all_that_is_due_is_raised_batch_by_batch(
    session: Session, context: Context, statements: list[str]
):
    due(session, flags.BATCH + 1)
    statements.clear()

    taken = flags.raise_due(context, DUE_AT)

    swept = [sent for sent in statements if "FOR UPDATE OF w SKIP LOCKED" in sent]
    assert taken == flags.BATCH + 1
    assert len(swept) == 2


def test_the_clock_of_a_branch_is_as_late_as_its_last_report(session: Session, context: Context):
    due(session, 1)
    due(session, 1, OTHER)
    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-25 16:50"), OTHER: DUE_AT})
    session.commit()

    flags.raise_due(context, vn("2026-11-26 06:00"))
    before = alerts_raised(session)
    # Thursday 26, Friday 27, Monday 30 November: three working days of silence are borne.
    flags.raise_due(context, vn("2026-11-30 23:00"))
    borne = alerts_raised(session)
    flags.raise_due(context, vn("2026-12-01 00:00"))

    assert before == [(f"{BRANCH}-00000", "DUE_TODAY"), (f"{OTHER}-00000", "OVERDUE")]
    assert borne == before
    assert (f"{BRANCH}-00000", "OVERDUE") in alerts_raised(session)


def test_two_schedulers_at_once_say_each_thing_once(session: Session, context: Context):
    due(session, 10_000)
    threads = [Thread(target=flags.raise_due, args=(context, DUE_AT)) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert session.scalar(select(func.count()).select_from(alert)) == 10_000
    assert flags.raise_due(context, DUE_AT) == 0
