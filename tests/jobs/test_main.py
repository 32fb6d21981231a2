"""`python -m jobs`, as a process: it refuses clearly, one leads, it stops at once."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text

from app import wallclock
from app.db import catalogue, deliveries, job_runs, schema, webhooks
from app.db.deliveries import Channel, Draft
from app.db.embedded import Embedded
from app.db.engine import Sessions, connect, sessions
from app.db.tables import delivery, job_run
from jobs.timetable import TIMETABLE

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


def wait_until(true: Callable[[], object], seconds: float = 40) -> None:
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


def led_at(opened: Sessions) -> datetime | None:
    with opened() as session:
        held = job_runs.ticks(session).get(job_runs.LEADERSHIP)
    return None if held is None else held.ticked_at


def holders(engine: Engine, name: str) -> list[str]:
    query = text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND a.datname = :name"
    )
    with engine.connect() as connection:
        return list(connection.scalars(query, {"name": name}))


def follows(engine: Engine, name: str) -> bool:
    """Whether somebody has asked for the lead in vain."""
    query = text(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = :name AND state = 'idle' "
        "AND query LIKE '%pg_try_advisory_lock%' "
        "AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted))"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(query, {"name": name}))


def test_one_leads_another_takes_over_and_both_stop_at_once(
    start: Callable[[str], Process], database: Engine
):
    schema.migrate(database)
    opened = sessions(database)

    def ticked() -> set[str]:
        with opened() as session:
            told = job_runs.ticks(session).values()
        return {one.name for one in told if one.ticked_at is not None}

    first = start(url_of(database))
    wait_until(lambda: ticked() >= {*TIMETABLE, job_runs.LEADERSHIP})
    second = start(url_of(database))
    wait_until(lambda: follows(database, "jobs_main"))
    assert holders(database, "jobs_main") == ["dunghan-jobs"]
    first.kill()
    died = time.monotonic()
    last = led_at(opened)

    wait_until(lambda: led_at(opened) != last)
    assert time.monotonic() - died < 15
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


def test_a_leader_that_is_stopped_is_replaced_within_half_a_minute_and_notices_when_it_wakes(
    start: Callable[[str], Process], database: Engine
):
    schema.migrate(database)
    opened = sessions(database)
    first = start(url_of(database))
    wait_until(lambda: led_at(opened))
    second = start(url_of(database))
    wait_until(lambda: follows(database, "jobs_main"))
    first.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    time.sleep(0.5)
    last = led_at(opened)

    wait_until(lambda: led_at(opened) != last, 30)
    assert time.monotonic() - stopped < 30
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: follows(database, "jobs_main"))

    assert len(holders(database, "jobs_main")) == 1
    for process in (first, second):
        process.send_signal(signal.SIGTERM)
    one, other = (process.communicate(timeout=5)[0] for process in (first, second))
    assert told(one) == ["leading", "following"]
    assert told(other) == ["following", "leading"]
    assert "Traceback" not in one + other


def test_when_the_database_was_restarted_one_leads_again_and_both_live(
    start: Callable[[str], Process],
):
    folder = Path(tempfile.mkdtemp(prefix="dh", dir="/tmp"))  # short: a Unix socket
    embedded = Embedded(folder)
    engine = connect(embedded.url, "tests")
    try:
        schema.migrate(engine)
        opened = sessions(engine)
        both = [start(embedded.url), start(embedded.url)]
        wait_until(lambda: led_at(opened))
        wait_until(lambda: follows(engine, "postgres"))

        embedded._server.stop()  # noqa: SLF001 as an operator does, with users still on it
        time.sleep(3)
        embedded._server.start()  # noqa: SLF001
        back = time.monotonic()
        engine.dispose()
        last = led_at(opened)
        wait_until(lambda: led_at(opened) != last, 30)

        assert time.monotonic() - back < 30
        wait_until(lambda: follows(engine, "postgres"))
        assert len(holders(engine, "postgres")) == 1
        assert [process.poll() for process in both] == [None, None]
        for process in both:
            process.send_signal(signal.SIGTERM)
        output = [process.communicate(timeout=5)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert "Traceback" not in "".join(output)
    finally:
        engine.dispose()
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


def told(output: str) -> list[str]:
    """The changes of leadership a scheduler told of, in order."""
    return re.findall(r"\b(leading|following)\b", output)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_two_seconds(
    start: Callable[[str], Process], database: Engine, number: signal.Signals
):
    schema.migrate(database)
    opened = sessions(database)
    process = start(url_of(database))

    wait_until(lambda: led_at(opened))
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
        if path.stem not in {"__init__", "__main__", "timetable", "scheduler", "ledger", "by_hand"}
    }
    scheduled = {entry.act.__module__.removeprefix("jobs.") for entry in TIMETABLE.values()}

    assert scheduled == files
