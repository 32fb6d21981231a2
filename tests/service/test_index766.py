"""Index 766 is what a recount from the raw facts gives."""

import json
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from app.core.clock import Reason
from app.core.differences import Side
from app.core.index766 import Population, Share
from app.core.standing import day
from app.core.yardsticks import Yardstick
from app.db.engine import Sessions
from app.db.in_hand import ZONE, Span, span
from app.db.lists import Clock
from app.service.index766 import Figures, count
from app.service.rules import RuleBook
from tests.core.verdicts import side
from tests.service.raw_facts import HEARD, KINDS, PERIODS, One, World, unverified, world
from tests.service.simulated import UNTIL, send


@pytest.fixture(params=KINDS)
def held(request: pytest.FixtureRequest, sessions: Sessions, book: RuleBook) -> World:
    return world(request.param, sessions, book)


def share(flags: Sequence[bool | None]) -> Share:
    told = [flag for flag in flags if flag is not None]
    return Share(sum(told), len(told), len(flags) - len(told))


def in_time(one: One, yardstick: Yardstick, over: Span) -> bool | None:
    """Whether it is in time; None where the yardstick has nothing to go by."""
    found = side(one.facts, one.findings, yardstick, over.last)
    inputs = one.findings.index766
    if yardstick is Yardstick.INDEX766 and inputs.due_on is None and inputs.overdue is None:
        found = Side.LATE if inputs.forced_late and ended(one, over) else Side.NONE
    return None if found is Side.NONE else found is not Side.LATE


def ended(one: One, over: Span) -> bool:
    return one.row["ended_on"] is not None and one.row["ended_on"] <= over.last


def apologised(one: One, over: Span) -> bool:
    return any(day(letter.sent_at, ZONE) <= over.last for letter in one.facts.apologies)


def processed(one: One) -> timedelta:
    """From the receipt to the end, less the time of the supplements."""
    facts = one.facts
    assert facts.end is not None
    assert facts.received_at is not None
    end = facts.end
    for stop in facts.suspensions:
        if stop.reason is Reason.SUPPLEMENT:
            end -= max(min(stop.until_at or facts.end, facts.end) - stop.from_at, timedelta(0))
    return timedelta(days=max((day(end, ZONE) - one.row["received_on"]).days, 0))


def recount(held: World, over: Span, population: Population) -> Figures:
    found = list(held.in_hand(over))
    done = [one for one in found if ended(one, over)]
    fresh = [one for one in found if one.row["received_on"] >= over.first]
    chosen = {
        Population.IN_HAND: found,
        Population.RECEIVED: fresh,
        Population.ENDED: done,
    }[population]
    late = [
        one
        for one in found
        if in_time(one, Yardstick.LEGAL, over) is False and not unverified(one, over)
    ]
    worked = 0
    for one in done:
        since = one.row["received_on"].toordinal()
        worked += one.calendar.worked_days(since, since + processed(one).days)
    return Figures(
        progress=share([in_time(one, Yardstick.INDEX766, over) for one in chosen]),
        online=share([one.row["channel"] == "online" for one in fresh]),
        payment=share([one.facts.online_payment for one in fresh]),
        par=share([in_time(one, Yardstick.FORM, over) for one in done]),
        apology=share([apologised(one, over) for one in late]),
        ended=len(done),
        days=sum(processed(one).days for one in done),
        working_days=worked,
    )


@pytest.mark.parametrize("population", Population)
def test_every_figure_is_what_a_recount_gives(
    sessions: Sessions, held: World, population: Population
):
    for period in PERIODS:
        over = span(*period, UNTIL)
        with sessions() as session:
            total, branches = count(session, held.rules, held.clocks, over, population)
        assert total == recount(held, over, population)
        for code, figures in branches.items():
            mine = [one for one in held.dossiers if one.row["branch"] == code]
            assert figures == recount(World(held.rules, [], mine), over, population)
        assert total.progress.denominator > 0


def test_of_an_empty_period_there_are_no_data(sessions: Sessions, book: RuleBook):
    over = span(*PERIODS[2], UNTIL)
    with sessions() as session:
        rules = book.in_force(session)
        clocks = [Clock(code, HEARD, UNTIL) for code in rules.branches]
        total, branches = count(session, rules, clocks, over, Population.IN_HAND)
    assert (total, branches) == (Figures(), {})
    assert total.progress.rate is None


def test_a_dossier_older_than_every_calendar_has_days_but_no_working_days(
    sessions: Sessions, book: RuleBook
):
    """Received in 2012 and returned in 2026, as an inspection in TP.HCM found them."""
    record = {
        "code": "H20.16.03-120301-0001",
        "procedure": "1.013831",
        "branch": "H20.16.03",
        "status": 9,
        "received_at": "2012-03-01T09:00:00+07:00",
        "finished_at": "2026-08-03T09:00:00+07:00",
        "updated_at": "2026-08-03T09:00:00+07:00",
    }
    send(sessions, book, [json.dumps(record).encode()])
    with sessions() as session:
        rules = book.in_force(session)
        clocks = [Clock(code, HEARD, UNTIL) for code in rules.branches]
        total, _ = count(session, rules, clocks, span(*PERIODS[1], UNTIL), Population.IN_HAND)
    old = (date(2026, 8, 3) - date(2012, 3, 1)).days
    assert (total.ended, total.days, total.beyond, total.working_days) == (1, old, 1, 0)
