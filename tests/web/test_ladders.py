"""Ladders: published by an office, they move the moments of its open dossiers."""

from typing import Any

import pytest
from sqlalchemy import select

from app.core.ladder import DEFAULT, Level
from app.db.engine import Sessions
from app.db.tables import watch
from tests.jobs.rows import vn
from tests.web.wire import Api, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")

FEW: list[dict[str, Any]] = [
    {"level": "due_soon", "tell": ["branch"], "at_once": True, "working_days": 3},
    {"level": "apology_due", "tell": ["branch"], "at_once": True, "working_days": 1},
    {"level": "overdue", "tell": ["office", "branch"], "at_once": False},
]


def moments(sessions: Sessions) -> dict[int, Any]:
    with sessions() as session:
        (row,) = session.execute(select(watch)).mappings()
    return dict(zip(row["levels"], row["moments"], strict=True))


def put(sender: Api, rungs: list[dict[str, Any]], group: str = "all") -> Any:  # noqa: ANN401 a response
    return sender.http.put(f"/v1/ladders/{group}", json={"rungs": rungs})


def test_the_first_ladder_is_everybodys(sender: Api):
    (first,) = sender.get("/v1/ladders")["items"]

    assert (first["office"], first["group"]) == (None, None)
    assert [rung["level"] for rung in first["rungs"]] == [rung.level.word for rung in DEFAULT]


def test_a_ladder_of_the_office_moves_what_is_watched_and_no_due_date(
    sender: Api, sessions: Sessions
):
    sender.batch([record(1)])
    before = sender.get(f"/v1/dossiers/{record(1)['code']}")

    told = put(sender, FEW)

    assert told.status_code == 200
    assert told.json()["changed"] is True
    held = moments(sessions)
    assert list(held) == [Level.DUE_SOON, Level.APOLOGY_DUE, Level.OVERDUE]
    assert held[Level.DUE_SOON] == vn("2026-11-23 07:00")  # due on the 27th; the 24th is off
    assert sender.get(f"/v1/dossiers/{record(1)['code']}") == before
    assert put(sender, FEW).json()["changed"] is False


def test_a_group_of_procedures_may_have_its_own_and_give_it_back(sender: Api, sessions: Sessions):
    sender.batch([record(1)])
    first = moments(sessions)
    group = next(
        one["group"]
        for one in sender.get("/v1/procedures")["items"]
        if one["code"] == record(1)["procedure"]
    )

    assert put(sender, FEW, group).status_code == 200
    assert len(moments(sessions)) == 3
    named = [one["group"] for one in sender.get("/v1/ladders")["items"]]
    assert named == [None, group]

    assert sender.http.delete(f"/v1/ladders/{group}").status_code == 200
    assert moments(sessions) == first
    assert sender.http.delete(f"/v1/ladders/{group}").json()["changed"] is False


@pytest.mark.parametrize(
    ("rungs", "field"),
    [
        ([], "rungs"),
        (FEW[:2], "rungs"),
        ([*FEW, FEW[0]], "rungs.due_soon"),
        ([{**FEW[0], "working_days": 1}, *FEW[1:]], "rungs.apology_due.working_days"),
        ([{**FEW[0], "working_days": None}, *FEW[1:]], "rungs"),
        ([{**FEW[0], "days": 3}, *FEW[1:]], "rungs"),
        ([{**FEW[0], "tell": []}, *FEW[1:]], "tell"),
        ([{**FEW[0], "tell": ["mayor"]}, *FEW[1:]], "tell"),
        ([{**FEW[0], "level": "soon"}, *FEW[1:]], "rungs"),
    ],
)
def test_a_ladder_that_cannot_be_one_is_refused_with_its_field(
    sender: Api, rungs: list[dict[str, Any]], field: str
):
    told = put(sender, rungs)

    assert told.status_code == 422
    assert field in told.text


def test_an_unknown_group_and_what_is_of_no_procedure(sender: Api):
    unknown = put(sender, FEW, "nonsense")
    assert unknown.status_code == 422
    assert "transfer" in unknown.text
    silent = {"level": "feed_silent", "tell": ["office"], "at_once": True}
    assert put(sender, [*FEW, silent], "transfer").status_code == 422
    assert put(sender, [*FEW, silent]).status_code == 200
