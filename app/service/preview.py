"""What a change of the catalogue would move, before anybody publishes it."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from app.core.findings import Findings
from app.db import derived, publications
from app.db.derived import FOUND, Stored
from app.db.engine import Sessions
from app.service import rules as law
from app.service.changes import Change
from app.service.rows import BRANCH_AT, PROCEDURE_AT, found
from app.service.rules import Rules
from app.service.stored import facts_told

CHUNK = 2_000
_EXAMPLES = 10
_STATE, _DUE_ON, _DUE_AT, _PROVISIONAL = (
    FOUND.index(name) for name in ("state", "due_on", "due_at", "provisional")
)
_TOLD = [FOUND.index(name) for name in ("due_at", "state", "legal_due_on", "legal_late")]


class Move(NamedTuple):
    """One dossier that would move: its due day and state as they stand and as they would be."""

    code: str
    branch: str
    procedure: str
    old_due_on: date | None
    new_due_on: date | None
    old_state: str
    new_state: str

    @property
    def days(self) -> int:
        """By how many calendar days; 0 where one of the two is no date."""
        if self.old_due_on is None or self.new_due_on is None:
            return 0
        return (self.new_due_on - self.old_due_on).days


@dataclass(slots=True)
class Preview:
    """What a change would do to the open dossiers, counted one by one; nothing is written.

    Attributes:
        version: The newest catalogue, which the change was laid over.
        changes: Whether it differs from what is in force at all.
        concerned: Open dossiers it may concern, of all branches.
        moved: Those whose due moment, state or verdict would be another one.
        by_days: Of those with a due day before and after, how many move by how many calendar days.
        by_branch: How many move, of each branch in the caller's scope.
        gain, lose: Those that get a due day, or have none any more.
        become_provisional, no_longer_provisional: Those whose due day would lean on a day nobody
            has confirmed, or no more.
        become_overdue, no_longer_overdue: Those whose due moment would fall on the other side of
            the moment asked.
        examples: The greatest moves of the caller's branches, at most ten.
    """

    version: int
    changes: bool = True
    concerned: int = 0
    moved: int = 0
    by_days: Counter[int] = field(default_factory=Counter)
    by_branch: Counter[str] = field(default_factory=Counter)
    gain: int = 0
    lose: int = 0
    become_provisional: int = 0
    no_longer_provisional: int = 0
    become_overdue: int = 0
    no_longer_overdue: int = 0
    examples: list[Move] = field(default_factory=list)

    def add(self, held: Stored, new: Findings, now: datetime, *, mine: bool) -> None:
        """Count one dossier."""
        self.concerned += 1
        move = Move(
            held.code,
            held.facts[BRANCH_AT],
            held.facts[PROCEDURE_AT],
            held.findings[_DUE_ON],
            new.due_on,
            held.findings[_STATE],
            new.state.value,
        )
        was, will = _passed(held.findings[_DUE_AT], now), _passed(new.due_at, now)
        provisional = bool(held.findings[_PROVISIONAL])
        self.become_provisional += new.provisional and not provisional
        self.no_longer_provisional += provisional and not new.provisional
        self.become_overdue += will and not was
        self.no_longer_overdue += was and not will
        stood = [held.findings[place] for place in _TOLD]
        if stood == [new.due_at, new.state.value, new.legal.due_on, new.legal.forced_late]:
            return
        self.moved += 1
        if move.days:
            self.by_days[move.days] += 1
        self.gain += move.old_due_on is None and move.new_due_on is not None
        self.lose += move.new_due_on is None and move.old_due_on is not None
        if mine:
            self.by_branch[move.branch] += 1
            self.examples.append(move)
            self.examples.sort(key=lambda one: (-abs(one.days), one.code))
            del self.examples[_EXAMPLES:]


def _passed(due_at: datetime | None, now: datetime) -> bool:
    return due_at is not None and due_at <= now


def preview(
    sessions: Sessions,
    change: Change,
    branches: Collection[str],
    now: datetime,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Preview:
    """Lay a change over the newest catalogue and derive every open dossier it may concern.

    The change is made in a transaction that is taken back at once. Other previews and publications
    wait for it, intake does not. `branches` is the caller's scope, which limits the examples.

    Raises:
        NotPublishableError: the catalogue would contradict itself.
    """
    with sessions() as session:
        version = publications.draft(session)
        applied = change.apply(session, version + 1, now)
        rules = law.read(session, version + 1)
        session.rollback()
    told = Preview(version, changes=bool(applied.changed))
    after = ""
    while applied.changed:
        with sessions() as session:
            rows = derived.open_ones(
                session, rules.version, applied.reach, after, CHUNK, moments=False
            )
        if not rows:
            break
        for row in rows:
            branch = row.facts[BRANCH_AT]
            if branch in rules.branches:
                told.add(row, _anew(row, rules), now, mine=branch in branches)
        after = rows[-1].code
        on_progress(told.concerned)
    return told


def _anew(held: Stored, rules: Rules) -> Findings:
    return found(facts_told(held.code, held.facts, held.updated_at), rules)
