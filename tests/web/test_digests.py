"""The mail of the morning before it is sent: as JSON and as a page, for the caller's own scope."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from app.core.subscriptions import Subscription
from app.db import subscriptions
from app.db.engine import Sessions
from app.service import access
from app.web.deps import COOKIE
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, code, record

PASSWORD = "một hai ba bốn"  # noqa: S105 of accounts that live for one test
# Eight working days from 10 November: due on Friday the 20th, the day of the tests.
TODAY = {"received_at": "2026-11-10T08:10:00+07:00", "promised_at": None}


@pytest.fixture
def page_of(app: FastAPI, sessions: Sessions) -> Callable[..., str]:
    """The page as somebody sees it."""

    def read(login: str, role: str, branches: list[str] | None, path: str = "") -> str:
        with sessions.begin() as session:
            access.add_user(
                session, login=login, name=f"Bà {login}", email=f"{login}@x.vn", role=role,
                office="H20.16", branches=branches, active=True, password=PASSWORD,
            )  # fmt: skip
            cookie = access.sign_in(session, login, PASSWORD, NOW, timedelta(hours=1))
        http = TestClient(app)
        http.cookies.set(COOKIE, cookie or "")
        answer = http.get(f"/digests/today{path}")
        assert answer.status_code == 200, answer.text
        assert "style-src 'self' 'unsafe-inline'" in answer.headers["content-security-policy"]
        return answer.text

    return read


def test_it_says_what_the_mail_would_say_and_keeps_nothing(sender: Api, sessions: Sessions):
    sender.batch([record(1, **TODAY), record(2)])

    held = sender.get("/v1/digests/today")

    assert (held["day"], held["next_working_day"]) == ("2026-11-20", "2026-11-23")
    assert held["whole_office"] is True
    named = {one["name"]: [row["code"] for row in one["dossiers"]] for one in held["sections"]}
    assert named["due_today"] == [code(1)]
    assert held["totals"]["due_today"] == 1
    assert held["totals"]["rate"] is None
    assert held["nothing_to_say"] is False
    with sessions() as session:
        for table in ("digest", "delivery"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 ours


def test_its_figures_are_those_of_the_page_of_today(sender: Api):
    late = {"received_at": "2026-11-02T08:10:00+07:00", "promised_at": None}
    sender.batch([record(1, **TODAY), record(2), record(3, **late), record(4, **late)])
    sender.http.post("/v1/heartbeat", json={"branches": [BRANCH]})

    held = sender.get("/v1/digests/today")["totals"]
    report = sender.get("/v1/reports/on-time")["totals"]

    assert held["overdue"] == report["overdue"] == 2
    assert held["due_soon"] == report["due_soon"]
    assert held["unverified"] == report["unverified"]


def test_each_is_told_of_their_own_branches(api: Callable[..., Api], sender: Api):
    sender.batch([record(1, **TODAY)])

    mine = api("mine", branches=[BRANCH]).get("/v1/digests/today")
    theirs = api("theirs", branches=[OTHER]).get("/v1/digests/today")
    nobodys = api("nobodys", branches=[]).get("/v1/digests/today")

    assert [one["branch"] for one in mine["branches"]] == [BRANCH]
    assert mine["totals"]["due_today"] == 1
    assert (theirs["unit"], theirs["totals"]["due_today"]) == ("Khu vực I", 0)
    assert code(1) not in str(theirs)
    assert (nobodys["branches"], nobodys["sections"]) == ([], [])


def test_the_page_shows_the_mail_with_its_chart_and_no_name_of_a_citizen(
    sender: Api, page_of: Callable[..., str]
):
    sender.batch([record(1, **TODAY)])

    page = page_of("gd", "director", [BRANCH])

    letter = unescape(page.split('srcdoc="')[1].split('"></iframe>')[0])
    assert "[Đúng Hạn] Khu vực III 20/11: 1 đến hạn hôm nay" in page
    assert f'href="/dossiers/{code(1)}"' in letter
    assert '<base target="_top">' in letter
    assert 'src="data:image/png;base64,iVBOR' in letter
    assert NAME not in page
    assert "Hôm nay gửi cho ai" not in page  # that is for who keeps the office


def test_the_office_sees_who_gets_one(page_of: Callable[..., str]):
    page_of("gd", "director", [BRANCH])
    page = " ".join(page_of("qt", "administrator", None).split())

    assert "Hôm nay gửi cho ai" in page
    assert (
        '<tr><th scope="row">Bà gd</th><td>Giám đốc chi nhánh</td><td>Khu vực III</td>'
        "<td>có</td></tr>" in page
    )


def test_the_page_is_in_the_language_asked_for(page_of: Callable[..., str]):
    assert "The mail of this morning" in page_of("gd", "director", [BRANCH], "?lang=en")


def test_the_office_sees_why_somebody_gets_none(
    page_of: Callable[..., str], sessions: Sessions, director: Callable[..., int]
):
    director("khong-thu", [BRANCH], email=None)
    unwilling, away = director("khong-muon", [BRANCH]), director("nghi-phep", [BRANCH])
    with sessions.begin() as session:
        subscriptions.put(session, unwilling, Subscription(daily=False))
        leave = (NOW.date(), NOW.date())
        subscriptions.put(session, away, Subscription(quiet_days=(leave,)))

    page = " ".join(page_of("qt", "administrator", None).split())

    for name, why in (
        ("khong-thu", "không có địa chỉ thư"),
        ("khong-muon", "không muốn nhận bản tin"),
        ("nghi-phep", "ngày người này không nhận thư"),
    ):
        row = page.split(f'<th scope="row">{name}</th>')[1].split("</tr>")[0]
        assert f"không: {why}" in row
