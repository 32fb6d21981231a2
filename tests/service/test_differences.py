"""The difference between the yardsticks is what a recount from the raw facts gives."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pytest

from app.core.differences import (
    PAIRS,
    VERDICTS,
    Clue,
    Difference,
    Pair,
    Reason,
    Side,
    clues,
    difference,
    reasons,
)
from app.core.standing import day
from app.core.yardsticks import Yardstick
from app.db import differences as db
from app.db.differences import SIDES
from app.db.engine import Sessions
from app.db.in_hand import ZONE, Span, Standing, span
from app.db.lists import Clock
from app.service.differences import Beside, by_reason, exchanged, side_by_side, stand
from app.service.rules import RuleBook
from tests.core.verdicts import side
from tests.service.raw_facts import HEARD, KINDS, PERIODS, One, World, unverified, world
from tests.service.simulated import UNTIL, send
from tests.web.wire import BRANCH, finished


@pytest.fixture(params=KINDS)
def held(request: pytest.FixtureRequest, sessions: Sessions, book: RuleBook) -> World:
    return world(request.param, sessions, book)


def sides(one: One, over: Span) -> dict[Yardstick, Side]:
    found = {of: side(one.facts, one.findings, of, over.last) for of in Yardstick}
    return found | ({Yardstick.LEGAL: Side.NONE} if unverified(one, over) else {})


def clues_of(one: One, over: Span) -> Clue:
    days = {day(datetime.fromisoformat(told["promised_at"]), ZONE) for told in one.row["promises"]}
    return clues(
        one.facts,
        one.findings,
        days,
        one.calendar,
        over.last,
        unverified=unverified(one, over),
    )


def recount(held: World, over: Span) -> dict[tuple[Pair, Reason], Counter[Difference]]:
    found: dict[tuple[Pair, Reason], Counter[Difference]] = {}
    for one in held.in_hand(over):
        stands = sides(one, over)
        for pair in PAIRS:
            how = difference(stands[pair[0]], stands[pair[1]])
            if how is not None:
                reason = reasons(pair, how, clues_of(one, over))[0]
                found.setdefault((pair, reason), Counter())[how] += 1
    return found


def pages(
    sessions: Sessions,
    held: World,
    over: Span,
    pair: Pair,
    size: int,
    reason: Reason | None = None,
    wanted: Sequence[Difference] = tuple(Difference),
) -> Iterator[Sequence[Any]]:
    table = exchanged(held.rules, [clock.branch for clock in held.clocks])
    after = ""
    while True:
        with sessions() as session:
            rows = db.page(
                session,
                held.clocks,
                over,
                table,
                pair=pair,
                wanted=wanted,
                reason=reason,
                after=after,
                limit=size,
            )
        yield rows
        if len(rows) < size:
            return
        after = rows[-1]["code"]


def test_sql_finds_the_clues_the_core_finds(sessions: Sessions, held: World):
    by_code = {one.row["code"]: one for one in held.dossiers}
    seen: Counter[Clue] = Counter()
    for period in PERIODS:
        over = span(*period, UNTIL)
        for pair in PAIRS:
            for row in next(pages(sessions, held, over, pair, 10**6)):
                one = by_code[row["code"]]
                assert Clue(row["clues"]) == clues_of(one, over), row
                seen.update(clue for clue in Clue if clue & row["clues"])
    missing = set(Clue) - set(seen) - {Clue.NOTHING}
    # no limit in hours is in the catalogue, and the simulator looks up promises in the calendar
    assert missing <= {Clue.HOUR_LATE, Clue.SATURDAY, Clue.PROVISIONAL, Clue.NOT_PROMISED}, missing


def test_every_count_is_what_a_recount_from_the_raw_facts_gives(sessions: Sessions, held: World):
    for period in PERIODS:
        over = span(*period, UNTIL)
        with sessions() as session:
            total, branches = side_by_side(session, held.clocks, over)
            counted = by_reason(session, held.rules, held.clocks, over)
        expected = Beside()
        verdicts: dict[Yardstick, Counter[Side]] = {of: Counter() for of in Yardstick}
        own = {branch: Beside() for branch in branches}
        for one in held.in_hand(over):
            found = sides(one, over)
            for pair in PAIRS:
                how = difference(found[pair[0]], found[pair[1]])
                if how is not None:
                    expected.apart[pair][how] += 1
                    own[one.row["branch"]].apart[pair][how] += 1
            for of, told in found.items():
                verdicts[of][told] += 1

        assert total.apart == expected.apart
        assert {code: held.apart for code, held in branches.items()} == {
            code: held.apart for code, held in own.items()
        }
        for of in Yardstick:
            found_sides: Counter[Side] = Counter()
            for standing, n in total.standings[of].items():
                found_sides[SIDES[standing]] += n
            assert found_sides == verdicts[of], of
        assert counted == recount(held, over)
        for pair in PAIRS:
            of_pair = sum((n for (one, _), n in counted.items() if one == pair), Counter())
            assert of_pair == total.apart[pair]
        assert Reason.OTHER not in {reason for _, reason in counted}


def test_the_dossiers_behind_a_count_are_as_many_and_each_is_on_one_page(
    sessions: Sessions, held: World
):
    over = span(*PERIODS[0], UNTIL)
    with sessions() as session:
        counted = by_reason(session, held.rules, held.clocks, over)
    for (pair, reason), counts in counted.items():
        codes: list[str] = []
        for rows in pages(sessions, held, over, pair, 7, reason=reason):
            assert len(rows) <= 7
            for row in rows:
                found = stand(row)
                how = difference(*(SIDES[found[of]] for of in pair))
                assert how is not None
                assert reasons(pair, how, Clue(row["clues"]))[0] is reason
            codes += [row["code"] for row in rows]
        assert codes == sorted(set(codes))
        assert len(codes) == counts.total()
        moved = sum(
            len(rows)
            for rows in pages(sessions, held, over, pair, 10**6, reason=reason, wanted=VERDICTS)
        )
        assert moved == sum(counts[how] for how in VERDICTS)


def test_of_the_branches_asked_for_only(sessions: Sessions, held: World):
    over = span(*PERIODS[0], UNTIL)
    mine = World(
        held.rules,
        [clock for clock in held.clocks if clock.branch == BRANCH],
        [one for one in held.dossiers if one.row["branch"] == BRANCH],
    )
    with sessions() as session:
        total, branches = side_by_side(session, mine.clocks, over)
        assert by_reason(session, mine.rules, mine.clocks, over) == recount(mine, over)
    assert set(branches) == {BRANCH}
    in_hand = sum(1 for _ in mine.in_hand(over))
    assert {sum(held.values()) for held in total.standings.values()} == {in_hand}
    for rows in pages(sessions, mine, over, PAIRS[0], 10**6):
        assert {row["branch"] for row in rows} == {BRANCH}


def test_results_not_handed_over_by_the_close_are_listed(sessions: Sessions, held: World):
    over = span(*PERIODS[1], UNTIL)
    expected = [
        one.row["code"]
        for one in held.dossiers
        if one.row["ended_on"] is not None
        and over.first <= one.row["ended_on"] <= over.last
        and one.row["received_on"] is not None
        and one.row["how_ended"] == "result"
        and one.facts.finished_at is not None
        and (one.facts.handed_over_at is None or day(one.facts.handed_over_at, ZONE) > over.last)
    ]
    with sessions() as session:
        counts = db.not_handed_over(session, held.clocks, over)
        rows = db.page_not_handed_over(session, held.clocks, over, after="", limit=10**6)
    assert expected
    assert sum(row["n"] for row in counts) == len(expected)
    assert [row["code"] for row in rows] == expected


def test_of_an_empty_period_nothing_is_said(sessions: Sessions, book: RuleBook):
    over = span(date(2026, 1, 1), date(2026, 3, 31), UNTIL)
    with sessions() as session:
        rules = book.in_force(session)
        clocks = [Clock(code, HEARD, UNTIL) for code in rules.branches]
        total, branches = side_by_side(session, clocks, over)
        assert by_reason(session, rules, clocks, over) == {}
        assert side_by_side(session, [], over)[1] == {}
    assert branches == {}
    assert {total.tally(of).rate for of in Yardstick} == {None}
    assert {total.disagreements(pair) for pair in PAIRS} == {0}


def test_what_ended_between_two_appointments_was_in_time_on_the_days_before(
    sessions: Sessions, book: RuleBook
):
    """The first was met on 23 March, due on the 30th; it waited for the citizen until it ended."""
    tax = {
        "reason": "financial_obligation",
        "from": "2026-03-23T12:53:00+07:00",
        "until": None,
    }
    one = finished(
        1,
        "2026-04-03",
        procedure="1.013831",
        received_at="2026-03-20T12:53:00+07:00",
        promised_at="2026-04-06T17:00:00+07:00",
        suspensions=[tax],
        outcome="returned",
    )
    assert [told.outcome for told in send(sessions, book, [json.dumps(one).encode()])] == [
        "created"
    ]

    over = span(date(2026, 3, 1), date(2026, 3, 31), UNTIL)
    with sessions() as session:
        clocks = [Clock(BRANCH, UNTIL, UNTIL)]
        total, _ = side_by_side(session, clocks, over)
    assert {tuple(held) for held in total.standings.values()} == {(Standing.IN_TIME,)}


def test_every_standing_has_its_side():
    assert set(SIDES) == set(Standing)
    assert set(SIDES.values()) == set(Side)
