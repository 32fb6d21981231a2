"""Ranks of sources, and where they do not agree, over HTTP."""

from collections.abc import Callable

import pytest

from app.service.access import Right
from tests.web.wire import BRANCH, OTHER, Api, code, record

DIFFERENT = {"promised_at": "2026-11-30T17:00:00+07:00", "commune": "29926"}


@pytest.fixture
def land(sender: Api, api: Callable[..., Api]) -> Api:
    """A second source; the one-stop-shop is ranked before it."""
    sender.http.put("/v1/sources/one-stop", json={"name": "Một cửa", "rank": 10})
    return api("land")


def test_what_differs_is_listed_and_the_dossier_names_its_witnesses(sender: Api, land: Api):
    sender.batch([record(1, commune="29927"), record(2)])
    land.batch([record(1, **DIFFERENT), record(2)])

    told = sender.get("/v1/divergences")
    page = sender.get("/v1/divergences", limit=1)
    rest = sender.get("/v1/divergences", limit=1, cursor=page["next"])

    assert [(one["field"], one["held"], one["told"]) for one in told["items"]] == [
        ("commune", "29927", "29926"),
        ("promised_at", "2026-11-27", "2026-11-30"),
    ]
    assert page["items"] + rest["items"] == told["items"]
    assert (told["next"], rest["next"]) == (None, None)
    assert sender.get("/v1/divergences", branch=BRANCH) == told
    shown = sender.get(f"/v1/dossiers/{code(1)}")
    assert [one["source"] for one in shown["witnesses"]] == ["land", shown["source"]]
    assert shown["promised_at"].startswith("2026-11-27")


def test_another_rank_makes_another_record(sender: Api, land: Api):
    sender.batch([record(1), record(2)])
    land.batch([record(1, **DIFFERENT)])
    told = sender.http.put("/v1/sources/land", json={"name": "VBDLIS", "rank": 5})

    assert told.json() == {"code": "land", "name": "VBDLIS", "rank": 5, "dossiers": 1}
    assert sender.get(f"/v1/dossiers/{code(1)}")["promised_at"].startswith("2026-11-30")
    assert next(one["code"] for one in sender.get("/v1/sources")["items"]) == "land"
    (first, *_) = sender.get("/v1/divergences")["items"]
    assert first["source"] != "land"


def test_who_may_not_rank(api: Callable[..., Api]):
    some = api("some", branches=[OTHER])
    plain = api("plain", rights=[Right.INTAKE, Right.READ, Right.CATALOGUE])
    body = {"name": "x", "rank": 1}

    assert plain.http.put("/v1/sources/land", json=body).status_code == 403
    assert some.http.put("/v1/sources/land", json=body).status_code == 403


def test_a_new_secret_leaves_the_rank(sender: Api, land: Api, api: Callable[..., Api]):
    sender.http.put("/v1/sources/land", json={"name": "VBDLIS", "rank": 5})

    api("land")

    assert {"code": "land", "name": "land", "rank": 5} in sender.get("/v1/sources")["items"]
    assert land is not None


def test_a_wrong_rank_is_named(sender: Api):
    answer = sender.http.put("/v1/sources/land", json={"name": "x", "rank": -1})

    assert answer.status_code == 422
    assert "rank" in answer.text
