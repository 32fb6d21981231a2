"""The ledger: what did something, failed or takes long has a row; the rest only ticks."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app import wallclock
from app.db import job_runs
from app.db.engine import Sessions
from app.db.job_runs import LEADERSHIP, Tick
from app.db.leadership import Leader
from app.db.tables import job_run
from jobs import Context, ledger, scheduler
from jobs.ledger import Ledger
from jobs.scheduler import act
from jobs.timetable import Entry, Job
from tests.jobs.rows import vn

AT = vn("2026-11-23 07:00")
RHYTHM = {"a": timedelta(minutes=1), "b": timedelta(hours=1)}


@pytest.fixture
def leader(engine: Engine) -> Iterator[Leader]:
    made = Leader(engine, 43)
    assert made.renew()
    yield made
    made.release()


@pytest.fixture
def kept(sessions: Sessions, leader: Leader) -> Ledger:
    return Ledger(sessions, leader, RHYTHM)


Play = Callable[[Job], None]


@pytest.fixture
def play(context: Context, leader: Leader, kept: Ledger, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let a job of the test's act once, as the scheduler does."""

    def once(job: Job) -> None:
        entry = Entry(job, RHYTHM["a"], "", "")
        monkeypatch.setattr(scheduler, "TIMETABLE", {"a": entry})
        act(context, leader, kept, "a")

    return once


def rows(session: Session) -> list[dict[str, Any]]:
    session.rollback()
    found = session.execute(select(job_run).order_by(job_run.c.id)).mappings()
    return [dict(row) for row in found]


def nothing(*_: object) -> int:
    return 0


def fail(*_: object) -> int:
    raise RuntimeError("first line\nsecond line")


def test_only_a_leader_acts(play: Play, leader: Leader):
    acted: list[str] = []

    def job(*_: object) -> int:
        acted.append("now")
        return 0

    play(job)
    leader.release()
    play(job)

    assert acted == ["now"]


def test_idle_runs_cost_no_statement_and_tick_with_the_next_writing(
    play: Play, kept: Ledger, session: Session, statements: list[str]
):
    before = wallclock.now()

    for _ in range(3):
        play(nothing)

    assert statements == []
    kept.write(wallclock.now())
    tick = job_runs.ticks(session)["a"]
    assert (tick.runs, tick.failures, tick.every_seconds) == (3, 0, 60)
    assert tick.ticked_at is not None
    assert before <= tick.ticked_at <= wallclock.now()
    assert tick.seconds is not None
    assert 0 <= tick.seconds < 1
    assert rows(session) == []


def test_all_that_ticked_is_written_by_one_statement(kept: Ledger, statements: list[str]):
    kept.write(AT)
    for name in RHYTHM:
        kept.end(kept.begin(name, AT), AT, 0, None)
    statements.clear()

    kept.write(AT)

    assert len(statements) == 1


def test_a_run_that_did_something_has_a_row_at_once(play: Play, session: Session):
    play(lambda _context, _now: 7)

    (row,) = rows(session)
    assert (row["name"], row["done"], row["error"], row["by"]) == ("a", 7, None, None)
    assert row["acted_at"] == row["started_at"] <= row["finished_at"]
    assert job_runs.ticks(session)["a"].runs == 1


def test_a_failure_has_a_row_and_stays_told_after_the_job_has_recovered(
    play: Play, kept: Ledger, session: Session
):
    play(fail)

    (row,) = rows(session)
    assert (row["error"], row["done"]) == ("RuntimeError: first line", 0)
    failed = job_runs.ticks(session)["a"]
    assert (failed.ticked_at, failed.error) == (None, "RuntimeError: first line")
    assert failed.is_failing()

    session.rollback()
    play(nothing)
    kept.write(wallclock.now())

    recovered = job_runs.ticks(session)["a"]
    assert not recovered.is_failing()
    assert (recovered.failed_at, recovered.error) == (failed.failed_at, failed.error)
    assert (recovered.runs, recovered.failures) == (2, 1)


def test_a_run_that_takes_long_is_seen_while_it_lasts(
    kept: Ledger, session: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger, "_LONG", 0.0)
    run = kept.begin("a", AT)

    kept.write(AT)

    assert job_runs.under_way(session) == {"a": AT}
    (begun,) = rows(session)
    assert begun["finished_at"] is None
    kept.write(AT)
    kept.end(run, AT + timedelta(seconds=30), 0, None)
    (ended,) = rows(session)
    assert (ended["id"], ended["finished_at"]) == (begun["id"], AT + timedelta(seconds=30))
    assert job_runs.under_way(session) == {}


