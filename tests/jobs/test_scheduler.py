"""The scheduler in this process: its heart beats whatever the jobs and the wall clock do."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from threading import Event, Thread
from typing import cast

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers import base
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy import Engine

from app.db.leadership import Leader
from jobs import Context, scheduler
from jobs.scheduler import WORKERS, Heart
from jobs.timetable import TIMETABLE, Entry

NEVER = timedelta(days=300)


class Wall:
    """The clock on the wall, which somebody may set."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self, tz: tzinfo | None = None) -> datetime:
        return (datetime.now(UTC) + self.ahead).astimezone(tz)  # noqa: TID251 it plays the clock


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    made = Wall()
    monkeypatch.setattr(base, "datetime", made)
    monkeypatch.setattr("app.wallclock.now", lambda: made.now(UTC))
    return made


@pytest.fixture
def leader(engine: Engine) -> Iterator[Leader]:
    made = Leader(engine, 44)
    yield made
    made.release()


@pytest.fixture
def running(
    context: Context, leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, Entry]], BlockingScheduler]]:
    """Run a timetable of the test's own, with a heart that beats fast."""
    monkeypatch.setattr(scheduler, "BEAT", 1.0)
    started: list[BlockingScheduler] = []

    def run(entries: dict[str, Entry]) -> BlockingScheduler:
        monkeypatch.setattr(scheduler, "TIMETABLE", entries)
        made = scheduler.scheduler(context, leader, ThreadPoolExecutor(WORKERS))
        started.append(made)
        Thread(target=made.start, daemon=True).start()
        return made

    yield run
    for one in started:
        one.shutdown(wait=False)


def counting(every: timedelta) -> tuple[Entry, list[datetime]]:
    runs: list[datetime] = []

    def job(_: Context, now: datetime) -> int:
        runs.append(now)
        return 0

    return Entry(job, every, "", ""), runs


def wait_until(true: Callable[[], object], seconds: float = 30) -> None:
    stop = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < stop, "it never came"
        time.sleep(0.02)


def test_who_takes_the_lead_does_everything_at_once(
    running: Callable[..., BlockingScheduler], engine: Engine
):
    other = Leader(engine, 44)
    assert other.renew()
    entry, runs = counting(NEVER)
    running({"job": entry})
    time.sleep(1)
    assert runs == []

    other.release()

    wait_until(lambda: runs)
    time.sleep(0.6)
    assert len(runs) == 1


@pytest.mark.parametrize("hours", [1, 24 * 365 * 56])
def test_a_clock_that_jumps_ahead_or_a_laptop_that_slept_makes_one_run_up_for_all(
    running: Callable[..., BlockingScheduler], wall: Wall, hours: int
):
    entry, runs = counting(timedelta(minutes=1))
    running({"job": entry})
    wait_until(lambda: runs)
    time.sleep(1)
    before = len(runs)

    wall.ahead += timedelta(hours=hours)

    wait_until(lambda: len(runs) > before)  # no later than the scheduler looks: each few seconds
    time.sleep(1)
    assert len(runs) == before + 1
    assert runs[-1] - runs[-2] > timedelta(hours=hours, seconds=-1)


def test_a_clock_set_back_does_not_stop_the_jobs_until_the_old_time_is_reached_again(
    running: Callable[..., BlockingScheduler], wall: Wall, leader: Leader
):
    entry, runs = counting(timedelta(seconds=1))
    running({"job": entry})
    wait_until(lambda: runs)

    wall.ahead -= timedelta(hours=5)
    before = len(runs)

    wait_until(lambda: len(runs) > before + 2)
    assert leader.is_leader()


def test_a_job_that_hangs_delays_neither_the_others_nor_the_lead(
    running: Callable[..., BlockingScheduler], leader: Leader
):
    letting_go, hanging = Event(), Event()

    def hang(_: Context, _now: datetime) -> int:
        hanging.set()
        letting_go.wait(20)
        return 0

    entry, runs = counting(timedelta(seconds=1))
    running({"hangs": Entry(hang, timedelta(seconds=1), "", ""), "job": entry})
    try:
        wait_until(hanging.is_set)
        before, until = len(runs), leader._until  # noqa: SLF001 that it goes on being renewed

        wait_until(lambda: len(runs) > before + 1)

        assert leader._until > until  # noqa: SLF001
        assert leader.is_leader()
    finally:
        letting_go.set()


def test_a_heart_that_stumbles_beats_on_until_it_is_stopped(
    leader: Leader, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scheduler, "BEAT", 0.05)
    beats: list[int] = []

    class Broken:
        def get_jobs(self) -> list[object]:
            beats.append(1)
            raise ValueError

    class Full:
        def exception(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(scheduler, "_log", Full())
    heart = Heart(leader, cast("BaseScheduler", Broken()))
    heart.start()
    wait_until(lambda: len(beats) > 3)

    heart.stop()

    heart._thread.join(5)  # noqa: SLF001
    assert not heart._thread.is_alive()  # noqa: SLF001


def test_the_timetable_can_be_read_also_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")

    for name, entry in TIMETABLE.items():
        assert entry.every >= timedelta(seconds=5), name
        assert entry.what[0].isupper(), name
        assert entry.what.endswith("."), name
        assert entry.counts, name
        assert re.search(rf"^\| `{name}` \| .+ \| {re.escape(entry.what)}", guide, re.MULTILINE)
