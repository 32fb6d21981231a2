"""Questions nobody should ask: each is told its field within a second, and none is a fault of ours.

What `test_deadlines.py` asks is not asked again; here are the absurd ones, and whole calendars and
laws sent to be published.
"""

import json
from datetime import date, timedelta
from time import monotonic
from typing import Any

import pytest
from httpx2 import Response

from tests.web.test_deadlines import AT, EIGHT, stopped, with_calendar, with_limit
from tests.web.wire import BRANCH, Api

A_SECOND_A_WEEK = {"mon": [["07:00:00", "07:00:01"]]}
HOURS = [["07:00", "11:30"], ["13:30", "17:00"]]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), HOURS)
JSON = {"Content-Type": "application/json"}


def days(count: int, since: str = "2026-01-01") -> list[str]:
    return [str(date.fromisoformat(since) + timedelta(days=more)) for more in range(count)]


def seconds(count: int) -> list[list[str]]:
    """As many intervals of a second each."""
    at = [f"{k // 1800:02}:{k // 30 % 60:02}:{k % 30 * 2:02}" for k in range(count + 1)]
    return [[since, f"{since[:-1]}{int(since[-1]) + 1}"] for since in at[:count]]


def hours_of(quantity: float, **calendar: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    limit = {"quantity": quantity, "unit": "working_hours"}
    return {"received_at": AT, "limit": limit, "calendar": calendar}


def stops(count: int) -> dict[str, Any]:
    stop = {"reason": "supplement", "from": AT, "until": AT}
    return {"received_at": AT, "limit": EIGHT, "suspensions": [stop] * count}


def staged(*more: dict[str, Any]) -> dict[str, Any]:
    return {"received_at": AT, "stages": [EIGHT | one for one in more]}


def asked(api: Api, body: Any) -> Response:  # noqa: ANN401 JSON
    """The answer to a question, which comes within a second."""
    answer, took = timed(api, body)
    if took > 1:  # the machine may have been busy with others
        answer, took = timed(api, body)
    assert took < 1
    return answer


def timed(api: Api, body: Any) -> tuple[Response, float]:  # noqa: ANN401 JSON
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    since = monotonic()
    answer: Response = api.http.post("/v1/deadlines", content=content, headers=JSON)
    return answer, monotonic() - since


def named(answer: Response) -> list[str]:
    """The fields a refusal names."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"] if error["detail"]]


WRONG: dict[str, tuple[Any, str]] = {
    "more days off than any calendar has": (
        with_calendar(days_off=days(20_001)),
        "calendar.days_off",
    ),
    "no day worked for half a century": (with_calendar(days_off=days(20_000)), "limit"),
    "hours where no day is worked": (hours_of(1, week=WEEK, days_off=days(20_000)), "limit"),
    "worked on one day long ago": (
        with_calendar(week={}, overrides={"1999-12-31": HOURS}),
        "limit",
    ),
    "an hour a week for 5,000 hours": (
        hours_of(5_000, week={"mon": [["07:00", "08:00"]]}),
        "limit",
    ),
    "a second a week for an hour": (hours_of(1, week=A_SECOND_A_WEEK), "limit"),
    "from midnight to midnight": (
        with_calendar(week={"mon": [["24:00", "24:00"]]}),
        "calendar.week.mon",
    ),
    "after midnight": (with_calendar(week={"mon": [["23:00", "24:30"]]}), "calendar.week.mon"),
    "from the end of the day": (
        with_calendar(week={"mon": [["24:00", "07:00"]]}),
        "calendar.week.mon",
    ),
    "less than a second": (
        with_calendar(week={"mon": [["07:00:00.1", "07:00:00.9"]]}),
        "calendar.week.mon",
    ),
    "no zone": (with_calendar(zone=""), "calendar.zone"),
    "a zone of Mars": (with_calendar(zone="Mars/Olympus"), "calendar.zone"),
    "a zone of the machine": (with_calendar(zone="/etc/localtime"), "calendar.zone"),
    "a table of zones": (with_calendar(zone="zone.tab"), "calendar.zone"),
    "an offset": (with_calendar(zone="+07:00"), "calendar.zone"),
    "a zone with a line feed": (with_calendar(zone="Asia/Ho_Chi_Minh\n"), "calendar.zone"),
    "a zone of half a character": (with_calendar(zone="\ud800"), "calendar.zone"),
    "seasons": (with_calendar(seasons=[]), "calendar.seasons"),
    "a week of lists": (with_calendar(week=[HOURS] * 7), "calendar.week"),
    "a day of nothing": (with_calendar(week={"mon": None}), "calendar.week.mon"),
    "the 30th of February": (with_calendar(days_off=["2026-02-30"]), "calendar.days_off.0"),
    "the year 0": (with_calendar(days_off=["0000-01-01"]), "calendar.days_off.0"),
    "the year 10000": (with_calendar(worked=["10000-01-01"]), "calendar.worked.0"),
    "no day at all": (with_calendar(overrides={"2026-13-01": HOURS}), "calendar.overrides"),
    "1,001 suspensions": (stops(1_001), "suspensions"),
    "suspended beyond the horizon": (
        stopped(AT, "2126-04-17T09:00:00+07:00") | with_calendar(),
        "limit",
    ),
    "suspended for 1,000 years": (stopped(AT, "3026-04-17T09:00:00+07:00"), "suspensions.0.until"),
    "a figure of words": (with_limit(quantity="NaN", unit="working_days"), "limit.quantity"),
    "infinity in words": (with_limit(quantity="Infinity", unit="working_days"), "limit.quantity"),
    "less than nothing in hours": (with_limit(quantity=-1, unit="working_hours"), "limit.quantity"),
    "a grain too much": (with_limit(quantity=5_000.001, unit="working_days"), "limit.quantity"),
    "months beyond all calendars": (
        with_limit(quantity=4_999, unit="calendar_months"),
        "limit",
    ),
    "no duration": (with_limit(duration="PT"), "limit.duration"),
    "a second too long": (with_limit(duration="PT5000H1S"), "limit.duration"),
    "a duration of 10^400 hours": (with_limit(duration="PT1e400H"), "limit.duration"),
    "seconds, less than none": (with_limit(duration=-1), "limit.duration"),
    "a cut-off at 24:00": (with_limit(**EIGHT, cutoff="24:00"), "limit.cutoff"),
    "a cut-off of nothing": (with_limit(**EIGHT, cutoff=""), "limit.cutoff"),
    "ten stages": (staged(*[{}] * 10), "stages"),
    "a stage of infinity": (staged({}, {"quantity": float("inf")}), "stages[1].quantity"),
    "a procedure of 100,000 digits": ({"received_at": AT, "procedure": "9" * 100_000}, "procedure"),
    "a figure of 10^999": (
        b'{"received_at": "' + AT.encode() + b'", "limit": {"quantity": 1e999,'
        b' "unit": "working_days"}}',
        "limit.quantity",
    ),
    "half a character for a procedure": ({"received_at": AT, "procedure": "\ud800"}, "procedure"),
    "a thousand shifts a day": (
        with_calendar(week={"mon": seconds(1_000)}),
        "calendar.week.mon",
    ),
    "hours abroad": (
        with_calendar(week={"mon": [["07:00+09:00", "17:00+09:00"]]}),
        "calendar.week.mon",
    ),
    "the zone this machine happens to be in": (with_calendar(zone="localtime"), "calendar.zone"),
    "confirmed backwards": (
        with_calendar(confirmed_from="2027-01-01", confirmed_until="2026-01-01"),
        "calendar.confirmed_until",
    ),
    "a stage that ends before it begins": (
        staged({"started_at": "2026-05-01T09:00:00+07:00", "ended_at": AT}, {}),
        "stages[0].ended_at",
    ),
    "a stage before the receipt": (
        staged({}, {"started_at": "2020-05-04T09:00:00+07:00"}),
        "stages[1].started_at",
    ),
}


def test_each_absurd_question_is_told_its_field_at_once(sender: Api):
    told = {name: named(asked(sender, body)) for name, (body, _) in WRONG.items()}

    wrong = {
        name: fields
        for name, fields in told.items()
        if not any(found.startswith(WRONG[name][1]) for found in fields)
    }
    assert wrong == {}


def test_a_body_too_large_is_refused(sender: Api):
    """The framework answers before any handler of ours, so it is plain text."""
    assert asked(sender, b'"' + b"a" * 5_000_000 + b'"').status_code == 413


UNUSUAL: dict[str, tuple[Any, str | None]] = {
    "20,000 days off": (with_calendar(days_off=days(20_000, "2000-01-01")), "2054-10-14"),
    "the first and the last day there are": (
        with_calendar(days_off=["0001-01-01", "9999-12-31"], confirmed_until="9999-12-31"),
        "2026-04-28",
    ),
    "a day off said twice": (with_calendar(days_off=["2026-04-20"] * 2), "2026-04-29"),
    "the last second of the day": (
        {"received_at": AT, "limit": {"duration": "PT3S"}}
        | {"calendar": {"week": {"mon": [["23:59:59", "24:00"]]}}},
        "2026-05-04",
    ),
    "2,000 weeks of a second": (
        {"received_at": AT, "limit": {"duration": "PT2000S"}}
        | {"calendar": {"week": A_SECOND_A_WEEK}},
        "2064-08-11",
    ),
    "1,000 suspensions that overlap": (
        stops(0)
        | {
            "suspensions": [
                {
                    "reason": "supplement",
                    "from": f"2026-04-17T{k % 24:02}:{k % 60:02}:00+07:00",
                    "until": f"2026-04-2{k % 9}T12:00:00+07:00",
                }
                for k in range(1_000)
            ],
            "calendar": {"week": WEEK},
        },
        "2026-05-07",
    ),
    "a suspension of forty years": (
        stopped("2026-04-17T09:00:00+07:00", "2066-04-17T09:00:00+07:00") | with_calendar(),
        "2066-04-27",
    ),
    "suspended for ever": (stopped("2026-04-17T09:00:00+07:00") | with_calendar(), None),
}


def test_each_unusual_question_is_answered_at_once(sender: Api):
    answers = {name: asked(sender, body) for name, (body, _) in UNUSUAL.items()}

    told = {name: answer.json().get("due_on", answer.text) for name, answer in answers.items()}
    assert told == {name: due_on for name, (_, due_on) in UNUSUAL.items()}


# ------------------------------------------------------------------------- published


def calendar(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {"zone": "Asia/Ho_Chi_Minh", "week": WEEK, "days": []} | changes


def season(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return calendar(seasons=[{"from": "2026-04-16", "until": "2026-10-15", "week": WEEK} | changes])


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "a season backwards": (season(**{"from": "2026-10-15", "until": "2026-04-16"}), ""),
    "a season of an unknown day": (season(week={"moon": HOURS}), "seasons"),
    "a season over midnight": (season(week={"mon": [["22:00", "02:00"]]}), "seasons"),
    "a season of overlaps": (season(week={"mon": [*HOURS, ["11:00", "12:00"]]}), "seasons"),
    "a season without a date": (season(until="the autumn"), "seasons"),
    "one season": (calendar(seasons={}), "seasons"),
    "the same day twice": (
        calendar(days=[{"date": "2026-04-30", "kind": "off", "name": ""}] * 2),
        "days",
    ),
    "no hours at all": (calendar(week={"mon": []}), "week"),
    "the year 10000": (
        calendar(days=[{"date": "10000-01-01", "kind": "off", "name": ""}]),
        "days",
    ),
}


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_each_calendar_that_cannot_be_is_told_its_field_and_not_published(sender: Api):
    wrong = {}
    for name, (body, field) in UNFIT.items():
        fields = named(sender.http.put(f"/v1/calendars/{BRANCH}", json=body))
        if not any(field in found for found in fields):
            wrong[name] = fields

    assert wrong == {}
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404
