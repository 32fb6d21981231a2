"""The on-time report: rates with what stands beside them, a row for every active branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.rating import Tally
from app.core.yardsticks import Yardstick
from app.db import in_hand, quarantine, reports
from app.db.in_hand import BY_END, Group, Standing
from app.db.lists import Clock
from app.service.rules import Rules
from app.service.silence import BranchClock

# What is open belongs to no month of an end, so a split by one shows these in the totals only.
NOW_COLUMNS = ("due_soon", "suspended", "waiting")
"""What is known of this moment only, and of no past day."""

OPEN_COLUMNS = ("open", "overdue", "unverified", *NOW_COLUMNS)


@dataclass(slots=True)
class Line:
    """One row of the report. `rate` None is "no data", which is not 100 %.

    `fell_due` is the second rate, of the dossiers the law made due in the period: met or missed.
    """

    key: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    no_limit: int = 0
    uncounted: int = 0
    beside: dict[str, int] = field(default_factory=dict)
    fell_due: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """On time over all that have a verdict."""
        return self.tally.rate

    @property
    def due_rate(self) -> float | None:
        """Met over met and missed, of what fell due; None is "no data"."""
        met, missed = self.fell_due.get("met", 0), self.fell_due.get("missed", 0)
        return met / (met + missed) if met + missed else None


@dataclass(frozen=True, slots=True)
class Report:
    """The rows, their total, and how old the data are: the oldest word of any branch in it.

    `as_of` is the instant what is open was judged at; `current` if that is now.
    """

    groups: tuple[Group, ...]
    rows: list[Line]
    total: Line
    as_of: datetime
    current: bool
    data_as_of: datetime | None


def on_time(
    session: Session,
    rules: Rules,
    clocks: Sequence[Clock],
    heard: Mapping[str, BranchClock],
    now: datetime,
    *,
    office: str,
    whole_office: bool,
    first: date,
    last: date,
    groups: Sequence[Group],
    yardstick: Yardstick,
    beside: bool = True,
    cohort: bool = False,
) -> Report:
    """Dossiers ended from `first` to `last`, both included, of the branches of `clocks`.

    A handful of statements, whatever the figures. Beside the rate stand what was open at the close
    of the period (now, where it is not over), what was carried over from before `first`, and what
    lies in quarantine; who does not show these (`beside`) need not have them counted. `cohort` adds
    what fell due in the period.
    """
    branches = [clock.branch for clock in clocks]
    over = in_hand.span(first, last, now)
    held = _Held(tuple(groups))
    for row in in_hand.counted(session, clocks, over, groups, yardstick, with_open=beside):
        held.take(row)
    if held.groups == (Group.BRANCH,):
        held.lines |= {
            (branch,): held.line((branch,))
            for branch in branches
            if rules.branches[branch].is_active(over.last)
        }
    if beside and over.current:
        for row in reports.open_now(session, clocks, now, groups):
            held.add(row, NOW_COLUMNS)
    for row in reports.fell_due(session, branches, over, groups) if cohort else ():
        held.fell_due(row)
    _quarantined(session, held, office, branches, over.close, whole_office=whole_office)
    spoken = [clock.heard_at for clock in heard.values() if clock.heard_at is not None]
    rows = sorted(held.lines.values(), key=lambda line: line.key)
    oldest = min(spoken, default=None)
    return Report(tuple(groups), rows, held.total, over.close, over.current, oldest)


@dataclass(slots=True)
class _Held:
    """The lines as they fill, and their total."""

    groups: tuple[Group, ...]
    lines: dict[tuple[str, ...], Line] = field(default_factory=dict)
    total: Line = field(default_factory=lambda: Line(()))

    def line(self, key: tuple[str, ...]) -> Line:
        """The line of a key, made where there is none."""
        if key not in self.lines:
            self.lines[key] = Line(key)
        return self.lines[key]

    def targets(self, row: Mapping[Any, Any], *, ended: bool = False) -> list[Line]:
        """Where a row belongs: what is open has no day of an end, and then only in the total."""
        if not ended and BY_END.intersection(self.groups):
            return [self.total]
        return [self.total, self.line(tuple(row[group.value] for group in self.groups))]

    def take(self, row: Mapping[Any, Any]) -> None:
        """Count some dossiers in hand."""
        n, what = row["n"], Standing(row["standing"])
        for line in self.targets(row, ended=not row["open"]):
            line.tally += _tally(what, n)
            line.uncounted += n * (what is Standing.UNCOUNTED)
        for line in self.targets(row, ended=not row["open"] and what is Standing.NO_VERDICT):
            line.no_limit += n * (what in (Standing.NO_VERDICT, Standing.NO_LIMIT))
        counts = {
            "open": n * row["open"],
            "overdue": n * (what is Standing.OVERDUE),
            "unverified": n * (what is Standing.UNVERIFIED),
            "carried_over": n - row["fresh"],
        }
        self.add({**row, **counts}, tuple(counts))

    def fell_due(self, row: Mapping[Any, Any]) -> None:
        """Count what fell due."""
        for line in self.targets(row):
            for name in ("due", "met", "missed", "ahead"):
                line.fell_due[name] = line.fell_due.get(name, 0) + row[name]

    def add(self, row: Mapping[Any, Any], columns: Sequence[str]) -> None:
        """Add some columns to what stands beside the rate."""
        if not any(row[column] for column in columns):
            return
        for line in self.targets(row):
            for column in columns:
                line.beside[column] = line.beside.get(column, 0) + row[column]


def _tally(what: Standing, n: int) -> Tally:
    return Tally(
        n * (what is Standing.EARLY), n * (what is Standing.ON_TIME), n * (what is Standing.LATE)
    )


def _quarantined(
    session: Session,
    held: _Held,
    office: str,
    branches: Sequence[str],
    at: datetime,
    *,
    whole_office: bool,
) -> None:
    found = quarantine.counts(session, office, branches, at, whole_office=whole_office)
    for branch, count in found.items():
        lines = [held.total]
        if held.groups == (Group.BRANCH,) and branch is not None:
            lines.append(held.line((branch,)))
        for line in lines:
            line.beside["quarantined"] = line.beside.get("quarantined", 0) + count
