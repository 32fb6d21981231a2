"""The page of the letters, and the forms on the page of a dossier."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from app.db.engine import Sessions
from app.service import access
from app.web.deps import COOKIE
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, Clock, code, finished, record

PASSWORD = "một hai ba bốn"  # noqa: S105 of an account that lives for one test
DRAFT = {"cause": "tax", "reason": "Thuế chưa ra thông báo", "promised_at": "2026-12-02T16:00"}


class Browser:
    """Somebody who has signed in."""

    def __init__(self, http: TestClient, csrf: str) -> None:
        self.http = http
        self.csrf = csrf

    def see(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **fields: object) -> tuple[int, str]:
        """Status, and where it leads or what it says."""
        answer = self.http.post(path, data={"csrf": self.csrf, **fields})
        return answer.status_code, answer.headers.get("location") or answer.text


@pytest.fixture
def person(app: FastAPI, sessions: Sessions) -> Callable[..., Browser]:
    def sign_in(role: str = "director", branches: list[str] | None = None) -> Browser:
        login = f"{role}-{len(branches or [])}"
        with sessions.begin() as session:
            access.add_user(
                session,
                login=login,
                name=login,
                email=None,
                role=role,
                office="H20.16",
                branches=branches,
                active=True,
                password=PASSWORD,
            )
            cookie = access.sign_in(session, login, PASSWORD, NOW, timedelta(days=99))
            csrf = session.scalar(text("SELECT csrf FROM session ORDER BY user_id DESC LIMIT 1"))
        browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        browser.cookies.set(COOKIE, cookie or "")
        return Browser(browser, csrf)

    return sign_in


def owing(page: str) -> list[str]:
    return re.findall(r'name="code" value="([^"]+)"', page)


def due(sender: Api, number: int, on: str) -> None:
    """A dossier of eight working days received on a day."""
    at = f"{on}T08:10:00+07:00"
    told = record(number, received_at=at, updated_at=at, promised_at=None)
    assert sender.put(told).status_code == 201


@pytest.fixture
def late(sender: Api) -> None:
    """On Friday the 20th: due on Monday, on Friday, last week, and one that ended."""
    due(sender, 1, "2026-11-11")  # due on Monday the 23rd: the letter must leave today
    due(sender, 2, "2026-11-16")  # in time
    due(sender, 3, "2026-11-02")  # overdue
    due(sender, 4, "2026-11-10")  # due today
    sender.put(finished(5, "2026-11-19"))


@pytest.mark.usefixtures("late")
def test_what_must_leave_today_is_listed_and_drafted_together(person: Callable[..., Browser]):
    browser = person(branches=[BRANCH])
    assert owing(browser.see("/letters")) == [code(1), code(4), code(3)]

    told = browser.post("/letters/draft", code=[code(1), code(3)], **DRAFT)

    assert told == (303, "/letters?done=2")
    page = browser.see("/letters?done=2")
    assert owing(page) == [code(4)]
    assert "01/PXL" in page
    assert "02/PXL" in page
    assert "Đã lập 2 phiếu" in page
    assert NAME not in page


@pytest.mark.usefixtures("late")
def test_one_that_cannot_be_drafted_is_named_and_the_others_are(person: Callable[..., Browser]):
    browser = person(branches=[BRANCH])

    status, page = browser.post("/letters/draft", code=[code(1), code(5), "<b>"], **DRAFT)

    assert status == 409
    assert "hồ sơ đã kết thúc" in page
    assert "&lt;b&gt;" in page
    assert "01/PXL" in page


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"promised_at": ""}, "hãy ghi ngày và giờ"),
        ({"promised_at": "0001-01-01T00:00"}, "hãy ghi ngày và giờ"),
        ({"promised_at": "2026-11-29T09:00"}, "không phải giờ làm việc"),
        ({"cause": "weather"}, "hãy chọn một nguyên nhân"),
        ({"reason": " "}, "bằng 3 đến 500 ký tự"),
    ],
)
def test_a_form_that_says_nothing_readable_is_told_so(
    person: Callable[..., Browser], wrong: dict[str, str], told: str
):
    browser = person(branches=[BRANCH])

    status, page = browser.post("/letters/draft", code=[code(1)], **(DRAFT | wrong))

    assert status in (409, 422)
    assert told in page
    assert owing(browser.see("/letters"))[0] == code(1)


@pytest.mark.usefixtures("late")
def test_the_ticked_are_printed_and_recorded_as_sent(person: Callable[..., Browser]):
    browser = person(branches=[BRANCH])
    browser.post("/letters/draft", code=[code(1), code(3)], **DRAFT)

    answer = browser.http.post("/letters/documents", data={"csrf": browser.csrf, "id": [1, 2]})
    with ZipFile(BytesIO(answer.content)) as opened:
        assert opened.namelist() == [f"{code(1)}.docx", f"{code(3)}.docx"]
    sent = browser.post("/letters/sent", id=[1, 2], sent_at="2026-11-20T10:00")
    assert sent == (303, "/letters")
    page = browser.see("/letters")
    assert "Mới gửi gần đây" in page
    assert "10:00 20/11/2026" in page
    status, page = browser.post("/letters/sent", id=[1], sent_at="2026-11-20T09:00")
    assert status == 409
    assert "phiếu đã gửi lúc 10:00 20/11/2026" in page
    assert browser.post("/letters/sent", id=[9], sent_at="2026-11-20T09:00")[0] == 404


@pytest.mark.usefixtures("late")
def test_a_draft_is_taken_back_with_a_reason(person: Callable[..., Browser]):
    browser = person(branches=[BRANCH])
    browser.post("/letters/draft", code=[code(1)], **DRAFT)

    assert browser.post("/letters/1/void", reason="")[0] == 422
    assert browser.post("/letters/1/void", reason="sai ngày hẹn") == (303, "/letters")
    assert owing(browser.see("/letters"))[0] == code(1)


@pytest.mark.usefixtures("late")
def test_on_its_page_a_dossier_gets_its_cause_and_its_letter(person: Callable[..., Browser]):
    browser = person(branches=[BRANCH])
    here = f"/dossiers/{code(3)}"
    assert 'action="/letters/draft"' in browser.see(here)

    told = browser.post(f"{here}/cause", cause="other", note="mất điện cả ngày")
    assert told == (303, f"{here}#lateness")
    told = browser.post("/letters/draft", code=[code(3)], alone="true", **DRAFT)
    assert told == (303, f"{here}#lateness")

    page = browser.see(here)
    assert "mất điện cả ngày" in page
    assert "Phiếu số 01/PXL" in page
    assert 'action="/letters/draft"' not in page
    status, page = browser.post("/letters/draft", code=[code(3)], alone="true", **DRAFT)
    assert status == 409
    assert "không quá một lần" in page
    for wrong in ({"cause": "other"}, {"cause": "x"}, {"cause": "tax", "note": "x" * 501}):
        assert browser.post(f"{here}/cause", **wrong)[0] == 422


@pytest.mark.usefixtures("late")
def test_nobody_records_for_another_branch_or_without_the_token(person: Callable[..., Browser]):
    stranger = person(branches=[OTHER])

    assert owing(stranger.see("/letters")) == []
    assert stranger.http.get(f"/letters?branch={BRANCH}").status_code == 404
    status, page = stranger.post("/letters/draft", code=[code(1)], **DRAFT)
    assert status == 409
    assert "không có hồ sơ" in page
    assert stranger.post(f"/dossiers/{code(1)}/cause", cause="tax")[0] == 404
    administrator = person("administrator")
    administrator.post("/letters/draft", code=[code(1)], **DRAFT)
    assert stranger.post("/letters/1/void", reason="để xem")[0] == 404
    assert stranger.post("/letters/sent", id=[1], sent_at="2026-11-20T10:00")[0] == 404
    assert stranger.post("/letters/documents", id=[1])[0] == 404
    for path in ("/letters/draft", "/letters/sent", "/letters/documents", "/letters/1/void"):
        fields = {"csrf": "x", "id": [1], "code": [code(3)], "reason": "để xem"}
        assert administrator.http.post(path, data=fields).status_code == 403
        assert administrator.http.get(path).headers["location"] == "/letters"


@pytest.mark.usefixtures("late")
def test_who_may_only_read_sees_no_form(
    person: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
):
    browser = person(branches=[BRANCH])
    reads = {role: frozenset({access.Right.READ}) for role in access.Role}
    monkeypatch.setattr(access, "_RIGHTS", reads)

    for path in ("/letters", f"/dossiers/{code(3)}"):
        page = browser.see(path)
        assert 'action="/letters/draft"' not in page or 'name="promised_at"' not in page
    for path, fields in (
        ("/letters/draft", DRAFT | {"code": code(1)}),
        ("/letters/sent", {"id": 1, "sent_at": "2026-11-20T10:00"}),
        ("/letters/1/void", {"reason": "để xem"}),
        (f"/dossiers/{code(1)}/cause", {"cause": "tax"}),
    ):
        assert browser.post(path, **fields)[0] == 403, path


def test_the_moment_offered_is_now_by_the_clock_of_viet_nam(
    person: Callable[..., Browser], sender: Api, clock: Clock
):
    due(sender, 1, "2026-11-11")
    browser = person(branches=[BRANCH])
    browser.post("/letters/draft", code=[code(1)], **DRAFT)

    assert f'value="{clock.now:%Y-%m-%dT%H:%M}"' in browser.see("/letters")
    assert 'value="2026-11-20T10:15"' in browser.see("/letters")
