"""What the tests of the law stand on: the official calendar, the cases, short ways to write."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit
from app.core.office_hours import WEEKDAYS, CalendarSpec, Hours, hours

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = hours([("07:00", "11:30"), ("13:30", "17:00")], "week")
CATALOGUE = Path(__file__).parents[2] / "app/catalogue/calendar_vn.json"
CASES = Path(__file__).parent / "cases"


def at(text: str) -> datetime:
    """An instant: with its offset, or in Viet Nam's time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=HANOI)


def day(text: str) -> date:
    return date.fromisoformat(text)


@cache
def official_spec() -> CalendarSpec:
    """The calendar the catalogue publishes, read by hand: the core reads no files."""
    body = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    named = {
        kind: {day(row["date"]): row["name"] for row in body["days"] if row["kind"] == kind}
        for kind in ("off", "work")
    }
    return CalendarSpec(
        zone=body["zone"],
        week=tuple(hours(body["week"][name], name) for name in WEEKDAYS),
        days_off=named["off"],
        worked=named["work"],
        confirmed_from=day(body["confirmed_from"]),
        confirmed_until=day(body["confirmed_until"]),
    )


@cache
def official() -> WorkingCalendar:
    return WorkingCalendar(official_spec(), date(2022, 12, 1), date(2028, 12, 31))


def week_of(office: Hours = OFFICE, *, days: int = 5) -> tuple[Hours, ...]:
    """Seven days of which the first few are worked alike."""
    return tuple(office if index < days else () for index in range(7))


def cases(name: str) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return held


def limit_of(told: Mapping[str, Any], cutoff: str | None = None) -> Limit:
    return Limit.of(
        told["quantity"], Unit(told["unit"]), time.fromisoformat(cutoff) if cutoff else None
    )


def working_days(count: int, cutoff: str | None = None) -> Limit:
    return limit_of({"quantity": count, "unit": "working_days"}, cutoff)


def working_hours(count: float) -> Limit:
    return Limit.of(count, Unit.WORKING_HOURS)


def stop(
    since: str, until: str | None, reason: Reason = Reason.SUPPLEMENT, ground: str | None = None
) -> Suspension:
    return Suspension(reason, at(since), None if until is None else at(until), ground)


def policy_of(told: Mapping[str, Any]) -> SupplementPolicy:
    return SupplementPolicy(told.get("supplement", "resume"))


def stops_of(told: Mapping[str, Any]) -> list[Suspension]:
    return [
        stop(one["from"], one["until"], Reason(one["reason"]))
        for one in told.get("suspensions", ())
    ]
