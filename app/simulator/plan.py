"""Where in the year a number falls: day, branch, running number; and how good each branch is.

Numbers follow the receipts of the year, so a block of numbers is a stretch of days. All a plan
keeps is a table of days by branches: its size does not depend on the number of dossiers.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Final

from app.simulator.calendar import CIVIL_DAY, DAY, WorkingDays, instant_of, office_second
from app.simulator.people import person
from app.simulator.province import Branch, Procedure, Province

YEAR: Final = 365
SILENCE: Final = timedelta(days=21)
BEFORE: Final = 60
"""Days the calendar covers before the year, for what was submitted earlier."""
AFTER: Final = 800
"""Days the calendar covers after the year: what is later than this is printed as its last day."""
OFFICERS: Final = 9

# Parts of a hundred; what is left of the hundred goes to the rest of the catalogue.
WEIGHTS: Final = {
    "1.013831": 35.0,  # transfer, inheritance, gift
    "1.011441": 13.5,  # mortgage registered
    "1.011443": 11.5,  # mortgage deleted
    "1.012783": 10.0,  # renewal
    "1.012784": 6.0,  # subdivision
    "1.012790": 5.0,  # correction
    "1.013833": 5.0,  # change of name
    "1.013978": 4.0,  # first registration
    "1.012789": 4.0,  # land information
}
REST: Final = 6.0
UNKNOWN: Final = ("1.115428", "1.115438", "1.115402")
"""Codes of 2026 that a catalogue may not have yet."""

MONTHS: Final = (1.2, 1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 1.0, 0.95, 1.15, 1.2, 1.3)
WEEKDAYS: Final = (1.35, 1.05, 1.0, 1.0, 0.9, 0.5, 0.5)
RUSH: Final = range(4, 22)
"""Days to Tết in which everybody comes; nearer than that, nobody does."""

LATE: Final = (0.80, 0.88)


@dataclass(frozen=True, slots=True)
class Office:
    """A branch as it is this year; `horizon` is the last instant it reports about."""

    branch: Branch
    punctuality: float
    online: float
    weight: float
    officers: tuple[str, ...]
    horizon: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number falls: `working` is the working second of the receipt."""

    office: Office
    ordinal: int
    running: int
    working: int


