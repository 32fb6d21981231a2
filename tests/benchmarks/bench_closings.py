"""Closing a quarter of an office, and the reports that are built on it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core import periods
from app.core.periods import Period
from app.db import closings, in_hand, openings
from app.db.engine import Sessions
from app.db.lists import Clock
from app.service import ii06a
from app.service.closings import Despite, close, ii06a_report
from app.service.rules import RuleBook
from app.service.silence import branch_clocks
from tests.benchmarks.bench_reports import FILL

ROWS = int(os.environ.get("ROWS", "300000"))
NOW = datetime(2026, 9, 20, 3, tzinfo=UTC)
CLOSED, NEXT = periods.named("2026-RQ2"), periods.named("2026-RQ3")
# a third of the quarter's receipts are still open at its close; 1 in 500 is told otherwise later
SPREAD = """
UPDATE dossier SET procedure_code = '1.0138' || (10 + hashtext(code) % 10 + 10)::text,
  form_due_on = legal_due_on, index766_due_on = legal_due_on,
  ended_on = ended_on + CASE WHEN hashtext(code) % 4 = 0 THEN 60 ELSE 0 END,
  index766_end_on = ended_on + CASE WHEN hashtext(code) % 4 = 0 THEN 60 ELSE 0 END,
  channel = CASE WHEN hashtext(code) % 2 = 0 THEN 'online' ELSE 'counter' END
"""
LATER = """
UPDATE dossier SET ended_on = date '2026-06-10', index766_end_on = date '2026-06-10'
WHERE ended_on > '2026-06-14' AND received_on < '2026-06-10' AND hashtext(code) % 500 = 0
"""


def median(work: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        begun = perf_counter()
        work()
        taken.append(perf_counter() - begun)
    return sorted(taken)[times // 2] * 1000


@pytest.fixture
def filled(engine: Engine, sessions: Sessions) -> Sessions:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(FILL), {"rows": ROWS})
        connection.execute(text(SPREAD))
        connection.execute(text("VACUUM (FULL, ANALYZE) dossier"))
        connection.execute(text("VACUUM (ANALYZE) dossier"))
    return sessions


def test_a_quarter_is_closed_and_the_next_opens_with_it(engine: Engine, filled: Sessions):
    book = RuleBook()
    begun = perf_counter()
    number = shut(filled, book, CLOSED)
    took = perf_counter() - begun
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(LATER))
        connection.execute(text("VACUUM (ANALYZE) dossier, closing_dossier"))
    with filled() as session:
        clocks = clocks_of(session, book)
        rows = closings.counts(session, number, [one.branch for one in clocks])
        held, left = (sum(row[name] for row in rows) for name in ("in_hand", "open"))
        size = session.scalar(text("SELECT pg_total_relation_size('closing_dossier')"))
        spent = {
            "frozen": median(lambda: told(session, book, clocks, CLOSED)),
            "next, opened": median(lambda: told(session, book, clocks, NEXT)),
            "next, without": median(lambda: ii06a.count(session, clocks, over(NEXT))),
            "next, one branch": median(lambda: told(session, book, clocks[:1], NEXT)),
            "adjustments, a page": median(
                lambda: openings.page(session, clocks, over(NEXT), number, after="", limit=100)
            ),
            "corrections, a page": median(
                lambda: closings.corrections(
                    session, number, clocks, over(CLOSED), after="", limit=100
                )
            ),
            "dossiers_hash": median(lambda: closings.dossiers_hash(session, number)),
        }
        adjusted = openings.counted(session, clocks, over(NEXT), number)
    begun = perf_counter()
    shut(filled, book, NEXT)
    again = perf_counter() - begun
    figures = "\n".join(f"  {name}: {took_ms:.1f} ms" for name, took_ms in spent.items())
    print(
        f"\n{ROWS} dossiers; closing a quarter with {held} in hand, {left} of them open: "
        f"{took:.2f} s, {size / 2**20:.0f} MiB; the next, opened with it, "
        f"{sum(row['n'] for row in adjusted)} adjusted: {again:.2f} s\n{figures}"
    )


def shut(sessions: Sessions, book: RuleBook, period: Period) -> int:
    return close(
        sessions,
        book,
        "H20.16",
        period,
        "bench",
        NOW,
        despite=frozenset(Despite),
        silence_days=3,
        soon_days=2,
    )


def over(period: Period) -> in_hand.Span:
    return in_hand.span(period.first, period.last, NOW)


def clocks_of(session: Session, book: RuleBook) -> list[Clock]:
    rules = book.in_force(session)
    full = branch_clocks(session, rules, NOW, silence_days=3, soon_days=2)
    return [
        Clock(code, full[code].clock_at, full[code].soon_until)
        for code, held in rules.branches.items()
        if held.office == "H20.16"
    ]


def told(session: Session, book: RuleBook, clocks: list[Clock], period: Period) -> object:
    return ii06a_report(
        session,
        book.in_force(session),
        clocks,
        period,
        over(period),
        office="H20.16",
        branch=clocks[0].branch if len(clocks) == 1 else None,
        whole_office=len(clocks) > 1,
        data_as_of=None,
    )
