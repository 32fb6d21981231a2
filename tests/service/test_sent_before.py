"""What was sent before, byte for byte, is known without being read; anything else is read."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import Sessions
from app.db.tables import dossier, feed
from app.service import intake
from app.service.intake import take_in
from app.service.outcomes import Line, Outcome
from app.service.rules import RuleBook
from tests.service.simulated import UNTIL, caller
from tests.web.wire import BRANCH, OTHER, record


def take(sessions: Sessions, book: RuleBook, raws: list[bytes], **caller_is: Any) -> list[Outcome]:  # noqa: ANN401 JSON
    who = replace(caller(book, sessions), **caller_is)
    lines = [Line(at, raw) for at, raw in enumerate(raws, start=1)]
    with sessions.begin() as session:
        return take_in(session, lines, who, book, UNTIL)


def raw(number: int, **changes: Any) -> bytes:  # noqa: ANN401 JSON
    return json.dumps(record(number, **changes)).encode()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines that were read whole."""
    found: list[int] = []
    prepare = intake._prepare  # noqa: SLF001 what must not be called

    def noted(line: Line, *given: Any) -> Any:  # noqa: ANN401 what it has
        found.append(line.number)
        return prepare(line, *given)

    monkeypatch.setattr(intake, "_prepare", noted)
    return found


def test_the_same_bytes_are_not_read_again(sessions: Sessions, book: RuleBook, read: list[int]):
    raws = [raw(number) for number in range(1, 201)]
    take(sessions, book, raws)
    read.clear()

    outcomes = take(sessions, book, raws)

    assert read == []
    assert [(one.line, one.outcome) for one in outcomes] == [
        (number, "unchanged") for number in range(1, 201)
    ]
    assert outcomes[6].code == record(7)["code"]


def test_what_changed_among_them_is_read(sessions: Sessions, book: RuleBook, read: list[int]):
    raws = [raw(number) for number in range(1, 201)]
    take(sessions, book, raws)
    read.clear()
    raws[6] = raw(7, commune="30001", updated_at="2026-11-17T08:00:00+07:00")

    outcomes = take(sessions, book, raws)

    assert read == [7]
    assert outcomes[6].outcome == "updated"
    assert take(sessions, book, raws[6:7])[0].outcome == "unchanged"


def test_bytes_of_before_the_last_change_are_stale(sessions: Sessions, book: RuleBook):
    take(sessions, book, [raw(1)])
    take(sessions, book, [raw(1, commune="30001", updated_at="2026-11-17T08:00:00+07:00")])

    assert take(sessions, book, [raw(1)])[0].outcome == "stale"


def test_a_code_that_stands_twice_is_told_so(sessions: Sessions, book: RuleBook):
    take(sessions, book, [raw(1)])

    outcomes = take(sessions, book, [raw(1), raw(1)])

    assert [one.outcome for one in outcomes] == ["unchanged", "unchanged"]
    assert [problem.field for one in outcomes for problem in one.problems] == ["code"]


def test_another_source_is_another_word(sessions: Sessions, book: RuleBook, read: list[int]):
    take(sessions, book, [raw(1)])
    read.clear()

    assert take(sessions, book, [raw(1)], source="land")[0].outcome == "updated"
    assert read == [1]


def test_who_may_not_send_for_the_branch_is_refused(sessions: Sessions, book: RuleBook):
    take(sessions, book, [raw(1)])

    assert take(sessions, book, [raw(1)], branches=frozenset({OTHER}))[0].outcome == "quarantined"


def test_it_is_heard_all_the_same(sessions: Sessions, book: RuleBook):
    take(sessions, book, [raw(1)])
    with sessions.begin() as session:
        session.execute(feed.delete())

    take(sessions, book, [raw(1)])

    with sessions() as session:
        heard = session.scalar(select(feed.c.heard_at).where(feed.c.branch == BRANCH))
        stamp = session.scalar(select(dossier.c.updated_at))
    assert heard == stamp


def test_a_code_that_no_column_can_hold_sinks_no_neighbour(sessions: Sessions, book: RuleBook):
    outcomes = take(sessions, book, [raw(1), raw(2, code="H20.16\x00"), raw(3)])

    assert [one.outcome for one in outcomes] == ["created", "quarantined", "created"]
