"""Steps against their half days: what each dossier's own page says, added up."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from app.core.calendar import micros
from app.core.lifecycle import Step
from app.core.stages import StageFact
from app.core.steps import JudgedStep, StepLimit, StepUnit, judged
from app.core.taxes import gaps
from app.db import in_hand
from app.db.engine import Sessions
from app.db.in_hand import Span
from app.db.lists import Clock
from app.service import steps
from app.service.explain import Explained, explain
from app.service.rules import RuleBook
from app.service.step_times import Judgement, Judgements, LawStep, bottleneck, judgements
from app.web.beside import beside
from tests.catalogues import as_it_was
from tests.service.simulated import UNTIL, send
from tests.service.where_time_goes import asked as question
from tests.service.where_time_goes import fill, local, stages
from tests.web.wire import BRANCH, OTHER, Record, finished

COUNTER, HOUSE, TAX = "Bộ phận Một cửa", "Chi nhánh Cai Lậy", "Chi cục Thuế"
WEEK = (date(2026, 11, 16), date(2026, 11, 20))


@pytest.fixture
def year(sessions: Sessions, book: RuleBook) -> Iterator[list[Any]]:
    with as_it_was(sessions):
        yield fill(sessions, book, 5)


def asked(
    sessions: Sessions, book: RuleBook, over: Span, branches: list[str] | None = None
) -> Judgements:
    with sessions() as session:
        rules = book.in_force(session)
        mine = [Clock(code, UNTIL, UNTIL) for code in branches or rules.branches]
        return judgements(session, mine, rules, over)


def then(at: datetime | None, close: datetime) -> datetime | None:
    return at if at is not None and at <= close else None


def on_its_page(held: Explained, row: Any, over: Span) -> tuple[JudgedStep, ...]:  # noqa: ANN401
    """The steps of a dossier; of a past day from what had happened by its close."""
    if over.current:
        return beside(held, UNTIL).steps
    facts, close = held.facts, over.close
    sent: list[Step] = [
        replace(one, finished_at=then(one.finished_at, close))
        for one in facts.steps
        if one.started_at is None or one.started_at <= close
    ]
    stops = [
        replace(one, until_at=then(one.until_at, close))
        for one in facts.suspensions
        if one.from_at <= close
    ]
    told = [
        StageFact(one.stage, then(one.started_at, close), then(one.ended_at, close))
        for one in stages(row)
    ]
    choice = held.findings.choice
    calendar = held.newest if facts.end is None else held.published.calendar
    end = then(facts.end, close) or close
    law = choice.steps if choice else ()
    return judged(sent, law, gaps(stops, told), stops, calendar, end)


@pytest.mark.parametrize(
    ("first", "last"), [("2025-11-20", "2026-11-20"), ("2026-03-01", "2026-03-31")]
)
def test_they_add_up_what_the_page_of_each_dossier_says(
    sessions: Sessions, book: RuleBook, year: list[Any], first: str, last: str
):
    over = in_hand.span(date.fromisoformat(first), date.fromisoformat(last), UNTIL)
    expected: dict[str, dict[LawStep, Judgement]] = defaultdict(dict)
    unmatched = untimed = 0
    with sessions() as session:
        rules = book.in_force(session)
        for row in year:
            came, ended = row["received_on"], row["ended_on"]
            if came is None or came > over.last or (ended is not None and ended < over.first):
                continue
            held = explain(session, row, book, rules)
            calendar = held.newest if held.facts.end is None else held.published.calendar
            for one in on_its_page(held, row, over):
                stopped = one.step.finished_at or then(held.facts.end, over.close)
                if one.step.started_at is None or (stopped and local(stopped) < over.first):
                    continue
                if one.law is None:
                    unmatched += 1
                elif one.late is None or one.due_at is None:
                    untimed += 1
                else:
                    choice = held.findings.choice
                    assert choice is not None
                    nth = next(at for at, law in enumerate(choice.steps, start=1) if law is one.law)
                    step = LawStep(row["procedure_code"], choice.rule.case, nth, one.law)
                    line = expected[row["branch"]].setdefault(step, Judgement())
                    line.on_time += stopped is not None and not one.late
                    line.late += stopped is not None and one.late
                    line.open += stopped is None
                    line.open_late += stopped is None and one.late
                    if one.late:
                        until = micros(stopped or over.close)
                        line.late_time += calendar.worked_time(micros(one.due_at), until)

    found = asked(sessions, book, over)

    assert (found.unmatched, found.untimed) == (unmatched, untimed)
    assert found.judged == expected
    everything = [line for held in expected.values() for line in held.values()]
    assert min(sum(line.late for line in everything), unmatched, untimed) > 0
    assert sum(line.on_time for line in everything) > 0
    assert asked(sessions, book, over, [BRANCH]).judged == {BRANCH: expected[BRANCH]}


# ------------------------------------------------------------------------------- bottlenecks


def step(unit: str, since: str, until: str | None) -> Record:
    day = "2026-11-16T"
    told = {"started_at": f"{day}{since}:00+07:00", "finished_at": None}
    if until is not None:
        told["finished_at"] = f"{until}:00+07:00"
    return {"name": "x", "unit": unit, **told}


def reissue(number: int, *told: Record) -> Record:
    """A correction of three days: half a day at the counter, two and a half at the branch."""
    return finished(number, "2026-11-20", procedure="1.012766", promised_at=None, steps=list(told))


def put(sessions: Sessions, book: RuleBook, *records: Record) -> None:
    told = send(sessions, book, [json.dumps(one).encode() for one in records])
    assert {one.outcome for one in told} == {"created"}, told


def told(sessions: Sessions, book: RuleBook, made: Any, over: Span) -> Any:  # noqa: ANN401
    with sessions() as session:
        return made(session, question(sessions, book, over))


def test_the_bottleneck_is_the_own_step_that_loses_most_time(sessions: Sessions, book: RuleBook):
    put(
        sessions,
        book,
        # the counter is very late, but that is not the land office's
        reissue(1, step(COUNTER, "08:00", "2026-11-18T16:00"), step(HOUSE, "16:00", None)),
        # due after 20 office hours, on Wednesday at 11:30; one hour late of them
        reissue(2, step(COUNTER, "07:00", "2026-11-16T07:30"), step(HOUSE, "07:30", None)),
    )
    over = in_hand.span(*WEEK, UNTIL)

    rows = {
        row.cells["branch"]: row.cells for row in told(sessions, book, steps.bottlenecks, over).rows
    }

    assert len(rows) == 10
    mine = rows[BRANCH]
    assert (mine["procedure"], mine["case"], mine["step"]) == ("1.012766", "default", "2")
    assert (mine["unit"], mine["limit"]) == ("land registration branch", 2.5)
    assert mine["own_steps"] == mine["steps"] == 2
    assert mine["own_late"] == mine["late"] == 2
    assert mine["share_late"] == 1
    assert rows[OTHER]["own_steps"] == 0
    assert rows[OTHER]["procedure"] is rows[OTHER]["share_late"] is None
    both = told(sessions, book, steps.report, over)
    assert [row.cells["step"] for row in both.rows] == ["1", "2"]
    assert both.total.cells["steps"] == 4
    assert both.notes[0].params == {"unmatched": 0, "untimed": 0}


def test_where_no_own_step_was_late_there_is_no_bottleneck():
    assert bottleneck({}) is None


def test_of_equal_ones_the_greater_share_then_the_first_is_the_bottleneck():
    def law(unit: StepUnit, nth: int) -> LawStep:
        return LawStep("1.012766", "default", nth, StepLimit(unit, 5))

    some = Judgement(on_time=3, late=1, late_time=100)
    more = Judgement(on_time=1, late=1, late_time=100)
    most = Judgement(late=9, late_time=900)
    first, second = law(StepUnit.BRANCH, 2), law(StepUnit.OFFICE, 4)
    counter, clean = law(StepUnit.ONE_STOP, 1), law(StepUnit.BRANCH, 5)

    assert bottleneck({counter: most, clean: Judgement(on_time=4)}) is None
    found = bottleneck({counter: most, first: some, second: more})
    assert found is not None
    assert found.step is second
    found = bottleneck({second: more, first: more})
    assert found is not None
    assert found.step is first
