"""The page of the working calendar, and the warning before an unconfirmed year."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.db import deliveries, feeds
from app.db.engine import Sessions
from app.service import access, calendar_changes
from app.service.publish import publish
from app.service.rules import RuleBook
from app.web.deps import COOKIE
from jobs import Context, digest
from tests.jobs.rows import deliveries_queued
from tests.web.test_api_calendars import STORM, day_of, due, put
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock, code, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")
PASSWORD = "một hai ba bốn"  # noqa: S105 of accounts that live for one test
WARNING = "Lịch làm việc từ 01/01/2027 chưa được xác nhận"
ADVICE = "Hãy nhập ngày nghỉ theo thông báo chính thức, rồi xác nhận lịch của năm."


class Browser:
    """A person at the pages, who sends the forms a page has."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def page(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.text

    def send(self, path: str, **form: str) -> Any:  # noqa: ANN401 a response
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/calendar"))
        assert found is not None
        return self.http.post(path, data={"csrf": found.group(1)} | form)


@pytest.fixture
def sign_in(app: FastAPI, sessions: Sessions) -> Callable[..., Browser]:
    def enter(branches: list[str] | None, login: str = "qt") -> Browser:
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
        return Browser(http)

    return enter


@pytest.fixture
def administrator(sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(None)


def hidden(page: str) -> dict[str, str]:
    """The fields of the form that publishes what a preview shows."""
    form = page[page.index('action="/calendar/publish"') :]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    del found["csrf"]
    return found


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


# -------------------------------------------------------------------------------------------- year


def test_the_year_shows_every_day_as_it_is(administrator: Browser, sender: Api):
    short = {"kind": "work", "name": "Họp", "hours": [["07:00", "11:30"]]}
    put(sender, "national/days/2026-12-31", short)

    page = administrator.page("/calendar")

    assert page.count('<table class="month">') == 12
    assert len(re.findall(r'<td class="(?:off|extra|hours|rest|worked)', page)) == 365
    assert '<td class="off" title="Ngày Văn hóa Việt Nam">24' in page
    assert re.search(r'<td class="extra" title="Làm bù cho ngày nghỉ hoán đổi 2/1">10<i', page)
    assert '<td class="hours" title="Họp">31<i' in page
    assert '<td class="worked today">20' in page
    assert "Năm 2026 có 249 ngày làm việc. Đã xác nhận đến hết 31/12/2026." in words(page)
    assert "Tháng 2 15 ngày làm việc" in words(page)


def test_a_year_nobody_confirmed_is_marked_day_by_day(administrator: Browser):
    page = administrator.page("/calendar?year=2027")

    assert len(re.findall(r'<td class="\w+ open"', page)) == 365
    assert WARNING in page
    assert "Năm 2027 chưa nhập ngày nào" in page


def test_the_list_says_source_layer_and_who_took_it_over(
    sign_in: Callable[..., Browser], sender: Api
):
    put(sender, f"{BRANCH}/days/2026-11-26", STORM)
    put(sender, "national/days/2027-01-01", {"kind": "off", "name": "Tết", "source": "TB 1"})
    director = sign_in([BRANCH], "gd")

    page = words(director.page("/calendar"))

    assert "Lịch làm việc 2026: chi nhánh Khu vực III" in page
    assert "Nghỉ do bão số 13 CV 13/UBND chi nhánh Khu vực III one-stop 10:15 20/11/2026" in page
    assert "12729/VPCP-KGVX 25/12/2025 quốc gia nhập cùng toàn bộ lịch" in page
    assert "Thứ Hai – thứ Sáu: 07:00–11:30, 13:30–17:00" in page
    assert "Chi nhánh Khu vực III: phiên bản 1, công bố lúc 10:15 20/11/2026 (one-stop)" in page
    later = words(director.page("/calendar?scope=national&year=2027"))
    assert "Tết TB 1 quốc gia one-stop 10:15 20/11/2026 holidays" in later


def test_a_director_reads_and_changes_nothing(sign_in: Callable[..., Browser], sender: Api):
    put(sender, f"{BRANCH}/days/2026-11-26", STORM)
    director = sign_in([BRANCH], "gd")

    for scope in ("national", "H20.16", BRANCH):
        page = director.page(f"/calendar?scope={scope}&year=2027")
        assert "/calendar/preview" not in page
        for path in ("/calendar/preview", "/calendar/publish"):
            form = {"what": "day", "on": "2026-11-27", "kind": "off", "name": "x"}
            assert director.send(path, scope=scope, **form).status_code == 403
    director.page(f"/calendar?scope={OTHER}", 404)
    assert director.send("/calendar/publish", scope=OTHER, what="remove").status_code == 404
    assert day_of(sender, "2026-11-27", BRANCH) is None


@pytest.mark.parametrize("query", ["year=2012", "year=x", "told=0", "scope=x"])
def test_an_odd_address_is_a_page(administrator: Browser, query: str):
    answer = administrator.http.get(f"/calendar?{query}")

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"].startswith("text/html")


def test_the_pages_bring_no_script_and_are_kept_by_nobody(administrator: Browser):
    form = {"scope": BRANCH, "what": "day", "on": "2026-11-26", "kind": "off", "name": "<script>"}
    for answer in (
        administrator.http.get("/calendar?year=2027"),
        administrator.send("/calendar/preview", **form),
    ):
        assert answer.headers["cache-control"] == "private, no-store"
        assert not re.search(r"<script|<style| style=| on\w+=", answer.text)
    assert administrator.http.get("/calendar/preview?lang=en").headers["location"] == (
        "/calendar?lang=en"
    )


# ----------------------------------------------------------------------------------------- changes


def test_a_storm_is_previewed_then_published_then_taken_back(administrator: Browser, sender: Api):
    sender.put(record(1))
    form = {"scope": BRANCH, "what": "day", "on": "2026-11-26", "kind": "off", "name": "Bão 13"}

    seen = administrator.send("/calendar/preview", **form, source="CV 13").text
    assert "Đổi hạn trả: 1 trong 1 hồ sơ đang giải quyết" in words(seen)
    assert "muộn hơn 3 ngày: 1" in words(seen)
    assert f"{code(1)} Thứ Sáu 27/11/2026 Thứ Hai 30/11/2026" in words(seen)
    assert due(sender) == "2026-11-27"
    done = administrator.send("/calendar/publish", **hidden(seen))
    assert done.status_code == 303
    assert "1 hồ sơ đã đổi hạn trả." in administrator.page(done.headers["location"])
    assert due(sender) == "2026-11-30"
    held = day_of(sender, "2026-11-26", BRANCH)
    assert (held["accepted_by"], held["source"]) == ("user:qt", "CV 13")

    back = {"scope": BRANCH, "what": "remove", "on": "2026-11-26"}
    seen = administrator.send("/calendar/preview", **back).text
    assert "sớm hơn 3 ngày: 1" in words(seen)
    administrator.send("/calendar/publish", **hidden(seen))
    assert due(sender) == "2026-11-27"


def test_a_proposal_is_taken_over_and_the_year_confirmed(administrator: Browser, sender: Api):
    page = administrator.page("/calendar?year=2027")
    assert page.count("Đưa vào lịch") == 12
    assert 'value="Giao thừa Tết Nguyên Đán"' in page

    form = {"scope": "national", "what": "day", "on": "2027-01-01", "kind": "off", "name": "Tết"}
    seen = administrator.send("/calendar/preview", **form, source="TB 1").text
    assert "Không hồ sơ nào đổi hạn trả." in seen
    done = administrator.send("/calendar/publish", **hidden(seen))
    assert day_of(sender, "2027-01-01")["proposed_by"].startswith("holidays")
    assert administrator.page(done.headers["location"]).count("Đưa vào lịch") == 11

    form = {"scope": "national", "what": "confirm", "on": "2027-12-31"}
    seen = administrator.send("/calendar/preview", **form).text
    administrator.send("/calendar/publish", **hidden(seen))
    assert sender.get("/v1/calendars/national")["confirmed_until"] == "2027-12-31"
    assert WARNING not in administrator.page("/calendar?year=2027")
    assert WARNING not in administrator.page("/")


def test_hours_are_read_as_people_write_them(administrator: Browser, sender: Api):
    form = {
        "scope": BRANCH,
        "what": "day",
        "on": "2026-11-26",
        "kind": "hours",
        "name": "Họp",
        "source": "TB 2",
    }

    seen = administrator.send("/calendar/preview", **form, hours="7h-11h30, 13:30 – 16:00").text
    assert "thứ Năm 26/11/2026 làm việc 07:00–11:30, 13:30–16:00: Họp" in words(seen)
    administrator.send("/calendar/publish", **hidden(seen))

    hours = [["07:00", "11:30"], ["13:30", "16:00"]]
    assert day_of(sender, "2026-11-26", BRANCH)["hours"] == hours


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"on": ""}, "hãy chọn một ngày trong các năm 2013 đến 2056"),
        ({"on": "2057-01-01"}, "hãy chọn một ngày trong các năm 2013 đến 2056"),
        ({"name": " "}, "hãy ghi ngắn gọn lý do"),
        ({"kind": "hours", "hours": "sáng"}, "hãy ghi giờ theo mẫu 07:00-11:30, 13:30-17:00"),
        ({"kind": "hours", "hours": "9:00-8:00"}, "ends before it begins"),
        ({"source": "x" * 501}, "500"),
        ({"what": "remove"}, "không ghi gì về ngày 2026-11-26"),
    ],
    ids=range(7),
)
def test_a_form_with_a_fault_says_how_to_mend_it(
    administrator: Browser, sender: Api, form: dict[str, str], said: str
):
    whole = {
        "scope": BRANCH,
        "what": "day",
        "on": "2026-11-26",
        "kind": "off",
        "name": "Bão",
        "source": "CV 1",
    }
    for path in ("/calendar/preview", "/calendar/publish"):
        answer = administrator.send(path, **whole | form)
        assert answer.status_code == 422
        assert said in words(answer.text)
        assert 'action="/calendar/publish"' not in answer.text
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404


