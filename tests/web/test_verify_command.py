"""`dunghan verify`: what a person reads, what a script reads, and the status both go by."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app.cli import app as cli
from app.cli import verify
from app.db.engine import Sessions
from app.service.roots import seal
from tests.jobs.rows import vn
from tests.web.wire import Api, code, finished, record

Run = Callable[..., Result]
SEALED = vn("2026-11-21 05:00")


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield SimpleNamespace(), sessions

    monkeypatch.setattr(verify, "opened_database", opened)
    return lambda *words: CliRunner().invoke(cli, ["verify", *words])


@pytest.fixture
def forged(sessions: Sessions, sender: Api) -> None:
    """Two dossiers, the day sealed, and the first one's history changed by hand."""
    sender.batch([record(1), record(2)])
    sender.put(finished(1, "2026-11-18"))
    seal(sessions, SEALED)
    with sessions.begin() as session:
        session.execute(
            text("UPDATE revision SET by = 'x' WHERE code = :code AND revision_no = 2"),
            {"code": code(1)},
        )


def test_what_is_whole_is_said_in_a_few_words(run: Run, sender: Api, sessions: Sessions):
    sender.batch([record(1), record(2)])
    seal(sessions, SEALED)

    told = run()

    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "Verified 2 dossiers with 2 revisions.",
        "Verified 1 sealed days, up to 2026-11-20.",
        "Faults: 0.",
    ]


def test_nothing_stored_is_no_fault(run: Run):
    told = run()

    assert told.exit_code == 0
    assert "No day is sealed yet." in told.stdout


@pytest.mark.usefixtures("forged")
def test_a_fault_is_a_line_and_a_status(run: Run):
    told = run()

    assert told.exit_code == 1
    assert told.stdout.splitlines()[0] == (
        f"{code(1)} revision 2: head: its head is not made of what it says and of the revision "
        "before"
    )
    assert "Faults: 1." in told.stdout


@pytest.mark.usefixtures("forged")
def test_a_script_reads_a_line_of_json_a_fault_and_a_last_one(run: Run):
    told = run("--json")

    fault, last = (json.loads(line) for line in told.stdout.splitlines())
    assert (fault["what"], fault["code"], fault["revision_no"]) == ("head", code(1), 2)
    assert last == {
        "done": True, "faults": 1, "dossiers": 2, "revisions": 3,
        "waiting_for_recomputation": 0, "days": 1, "sealed_until": "2026-11-20",
        "closings": 0,
    }  # fmt: skip


@pytest.mark.usefixtures("forged")
def test_only_what_is_asked_for_is_verified(run: Run):
    other = run("--code", code(2).lower())
    assert other.exit_code == 0
    assert "Verified 1 dossiers with 1 revisions." in other.stdout
    assert "Sealed days were not looked at" in other.stdout

    assert run("--code", code(1), "--code", code(2)).exit_code == 1
    assert "there is no such dossier" in run("--code", code(9)).stdout
    assert "Verified 2 dossiers" in run("--sample", "100").stdout


@pytest.mark.usefixtures("forged")
def test_a_noted_root_is_held_against_the_one_kept(run: Run, sessions: Sessions):
    with sessions() as session:
        root = bytes(session.scalar(text("SELECT root FROM daily_root"))).hex()

    assert run("--code", code(2), "--root", f"2026-11-20={root}").exit_code == 0
    wrong = run("--code", code(2), "--root", f"2026-11-20={'0' * 64}")

    assert wrong.exit_code == 1
    assert wrong.stdout.startswith("day 2026-11-20: root: the root noted is 000000000000…")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--code", "x"), "--code: x is no dossier code"),
        (("--root", "x"), "--root: x is none; write it as"),
        (("--root", f"2026-02-30={'0' * 64}"), "--root: 2026-02-30="),
        (("--code", code(1), "--sample", "3"), "give --code or --sample, not both"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    answer = run(*words)

    told = answer.stderr + capsys.readouterr().err
    assert answer.exit_code == 1
    assert told.startswith("dunghan: ")
    assert said in told
