"""The four walks, with the number of their SQL statements: small, whatever the size."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.main import build
from app.service import calendar_changes
from app.service.calendar_items import Day
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.publish import publish
from app.service.recompute import recompute
from app.service.rules import RuleBook
from app.settings import Settings
from app.web.deps import moment
from jobs import Context, flags
from tests.catalogues import as_it_was
from tests.service.simulated import UNTIL, caller
from tests.web.wire import NOW, finished, ndjson, record, sign_up


class Counter:
    """Counts what is sent to the database while it is open."""

    def __init__(self, engine: Engine, copies: list[str]) -> None:
        self.engine = engine
        self.copies = copies

    @contextmanager
    def __call__(self, walk: str) -> Iterator[list[str]]:
        sent: list[str] = []

        def note(*args: Any) -> None:  # noqa: ANN401
            sent.append(" ".join(args[2].split()))

        self.copies.clear()
        event.listen(self.engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(self.engine, "before_cursor_execute", note)
        print(f"{walk}: {len(sent)} statements, {len(self.copies)} COPY")  # noqa: T201 told on -s


@pytest.fixture
def counting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Counter:
    copies: list[str] = []
    copy = psycopg.Cursor.copy

    def noted(self: Any, statement: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401
        copies.append(str(statement))
        return copy(self, statement, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "copy", noted)
    return Counter(engine, copies)


def batch(count: int, make: Callable[..., Any] = record, **more: Any) -> list[Line]:  # noqa: ANN401
    return [
        Line(number, json.dumps(make(number, **more)).encode()) for number in range(1, count + 1)
    ]


def taking(
    sessions: Sessions, book: RuleBook, counting: Counter, walk: str, lines: list[Line]
) -> tuple[int, int]:
    """The statements and the COPYs of one batch."""
    who = caller(book, sessions)
    with counting(walk) as sent, sessions.begin() as session:
        outcomes = take_in(session, lines, who, book, UNTIL)
    assert len(outcomes) == len(lines)
    return len(sent), len(counting.copies)


def test_a_record_comes_in(sessions: Sessions, book: RuleBook, counting: Counter):
    found = {}
    for size in (1, 100, 5_000):
        with sessions.begin() as session:
            session.connection().exec_driver_sql("TRUNCATE dossier, revision, applicant, watch")
        wrong: dict[str, Any] = {"branch": "H20.16.99"}
        found[size] = [
            taking(sessions, book, counting, f"{size} new", batch(size)),
            taking(sessions, book, counting, f"{size} unchanged", batch(size)),
            taking(
                sessions, book, counting, f"{size} newer", batch(size, finished, on="2026-11-18")
            ),
            taking(sessions, book, counting, f"{size} stale", batch(size)),
            taking(sessions, book, counting, f"{size} wrong", batch(size, **wrong)),
        ]

    # One more where many known lines come (a sample first), one where something is in quarantine.
    assert max(count for rounds in found.values() for count, _ in rounds) <= 10
    for few, many in zip(found[1], found[5_000], strict=True):
        assert many[0] - few[0] in (-1, 0, 1)
    assert max(copies for _, copies in found[5_000]) == 1


def test_a_batch_over_http_costs_a_handful_more(
    engine: Engine, sessions: Sessions, counting: Counter
):
    app = build(Settings(database_url=None), engine)
    app.dependency_overrides[moment] = lambda: NOW
    http = sign_up(app, sessions).http
    headers = {"Content-Type": "application/x-ndjson"}
    found = []
    for first, size in ((1, 10), (1_000, 10), (2_000, 5_000)):
        body = ndjson(record(number) for number in range(first, first + size))
        with counting(f"{size} over HTTP") as sent:
            answer = http.post("/v1/dossiers/batch", content=body, headers=headers)
        assert json.loads(answer.text.splitlines()[-1])["created"] == size
        found.append(len(sent))

    assert found[1] == found[2] <= 14


def test_a_tick_becomes_an_alert(
    sessions: Sessions, book: RuleBook, context: Context, counting: Counter
):
    found = {}
    for size in (0, 10, 900):
        with sessions.begin() as session:
            session.connection().exec_driver_sql("TRUNCATE dossier, revision, watch, alert CASCADE")
        early: dict[str, Any] = {"received_at": "2026-11-02T08:00:00+07:00", "promised_at": None}
        if size:
            taking(sessions, book, counting, f"{size} due", batch(size, **early))
        with counting(f"sweep of {size}") as sent:
            assert flags.raise_due(context, UNTIL) == size
        found[size] = len(sent)

    assert found[10] == found[900]
    assert max(found.values()) <= 12


def test_a_director_clicks(engine: Engine, sessions: Sessions, book: RuleBook, counting: Counter):
    app = build(Settings(database_url=None), engine)
    app.dependency_overrides[moment] = lambda: NOW
    http = sign_up(app, sessions).http
    addresses = (
        "/v1/reports/on-time",
        "/v1/reports/on-time?group_by=branch,procedure,month&yardstick=form",
        "/v1/dossiers?state=overdue",
        "/v1/dossiers?limit=500",
    )
    found: dict[str, list[int]] = {address: [] for address in addresses}
    for size in (0, 20, 2_000):
        if size:
            taking(sessions, book, counting, f"{size} new", batch(size))
        for address in addresses:
            http.get(address)  # the rules are read once a process
            with counting(f"{address} of {size}") as sent:
                assert http.get(address).status_code == 200
            found[address].append(len(sent))

    for address, counts in found.items():
        assert len(set(counts)) == 1, address
        assert counts[0] <= 9, address


def test_the_law_changes(sessions: Sessions, book: RuleBook, counting: Counter):
    """A chunk costs the same whatever its size; a change that reaches nothing costs one look."""
    found = {}
    with as_it_was(sessions):
        for size in (10, 1_000):
            with sessions.begin() as session:
                take_in(session, batch(size), caller(book, sessions), book, UNTIL)
            storm = Day(date=date(2026, 11, 25), kind="off", name=f"Bão {size}")
            with sessions.begin() as session:
                publish(session, calendar_changes.calendar_day(NATIONAL, storm), "x", UNTIL)
            with sessions() as session:
                book.in_force(session)
            with counting(f"recompute of {size}") as sent:
                assert recompute(sessions, book, UNTIL).derived == size
            found[size] = (len(sent), len(counting.copies))
        with counting("nothing to recompute") as sent:
            recompute(sessions, book, UNTIL)

    assert found[10] == found[1_000]
    assert found[10][0] <= 20
    assert len(sent) == 1
