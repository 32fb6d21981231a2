"""A period is closed in a terminal, and read there, as over HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app import wallclock
from app.cli import app as cli
from app.cli import closing, verify
from app.db.engine import Sessions
from tests.web.test_closings import AFTER, FIRST, LATER, SINCE, taken
from tests.web.wire import BRANCH, OTHER, Api, Clock, code

Run = Callable[..., Result]


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield SimpleNamespace(silence_days=3, soon_days=2), sessions

    for module in (closing, verify):
        monkeypatch.setattr(module, "opened_database", opened)
    monkeypatch.setattr(wallclock, "now", lambda: clock.now)
    return lambda *words: CliRunner().invoke(cli, list(words))


@pytest.fixture
def closed(run: Run, sender: Api, clock: Clock) -> Result:
    clock.now = AFTER
    taken(sender, *FIRST.values())
    sender.http.post("/v1/heartbeat")
    return run("closing", "close", "2026-rq2")


def test_a_period_is_closed_and_its_hash_said(run: Run, closed: Result, sender: Api):
    (listed,) = sender.get("/v1/closings")["items"]

    assert closed.exit_code == 0, closed.output
    assert "2026-RQ2 is closed: 11 dossiers in hand, 9 of them open." in closed.output
    assert listed["hash"] in closed.output.replace("\n", "")
    assert listed["closed_by"].startswith("command:")
    assert json.loads(run("closing", "list", "--json").output) == [listed]
    assert "2026-RQ2" in run("closing", "list").output
    shown = json.loads(run("closing", "show", "2026-RQ2", "--json").output)
    assert shown == sender.get(f"/v1/closings/{listed['id']}")
    told = run("closing", "show", "2026-RQ2").output
    assert BRANCH in told
    assert OTHER in told


@pytest.mark.usefixtures("closed")
def test_corrections_are_those_of_the_api(run: Run, sender: Api, clock: Clock):
    clock.now = LATER
    taken(sender, *SINCE)

    told = json.loads(run("closing", "corrections", "2026-RQ2", "--json").output)

    assert told == sender.get("/v1/closings/1/corrections")["items"]
    assert len(told) == 9
    some = run("closing", "corrections", "2026-RQ2", "--limit", "2").output
    assert code(3) in some
    assert "2 and more." in some


@pytest.mark.usefixtures("closed")
def test_verify_looks_at_closed_periods(run: Run, sessions: Sessions):
    assert "Verified 1 closed periods." in run("verify").output
    with sessions.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE closing_dossier SET form = 1"))

    told = run("verify")

    assert told.exit_code == 1
    assert "H20.16 2026-RQ2: closing: its dossiers have the hash" in told.output
    fault, last = (json.loads(line) for line in run("verify", "--json").stdout.splitlines())
    assert (fault["closing"], last["closings"]) == ("H20.16 2026-RQ2", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("close", "2026-RQ9"), "2026-RQ9 is no period; write it as one of"),
        (("close", "2026-RQ2"), "period: 2026-RQ2 was closed on 2026-06-16"),
        (("close", "2026-RQ3"), "period: 2026-RQ3 ends on 2026-09-14; it can be closed from"),
        (("close", "2026-05", "--despite", "weather"), "is not one of"),
        (("show", "2026-RQ1"), "2026-RQ1 is not closed"),
        (("corrections", "2026-RQ1"), "2026-RQ1 is not closed"),
    ],
)
@pytest.mark.usefixtures("closed")
def test_what_cannot_be_done_is_said(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    answer = run("closing", *words)

    assert answer.exit_code
    assert said in " ".join((answer.output + capsys.readouterr().err).split())


def test_a_silent_branch_needs_a_word(run: Run, clock: Clock):
    clock.now = AFTER

    refused = run("closing", "close", "2026-RQ2")
    assert refused.exit_code == 1
    assert "despite: not heard of since 2026-06-14 was over" in refused.stderr
    assert run("closing", "close", "2026-RQ2", "--despite", "unheard").exit_code == 0
