"""What each person hears: said by themselves, or by an administrator of their office."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.core.subscriptions import Subscription
from app.db import access as accounts
from app.db import subscriptions
from app.service import access
from app.web.deps import COOKIE, CSRF_HEADER
from tests.web.wire import BRANCH, NOW, OTHER, Api

DEFAULT = {
    "daily": True,
    "weekly": False,  # of a director
    "all_clear": True,
    "quiet_weekdays": [],
    "quiet_days": [],
}
WISHED = {
    "daily": True,
    "weekly": False,
    "all_clear": False,
    "quiet_weekdays": [5],
    "quiet_days": [{"from": "2026-12-21", "until": "2026-12-31"}],
}


@pytest.fixture
def signed_in(app: FastAPI, session: Session) -> Callable[[int], TestClient]:
    """A browser of an account, with its token."""

    def sign_in(user_id: int) -> TestClient:
        cookie = f"cookie {user_id}"
        until = NOW + timedelta(hours=1)
        accounts.save_session(session, access.digest(cookie), user_id, "token", until)
        session.commit()
        browser = TestClient(app, raise_server_exceptions=False)
        browser.cookies.set(COOKIE, cookie)
        browser.headers[CSRF_HEADER] = "token"
        return browser

    return sign_in


def test_a_person_says_what_they_hear(
    signed_in: Callable[[int], TestClient], director: Callable[..., int], session: Session
):
    me, other = director("an", [BRANCH]), director("binh", [OTHER])
    browser = signed_in(me)

    before = browser.get("/v1/subscriptions/me").json()
    said = browser.put("/v1/subscriptions/me", json=WISHED)
    after = browser.get("/v1/subscriptions/me").json()

    assert (before, said.json(), after) == (DEFAULT, WISHED, WISHED)
    held = subscriptions.of(session, [me, other])
    assert held[me].quiet_on(date(2026, 12, 21))
    assert held[me].quiet_weekdays == {5}
    assert held[other] == Subscription(weekly=False)


def test_a_summary_nobody_wished_for_or_refused_is_as_it_was(
    signed_in: Callable[[int], TestClient], director: Callable[..., int]
):
    browser, chief = signed_in(director("an", [BRANCH])), signed_in(director("chi"))

    def weekly(of: TestClient, **wished: object) -> bool:
        said = of.put("/v1/subscriptions/me", json=wished).json()["weekly"]
        assert of.get("/v1/subscriptions/me").json()["weekly"] == said
        return bool(said)

    assert [one.get("/v1/subscriptions/me").json()["weekly"] for one in (browser, chief)] == [
        False,
        True,
    ]
    for one, at_first in ((browser, False), (chief, True)):
        assert weekly(one, quiet_weekdays=[5]) is at_first
        assert weekly(one, weekly=not at_first) is not at_first
        assert weekly(one, quiet_weekdays=[]) is not at_first
    listed = chief.get("/v1/subscriptions").json()["items"]
    assert [one["weekly"] for one in listed] == [True, False]


def test_what_is_left_out_is_as_for_everybody(
    signed_in: Callable[[int], TestClient], director: Callable[..., int]
):
    browser = signed_in(director("an", [BRANCH]))
    browser.put("/v1/subscriptions/me", json=WISHED)

    said = browser.put("/v1/subscriptions/me", json={"weekly": False})

    assert said.json() == DEFAULT | {"weekly": False}


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"quiet_weekdays": [8]}, "quiet_weekdays.0"),
        ({"quiet_weekdays": [0]}, "quiet_weekdays.0"),
        ({"quiet_weekdays": [1, 2, 3, 4, 5, 6, 7]}, "quiet_weekdays"),
        ({"quiet_days": [{"from": "2026-12-31", "until": "2026-12-30"}]}, "quiet_days.0.until"),
        ({"quiet_days": [{"from": "hôm nay", "until": "2026-12-30"}]}, "quiet_days.0.from"),
        ({"quiet_days": [{"until": "2026-12-30"}]}, "quiet_days.0.from"),
        ({"daily": "sometimes"}, "daily"),
        ({"dayly": True}, "dayly"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_field(
    signed_in: Callable[[int], TestClient],
    director: Callable[..., int],
    wishes: dict[str, Any],
    field: str,
):
    browser = signed_in(director("an", [BRANCH]))

    answer = browser.put("/v1/subscriptions/me", json=wishes)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert browser.get("/v1/subscriptions/me").json() == DEFAULT


def test_an_administrator_keeps_those_of_the_office(
    signed_in: Callable[[int], TestClient], director: Callable[..., int], session: Session
):
    an, admin = director("an", [BRANCH]), director("chi")
    director("dung", [OTHER], active=False)
    browser = signed_in(admin)

    said = browser.put(f"/v1/subscriptions/{an}", json=WISHED)
    told = browser.get("/v1/subscriptions").json()["items"]

    assert said.json() == {"user_id": an} | WISHED
    person = {"user_id": an, "login": "an", "name": "an", "email": "an@x.vn"}
    assert told[0] == person | {"role": "director", "branches": [BRANCH]} | WISHED
    assert [one["login"] for one in told] == ["an", "chi"]
    assert session.scalar(text("SELECT count(*) FROM subscription")) == 1


def test_a_director_keeps_nobody_elses(
    signed_in: Callable[[int], TestClient], director: Callable[..., int]
):
    an, binh = director("an", [BRANCH]), director("binh", [BRANCH])
    browser = signed_in(an)

    assert browser.put(f"/v1/subscriptions/{binh}", json=WISHED).status_code == 403
    assert browser.get("/v1/subscriptions").status_code == 403


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_machine_hears_by_webhooks_and_has_no_subscription(sender: Api, method: str):
    body: dict[str, Any] | None = {} if method == "PUT" else None

    answer = sender.http.request(method, "/v1/subscriptions/me", json=body)

    assert answer.status_code == 404
    assert "sign in" in answer.json()["title"]


def test_nobody_of_another_office_is_found(sender: Api):
    assert sender.http.put("/v1/subscriptions/99", json={}).status_code == 404
