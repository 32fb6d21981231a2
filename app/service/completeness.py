"""Whether what should have come has come: a day's counts, its digest, and its running numbers."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.core.codes import dossier_code
from app.core.numbering import Issued, Span, issued, missing, spans
from app.db import completeness
from app.db.completeness import EMPTY

_PLAIN = 9_999  # the running number has four digits until these are used up
_NEARLY = 9_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose dossiers are asked for: `branches`, of an office that has `all_branches`.

    `whole` also sees what was refused and names no branch.
    """

    office: str
    branches: frozenset[str]
    all_branches: frozenset[str]
    whole: bool


class Told(NamedTuple):
    """How many of a day came from one source, and their digest."""

    source: str
    dossiers: int
    digest: str


@dataclass(frozen=True, slots=True)
class Series:
    """The running numbers of one agency (and owner agency) on a day.

    Attributes:
        held: How many of them are dossiers of the branches asked for; `first` and `last` of these
            and of what is refused.
        missing: From 1 to `last`, what no branch of the office holds and nobody has refused.
        in_quarantine: What was refused and waits to be mended.
        outside: Numbers of five digits where four were not used up: made by some system, not
            issued in order.
    """

    agency: str
    owner: str
    first: int
    last: int
    held: int
    missing: Sequence[Span]
    in_quarantine: Sequence[Span]
    outside: int

    @property
    def missing_total(self) -> int:
        """How many numbers are missing."""
        return sum(span.size for span in self.missing)


@dataclass(slots=True)
class Day:
    """What came of one day of receipt."""

    day: date
    dossiers: int = 0
    digest: str = EMPTY
    by_state: dict[str, int] = field(default_factory=dict)
    sources: list[Told] = field(default_factory=list)
    other_day: int = 0
    quarantined: int = 0
    series: list[Series] = field(default_factory=list)

    @property
    def missing_total(self) -> int:
        """How many running numbers of the day are missing."""
        return sum(one.missing_total for one in self.series)


@dataclass(slots=True)
class _Used:
    """The numbers of a series: ours, those of the whole office, and those refused."""

    ours: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    seen_refused: set[int] = field(default_factory=set)


_Key = tuple[str, str, str]


def completeness_of(session: Session, scope: Scope, first: date, last: date) -> list[Day]:
    """One entry a day from `first` to `last`, both included; three statements.

    Gaps are looked for in the numbers of the whole office, since an agency's numbers go to several
    branches: what another branch holds is not missing, and nothing else is told of it.
    """
    count = (last - first).days + 1
    found = {day: Day(day) for day in (first + timedelta(days=at) for at in range(count))}
    by_name = {_name(day): day for day in found}
    prefixes: set[str] = set()
    for group in completeness.received(session, sorted(scope.branches), first, last):
        prefixes.update(_enter(found[group.day], group))
    used: dict[_Key, _Used] = defaultdict(_Used)
    for text, branch in completeness.refused(session, scope.office, sorted(by_name)):
        seen = branch in scope.branches or (branch is None and scope.whole)
        code = dossier_code(text)
        part = issued(code) if code else None
        if part is None or part.day not in by_name:
            continue
        held = used[_key(part)]
        held.refused.add(part.number)
        if seen:
            held.seen_refused.add(part.number)
            prefixes.add(f"{part.agency}-{part.day}-")
            found[by_name[part.day]].quarantined += 1
    for code, branch in completeness.numbers(session, sorted(prefixes), sorted(scope.all_branches)):
        part = issued(code)
        if part is not None:
            used[_key(part)].held.add(part.number)
            if branch in scope.branches:
                used[_key(part)].ours.add(part.number)
    _number(found, by_name, used)
    return list(found.values())


def _enter(day: Day, group: completeness.Group) -> Sequence[str]:
    """Enter a group; returns the series of its codes."""
    if group.source is not None:
        day.sources.append(Told(group.source, group.dossiers, group.digest))
    elif group.state is not None:
        day.by_state[group.state] = group.dossiers
    else:
        day.dossiers, day.digest, day.other_day = group.dossiers, group.digest, group.other_day
    return group.prefixes


def _number(
    found: Mapping[date, Day], by_name: Mapping[str, date], used: Mapping[_Key, _Used]
) -> None:
    for (agency, name, owner), one in sorted(used.items()):
        if one.ours or one.seen_refused:
            found[by_name[name]].series.append(_series(agency, owner, one))


def _series(agency: str, owner: str, used: _Used) -> Series:
    plain, outside = _in_order(used.held | used.refused)
    shown = sorted((used.ours | used.seen_refused) & plain)
    first, last = (shown[0], shown[-1]) if shown else (0, 0)
    return Series(
        agency=agency,
        owner=owner,
        first=first,
        last=last,
        held=len(used.ours),
        missing=list(missing(plain, last)),
        in_quarantine=spans((used.seen_refused & plain) - used.held),
        outside=len(outside & used.ours),
    )


def _in_order(numbers: Collection[int]) -> tuple[set[int], set[int]]:
    """The numbers that were issued in order, and those that cannot have been."""
    plain = {number for number in numbers if number <= _PLAIN}
    beyond = set(numbers) - plain
    if max(plain, default=0) >= _NEARLY:
        return plain | beyond, set()
    return plain, beyond


def _key(part: Issued) -> _Key:
    return part.agency, part.day, part.owner


def _name(day: date) -> str:
    return f"{day:%y%m%d}"
