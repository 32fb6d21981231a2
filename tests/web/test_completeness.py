"""Whether a day came whole: both sides work out the same, and what never came shows."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.wire import BRANCH, OTHER, Api, finished, record

DAY = "2026-11-16"
OFFICE = "H20.16-261116-"  # an agency whose numbers go to several branches
GUIDE = Path(__file__).parents[2] / "docs/history.md"


def put(number: int, branch: str = BRANCH, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return record(1, code=f"{OFFICE}{number:04}", branch=branch) | changes


def asked(api: Api, **about: object) -> Any:  # noqa: ANN401 JSON
    """The one row of a day."""
    (row,) = api.get("/v1/completeness", **({"day": DAY} | about))["rows"]
    return row


# ----------------------------------------------------------------------------- counts and digest


def test_a_day_is_counted_by_state_and_by_source(sender: Api, api: Callable[..., Api]):
    sender.batch([record(1), record(2, procedure="9.999999"), finished(3, "2026-11-18")])
    sender.batch([record(4, received_at="2026-11-17T00:00:00+07:00",
                         updated_at="2026-11-17T00:00:00+07:00")])  # fmt: skip
    api("kiosk").batch([record(5, received_at="2026-11-16T00:00:00+07:00")])

    row = asked(sender)

    assert row["dossiers"] == 4
    assert row["by_state"] == {"running": 2, "no_limit": 1, "finished": 1}
    assert [(one["source"], one["dossiers"]) for one in row["by_source"]] == [
        ("kiosk", 1),
        ("one-stop", 3),
    ]
    assert asked(sender, branch=OTHER)["dossiers"] == 0


def test_the_example_of_the_guide_works_out_our_digest(sender: Api, api: Callable[..., Api]):
    """The very code that the guide shows, run on what was sent."""
    mine = [
        record(1, updated_at="2026-11-16T08:10:05.123999+07:00"),
        record(12, updated_at="2026-11-18T23:59:59-05:00"),
        record(2),
        put(7),
    ]
    sender.batch(mine)
    api("kiosk").batch([record(5)])
    (example,) = re.findall(r"```python\n(.*?digest.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 our own guide

    row = asked(sender)

    told = {one["source"]: one["digest"] for one in row["by_source"]}
    assert names["digest"](mine) == told["one-stop"]
    assert names["digest"]([record(5)]) == told["kiosk"]
    assert names["digest"]([*mine, record(5)]) == row["digest"]
    assert names["digest"]([]) == asked(sender, day="2026-11-17")["digest"]


def test_one_dossier_more_or_one_stamp_newer_is_another_digest(sender: Api):
    seen = {asked(sender)["digest"]}
    for one in (record(1), record(2), record(2, updated_at="2026-11-16T08:10:05.500+07:00")):
        sender.put(one)
        seen.add(asked(sender)["digest"])

    assert len(seen) == 4


def test_the_digest_is_over_lines_anyone_can_write(sender: Api):
    sender.batch([record(2), record(1)])

    lines = "".join(f"{BRANCH}-261116-{number:04} 2026-11-16T01:10:05.000Z\n" for number in (1, 2))
    assert asked(sender)["digest"] == hashlib.sha256(lines.encode()).hexdigest()


# ------------------------------------------------------------------------------------------- gaps


def series(row: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {f"{one['agency']} {one['owner'] or ''}".strip(): one for one in row["series"]}


def test_numbers_that_never_came_show(sender: Api):
    sender.batch([put(number) for number in (3, 4, 8, 12)])

    row = asked(sender)

    (told,) = row["series"]
    assert told == {
        "agency": "H20.16", "owner": None, "first": 3, "last": 12, "held": 4,
        "missing_total": 8, "missing": ["0001–0002", "0005–0007", "0009–0011"],
        "in_quarantine": [], "outside": 0, "cut": False,
    }  # fmt: skip
    assert row["missing_total"] == 8


def test_a_number_in_quarantine_is_not_missing(sender: Api):
    sender.batch([put(1), put(2, status=5), put(4), put(5, branch="H20.16.99")])

    row = asked(sender)

    (told,) = row["series"]
    assert (told["missing"], told["in_quarantine"]) == (["0003"], ["0002", "0005"])
    assert (row["quarantined"], told["last"], told["held"]) == (2, 5, 2)


def test_a_mended_one_is_held_and_a_discarded_one_is_missing(sender: Api):
    sender.batch([put(1, status=5), put(2, status=5), put(3)])
    sender.put(put(1, updated_at="2026-11-16T09:00:00+07:00"))
    waiting = sender.get("/v1/quarantine")["items"]
    sender.http.post(f"/v1/quarantine/{waiting[0]['id']}/discard", json={"reason": "typed twice"})

    (told,) = asked(sender)["series"]

    assert (told["held"], told["missing"], told["in_quarantine"]) == (2, ["0002"], [])


def test_an_agency_of_which_everything_was_refused_shows(sender: Api):
    sender.batch([put(2, status=5)])

    row = asked(sender)

    assert (row["dossiers"], row["quarantined"]) == (0, 1)
    assert row["series"][0]["in_quarantine"] == ["0002"]
    assert row["series"][0]["missing"] == ["0001"]


def test_series_of_several_agencies_and_owners_are_apart(sender: Api):
    codes = ("H20.16-261116-0002", "H20.17-261116-0001", "H20.16-261116-070003",
             "H20.16-261116-AB0001", "000.00.16.H20-261116-0001")  # fmt: skip
    sender.batch([record(1, code=one) for one in codes])

    told = series(asked(sender))

    assert {name: one["missing"] for name, one in told.items()} == {
        "H20.16": ["0001"], "H20.17": [], "H20.16 07": ["0001–0002"], "H20.16 AB": [],
        "000.00.16.H20": [],
    }  # fmt: skip


def test_a_number_that_some_system_made_up_makes_no_gap(sender: Api):
    sender.batch([put(1), put(2), record(1, code=f"{OFFICE}48213")])

    (told,) = asked(sender)["series"]

    assert (told["missing"], told["outside"], told["held"], told["last"]) == ([], 1, 3, 2)


def test_beyond_9999_numbers_go_on(sender: Api):
    sender.batch([put(9999), put(10001)])

    (told,) = asked(sender)["series"]

    assert told["missing"] == ["0001–9998", "10000"]
    assert (told["outside"], told["last"]) == (0, 10001)


def test_very_many_gaps_are_cut_and_counted(sender: Api):
    sender.batch([put(number) for number in range(2, 240, 2)])

    (told,) = asked(sender)["series"]

    assert (len(told["missing"]), told["missing_total"], told["cut"]) == (50, 119, True)


def test_a_code_of_another_day_is_counted_as_a_sign_of_entering_again(sender: Api):
    sender.batch([put(1), record(1, code="H20.16-261110-0005")])

    row = asked(sender)

    assert (row["dossiers"], row["code_of_another_day"]) == (2, 1)
    assert [one["agency"] for one in row["series"]] == ["H20.16"]
    assert asked(sender, day="2026-11-10")["series"] == []  # nothing was received that day


def test_a_dossier_received_on_another_day_still_holds_its_number(sender: Api):
    late = {"received_at": "2026-11-17T08:00:00+07:00", "updated_at": "2026-11-17T09:00:00+07:00"}
    sender.batch([put(1), put(2, **late), put(3)])

    (told,) = asked(sender)["series"]

    assert told["missing"] == []


def test_a_range_has_a_row_a_day(sender: Api):
    sender.batch([put(1), put(3)])

    told = sender.get("/v1/completeness", **{"from": "2026-11-15", "to": "2026-11-17"})

    assert [(row["day"], row["dossiers"], row["missing_total"]) for row in told["rows"]] == [
        ("2026-11-15", 0, 0),
        ("2026-11-16", 2, 1),
        ("2026-11-17", 0, 0),
    ]
    assert told["totals"] == {
        "dossiers": 2, "code_of_another_day": 0, "quarantined": 0, "missing_total": 1,
    }  # fmt: skip
    assert all("series" not in row for row in told["rows"])


def test_without_a_day_it_is_today(sender: Api):
    assert [row["day"] for row in sender.get("/v1/completeness")["rows"]] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("day=2026-11-16&from=2026-11-16", "day"),
        ("from=2026-11-16&to=2026-11-15", "to"),
        ("from=2026-10-01&to=2026-11-01", "to"),
        ("day=0001-01-01", "day"),
        ("day=9999-12-31", "day"),
        ("from=9999-12-31", "from"),
        ("day=hôm nay", "day"),
    ],
)
def test_a_bad_question_names_the_field(sender: Api, query: str, field: str):
    answer = sender.http.get(f"/v1/completeness?{query}")

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_31_days_are_not_too_many(sender: Api):
    told = sender.get("/v1/completeness", **{"from": "2026-10-01", "to": "2026-10-31"})

    assert len(told["rows"]) == 31


# ------------------------------------------------------------------------------------------ scope


def test_what_another_branch_holds_is_not_missing_and_not_told(
    sender: Api, api: Callable[..., Api]
):
    sender.batch([put(1), put(2, branch=OTHER), put(3, branch=OTHER, status=5), put(5),
                  put(6, branch=OTHER)])  # fmt: skip

    ours = asked(api("ours", branches=[BRANCH]))

    (told,) = ours["series"]
    assert (ours["dossiers"], ours["quarantined"], told["held"]) == (2, 0, 2)
    assert (told["missing"], told["in_quarantine"], told["last"]) == (["0004"], [], 5)
    assert ours == asked(sender, branch=BRANCH)
    assert OTHER not in str(ours)


def test_another_branch_of_an_agency_of_its_own_sees_nothing(sender: Api, api: Callable[..., Api]):
    others = api("others", branches=[OTHER])
    before = asked(others)

    sender.batch([record(1), record(3), record(5, status=5)])

    assert asked(others) == before
    assert others.http.get(f"/v1/completeness?branch={BRANCH}").status_code == 404
