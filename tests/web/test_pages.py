"""The pages, as a browser meets them, on a real database."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.db import feeds
from app.db.access import put_source, put_user
from app.db.engine import Sessions
from app.main import build
from app.printed.speech import Speech
from app.service.intake import take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import RuleBook
from app.settings import Settings
from app.web.deps import COOKIE, moment
from app.web.pages.shell import local

NOW = datetime.fromisoformat("2026-11-23T07:30:00+07:00")  # a Monday; Tuesday is a holiday
OFFICE, MINE, OTHER, EMPTY = "H20.16", "H20.16.03", "H20.16.04", "H20.16.05"
LATE = "H20.16.03-261102-0001"
PASSWORD = "một hai ba bốn"  # noqa: S105 of accounts that live for one test
NAME = "<script>alert('Nguyễn Văn Ẩn')</script>"


def record(code: str, **more: object) -> dict[str, Any]:
    """A mortgage registration, received on 2 November, due in 3 working days, on the 5th."""
    return {
        "code": code,
        "procedure": "1.012766",
        "branch": code[:9],
        "channel": "counter",
        "applicant": {"kind": "citizen", "name": NAME},
        "status": 4,
        "received_at": "2026-11-02T08:10:00+07:00",
        "promised_at": "2026-11-30T17:00:00+07:00",
        "updated_at": "2026-11-02T08:10:05+07:00",
        **more,
    }


def done(code: str, **more: object) -> dict[str, Any]:
    return record(
        code, status=9, finished_at="2026-11-02T15:00:00+07:00",
        ended_at="2026-11-02T15:00:00+07:00", updated_at="2026-11-02T15:00:00+07:00",
    ) | more  # fmt: skip


@cache
def hashed() -> str:
    """The hash of the one password; slow on purpose, so it is made once."""
    return PasswordHasher().hash(PASSWORD)


def account(session: Session, login: str, **more: Any) -> None:  # noqa: ANN401 columns
    put_user(
        session, login=login, name=f"Bà {login}", password_hash=hashed(), office=OFFICE, **more
    )


@pytest.fixture
def send(sessions: Sessions, book: RuleBook) -> Callable[..., list[Outcome]]:
    """Take records in, and hear every branch of them until now."""

    def take(*records: Mapping[str, Any]) -> list[Outcome]:
        lines = [Line(at, msgspec.json.encode(one)) for at, one in enumerate(records, start=1)]
        with sessions.begin() as session:
            put_source(session, "mot-cua", "One-stop shop")
            branches = book.in_force(session).branches
            who = Caller("mot-cua", "client:test", OFFICE, frozenset(branches))
            outcomes = take_in(session, lines, who, book, NOW)
            feeds.hear(session, "mot-cua", {MINE: NOW, OTHER: NOW - timedelta(days=30)})
        return outcomes

    return take


@pytest.fixture
def browser(engine: Engine, sessions: Sessions) -> TestClient:
    app = build(Settings(database_url=None), engine)
    app.dependency_overrides[moment] = lambda: NOW
    with sessions.begin() as session:
        account(session, "gd", role="director", branches=[MINE])
        account(session, "qt", role="administrator", branches=None)
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def director(browser: TestClient) -> TestClient:
    answer = browser.post("/sign-in", data={"login": "gd", "password": PASSWORD})
    assert answer.status_code == 303
    return browser


@pytest.fixture
def administrator(browser: TestClient) -> TestClient:
    answer = browser.post("/sign-in", data={"login": "qt", "password": PASSWORD})
    assert answer.status_code == 303
    return browser


@pytest.mark.parametrize(
    "path",
    ["/", f"/branches/{MINE}", f"/dossiers/{LATE}", "/quarantine?after=3", "/dossiers?code=x"],
)
def test_a_stranger_is_sent_to_the_sign_in_and_back(browser: TestClient, path: str):
    answer = browser.get(path)

    assert answer.status_code == 303
    sent = answer.headers["location"]
    assert sent.startswith("/sign-in?next=")
    assert browser.get(sent).text.count(f'name="next" value="{path}"') == 1


def test_a_sign_in_leads_on_with_a_cookie_no_script_can_read(browser: TestClient):
    answer = browser.post(
        "/sign-in", data={"login": "gd", "password": PASSWORD, "next": f"/branches/{MINE}"}
    )

    assert (answer.status_code, answer.headers["location"]) == (303, f"/branches/{MINE}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert browser.get("/").status_code == 200


@pytest.mark.usefixtures("browser")
def test_the_cookie_is_secure_where_the_pages_are(engine: Engine):
    app = build(Settings(public_url="https://dunghan.example.vn"), engine)
    app.dependency_overrides[moment] = lambda: NOW

    answer = TestClient(app, follow_redirects=False).post(
        "/sign-in", data={"login": "gd", "password": PASSWORD}
    )

    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("login", "password"), [("gd", "sai rồi"), ("ai đó", PASSWORD), ("", ""), ("g\0d", PASSWORD)]
)
def test_a_wrong_sign_in_does_not_say_what_was_wrong(
    browser: TestClient, login: str, password: str
):
    answer = browser.post("/sign-in", data={"login": login, "password": password})

    assert answer.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")
    assert password not in answer.text or not password


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_another_site_cannot_sign_its_visitor_in(browser: TestClient, headers: dict[str, str]):
    answer = browser.post("/sign-in", data={"login": "gd", "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "evil", "",
     "javascript:alert(1)", "/\n/evil.example"],
)  # fmt: skip
def test_the_sign_in_never_leads_off_the_site(browser: TestClient, target: str):
    answer = browser.post("/sign-in", data={"login": "gd", "password": PASSWORD, "next": target})

    assert answer.headers["location"] == "/"


def test_a_local_target_is_kept_whole():
    assert local("/branches/H20.16.03?list=open&cursor=a%2Fb") == (
        "/branches/H20.16.03?list=open&cursor=a%2Fb"
    )


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_signing_out_needs_the_token_of_the_page(director: TestClient, token: str | None):
    answer = director.post("/sign-out", data={} if token is None else {"csrf": token})

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert director.get("/").status_code == 200


def test_signing_out_ends_the_session_in_the_database(director: TestClient):
    cookie = director.cookies[COOKIE]
    found = re.search(r'name="csrf" value="([^"]+)"', director.get("/").text)
    assert found is not None

    answer = director.post("/sign-out", data={"csrf": found.group(1)})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    director.cookies.set(COOKIE, cookie)
    assert director.get("/").status_code == 303


def test_a_sign_in_ends_after_its_hours(director: TestClient):
    later = NOW + timedelta(hours=Settings().session_hours, seconds=1)
    director.app.dependency_overrides[moment] = lambda: later  # type: ignore[attr-defined]

    assert director.get("/").status_code == 303


def test_a_director_sees_only_the_own_branch(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE), record("H20.16.04-261102-0001"))

    front = director.get("/").text
    assert f"/branches/{MINE}" in front
    assert OTHER not in front
    assert director.get(f"/branches/{MINE}").status_code == 200
    assert director.get(f"/dossiers/{LATE}").status_code == 200
    for path in (f"/branches/{OTHER}", "/branches/X", "/dossiers/H20.16.04-261102-0001",
                 "/dossiers/x", "/dossiers?code=%20", f"/quarantine?branch={OTHER}"):  # fmt: skip
        answer = director.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html")
        assert "Về trang việc hôm nay" in answer.text


def test_an_administrator_sees_every_branch_and_their_sum(
    administrator: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE), record("H20.16.04-261102-0001"), done("H20.16.03-261102-0002"))

    front = administrator.get("/").text
    assert all(f"/branches/H20.16.{number:02}" in front for number in range(1, 11))
    assert re.search(r'<li class="tile late">\s*<b>2</b> <span>quá hạn</span>', front)
    assert "Tất cả chi nhánh" in front


def test_a_branch_without_data_has_no_rate(administrator: TestClient):
    front = administrator.get("/").text

    assert "chưa có số liệu" in front
    assert "%" not in re.sub(r"<[^>]*>", "", front)


def test_a_rate_stands_with_its_fraction(director: TestClient, send: Callable[..., list[Outcome]]):
    late = {"finished_at": "2026-11-20T15:00:00+07:00", "ended_at": "2026-11-20T15:00:00+07:00",
            "updated_at": "2026-11-20T15:00:00+07:00"}  # fmt: skip
    outcomes = send(
        done("H20.16.03-261102-0002"), done("H20.16.03-261102-0003"),
        done("H20.16.03-261102-0004", **late),
    )  # fmt: skip
    assert {one.outcome for one in outcomes} == {"created"}

    front = director.get("/").text

    assert (
        front.count("<b>66,6%</b></a> <small>2/3</small>") == 2
    )  # month and year; never rounded up


def test_a_silent_branch_is_flagged(administrator: TestClient, send: Callable[..., list[Outcome]]):
    send(record(LATE))

    front = administrator.get("/").text

    assert "chưa gửi dữ liệu 21 ngày làm việc" in front
    assert "dữ liệu đến 07:30 24/10/2026" in front


def test_an_overdue_row_leads_to_its_explanation(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE))

    front = director.get("/").text
    assert f'href="/branches/{MINE}?list=overdue"' in front
    listed = director.get(f"/branches/{MINE}").text
    assert f'<a href="/dossiers/{LATE}#due">{LATE}</a>' in listed
    assert '<span class="state late">Quá hạn</span>' in listed
    assert "Thứ Năm 05/11/2026" in listed
    assert "Trễ 12 ngày làm việc" in listed
    assert "hẹn trả 30/11/2026" in listed
    explained = director.get(f"/dossiers/{LATE}").text
    assert "Hạn trả: thứ Năm 05/11/2026" in explained
    assert "3 ngày làm việc, kể từ ngày sau ngày nhận thứ Hai 02/11/2026." in explained
    assert "Căn cứ: " in explained
    assert "Thứ Hai 02/11/2026" in explained


def test_lists_name_no_citizen(director: TestClient, send: Callable[..., list[Outcome]]):
    bad = record("H20.16.03-261102-0009") | {"promised_at": "2001-01-01T00:00:00+07:00"}
    assert [one.outcome for one in send(record(LATE), bad)] == ["created", "quarantined"]

    for path in ("/", f"/branches/{MINE}", f"/branches/{MINE}?list=open", "/quarantine"):
        page = director.get(path).text
        assert "Nguyễn Văn Ẩn" not in page, path
    page = director.get("/quarantine").text
    assert "H20.16.03-261102-0009" in page
    assert "ngày hẹn trả" in page.lower()


def test_a_hostile_name_stays_text(director: TestClient, send: Callable[..., list[Outcome]]):
    send(record(LATE))

    page = director.get(f"/dossiers/{LATE}").text

    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;Nguyễn Văn Ẩn&#39;)&lt;/script&gt;" in page


def test_what_is_typed_stays_text(director: TestClient):
    for path in ("/dossiers/%3Cscript%3E", "/dossiers?code=%3Cscript%3E", "/branches/%3Cscript%3E"):
        page = director.get(path)
        assert page.status_code == 404
        assert "<script" not in page.text
    wrong = director.post("/sign-in", data={"login": '"><script>', "password": "x"})
    assert "<script" not in wrong.text


def test_a_list_is_read_page_by_page(director: TestClient, send: Callable[..., list[Outcome]]):
    send(*(record(f"H20.16.03-261102-{number:04}") for number in range(1, 61)))

    seen: list[str] = []
    path = f"/branches/{MINE}"
    for _ in range(2):
        page = director.get(path).text
        seen += re.findall(r'href="/dossiers/([^"#]+)#due"', page)
        more = re.search(r'href="(\?list=overdue&amp;cursor=[^"]+)"', page)
        path = f"/branches/{MINE}" + more.group(1).replace("&amp;", "&") if more else ""

    assert len(seen) == len(set(seen)) == 60
    assert path == ""


@pytest.mark.parametrize("query", ["list=everything", "cursor=%00", "list=open&cursor=abc"])
def test_an_odd_address_is_a_page_and_no_crash(director: TestClient, query: str):
    answer = director.get(f"/branches/{MINE}?{query}")

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"].startswith("text/html")


def test_every_list_opens(director: TestClient, send: Callable[..., list[Outcome]]):
    send(record(LATE), done("H20.16.03-261102-0002"))

    page = director.get(f"/branches/{MINE}").text
    tabs = re.findall(r'href="(\?list=\w+)"', page)

    assert len(tabs) == 8
    assert all(director.get(f"/branches/{MINE}{tab}").status_code == 200 for tab in tabs)


def test_the_language_is_switched_and_remembered(director: TestClient):
    assert '<html lang="vi">' in director.get("/").text

    english = director.get("/?lang=en")
    assert '<html lang="en">' in english.text
    assert "dunghan_language=en" in english.headers["set-cookie"]
    assert "Work of today" in director.get("/").text

    assert '<html lang="vi">' in director.get("/?lang=vi").text
    assert "Việc hôm nay" in director.get("/?lang=klingon").text


def test_the_account_says_the_language_where_the_browser_does_not(
    browser: TestClient, sessions: Sessions
):
    with sessions.begin() as session:
        account(session, "en", role="director", branches=[MINE], language="en")
    browser.post("/sign-in", data={"login": "en", "password": PASSWORD})

    assert '<html lang="en">' in browser.get("/").text


def test_a_page_is_kept_by_nobody_and_brings_no_script(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE))

    for path in ("/", f"/branches/{MINE}", f"/dossiers/{LATE}", "/quarantine"):
        answer = director.get(path)
        assert answer.headers["cache-control"] == "private, no-store"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script|<style| style=| on\w+=", answer.text)
        addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert all(one.startswith(("/", "?", "#")) for one in addresses), addresses
        for one in addresses:
            if one.startswith("/static/"):
                assert director.get(one).status_code == 200


def test_the_front_page_costs_the_same_for_one_branch_and_for_ten(
    browser: TestClient, send: Callable[..., list[Outcome]], statements: list[str]
):
    send(record(LATE), record("H20.16.04-261102-0001"), done("H20.16.05-261102-0001"))
    counted = []
    for login in ("gd", "qt"):
        browser.post("/sign-in", data={"login": login, "password": PASSWORD})
        browser.get("/")  # the rules are read once
        statements.clear()
        assert browser.get("/").status_code == 200
        counted.append(len(statements))

    assert counted[0] == counted[1] <= 14


def test_a_list_and_a_dossier_cost_few_statements(
    director: TestClient, send: Callable[..., list[Outcome]], statements: list[str]
):
    send(*(record(f"H20.16.03-261102-{number:04}") for number in range(1, 31)))
    for path, most in ((f"/branches/{MINE}", 6), (f"/dossiers/{LATE}", 12)):
        director.get(path)
        statements.clear()
        assert director.get(path).status_code == 200
        assert len(statements) <= most, statements


def test_a_provisional_date_says_so(director: TestClient, send: Callable[..., list[Outcome]]):
    far = record("H20.16.03-261120-0001", procedure="1.013967",
                 received_at="2026-11-20T08:00:00+07:00", promised_at=None,
                 updated_at="2026-11-20T08:00:05+07:00")  # fmt: skip
    assert send(far)[0].outcome == "created"

    page = director.get("/dossiers/H20.16.03-261120-0001").text

    assert re.search(r"Hạn trả: [^<]*2027", page)
    assert "Tạm tính: lịch làm việc mới được công bố chính thức đến 31/12/2026" in page


def test_an_unknown_procedure_is_told_to_have_no_due_date(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE, procedure="9.999999", promised_at=None))

    page = director.get(f"/dossiers/{LATE}").text

    assert "Chưa có hạn trả: thủ tục chưa có trong danh mục, hoặc chưa có thời hạn." in page
    assert LATE in director.get(f"/branches/{MINE}?list=no_limit").text


def test_the_history_tells_what_moved(director: TestClient, send: Callable[..., list[Outcome]]):
    send(record(LATE))
    send(record(LATE, received_at="2026-11-03T08:10:00+07:00",
                updated_at="2026-11-03T09:00:00+07:00"))  # fmt: skip

    page = director.get(f"/dossiers/{LATE}").text

    assert "Nơi gửi cập nhật" in page
    assert re.search(r"thời điểm tiếp nhận: \d\d:\d\d \d\d/11/2026 → 08:10 03/11/2026", page)
    assert re.search(r"\d\d/11/2026 → \d\d/11/2026", page)


def test_the_whole_explanation_stands_on_the_page(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    code = "H20.16.03-261005-0007"
    counter, house = "Bộ phận Một cửa xã Tân Phú", "Chi nhánh VPĐKĐĐ Cai Lậy"

    def at(day: int, time: str, month: int = 10) -> str:
        return f"2026-{month:02}-{day:02}T{time}:00+07:00"

    def step(name: str, unit: str, started: str, finished: str | None) -> dict[str, str | None]:
        return {
            "name": name, "unit": unit, "officer": "Ông A",
            "started_at": started, "due_at": None, "finished_at": finished,
        }  # fmt: skip

    stops = [
        ("supplement", at(6, "10:00"), at(8, "09:00")),
        ("supplement", at(9, "10:00"), at(12, "09:00")),
        ("financial_obligation", at(14, "16:00"), at(16, "09:00", 11)),
    ]
    staged = record(
        code, procedure="1.013831", case="default", received_at=at(5, "07:00"),
        updated_at=at(22, "08:00", 11), promised_at=None,
        suspensions=[
            {"reason": why, "from": a, "until": b, "ground": "thiếu hợp đồng"}
            for why, a, b in stops
        ],
        steps=[
            step("Tiếp nhận", counter, at(5, "07:00"), at(5, "09:10")),
            step("Thẩm định", house, at(5, "09:10"), at(14, "15:30")),
        ],
    )  # fmt: skip
    assert [one.outcome for one in send(staged)] == ["created"]

    page = " ".join(re.sub(r"<[^>]*>", " ", director.get(f"/dossiers/{code}").text).split())

    for said in (
        "Hạn trả: thứ Năm 19/11/2026",
        "Hẹn lần 1: Phần mềm tính mỗi ngày làm việc là 8 giờ kể từ lúc nhận sẽ hiện 15:00 14/10",
        "Thời gian ở cơ quan thuế",
        "21/10/2026 5 ngày làm việc 09:00 16/11/2026 23 ngày làm việc: dài hơn",
        "khoản 6 Điều 13 NĐ 126/2020/NĐ-CP",
        "Yêu cầu bổ sung quá một lần – 10:00 09/10/2026 Vi phạm Điều 11 NĐ 118/2025",
        "không tính vào thời hạn: 3 ngày làm việc, tức 5 ngày (tính cả ngày nghỉ).",
        "Giữa hai lần hẹn",
        "chờ thực hiện nghĩa vụ tài chính: không thuộc lần hẹn nào",
        "khoản 3 Điều 5 QĐ 138/2025/QĐ-UBND Đồng Tháp",
        "ngày nhận: không tính khoản 2 Điều 147 BLDS 2015",
        "Ghi chú của hệ thống gửi: thiếu hợp đồng",
        "Thời hạn thực hiện",
        "Đã yêu cầu bổ sung hồ sơ 2 lần",
        "11:00 05/10/2026 4 giờ làm việc; không tính cho chi nhánh",
        "11:10 14/10/2026 36 giờ làm việc 15:30 14/10/2026 Trễ",
        "chưa xác nhận được NĐ 118/2025 có giữ quy định",
        "tạm dừng: yêu cầu bổ sung hồ sơ",
    ):
        assert said in page, said


@pytest.mark.parametrize(
    ("granted", "said"),
    [
        (None, "thì được kéo dài đến 3 ngày làm việc kể từ ngày nhận: đến thứ Tư 06/05/2026."),
        ("2026-05-04T10:00:00+07:00", "Đã kéo dài lúc 10:00 04/05/2026, trước khi hết hạn"),
        ("2026-05-05T10:00:00+07:00", "sau khi đã hết hạn nên không làm thay đổi hạn trả."),
    ],
)
def test_a_mortgage_says_how_far_it_may_be_extended(
    director: TestClient, send: Callable[..., list[Outcome]], granted: str | None, said: str
):
    code = "H20.16.03-260429-0008"
    mortgage = record(
        code, procedure="1.011441", received_at="2026-04-29T15:20:00+07:00", promised_at=None,
        updated_at="2026-05-06T16:00:00+07:00",
        extensions=[{"granted_at": granted, "reason": "sự cố điện"}] if granted else [],
    )  # fmt: skip
    send(mortgage)

    assert said in director.get(f"/dossiers/{code}").text


def test_while_a_mortgage_stands_still_no_longer_date_is_told(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    code = "H20.16.03-260429-0008"
    stop = {"reason": "force_majeure", "from": "2026-04-29T15:30:00+07:00", "until": None}
    send(
        record(
            code, procedure="1.011441", received_at="2026-04-29T15:20:00+07:00", promised_at=None,
            updated_at="2026-05-06T16:00:00+07:00", suspensions=[stop],
        )
    )  # fmt: skip

    assert "được kéo dài" not in director.get(f"/dossiers/{code}").text


def words_of(director: TestClient, code: str) -> str:
    page = director.get(f"/dossiers/{code}").text
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def mortgage(number: int, **more: object) -> dict[str, Any]:
    return record(
        f"H20.16.03-261102-{number:04}", procedure="1.011441", promised_at=None,
        updated_at="2026-11-20T09:00:00+07:00", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("received", "land_office", "said"),
    [
        (
            "2026-11-02T14:53:00+07:00",
            "2026-11-02T16:10:00+07:00",
            [
                "Trong ngày làm việc; Văn phòng đăng ký đất đai nhận lúc 16:10 02/11/2026, sau",
                "tính là nhận vào thứ Ba 03/11/2026",
                "Bộ phận Một cửa nhận lúc 14:53: thời hạn tính từ khi Văn phòng đăng ký đất đai",
                "Văn phòng đăng ký đất đai nhận lúc 16:10, sau 15:00: tính vào ngày làm việc tiếp",
            ],
        ),
        (
            "2026-11-02T09:00:00+07:00",
            "2026-11-02T10:00:00+07:00",
            [
                "Trong ngày làm việc, Văn phòng đăng ký đất đai nhận lúc 10:00 02/11/2026.",
                "Văn phòng đăng ký đất đai nhận lúc 10:00 (giờ chốt 15:00): trả trong ngày",
            ],
        ),
        (
            "2026-11-02T15:30:00+07:00",
            None,
            [
                "Trong ngày làm việc; nhận lúc 15:30 02/11/2026, sau 15:00",
                "nhận lúc 15:30, sau 15:00",
            ],
        ),
        ("2026-11-02T09:00:00+07:00", None, ["Trong ngày làm việc, nhận lúc 09:00 02/11/2026."]),
    ],
)
def test_a_same_day_limit_says_whose_receipt_it_runs_from(
    director: TestClient,
    send: Callable[..., list[Outcome]],
    received: str,
    land_office: str | None,
    said: list[str],
):
    sent = mortgage(31, received_at=received, land_office_received_at=land_office)
    assert [one.outcome for one in send(sent)] == ["created"]

    page = words_of(director, str(sent["code"]))

    assert [one for one in said if one not in page] == []
    assert "0 ngày làm việc" not in page
    assert "14:53 02/11/2026, sau" not in page


def test_the_law_of_the_policy_is_the_published_one(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    send(record(LATE))

    assert "thời hạn được tính tiếp. (NĐ 118/2025/NĐ-CP: " in words_of(director, LATE)


def test_the_law_of_a_limit_that_says_itself_what_a_supplement_does_is_its_own(
    director: TestClient, send: Callable[..., list[Outcome]]
):
    old = record(
        "H20.16.03-240801-0032", procedure="1.012790", received_at="2024-08-01T08:10:00+07:00",
        promised_at=None, updated_at="2024-08-20T09:00:00+07:00",
    )  # fmt: skip
    assert [one.outcome for one in send(old)] == ["created"]

    page = words_of(director, "H20.16.03-240801-0032")

    assert re.search(r"thời hạn được tính lại từ đầu\. \([^)]*Điều 19 khoản 4\)", page)


@pytest.mark.parametrize(
    ("ground", "told"),
    [
        ("BLDS 2015 Đ147 k2", "khoản 2 Điều 147 BLDS 2015"),
        ("ĐT138 Đ3 k6; NĐ 61/2018 Đ19 k9", "khoản 6 Điều 3 ĐT138; khoản 9 Điều 19 NĐ 61/2018"),
        ("ĐT138 Đ3 k4b", "điểm b khoản 4 Điều 3 ĐT138"),
        ("NĐ 118/2025 Đ17-18", "Điều 17-18 NĐ 118/2025"),
        ("NĐ 61/2018/NĐ-CP Điều 19 khoản 4", "NĐ 61/2018/NĐ-CP Điều 19 khoản 4"),
    ],
)
def test_a_ground_is_written_out_in_vietnamese(ground: str, told: str):
    assert Speech("vi").ground(ground) == told
    assert Speech("en").ground(ground) == ground
