"""`python -m jobs`, as a process: it refuses clearly, one leads, it stops at once."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text

from app import wallclock
from app.db import catalogue, deliveries, job_runs, schema, webhooks
from app.db.deliveries import Channel, Draft
from app.db.engine import connect, sessions
from app.db.tables import delivery, job_run
from jobs import __main__ as front

ROOT = Path(__file__).resolve().parents[2]
Process = subprocess.Popen[str]


@pytest.fixture
def database(engine: Engine) -> Iterator[Engine]:
    """A database of its own, migrated as an operator would."""
    aside = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with aside.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS jobs_main WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE jobs_main"))
    made = connect(
        engine.url.set(database="jobs_main").render_as_string(hide_password=False), "tests"
    )
    yield made
    made.dispose()
    with aside.connect() as connection:
        connection.execute(text("DROP DATABASE jobs_main WITH (FORCE)"))
    aside.dispose()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    running: list[Process] = []

    def begin(url: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs"],
            cwd=ROOT,
            env={
                "DUNGHAN_DATABASE_URL": url,
                "DUNGHAN_HOME": str(tmp_path),
                "DUNGHAN_ALLOW_PRIVATE_WEBHOOKS": "1",
                "LANG": "C.UTF-8",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def wait_until(true: Callable[[], object], seconds: float = 15) -> None:
    stop = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < stop, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize("url", ["postgresql://x@127.0.0.1:1/none", "nonsense"])
def test_without_a_database_it_says_so_in_one_line(start: Callable[[str], Process], url: str):
    process = start(url)

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert output.startswith("dunghan jobs: the database cannot be reached")
    assert output.count("\n") == 1


def test_without_tables_it_says_what_to_run(start: Callable[[str], Process], database: Engine):
    process = start(url_of(database))

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert output == (
        "dunghan jobs: the database has no tables of this version; run `dunghan migrate`\n"
    )


def test_one_leads_another_takes_over_and_both_stop_at_once(
    start: Callable[[str], Process], database: Engine
):
    schema.migrate(database)
    opened = sessions(database)

    def ticked() -> set[str]:
        with opened() as session:
            return set(job_runs.ticks(session))

    first = start(url_of(database))
    wait_until(lambda: ticked() >= {*front.TIMETABLE, "leadership"})
    second = start(url_of(database))
    asked = text(
        "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = 'jobs_main' "
        "AND query LIKE '%pg_try_advisory_lock%' AND state = 'idle'"
    )

    def follows() -> bool:
        with database.connect() as connection:
            return bool(connection.scalar(asked))

    wait_until(follows)
    time.sleep(0.5)  # it has asked in vain; now it says so
    holders = text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND a.datname = 'jobs_main'"
    )
    with database.connect() as connection:
        assert connection.scalars(holders).all() == ["dunghan-jobs"]
    first.kill()
    died = time.monotonic()
    with opened() as session:
        last = job_runs.ticks(session)["leadership"]

    def taken_over() -> bool:
        with opened() as session:
            return job_runs.ticks(session)["leadership"] > last

    wait_until(taken_over, 10)
    assert time.monotonic() - died < 8
    stopping = time.monotonic()
    second.send_signal(signal.SIGTERM)
    output, _ = second.communicate(timeout=5)

    assert time.monotonic() - stopping < 2
    assert second.returncode == 0
    assert "following" in output
    assert output.index("following") < output.index("leading")
    with opened() as session:
        errors = select(job_run.c.name, job_run.c.error).where(job_run.c.error.is_not(None))
        assert session.execute(errors).all() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_two_seconds(
    start: Callable[[str], Process], database: Engine, number: signal.Signals
):
    schema.migrate(database)
    opened = sessions(database)
    process = start(url_of(database))

    def leads() -> bool:
        with opened() as session:
            return "leadership" in job_runs.ticks(session)

    wait_until(leads)
    stopping = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=5)

    assert time.monotonic() - stopping < 2
    assert process.returncode == 0
    assert "Traceback" not in output


def test_a_receiver_that_hangs_does_not_hold_the_stop_and_loses_nothing(
    start: Callable[[str], Process], database: Engine
):
    schema.migrate(database)
    opened = sessions(database)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        with opened.begin() as session:
            catalogue.put_offices(session, [{"code": "H", "name": "-", "province": "H"}])
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            number, _ = webhooks.create(session, "H", None, url)
            draft = Draft("alert:1:1", Channel.WEBHOOK, str(number), None, {})
            deliveries.queue(session, [draft], wallclock.now())
        process = start(url_of(database))
        deaf.settimeout(15)
        called, _ = deaf.accept()
        stopping = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
        called.close()

    assert time.monotonic() - stopping < 2
    with opened() as session:
        row = session.execute(select(delivery)).mappings().one()
    assert (row["state"], row["attempts"]) == ("queued", 1)
    assert row["next_attempt_at"] > wallclock.now()


def test_every_job_file_is_on_the_timetable():
    files = {
        path.stem
        for path in (ROOT / "jobs").glob("*.py")
        if path.stem not in {"__init__", "__main__"}
    }
    scheduled = {job.__module__.removeprefix("jobs.") for job, _ in front.TIMETABLE.values()}

    assert scheduled == files
