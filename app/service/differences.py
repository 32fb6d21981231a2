"""The difference between the yardsticks: the three side by side, and why they disagree."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.differences import (
    LONGEST,
    PAIRS,
    VERDICTS,
    Clue,
    Difference,
    Pair,
    Reason,
    difference,
    reasons,
)
from app.core.rating import Tally
from app.core.yardsticks import Yardstick
from app.db import differences
from app.db.differences import SIDES, Exchanged
from app.db.in_hand import Span, Standing
from app.db.lists import Clock
from app.service.rules import Rules

_DAY = timedelta(days=1)
_SETTLED = (Standing.EARLY, Standing.ON_TIME, Standing.LATE)


@dataclass(slots=True)
class Beside:
    """One branch, or all: its dossiers in hand by where each yardstick has them.

    `apart` counts, for each pair, how the two differ; a dossier counts once for each pair.
    """

    standings: dict[Yardstick, Counter[Standing]] = field(
        default_factory=lambda: {one: Counter() for one in Yardstick}
    )
    apart: dict[Pair, Counter[Difference]] = field(
        default_factory=lambda: {pair: Counter() for pair in PAIRS}
    )

    def add(self, found: Mapping[Yardstick, Standing], n: int) -> None:
        """Count some dossiers that stand alike."""
        for one, standing in found.items():
            self.standings[one][standing] += n
        for pair in PAIRS:
            how = apart(pair, found)
            if how is not None:
                self.apart[pair][how] += n

    def tally(self, yardstick: Yardstick) -> Tally:
        """What ended, by verdict."""
        held = self.standings[yardstick]
        return Tally(*(held[one] for one in _SETTLED))

    def disagreements(self, pair: Pair) -> int:
        """On how many a pair gives two verdicts; early against on time is one verdict."""
        return sum(self.apart[pair][how] for how in VERDICTS)


def stand(row: Mapping[Any, Any]) -> dict[Yardstick, Standing]:
    """Where each yardstick has the dossiers of a row."""
    return {one: Standing(row[one.value]) for one in Yardstick}


def apart(pair: Pair, found: Mapping[Yardstick, Standing]) -> Difference | None:
    """How a pair of yardsticks differs; None if it does not."""
    first, second = (SIDES[found[one]] for one in pair)
    return difference(first, second)


def side_by_side(
    session: Session, clocks: Sequence[Clock], over: Span
) -> tuple[Beside, dict[str, Beside]]:
    """All together, and each branch that had anything in hand; in one statement."""
    total = Beside()
    branches: dict[str, Beside] = {}
    for row in differences.standings(session, clocks, over):
        found = stand(row)
        for one in (total, branches.setdefault(row["branch"], Beside())):
            one.add(found, row["n"])
    return total, branches


Counted = dict[tuple[Pair, Reason], Counter[Difference]]


def by_reason(session: Session, rules: Rules, clocks: Sequence[Clock], over: Span) -> Counted:
    """How many differ for each pair and reason, each dossier under its first reason.

    SQL groups the dossiers by what is true of them; the core says what that means, once a group.
    """
    counted: Counted = {}
    table = exchanged(rules, [clock.branch for clock in clocks])
    for row in differences.clued(session, clocks, over, table):
        found = stand(row)
        for pair in PAIRS:
            how = apart(pair, found)
            if how is not None:
                reason = reasons(pair, how, Clue(row["clues"]))[0]
                counted.setdefault((pair, reason), Counter())[how] += row["n"]
    return counted


def exchanged(rules: Rules, branches: Sequence[str]) -> Exchanged:
    """The days worked in exchange around which a promise may have missed one, for SQL."""
    calendars = {branch: rules.calendar_of(branch) for branch in branches}
    distinct = list(dict.fromkeys(calendars.values()))
    days = sorted(on for one in distinct for on in one.spec.worked)
    if not days:
        return Exchanged(branches, [1] * len(branches), date.min, [], [])
    first = max(days[0] - LONGEST, *(one.first_on for one in distinct))
    last = min(days[-1] + LONGEST, *(one.last_on for one in distinct))
    length = (last - first).days + 1
    shifts = {id(one): at * length + 1 for at, one in enumerate(distinct)}
    worked: list[int] = []
    special: list[int] = []
    for one in distinct:
        worked += accumulate(_worked(one, first, length))
        special += accumulate(int(first + _DAY * at in one.spec.worked) for at in range(length))
    places = [shifts[id(calendars[branch])] for branch in branches]
    return Exchanged(branches, places, first, worked, special)


def _worked(calendar: WorkingCalendar, first: date, length: int) -> Iterator[int]:
    since = first.toordinal()
    return (int(calendar.is_working(since + at)) for at in range(length))
