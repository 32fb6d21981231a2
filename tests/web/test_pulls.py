"""Sources that are asked, over HTTP: kept by administrators, shown without their secrets."""

from collections.abc import Callable
from typing import Any

import pytest

from app.db import pulls
from app.db.engine import Sessions
from app.service import changes as change
from app.service.access import Right
from app.service.publish import publish
from tests.web.test_feeds import FOREIGN
from tests.web.wire import BRANCH, NOW, Api

BODY: dict[str, Any] = {
    "url": "https://motcua.example.vn/api/list",
    "shape": {"kind": "watermark", "items": "data", "since_parameter": "tuNgay"},
    "credential": {"kind": "bearer", "token": "the-secret"},
}


def put(sender: Api, source: str = "mot-cua", **changes: Any) -> Any:  # noqa: ANN401 of a library
    return sender.http.put(f"/v1/pulls/{source}", json=BODY | changes)


def test_a_pull_is_kept_and_listed_without_its_secret(sender: Api):
    made = put(sender, since="2026-11-01T00:00:00+07:00", branches=[BRANCH])

    assert made.status_code == 200, made.text
    (listed,) = sender.get("/v1/pulls")["items"]
    assert made.json() == listed
    assert "the-secret" not in made.text
    assert listed == {
        "source": "mot-cua",
        "branches": [BRANCH],
        "url": BODY["url"],
        "credential": {"kind": "bearer"},
        "shape": {
            "kind": "watermark",
            "adapter": "native",
            "items": "data",
            "has_more": None,
            "page_size": 500,
            "size_parameter": "limit",
            "parameters": {},
            "next": "next",
            "cursor_parameter": "cursor",
            "since_parameter": "tuNgay",
            "since_format": "iso",
            "overlap_seconds": 300,
        },
        "cursor": None,
        "watermark": "2026-11-01T00:00:00+07:00",
        "every_seconds": 300,
        "next_at": NOW.isoformat(),
        "running": False,
        "told_at": None,
        "failures": 0,
        "error": None,
        "failed_at": None,
        "active": True,
    }


def test_of_oauth_the_secret_alone_is_hidden(sender: Api):
    credential = {
        "kind": "oauth2", "token_url": "https://sso.example.vn/token", "client_id": "us",
        "client_secret": "the-secret",
    }  # fmt: skip

    told = put(sender, credential=credential)

    assert "the-secret" not in told.text
    assert told.json()["credential"] == {
        "kind": "oauth2", "token_url": "https://sso.example.vn/token", "client_id": "us",
        "scope": None,
    }  # fmt: skip


def test_what_went_wrong_is_told_in_the_callers_language(sender: Api, sessions: Sessions):
    put(sender)
    error = {
        "field": "url",
        "message": "{host} answered {status}",
        "params": {"host": "motcua", "status": "500"},
    }
    with sessions.begin() as session:
        pulls.change(session, "mot-cua", "H20.16", error=error, failures=3, failed_at=NOW)

    (english,) = sender.get("/v1/pulls")["items"]
    answer = sender.http.get("/v1/pulls", headers={"Accept-Language": "vi"})

    assert english["error"] == {"field": "url", "detail": "motcua answered 500"}
    assert answer.json()["items"][0]["error"]["detail"] == "motcua trả lời mã 500"


def test_it_is_paused_resumed_asked_now_and_removed(sender: Api, sessions: Sessions):
    put(sender)
    with sessions.begin() as session:
        pulls.change(session, "mot-cua", "H20.16", next_at="2027-01-01")

    paused = sender.http.post("/v1/pulls/mot-cua/pause").json()
    asked = sender.http.post("/v1/pulls/mot-cua/run")
    with sessions.begin() as session:
        nobody = pulls.claim(session, NOW, "x", NOW)
    resumed = sender.http.post("/v1/pulls/mot-cua/resume").json()

    assert (paused["active"], resumed["active"], nobody) == (False, True, None)
    assert (asked.status_code, asked.json()["next_at"]) == (202, NOW.isoformat())
    assert sender.http.delete("/v1/pulls/mot-cua").status_code == 204
    for method, path in (("DELETE", ""), ("POST", "/run"), ("POST", "/pause"), ("POST", "/resume")):
        answer = sender.http.request(method, f"/v1/pulls/mot-cua{path}")
        assert answer.status_code == 404
        assert answer.json()["title"] == "No pull of mot-cua"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "motcua"}, "url"),
        ({"url": "https://u:p@x/"}, "url"),
        ({"every_seconds": 5}, "every_seconds"),
        ({"branches": ["Z99"]}, "branches"),
        ({"shape": {"kind": "pages"}}, "shape.kind"),
        ({"shape": {"kind": "cursor", "page_size": 0}}, "shape.page_size"),
        ({"shape": {"kind": "cursor", "parameters": {"a": "\0"}}}, "shape.parameters.a"),
        ({"credential": {"kind": "bearer"}}, "credential.bearer.token"),
        ({"since": "2026-11-01T00:00:00"}, "since"),
        ({"x": 1}, "x"),
    ],
)
def test_a_wrong_pull_names_its_field_and_shows_no_secret(
    sender: Api, changes: dict[str, Any], field: str
):
    answer = put(sender, **changes)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert "the-secret" not in answer.text
    assert sender.get("/v1/pulls")["items"] == []


def test_the_secret_is_not_sent_to_another_place(sender: Api):
    put(sender)
    body = {"url": "https://elsewhere.example/list", "shape": {"kind": "cursor"}}

    answer = sender.http.put("/v1/pulls/mot-cua", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "credential"


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_of_another_office_nothing_is_seen_or_changed(
    sender: Api, api: Callable[..., Api], sessions: Sessions
):
    put(sender)
    with sessions.begin() as session:
        publish(session, change.office(FOREIGN), "test", NOW)
    foreign = api("foreign", office_code="Z01")

    assert foreign.get("/v1/pulls")["items"] == []
    assert put(foreign).status_code == 409
    assert put(foreign, source="one-stop").status_code == 409  # a sender of the other office
    assert foreign.http.delete("/v1/pulls/mot-cua").status_code == 404
    assert foreign.http.post("/v1/pulls/mot-cua/pause").status_code == 404
    assert sender.get("/v1/pulls")["items"][0]["url"] == BODY["url"]


def test_only_an_administrator_of_the_whole_office_keeps_pulls(api: Callable[..., Api]):
    branch = api("branch", branches=[BRANCH])
    reader = api("reader", rights=[Right.READ, Right.INTAKE, Right.CATALOGUE])

    for one in (branch, reader):
        assert put(one).status_code == 403
        assert one.http.get("/v1/pulls").status_code == 403
