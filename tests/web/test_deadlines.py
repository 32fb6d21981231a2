"""The calculator: every worked example through the API, and every wrong question answered."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.service.simulated import CATALOGUE
from tests.web.wire import Api

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "core/cases/due_dates.json").read_text(encoding="utf-8")
)["cases"]
OFFICIAL: dict[str, Any] = json.loads((CATALOGUE / "calendar_vn.json").read_text(encoding="utf-8"))
INLINE = {
    "zone": OFFICIAL["zone"],
    "week": OFFICIAL["week"],
    "days_off": [day["date"] for day in OFFICIAL["days"] if day["kind"] == "off"],
    "worked": [day["date"] for day in OFFICIAL["days"] if day["kind"] == "work"],
}
ASKED = {"received_at", "limit", "stages", "cutoff", "supplement", "suspensions"}

AT = "2026-04-16T09:00:00+07:00"
EIGHT = {"quantity": 8, "unit": "working_days"}
WEEK = {
    day: [["07:00", "11:30"], ["13:30", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
}


def ask(api: Api, **body: Any) -> Any:  # noqa: ANN401 JSON
    answer = api.http.post("/v1/deadlines", json={"received_at": AT} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fields(api: Api, body: Any) -> list[str]:  # noqa: ANN401 JSON
    """The fields a refused question names."""
    answer = api.http.post(
        "/v1/deadlines", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(error["detail"] for error in answer.json()["errors"])
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("inline", [False, True], ids=["official", "inline"])
def test_every_worked_example_is_answered(sender: Api, inline: bool):  # noqa: FBT001
    wrong = []
    for case in CASES:
        body = {name: held for name, held in case.items() if name in ASKED}
        told = ask(sender, **body, **({"calendar": INLINE} if inline else {}))
        expected = {
            "expected_due_on": told["due_on"],
            "expected_stage_due_on": [stage["due_on"] for stage in told["stages"]],
        }
        for name, found in expected.items():
            if name in case and case[name] != found:
                wrong.append((case["id"], name, case[name], found))
        if "expected_due_at" in case:
            at = datetime.fromisoformat(case["expected_due_at"])
            if told["due_at"] is None or datetime.fromisoformat(told["due_at"]) != at:
                wrong.append((case["id"], "due_at", case["expected_due_at"], told["due_at"]))

    assert len(CASES) > 35
    assert wrong == []


def test_the_trace_tells_each_day_with_its_ground(sender: Api):
    told = ask(sender, limit=EIGHT, calendar=INLINE)

    assert told["due_on"] == "2026-04-29"
    assert told["due_at"] == "2026-04-30T00:00:00+07:00"
    assert [line["on"] for line in told["trace"]][:2] == ["2026-04-16", "2026-04-17"]
    assert all({"on", "counted", "why", "ground"} <= line.keys() for line in told["trace"])
    assert [line["counted"] for line in told["trace"] if line["counted"]] == list(range(1, 9))
    assert told["stages"] == [
        {"stage": 1, "due_on": told["due_on"], "due_at": told["due_at"]},
    ]
    assert told["remaining"]["late"] is True


def test_the_example_of_the_contract_is_answered(sender: Api):
    calendar = {
        "zone": "Asia/Ho_Chi_Minh",
        "week": {"mon": [["07:00", "11:30"], ["13:30", "17:00"]], "tue": []},
        "days_off": ["2026-04-30"],
        "overrides": {"2026-01-10": [["07:00", "11:30"]]},
    }
    stop = {
        "reason": "supplement",
        "from": "2026-04-24T15:00:00+07:00",
        "until": "2026-04-29T10:00:00+07:00",
    }

    told = ask(
        sender, limit=EIGHT, cutoff=None, supplement="resume", suspensions=[stop], calendar=calendar
    )

    assert told["due_on"] == "2026-06-15"  # Mondays only; 27 April falls into the suspension


def test_a_duration_counts_working_time(sender: Api):
    told = ask(sender, limit={"duration": "PT20M"}, received_at="2026-04-16T11:20:00+07:00")

    assert datetime.fromisoformat(told["due_at"]) == datetime.fromisoformat(
        "2026-04-16T13:40:00+07:00"
    )
    same = ask(sender, limit={"duration": "PT20M", "unit": "working_hours"})
    assert same["due_at"] == "2026-04-16T09:20:00+07:00"


def test_a_procedure_is_looked_up_with_its_ground(sender: Api):
    told = ask(sender, procedure="1.012790.H20", branch="H20.16.03")

    assert (told["procedure"], told["limit"]["quantity"]) == ("1.012790", 8)
    assert told["due_on"] == "2026-04-29"
    assert told["ground"]
    staged = ask(sender, procedure="1.013831", case="default")
    assert [stage["limit"]["quantity"] for stage in staged["stages"]] == [5, 3]
    difficult = ask(sender, procedure="1.013831", case="default", commune="29926")
    assert difficult["difficult"] is True


def test_between_two_stages_nothing_is_due(sender: Api):
    stages = [EIGHT | {"ended_at": "2026-04-20T09:00:00+07:00"}, EIGHT]

    told = ask(sender, stages=stages)

    assert (told["waiting"], told["due_on"], told["due_at"]) == (True, None, None)


def test_an_open_suspension_has_no_due_date(sender: Api):
    stop = {"reason": "force_majeure", "from": "2026-04-17T09:00:00+07:00"}

    told = ask(sender, limit=EIGHT, suspensions=[stop])

    assert (told["due_on"], told["due_at"], told["remaining"]) == (None, None, None)
    assert told["suspended_since"] == "2026-04-17T09:00:00+07:00"


def with_calendar(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {"received_at": AT, "limit": EIGHT, "calendar": {"week": WEEK} | changes}


def with_limit(**limit: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {"received_at": AT, "limit": limit}


def stopped(since: str, until: str | None = None) -> dict[str, Any]:
    stop = {"reason": "supplement", "from": since, "until": until}
    return {"received_at": AT, "limit": EIGHT, "suspensions": [stop]}


WRONG: dict[str, tuple[Any, str]] = {
    "overlapping intervals": (
        with_calendar(week={"mon": [["07:00", "11:30"], ["11:00", "17:00"]]}),
        "calendar.week.mon",
    ),
    "over midnight": (with_calendar(week={"mon": [["22:00", "02:00"]]}), "calendar.week.mon"),
    "an empty interval": (with_calendar(week={"mon": [["07:00", "07:00"]]}), "calendar.week.mon"),
    "no time of day": (with_calendar(week={"mon": [["7h", "11h30"]]}), "calendar.week.mon"),
    "half an interval": (with_calendar(week={"mon": [["07:00"]]}), "calendar.week.mon.0.1"),
    "an unknown day": (with_calendar(week={"moon": [["07:00", "11:30"]]}), "calendar.week.moon"),
    "overlap on one date": (
        with_calendar(overrides={"2026-04-17": [["07:00", "12:00"], ["11:00", "17:00"]]}),
        "calendar.overrides.2026-04-17",
    ),
    "off and worked the same day": (
        with_calendar(days_off=["2026-04-18"], worked=["2026-04-18"]),
        "calendar.days",
    ),
    "no working time": (with_calendar(week={}), "calendar.week"),
    "an unknown zone": (with_calendar(zone="Asia/Hà_Nội"), "calendar.zone"),
    "a zone that is a folder": (with_calendar(zone="Asia"), "calendar.zone"),
    "a zone that is a path": (with_calendar(zone="../../etc/passwd"), "calendar.zone"),
    "a zone with a NUL": (with_calendar(zone="\0"), "calendar.zone"),
    "a zone too long": (with_calendar(zone="a" * 5_000), "calendar.zone"),
    "no date": (with_calendar(days_off=["30/4/2026"]), "calendar.days_off.0"),
    "no calendar": ({"received_at": AT, "limit": EIGHT, "calendar": []}, "calendar"),
    "less than nothing": (with_limit(quantity=-1, unit="working_days"), "limit.quantity"),
    "a thousand million": (with_limit(quantity=10**9, unit="working_days"), "limit.quantity"),
    "a huge figure": (with_limit(quantity=10**400, unit="working_days"), "limit.quantity"),
    "no number": (with_limit(quantity="tám", unit="working_days"), "limit.quantity"),
    "not a number": (with_limit(quantity=float("nan"), unit="working_days"), "limit.quantity"),
    "infinity": (with_limit(quantity=float("inf"), unit="working_days"), "limit.quantity"),
    "an unknown unit": (with_limit(quantity=8, unit="weeks"), "limit.unit"),
    "no unit": (with_limit(quantity=8), "limit"),
    "a duration of days": (with_limit(duration="PT20M", unit="working_days"), "limit"),
    "a duration backwards": (with_limit(duration="-PT20M"), "limit.duration"),
    "a duration of an age": (with_limit(duration="P999999999D"), "limit.duration"),
    "a cut-off abroad": (
        with_limit(quantity=8, unit="working_days", cutoff="15:00+07:00"),
        "limit.cutoff",
    ),
    "a stage of less than nothing": (
        {"received_at": AT, "stages": [EIGHT, EIGHT | {"quantity": -1}]},
        "stages[1].quantity",
    ),
    "no stage": ({"received_at": AT, "stages": []}, "stages"),
    "a naive time": ({"received_at": "2026-04-16T09:00:00", "limit": EIGHT}, "received_at"),
    "a naive suspension": (stopped("2026-04-17T09:00:00"), "suspensions.0.from"),
    "the year 1": ({"received_at": "0001-01-01T00:00:00Z", "limit": EIGHT}, "received_at"),
    "the year 9999": ({"received_at": "9999-12-31T23:59:59Z", "limit": EIGHT}, "received_at"),
    "a suspension of 9999": (stopped("9999-12-31T23:59:59Z"), "suspensions.0.from"),
    "a suspension until 9999": (stopped(AT, "9999-12-31T23:59:59Z"), "suspensions.0.until"),
    "a suspension of the year 1": (stopped("0001-01-01T00:00:00+14:00"), "suspensions.0.from"),
    "a suspension backwards": (
        stopped("2026-04-20T09:00:00+07:00", "2026-04-17T09:00:00+07:00"),
        "suspensions[0].until",
    ),
    "an unknown reason": (
        {
            "received_at": AT,
            "limit": EIGHT,
            "suspensions": [{"reason": "lunch", "from": AT}],
        },
        "suspensions.0.reason",
    ),
    "both limit and stages": ({"received_at": AT, "limit": EIGHT, "stages": [EIGHT]}, ""),
    "neither": ({"received_at": AT}, ""),
    "an unknown field": ({"received_at": AT, "limit": EIGHT, "hạn": 8}, "hạn"),
    "an unknown procedure": ({"received_at": AT, "procedure": "9.999999"}, "procedure"),
    "an unknown case": (
        {"received_at": AT, "procedure": "1.012790", "case": "x"},
        "case",
    ),
    "an unknown commune": (
        {"received_at": AT, "procedure": "1.012790", "commune": "99999"},
        "commune",
    ),
    "a day without a limit": (
        {"received_at": "2001-10-05T08:00:00+07:00", "procedure": "1.012790"},
        "received_at",
    ),
    "a strangers branch": (
        {"received_at": AT, "procedure": "1.012790", "branch": "H20.99"},
        "branch",
    ),
    "nothing": ({}, "received_at"),
    "a list": ([], ""),
    "before any calendar": ({"received_at": "1950-01-01T00:00:00Z", "limit": EIGHT}, "limit"),
    "beyond the horizon": (with_limit(quantity=5_000, unit="calendar_months"), "limit"),
    "one working second a week": (
        {
            "received_at": AT,
            "limit": {"quantity": 5_000, "unit": "working_hours"},
            "calendar": {"week": {"mon": [["07:00:00", "07:00:01"]]}},
        },
        "limit",
    ),
}


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_question_names_its_field(sender: Api, body: Any, field: str):  # noqa: ANN401
    assert field in fields(sender, body)


def test_what_is_no_json_is_a_problem(sender: Api):
    for body in (b"garbage", b"\xff\xfe", b"[" * 50_000, b"\x00"):
        answer = sender.http.post(
            "/v1/deadlines", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_largest_question_is_answered(sender: Api):
    told = ask(sender, limit={"quantity": 5_000, "unit": "working_days"}, calendar={"week": WEEK})

    assert told["due_on"] == "2045-06-15"
    stops = [{"reason": "supplement", "from": AT, "until": AT}] * 1_000
    assert ask(sender, limit=EIGHT, suspensions=stops)["due_on"] == "2026-04-29"


def test_a_client_asks_about_its_own_branches_only(api: Callable[..., Api]):
    mine = api("mine", branches=["H20.16.01"])

    body = {"received_at": AT, "procedure": "1.012790", "branch": "H20.16.03"}
    assert fields(mine, body) == ["branch"]
    assert ask(mine, procedure="1.012790", branch="H20.16.01")["due_on"] == "2026-04-29"


TRANSFER = {"procedure": "1.013831", "case": "default", "branch": "H20.16.03"}
TAX = {
    "reason": "financial_obligation",
    "from": "2026-10-12T16:00:00+07:00",
    "until": "2026-11-19T07:00:00+07:00",
}


def test_the_hour_convention_is_told_only_where_its_date_differs(sender: Api):
    at_opening = ask(sender, limit=EIGHT, received_at="2026-07-06T07:00:00+07:00")
    after = ask(sender, limit=EIGHT, received_at="2026-07-06T07:00:01+07:00")

    assert at_opening["due_on"] == "2026-07-16"
    assert at_opening["hour_convention"] == {
        "due_on": "2026-07-15",
        "due_at": "2026-07-15T17:00:00+07:00",
    }
    assert after["hour_convention"] is None
    assert after["stages"] == [{"stage": 1, "due_on": after["due_on"], "due_at": after["due_at"]}]


def test_each_appointment_tells_the_hour_convention(sender: Api):
    told = ask(sender, **TRANSFER, received_at="2026-10-05T07:00:00+07:00", suspensions=[TAX])

    first, second = told["stages"]
    assert (first["due_on"], first["hour_convention"]["due_on"]) == ("2026-10-12", "2026-10-09")
    assert (second["due_on"], second["hour_convention"]["due_on"]) == ("2026-11-25", "2026-11-23")
    assert told["hour_convention"] == second["hour_convention"]


def test_the_tax_leg_has_its_own_clock_and_is_charged_to_nobody(sender: Api):
    told = ask(sender, **TRANSFER, received_at="2026-10-05T08:10:00+07:00", suspensions=[TAX])

    (leg,) = told["tax"]
    assert leg["limit"]["quantity"] == 5
    assert (leg["sent_at"], leg["paid_at"]) == (TAX["from"], TAX["until"])
    assert (leg["notice_due_on"], leg["working_days"], leg["longer_by"]) == ("2026-10-19", 28, 23)
    assert leg["charged"] is False
    assert leg["ground"] == "NĐ 126/2020/NĐ-CP Đ13 k6"
    assert "nobody is called late" in leg["why"]
    plain = ask(sender, limit=EIGHT, suspensions=[TAX | {"from": AT, "until": None}])["tax"]
    assert [(one["limit"], one["longer_by"], one["paid_at"]) for one in plain] == [
        (None, None, None)
    ]


def test_a_tax_leg_within_the_offices_limit_is_told_so(sender: Api):
    quick = TAX | {"until": "2026-10-19T09:00:00+07:00"}

    told = ask(sender, **TRANSFER, received_at="2026-10-05T08:10:00+07:00", suspensions=[quick])

    assert told["tax"][0]["why"] == "within the tax office's own limit"


def test_a_procedure_lists_its_steps_with_their_hours(sender: Api):
    told = ask(sender, **TRANSFER)

    listed = [(one["unit"], one["working_hours"], one["charged"]) for one in told["steps"]]
    assert listed == [
        ("one_stop", 4, False),
        ("branch", 36, True),
        ("tax", None, False),
        ("branch", 24, True),
    ]
    assert ask(sender, **TRANSFER, commune="29926")["steps"] == []


def test_a_mortgage_tells_how_far_it_may_be_extended(sender: Api):
    told = ask(sender, procedure="1.011441", received_at="2026-04-29T15:20:00+07:00")

    assert told["due_on"] == "2026-05-04"
    assert told["extension"]["due_on"] == "2026-05-06"
    assert (told["extension"]["granted_at"], told["extension"]["in_time"]) == (None, None)
    assert ask(sender, **TRANSFER)["extension"] is None


def test_the_answer_names_the_calendar_and_where_the_policy_comes_from(sender: Api):
    told = ask(sender, **TRANSFER)

    assert [layer["scope"] for layer in told["calendar"]["layers"]] == ["national"]
    assert told["supplement"] == "resume"
    assert "NĐ 118/2025" in told["supplement_ground"]
    assert "not confirmed" in told["supplement_doubt"]
    chosen = ask(sender, **TRANSFER, supplement="restart")
    assert (chosen["supplement"], chosen["supplement_ground"]) == ("restart", None)
    assert ask(sender, limit=EIGHT, calendar=INLINE)["calendar"] is None


def test_the_wait_between_two_appointments_is_told_and_in_none(sender: Api):
    told = ask(sender, **TRANSFER, received_at="2026-10-05T07:00:00+07:00", suspensions=[TAX])

    wait = [line for line in told["trace"] if line["stage"] is None]
    assert (wait[0]["on"], wait[-1]["on"], len(wait)) == ("2026-10-13", "2026-11-18", 37)
    assert "in no appointment, nobody's delay" in wait[0]["why"]
    assert wait[0]["ground"].endswith("QĐ 138/2025/QĐ-UBND Đồng Tháp Đ5 k3")


def test_a_receipt_after_the_cut_off_names_every_day(sender: Api):
    told = ask(sender, procedure="1.011441", received_at="2026-04-29T15:20:00+07:00")

    assert [line["on"][5:] for line in told["trace"]] == [
        "04-29", "04-30", "05-01", "05-02", "05-03", "05-04",
    ]  # fmt: skip
    assert told["trace"][0]["why"] == (
        "received by the land office at 15:20, after 15:00: counts as of the next working day"
    )


def test_a_stop_has_its_law_and_the_senders_remark_apart(sender: Api):
    stop = {"reason": "supplement", "from": AT, "until": "2026-04-20T09:00:00+07:00"}

    told = ask(sender, procedure="1.012790", suspensions=[stop | {"ground": "thiếu bản vẽ"}])

    stood = [line for line in told["trace"] if line["why"].startswith("clock stopped")]
    assert {(line["ground"], line["remark"]) for line in stood} == {
        (told["supplement_ground"], "thiếu bản vẽ")
    }
    typed = ask(sender, limit=EIGHT, suspensions=[stop])["trace"]
    assert {line["ground"] for line in typed if line["why"].startswith("clock")} == {None}


def test_a_limit_that_says_itself_what_a_supplement_does_is_its_ground(sender: Api):
    told = ask(sender, procedure="1.012790", received_at="2024-08-01T09:00:00+07:00")

    assert told["supplement"] == "restart"
    assert told["supplement_ground"] == told["ground"]


def test_a_day_beyond_the_published_calendar_is_marked(sender: Api):
    calendar = {"week": WEEK, "confirmed_until": "2026-04-24"}

    told = ask(sender, limit=EIGHT, calendar=calendar)

    assert told["provisional"] is True
    marked = {line["on"] for line in told["trace"] if line["provisional"]}
    assert (min(marked), max(marked)) == ("2026-04-25", told["due_on"])
