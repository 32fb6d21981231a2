"""What SQL and the core say of the differences is the same, on dossiers of every kind."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from app.core.differences import (
    PAIRS,
    Clue,
    Difference,
    Reason,
    Side,
    clues,
    difference,
    reasons,
)
from app.core.findings import Findings, derive
from app.core.lifecycle import Facts
from app.core.standing import day
from app.core.yardsticks import Yardstick
from app.db import differences as db
from app.db.engine import Sessions
from app.db.in_hand import ZONE, Span, Standing, span
from app.db.lists import Clock
from app.service.differences import by_reason, exchanged, side_by_side
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_of
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, lines, send, stored

PERIODS = [
    (date(2026, 1, 1), date(2026, 11, 20)),
    (date(2026, 7, 1), date(2026, 9, 30)),
    (date(2026, 3, 1), date(2026, 3, 31)),
    (date(2025, 11, 20), date(2026, 6, 30)),
]


def clocks_of(rules: Rules) -> list[Clock]:
    return [Clock(code, UNTIL - timedelta(days=1), UNTIL) for code in sorted(rules.branches)]


def test_clues_of_sql_are_those_of_the_core(sessions: Sessions, book: RuleBook):
    send(sessions, book, lines(3000))
    rows = {row["code"]: row for row in stored(sessions)}
    with sessions() as session:
        rules = book.in_force(session)
        clocks = clocks_of(rules)
        for first, last in PERIODS:
            over = span(first, last, UNTIL)
            seen = 0
            table = exchanged(rules, list(rules.branches))
            for pair in PAIRS:
                for told in db.page(
                    session,
                    clocks,
                    over,
                    table,
                    pair=pair,
                    wanted=tuple(Difference),
                    reason=None,
                    after="",
                    limit=10**6,
                ):
                    row = rows[told["code"]]
                    facts = facts_of(row)
                    ground = rules.ground(
                        row["procedure_code"], facts.branch, facts.commune, row["received_on"]
                    )
                    findings = derive(facts, ground)
                    days = {day(vn_at(one["promised_at"]), ZONE) for one in row["promises"]}
                    found = clues(
                        facts,
                        findings,
                        days,
                        ground.calendar,
                        over.last,
                        unverified=told["legal"] == "unverified",
                    )
                    assert Clue(told["clues"]) == found, (told, row)
                    seen += 1
            total, _ = side_by_side(session, clocks, over)
            print(seen, total.apart)
            for key, counts in sorted(by_reason(session, rules, clocks, over).items()):
                print(
                    "   ",
                    key[0][0].value,
                    key[0][1].value,
                    key[1].value,
                    {k.value: n for k, n in counts.items()},
                )


def vn_at(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)
