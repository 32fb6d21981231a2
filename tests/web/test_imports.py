"""Files by the API, by the page and by the command."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.cli import app as command
from app.db.engine import Sessions
from app.db.tables import applicant, dossier, import_run, quarantine
from app.service import access
from app.service.access import Right
from app.settings import Settings
from app.web.deps import COOKIE
from tests.service.sheets import HEAD, NAME, code, csv_text, row, workbook
from tests.web.wire import NOW, OTHER, Api, Clock

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PASSWORD = "một hai ba bốn"  # noqa: S105 of an account that lives for one test
BAD = [row(1), row(2, Ngày_nhận="hôm qua"), row(3, Mã_hồ_sơ="")]


def send(api: Api, file: bytes, **how: Any) -> Any:  # noqa: ANN401 JSON
    answer = api.http.post("/v1/imports", content=file, params=how)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sheet(file: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def count(sessions: Sessions, table: Any) -> int:  # noqa: ANN401 a table
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# --------------------------------------------------------------------------------------------- API


def test_a_file_is_taken_in_and_answers_row_by_row(sender: Api):
    told = send(sender, workbook(BAD), name="so.xlsx")

    assert told["dry_run"] is False
    assert told["file"] == {"sheet": "Sheet1", "heading_row": 1, "rows": 3}
    assert told["counts"] == {
        "received": 3, "created": 1, "updated": 0, "unchanged": 0, "stale": 0, "quarantined": 2
    }  # fmt: skip
    assert told["columns"][4] == {
        "column": "E",
        "heading": "Ngày nhận",
        "field": "received_at",
        "remembered": False,
        "precision": "minute",
    }
    assert told["columns"][5]["precision"] == "day"
    assert [(one["line"], one["code"], one["field"]) for one in told["problems"]] == [
        (3, code(2), "received_at"),
        (4, None, "code"),
    ]
    assert "cell E3 (Ngày nhận) is no day" in told["problems"][0]["detail"]
    assert told["problems"][0]["column"] == "Ngày nhận"
    assert NAME not in json.dumps(told, ensure_ascii=False)


def test_a_form_does_as_well_as_a_body(sender: Api):
    form = {"file": ("so.csv", csv_text([row(1)]).encode(), "text/csv")}
    answer = sender.http.post("/v1/imports", files=form)

    assert answer.json()["counts"]["created"] == 1
    assert sender.get("/v1/imports")["items"][0]["file_name"] == "so.csv"


def test_a_dry_run_keeps_nothing(sender: Api, sessions: Sessions):
    told = send(sender, workbook(BAD), dry_run="true", as_of="2026-11-19")

    assert (told["id"], told["counts"]["created"]) == (None, 1)
    assert told["rows"][0]["record"]["updated_at"] == "2026-11-19T23:59:59+07:00"
    assert told["rows"][0]["without_hour"] == ["promised_at"]
    assert [count(sessions, table) for table in (dossier, quarantine, import_run)] == [0, 0, 0]
    assert sender.get("/v1/imports")["items"] == []


def test_rejects_go_round(sender: Api, clock: Clock):
    import_id = send(sender, workbook(BAD))["id"]
    assert sender.get(f"/v1/imports/{import_id}")["still_refused"] == 2

    answer = sender.http.get(f"/v1/imports/{import_id}/rejects", headers={"Accept-Language": "vi"})
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == f"attachment; filename=tu-choi-{import_id}.xlsx"
    head, first, second = sheet(answer.content)
    assert head[: len(HEAD)] == list(HEAD)
    assert first[-2].startswith("ô E3 (Ngày nhận) không phải là ngày")

    first[4], second[0] = "16/11/2026", code(3)
    clock.now = NOW + timedelta(minutes=5)
    told = send(sender, workbook([first, second], head))
    assert told["counts"]["created"] == 2
    assert sender.get(f"/v1/imports/{import_id}")["still_refused"] == 0
    assert sender.get("/v1/quarantine")["items"] == []


def test_a_refused_row_can_be_driven_again_by_the_quarantine(sender: Api):
    """Its cells stay behind: they are no part of the record."""
    send(sender, workbook([row(1, Ngày_kết_thúc_xử_lý="21/11/2026")]))
    (item,) = sender.get("/v1/quarantine")["items"]

    assert sender.http.post(f"/v1/quarantine/{item['id']}/retry").status_code == 422
    (item,) = sender.get("/v1/quarantine")["items"]
    assert "cells" not in json.dumps(item)
    record = item["record"] | {"finished_at": "2026-11-19T09:00:00+07:00"}
    answer = sender.http.post(f"/v1/quarantine/{item['id']}/retry", json=record)
    assert answer.json()["outcome"] == "created"


def test_columns_are_mapped_in_the_address(sender: Api):
    head = ["Vào sổ" if name == "Ngày nhận" else name for name in HEAD]
    file = workbook([row(1)], head)
    refused = sender.http.post("/v1/imports", content=file)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "received_at"

    assert send(sender, file, map="Vào sổ=received_at")["counts"]["created"] == 1
    again = send(sender, file)
    assert again["counts"]["unchanged"] == 1
    assert again["columns"][4]["remembered"] is True


@pytest.mark.parametrize(
    ("file", "how", "status", "told"),
    [
        (b"", {}, 422, "the file is empty"),
        (b"a,b,c\n1,2,3", {}, 422, "no headings were found"),
        (b"PK\3\4", {}, 422, "cannot be read"),
        (b"a" * (51 * 1024 * 1024), {}, 413, "at most 50 MiB"),
        (b"x", {"map": "không"}, 422, "Tên cột=field"),
        (b"x", {"as_of": "hôm qua"}, 422, "as_of"),
        (b"x", {"branch": "\0"}, 422, "branch"),
        (csv_text([row(1)]).encode(), {"branch": "H99"}, 422, "H99 is no branch"),
        (csv_text([row(1)]).encode(), {"encoding": "koi8"}, 422, "give one of"),
        (workbook([row(1)]), {"sheet": "Không"}, 422, "it has Sheet1"),
    ],
)
def test_what_cannot_be_read_is_a_problem(
    sender: Api, file: bytes, how: dict[str, str], status: int, told: str
):
    answer = sender.http.post("/v1/imports", content=file, params=how)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
        b"\xff",
    ],
)
def test_a_form_without_a_file_is_a_problem(sender: Api, body: bytes):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = sender.http.post("/v1/imports", content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_of_a_branch_only_its_own_files_are_seen(api: Callable[..., Api], sender: Api):
    branch = api("chi-nhanh", branches=[OTHER])
    mine = send(branch, workbook([row(1, Chi_nhánh="Khu vực I", Mã_hồ_sơ="x")]))["id"]
    theirs = send(sender, workbook(BAD))["id"]

    assert [one["id"] for one in branch.get("/v1/imports")["items"]] == [mine]
    assert [one["id"] for one in sender.get("/v1/imports")["items"]] == [theirs, mine]
    assert branch.http.get(f"/v1/imports/{theirs}/rejects").status_code == 404
    page = sender.get("/v1/imports", limit=1)
    assert [one["id"] for one in sender.get("/v1/imports", cursor=page["next"])["items"]] == [mine]


def test_who_only_reads_cannot_send_or_fetch_rows(api: Callable[..., Api], sender: Api):
    import_id = send(sender, workbook(BAD))["id"]
    reader = api("reader", rights=[Right.READ])

    assert reader.http.post("/v1/imports", content=workbook(BAD)).status_code == 403
    assert reader.get(f"/v1/imports/{import_id}")["still_refused"] == 2
    assert reader.http.get(f"/v1/imports/{import_id}/rejects").status_code == 403


# -------------------------------------------------------------------------------------------- page


class Clerk:
    """A person at the page."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def page(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/quarantine"))
        assert found is not None
        return found.group(1)

    def preview(self, file: bytes, name: str = "so.xlsx", **fields: str) -> Any:  # noqa: ANN401
        form = {"csrf": self.csrf()} | fields
        return self.http.post("/imports/preview", data=form, files={"file": (name, file)})

    def again(self, page: str, **fields: str) -> Any:  # noqa: ANN401 a response
        form = {"csrf": self.csrf(), "token": token(page)} | fields
        empty = {"file": ("", b"")}
        return self.http.post("/imports/preview", data=form, files=empty)

    def take(self, page: str) -> Any:  # noqa: ANN401 a response
        form = {"csrf": self.csrf(), "token": token(page)}
        return self.http.post("/imports/take", data=form)


