"""Webhooks over the API: registered, narrowed, changed, rotated, tested, resumed."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from app import wallclock
from app.core.ladder import Level
from app.db.tables import delivery, webhook
from app.service.access import Right
from jobs import Context
from jobs.delivery import send_webhooks
from tests.jobs.rows import vn
from tests.outbound.receivers import Receiver, http_receiver
from tests.web.events import faults, schema_of
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock

URL = "https://example.org/hooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


def registered(api: Api, **more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    answer = api.http.post("/v1/webhooks", json={"url": URL} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_webhook_is_shown_as_it_was_registered_but_for_its_secret(sender: Api):
    wanted: dict[str, Any] = {"branches": [BRANCH], "events": ["alert.overdue", "digest.daily"]}
    wanted |= {"url": URL, "contact": "it@example.org"}

    made = registered(sender, **wanted)

    (shown,) = sender.get("/v1/webhooks")["items"]
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["created_by"], shown["active"], shown["failures"]) == ("client:one-stop", True, 0)
    assert shown["paused_at"] is None
    assert made["secret"].startswith("whsec_")
    assert "whsec_" not in json.dumps(shown)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://x.vn/"}, "url"),
        ({"url": "https://me:secret@x.vn/"}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["alert.overdue", "alert.never"]}, "events.1"),
        ({"url": URL, "contact": "it"}, "contact"),
        ({"url": URL, "contact": "it@x.vn\r\nBcc: eve@x.vn"}, "contact"),
        ({"url": URL, "contact": "a@x.vn, b@x.vn"}, "contact"),
        ({"url": URL, "secret": "whsec_"}, "secret"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    sender: Api, method: str, body: dict[str, Any], field: str
):
    made = registered(sender)
    address = "/v1/webhooks" if method == "POST" else f"/v1/webhooks/{made['id']}"

    answer = sender.http.request(method, address, json=body)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert [one["url"] for one in sender.get("/v1/webhooks")["items"]] == [URL]


def test_a_change_leaves_alone_what_it_does_not_name(sender: Api):
    made = registered(sender, branches=[BRANCH], events=["alert.overdue"])
    address = f"/v1/webhooks/{made['id']}"

    sender.http.patch(address, json={"url": URL + "/new"})
    sender.http.patch(address, json={"active": False})
    told = sender.http.patch(address, json={}).json()

    assert (told["url"], told["active"]) == (URL + "/new", False)
    assert (told["branches"], told["events"]) == ([BRANCH], ["alert.overdue"])
    wide = sender.http.patch(address, json={"branches": None, "events": None}).json()
    assert (wide["branches"], wide["events"]) == (None, None)


def test_who_is_bound_to_branches_never_widens_a_webhook(api: Callable[..., Api], sender: Api):
    bound = api("bound", branches=[BRANCH])
    made = registered(bound)
    address = f"/v1/webhooks/{made['id']}"

    told = bound.http.patch(address, json={"branches": None}).json()

    assert made["branches"] == told["branches"] == [BRANCH]
    assert bound.http.patch(address, json={"branches": [OTHER]}).status_code == 404
    wide = registered(sender)["id"]
    for method, what in (
        ("PATCH", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("POST", "/resume"),
    ):
        body: dict[str, Any] | None = {"url": URL} if method == "PATCH" else None
        answer = bound.http.request(method, f"/v1/webhooks/{wide}{what}", json=body)
        assert answer.status_code == 404, what


def test_a_new_secret_is_shown_once_and_both_sign_for_a_day(sender: Api, session: Session):
    made = registered(sender)

    told = sender.http.post(f"/v1/webhooks/{made['id']}/rotate").json()

    assert told["secret"] != made["secret"]
    assert told["both_sign_until"] == "2026-11-21T10:15:00+07:00"
    row = session.execute(select(webhook)).mappings().one()
    assert (row["secret"], row["previous_secret"]) == (told["secret"], made["secret"])
    assert row["previous_until"] == NOW + timedelta(hours=24)
    (shown,) = sender.get("/v1/webhooks")["items"]
    assert "whsec_" not in json.dumps(shown)


def test_a_test_arrives_signed_as_the_document_says(
    app: FastAPI,
    api: Callable[..., Api],
    session: Session,
    context: Context,
    receiver: Receiver,
    clock: Clock,
):
    clock.now = wallclock.now()  # receivers refuse what is old
    sender = api()
    made = registered(sender, url=receiver.url, events=["alert.overdue"])

    asked = sender.http.post(f"/v1/webhooks/{made['id']}/test")
    sent = send_webhooks(context, clock.now)

    assert (asked.status_code, sent) == (202, 1)
    ((headers, body),) = receiver.arrived
    event = Webhook(made["secret"]).verify(body, headers)
    assert event == asked.json()["event"]
    assert faults(app, event) == []
    assert headers["webhook-id"] == asked.json()["webhook_id"]
    log = sender.get(f"/v1/deliveries/{asked.json()['delivery']}")
    assert (log["state"], log["webhook"], len(log["tried"])) == ("sent", made["id"], 1)
    assert session.scalar(select(delivery.c.office)) == "H20.16"


def test_a_paused_webhook_is_resumed_before_it_is_tested(sender: Api, session: Session):
    made = registered(sender)
    address = f"/v1/webhooks/{made['id']}"
    session.execute(update(webhook).values(paused_at=NOW, failing_since=NOW))
    session.commit()

    before = sender.http.post(f"{address}/test")
    resumed = sender.http.post(f"{address}/resume").json()
    after = sender.http.post(f"{address}/test")

    assert (before.status_code, after.status_code) == (409, 202)
    assert resumed == {"id": made["id"], "released": 0}


# ----------------------------------------------------------------------------------------- events


def alert(of: Level, **more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    """What the sweep sends of an alert."""
    data = {
        "id": 7,
        "kind": of.kind.value,
        "subject": f"{BRANCH}-261116-0001",
        "code": f"{BRANCH}-261116-0001",
        "branch": BRANCH,
        "office": "H20.16",
        "level": of.word,
        "due_at": vn("2026-11-24 00:00").isoformat(),
    }
    return {
        "type": f"alert.{of.word}",
        "timestamp": vn("2026-11-23 07:00").isoformat(),
        "data": data | more,
    }


def test_every_event_is_described(app: FastAPI, sender: Api):
    described = sender.get("/openapi.json")["webhooks"]

    levels = {f"alert.{level.word}" for level in Level}
    assert set(described) == levels | {"digest.daily", "webhook.test"}
    assert all(schema_of(app, kind) for kind in described)


@pytest.mark.parametrize("level", Level)
def test_an_alert_is_as_the_document_says(app: FastAPI, level: Level):
    assert faults(app, alert(level)) == []
    assert faults(app, alert(level, code=None, branch=None)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "due_soon"},
        {"kind": "feed"},
        {"due_at": "tomorrow"},
        {"due_at": None},
        {"office": None},
        {"id": "7"},
    ],
)
def test_the_check_of_an_event_can_fail(app: FastAPI, wrong: dict[str, Any]):
    assert faults(app, alert(Level.OVERDUE, **wrong)) != []


def test_a_digest_is_as_the_document_says(app: FastAPI):
    figures = {
        "branch": BRANCH,
        "heard_at": None,
        "silent": True,
        "counts": {"overdue": 1},
        "codes": {"overdue": [f"{BRANCH}-261116-0001"]},
    }
    data = {"day": date(2026, 11, 23).isoformat(), "branches": [figures]}
    event = {"type": "digest.daily", "timestamp": NOW.isoformat(), "data": data}

    assert faults(app, event) == []
    assert faults(app, event | {"data": data | {"day": "hôm nay"}}) != []


def test_the_example_of_each_event_is_one(app: FastAPI, sender: Api):
    document = sender.get("/openapi.json")
    for kind in document["webhooks"]:
        body = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
        example = body["example"]
        assert example["type"] == kind
        assert faults(app, example) == [], kind


@pytest.mark.usefixtures("sender")
def test_a_client_that_only_reads_registers_nothing(api: Callable[..., Api]):
    reader = api("reader", rights=[Right.READ])

    assert reader.http.post("/v1/webhooks", json={"url": URL}).status_code == 403
    assert reader.http.get("/v1/deliveries").status_code == 403