def test_what_changed_since_the_preview_is_previewed_again(administrator: Browser, sender: Api):
    form = {
        "scope": BRANCH,
        "what": "day",
        "on": "2026-11-26",
        "kind": "off",
        "name": "Bão",
        "source": "CV 1",
    }
    seen = administrator.send("/calendar/preview", **form).text
    put(sender, f"{OTHER}/days/2026-11-26", STORM)

    answer = administrator.send("/calendar/publish", **hidden(seen))

    assert answer.status_code == 409
    assert "hãy xem trước lại thay đổi này" in answer.text
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404


def test_a_form_of_another_page_publishes_nothing(administrator: Browser, sender: Api):
    form = {
        "scope": BRANCH,
        "what": "day",
        "on": "2026-11-26",
        "kind": "off",
        "name": "Bão",
        "source": "CV 1",
    }

    for token in ({}, {"csrf": ""}, {"csrf": "wrong"}):
        answer = administrator.http.post("/calendar/publish", data=form | token)
        assert answer.status_code == 403
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404


# ----------------------------------------------------------------------------------------- warning


def test_the_first_page_warns_each_of_what_he_can_do(
    sign_in: Callable[..., Browser], administrator: Browser, clock: Clock
):
    director = sign_in([BRANCH], "gd")

    ours, his = administrator.page("/"), director.page("/")
    for page in (ours, his):
        assert WARNING in page
        assert '<a href="/calendar?year=2027">Mở lịch năm 2027</a>' in page
    assert (ADVICE in ours, ADVICE in his) == (True, False)
    assert "Quản trị viên sẽ nhập ngày nghỉ khi có thông báo chính thức." in his
    clock.now = datetime.fromisoformat("2026-11-01T23:59:00+07:00")
    assert WARNING not in administrator.page("/")