def token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.fixture
def sign_in(app: FastAPI, sessions: Sessions) -> Callable[..., Clerk]:
    def enter(login: str, branches: list[str] | None = None) -> Clerk:
        with sessions.begin() as session:
            access.add_user(
                session,
                login=login,
                name=login,
                email=None,
                role="director" if branches else "administrator",
                office="H20.16",
                branches=branches,
                active=True,
                password=PASSWORD,
            )
            cookie = access.sign_in(session, login, PASSWORD, NOW, timedelta(hours=9))
        http = TestClient(app, follow_redirects=False)
        http.cookies.set(COOKIE, cookie or "")
        return Clerk(http)

    return enter


@pytest.fixture
def clerk(sign_in: Callable[..., Clerk]) -> Clerk:
    return sign_in("van-thu")


def test_a_clerk_goes_from_the_file_to_what_was_refused(
    clerk: Clerk, sessions: Sessions, clock: Clock
):
    assert "Chưa nhập tệp nào." in words(clerk.page("/imports"))

    seen = clerk.preview(workbook(BAD))
    assert seen.status_code == 200
    told = words(seen.text)
    assert "Xem trước khi nhập: so.xlsx" in told
    assert "3 dòng hồ sơ; tiêu đề ở dòng 1. Trang tính: Sheet1." in told
    assert "1 Mới" in told
    assert "2 Không nhập được" in told
    assert "ô E3 (Ngày nhận) không phải là ngày" in told
    assert NAME not in seen.text
    assert count(sessions, dossier) == 0

    done = clerk.take(seen.text)
    assert done.status_code == 303
    page = clerk.page(done.headers["location"])
    assert "Số dòng còn bị từ chối: 2" in words(page)
    rejects = clerk.http.get(f"{done.headers['location']}/rejects")
    head, first, second = sheet(rejects.content)
    first[4], second[0] = "16/11/2026", code(3)

    clock.now = NOW + timedelta(minutes=9)
    done = clerk.take(clerk.preview(workbook([first, second], head), "sua.xlsx").text)
    assert "2 Mới" in words(clerk.page(done.headers["location"]))
    first_run = words(clerk.page(done.headers["location"].replace("2", "1")))
    assert (
        "Không còn dòng nào của tệp này chờ sửa: đã được sửa, bỏ, hoặc gửi lại trong tệp mới hơn."
        in first_run
    )
    assert count(sessions, dossier) == 3
    with sessions() as session:
        left = select(func.count()).where(applicant.c.subject.like("import/%"))
        assert session.scalar(left) == 0
        assert session.scalar(select(quarantine.c.id).where(quarantine.c.state == "open")) is None


