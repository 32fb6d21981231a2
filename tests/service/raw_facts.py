"""Dossiers with their raw facts, for recounts in plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.core.calendar import WorkingCalendar
from app.core.differences import Side
from app.core.findings import Findings, derive
from app.core.lifecycle import Facts
from app.core.standing import day
from app.core.yardsticks import Yardstick
from app.db.engine import Sessions
from app.db.in_hand import ZONE, Span
from app.db.lists import Clock
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_of
from tests.core.verdicts import side
from tests.service import random_dossiers, simulated
from tests.service.simulated import UNTIL, send, stored

KINDS = ("simulated", "random")
PERIODS = [
    (date(2026, 1, 1), date(2026, 11, 20)),
    (date(2026, 7, 1), date(2026, 9, 30)),
    (date(2026, 3, 1), date(2026, 3, 31)),
]
HEARD = UNTIL - timedelta(days=12)
"""When the branches were last heard of: what fell due since is unverified."""


@dataclass
class One:
    """A dossier in hand, from its raw facts."""

    row: Any
    facts: Facts
    findings: Findings
    calendar: WorkingCalendar


@dataclass
class World:
    """What was stored, and the rules it is judged by."""

    rules: Rules
    clocks: list[Clock]
    dossiers: list[One]

    def in_hand(self, over: Span) -> Iterator[One]:
        for one in self.dossiers:
            came_on, end_on = one.row["received_on"], one.row["ended_on"]
            if came_on is None or came_on > over.last:
                continue
            if end_on is None or end_on >= over.first:
                yield one


def world(kind: str, sessions: Sessions, book: RuleBook) -> World:
    """Two thousand dossiers of a simulated year, or as many at random."""
    made = simulated if kind == "simulated" else random_dossiers
    outcomes = send(sessions, book, made.lines(2_000))
    refused = sum(one.outcome == "quarantined" for one in outcomes)
    assert refused < len(outcomes) / 20
    with sessions() as session:
        rules = book.in_force(session)
    dossiers = []
    for row in stored(sessions):
        facts = facts_of(row)
        ground = rules.ground(
            row["procedure_code"], facts.branch, facts.commune, row["received_on"]
        )
        dossiers.append(One(row, facts, derive(facts, ground), ground.calendar))
    clocks = [Clock(code, HEARD, UNTIL) for code in sorted(rules.branches)]
    return World(rules, clocks, dossiers)


def unverified(one: One, over: Span) -> bool:
    """Past due only since the branch was last heard of."""
    open_ = one.row["ended_on"] is None or one.row["ended_on"] > over.last
    past = side(one.facts, one.findings, Yardstick.LEGAL, over.last) is Side.LATE
    heard_on = min(over.last, day(HEARD, ZONE))
    before = side(one.facts, one.findings, Yardstick.LEGAL, heard_on) is Side.LATE
    return open_ and past and not before
