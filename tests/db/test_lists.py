"""The lists people work from: each dossier once, most urgent first, of one's own branches only."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.db import feeds, lists
from app.db.engine import Sessions
from app.db.lists import Clock, Place, Reading
from app.service.rules import RuleBook
from app.service.silence import branch_clocks
from tests.service.simulated import UNTIL, lines, send, stored
from tests.web.wire import BRANCH, OTHER, record

END = datetime.max.replace(tzinfo=UTC)
ENDED = ("finished", "closed")


@pytest.fixture
def year(sessions: Sessions, book: RuleBook) -> list[Any]:
    early = {"received_at": "2026-11-05T08:00:00+07:00", "promised_at": None}
    more = [
        record(9_001, **early),  # due on 17 November: unverified
        record(9_002, **early, branch=OTHER),  # the same, heard of since: overdue
        record(9_003, status=1, received_at=None, promised_at=None),
    ]
    send(sessions, book, [*lines(300), *(json.dumps(one).encode() for one in more)])
    with sessions.begin() as session:
        heard = {row["branch"]: UNTIL - timedelta(days=5) for row in stored(sessions)}
        session.execute(text("TRUNCATE feed"))
        feeds.hear(session, "one-stop", heard | {OTHER: UNTIL})
    return stored(sessions)


def clocks(sessions: Sessions, book: RuleBook, *branches: str) -> list[Clock]:
    """Silence of a week is forgiven, so that something is unverified."""
    with sessions() as session:
        rules = book.in_force(session)
        found = branch_clocks(session, rules, UNTIL, silence_days=9, soon_days=2)
    return [
        Clock(code, clock.clock_at, clock.soon_until)
        for code, clock in found.items()
        if not branches or code in branches
    ]


def pages(
    sessions: Sessions,
    held: Sequence[Clock],
    size: int,
    **more: Any,  # noqa: ANN401 filters
) -> list[Any]:
    """Every row of a list, page by page."""
    found: list[Any] = []
    after: Place | None = None
    with sessions() as session:
        while True:
            page = lists.page(session, held, UNTIL, after=after, limit=size, **more)
            found += page
            if len(page) < size:
                return found
            due_at = page[-1]["due_at"]
            after = Place(due_at.isoformat() if due_at else "infinity", page[-1]["code"])


def order(row: Any) -> tuple[datetime, bytes]:  # noqa: ANN401 a row
    return (row["due_at"] or END, row["code"].encode())


@pytest.mark.parametrize("size", [1, 7, 100, 5_000])
def test_paging_visits_each_dossier_once_in_the_order_of_its_due_moment(
    sessions: Sessions, book: RuleBook, year: list[Any], size: int
):
    found = [row["code"] for row in pages(sessions, clocks(sessions, book), size)]

    assert found == [row["code"] for row in sorted(year, key=order)]


@pytest.mark.parametrize("branches", [(BRANCH,), (BRANCH, OTHER)])
def test_a_list_holds_the_branches_it_is_asked_for(
    sessions: Sessions, book: RuleBook, year: list[Any], branches: tuple[str, ...]
):
    found = pages(sessions, clocks(sessions, book, *branches), 5)

    mine = [row for row in year if row["branch"] in branches]
    assert [row["code"] for row in found] == [row["code"] for row in sorted(mine, key=order)]


def test_no_branch_is_no_row(sessions: Sessions, year: list[Any]):
    assert year
    assert pages(sessions, [], 10) == []


def is_it(  # noqa: PLR0911 a list a case
    row: Any,  # noqa: ANN401 a row
    reading: Reading,
    clock: Clock,
) -> bool:
    """Whether a dossier belongs to a list, by hand."""
    running = row["state"] == "running"
    match reading:
        case Reading.OPEN:
            return row["state"] not in ENDED
        case Reading.OVERDUE:
            return bool(running and row["due_at"] <= clock.clock_at)
        case Reading.UNVERIFIED:
            return bool(running and clock.clock_at < row["due_at"] <= UNTIL)
        case Reading.DUE_SOON:
            return bool(running and UNTIL < row["due_at"] <= clock.soon_until)
        case Reading.LATE:
            if row["state"] != "finished" or row["legal_due_on"] is None:
                return False
            return bool(row["legal_late"] or row["legal_end_on"] > row["legal_due_on"])
        case Reading.NO_LIMIT:
            return row["no_limit"] is not None
        case _:
            return bool(row["state"] == reading.value)


@pytest.mark.parametrize("size", [3, 1_000])
def test_each_state_lists_what_is_in_it(
    sessions: Sessions, book: RuleBook, year: list[Any], size: int
):
    held = clocks(sessions, book)
    by_branch = {clock.branch: clock for clock in held}
    empty = []
    for reading in Reading:
        expected = {row["code"] for row in year if is_it(row, reading, by_branch[row["branch"]])}
        found = pages(sessions, held, size, readings=[reading])
        assert [row["code"] for row in found] == [
            row["code"] for row in sorted(found, key=order)
        ], reading
        assert {row["code"] for row in found} == expected, reading
        assert len(found) == len(expected)
        if reading in (Reading.OVERDUE, Reading.UNVERIFIED, Reading.DUE_SOON):
            assert {row["reading"] for row in found} <= {reading.value}
        if not expected:
            empty.append(reading)
    assert empty == []


def test_several_states_are_joined(sessions: Sessions, book: RuleBook, year: list[Any]):
    held = clocks(sessions, book)
    for some in ([Reading.OVERDUE, Reading.DUE_SOON], [Reading.SUSPENDED, Reading.FINISHED]):
        single = [pages(sessions, held, 1_000, readings=[one]) for one in some]
        joined = pages(sessions, held, 10, readings=some)
        assert {row["code"] for row in joined} == {row["code"] for one in single for row in one}
    assert year


def test_a_list_is_filtered_by_procedure_and_by_the_beginning_of_a_code(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    held = clocks(sessions, book)
    found = pages(sessions, held, 10, procedure="1.013831")
    assert {row["code"] for row in found} == {
        row["code"] for row in year if row["procedure_code"] == "1.013831"
    }
    prefix = year[len(year) // 2]["code"][:14]
    found = pages(sessions, held, 10, code_prefix=prefix)
    assert {row["code"] for row in found} == {
        row["code"] for row in year if row["code"].startswith(prefix)
    }
    assert pages(sessions, held, 10, code_prefix="%") == []