def test_a_column_nobody_knows_is_mapped_on_the_page(clerk: Clerk, sessions: Sessions):
    head = [*HEAD, "Ngày vào mạng"]
    seen = clerk.preview(workbook([[*row(1), "15/11/2026"]], head)).text
    assert "chưa biết" in seen

    again = clerk.again(seen, **{"map:Ngày vào mạng": "submitted_at"}).text
    assert re.search(r'value="submitted_at" selected', again)
    clerk.take(again)

    with sessions() as session:
        assert session.scalar(select(dossier.c.submitted_at)) is not None
    assert "như bạn đã chọn trước đây" in clerk.preview(workbook([row(2)], head)).text


def test_what_cannot_be_read_is_said_on_the_page(clerk: Clerk):
    answer = clerk.preview(b"a,b\n1,2", "x.csv")

    assert answer.status_code == 422
    assert "Không thấy dòng tiêu đề trong 40 dòng đầu" in words(answer.text)
    assert clerk.preview(b"x" * (21 * 1024 * 1024), "x.csv").status_code == 413
    assert clerk.preview(workbook([row(1)]), as_of="hôm qua").status_code == 422


def test_only_who_may_send_sees_the_page(sign_in: Callable[..., Clerk]):
    director = sign_in("gd", ["H20.16.03"])

    assert director.http.get("/imports").status_code == 403
    assert "/imports" not in director.page("/")
    assert director.preview(workbook([row(1)])).status_code == 403


def test_a_form_of_another_page_is_refused(clerk: Clerk, sessions: Sessions):
    for path in ("/imports/preview", "/imports/take"):
        answer = clerk.http.post(
            path, data={"csrf": "x"}, files={"file": ("a.xlsx", workbook([row(1)]))}
        )
        assert answer.status_code == 403
    assert count(sessions, applicant) == 0


def test_a_waiting_file_is_its_senders_alone_and_does_not_wait_for_ever(
    clerk: Clerk, sign_in: Callable[..., Clerk], clock: Clock, sessions: Sessions
):
    seen = clerk.preview(workbook([row(1)])).text
    other = sign_in("khac")

    assert other.take(seen).status_code == 404
    clock.now = NOW + timedelta(hours=8)
    clerk.preview(workbook([row(2)]))
    assert count(sessions, applicant) == 2
    clock.now = NOW + timedelta(hours=33)
    with sessions.begin() as session:
        cookie = access.sign_in(session, "van-thu", PASSWORD, clock.now, timedelta(hours=9))
    clerk.http.cookies.set(COOKIE, cookie or "")
    clerk.preview(workbook([row(3)]))
    assert count(sessions, applicant) == 1
    assert clerk.take(seen).status_code == 404


