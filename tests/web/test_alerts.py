"""Alerts over HTTP: what was said, whether it still is so, and who is on it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.db import alerts
from app.db.engine import Sessions
from app.db.tables import acknowledgement
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, OTHER, Api, code, finished, record

OLD = record(1, received_at="2026-11-02T08:10:00+07:00")  # overdue at the time of the tests


def swept(sessions: Sessions, at: str) -> None:
    with sessions.begin() as session:
        alerts.raise_due(session, vn(at), {}, 1_000)


def listed(api: Api, query: str = "") -> Any:  # noqa: ANN401 JSON
    answer = api.http.get(f"/v1/alerts{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(api: Api, query: str = "") -> list[tuple[str, str, bool]]:
    items = listed(api, query)["items"]
    return [(one["subject"], one["level"], one["standing"]) for one in items]


def test_an_alert_is_listed_with_whom_it_tells(sender: Api, sessions: Sessions):
    sender.batch([record(1)])
    swept(sessions, "2026-11-27 08:00")

    (one,) = listed(sender)["items"]

    assert (one["code"], one["kind"], one["level"]) == (code(1), "limit", "due_today")
    assert (one["branch"], one["office"], one["tell"]) == (BRANCH, "H20.16", ["branch"])
    assert one["due_at"] == "2026-11-28T00:00:00+07:00"
    assert one["raised_at"] == "2026-11-27T08:00:00+07:00"
    assert (one["standing"], one["acknowledged"]) == (True, None)


def test_only_what_still_is_so(sender: Api, sessions: Sessions):
    sender.batch([record(1), record(2)])
    swept(sessions, "2026-11-27 08:00")
    swept(sessions, "2026-12-02 08:00")
    sender.batch([finished(2, "2026-11-20")])

    assert said(sender) == [
        (code(2), "overdue", False),
        (code(1), "overdue", True),
        (code(2), "due_today", False),
        (code(1), "due_today", False),
    ]
    assert said(sender, "?standing=true") == [(code(1), "overdue", True)]


def test_by_branch_kind_level_and_recipient(sender: Api, sessions: Sessions):
    sender.batch([record(1), finished(2, "2026-11-20")])
    swept(sessions, "2026-12-02 08:00")

    both = [(code(2), "hand_over_late", True), (code(1), "overdue", True)]
    assert sorted(said(sender)) == sorted(both)
    assert said(sender, "?kind=hand_over") == both[:1]
    assert said(sender, "?level=overdue&level=due_today") == both[1:]
    assert said(sender, "?tell=office") == both[1:]
    assert said(sender, f"?branch={OTHER}") == []
    assert sender.http.get("/v1/alerts?level=soon").status_code == 422


def test_pages_follow_each_other(sender: Api, sessions: Sessions):
    sender.batch([record(n) for n in range(1, 8)])
    swept(sessions, "2026-11-27 08:00")

    page = listed(sender, "?limit=3")
    seen = page["items"]
    while page["next"]:
        page = listed(sender, f"?limit=3&cursor={page['next']}")
        seen += page["items"]

    assert sorted(one["subject"] for one in seen) == [code(n) for n in range(1, 8)]


def test_who_is_on_it_says_until_when(sender: Api, sessions: Sessions):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]

    path = f"/v1/alerts/{one['id']}/acknowledge"
    body = {"until": "2026-12-04T17:00:00+07:00", "note": "Chờ trích đo"}
    told = sender.http.post(path, json=body)

    assert told.status_code == 200
    taken = told.json()["acknowledged"]
    assert taken["until"] == "2026-12-04T17:00:00+07:00"
    assert (taken["note"], taken["at"]) == ("Chờ trích đo", "2026-11-20T10:15:00+07:00")
    later = sender.http.post(path, json={"until": "2026-12-05T17:00:00+07:00"}).json()
    assert later["acknowledged"]["note"] is None
    assert listed(sender)["items"][0]["acknowledged"] == later["acknowledged"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"until": "2026-11-20T08:00:00+07:00"}, "until"),
        ({"until": "2027-11-20T08:00:00+07:00"}, "until"),
        ({"until": "2026-12-04T17:00:00"}, "until"),
        ({}, "until"),
        ({"until": "2026-12-04T17:00:00+07:00", "note": "x" * 501}, "note"),
    ],
)
def test_a_bad_word_is_refused_with_its_field(
    sender: Api, sessions: Sessions, body: dict[str, Any], field: str
):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]

    told = sender.http.post(f"/v1/alerts/{one['id']}/acknowledge", json=body)

    assert told.status_code == 422
    assert field in told.text


def test_nobody_sees_or_takes_what_is_not_theirs(
    sender: Api, api: Callable[..., Api], sessions: Sessions
):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]
    stranger = api(branches=[OTHER])

    assert said(stranger) == []
    body = {"until": "2026-12-04T17:00:00+07:00"}
    path = f"/v1/alerts/{one['id']}/acknowledge"
    assert stranger.http.post(path, json=body).status_code == 404
    with sessions() as session:
        assert session.execute(select(acknowledgement)).all() == []