def test_the_warning_names_the_branches_where_it_is_not_all(administrator: Browser, sender: Api):
    put(sender, "national/confirmed", {"until": "2027-12-31"})
    put(sender, f"{BRANCH}/confirmed", {"until": "2026-12-31"})

    page = words(administrator.page("/"))

    assert f"Khu vực III: {WARNING}" in page


def letters(context: Context, session: Session, at: datetime) -> dict[str, str]:
    rules = RuleBook().in_force(session)
    feeds.hear(session, "one-stop", dict.fromkeys(rules.branches, at))
    session.commit()
    digest.write_digests(context, at)
    rows = [row for row in deliveries_queued(session) if row["channel"] == deliveries.Channel.MAIL]
    return {row["address"]: row["body"]["text"] for row in rows}


@pytest.mark.parametrize(
    ("at", "warned"), [("2026-11-02", True), ("2026-10-30", False), ("2026-11-23", True)]
)
def test_the_digest_warns_the_office_and_not_the_branches(
    context: Context, session: Session, director: Callable[..., int], at: str, *, warned: bool
):
    director("gd", [BRANCH])
    director("vp")

    told = letters(context, session, datetime.fromisoformat(f"{at}T07:30:00+07:00"))

    assert told.keys() == {"gd@x.vn", "vp@x.vn"}
    assert ("Lịch làm việc từ 01/01/2027 chưa được xác nhận" in told["vp@x.vn"]) is warned
    assert ("https://x.vn/calendar?year=2027" in told["vp@x.vn"]) is warned
    assert "chưa được xác nhận" not in told["gd@x.vn"]


def test_the_digest_names_the_branch_whose_calendar_it_is(
    context: Context, session: Session, sessions: Sessions, director: Callable[..., int]
):
    with sessions.begin() as other:
        for scope, year in (("national", 2027), (BRANCH, 2026)):
            until = datetime(year, 12, 31).date()  # noqa: DTZ001 a day
            publish(other, calendar_changes.calendar_confirmed(scope, until), "test", NOW)
    director("vp")

    told = letters(context, session, datetime.fromisoformat("2026-11-23T07:30:00+07:00"))

    assert f"Khu vực III: {WARNING}" in told["vp@x.vn"]
