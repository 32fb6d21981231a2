"""The rules in force: the catalogue read once per version and turned into law the core can use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.clock import SupplementPolicy
from app.core.findings import Ground
from app.core.limits import LimitRule
from app.db import catalogue
from app.service.calendars import working_calendar
from app.service.limits import limit_rule

NATIONAL = "national"


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
