"""The difference between the yardsticks, and index 766, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.wire import BRANCH, OTHER, Api, Record, code, finished, record

REASONS = "/v1/reports/yardstick-reasons"
DOSSIERS = "/v1/reports/yardsticks/dossiers"
PERIOD = "2026-11"
EARLIER = {"received_at": "2026-11-02T08:10:00+07:00", "promised_at": "2026-11-18T17:00:00+07:00"}


def late(number: int, **changes: Any) -> Record:  # noqa: ANN401 JSON
    """Due by law on Thursday 12 November, promised for the 18th, finished on the 16th."""
    return finished(number, "2026-11-16", **(EARLIER | changes))


@pytest.fixture
def filled(sender: Api) -> Api:
    """Five late by law and on time by the form, one withdrawn, one on time by all."""
    withdrawn = record(
        6,
        **EARLIER,
        status=7,
        ended_at="2026-11-10T09:00:00+07:00",
        updated_at="2026-11-10T09:00:05+07:00",
    )
    told = sender.batch(
        [*(late(number) for number in range(1, 6)), withdrawn, finished(7, "2026-11-18")]
    )
    assert told["created"] == 7
    return sender


def line(rows: list[Any], yardstick: str, branch: str | None = None) -> Any:  # noqa: ANN401 JSON
    return next(
        row for row in rows if row.get("yardstick") == yardstick and row["branch"] == branch
    )


def test_three_yardsticks_stand_side_by_side(filled: Api):
    told = filled.get("/v1/reports/yardsticks", period=PERIOD)

    rows = told["rows"]
    legal, form = line(rows, "legal"), line(rows, "form")
    assert (legal["numerator"], legal["denominator"], legal["no_verdict"]) == (1, 6, 1)
    assert (form["numerator"], form["denominator"], form["rate"]) == (7, 7, 1.0)
    assert line(rows, "index766")["rate"] == 1.0
    assert line(rows, "legal", BRANCH)["late"] == 5
    assert line(rows, "legal", OTHER)["rate"] is None  # no data, which is not 100 %
    office = rows[0]
    assert (office["in_hand"], office["legal_form"], office["form_index766"]) == (7, 6, 0)
    assert told["period"]["name"] == PERIOD


def test_each_reason_is_counted_with_its_dossiers_behind_it(filled: Api):
    rows = filled.get(REASONS, period=PERIOD)["rows"]

    counted = {
        (row["between"], row["reason"]): row["differ"]
        for row in rows
        if "between" in row and "reason" in row
    }
    assert counted["legal,form", "promise_longer"] == 5
    assert counted["legal,form", "withdrawal_not_counted"] == 1
    for (between, reason), n in counted.items():
        told = filled.get(DOSSIERS, period=PERIOD, between=between, reason=reason)
        assert len(told["items"]) == n
    assert rows[-1]["reason"] == "not_handed_over"
    assert rows[-1]["dossiers"] == 6
    behind = filled.get(DOSSIERS, period=PERIOD, reason="not_handed_over")["items"]
    assert [one["code"] for one in behind] == [*map(code, range(1, 6)), code(7)]


def test_the_dossiers_come_page_by_page_by_code(filled: Api):
    asked = {"period": PERIOD, "between": "form, legal", "limit": 2}
    codes: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        told = filled.get(DOSSIERS, **asked, **cursor)
        assert len(told["items"]) <= 2
        codes += [one["code"] for one in told["items"]]
        if told["next"] is None:
            break
        cursor = {"cursor": told["next"]}

    assert codes == [code(number) for number in range(1, 7)]
    assert told["between"] == ["legal", "form"]


def test_a_dossier_is_told_by_its_code_and_days_and_never_by_a_name(filled: Api):
    told = filled.get(DOSSIERS, period=PERIOD, between="legal,form", reason="promise_longer")

    assert told["items"][0] == {
        "code": code(1),
        "branch": BRANCH,
        "legal": "late",
        "form": "early",
        "index766": "early",
        "difference": "second_in_time",
        "reasons": [
            {
                "reason": "promise_longer",
                "text": "The day promised is later than the day by law",
            }
        ],
        "received_on": "2026-11-02",
        "ended_on": "2026-11-16",
        "legal_due_on": "2026-11-12",
        "form_due_on": "2026-11-18",
        "index766_due_on": "2026-11-18",
        "index766_end_on": "2026-11-16",
    }


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "between"),
        ({"between": "legal"}, "between"),
        ({"between": "legal,legal"}, "between"),
        ({"between": "legal,par"}, "between"),
        ({"between": "legal,form", "cursor": "x"}, "cursor"),
        ({"between": "legal,form", "cursor": "AAAA"}, "cursor"),
        ({"between": "legal,form", "reason": "whim"}, "reason"),
        ({"between": "legal,form", "difference": "none"}, "difference"),
        ({"between": "legal,form", "limit": "501"}, "limit"),
    ],
)
def test_a_question_that_makes_no_sense_names_its_field(
    sender: Api, asked: dict[str, str], field: str
):
    answer = sender.http.get(DOSSIERS, params={"period": PERIOD} | asked)

    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]


def test_a_reader_of_another_branch_sees_nothing_of_it(filled: Api, api: Callable[..., Api]):
    assert filled.get(DOSSIERS, period=PERIOD, between="legal,form")["items"]
    other = api("other", branches=[OTHER])

    for reason in ({"between": "legal,form"}, {"reason": "not_handed_over"}):
        assert other.get(DOSSIERS, period=PERIOD, **reason)["items"] == []
    rows = other.get("/v1/reports/yardsticks", period=PERIOD)["rows"]
    assert {row["branch"] for row in rows} <= {None, OTHER}
    assert rows[0]["in_hand"] == 0
    assert (
        other.http.get(DOSSIERS, params={"between": "legal,form", "branch": BRANCH}).status_code
        == 404
    )
    figures = other.get("/v1/reports/index-766", period=PERIOD, by="branch")["rows"]
    assert {row["denominator"] for row in figures if row["level"]} == {0}


def criterion(rows: list[Any], name: str, branch: str | None = None) -> Any:  # noqa: ANN401 JSON
    return next(row for row in rows if row.get("criterion") == name and row["branch"] == branch)


def test_index_766_gives_twenty_times_the_rate(filled: Api):
    twice = [
        {
            "reason": "supplement",
            "from": f"2026-11-{on}T09:00:00+07:00",
            "until": f"2026-11-{on + 1}T09:00:00+07:00",
        }
        for on in (17, 19)
    ]
    answer = filled.put(record(8, suspensions=twice, updated_at="2026-11-20T09:00:05+07:00"))
    assert answer.status_code == 201

    told = filled.get("/v1/reports/index-766", period=PERIOD)
    row = criterion(told["rows"], "2.1")
    assert (row["numerator"], row["denominator"]) == (7, 8)
    assert row["points"] == pytest.approx(17.5)
    assert any("population=in_hand" in note for note in told["notes"])
    ended = filled.get("/v1/reports/index-766", period=PERIOD, population="ended")["rows"]
    assert criterion(ended, "2.1")["denominator"] == 7
    assert criterion(told["rows"], "2.2")["denominator"] == 7


def test_points_no_text_prints_for_sure_are_empty_until_they_are_given(filled: Api):
    filled.put(record(9, channel="online", online_payment=True))
    rows = filled.get("/v1/reports/index-766", period=PERIOD)["rows"]
    assert criterion(rows, "online")["rate"] == pytest.approx(1 / 8)
    assert criterion(rows, "online")["points"] is None
    assert criterion(rows, "payment") | {"name": "", "formula": ""} == {
        "level": 1,
        "criterion": "payment",
        "branch": None,
        "name": "",
        "formula": "",
        "numerator": 1,
        "denominator": 1,
        "left_out": 7,
        "rate": 1.0,
        "threshold": None,
        "max_points": None,
        "points": None,
    }

    given = filled.get(
        "/v1/reports/index-766",
        period=PERIOD,
        online_points=6,
        online_threshold=0.5,
        payment_points=2,
        par_points=4,
    )["rows"]
    assert criterion(given, "online")["points"] == pytest.approx(1.5)
    assert criterion(given, "payment")["points"] == pytest.approx(2)
    assert criterion(given, "par")["points"] == pytest.approx(4)


def test_of_nothing_there_is_no_rate_and_there_are_no_points(sender: Api):
    rows = sender.get("/v1/reports/index-766", period="2026-01", by="branch", online_points=6)[
        "rows"
    ]

    assert {row["rate"] for row in rows if "rate" in row} == {None}
    assert {row["points"] for row in rows if "points" in row} == {None}
    assert {row["average"] for row in rows if "average" in row} == {None}
    assert len([row for row in rows if row["level"] == 0]) == 11
