"""The on-time report: rates with what stands beside them, a row for every active branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core.rating import Tally
from app.core.yardsticks import Yardstick
from app.db import quarantine, reports
from app.db.lists import Clock
from app.db.reports import Group
from app.service.rules import Rules
from app.service.silence import BranchClock

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# What is open belongs to no month of an end, so a split by month shows these in the totals only.
OPEN_COLUMNS = ("open", "overdue", "unverified", "due_soon", "suspended", "waiting")


@dataclass(slots=True)
class Line:
    """One row of the report. `rate` None is "no data", which is not 100 %."""

    key: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    no_limit: int = 0
    beside: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """On time over all that have a verdict."""
        return self.tally.rate


@dataclass(frozen=True, slots=True)
class Report:
    """The rows, their total, and how old the data are: the oldest word of any branch in it."""

    groups: tuple[Group, ...]
    rows: list[Line]
    total: Line
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
    carried: bool = True,
) -> Report:
    """Dossiers ended from `first` to `last`, both included, of the branches of `clocks`.

    Four statements, whatever the figures. Beside the rate stand what is open now, what was carried
    over from before `first`, and what lies in quarantine; who does not show the first two
    (`beside`, `carried`) need not have them counted.
    """
    branches = [clock.branch for clock in clocks]
    lines: dict[tuple[str, ...], Line] = {}
    total = Line(())
    for row in reports.ended(session, branches, first, last, groups, yardstick):
        line = _line(lines, tuple(row[group.value] for group in groups))
        line.tally += Tally(row["early"], row["on_time"], row["late"])
        line.no_limit += row["no_limit"]
        total.tally += Tally(row["early"], row["on_time"], row["late"])
        total.no_limit += row["no_limit"]
    if Group.BRANCH in groups and Group.MONTH not in groups and Group.PROCEDURE not in groups:
        for branch in branches:
            if rules.branches[branch].is_active(last):
                _line(lines, (branch,))
    if beside:
        _beside(session, lines, total, clocks, now, groups)
    if carried:
        _carried_over(session, lines, total, branches, first, groups)
    _quarantined(session, lines, total, office, branches, groups, whole_office=whole_office)
    spoken = [clock.heard_at for clock in heard.values() if clock.heard_at is not None]
    rows = sorted(lines.values(), key=lambda line: line.key)
    return Report(tuple(groups), rows, total, min(spoken, default=None))


def _line(lines: dict[tuple[str, ...], Line], key: tuple[str, ...]) -> Line:
    if key not in lines:
        lines[key] = Line(key)
    return lines[key]


def _beside(
    session: Session,
    lines: dict[tuple[str, ...], Line],
    total: Line,
    clocks: Sequence[Clock],
    now: datetime,
    groups: Sequence[Group],
) -> None:
    for row in reports.open_now(session, clocks, now, groups):
        _add(lines, total, row, groups, OPEN_COLUMNS)
        if Group.MONTH not in groups:
            _line(lines, _key(row, groups)).no_limit += row["no_limit"]
        total.no_limit += row["no_limit"]


def _carried_over(
    session: Session,
    lines: dict[tuple[str, ...], Line],
    total: Line,
    branches: Sequence[str],
    first: date,
    groups: Sequence[Group],
) -> None:
    begin = datetime.combine(first, time(), ZONE)
    for row in reports.carried_over(session, branches, begin, groups):
        _add(lines, total, row, groups, ("carried_over",))


def _quarantined(
    session: Session,
    lines: dict[tuple[str, ...], Line],
    total: Line,
    office: str,
    branches: Sequence[str],
    groups: Sequence[Group],
    *,
    whole_office: bool,
) -> None:
    found = quarantine.counts(session, office, branches, whole_office=whole_office)
    for branch, count in found.items():
        total.beside["quarantined"] = total.beside.get("quarantined", 0) + count
        if tuple(groups) == (Group.BRANCH,) and branch is not None:
            line = _line(lines, (branch,))
            line.beside["quarantined"] = line.beside.get("quarantined", 0) + count


def _add(
    lines: dict[tuple[str, ...], Line],
    total: Line,
    row: Mapping[Any, Any],
    groups: Sequence[Group],
    columns: Sequence[str],
) -> None:
    targets = [total]
    if Group.MONTH not in groups:
        targets.append(_line(lines, _key(row, groups)))
    for target in targets:
        for column in columns:
            target.beside[column] = target.beside.get(column, 0) + row[column]


def _key(row: Mapping[Any, Any], groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(row[group.value] for group in groups)
