"""The rules in force: the catalogue read once per version and turned into law the core can use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from types import MappingProxyType

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.clock import SupplementPolicy
from app.core.findings import Ground
from app.core.ladder import FIRST, Ladder, ladder
from app.core.limits import Law, LimitRule, SupplementRule
from app.db import calendars, catalogue, publications
from app.db.calendars import NATIONAL
from app.service.calendars import Published, published
from app.service.limits import limit_rule

_KEPT = 50  # working calendars of older versions, a few megabytes each once their hours are used


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
class Rules:
    """One version of the catalogue, immutable, safe to share between threads.

    `procedures` has their names, `fields` their fields (lĩnh vực) and `groups` their groups, by
    code, `offices` names of offices, `ladders` those published by office and group. `calendars`
    has the working calendar of every branch and office by code, and the nation's under `national`.
    """

    version: int
    branches: Mapping[str, Branch]
    communes: Mapping[str, Commune]
    procedures: Mapping[str, str]
    fields: Mapping[str, str]
    limits: Mapping[str, Law]
    calendars: Mapping[str, Published]
    supplements: Sequence[SupplementRule] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    ladders: Mapping[tuple[str | None, str | None], Ladder] = field(default_factory=dict)
    offices: Mapping[str, str] = field(default_factory=dict)
    grounds: dict[tuple[str, str, bool | None], Ground] = field(
        default_factory=dict, compare=False, repr=False
    )

    def published(self, branch: str | None) -> Published:
        """The working calendar of a branch; the nation's for none.

        Raises:
            NoCalendarError: no calendar was ever published for it.
        """
        found = self.calendars.get(branch or NATIONAL) or self.calendars.get(NATIONAL)
        if found is None:
            raise NoCalendarError("no calendar is published; run `dunghan catalogue load`")
        return found

    def of_scope(self, scope: str) -> Published:
        """The working calendar of the nation, an office or a branch."""
        return self.published(scope if scope in self.calendars else None)

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
        if procedure not in self.limits:  # callers may name any number that there are not
            return self._ground(procedure, branch, difficult=difficult)
        key = (procedure, branch, difficult)
        found = self.grounds.get(key)
        if found is None:
            found = self._ground(procedure, branch, difficult=difficult)
            self.grounds[key] = found
        return found

    def _ground(self, procedure: str, branch: str, *, difficult: bool | None) -> Ground:
        return Ground(
            rules=self.limits.get(procedure),
            province=self.branches[branch].province,
            difficult=difficult,
            calendar=self.calendar_of(branch),
            ladder=self.ladder_of(branch, self.groups.get(procedure)),
        )

    def ladder_of(self, branch: str | None, group: str | None) -> Ladder:
        """The ladder of a branch's office and a group of procedures: the narrowest there is.

        Of both, of the office, of the group, of neither, in this order.
        """
        held = self.branches.get(branch or "")
        return self.office_ladder(held.office if held else None, group)

    def office_ladder(self, office: str | None, group: str | None = None) -> Ladder:
        """The ladder of an office, for a group of procedures or for what is of no dossier."""
        for key in ((office, group), (office, None), (None, group), (None, None)):
            if key in self.ladders:
                return self.ladders[key]
        return FIRST


class RuleBook:
    """Keeps the newest rules; re-reads them when the catalogue has moved on.

    What is immutable (working calendars, limit rows) it keeps for good, by id: a calendar's table
    is built once a process, and what a closed dossier was derived with is at hand.
    """

    def __init__(self) -> None:
        """Start empty; the first use reads."""
        self._rules: Rules | None = None
        self._calendars: dict[int, Published] = {}
        self._limits: dict[int, LimitRule] = {}
        self._lock = Lock()

    def in_force(self, session: Session, version: int | None = None) -> Rules:
        """The rules of the newest version (one SELECT when nothing moved).

        Give `version` if the caller has already read it in this transaction.
        """
        newest = publications.version(session) if version is None else version
        rules = self._rules
        if rules is None or rules.version != newest:
            with self._lock:
                rules = self._rules
                if rules is None or rules.version != newest:
                    rules = self._rules = read(session, newest, self._calendars)
                    current = {held.id: held for held in rules.calendars.values()}
                    older = [one for one in self._calendars if one not in current][-_KEPT:]
                    self._calendars = {one: self._calendars[one] for one in older} | current
        return rules

    def calendar(self, session: Session, calendar_id: int) -> Published:
        """A working calendar by its id, of any time."""
        held = self._calendars.get(calendar_id)
        if held is None:
            rows = calendars.layers_of(session, calendar_id)
            held = self._calendars[calendar_id] = published(calendar_id, rows)
        return held

    def limits(self, session: Session, ids: Collection[int]) -> Mapping[int, LimitRule]:
        """Limit rows by their ids, superseded or not."""
        unknown = set(ids) - self._limits.keys()
        if unknown:
            rows = catalogue.limits_by_id(session, sorted(unknown))
            self._limits |= {row["id"]: limit_rule(row) for row in rows}
        return self._limits


def read(
    session: Session, version: int, known: Mapping[int, Published] = MappingProxyType({})
) -> Rules:
    """Read one version whole: some thousand rows, a few statements.

    `known` are working calendars that need not be built again.
    """
    limits: dict[str, list[LimitRule]] = {}
    for row in catalogue.limits(session):
        limits.setdefault(row["procedure"], []).append(limit_rule(row))
    supplements = [
        SupplementRule(
            SupplementPolicy(row["policy"]),
            row["valid_from"],
            row["valid_until"],
            row["ground"],
            row["doubt"],
        )
        for row in catalogue.supplements(session)
    ]
    branches = {
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
    }
    procedures = catalogue.procedures(session)
    return Rules(
        version=version,
        branches=branches,
        communes={
            row["code"]: Commune(row["code"], row["difficult_from"], row["difficult_until"])
            for row in catalogue.communes(session)
        },
        procedures={row["code"]: row["name"] for row in procedures},
        fields={row["code"]: row["field"] for row in procedures},
        limits={code: Law(rows, supplements) for code, rows in limits.items()},
        calendars=_calendars(session, branches.values(), known),
        supplements=supplements,
        groups={row["code"]: row["group"] for row in procedures},
        ladders={
            (row["office"], row["group"]): ladder(row["id"], row["rungs"])
            for row in catalogue.ladders(session)
        },
        offices={row["code"]: row["name"] for row in catalogue.offices(session)},
    )


def _calendars(
    session: Session, branches: Iterable[Branch], known: Mapping[int, Published]
) -> dict[str, Published]:
    """The nation's working calendar and that of each branch; branches of equal layers share one."""
    newest = {row["scope"]: row for row in calendars.newest(session)}
    ids = calendars.stacks(session, [row["id"] for row in newest.values()])
    made: dict[tuple[int, ...], Published] = {}

    def stack(*scopes: str) -> Published | None:
        rows = [newest[scope] for scope in scopes if scope in newest]
        layers = tuple(row["id"] for row in rows)
        if layers and layers not in made:
            found = ids[layers]
            made[layers] = known.get(found) or published(found, rows)
        return made.get(layers)

    found = {NATIONAL: stack(NATIONAL)}
    for one in branches:
        found[one.office] = found.get(one.office) or stack(NATIONAL, one.office)
        found[one.code] = stack(NATIONAL, one.office, one.code)
    return {scope: held for scope, held in found.items() if held is not None}
