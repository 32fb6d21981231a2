"""The law as the catalogue's files print it, and a dossier's clocks by it, for the recount alone.

Due moments come from the slow clock (`tests.core.slow`); no rule, type or line of `app` is used.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.core.slow import Due, SlowCalendar, Stop, slow_due

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PROVINCE = "H20"
FILES = Path(__file__).parents[2] / "app" / "catalogue"


def read(name: str) -> Any:  # noqa: ANN401 JSON
    return json.loads((FILES / name).read_text(encoding="utf-8"))


@cache
def calendar() -> SlowCalendar:
    body = read("calendar_vn.json")
    week = [[(opens, closes) for opens, closes in body["week"][day]] for day in WEEK]
    kinds = {
        kind: {date.fromisoformat(one["date"]) for one in body["days"] if one["kind"] == kind}
        for kind in ("off", "work")
    }
    return SlowCalendar(body["zone"], week, kinds["off"], kinds["work"])


@cache
def procedures() -> dict[str, Any]:
    return {one["code"]: one for one in read("procedures.json")}


@cache
def difficult_communes() -> dict[str, tuple[date, date] | None]:
    return {
        one["code"]: (_on(one["difficult_from"], date.min), _on(one["difficult_until"], date.max))
        if one["difficult_from"]
        else None
        for one in read("dong_thap.json")["communes"]
    }


def _on(text: str | None, otherwise: date) -> date:
    return date.fromisoformat(text) if text else otherwise


@dataclass(frozen=True)
class Leg:
    """A stop of the clock as it was told."""

    reason: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Told:
    """What is known of a dossier: the newest record, or as much of it as had happened by a day."""

    code: str
    procedure: str
    case: str | None
    branch: str
    commune: str | None
    channel: str
    kind: str
    received: datetime | None
    at_land_office: datetime | None
    slip: datetime | None
    legs: tuple[Leg, ...]
    stages: dict[int, tuple[datetime | None, datetime | None]]
    extended: tuple[datetime, ...]
    letters: tuple[tuple[datetime, datetime | None], ...]
    end: datetime | None
    outcome: str | None
    close: datetime | None = None  # what comes after has not happened

    def past(self, moment: datetime | None) -> datetime | None:
        """A moment, unless it is still to come."""
        if moment is None or self.close is None or moment <= self.close:
            return moment
        return None

    def stage(self, nth: int) -> tuple[datetime | None, datetime | None]:
        """When an appointment began and ended, as told, whenever that is."""
        return self.stages.get(nth, (None, None))


@dataclass(frozen=True)
class Rule:
    """The limit of a dossier."""

    case: str
    quantity: int
    unit: str
    cutoff: time | None
    stages: tuple[int, ...]
    restart: bool
    extension: int | None
    from_land_office: bool


def rule_of(told: Told) -> Rule | None:
    """The row of the law, by the day of receipt; None where there is none for it."""
    if told.received is None:
        return None
    procedure = procedures().get(told.procedure)
    if procedure is None or (told.commune is not None and told.commune not in difficult_communes()):
        return None
    on = told.received.astimezone(ZONE).date()
    rules = [rule for case in procedure["cases"] if (rule := _rule(case, on, told)) is not None]
    if told.case is not None:
        return next((rule for rule in rules if rule.case == told.case), None)
    return _assumed(rules, told) if len(rules) > 1 else next(iter(rules), None)


def _rule(case: Any, on: date, told: Told) -> Rule | None:  # noqa: ANN401 JSON
    """The row of a case in force for a receipt: the province's own, else the nation's."""
    rows = [
        row
        for row in case["limits"]
        if _on(row["valid_from"], date.min) <= on <= _on(row["valid_until"], date.max)
        and row["province"] in (None, PROVINCE)
    ]
    if not rows:
        return None
    row = next((one for one in rows if one["province"]), rows[0])
    hard = difficult_communes().get(told.commune or "")
    figure = row["difficult"] if hard and row["difficult"] and hard[0] <= on <= hard[1] else row
    supplement = row["supplement"] or next(
        held["policy"]
        for held in read("supplement.json")["rows"]
        if _on(held.get("valid_from"), date.min) <= on <= _on(held.get("valid_until"), date.max)
    )
    extension = row.get("extension")
    return Rule(
        case["case"],
        ceil(figure["quantity"]),
        row["unit"],
        time.fromisoformat(row["cutoff"]) if row["cutoff"] else None,
        tuple(ceil(stage["quantity"]) for stage in figure.get("stages") or ()),
        supplement == "restart",
        ceil(extension["quantity"]) if extension else None,
        row.get("start") == "land_office",
    )


def _assumed(rules: Sequence[Rule], told: Told) -> Rule:
    """No case was named: the one whose due day was promised, else the longest (design §7)."""
    assert told.received
    promised = told.slip.astimezone(ZONE).date() if told.slip else None
    longest, longest_on = rules[0], date.min
    for rule in rules:
        legs = [_closed(leg, told.end) for leg in told.legs]
        plain = due(told.received, rule, rule.quantity).on
        days = {plain, due(told.received, rule, rule.quantity, legs).on}
        if rule.stages:
            days.add(slow_due(told.received, rule.stages[0], rule.unit, calendar()).on)
        if promised is not None and promised in days:
            return rule
        if plain is not None and plain > longest_on:
            longest, longest_on = rule, plain
    return longest


def _closed(leg: Leg, end: datetime | None) -> Leg:
    """A stop still open when the dossier ended lasted until then."""
    if leg.until is None and end is not None:
        return Leg(leg.reason, leg.since, max(end, leg.since))
    return leg


def due(start: datetime, rule: Rule, quantity: int, legs: Sequence[Leg] = ()) -> Due:
    return slow_due(start, quantity, rule.unit, calendar(), _stops(rule, legs), rule.cutoff)


def _stops(rule: Rule, legs: Sequence[Leg]) -> list[Stop]:
    return [
        Stop(leg.since, leg.until, restarts=rule.restart and leg.reason == "supplement")
        for leg in legs
    ]


@dataclass
class Appointment:
    """One stage, or the whole limit."""

    started: datetime | None
    ended: datetime | None
    due: Due | None = None

    @property
    def missed(self) -> bool:
        """Whether it ended after its last day."""
        at = self.due.at if self.due else None
        return self.ended is not None and at is not None and self.ended >= at


@dataclass
class Clocks:
    """The appointments of a dossier; `waits` between two of them, when none runs."""

    appointments: list[Appointment] = field(default_factory=list)
    waits: bool = False
    whole: date | None = None

    @property
    def running(self) -> Due | None:
        """The appointment that has begun last."""
        return next((one.due for one in reversed(self.appointments) if one.due), None)


def clocks(told: Told, rule: Rule, *, one_appointment: bool) -> Clocks:
    """A dossier's clocks, by what is known of it.

    `one_appointment`: it is known to have ended with no tax leg, so the whole limit was one.
    """
    assert told.received
    start = told.received
    whole = due(start, rule, rule.quantity).on
    if rule.from_land_office and told.at_land_office is not None:
        start = told.at_land_office
    legs = [_closed(leg, told.end) for leg in told.legs]
    if rule.stages and not one_appointment:
        found = _stages(told, rule, start, legs)
        begun = max(at for at, one in enumerate(found) if one.started)
        waits = begun < len(found) - 1 and found[begun].ended is not None
        return Clocks(found, waits, whole)
    held = due(start, rule, rule.quantity, legs)
    if rule.extension is not None and held.at and any(at < held.at for at in told.extended):
        held = slow_due(
            start,
            rule.extension,
            "working_days",
            calendar(),
            [
                Stop(leg.since, leg.until, rule.restart and leg.reason == "supplement")
                for leg in legs
            ],
        )
    return Clocks([Appointment(start, told.end, held)], waits=False, whole=whole)


def tax_legs(legs: Sequence[Leg]) -> list[Leg]:
    """The waits for the tax; told in parts that touch, they are one."""
    found: list[Leg] = []
    for leg in sorted((leg for leg in legs if leg.reason == "financial_obligation"), key=_since):
        last = found[-1] if found else None
        if last is not None and (last.until is None or leg.since <= last.until):
            ends = [last.until, leg.until]
            until = None if None in ends else max(end for end in ends if end is not None)
            found[-1] = Leg(last.reason, last.since, until)
        else:
            found.append(leg)
    return found


def _since(leg: Leg) -> datetime:
    return leg.since


def _stages(told: Told, rule: Rule, start: datetime, legs: Sequence[Leg]) -> list[Appointment]:
    taxes = tax_legs(legs)
    gaps, others = taxes[: len(rule.stages) - 1], taxes[len(rule.stages) - 1 :]
    stops = [leg for leg in legs if leg.reason != "financial_obligation"] + others
    found = []
    for nth, quantity in enumerate(rule.stages):
        said = told.stage(nth + 1)
        before = gaps[nth - 1] if 0 < nth <= len(gaps) else None
        after = gaps[nth] if nth < len(gaps) else None
        started = start if nth == 0 else before.until if before else None
        started = told.past(said[0]) if said[0] else started
        if nth and not said[0] and started and told.end and started >= told.end:
            started = None  # it waited for the tax until its end
        sent = after.since if after else None
        one = Appointment(started, told.past(said[1]) if said[1] else sent)
        if started is not None:
            mine = [
                leg
                for leg in stops
                if (leg.until is None or leg.until > started)
                and (one.ended is None or leg.since <= one.ended)
            ]
            held = [
                Stop(leg.since, leg.until, rule.restart and leg.reason == "supplement")
                for leg in mine
            ]
            one.due = slow_due(started, quantity, rule.unit, calendar(), held)
        found.append(one)
    return found


def no_tax_leg(told: Told) -> bool:
    """Whether it ended and no first appointment was ever told to have ended."""
    return told.end is not None and not (told.stage(1)[1] or tax_legs(told.legs))


def working_days(after: date, until: date) -> int:
    """Working days d with `after < d <= until`."""
    days = (after + timedelta(days=nth) for nth in range(1, (until - after).days + 1))
    return sum(calendar().works(day) for day in days)