def test_a_run_that_never_ended_is_told_so_by_the_next_leader(
    kept: Ledger, leader: Leader, sessions: Sessions, session: Session,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(ledger, "_LONG", 0.0)
    run = kept.begin("a", AT)
    kept.write(AT)
    with sessions.begin() as by_hand:
        job_runs.begin(by_hand, "b", AT, AT, by="an")

    Ledger(sessions, leader, RHYTHM).write(AT + timedelta(minutes=1))

    one, other = rows(session)
    assert one["finished_at"] == AT + timedelta(minutes=1)
    assert one["error"].startswith("did not end")
    assert other["finished_at"] is None

    kept.end(run, AT + timedelta(minutes=2), 4, None)  # it was only stopped, and woke up
    assert (rows(session)[0]["error"], rows(session)[0]["done"]) == (None, 4)


def test_who_takes_the_lead_again_leaves_its_own_runs_alone(
    kept: Ledger, leader: Leader, session: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger, "_LONG", 0.0)
    kept.begin("a", AT)
    kept.write(AT)
    monkeypatch.setattr(leader, "_until", 0.0)
    kept.write(AT)
    assert leader.renew()

    kept.write(AT)

    assert list(job_runs.under_way(session)) == ["a"]


def test_who_does_not_lead_ticks_not_but_enters_what_it_did(
    kept: Ledger, leader: Leader, session: Session
):
    leader.release()

    kept.end(kept.begin("a", AT), AT, 3, None)

    assert [row["done"] for row in rows(session)] == [3]
    assert job_runs.ticks(session) == {}


def test_while_the_database_is_out_of_reach_nothing_is_lost_nor_counted_twice(
    engine: Engine, kept: Ledger, session: Session
):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE job_run RENAME TO hidden"))
    try:
        kept.end(kept.begin("a", AT), AT, 3, None)
        kept.end(kept.begin("a", AT), AT, 0, "broken")
        kept.end(kept.begin("a", AT), AT, 0, None)
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO job_run"))

    for _ in range(2):
        kept.write(AT)

    assert [(row["done"], row["error"]) for row in rows(session)] == [(3, None), (0, "broken")]
    tick = job_runs.ticks(session)["a"]
    assert (tick.runs, tick.failures, tick.error) == (3, 1, "broken")


def test_runs_of_many_threads_are_all_counted(kept: Ledger, session: Session):
    stop = Event()

    def write() -> None:
        while not stop.is_set():
            kept.write(AT)

    writing = Thread(target=write)
    writing.start()

    def run(n: int) -> None:
        kept.end(kept.begin("ab"[n % 2], AT), AT, int(n % 50 == 0), None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(400)))
    stop.set()
    writing.join()
    kept.write(AT)

    assert [job_runs.ticks(session)[name].runs for name in "ab"] == [200, 200]
    assert len(rows(session)) == 8


def test_jobs_that_are_no_more_are_forgotten_and_new_ones_known(
    kept: Ledger, sessions: Sessions, session: Session
):
    with sessions.begin() as before:
        job_runs.note(before, [Tick("old", 60, AT), Tick("a", 15, AT, runs=5)])

    kept.write(AT)

    told = job_runs.ticks(session)
    assert set(told) == {"a", "b", LEADERSHIP}
    assert told["a"] == Tick("a", 60, AT, runs=5)
    assert told["b"] == Tick("b", 3600)


def test_a_tick_follows_the_clock_also_when_that_was_set_back(session: Session):
    for hours in (0, 5, 3):
        job_runs.note(session, [Tick("a", ticked_at=AT + timedelta(hours=hours))])

    assert job_runs.ticks(session)["a"].ticked_at == AT + timedelta(hours=3)


@pytest.mark.parametrize(
    ("every", "since", "late"),
    [(5, 45, False), (5, 46, True), (3600, 10_830, False), (3600, 10_831, True), (None, 31, True)],
)
def test_a_job_is_late_after_three_intervals_and_half_a_minute(
    every: float | None, since: int, *, late: bool
):
    tick = Tick("a", every, AT)

    assert tick.is_late(AT + timedelta(seconds=since)) is late
    assert Tick("a", every).is_late(AT)


def test_what_happens_once_is_begun_once_also_by_many(sessions: Sessions):
    def begin(_: int) -> int | None:
        with sessions.begin() as session:
            return job_runs.once(session, "import", "import:7", AT)

    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(begin, range(16)))

    assert len([run for run in begun if run is not None]) == 1


def test_what_failed_was_never_begun(sessions: Sessions):
    with sessions() as session:
        job_runs.once(session, "import", "import:7", AT)
        session.rollback()
    with sessions.begin() as session:
        run = job_runs.once(session, "import", "import:7", AT)
        assert run is not None
        job_runs.finish(session, run, AT, done=3)
        assert session.scalar(select(job_run.c.done)) == 3
