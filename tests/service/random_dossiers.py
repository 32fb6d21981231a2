"""Dossiers at random, as a one-stop-shop tells them: pauses, letters, ends of any kind."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.jobs.rows import vn
from tests.service.simulated import UNTIL

_DAY = timedelta(days=1)
_PROCEDURES = ("1.012790", "1.013831", "1.012784", "1.011441", "1.012783", "9.999999")
_REASONS = ("supplement", "supplement", "financial_obligation", "public_posting", "force_majeure")
_ENDS = (
    *((9, "result"),) * 8,
    *((9, "returned"), (9, "refused"), (3, "refused"), (7, "withdrawn"), (8, "stopped")),
)


def lines(count: int, seed: int = 11) -> list[bytes]:
    """Records, one a dossier, of all ten branches over a year."""
    dice = Random(seed)  # noqa: S311 the same dossiers each time
    return [json.dumps(_record(dice, number)).encode() for number in range(1, count + 1)]


def _record(dice: Random, number: int) -> dict[str, Any]:
    branch = f"H20.16.{dice.randint(1, 10):02}"
    received = vn("2025-12-01 07:00") + _DAY * dice.randrange(340) + _minutes(dice, 600)
    due = received + _DAY * dice.choice((5, 8, 10, 12, 16))
    promised = None if dice.random() < 0.1 else due.replace(hour=10)
    stops = list(_stops(dice, received, promised))
    letters = list(_letters(dice, due)) if promised else []
    end = _end(dice, due, stops)
    record: dict[str, Any] = {
        "code": f"{branch}-{received:%y%m%d}-{number:06}",
        "procedure": dice.choice(_PROCEDURES),
        "branch": branch,
        "channel": dice.choice(("online", "counter", "post")),
        "applicant": {"kind": dice.choice(("citizen", "enterprise"))},
        "status": 4,
        "received_at": received.isoformat(),
        "promised_at": None if promised is None else promised.isoformat(),
        "online_payment": dice.choice((True, False, None)),
        "suspensions": stops,
        "apologies": letters,
        "updated_at": UNTIL.isoformat(),
    }
    if any(stop["until"] is None for stop in stops) and end is None:
        record["status"] = 5
    if dice.random() < 0.2 and record["procedure"] == "1.013831":
        record |= _stages(dice, received, end)
    return record if end is None else record | _ended(dice, end)


def _minutes(dice: Random, most: int) -> timedelta:
    return timedelta(minutes=dice.randrange(most))


def _stops(dice: Random, received: datetime, promised: datetime | None) -> Iterator[dict[str, Any]]:
    since = received
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        on_last_day = promised is not None and dice.random() < 0.3 and promised > since
        since = promised if promised and on_last_day else since + _DAY * dice.randrange(8)
        until = since + _DAY * dice.randrange(9) + _minutes(dice, 500)
        if until > UNTIL:
            return
        still = dice.random() < 0.1
        yield {
            "reason": dice.choice(_REASONS),
            "from": since.isoformat(),
            "until": None if still else until.isoformat(),
        }
        if still:
            return
        since = until


def _letters(dice: Random, due: datetime) -> Iterator[dict[str, Any]]:
    sent = due - _DAY
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        sent += _DAY * dice.randrange(4)
        if sent > UNTIL:
            return
        again = None if dice.random() < 0.2 else (due + _DAY * dice.randrange(2, 12)).isoformat()
        yield {"sent_at": sent.isoformat(), "reason": "quá tải", "promised_at": again}


def _end(dice: Random, due: datetime, stops: list[dict[str, Any]]) -> datetime | None:
    if dice.random() < 0.15:
        return None
    after = [
        datetime.fromisoformat(at) for one in stops for at in (one["from"], one["until"]) if at
    ]
    end = max([due + _DAY * dice.randrange(-5, 15) + _minutes(dice, 400), *after])
    return end if end <= UNTIL else None


def _stages(dice: Random, received: datetime, end: datetime | None) -> dict[str, Any]:
    sent = received + _DAY * dice.randrange(1, 10)
    paid = sent + _DAY * dice.randrange(1, 20)
    if paid > (end or UNTIL):
        return {}
    first = {"stage": 1, "started_at": received.isoformat(), "ended_at": sent.isoformat()}
    return {"stages": [first, {"stage": 2, "started_at": paid.isoformat(), "ended_at": None}]}


def _ended(dice: Random, end: datetime) -> dict[str, Any]:
    status, outcome = dice.choice(_ENDS)
    told: dict[str, Any] = {"status": status, "outcome": outcome, "ended_at": end.isoformat()}
    if status == 9:
        told["finished_at"] = end.isoformat()
    handed = end + _DAY * dice.randrange(5)
    if outcome == "result" and dice.random() < 0.7 and handed <= UNTIL:
        told |= {"status": 10, "handed_over_at": handed.isoformat()}
    return told
