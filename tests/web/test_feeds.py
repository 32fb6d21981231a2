"""Who is silent, over HTTP: the rhythm of a source, and what machines that watch may see."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from app.db.engine import Sessions
from app.db.tables import client
from app.service import changes
from app.service.access import Right
from app.service.publish import publish
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock, record

FOREIGN = {
    "office": {"code": "Z01", "name": "Văn phòng khác", "province": "Z01"},
    "branches": [{"code": "Z01.01", "name": "Chi nhánh khác", "short_name": "Khác"}],
    "communes": [],
}


def of_branch(sender: Api) -> dict[str, Any]:
    (one,) = sender.get("/v1/feeds", branch=BRANCH)["items"]
    return dict(one)


def beat(sender: Api, *branches: str) -> None:
    assert sender.http.post("/v1/heartbeat", json={"branches": list(branches)}).status_code == 200


def test_what_is_due_is_unverified_while_it_is_silent_and_overdue_after_days_of_it(
    api: Callable[..., Api], clock: Clock
):
    clock.now = vn("2026-11-20 16:00")  # a Friday
    sender = api()
    sender.batch([record(1, promised_at=None, received_at="2026-11-11T08:00:00+07:00",
                         updated_at="2026-11-20T15:00:00+07:00")])  # fmt: skip
    beat(sender, BRANCH)
    rhythm = sender.http.put("/v1/feeds/one-stop", json={"expected_minutes": 120})
    assert rhythm.json() == {"source": "one-stop", "expected_minutes": 120}
    due = sender.get("/v1/dossiers", branch=BRANCH)["items"][0]["due_on"]
    assert due == "2026-11-23"

    told = {}
    for now in ("2026-11-22 12:00", "2026-11-25 07:30", "2026-11-25 12:00", "2026-11-27 00:00"):
        clock.now = vn(now)
        sender = api()  # its token has run out
        feed = of_branch(sender)
        (listed,) = sender.get("/v1/dossiers", branch=BRANCH)["items"]
        told[now] = (feed["silent"], feed["due_meanwhile"], listed["reading"])

    assert told == {
        "2026-11-22 12:00": (False, "unverified", "due_soon"),
        "2026-11-25 07:30": (True, "unverified", "unverified"),
        "2026-11-25 12:00": (True, "unverified", "unverified"),
        "2026-11-27 00:00": (True, "overdue", "overdue"),
    }
    assert of_branch(sender) == {
        "branch": BRANCH,
        "source": "one-stop",
        "name": "one-stop",
        "rank": 100,
        "leads": True,
        "expected_minutes": 120,
        "heard_at": "2026-11-20T16:00:00+07:00",
        "expected_by": "2026-11-23T08:00:00+07:00",
        "silent": True,
        "silent_since": "2026-11-23T08:00:00+07:00",
        "due_meanwhile": "overdue",
        "overdue_from": "2026-11-27T00:00:00+07:00",
    }


def test_only_the_silent_or_only_the_others(sender: Api):
    beat(sender, BRANCH)

    silent = sender.get("/v1/feeds", silent="true")["items"]
    heard = sender.get("/v1/feeds", silent="false")["items"]

    assert [one["branch"] for one in heard] == [BRANCH]
    assert BRANCH not in {one["branch"] for one in silent}
    assert len(silent) + len(heard) == len(sender.get("/v1/feeds")["items"]) > 2


def test_the_rhythm_of_nobody_is_none(sender: Api):
    beat(sender, BRANCH)
    for minutes in (None, 1):
        answer = sender.http.put("/v1/feeds/one-stop", json={"expected_minutes": minutes})
        assert answer.status_code == 200
        assert of_branch(sender)["expected_minutes"] == minutes


@pytest.mark.parametrize("body", [{}, {"expected_minutes": 0}, {"expected_minutes": 1e9}, {"x": 1}])
def test_a_wrong_rhythm_names_its_field(sender: Api, body: dict[str, Any]):
    answer = sender.http.put("/v1/feeds/one-stop", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in ("expected_minutes", "x")


def test_a_source_nobody_knows_is_not_found(sender: Api):
    answer = sender.http.put("/v1/feeds/nobody", json={"expected_minutes": 5})
    assert answer.status_code == 404
    assert sender.http.delete("/v1/feeds/nobody").status_code == 404


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_a_source_of_two_offices_is_changed_by_neither_alone(
    sender: Api, api: Callable[..., Api], sessions: Sessions
):
    with sessions.begin() as session:
        publish(session, changes.office(FOREIGN), "test", NOW)
    beat(sender, BRANCH)
    api("foreign", office_code="Z01")
    with sessions.begin() as session:
        session.execute(
            update(client).where(client.c.client_id == "foreign").values(source="one-stop")
        )

    answer = sender.http.put("/v1/feeds/one-stop", json={"expected_minutes": 5})

    assert answer.status_code == 409
    assert of_branch(sender)["expected_minutes"] is None


def test_who_speaks_for_branches_only_keeps_no_rhythm(api: Callable[..., Api], sender: Api):
    beat(sender, BRANCH)
    branch = api("branch", branches=[BRANCH])
    reader = api("reader", rights=[Right.READ])

    for http in (branch.http, reader.http):
        put = http.put("/v1/feeds/one-stop", json={"expected_minutes": 5})
        assert put.status_code == 403
        assert http.delete("/v1/feeds/one-stop").status_code == 403
    assert reader.http.get("/v1/feeds").status_code == 200


def test_a_forgotten_source_is_back_when_it_speaks(sender: Api):
    beat(sender, BRANCH, OTHER)

    gone = sender.http.delete("/v1/feeds/one-stop", params={"branch": BRANCH})

    assert gone.status_code == 204
    assert of_branch(sender)["source"] is None
    beat(sender, BRANCH)
    assert of_branch(sender)["source"] == "one-stop"


def test_readiness_counts_the_silent_and_names_nobody(sender: Api, clock: Clock):
    branches = len(sender.get("/v1/branches")["items"])
    beat(sender, BRANCH, OTHER)

    def ready() -> dict[str, Any]:
        answer = sender.http.get("/readyz", headers={"Authorization": ""})
        assert BRANCH not in answer.text
        assert "one-stop" not in answer.text
        return dict(answer.json())

    at_once = ready()
    clock.now = vn("2026-11-27 08:00")
    later = ready()

    assert (at_once["branches_heard"], at_once["branches_silent"]) == (2, branches - 2)
    assert (later["branches_silent"], later["feeds_silent"]) == (branches, branches)


def test_metrics_show_the_feeds_of_ones_branches(
    sender: Api, api: Callable[..., Api], clock: Clock
):
    sender.batch([record(1, status=5)])
    beat(sender, BRANCH, OTHER)
    sender.http.put("/v1/pulls/asked", json={"url": "http://x/", "shape": {"kind": "cursor"}})
    clock.now = vn("2026-11-27 08:00")
    whole = api("whole").http.get("/metrics").text
    mine = api("mine", branches=[OTHER]).http.get("/metrics").text

    assert f'dunghan_feed_silent{{branch="{BRANCH}",source="one-stop"}} 1.0' in whole
    assert f'dunghan_quarantine_open{{branch="{BRANCH}"}} 1.0' in whole
    assert 'dunghan_pull_failures{source="asked"} 0.0' in whole
    assert f'dunghan_feed_silent{{branch="{OTHER}",source="one-stop"}} 1.0' in mine
    assert BRANCH not in mine
    assert "asked" not in mine
