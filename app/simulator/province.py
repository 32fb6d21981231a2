"""The province a year is made of: branches, communes, procedures, limits, as the API lists them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any, Final, TypeAlias

from app.simulator.calendar import DAY, HOUR, office_second

Item: TypeAlias = Mapping[str, Any]
"""One entry of a list of the API, or of the catalogue's files."""

ALWAYS: Final = date.max.toordinal()
NEVER: Final = date.min.toordinal()


@dataclass(frozen=True, slots=True)
class Terms:
    """A limit in whole days, of working days unless `calendar`; `cutoff` is an office second.

    `stages` is empty where there is one appointment only. Hours and months are turned into the
    days they come to: near enough for the slip that is printed here, not for the law.
    """

    days: int
    calendar: bool = False
    stages: tuple["Terms", ...] = ()
    cutoff: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """Terms in force for receipts from `since` to `until`, both included, as ordinals."""

    since: int
    until: int
    province: str | None
    terms: Terms
    difficult: Terms

    def covers(self, ordinal: int) -> bool:
        """Say whether a receipt of that day falls under the limit."""
        return self.since <= ordinal <= self.until


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a procedure; limits of the province stand before the nation's."""

    code: str
    limits: tuple[Limit, ...]

    def limit(self, ordinal: int) -> Limit | None:
        """Return the limit in force for a receipt of that day, if there is one."""
        return next((limit for limit in self.limits if limit.covers(ordinal)), None)


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with its cases; none for a code the catalogue does not know."""

    code: str
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, difficult from one day to another (ordinals, both included)."""

    code: str
    name: str
    difficult_since: int
    difficult_until: int

    def is_difficult(self, ordinal: int) -> bool:
        """Say whether the longer limits hold for a receipt of that day."""
        return self.difficult_since <= ordinal <= self.difficult_until


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch with the communes whose dossiers it takes, at least one."""

    code: str
    name: str
    communes: tuple[Commune, ...]


@dataclass(frozen=True, slots=True)
class Province:
    """What a year is made of; `tet` holds the days of the lunar new year the calendar names."""

    code: str
    branches: tuple[Branch, ...]
    procedures: tuple[Procedure, ...]
    off: frozenset[int]
    worked: frozenset[int]
    tet: frozenset[int]


def province(
    branches: Iterable[Item],
    communes: Iterable[Item],
    procedures: Iterable[Item],
    calendar: Item,
) -> Province:
    """Return the province that lists of the API describe.

    A branch without communes takes no dossiers. The province is the first part of a branch's code.

    Raises:
        ValueError: no branch has a commune, or there are no procedures.
    """
    places = _branches(branches, communes)
    if not places:
        raise ValueError("no branch has a commune: there is nobody to play")
    code = places[0].code.split(".")[0]
    matters = tuple(
        Procedure(item["code"], tuple(_case(case, code) for case in item.get("cases") or ()))
        for item in procedures
    )
    if not matters:
        raise ValueError("the catalogue has no procedures: there is nothing to play")
    days = [(date.fromisoformat(day["date"]).toordinal(), day) for day in calendar["days"]]
    return Province(
        code,
        places,
        matters,
        off=frozenset(on for on, day in days if day["kind"].lower() == "off"),
        worked=frozenset(on for on, day in days if day["kind"].lower() == "work"),
        tet=frozenset(on for on, day in days if _is_tet(day)),
    )


def _branches(branches: Iterable[Item], communes: Iterable[Item]) -> tuple[Branch, ...]:
    wards: dict[str, list[Commune]] = {}
    for item in communes:
        since, until = item.get("difficult_from"), item.get("difficult_until")
        commune = Commune(
            item["code"],
            item["name"],
            _ordinal(since, ALWAYS),
            _ordinal(until, ALWAYS if since else NEVER),
        )
        wards.setdefault(item["branch"], []).append(commune)
    return tuple(
        Branch(item["code"], item["name"], tuple(wards[item["code"]]))
        for item in branches
        if item["code"] in wards
    )


def _case(item: Item, province_code: str) -> Case:
    limits = [
        _limit(limit)
        for limit in item.get("limits") or ()
        if limit.get("province") in {None, province_code}
    ]
    limits.sort(key=lambda limit: limit.province is None)
    return Case(item.get("case") or item.get("code") or "", tuple(limits))


def _limit(item: Item) -> Limit:
    terms = _terms(item, cutoff=item.get("cutoff"))
    hard = item.get("difficult")
    return Limit(
        _ordinal(item.get("valid_from"), NEVER),
        _ordinal(item.get("valid_until"), ALWAYS),
        item.get("province"),
        terms,
        terms if hard is None else _difficult(item, hard),
    )


def _difficult(item: Item, hard: object) -> Terms:
    """Return the terms of difficult communes, given as a bare quantity or as a limit of its own."""
    if isinstance(hard, Mapping):
        return _terms({"unit": item.get("unit"), **hard}, cutoff=item.get("cutoff"))
    stages = item.get("difficult_stages")
    return _terms({"quantity": hard, "unit": item.get("unit"), "stages": stages}, cutoff=None)


def _terms(item: Item, *, cutoff: str | None) -> Terms:
    parts = [
        {"unit": item.get("unit"), **(stage if isinstance(stage, Mapping) else {"quantity": stage})}
        for stage in item.get("stages") or ()
    ]
    stages = tuple(_terms(part, cutoff=None) for part in parts) if len(parts) > 1 else ()
    quantity, after = item.get("quantity"), _cutoff(cutoff)
    if quantity is None:
        return Terms(sum(stage.days for stage in stages), stages=stages, cutoff=after)
    match item.get("unit"):
        case "calendar_days":
            return Terms(ceil(quantity), calendar=True, stages=stages, cutoff=after)
        case "calendar_months":
            return Terms(ceil(quantity * 30), calendar=True, stages=stages, cutoff=after)
        case "working_hours":
            return Terms(ceil(quantity * HOUR / DAY), stages=stages, cutoff=after)
        case _:
            return Terms(ceil(quantity), stages=stages, cutoff=after)


def _cutoff(text: str | None) -> int | None:
    if text is None:
        return None
    hours, minutes = text.split(":")[:2]
    return office_second(int(hours) * HOUR + int(minutes) * 60)


def _ordinal(day: str | None, otherwise: int) -> int:
    return otherwise if day is None else date.fromisoformat(day).toordinal()


def _is_tet(day: Item) -> bool:
    name = day.get("name") or ""
    return day["kind"].lower() == "off" and "Tết" in name and "Dương" not in name
