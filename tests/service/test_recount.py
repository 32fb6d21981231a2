"""Every figure of the reports is what an independent recount of the raw records gives."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import access
from tests.service import lives, recount, recount_sums, simulated
from tests.service.recount import Asked, Dossier
from tests.service.recount_law import Rule, Told, rule_of
from tests.service.recount_sums import BY_END, SPLITS
from tests.service.reporting import World, form, send
from tests.service.simulated import UNTIL

YARDSTICKS = ("legal", "form", "index766")
GROUPS = [[one] for one in (*SPLITS, *BY_END)]
PAIRS = [list(two) for two in combinations(("branch", "procedure", "channel", "month"), 2)]
TALLIED = ("early", "on_time", "late", "no_limit", "uncounted")
BESIDE = ("open", "overdue", "unverified", "carried_over")
NOW_ONLY = ("due_soon", "suspended", "waiting")
RANKS = {"one-stop": 10, "land": 20}


class Truth(NamedTuple):
    """The dossiers as the raw records tell of them, with their law, and each branch's last word."""

    dossiers: list[tuple[Told, Rule | None]]
    heard: dict[str, datetime]

    def received(self, first: date, last: date, now: datetime = UNTIL) -> list[Dossier]:
        return recount.received(self.dossiers, Asked(first, last, now, self.heard))


def truth(records: Iterable[tuple[str, bytes]]) -> Truth:
    told = list(records)
    dossiers = [(one, rule_of(one)) for one in recount.standing(told, RANKS)]
    return Truth(dossiers, recount.heard(told, UNTIL, RANKS))


def said(row: Mapping[str, Any], *, with_open: bool, current: bool) -> Counter[str]:
    """The figures of a row of the on-time report, its rates checked."""
    tally = sum(row[name] for name in ("early", "on_time", "late"))
    good = row["early"] + row["on_time"]
    assert (row["numerator"], row["denominator"]) == (good, tally)
    assert row["rate"] == (good / tally if tally else None)
    found = Counter({name: row[name] for name in TALLIED})
    if with_open:
        found |= {name: row[name] for name in (*BESIDE, *(NOW_ONLY if current else ()))}
        due = row["fell_due"]
        assert due["due"] == due["met"] + due["missed"] + due["ahead"]
        judged = due["met"] + due["missed"]
        assert due["rate"] == (due["met"] / judged if judged else None)
        found |= {f"due.{name}": due[name] for name in ("met", "missed", "ahead")}
    return +found


def check_on_time(world: World, told: Truth, first: date, last: date, groups: list[str]) -> None:
    held = told.received(first, last)
    current = last >= UNTIL.date()
    for yardstick in YARDSTICKS:
        answer = world.api.get(
            "/v1/reports/on-time",
            **{"from": first, "to": last, "group_by": ",".join(groups), "yardstick": yardstick},
        )
        expected = recount_sums.on_time(held, groups, yardstick)
        where = (yardstick, groups, str(first), str(last))
        total = said(answer["totals"], with_open=True, current=current)
        assert total == expected.pop(("*",), Counter()), where
        with_open = not set(BY_END).intersection(groups)
        rows = {
            tuple(row[group] for group in groups): said(row, with_open=with_open, current=current)
            for row in answer["rows"]
        }
        assert len(rows) == len(answer["rows"])
        assert {key: row for key, row in rows.items() if row} == {
            key: row for key, row in expected.items() if row
        }, where
        if with_open:
            assert sum(rows.values(), Counter()) == total, where


def check_form(world: World, told: Truth, first: date, last: date) -> None:
    held = told.received(first, last)
    office = form(world, first, last)
    assert office == recount_sums.form06a(held), (first, last)
    summed: dict[str, Counter[str]] = {}
    for branch in simulated.dong_thap().branches:
        mine = form(world, first, last, branch=branch.code)
        assert mine == recount_sums.form06a(held, branch.code), (first, last, branch.code)
        for name, row in mine.items():
            summed[name] = summed.get(name, Counter()) + row
    assert summed == office


@pytest.mark.parametrize("seed", [7, 19])
def test_a_simulated_year_counts_as_its_records_do(world: World, seed: int):
    kept = send(world, simulated.lines(600, seed))
    told = truth(("one-stop", raw) for raw in kept)
    today = UNTIL.date()
    spans = [(date(2026, 1, 1), today), (date(2026, 9, 1), date(2026, 9, 30))]
    spans.append((date(2026, 3, 15), date(2026, 6, 14)))
    for first, last in spans:
        for groups in (*GROUPS, *PAIRS):
            check_on_time(world, told, first, last, groups)
        check_form(world, told, first, last)
    for days in range(5, 300, 29):
        last = today - timedelta(days=days)
        check_on_time(world, told, last - timedelta(days=60), last, ["branch"])
        check_form(world, told, last - timedelta(days=90), last)


_OF_DOSSIERS = (
    *("dossier", "applicant", "revision", "watch", "witness", "divergence", "alias"),
    *("quarantine", "feed"),
)


def empty(world: World) -> None:
    """Nothing was ever told; two sources, of which the one-stop shop leads."""
    with world.sessions.begin() as session:
        session.execute(text(f"TRUNCATE {', '.join(_OF_DOSSIERS)} RESTART IDENTITY CASCADE"))
        for source, rank in RANKS.items():
            access.put_source(session, source, source, rank=rank)


def told_in_any_order(world: World, dice: Random) -> list[tuple[str, bytes]]:
    """Some histories by two sources, in any order and some records twice; what was not refused."""
    sent: list[tuple[str, bytes]] = []
    for _ in range(dice.randrange(6, 16)):
        records = lives.life(dice)
        second = dice.random() < 0.2 and records[0]["received_at"]
        for one in records:
            if second:  # what the leading source leaves empty the other one fills
                sent.append(("land", json.dumps(one).encode()))
                one |= {"promised_at": None, "commune": None}
            sent.append(("one-stop", json.dumps(one).encode()))
    order = [*dice.sample(sent, len(sent)), *(dice.choice(sent) for _ in range(4))]
    kept = []
    while order:
        size = dice.randrange(1, len(order) + 1)
        for source in RANKS:
            part = [raw for who, raw in order[:size] if who == source]
            kept += [(source, raw) for raw in send(world, part, source)] if part else []
        order = order[size:]
    return kept


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the figures that differ say enough
)
@given(dice=st.randoms(use_true_random=False))
def test_any_histories_count_as_their_records_do_as_of_any_day(world: World, dice: Random):
    empty(world)
    told = truth(told_in_any_order(world, dice))
    for last in lives.days(dice, 4):
        first = last - timedelta(days=dice.choice([0, 10, 30, 90]))
        for groups in [["branch"], *dice.sample(GROUPS, 2), dice.choice(PAIRS)]:
            check_on_time(world, told, first, last, groups)
        check_form(world, told, first, last)
