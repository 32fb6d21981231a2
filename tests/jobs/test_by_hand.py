"""`dunghan jobs list` and `run`: the timetable for a person, and one job once."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from app import wallclock
from app.core.ladder import Level
from app.db import job_runs
from app.db.engine import Sessions
from app.db.job_runs import LEADERSHIP, Tick
from app.db.tables import alert, job_run
from app.desk import CannotStartError
from app.service.rules import Rules
from app.settings import Settings
from jobs import Context, by_hand
from jobs.__main__ import app as command
from jobs.timetable import TIMETABLE, Entry
from tests.jobs.rows import vn, watched

NOW = vn("2026-11-23 07:10")
ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Result]


@pytest.fixture
def run(sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    @contextmanager
    def opened() -> Iterator[tuple[Settings, Sessions]]:
        yield Settings(home=tmp_path), sessions

    monkeypatch.setattr(by_hand, "_opened", opened)
    monkeypatch.setattr(wallclock, "now", lambda: NOW)
    monkeypatch.setattr(by_hand, "getuser", lambda: "an")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(command, words)

    yield invoke
    structlog.reset_defaults()  # it wrote to the terminal of the run, which is closed


def ledger(session: Session) -> list[Any]:
    return list(session.execute(select(job_run).order_by(job_run.c.id)).mappings())


def refused(result: Result) -> str:
    """The one line of a refusal, however it was given."""
    assert result.exit_code == 1
    if isinstance(result.exception, CannotStartError):
        return str(result.exception)
    (line,) = result.stderr.splitlines()
    return line


def test_one_job_is_run_at_a_moment_and_entered_with_who_did(
    run: Run, rules: Rules, session: Session
):
    watched(session, rules, "2026-11-20", "A", "B")

    result = run("run", "flags", "--at", "2026-11-23T07:05+07:00")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("flags: 2 taken off the watch list, in ")
    assert result.stdout.strip().endswith("as of 2026-11-23T07:05:00+07:00")
    raised = session.execute(select(alert.c.level, alert.c.raised_at)).all()
    assert raised == [(int(Level.OVERDUE), vn("2026-11-23 07:05"))] * 2
    (row,) = ledger(session)
    assert (row["name"], row["by"], row["done"], row["error"]) == ("flags", "an", 2, None)
    assert (row["acted_at"], row["started_at"]) == (vn("2026-11-23 07:05"), NOW)
    assert job_runs.ticks(session) == {}  # it says nothing of the scheduler


def test_without_a_moment_it_acts_now_and_a_run_that_does_nothing_is_entered_too(
    run: Run, session: Session
):
    assert run("run", "flags").exit_code == 0

    assert [(row["acted_at"], row["done"]) for row in ledger(session)] == [(NOW, 0)]


def test_a_second_run_of_a_job_does_nothing_more(run: Run, rules: Rules, session: Session):
    watched(session, rules, "2026-11-20", "A")

    for _ in range(2):
        run("run", "flags")

    assert [row["done"] for row in ledger(session)] == [1, 0]


def test_a_job_that_fails_ends_with_one_line_and_is_entered(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: Context, _now: datetime) -> int:
        raise RuntimeError("no route\nto there")

    monkeypatch.setitem(TIMETABLE, "flags", Entry(fail, timedelta(minutes=1), "", ""))

    assert refused(run("run", "flags")) == "flags failed: RuntimeError: no route"
    assert [row["error"] for row in ledger(session)] == ["RuntimeError: no route"]


def test_a_job_that_is_interrupted_is_entered_as_such(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(_: Context, _now: datetime) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(TIMETABLE, "flags", Entry(interrupted, timedelta(minutes=1), "", ""))

    assert run("run", "flags").exit_code != 0

    (row,) = ledger(session)
    assert (row["error"], row["finished_at"]) == ("it was interrupted", NOW)


def test_a_name_nobody_knows_is_refused_with_those_there_are(run: Run, session: Session):
    line = refused(run("run", "flag"))

    assert line == f"there is no job flag; there are {', '.join(TIMETABLE)}"
    assert ledger(session) == []


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-11-23T07:05", "has no offset from UTC; write it as 2026-11-23T07:05+07:00"),
        ("2026-11-23", "has no offset"),
        ("soon", "is no moment"),
        ("2026-11-23T07:10:01+07:00", "has not come"),
    ],
)
def test_a_moment_that_is_none_or_has_not_come_is_refused(
    run: Run, session: Session, at: str, why: str
):
    assert why in refused(run("run", "flags", "--at", at))
    assert ledger(session) == []


def test_a_moment_that_has_not_come_is_for_a_trial(run: Run, rules: Rules, session: Session):
    watched(session, rules, "2026-12-25", "A")

    result = run("run", "flags", "--at", "2027-03-01T00:00+07:00", "--ahead")

    assert result.exit_code == 0, result.output
    assert len(session.execute(select(alert)).all()) == 1


def test_who_has_no_name_on_this_machine_is_a_number(monkeypatch: pytest.MonkeyPatch):
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(by_hand, "getuser", nameless)

    assert by_hand._who().startswith("uid ")  # noqa: SLF001


def fared(session: Session) -> None:
    job_runs.note(
        session,
        [
            Tick(LEADERSHIP, 5, NOW - timedelta(seconds=3)),
            Tick("flags", 60, NOW - timedelta(seconds=30), 0.25, runs=9),
            Tick(
                "roots", 600, NOW - timedelta(hours=2), 1.5, NOW, "HeldOpenError: x", 8, failures=2
            ),
        ],
    )
    job_runs.begin(session, "recompute", NOW - timedelta(minutes=4), NOW)
    session.commit()


def test_the_list_tells_how_each_job_has_fared(run: Run, session: Session):
    fared(session)

    result = run("list", "--json")

    told = json.loads(result.stdout)
    jobs = {one["name"]: one for one in told["jobs"]}
    assert list(jobs) == list(TIMETABLE)
    assert told["led_at"] == "2026-11-23T07:09:57+07:00"
    assert jobs["flags"] == {
        "name": "flags",
        "what": TIMETABLE["flags"].what,
        "every_seconds": 60,
        "last_success": "2026-11-23T07:09:30+07:00",
        "seconds": 0.25,
        "late": False,
        "last_failure": None,
        "error": None,
        "failing": False,
        "running_since": None,
        "runs": 9,
        "failures": 0,
    }
    assert (jobs["roots"]["late"], jobs["roots"]["failing"]) == (True, True)
    assert jobs["recompute"]["running_since"] == "2026-11-23T07:06:00+07:00"
    assert jobs["housekeeping"]["last_success"] is None


def test_the_list_can_be_read_by_a_person(run: Run, session: Session):
    empty = run("list").stdout
    fared(session)

    text = run("list").stdout

    assert "No scheduler leads" in empty
    assert "A scheduler leads" in text
    for name, entry in TIMETABLE.items():
        assert f"\n{name} " in f"\n{text}"
        assert entry.what in text
    assert "last success 2026-11-23T07:09:30+07:00, in 0.25 s\n" in text
    assert "in 1.50 s LATE\n" in text
    assert "last failure 2026-11-23T07:10:00+07:00: HeldOpenError: x\n" in text
    assert "runs since 2026-11-23T07:06:00+07:00\n" in text


def test_the_command_hands_on_to_the_jobs(engine: Engine, sessions: Sessions, tmp_path: Path):
    def dunghan(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", "jobs", *words],
            cwd=ROOT,
            env={
                "DUNGHAN_DATABASE_URL": engine.url.render_as_string(hide_password=False),
                "DUNGHAN_HOME": str(tmp_path),
                "LANG": "C.UTF-8",
                **more,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    ran = dunghan("run", "flags")
    listed = dunghan("list", "--json")
    wrong = dunghan("run", "nothing")
    helped = dunghan("--help")
    unset = dunghan("list", DUNGHAN_SILENCE_DAYS="none")

    assert ran.stdout.startswith("flags: 0 taken off"), ran.stderr
    assert [one["name"] for one in json.loads(listed.stdout)["jobs"]] == list(TIMETABLE)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("dunghan jobs: there is no job nothing; there are flags, ")
    assert wrong.stderr.count("\n") == 1
    assert "list" in helped.stdout
    assert unset.returncode == 1
    assert unset.stderr.startswith("dunghan jobs: setting ")
    assert unset.stderr.count("\n") == 1
    with sessions() as session:
        assert len(ledger(session)) == 1