def test_a_file_is_taken_in_once_however_often_the_button_is_pressed(
    clerk: Clerk, sessions: Sessions
):
    seen = clerk.preview(workbook([row(1)])).text

    assert [clerk.take(seen).status_code for _ in range(2)] == [303, 404]
    assert count(sessions, import_run) == 1


def test_the_pages_bring_no_script_and_are_kept_by_nobody(clerk: Clerk):
    seen = clerk.preview(workbook([row(1)], before=[["<script>"]]))
    for answer in (seen, clerk.http.get("/imports")):
        assert answer.headers["cache-control"] == "private, no-store"
        assert not re.search(r"<script|<style| style=| on\w+=", answer.text)


@pytest.mark.parametrize(
    "path", ["/imports/0", "/imports/99", "/imports/" + "9" * 20, "/imports/x"]
)
def test_an_odd_address_is_a_page(clerk: Clerk, path: str):
    answer = clerk.http.get(path)

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"].startswith("text/html")


# ------------------------------------------------------------------------------------------ command


@pytest.fixture
def terminal(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """The command on the database of the tests, at their moment."""
    settings = Settings(home=tmp_path, database_url=None)

    @contextmanager
    def opened() -> Iterator[tuple[Settings, Sessions]]:
        yield settings, sessions

    monkeypatch.setattr("app.cli.imports.opened_database", opened)
    monkeypatch.setattr("app.cli.imports.wallclock.now", lambda: NOW)

    def run(file: bytes, *more: str, name: str = "so.xlsx") -> Any:  # noqa: ANN401 a result
        path = tmp_path / name
        path.write_bytes(file)
        given = ["import", str(path), "--source", "excel", "--office", "H20.16", *more]
        return CliRunner().invoke(command, given)

    return run


def test_the_command_takes_a_file_in(terminal: Callable[..., Any], sessions: Sessions):
    done = terminal(workbook([row(1), row(2)]))

    assert done.exit_code == 0
    assert "Import 1: 2 rows: created 2, updated 0" in done.stdout
    assert count(sessions, dossier) == 2
    with sessions() as session:
        assert str(session.scalar(select(import_run.c.by))).startswith("command:")


def test_the_command_ends_with_3_where_rows_were_refused(
    terminal: Callable[..., Any], tmp_path: Path, sessions: Sessions
):
    to = tmp_path / "sua.xlsx"
    done = terminal(workbook(BAD), "--rejects", str(to))

    assert done.exit_code == 3
    assert f"row 3 {code(2)}: ô E3 (Ngày nhận) không phải là ngày" in done.stdout
    assert NAME not in done.output
    head, first, second = sheet(to.read_bytes())
    first[4], second[0] = "16/11/2026", code(3)
    again = terminal(workbook([first, second], head))
    assert (again.exit_code, count(sessions, dossier)) == (0, 3)


def test_the_command_previews(terminal: Callable[..., Any], sessions: Sessions):
    done = terminal(
        csv_text([row(1)]).encode(), "--dry-run", "--json", "--as-of", "2026-11-19", name="a.csv"
    )

    told = json.loads(done.stdout)
    assert (done.exit_code, told["dry_run"], told["counts"]["created"]) == (0, True, 1)
    assert told["rows"][0]["record"]["updated_at"] == "2026-11-19T23:59:59+07:00"
    assert count(sessions, dossier) == 0


@pytest.mark.parametrize(
    ("file", "more", "told"),
    [
        (b"a,b\n1,2", [], "không thấy dòng tiêu đề"),
        (b"a,b", ["--map", "x"], "Tên cột=field"),
        (b"a,b", ["--dry-run", "--rejects", "x.xlsx"], "leave out --dry-run"),
        (b"a,b", ["--office", "H99"], "no office H99"),
        (b"a,b", ["--source", " "], "--source"),
    ],
)
def test_the_command_says_in_a_line_what_it_cannot_do(
    terminal: Callable[..., Any], file: bytes, more: list[str], told: str
):
    done = terminal(file, *more)

    assert done.exit_code == 1
    assert told in done.output
    assert "Traceback" not in done.output
