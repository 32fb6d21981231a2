"""The calculator held against the slow clock, on random questions in the JSON of its contract.

The suite asks 240. For more, and other throws:

    DUNGHAN_ASKED=20000 DUNGHAN_SEED=7 pytest -n 2 tests/web/test_slow_deadlines.py
"""

import os
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from random import Random
from typing import Any

import pytest

from tests.core import dice
from tests.core.dice import Case, Told
from tests.core.slow import DAY, Due, NeverError, SlowCalendar, slow_due
from tests.web.wire import Api

ASKED = int(os.environ.get("DUNGHAN_ASKED", "240"))
SEED = os.environ.get("DUNGHAN_SEED", "2026")
PARTS = 2
OF_ONE_CALENDAR = 20
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TAX = "financial_obligation"

Body = dict[str, Any]


def told_in(throws: Random, at: datetime | None) -> str | None:
    """An instant as some system writes it."""
    offset = throws.choice((UTC, timezone(timedelta(hours=7)), timezone(timedelta(hours=-3.5))))
    return None if at is None else at.astimezone(offset).isoformat()


def calendar_of(held: SlowCalendar) -> Body:
    """A calendar of one's own."""
    return {
        "zone": held.zone,
        "week": dict(zip(WEEKDAYS, held.week, strict=True)),
        "days_off": sorted(map(str, held.days_off)),
        "worked": sorted(map(str, held.worked)),
        "overrides": {str(on): spans for on, spans in held.overrides.items()},
    }


def limit_of(throws: Random, quantity: timedelta | int, unit: str) -> Body:
    """A figure with its unit, or a duration."""
    if isinstance(quantity, timedelta):
        seconds = int(quantity.total_seconds())
        if seconds % 900 or throws.random() < 0.5:
            return {"duration": f"PT{seconds // 3600}H{seconds // 60 % 60}M{seconds % 60}S"}
        return {"quantity": seconds / 3600, "unit": unit}
    half = 0.5 if quantity and unit != "calendar_months" and throws.random() < 0.2 else 0
    return {"quantity": quantity - half, "unit": unit}  # half a day rounds up


def cut(cutoff: time | None) -> Body:
    return {} if cutoff is None else {"cutoff": cutoff.isoformat()}


def asked(throws: Random, case: Case, held: SlowCalendar) -> Body:
    """What a question has whether it is of one limit or of stages."""
    stops = [
        {
            "reason": one.reason,
            "from": told_in(throws, one.since),
            "until": told_in(throws, one.until),
        }
        for one in case.told
    ]
    body: Body = {
        "received_at": told_in(throws, case.received),
        "suspensions": stops,
        "calendar": calendar_of(held),
    }
    return body | ({"supplement": "restart"} if case.restart else {})


def of_one_limit(throws: Random, case: Case, held: SlowCalendar) -> tuple[Body, list[Due]]:
    limit = limit_of(throws, case.quantity, case.unit)
    within = throws.random() < 0.5
    body = asked(throws, case, held) | (cut(case.cutoff) if not within else {})
    body["limit"] = limit | (cut(case.cutoff) if within else {})
    due = slow_due(case.received, case.quantity, case.unit, held, case.stops(), case.cutoff)
    return body, [due]


def of_stages(throws: Random, case: Case, held: SlowCalendar) -> tuple[Body, list[Due]]:
    """Two or three appointments; those whose start is not said start when the tax is paid."""
    count = throws.choice((2, 2, 3))
    taxes = sorted((one for one in case.told if one.reason == TAX), key=lambda one: one.since)
    taxes = [one for one in taxes if one.since > case.received][: count - 1]
    case = replace(case, told=(*(one for one in case.told if one.reason != TAX), *taxes))
    body = asked(throws, case, held) | cut(case.cutoff)
    body["stages"], dues = [], []
    for number in range(count):
        unit = throws.choice(dice.UNITS) if number else case.unit
        quantity = dice.quantity(throws, unit) if number else case.quantity
        said = _said(throws, case, number)
        written = {name: told_in(throws, at) for name, at in said.items()}
        body["stages"].append(limit_of(throws, quantity, unit) | written)
        paid_at = taxes[number - 1].until if 0 < number <= len(taxes) else None
        started = said.get("started_at") or (paid_at if number else case.received)
        ended = said.get("ended_at") or (taxes[number].since if number < len(taxes) else None)
        stage = replace(
            case,
            quantity=quantity,
            unit=unit,
            cutoff=None if number else case.cutoff,  # it speaks of the receipt
            told=tuple(one for one in case.told if _touches(one, started, ended)),
        )
        dues.append(_stage_due(stage, started, held))
    return body, dues


def _said(throws: Random, case: Case, number: int) -> dict[str, datetime]:
    after = case.received + DAY * 20 * number + timedelta(minutes=throws.randrange(20_000))
    said = {}
    if number and throws.random() < 0.6:
        said["started_at"] = after
    if throws.random() < 0.3:
        said["ended_at"] = after + DAY * throws.randrange(15)
    return said


def _touches(one: Told, started: datetime | None, ended: datetime | None) -> bool:
    """Whether a suspension is of a stage: not over before it began nor begun after it ended."""
    if one.reason == TAX or started is None:  # the tax leg lies between stages and stops no clock
        return False
    over = one.until is not None and one.until <= started
    return not over and (ended is None or one.since <= ended)


def _stage_due(stage: Case, started: datetime | None, held: SlowCalendar) -> Due:
    if started is None:
        return Due(None, None)
    return slow_due(started, stage.quantity, stage.unit, held, stage.stops(), stage.cutoff)


def difference(api: Api, body: Body, dues: list[Due]) -> str | None:
    """What the calculator says of a question, unless it is what the slow clock says."""
    answer = api.http.post("/v1/deadlines", json=body)
    expected = [(due.on and str(due.on), due.at) for due in dues]
    horizon = int(body["received_at"][:4]) + 40
    if any(due.on is not None and due.on.year > horizon for due in dues):
        return None if answer.status_code == 422 else f"{answer.text}\nbeyond of {body}"
    if answer.status_code != 200:
        return f"{answer.text}\nexpected {expected}\nof {body}"
    told = [
        (one["due_on"], one["due_at"] and datetime.fromisoformat(one["due_at"]).astimezone(UTC))
        for one in answer.json()["stages"]
    ]
    return None if told == expected else f"told {told}\nexpected {expected}\nof {body}"


@pytest.mark.parametrize("part", range(PARTS))
def test_the_calculator_agrees_with_the_slow_clock(sender: Api, part: int):
    throws = Random(f"{SEED} {part}")  # noqa: S311 dice
    wrong = []
    held = dice.calendar(throws, seasons=False)
    for number in range(1, ASKED // PARTS + 1):
        if number % OF_ONE_CALENDAR == 0:
            held = dice.calendar(throws, seasons=False)
        case = dice.case(throws, held)
        ask = of_stages if number % 3 == 0 else of_one_limit
        try:
            body, dues = ask(throws, case, held)
        except NeverError:
            continue
        found = difference(sender, body, dues)
        if found:
            wrong.append(found)

    assert not wrong, f"{len(wrong)} differ:\n\n" + "\n\n".join(wrong[:3])
