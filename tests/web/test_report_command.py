"""`dunghan report`: every report in a terminal and as a file, with the figures of the API."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from rich.console import Console
from typer.testing import CliRunner, Result

from app import wallclock
from app.cli import app as cli
from app.cli import report
from app.cli.deadline import Language
from app.db.engine import Sessions
from app.printed.speech import Speech
from app.printed.terminal import shown
from app.service.document import Row
from app.service.reporting import REPORTS
from app.service.rules import RuleBook
from tests.printed.documents import document, row
from tests.service.simulated import UNTIL, lines, send
from tests.web.wire import BRANCH, Api, Clock

Run = Callable[..., Result]
QUARTER = ("--period", "2026-RQ3")


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield SimpleNamespace(silence_days=3, soon_days=2), sessions

    monkeypatch.setattr(report, "opened_database", opened)
    monkeypatch.setattr(wallclock, "now", lambda: UNTIL)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["report", *words])

    return invoke


@pytest.fixture
def year(sessions: Sessions, book: RuleBook, clock: Clock, sender: Api) -> Api:
    """Whoever may see all, after a simulated year."""
    send(sessions, book, lines(300))
    clock.now = UNTIL
    return sender


@pytest.mark.parametrize("name", sorted(REPORTS))
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.usefixtures("year")
def test_every_report_is_printed_in_every_form(run: Run, name: str, language: str):
    asked = (name, "--lang", language, *QUARTER)

    table = run(*asked)
    told = json.loads(run(*asked, "--format", "json").stdout)
    rows = list(
        csv.reader(StringIO(run(*asked, "--format", "csv").stdout_bytes.decode("utf-8-sig")))
    )
    book = CalamineWorkbook.from_filelike(BytesIO(run(*asked, "--format", "xlsx").stdout_bytes))

    assert table.exit_code == 0, table.output
    assert told["report"] == name
    assert told["title"] in table.output
    assert told["unit"] in table.output
    assert len(rows) == 1 + len(told["rows"]) + bool(told["totals"])
    assert book.sheet_names
    for one in told["rows"]:
        for column in told["columns"]:
            if column["kind"] in ("text", "code") and one.get(column["key"]):
                assert one[column["key"]].split()[0] in table.output


def test_the_figures_are_those_of_the_api(run: Run, year: Api):
    address = "/v1/reports/ii-06a?period=2026-RQ3&format="
    for form in ("csv", "xlsx"):
        asked = run("ii-06a", *QUARTER, "--format", form)
        assert asked.stdout_bytes == year.http.get(address + form).content
    told = json.loads(run("ii-06a", *QUARTER, "--format", "json", "--lang", "en").stdout)
    assert told == year.get("/v1/reports/ii-06a", period="2026-RQ3")


def test_it_takes_a_branch_days_an_as_of_day_and_the_options_of_the_report(run: Run, year: Api):
    days = ("--from", "2026-02-01", "--to", "2026-04-30", "--as-of", "2026-03-31")
    besides = ("--with", "group_by=branch,month", "--with", "yardstick=form")

    asked = run("on-time", *days, *besides, "--branch", BRANCH, "--format", "csv")

    address = (
        f"/v1/reports/on-time?from=2026-02-01&to=2026-04-30&as_of=2026-03-31&branch={BRANCH}"
        "&group_by=branch,month&yardstick=form&format=csv"
    )
    assert asked.stdout_bytes == year.http.get(address).content
    assert asked.stdout.count(BRANCH) > 1


def test_the_default_period_is_that_of_the_api(run: Run, year: Api):
    for name in REPORTS:
        theirs = year.http.get(f"/v1/reports/{name}?format=csv").content
        assert run(name, "--format", "csv").stdout_bytes == theirs


@pytest.mark.usefixtures("year")
def test_the_ending_of_the_file_says_the_form(run: Run, tmp_path: Path):
    for ending, begins in (("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf"), ("json", b"{")):
        to = tmp_path / f"bao-cao.{ending}"
        asked = run("ii-06a", *QUARTER, "--output", str(to))
        assert (asked.exit_code, asked.output) == (0, "")
        assert to.read_bytes().startswith(begins)
    to = tmp_path / "bao-cao.txt"
    run("ii-06a", *QUARTER, "--output", str(to))
    assert to.read_text(encoding="utf-8") == run("ii-06a", *QUARTER).output


@pytest.mark.usefixtures("year")
def test_the_table_is_vietnamese_and_its_figures_stand_under_each_other(run: Run):
    told = run("ii-06a", *QUARTER).output

    for said in (
        "Tình hình, kết quả giải quyết thủ tục hành chính",
        "Văn phòng Đăng ký đất đai tỉnh Đồng Tháp · Quý III/2026",
        "(Từ ngày 15/06/2026 đến ngày 14/09/2026)",
        "Tính đến 23:59 14/09/2026.",
        "(13)",
    ):
        assert said in told, said
    english = ("Total", "Online", "Overdue", "Early", "period", "branch", "data")
    assert [word for word in english if word in told] == []
    figures = [line for line in told.splitlines() if re.match(r"│ ?\d", line)]
    assert len({tuple(at for at, sign in enumerate(line) if sign == "│") for line in figures}) == 1
    assert "…" not in told


# ------------------------------------------------------------------------------------ the terminal


def printed(*rows: Row, colour: bool = True, width: int = 200) -> str:
    text = StringIO()
    system: Any = "standard" if colour else None
    console = Console(file=text, force_terminal=True, width=width, color_system=system)
    for part in shown(document(*rows), Speech("en")):
        console.print(part)
    return text.getvalue()


def test_what_is_late_alone_has_a_colour():
    red = "\x1b[31m"

    assert re.findall(r"\x1b\[31m *(\d+)", printed(row(missed=7))) == ["7"]
    assert printed(row(missed=0)).count(red) == 0
    assert red not in printed(row(missed=7), colour=False)


def test_no_data_is_no_rate_and_nearly_all_is_not_all():
    assert "no data" in printed(row(rate=None))
    assert "99.9%" in printed(row(rate=0.99999))
    assert "100.0%" in printed(row(rate=1.0))
    assert "no data" in printed()


@pytest.mark.parametrize("name", ["[red]x[/red]", "\x1b[2Jx", "a\nb", "\x9b2Jx"])
def test_no_name_is_a_command_of_the_terminal(name: str):
    told = printed(row(name), colour=False)

    assert not re.search(r"\x1b(?!\[[0-9;]*m)|\x1b\[2J", told)  # but for bold and dim
    assert "\x9b" not in told
    if name.startswith("[red]"):
        assert name in told


def test_a_figure_is_never_cut_off():
    text = StringIO()
    console = Console(file=text, force_terminal=True, width=30, color_system=None)
    report._print(console, document(row(met=123_456_789)), Language.ENGLISH)  # noqa: SLF001

    assert "123,456,789" in text.getvalue()
    assert "…" not in text.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such",), "no report no-such; there is"),
        (("ii-06a", "--lang", "en", "--period", "2026-RQ9"), "period: write it as one of"),
        (("ii-06a", "--period", "2026-RQ3", "--from", "2026-01-01"), "period: "),
        (("ii-06a", "--from", "2026-03-01", "--to", "2026-02-01"), "to: "),
        (("ii-06a", *QUARTER, "--as-of", "2026-01-01"), "as_of: "),
        (("ii-06a", "--from", "2027-01-01", "--to", "2027-02-01"), "from: "),
        (("ii-06a", "--branch", "H20.99"), "H20.99"),
        (("ii-06a", "--office", "Z99"), "no office Z99"),
        (("ii-06a", "--with", "group_by=branch"), "this report knows per_branch"),
        (("ii-06a", "--with", "per_branch=maybe"), "maybe is no per_branch"),
        (("on-time", "--with", "group_by=colour"), "colour is no group_by"),
        (("on-time", "--with", "yardstick"), "nothing is no yardstick"),
        (("ii-06a", "--output", "/no/such/folder/x.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    answer = run(*words)

    told = answer.stderr + capsys.readouterr().err
    assert answer.exit_code == 1, answer.output
    assert told.startswith("dunghan: ")
    assert said in told
    assert told.count("\n") == 1
