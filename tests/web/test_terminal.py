"""The calculator in a terminal: the very answer of the API, and Vietnamese to its last word."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app import wallclock
from app.cli import app as cli
from app.cli import deadline
from app.db.engine import Sessions
from tests.web.wire import BRANCH, NOW, Api

RECEIVED = "2026-10-05T07:00"
ASKED = ("1.013831", "--case", "default", "--branch", BRANCH, "--received", RECEIVED)
TAX = ("--suspend", "financial_obligation 2026-10-12T16:00 2026-11-19T09:00")
Run = Callable[..., Result]


@pytest.fixture
def run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[tuple[Any, Sessions]]:
        yield SimpleNamespace(), sessions

    monkeypatch.setattr(deadline, "opened_database", opened)
    monkeypatch.setattr(wallclock, "now", lambda: NOW)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["deadline", *words])

    return invoke


def test_it_prints_the_very_answer_of_the_api(run: Run, sender: Api):
    body = {
        "procedure": "1.013831",
        "case": "default",
        "branch": BRANCH,
        "received_at": f"{RECEIVED}:00+07:00",
        "suspensions": [
            {
                "reason": "financial_obligation",
                "from": "2026-10-12T16:00:00+07:00",
                "until": "2026-11-19T09:00:00+07:00",
            }
        ],
    }

    told = json.loads(run(*ASKED, *TAX, "--language", "en", "--json").output)

    assert told == sender.http.post("/v1/deadlines", json=body).json()
    assert told["due_on"] == "2026-11-25"


def test_the_explanation_is_vietnamese_to_its_last_word(run: Run):
    told = run(*ASKED, *TAX).output

    for said in (
        "Hạn trả: thứ Tư 25/11/2026",
        "Hẹn lần 1: 5 ngày làm việc; thứ Hai 12/10/2026",
        "Tổng thời hạn là 8 ngày làm việc.",
        "Căn cứ: Điều 30.1 QĐ 138/2025/QĐ-UBND Đồng Tháp.",
        "đã công bố đến 31/12/2026",
        "Chi nhánh Văn phòng đăng ký đất đai: 36 giờ làm việc",
        "Bộ phận Một cửa: 4 giờ làm việc; không tính cho chi nhánh",
        "Thời gian ở cơ quan thuế: 16:00 12/10/2026 – 09:00 19/11/2026; 28 ngày làm việc",
    ):
        assert said in told, said
    assert "Giữa hai lần hẹn" in told
    assert re.search(r"13/10/2026  chờ thực hiện nghĩa vụ tài chính", told)
    assert re.search(r"^ +3  thứ Tư +25/11/2026  ngày làm việc", told, re.MULTILINE)
    assert re.search(r"thứ Ba +24/11/2026 .*Ngày Văn hóa Việt Nam", told)
    english = ("Due", "Ground", "working", "day ", "Source", "Doubt", "not ", "the ", "resume")
    assert [word for word in english if word in told] == []


def test_the_hour_convention_is_told_where_its_date_differs(run: Run):
    plain = run("1.012790", "--received", "2026-11-16T07:00").output

    assert "Phần mềm tính mỗi ngày làm việc là 8 giờ kể từ lúc nhận sẽ hiện 17:00" in plain
    assert "8 giờ kể từ" not in run("1.012790", "--received", "2026-11-16T08:00").output


def test_the_command_tells_source_and_doubt_too(run: Run):
    asked = ("1.012790.H19", "--received", "2024-08-01T09:00", "--language", "en")

    shown = " ".join(run(*asked).output.split())

    assert "Due: Thursday 15/08/2024" in shown
    assert "Source: collected table of time limits under NĐ 101/2024" in shown
    assert "The figure has not been checked against the published text." in shown
    assert "that this code was in use from 2024-08-01 to 2025-06-30 is not confirmed" in shown
    assert "the count starts again" in shown


def test_a_mortgage_shows_how_far_it_may_be_extended(run: Run):
    told = run("1.011441", "--received", "2026-04-29T15:20").output

    assert "Hạn trả: thứ Hai 04/05/2026" in told
    assert "Phải xong trong ngày làm việc nhận hồ sơ; nhận sau 15:00" in told
    assert "được kéo dài đến 3 ngày làm việc kể từ ngày nhận: đến thứ Tư 06/05/2026" in told
    assert re.search(r"30/04/2026  ngày nghỉ: Ngày Chiến thắng", told)
    assert "0 ngày làm việc" not in told


def test_a_day_of_no_published_calendar_is_marked(run: Run):
    told = run("1.012790", "--received", "2026-12-29T09:00").output

    assert re.search(r"04/01/2027 .*\(lịch chưa được công bố\)", told)
    assert not re.search(r"30/12/2026 .*\(lịch", told)


def test_an_open_suspension_has_no_due_date(run: Run):
    told = run("1.012790", "--received", RECEIVED, "--suspend", "supplement 2026-10-06T08:00")

    assert "Hạn trả: –" in told.output
    assert "chưa" in told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1.012790", "--received", RECEIVED, "--branch", "H20.99"), "no branch H20.99"),
        (("9.999999", "--received", RECEIVED), "procedure: 9.999999"),
        (("1.012790", "--received", "1800-01-01"), "received_at: "),
        (("1.012790", "--received", RECEIVED, "--suspend", "supplement"), "--suspend"),
        (("1.012790", "--received", RECEIVED, "--suspend", "supplement x"), "x is not a time"),
        (("1.012790", "--received", RECEIVED, "--suspend", "lunch 2026-10-06"), "suspensions.0"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    answer = run(*words)

    told = answer.stderr + capsys.readouterr().err
    assert answer.exit_code == 1
    assert told.startswith("dunghan: ")
    assert said in told
    assert told.count("\n") == 1
