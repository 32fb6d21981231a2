"""Publishing the catalogue: the same words by command and by API, from files or from people."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import BadCalendarError
from app.core.clock import LimitError
from app.core.problems import Problem
from app.db import catalogue
from app.service.rules import NATIONAL, limit_rule, working_calendar

SAMPLE = Path(__file__).parents[1] / "catalogue"

_APART = frozenset({"valid_from", "valid_until", "province"})


class NotPublishableError(Exception):
    """What was to be published contradicts itself; nothing was changed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.field}: {problem.detail}")
        self.problem = problem


def procedures(session: Session, items: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Publish procedures with their cases and limits; returns how many limit rows moved.

    Raises:
        NotPublishableError: a limit that cannot be one, or two of a case in force on one day.
    """
    if not items:
        return 0
    published = catalogue.advance(session, now)
    catalogue.put_procedures(
        session,
        [
            {
                "code": item["code"],
                "name": item["name"],
                "group": item["group"],
                "field": item["field"],
                "level": item["level"],
                "cases": [{"case": case["case"], "name": case["name"]} for case in item["cases"]],
            }
            for item in items
        ],
    )
    moved = 0
    for item in items:
        rows = [
            _limit_row(item["code"], case["case"], limit)
            for case in item["cases"]
            for limit in case["limits"]
        ]
        _refuse_overlaps(item["code"], rows)
        moved += catalogue.replace_limits(session, item["code"], rows, published)
    return moved


def _limit_row(procedure: str, case: str, limit: Mapping[str, Any]) -> dict[str, Any]:
    row = {
        "case": case,
        "province": limit.get("province"),
        "valid_from": _day(limit["valid_from"]),
        "valid_until": _day(limit.get("valid_until")),
        "rule": {
            name: value for name, value in limit.items() if name not in _APART and value is not None
        },
    }
    try:
        rule = limit_rule({"id": 0, "procedure": procedure, **row})
    except (LimitError, ValueError, KeyError, TypeError) as wrong:
        where = f"{procedure}.{case}"
        raise NotPublishableError(
            Problem(where, "not a limit: {why}", {"why": str(wrong)})
        ) from None
    if rule.limit.cutoff is not None and rule.limit.cutoff.tzinfo is not None:
        why = "the cutoff is a local time; leave out its offset"
        raise NotPublishableError(
            Problem(f"{procedure}.{case}", "not a limit: {why}", {"why": why})
        )
    if rule.valid_until is not None and rule.valid_until < rule.valid_from:
        raise NotPublishableError(
            Problem(f"{procedure}.{case}", "valid_until is before valid_from; correct one")
        )
    return row


def _refuse_overlaps(procedure: str, rows: Sequence[Mapping[str, Any]]) -> None:
    ordered = sorted(rows, key=lambda row: (row["case"], row["province"] or "", row["valid_from"]))
    for earlier, later in pairwise(ordered):
        same = (earlier["case"], earlier["province"]) == (later["case"], later["province"])
        until = earlier["valid_until"]
        if same and (until is None or until >= later["valid_from"]):
            raise NotPublishableError(
                Problem(
                    f"{procedure}.{earlier['case']}",
                    "the limit from {earlier} is still in force when the one from {later} begins; "
                    "end the first the day before",
                    {"earlier": earlier["valid_from"], "later": later["valid_from"]},
                )
            )


def calendar(session: Session, scope: str, body: Mapping[str, Any], now: datetime) -> bool:
    """Publish a calendar for the nation, an office or a branch; False if nothing changed.

    Raises:
        NotPublishableError: it contradicts itself (a day off and worked, hours that overlap…).
    """
    try:
        made = working_calendar(body)
    except BadCalendarError as wrong:
        raise NotPublishableError(Problem(wrong.where, "{why}", {"why": wrong.why})) from None
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as wrong:
        raise NotPublishableError(
            Problem("", "not a calendar: {why}", {"why": repr(wrong)})
        ) from None
    if not any(made.spec.week):
        why = "no working time at all; no limit would ever end"
        raise NotPublishableError(Problem("week", "{why}", {"why": why}))
    published = catalogue.advance(session, now)
    return catalogue.publish_calendar(session, scope, body, published, now)


def office(session: Session, body: Mapping[str, Any], now: datetime) -> None:
    """Publish an office with its branches and communes (`app/catalogue/dong_thap.json`)."""
    catalogue.advance(session, now)
    held = body["office"]
    catalogue.put_offices(
        session, [{"code": held["code"], "name": held["name"], "province": held["province"]}]
    )
    catalogue.put_branches(
        session,
        [
            {
                "code": branch["code"],
                "office": held["code"],
                "name": branch["name"],
                "short_name": branch["short_name"],
                "active_from": _day(branch.get("active_from")),
                "active_until": _day(branch.get("active_until")),
            }
            for branch in body["branches"]
        ],
    )
    catalogue.put_communes(
        session,
        [
            {
                "code": commune["code"],
                "name": commune["name"],
                "branch": commune["branch"],
                "difficult_from": _day(commune.get("difficult_from")),
                "difficult_until": _day(commune.get("difficult_until")),
            }
            for commune in body["communes"]
        ],
    )


def sample(session: Session, now: datetime, folder: Path = SAMPLE) -> None:
    """Publish the catalogue that comes with the program; what is the same stays as it is."""
    calendar(session, NATIONAL, _read(folder / "calendar_vn.json"), now)
    office(session, _read(folder / "dong_thap.json"), now)
    procedures(session, _read(folder / "procedures.json"), now)


def _read(file: Path) -> Any:  # noqa: ANN401 JSON
    return json.loads(file.read_text(encoding="utf-8"))


def _day(text: str | date | None) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) else text
