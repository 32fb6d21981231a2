"""What a good record keeps to, as the server will ask of it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

KEYS = [
    *("code", "procedure", "case", "branch", "commune", "channel", "applicant", "status"),
    *("submitted_at", "received_at", "land_office_received_at", "promised_at", "suspensions"),
    *("stages", "extensions", "apologies", "steps", "finished_at", "ended_at", "outcome"),
    *("handed_over_at", "online_payment", "updated_at"),
]
CODE = re.compile(r"[A-Z]\d{2}(\.[0-9A-Z]+)*-\d{6}-\d{4,6}")
PROCEDURE = re.compile(r"\d\.\d{6}(\.H20)?")
REASONS = {
    *("supplement", "financial_obligation", "public_posting", "expert_appraisal"),
    *("violation_handling", "force_majeure"),
}


def broken(record: dict[str, Any]) -> list[str]:
    """Return the rules a record breaks, by name."""
    return [*_shape(record), *_status(record), *_order(record)]


def at(text: str | None) -> datetime | None:
    moment = datetime.fromisoformat(text) if text else None
    assert moment is None or moment.tzinfo is not None
    return moment


def _shape(record: dict[str, Any]) -> Iterator[str]:
    if list(record) != KEYS:
        yield "keys"
    if not CODE.fullmatch(record["code"]) or not PROCEDURE.fullmatch(record["procedure"]):
        yield "code"
    if not record["code"].startswith(f"{record['branch']}-"):
        yield "branch"
    if record["status"] not in range(1, 11):
        yield "status"
    if record["channel"] not in {"online", "counter", "post"}:
        yield "channel"
    if record["applicant"]["kind"] not in {"citizen", "enterprise", "state_body", "organisation"}:
        yield "applicant"
    if any(stop["reason"] not in REASONS for stop in record["suspensions"]):
        yield "reason"
    if (
        any(stop["reason"] == "financial_obligation" for stop in record["suspensions"])
        and (record["stages"])
    ):
        yield "tax told twice"
    if record["outcome"] not in {"result", "refused", "withdrawn", None}:
        yield "outcome"


def _status(record: dict[str, Any]) -> Iterator[str]:
    status, stages = record["status"], record["stages"]
    if (record["received_at"] is None) != (status == 1):
        yield "received"
    if (record["promised_at"] is None) != (status == 1):
        yield "promised"
    waits = {stop["reason"] for stop in record["suspensions"] if stop["until"] is None}
    if len(stages) == 1 and stages[0]["ended_at"] and status == 6:
        waits.add("financial_obligation")
    if (status == 5) != ("supplement" in waits) or (status == 6) != (
        "financial_obligation" in waits
    ):
        yield "pause"
    if (status in {9, 10}) != (record["finished_at"] is not None):
        yield "finished"
    if (status == 10) != (record["handed_over_at"] is not None):
        yield "handed over"
    if (status in {7, 9, 10}) != (record["ended_at"] is not None):
        yield "ended"
    if status in {9, 10} and record["ended_at"] != record["finished_at"]:
        yield "ended otherwise than finished"
    if (status == 7) != (record["outcome"] == "withdrawn") or (
        (record["outcome"] is None) != (record["ended_at"] is None)
    ):
        yield "outcome of status"


def _order(record: dict[str, Any]) -> Iterator[str]:
    updated = at(record["updated_at"])
    assert updated is not None
    rows: list[list[str | None]] = [
        [record["submitted_at"], record["received_at"], record["land_office_received_at"]],
        [record["submitted_at"], record["received_at"], record["ended_at"]],
        [record["received_at"], record["finished_at"], record["handed_over_at"]],
        *([record["received_at"], s["from"], s["until"]] for s in record["suspensions"]),
        *([record["received_at"], s["until"], record["ended_at"]] for s in record["suspensions"]),
        [moment for s in record["stages"] for moment in (s["started_at"], s["ended_at"])],
        *([record["received_at"], a["sent_at"], record["ended_at"]] for a in record["apologies"]),
        [record["received_at"], *(s["started_at"] for s in record["steps"])],
        *([s["started_at"], s["finished_at"]] for s in record["steps"]),
    ]
    for row in rows:
        moments = [moment for moment in map(at, row) if moment is not None]
        if any(later < earlier for earlier, later in pairwise(moments)):
            yield f"order {row}"
        if any(moment > updated + timedelta(minutes=5) for moment in moments):
            yield f"future {row}"
    if record["received_at"] and record["promised_at"] < record["received_at"]:
        yield "promise"
    for apology in record["apologies"]:
        if apology["promised_at"] <= apology["sent_at"]:
            yield "apology"
