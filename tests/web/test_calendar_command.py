"""`dunghan calendar …`: what is proposed, taken over day by day, and confirmed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app import wallclock
from app.cli import app as cli
from app.cli import calendar
from app.db.engine import Sessions
from tests.web.test_api_calendars import day_of, due
from tests.web.wire import BRANCH, NOW, Api, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")
Run = Callable[..., Result]


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield SimpleNamespace(), sessions

    monkeypatch.setattr(calendar, "opened_database", opened)
    monkeypatch.setattr(wallclock, "now", lambda: NOW)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["calendar", *words])

    return invoke


def test_it_lists_what_is_proposed_and_warns_of_the_unconfirmed_year(run: Run):
    told = run("propose", "2027").output

    assert "01/01/2027" in told
    assert "not in the calendar" in told
    assert "From 2027-01-01 on nobody has confirmed the calendar." in told
    assert "not in the calendar" not in run("propose", "2026").output


def test_a_day_is_taken_over_with_its_source(run: Run, sender: Api):
    assert "Published version" in run("accept", "2027-01-01", "--source", "TB 1/TB-BNV").output

    held = day_of(sender, "2027-01-01")
    assert (held["name"], held["source"]) == ("Tết Dương lịch", "TB 1/TB-BNV")
    assert held["proposed_by"].startswith("holidays ")
    assert held["accepted_by"].startswith("command:")


def test_a_preview_says_what_would_move_and_publishes_nothing(run: Run, sender: Api):
    sender.put(record(1))
    words = [*("accept", "2026-11-26", "--kind", "off", "--name", "Bão")]
    words += ["--source", "CV 1", "--scope", BRANCH]

    told = run(*words, "--preview").output

    assert "Would move 1 of 1 open dossiers." in told
    assert "1 by +3 days" in told
    assert due(sender) == "2026-11-27"
    assert "1 moved" in run(*words).output
    assert due(sender) == "2026-11-30"
    assert "proposed_by" not in day_of(sender, "2026-11-26", BRANCH)


def test_a_year_is_confirmed(run: Run, sender: Api):
    told = run("confirm", "2027-12-31", "--preview").output
    assert "Would move 0" in told
    assert "Not taken over, so it will be a working day: 01/01/2027 Tết Dương lịch" in told
    assert sender.get("/v1/calendars/national")["confirmed_until"] == "2026-12-31"

    run("confirm", "2027-12-31")

    assert sender.get("/v1/calendars/national")["confirmed_until"] == "2027-12-31"
    assert "nobody has confirmed" not in run("propose", "2027").output
    assert "it is so already" in run("confirm", "2027-12-31").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("accept", "2027-01-04", "--source", "x"), "nothing is proposed for 2027-01-04"),
        (("accept", "2027-01-01", "--source", "x", "--kind", "maybe"), "--kind is off or work"),
        (("accept", "2027-01-01", "--source", "x", "--name", "x" * 201), "name: "),
        (
            ("accept", "2027-01-01", "--source", "x", "--scope", "H20.99"),
            "no office or branch H20.99",
        ),
        (("confirm", "2027-12-31", "--scope", "H20.99"), "no office or branch H20.99"),
        (("propose", "2027", "--scope", "H20.99"), "no office or branch H20.99"),
    ],
    ids=range(6),
)
def test_what_cannot_be_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    answer = run(*words)

    told = answer.stderr + capsys.readouterr().err
    assert answer.exit_code == 1
    assert told.startswith("dunghan: ")
    assert said in told
    assert told.count("\n") == 1


def test_a_confirmation_is_taken_back_only_if_that_is_said(run: Run, sender: Api):
    late = {"received_at": "2026-11-19T08:00:00+07:00", "updated_at": "2026-11-19T08:00:05+07:00"}
    sender.put(record(1, **late))
    refused = run("confirm", "2026-11-25")
    assert refused.exit_code == 1
    assert "it is confirmed until 2026-12-31 already" in refused.stderr

    told = run("confirm", "2026-11-25", "--earlier", "--preview").output

    assert "1 become provisional" in told
    run("confirm", "2026-11-25", "--earlier")
    assert sender.get("/v1/calendars/national")["confirmed_until"] == "2026-11-25"


def test_a_day_is_taken_back_and_other_hours_are_entered(run: Run, sender: Api):
    sender.put(record(1))
    words = ("accept", "2026-11-26", "--kind", "off", "--name", "Bão", "--source", "CV 1")
    run(*words, "--scope", BRANCH)
    assert due(sender) == "2026-11-30"

    assert "1 moved" in run("remove", "2026-11-26", "--scope", BRANCH).output

    assert due(sender) == "2026-11-27"
    short = ("--kind", "work", "--hours", "07:00-11:30", "--name", "Họp", "--source", "TB 3")
    run("accept", "2026-11-26", *short, "--scope", BRANCH)
    assert day_of(sender, "2026-11-26", BRANCH)["hours"] == [["07:00", "11:30"]]
    version = sender.get(f"/v1/calendars/{BRANCH}")["version"]
    assert sender.get(f"/v1/calendars/{BRANCH}", version=1)["days"][0]["name"] == "Bão"
    assert version == 3
