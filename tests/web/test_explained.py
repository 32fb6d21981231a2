"""What stands beside a stored dossier's due date, over HTTP and on its page."""

from typing import Any

import pytest

from tests.web.wire import Api, Record, code, record

AT = "2026-10-05T07:00:00+07:00"
COUNTER, HOUSE = "Bộ phận Một cửa", "Chi nhánh VPĐKĐĐ Cai Lậy"


def step(name: str, unit: str, started: str, finished: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "officer": "Ông A",
        "started_at": started,
        "due_at": None,
        "finished_at": finished,
    }


def transfer(**changes: Any) -> Record:  # noqa: ANN401 JSON
    """A transfer with two appointments, of which the first began at opening time."""
    held = {
        "procedure": "1.013831",
        "case": "default",
        "received_at": AT,
        "promised_at": None,
        "updated_at": "2026-11-20T09:00:00+07:00",
    }
    return record(1, **(held | changes))


def told(sender: Api, sent: Record) -> Any:  # noqa: ANN401 JSON
    answer = sender.put(sent)
    assert answer.status_code in (200, 201), answer.text
    return sender.get(f"/v1/dossiers/{sent['code']}/deadline")


def test_each_appointment_has_its_hour_convention_and_the_tax_leg_its_clock(sender: Api):
    tax = {
        "reason": "financial_obligation",
        "from": "2026-10-12T16:00:00+07:00",
        "until": "2026-11-19T09:00:00+07:00",
    }

    found = told(sender, transfer(suspensions=[tax]))

    assert [one["due_on"] for one in found["stages"]] == ["2026-10-12", "2026-11-25"]
    assert [one["hour_convention"] for one in found["stages"]] == [
        {"due_on": "2026-10-09", "due_at": "2026-10-09T17:00:00+07:00"},
        None,
    ]
    assert found["hour_convention"] is None
    (leg,) = found["tax"]
    assert (leg["notice_due_on"], leg["longer_by"], leg["charged"]) == ("2026-10-19", 23, False)
    assert [layer["scope"] for layer in found["calendar"]["layers"]] == ["national"]
    assert "NĐ 118/2025" in found["supplement_ground"]


def test_steps_are_set_against_the_law_where_that_is_certain(sender: Api):
    steps = [
        step("Tiếp nhận", COUNTER, AT, "2026-10-05T11:30:00+07:00"),
        step("Thẩm định", HOUSE, "2026-10-05T11:30:00+07:00", None),
    ]

    first, second = told(sender, transfer(steps=steps))["steps"]

    assert (first["due_at"], first["late"]) == ("2026-10-05T11:00:00+07:00", True)
    assert (first["charged"], second["charged"]) == (False, True)
    assert (second["due_at"], second["late"]) == ("2026-10-12T07:30:00+07:00", True)
    assert second["law"]["working_hours"] == 36
    again = [*steps, step("Trình ký", HOUSE, "2026-10-08T07:00:00+07:00", None)]
    _, *own = told(sender, transfer(steps=again, updated_at="2026-11-20T09:30:00+07:00"))["steps"]
    assert [(one["law"], one["due_at"], one["late"]) for one in own] == [(None, None, None)] * 2
    assert all("cannot be told" in one["why"] for one in own)


def test_a_second_supplement_is_a_breach_with_its_ground(sender: Api):
    asked = [
        {"reason": "supplement", "from": f"{day}T08:00:00+07:00", "until": f"{day}T09:00:00+07:00"}
        for day in ("2026-10-06", "2026-10-08")
    ]

    duties = {one["duty"]: one for one in told(sender, transfer(suspensions=asked))["duties"]}

    second = duties["one_supplement"]
    assert (second["done_at"], second["breach"]) == ("2026-10-08T08:00:00+07:00", True)
    assert second["ground"] == "NĐ 118/2025 Đ11"
    notice = duties["supplement_notice"]
    assert (notice["breach"], notice["ground"]) == (False, "NĐ 102/2024 Đ12 k3; NĐ 61/2018 Đ19 k4")
    assert "no longer in force" in notice["doubt"]


@pytest.mark.parametrize(
    ("granted", "due", "in_time"),
    [
        (None, "2026-05-04", None),
        ("2026-04-29T16:00:00+07:00", "2026-05-06", True),
        ("2026-05-05T08:00:00+07:00", "2026-05-04", False),
    ],
)
def test_a_mortgage_shows_its_extension(
    sender: Api,
    granted: str | None,
    due: str,
    in_time: bool | None,  # noqa: FBT001
):
    mortgage = record(
        1,
        code=code(1, "260429"),
        procedure="1.011441",
        received_at="2026-04-29T15:20:00+07:00",
        promised_at=None,
        updated_at="2026-05-05T09:00:00+07:00",
        extensions=[{"granted_at": granted, "reason": "mất điện"}] if granted else [],
    )

    found = told(sender, mortgage)

    assert found["due_on"] == due
    extension = found["extension"]
    assert (extension["due_on"], extension["granted_at"]) == ("2026-05-06", granted)
    assert extension["in_time"] is in_time


def test_without_a_limit_there_is_nothing_to_compare(sender: Api):
    found = told(sender, record(1, procedure="9.999999"))

    assert (found["hour_convention"], found["extension"]) == (None, None)
    assert (found["steps"], found["tax"], found["stages"]) == ([], [], [])


def limits(api: Api) -> Any:  # noqa: ANN401 JSON
    items = api.get("/v1/procedures")["items"]
    return next(one for one in items if one["code"] == "1.013831")


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_a_step_of_a_third_of_a_day_is_refused_and_named(sender: Api):
    sent = limits(sender)
    sent["cases"][0]["limits"][-1]["steps"] = [
        {"unit": "one_stop", "quantity": 0.5},
        {"unit": "branch", "quantity": 0.3},
    ]
    at = len(sent["cases"][0]["limits"]) - 1

    answer = sender.http.put("/v1/procedures/1.013831", json=sent)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == f"cases.0.limits.{at}.steps.1.quantity"
    assert "0.5, 1, 1.5 … days, not 0.3" in error["detail"]


def test_a_step_is_read_back_in_half_days(sender: Api):
    rows = [row for row in limits(sender)["cases"][0]["limits"] if row.get("steps")]

    assert [one.get("half_days") for one in rows[-1]["steps"]] == [1, 9, None, 6]
    assert rows[-1]["tax"]["quantity"] == 5
