"""The log of deliveries: who sees what, what was tried, and what is sent again by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from app.db import deliveries, webhooks
from app.db.deliveries import Channel, Draft
from app.db.tables import alert, delivery, dossier
from app.service.access import Right
from app.web.deps import MAX_ID
from jobs import Context
from jobs.delivery import send_mails
from tests.jobs.rows import dossier_row
from tests.web.wire import BRANCH, NOW, OTHER, Api, code

SAID = "0 quá hạn, 7 sắp đến hạn"
DUE = NOW + timedelta(days=1)


def mailed(session: Session, *names: str, **more: Any) -> None:  # noqa: ANN401 of a draft
    body = {"subject": SAID, "text": SAID}
    drafts = [
        Draft(f"digest:user:{name}", Channel.MAIL, f"{name}@x.vn", BRANCH, body, "H20.16", **more)
        for name in names
    ]
    deliveries.queue(session, drafts, NOW)
    session.commit()


def hooked(
    session: Session,
    branches: list[str] | None,
    *names: str,
    **more: Any,  # noqa: ANN401
) -> int:
    hook, _ = webhooks.create(session, "H20.16", branches, "https://x.vn/")
    branch = branches[0] if branches else None
    drafts = [
        Draft(f"alert:{name}:{hook}", Channel.WEBHOOK, str(hook), branch, {}, "H20.16", **more)
        for name in names
    ]
    deliveries.queue(session, drafts, NOW)
    session.commit()
    return hook


def end(session: Session, state: str, error: str | None = None) -> None:
    """Let everything come to one end."""
    values = {"state": state, "next_attempt_at": None, "attempts": 12, "last_error": error}
    session.execute(update(delivery).values(values))
    session.commit()


def keys(told: dict[str, Any]) -> list[str]:
    return [one["key"] for one in told["items"]]


def test_an_administrator_sees_everything_newest_first_and_never_what_was_said(
    sender: Api, session: Session
):
    mailed(session, "an", "binh")
    hook = hooked(session, [BRANCH], "1")

    told = sender.get("/v1/deliveries")

    assert keys(told) == [f"alert:1:{hook}", "digest:user:binh", "digest:user:an"]
    assert [one["to"] for one in told["items"]] == [None, "binh@x.vn", "an@x.vn"]
    assert [one["webhook"] for one in told["items"]] == [hook, None, None]
    assert SAID not in str(told)
    assert SAID not in str(sender.get("/v1/deliveries/1"))


def test_the_log_is_read_page_by_page(sender: Api, session: Session):
    mailed(session, *(f"n{number:02}" for number in range(7)))
    seen: list[str] = []
    told: dict[str, Any] = {"next": MAX_ID}

    for size in (3, 3, 1):
        told = sender.get("/v1/deliveries", limit=3, cursor=told["next"])
        assert len(told["items"]) == size
        seen += keys(told)

    assert told["next"] is None
    assert seen == [f"digest:user:n{number:02}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("narrow", "expected"),
    [
        ({"state": "dead"}, ["digest:user:an"]),
        ({"state": "queued"}, ["alert:2:2", "alert:1:1"]),
        ({"channel": "mail"}, ["digest:user:an"]),
        ({"webhook": 2}, ["alert:2:2"]),
        ({"webhook": 2, "channel": "mail"}, []),
        ({"branch": OTHER}, ["alert:2:2"]),
    ],
)
def test_the_log_is_narrowed(
    sender: Api, session: Session, narrow: dict[str, Any], expected: list[str]
):
    mailed(session, "an")
    end(session, "dead")
    hooked(session, [BRANCH], "1")
    hooked(session, [OTHER], "2")

    assert keys(sender.get("/v1/deliveries", **narrow)) == expected


@pytest.mark.parametrize(
    "wrong", ["state=lost", "channel=pigeon", "webhook=0", "cursor=x", "limit=501"]
)
def test_a_log_that_cannot_be_is_refused_by_its_field(sender: Api, wrong: str):
    answer = sender.http.get(f"/v1/deliveries?{wrong}")

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [wrong.partition("=")[0]]


def test_who_keeps_webhooks_of_a_branch_sees_what_goes_to_these(
    api: Callable[..., Api], sender: Api, session: Session
):
    mailed(session, "an")
    hooked(session, None, "1")
    hooked(session, [BRANCH], "2")
    hooked(session, [OTHER], "3")
    bound = api("bound", branches=[BRANCH])

    assert keys(bound.get("/v1/deliveries")) == ["alert:2:2"]
    statuses = [bound.http.get(f"/v1/deliveries/{number}").status_code for number in range(1, 5)]
    assert statuses == [404, 404, 200, 404]
    assert len(sender.get("/v1/deliveries")["items"]) == 4


def test_who_is_no_administrator_sees_no_mail(api: Callable[..., Api], session: Session):
    publisher = api("publisher", rights=[Right.CATALOGUE])
    mailed(session, "an")
    hook = hooked(session, None, "1")

    told = publisher.get("/v1/deliveries")

    assert keys(told) == [f"alert:1:{hook}"]
    assert "an@x.vn" not in str(told)
    assert publisher.http.post("/v1/deliveries/1/replay").status_code == 404


def test_a_replay_sends_the_same_again_and_says_who_asked(
    sender: Api, session: Session, context: Context
):
    mailed(session, "an")
    send_mails(context, NOW)
    written = [one.name for one in (context.settings.home / "outbox").iterdir()]

    asked = sender.http.post("/v1/deliveries/1/replay")
    sent = send_mails(context, NOW + timedelta(minutes=1))

    assert (asked.status_code, sent) == (202, 1)
    assert (asked.json()["state"], asked.json()["attempts"]) == ("queued", 0)
    told = sender.get("/v1/deliveries/1")
    assert [(one["number"], one["error"]) for one in told["tried"]] == [(1, None), (1, None)]
    assert told["replayed"] == [{"at": "2026-11-20T10:15:00+07:00", "by": "client:one-stop"}]
    assert [one.name for one in (context.settings.home / "outbox").iterdir()] == written


def announced(session: Session, number: int, **facts: Any) -> None:  # noqa: ANN401
    row = dossier_row(code(number), BRANCH, DUE, DUE.date(), "running") | facts
    session.execute(insert(dossier).values(**row))
    fact = {"id": number, "office": "H20.16", "branch": BRANCH, "subject": code(number)}
    fact |= {"kind": "limit", "level": 50, "due_at": DUE, "raised_at": NOW}
    session.execute(insert(alert).values(fact | {"tell": ["branch"], "at_once": True}))


def test_what_is_no_longer_true_is_not_sent_again(sender: Api, session: Session):
    announced(session, 1, state="finished")
    announced(session, 2)
    hooked(session, None, "1", alert_id=1)
    hooked(session, None, "2", alert_id=2)
    end(session, "dropped", deliveries.UNTRUE)

    closed, open_ = (sender.http.post(f"/v1/deliveries/{n}/replay") for n in (1, 2))

    assert (closed.status_code, open_.status_code) == (409, 202)
    assert "no longer true" in closed.json()["detail"]


def test_each_refusal_of_a_replay_says_why(sender: Api, session: Session):
    mailed(session, "over", expires_at=NOW)
    hooked(session, None, "deleted")
    hook = hooked(session, None, "off")
    end(session, "dead")
    session.execute(text("DELETE FROM webhook WHERE id < :hook"), {"hook": hook})
    session.execute(text("UPDATE webhook SET active = false"))
    session.commit()
    mailed(session, "queued")

    told = [sender.http.post(f"/v1/deliveries/{number}/replay") for number in range(1, 6)]

    assert [one.status_code for one in told] == [409, 409, 409, 409, 404]
    for answer, why in zip(told, ("day is over", "deleted", "off", "queued"), strict=False):
        assert why in answer.json()["detail"]


def test_the_dead_ones_of_a_webhook_are_sent_again_at_once(
    sender: Api, session: Session, statements: list[str]
):
    announced(session, 1, state="finished")
    hook = hooked(session, None, *(f"a{number}" for number in range(10)))
    deliveries.queue(
        session,
        [Draft("untrue", Channel.WEBHOOK, str(hook), None, {}, "H20.16", alert_id=1)],
        NOW,
    )
    hooked(session, None, "elsewhere")
    mailed(session, "an")
    end(session, "dead")
    statements.clear()

    told = sender.http.post("/v1/deliveries/replay", json={"webhook": hook}).json()

    assert told == {"queued": 10, "dropped": 1, "left": 0, "next": None}
    assert sum("delivery" in one for one in statements) == 2
    states = {row.key: row.state for row in session.execute(select(delivery))}
    assert states["untrue"] == "dropped"
    assert (states["alert:elsewhere:2"], states["digest:user:an"]) == ("dead", "dead")
    assert session.scalar(text("SELECT count(*) FROM attempt WHERE by = 'client:one-stop'")) == 10


def test_the_dead_ones_of_others_stay_dead(api: Callable[..., Api], sender: Api, session: Session):
    hook = hooked(session, None, "1")
    mailed(session, "an")
    end(session, "dead")
    bound = api("bound", branches=[BRANCH])

    for body in ({"webhook": hook}, {"channel": "mail"}, {"channel": "webhook"}):
        told = bound.http.post("/v1/deliveries/replay", json=body).json()
        assert told == {"queued": 0, "dropped": 0, "left": 0, "next": None}
    assert sender.http.post("/v1/deliveries/replay", json={"channel": "mail"}).json()["queued"] == 1


@pytest.mark.parametrize("body", [{}, {"webhook": 1, "channel": "mail"}])
def test_a_replay_of_many_names_which(sender: Api, body: dict[str, Any]):
    answer = sender.http.post("/v1/deliveries/replay", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "webhook"


def test_many_are_sent_again_a_thousand_at_a_time(sender: Api, session: Session):
    hook = hooked(session, None, *(f"a{number}" for number in range(1_001)))
    end(session, "dead")

    first = sender.http.post("/v1/deliveries/replay", json={"webhook": hook}).json()
    address = f"/v1/deliveries/replay?cursor={first['next']}"
    second = sender.http.post(address, json={"webhook": hook}).json()

    assert (first["queued"], second["queued"], second["next"]) == (1_000, 1, None)
