"""Due dates in a calendar: a secret address, codes and no names, shut when it should be."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from icalendar import Calendar
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app import logs
from app.db.tables import dossier
from app.service.access import Right
from tests.jobs.rows import dossier_row, vn
from tests.served import served
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock, code

LABEL = "điện thoại"
TODAY = date(2026, 11, 20)


def due(session: Session, number: int, on: date, **facts: Any) -> None:  # noqa: ANN401 columns
    at = vn(f"{on + timedelta(days=1)} 00:00")
    row = dossier_row(code(number), BRANCH, at, on, "running") | facts
    session.execute(insert(dossier).values(**row))


def made(api: Api, branch: str = BRANCH) -> tuple[int, str]:
    """The number and the path of a new address."""
    answer = api.http.post("/v1/due-calendars", json={"branch": branch, "label": LABEL})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], urlsplit(answer.json()["address"]).path


def read(app: FastAPI, path: str) -> Any:  # noqa: ANN401 a calendar
    answer = TestClient(app).get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content)


def test_a_branch_has_an_event_for_each_day_on_which_something_is_due(
    app: FastAPI, sender: Api, session: Session
):
    due(session, 1, TODAY)
    due(session, 2, TODAY)
    due(session, 3, TODAY - timedelta(days=1))
    due(session, 4, TODAY + timedelta(days=59))
    due(session, 5, TODAY + timedelta(days=61))
    due(session, 6, TODAY - timedelta(days=32))
    due(session, 7, TODAY, state="finished")
    due(session, 8, TODAY, branch=OTHER)
    due(session, 9, TODAY, state="waiting", due_on=None, due_at=None)
    session.commit()
    _, path = made(sender)

    events = read(app, path).walk("VEVENT")

    told = [(one["DTSTART"].dt, str(one["SUMMARY"])) for one in events]
    assert [on for on, _ in told] == [
        TODAY - timedelta(days=1),
        TODAY,
        TODAY + timedelta(days=59),
    ]
    assert told[0][1].startswith("1 hồ sơ đã qua hạn")
    assert told[1][1].startswith("2 hồ sơ đến hạn")
    assert str(events[1]["DESCRIPTION"]).split("\n") == [code(1), code(2)]
    assert events[1]["DTEND"].dt == TODAY + timedelta(days=1)
    assert str(events[1]["UID"]) == f"due-{BRANCH}-2026-11-20@dunghan"


def test_a_day_with_thousands_is_one_event(app: FastAPI, sender: Api, session: Session):
    for number in range(250):
        due(session, number, TODAY)
    session.commit()
    _, path = made(sender)

    (event,) = read(app, path).walk("VEVENT")

    lines = str(event["DESCRIPTION"]).split("\n")
    assert str(event["SUMMARY"]).startswith("250 hồ sơ")
    assert (len(lines), lines[-1]) == (101, "… và 150 hồ sơ khác")


def test_what_has_not_changed_is_not_sent_again(
    app: FastAPI, sender: Api, session: Session, clock: Clock
):
    due(session, 1, TODAY)
    session.commit()
    _, path = made(sender)
    http = TestClient(app)
    first = http.get(path)
    clock.now = NOW + timedelta(minutes=30)

    again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    due(session, 2, TODAY)
    session.commit()
    changed = http.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert again.content == b""
    assert first.headers["cache-control"] == "private, max-age=900"


def test_a_revoked_address_answers_as_one_that_never_was(app: FastAPI, sender: Api):
    number, path = made(sender)
    http = TestClient(app)
    never = http.get("/calendars/never.ics")
    before = http.get(path)

    revoked = sender.http.delete(f"/v1/due-calendars/{number}")
    after = http.get(path)

    assert (before.status_code, revoked.status_code, after.status_code) == (200, 204, 404)
    assert (after.status_code, after.content) == (never.status_code, never.content)
    assert sender.get("/v1/due-calendars")["items"] == []
    assert sender.http.delete(f"/v1/due-calendars/{number}").status_code == 404


def test_an_address_is_listed_without_what_opens_it(app: FastAPI, sender: Api, session: Session):
    number, path = made(sender)
    token = path.removeprefix("/calendars/").removesuffix(".ics")
    TestClient(app).get(path)

    (told,) = sender.get("/v1/due-calendars")["items"]

    assert told == {
        "id": number,
        "branch": BRANCH,
        "label": LABEL,
        "created_by": "client:one-stop",
        "created_at": "2026-11-20T10:15:00+07:00",
        "read_at": "2026-11-20T10:15:00+07:00",
    }
    assert token not in session.scalars(text("SELECT c::text FROM due_calendar AS c")).one()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE client SET active = false",
        "UPDATE client SET branches = '{H20.16.01}'",
        "UPDATE client SET scopes = '{intake}'",
    ],
)
def test_an_address_opens_no_more_than_its_maker_may_see(
    app: FastAPI, sender: Api, session: Session, change: str
):
    _, path = made(sender)
    session.execute(text(change))
    session.commit()

    assert TestClient(app).get(path).status_code == 404


def test_a_stranger_makes_and_revokes_nothing(api: Callable[..., Api], sender: Api):
    number, _ = made(sender)
    stranger = api("other", branches=[OTHER])

    answer = stranger.http.post("/v1/due-calendars", json={"branch": BRANCH, "label": LABEL})

    assert answer.status_code == 404
    assert stranger.get("/v1/due-calendars")["items"] == []
    assert stranger.http.delete(f"/v1/due-calendars/{number}").status_code == 404


def test_who_only_reads_makes_and_revokes_nothing(api: Callable[..., Api], sender: Api):
    number, _ = made(sender)
    reader = api("reader", rights=[Right.READ])

    answer = reader.http.post("/v1/due-calendars", json={"branch": BRANCH, "label": LABEL})

    assert answer.status_code == 403
    assert reader.http.delete(f"/v1/due-calendars/{number}").status_code == 403
    assert [one["id"] for one in reader.get("/v1/due-calendars")["items"]] == [number]


def test_the_address_begins_as_browsers_call_us(
    app: FastAPI, sender: Api, monkeypatch: pytest.MonkeyPatch
):
    body = {"branch": BRANCH, "label": LABEL}
    asked = sender.http.post("/v1/due-calendars", json=body).json()["address"]
    held = app.state.parts
    judged = replace(held.judged, public_url="https://dunghan.example.vn/")
    monkeypatch.setattr(app.state, "parts", replace(held, judged=judged))

    told = sender.http.post("/v1/due-calendars", json=body).json()["address"]

    assert asked.startswith(f"{str(sender.http.base_url).rstrip('/')}/calendars/")
    assert told.startswith("https://dunghan.example.vn/calendars/")


@pytest.mark.parametrize(
    ("body", "field"), [({"branch": BRANCH}, "label"), ({"branch": BRANCH, "label": ""}, "label")]
)
def test_what_is_wrong_is_named(sender: Api, body: dict[str, str], field: str):
    answer = sender.http.post("/v1/due-calendars", json=body)

    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_no_line_of_a_log_holds_what_opens_a_calendar(
    app: FastAPI, sender: Api, caplog: pytest.LogCaptureFixture
):
    _, path = made(sender)
    written = logging.getLogger("uvicorn.access")
    filters = list(written.filters)
    logs.configure(as_json=False)
    try:
        with served(app, log_level="info", log_config=None) as url, caplog.at_level(logging.INFO):
            assert httpx.get(url + path).status_code == 200
            assert httpx.get(url + "/healthz").status_code == 200
    finally:
        written.filters[:] = filters

    lines = [one.getMessage() for one in caplog.records if one.name == "uvicorn.access"]
    assert [line for line in lines if "/healthz" in line]
    assert [line for line in lines if "/calendars/***" in line]
    assert not [line for line in lines if path in line]
