"""Leadership and the ledger: one acts, another takes over, a fact is entered once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app.db import job_runs
from app.db.engine import Sessions
from app.db.job_runs import Leader
from app.db.tables import job_run
from jobs import Context
from jobs.__main__ import act
from tests.jobs.rows import vn

AT = vn("2026-11-23 07:00")
KEY = 42


@pytest.fixture
def two(engine: Engine) -> Iterator[tuple[Leader, Leader]]:
    first, second = Leader(engine, KEY), Leader(engine, KEY)
    yield first, second
    first.release()
    second.release()


def kill_holder(session: Session) -> None:
    query = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
        "WHERE locktype = 'advisory' AND objid = :key AND granted"
    )
    assert session.scalars(query, {"key": KEY}).all() == [True]


def test_there_are_never_two_leaders(two: tuple[Leader, Leader]):
    first, second = two

    asked = [(first.is_leader(), second.is_leader()) for _ in range(3)]

    assert asked == [(True, False)] * 3


def test_many_asking_at_once_find_one_leader(engine: Engine):
    leaders = [Leader(engine, KEY) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda leader: leader.is_leader(), leaders))

    assert sum(found) == 1
    for leader in leaders:
        leader.release()


def test_another_takes_over_when_the_first_gives_back(two: tuple[Leader, Leader]):
    first, second = two
    assert first.is_leader()

    first.release()

    assert second.is_leader()
    assert not first.is_leader()


def test_another_takes_over_when_the_connection_of_the_first_is_killed(
    two: tuple[Leader, Leader], session: Session
):
    first, second = two
    assert first.is_leader()
    assert not second.is_leader()

    kill_holder(session)

    assert second.is_leader()
    assert not first.is_leader()
    assert not first.is_leader()


def test_a_leader_whose_connection_was_killed_comes_back_when_nobody_else_leads(
    two: tuple[Leader, Leader], session: Session
):
    first, _ = two
    assert first.is_leader()

    kill_holder(session)

    assert not first.is_leader()
    assert first.is_leader()


def test_the_lock_never_returns_to_the_pool(engine: Engine, two: tuple[Leader, Leader]):
    first, second = two
    assert first.is_leader()

    first.release()
    for _ in range(3):
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    assert second.is_leader()


def test_only_the_leader_acts(context: Context, two: tuple[Leader, Leader], session: Session):
    first, second = two
    assert first.is_leader()
    acted: list[str] = []

    def job(*_: object) -> int:
        acted.append("now")
        return 0

    for leader in (first, second):
        act(context, leader, "job", job)

    assert acted == ["now"]
    assert list(job_runs.ticks(session)) == ["job"]


def test_a_job_that_fails_is_entered_and_does_not_tick(
    context: Context, two: tuple[Leader, Leader], session: Session
):
    def fail(*_: object) -> int:
        raise RuntimeError("first line\nsecond line")

    act(context, two[0], "broken", fail)

    row = session.execute(select(job_run)).mappings().one()
    assert (row["name"], row["error"]) == ("broken", "RuntimeError: first line")
    assert job_runs.ticks(session) == {}


def test_a_tick_never_moves_back(session: Session):
    for minutes in (0, 5, 3):
        job_runs.tick(session, "flags", AT + timedelta(minutes=minutes))

    assert job_runs.ticks(session) == {"flags": AT + timedelta(minutes=5)}


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
