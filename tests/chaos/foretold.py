"""What ought to be announced, reckoned a second time: plain loops over what was sent, no SQL.

It shares with the program the moments that `app.core` finds for one snapshot, and nothing of what
becomes of them: which are passed, by whose clock, what is said once and what never.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from app.core.findings import Findings
from app.core.ladder import Level
from app.core.lifecycle import Facts, State
from app.service.rows import found
from app.service.rules import Rules

_LIMIT_ENDS = 100  # the levels of the limit are below it; each above has a clock of its own
_WARNINGS = {Level.SHARE_USED, Level.DUE_SOON, Level.APOLOGY_DUE, Level.DUE_TODAY}


class Fact(NamedTuple):
    """What an announcement is of: it is made once."""

    code: str
    level: Level
    due_at: datetime


class Stood(NamedTuple):
    """How a dossier stood from a moment on."""

    since: datetime
    state: State
    due_at: datetime | None
    handed_over: bool


@dataclass
class Known:
    """One dossier: what was told of it last, what is still to be said, and how it ever stood."""

    facts: Facts
    findings: Findings
    open_moments: list[tuple[datetime, Level]]
    stood: list[Stood] = field(default_factory=list)


@dataclass
class Foretold:
    """Everything that was sent, and all that must have been said of it."""

    silence_days: int
    dossiers: dict[str, Known] = field(default_factory=dict)
    heard: dict[str, datetime] = field(default_factory=dict)
    said: dict[Fact, datetime] = field(default_factory=dict)
    branch_of: dict[Fact, str] = field(default_factory=dict)
    clock_at: dict[Fact, datetime] = field(default_factory=dict)

    def hear(self, branch: str, at: datetime) -> None:
        """A branch has told of itself up to an instant."""
        self.heard[branch] = max(at, self.heard.get(branch, at))

    def take(self, facts: Facts, rules: Rules, now: datetime) -> None:
        """A snapshot; one that is older than what is known changes nothing."""
        known = self.dossiers.get(facts.code)
        if known is None or facts.updated_at > known.facts.updated_at:
            self._derive(facts, rules, now)

    def publish(self, rules: Rules, now: datetime) -> None:
        """Another law or calendar: what has not ended is judged by it."""
        for known in list(self.dossiers.values()):
            if known.facts.end is None:
                self._derive(known.facts, rules, now)

    def _derive(self, facts: Facts, rules: Rules, now: datetime) -> None:
        code = facts.code
        findings = found(facts, rules)
        known = self.dossiers.get(code)
        if known is None:
            known = self.dossiers[code] = Known(facts, findings, list(findings.moments))
        elif known.findings.moments != findings.moments:
            known.open_moments = list(findings.moments)
        known.facts, known.findings = facts, findings
        handed = facts.handed_over_at is not None
        known.stood.append(Stood(now, findings.state, findings.due_at, handed))

    def clock(self, branch: str, rules: Rules, now: datetime) -> datetime:
        """What time it is for accusations: that of the last report, for some days of silence."""
        at = self.heard.get(branch)
        if at is None or worked_days(rules, branch, at, now) > self.silence_days:
            return now
        return min(at, now)

    def sweep(self, rules: Rules, now: datetime) -> None:
        """Say what is due now."""
        clocks = {code: self.clock(code, rules, now) for code in rules.branches}
        for code, known in self.dossiers.items():
            if not known.open_moments or known.open_moments[0][0] > now:
                continue
            branch = known.facts.branch
            highest: dict[int, tuple[datetime, Level]] = {}
            later = []
            for at, level in known.open_moments:
                if at > (now if level in _WARNINGS else clocks[branch]):
                    later.append((at, level))
                    continue
                clock = 0 if level < _LIMIT_ENDS else int(level)
                if clock not in highest or level > highest[clock][1]:
                    highest[clock] = (at, level)
            known.open_moments = later
            for at, level in highest.values():
                due_at = known.findings.due_at if level < _LIMIT_ENDS else at
                assert due_at is not None
                fact = Fact(code, level, due_at)
                if fact not in self.said:
                    self.said[fact] = now
                    self.branch_of[fact] = branch
                    self.clock_at[fact] = clocks[branch]

    def stands(self, fact: Fact, at: datetime) -> bool:
        """Whether what was announced was so at an instant: open, and due when it was said to be."""
        stood = self.as_of(fact.code, at)
        if stood is None:
            return False
        if fact.level < _LIMIT_ENDS:
            return stood.state is State.RUNNING and stood.due_at == fact.due_at
        if fact.level is Level.ACCEPTANCE_LATE:
            return stood.state is State.SUBMITTED
        if fact.level is Level.HAND_OVER_LATE:
            return stood.state is State.FINISHED and not stood.handed_over
        return stood.state not in {State.FINISHED, State.CLOSED}

    def as_of(self, code: str, at: datetime) -> Stood | None:
        """How a dossier stood at an instant."""
        stood = self.dossiers[code].stood
        place = bisect_right(stood, at, key=lambda one: one.since)
        return stood[place - 1] if place else None


def worked_days(rules: Rules, branch: str, since: datetime, until: datetime) -> int:
    """Working days after the day of one instant, up to that of another."""
    calendar = rules.calendar_of(branch)
    first = since.astimezone(calendar.zone).date()
    last = until.astimezone(calendar.zone).date()
    days = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    return sum(calendar.is_working(day.toordinal()) for day in days)


class Hours(NamedTuple):
    """When a branch is open on a day."""

    opens_at: datetime
    closes_at: datetime


def hours(rules: Rules, branches: Sequence[str], day: date) -> Hours | None:
    """From the opening of the first of some branches to the closing of the last; None: all off."""
    at_work = [
        calendar
        for calendar in map(rules.calendar_of, branches)
        if calendar.is_working(day.toordinal())
    ]
    if not at_work:
        return None
    number = day.toordinal()
    return Hours(
        min(one.opening(number) for one in at_work), max(one.closing(number) for one in at_work)
    )
