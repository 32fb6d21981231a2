"""The rules in force: the catalogue read once per version and turned into law the core can use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WEEKDAYS, CalendarSpec, Hours, Season, WorkingCalendar, hours
from app.core.clock import Limit, SupplementPolicy, Unit
from app.core.findings import Ground
from app.core.limits import LimitRule, Start
from app.db import catalogue

NATIONAL = "national"
# The days every published calendar is computed for: regime A's first receipts, and 30 years on.
FIRST_ON, LAST_ON = date(2013, 1, 1), date(2056, 12, 31)


class NoCalendarError(LookupError):
    """Nothing can be counted: no calendar is published for the branch, its office or the nation."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch as the rules need it."""

    code: str
    office: str
    province: str
    name: str
    short_name: str
    active_from: date | None
    active_until: date | None

    def is_active(self, on: date) -> bool:
        """Whether the branch is at work on a day."""
        return (self.active_from is None or self.active_from <= on) and (
            self.active_until is None or on <= self.active_until
        )


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune and while it counts as difficult."""

    code: str
    difficult_from: date | None
    difficult_until: date | None

    def is_difficult(self, on: date) -> bool:
        """Whether the longer limits apply to a receipt of that day."""
        return (
            self.difficult_from is not None
            and self.difficult_from <= on
            and (self.difficult_until is None or on <= self.difficult_until)
        )


@dataclass(frozen=True, slots=True)
class Published:
    """A calendar version in force and its table."""

    id: int
    version: int
    calendar: WorkingCalendar


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the catalogue, immutable, safe to share between threads."""

    version: int
    branches: Mapping[str, Branch]
    communes: Mapping[str, Commune]
    procedures: Mapping[str, str]
    limits: Mapping[str, Sequence[LimitRule]]
    calendars: Mapping[str, Published]
    later_policy: SupplementPolicy

    def published(self, branch: str | None) -> Published:
        """The calendar a branch works by: its own, its office's, or the national one.

        Raises:
            NoCalendarError: no calendar was ever published for it.
        """
        held = self.branches.get(branch) if branch else None
        scopes = (held.code, held.office, NATIONAL) if held else (NATIONAL,)
        for scope in scopes:
            if scope in self.calendars:
                return self.calendars[scope]
        raise NoCalendarError("no calendar is published; run `dunghan catalogue load`")

    def calendar_of(self, branch: str | None) -> WorkingCalendar:
        """The working calendar of a branch."""
        return self.published(branch).calendar

    def ground(self, procedure: str, branch: str, commune: str | None, on: date | None) -> Ground:
        """The law and calendar for a dossier of that procedure, branch, commune and receipt day.

        A dossier without a commune has plain limits; an unknown commune has none.
        """
        difficult: bool | None = False
        if commune is not None:
            held = self.communes.get(commune)
            difficult = None if held is None else on is not None and held.is_difficult(on)
        return Ground(
            rules=self.limits.get(procedure),
            province=self.branches[branch].province,
            difficult=difficult,
            calendar=self.calendar_of(branch),
            later_policy=self.later_policy,
        )


class RuleBook:
    """Keeps the newest rules; re-reads them when the catalogue has moved on."""

    def __init__(self, later_policy: SupplementPolicy = SupplementPolicy.RESUME) -> None:
        """Start empty; the first use reads."""
        self._later_policy = later_policy
        self._rules: Rules | None = None
        self._lock = Lock()

    def in_force(self, session: Session, version: int | None = None) -> Rules:
        """The rules of the newest version (one SELECT when nothing moved).

        Give `version` if the caller has already read it in this transaction.
        """
        newest = catalogue.version(session) if version is None else version
        rules = self._rules
        if rules is None or rules.version != newest:
            with self._lock:
                rules = self._rules
                if rules is None or rules.version != newest:
                    rules = self._rules = read(session, newest, self._later_policy)
        return rules