class Plan:
    """A year of `dossiers` numbers, ending at `until`."""

    def __init__(self, seed: int, dossiers: int, province: Province, until: datetime) -> None:
        """Lay the year out.

        Raises:
            ValueError: `until` is naive.
        """
        if until.tzinfo is None:
            raise ValueError("`until` needs an offset: a naive time is nobody's")
        self.seed = seed
        self.dossiers = dossiers
        self.province = province
        self.until = instant_of(until)
        self.last = self.until // CIVIL_DAY
        self.first = self.last - YEAR
        span = self.first - BEFORE, self.last + AFTER
        self.days = WorkingDays(province.off, province.worked, *span)
        self.slips = WorkingDays(province.off, (), *span)
        self.offices, self.silent = _offices(seed, province, self.until)
        self._offers: dict[int, tuple[list[Procedure], list[float]]] = {}
        self._starts, self._counts = self._table()

    @cached_property
    def unknown(self) -> tuple[Procedure, ...]:
        """Procedures that stand in no catalogue here."""
        known = {procedure.code for procedure in self.province.procedures}
        return tuple(Procedure(code) for code in (*UNKNOWN, "1.999001") if code not in known)

    @property
    def heard(self) -> list[str]:
        """Codes of the branches that report to the end."""
        codes = [branch.code for branch in self.province.branches]
        return [code for code in codes if code != self.silent]

    def place(self, number: int, lot: float) -> Place:
        """Return where a number from 0 to `dossiers - 1` falls; `lot`, 0 to 1, blurs the hour."""
        slot = bisect_right(self._starts, number) - 1
        row, column = divmod(slot, len(self.offices))
        ordinal = self._days[row]
        running = number - self._starts[slot]
        second = int((running + lot) / self._counts[slot] * self._open(ordinal))
        working = self.days.index(ordinal) * DAY + second
        return Place(self.offices[column], ordinal, running + 1, working)

    def offer(self, ordinal: int, lot: float) -> Procedure:
        """Return a procedure in force that day, by weight; `lot` is from 0 to 1."""
        offer = self._offers.get(ordinal)
        if offer is None:
            offer = self._offers[ordinal] = self._offer(ordinal)
        procedures, heights = offer
        return procedures[bisect_right(heights, lot * heights[-1], hi=len(heights) - 1)]

    def _offer(self, ordinal: int) -> tuple[list[Procedure], list[float]]:
        found = [
            procedure
            for procedure in self.province.procedures
            if any(case.limit(ordinal) for case in procedure.cases)
        ] or list(self.province.procedures)
        others = sum(procedure.code not in WEIGHTS for procedure in found)
        part = REST / max(others, 1)
        return found, list(accumulate(WEIGHTS.get(item.code, part) for item in found))

    @cached_property
    def _days(self) -> list[int]:
        """Working days of the year; the last one only if the office has opened."""
        return [
            day for day in self.days.days if self.first <= day <= self.last and self._open(day) > 0
        ]

    def _open(self, ordinal: int) -> int:
        """Return the office seconds of a day that lie before the end of the year."""
        return DAY if ordinal < self.last else office_second(self.until % CIVIL_DAY)

    def _table(self) -> tuple[list[int], list[int]]:
        """Return the first number and the count of each (day, branch), day after day."""
        loads = list(accumulate(self._load(day) for day in self._days))
        totals = [int(self.dossiers * (load / loads[-1])) for load in loads]
        rng = Random(self.seed)
        counts: list[int] = []
        for day, start, end in zip(self._days, [0, *totals], totals, strict=False):
            counts += self._shares(day, end - start, rng.random())
        return list(accumulate(counts, initial=0))[:-1], counts

    def _shares(self, day: int, number: int, lot: float) -> list[int]:
        """Share a day's dossiers out, so that small branches get theirs on some days."""
        weights = [
            office.weight * (office.horizon == self.until or day < office.horizon // CIVIL_DAY)
            for office in self.offices
        ]
        heights = list(accumulate(weights))
        ends = [int((height / heights[-1]) * number + lot) for height in heights]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]

    def _load(self, ordinal: int) -> float:
        day = date.fromordinal(ordinal)
        load = MONTHS[day.month - 1] * WEEKDAYS[day.weekday()] * self._open(ordinal) / DAY
        if not self.province.tet:
            return load
        ahead = min((tet - ordinal for tet in self.province.tet if tet > ordinal), default=YEAR)
        behind = min((ordinal - tet for tet in self.province.tet if tet < ordinal), default=YEAR)
        if ahead < RUSH.start or behind < RUSH.start:
            return load * 0.15
        if ahead in RUSH:
            return load * 1.35
        return load * 0.6 if behind in RUSH else load


def _offices(seed: int, province: Province, until: int) -> tuple[tuple[Office, ...], str | None]:
    """Return the branches as they are this year, and the code of the one that falls silent.

    Two are late and one is silent where there are four or more; fewer have fewer of both.
    """
    rng = Random(seed ^ 0x5EED)
    order = list(range(len(province.branches)))
    rng.shuffle(order)
    late = dict(zip(order[: len(order) // 2], LATE, strict=False))
    silent = order[2] if len(order) > len(LATE) + 1 else None
    offices = []
    for index, branch in enumerate(province.branches):
        punctuality = late.get(index, 0.95 + 0.045 * rng.random())
        online, weight = 0.4 + 0.2 * rng.random(), 0.6 + 0.9 * rng.random()
        officers = tuple(person(rng) for _ in range(OFFICERS))
        horizon = until - int(SILENCE.total_seconds()) if index == silent else until
        offices.append(Office(branch, punctuality, online, weight, officers, horizon))
    return tuple(offices), None if silent is None else province.branches[silent].code