def read(session: Session, version: int, later_policy: SupplementPolicy) -> Rules:
    """Read one version whole: some thousand rows, a few statements."""
    limits: dict[str, list[LimitRule]] = {}
    for row in catalogue.limits(session):
        limits.setdefault(row["procedure"], []).append(limit_rule(row))
    return Rules(
        version=version,
        branches={
            row["code"]: Branch(
                row["code"],
                row["office"],
                row["province"],
                row["name"],
                row["short_name"],
                row["active_from"],
                row["active_until"],
            )
            for row in catalogue.branches(session)
        },
        communes={
            row["code"]: Commune(row["code"], row["difficult_from"], row["difficult_until"])
            for row in catalogue.communes(session)
        },
        procedures={row["code"]: row["name"] for row in catalogue.procedures(session)},
        limits=limits,
        calendars={
            row["scope"]: Published(row["id"], row["version"], working_calendar(row["body"]))
            for row in catalogue.calendars(session)
        },
        later_policy=later_policy,
    )


def working_calendar(
    body: Mapping[str, Any], first_on: date = FIRST_ON, last_on: date = LAST_ON
) -> WorkingCalendar:
    """The table of a published calendar body.

    Raises:
        BadCalendarError: the body contradicts itself.
    """
    return WorkingCalendar(calendar_spec(body), first_on, last_on)


def calendar_spec(body: Mapping[str, Any]) -> CalendarSpec:
    """A published body (`app/catalogue/calendar_vn.json`) as the core reads it."""
    days = body.get("days", ())
    with_hours = [day for day in days if day.get("hours") is not None]
    plain = [day for day in days if day.get("hours") is None]
    return CalendarSpec(
        zone=body["zone"],
        week=_week(body["week"], "week"),
        days_off={
            date.fromisoformat(day["date"]): day["name"] for day in plain if day["kind"] == "off"
        },
        worked={
            date.fromisoformat(day["date"]): day["name"] for day in plain if day["kind"] == "work"
        },
        overrides={
            date.fromisoformat(day["date"]): hours(day["hours"], f"days.{day['date']}")
            for day in with_hours
        },
        confirmed_from=_date(body.get("confirmed_from")),
        confirmed_until=_date(body.get("confirmed_until")),
        seasons=tuple(
            Season(
                _date(season.get("from")),
                _date(season.get("until")),
                _week(season["week"], f"seasons[{at}].week"),
            )
            for at, season in enumerate(body.get("seasons", ()))
        ),
    )


def _week(week: Mapping[str, Any], where: str) -> tuple[Hours, ...]:
    return tuple(hours(week.get(name, []), f"{where}.{name}") for name in WEEKDAYS)


def limit_rule(row: Mapping[Any, Any]) -> LimitRule:
    """A stored limit row as the core reads it."""
    rule = row["rule"]
    cutoff = time.fromisoformat(rule["cutoff"]) if rule.get("cutoff") else None
    difficult = rule.get("difficult") or {}
    return LimitRule(
        id=row["id"],
        procedure=row["procedure"],
        case=row["case"],
        province=row["province"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        limit=Limit.of(rule["quantity"], Unit(rule["unit"]), cutoff),
        stages=_stages(rule.get("stages")),
        difficult=Limit.of(difficult["quantity"], Unit(rule["unit"]), cutoff)
        if difficult
        else None,
        difficult_stages=_stages(difficult.get("stages")),
        extension=_extension(rule.get("extension")),
        start=Start(rule.get("start") or Start.RECEIPT),
        policy=SupplementPolicy(rule["supplement"]) if rule.get("supplement") else None,
        ground=rule.get("ground", ""),
        source=rule.get("source", ""),
        confidence=rule.get("confidence", ""),
        doubt=rule.get("doubt"),
        difficult_note=rule.get("difficult_note"),
    )


def _stages(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Limit, ...]:
    return tuple(Limit.of(row["quantity"], Unit(row["unit"])) for row in rows or ())


def _extension(row: Mapping[Any, Any] | None) -> Limit | None:
    return Limit.of(row["quantity"], Unit(row["unit"])) if row else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
