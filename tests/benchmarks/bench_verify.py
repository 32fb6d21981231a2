"""Verifying dossiers beside a plain SELECT of the same rows, in one run.

`DOSSIERS=100000` for more; memory is what the process has at its most, after a warm start.
"""

import os
import resource
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import TypeVar

from sqlalchemy import text

from app.db.engine import Sessions
from app.service import verify
from app.service.roots import seal
from app.service.rules import RuleBook
from app.service.sealed_days import days
from app.service.verify import Checked
from app.simulator import year
from tests.service.simulated import UNTIL, dong_thap, send

T = TypeVar("T")
DOSSIERS = int(os.environ.get("DOSSIERS", "20000"))


def test_verify_against_a_plain_select(sessions: Sessions):
    book = RuleBook()
    send(sessions, book, list(year.lines(7, DOSSIERS, dong_thap(), UNTIL, faults=False)))
    with sessions.begin() as session:
        session.execute(text("ANALYZE dossier, revision"))
    with sessions() as session:
        book.in_force(session)

    first = Checked()
    spent, _ = _timed(lambda: list(verify.dossiers(sessions, book, first)))
    peak = _peak()
    again = Checked()
    warm, faults = _timed(lambda: list(verify.dossiers(sessions, book, again)))
    grown = _peak() - peak
    assert faults == []
    plain, rows = _timed(lambda: _select(sessions))
    sealing, sealed = _timed(lambda: seal(sessions, UNTIL + timedelta(days=2)))
    proving, wrong = _timed(lambda: list(days(sessions, Checked(), {})))
    assert wrong == []

    print(
        f"\n{again.dossiers} dossiers with {again.revisions} revisions verified in {warm:.1f} s "
        f"(cold {spent:.1f} s): {again.dossiers / warm:,.0f} dossiers/s"
        f"\nplain SELECT of the same {rows} rows {plain:.2f} s; ratio {warm / plain:.1f}"
        f"\npeak memory {peak / 1024:.0f} MB, {grown / 1024:.0f} MB more the second time"
        f"\n{sealed} days sealed in {sealing:.2f} s, proved in {proving:.2f} s: "
        f"{again.revisions / proving:,.0f} revisions/s"
    )


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = perf_counter()
    made = work()
    return perf_counter() - begun, made


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _select(sessions: Sessions) -> int:
    """Every row of both tables through the same driver, in the same order, as a stream."""
    count = 0
    with sessions() as session:
        for query in ("SELECT * FROM dossier ORDER BY code",
                      "SELECT * FROM revision ORDER BY code, revision_no"):  # fmt: skip
            for _ in session.execute(text(query), execution_options={"yield_per": 2_000}):
                count += 1
    return count
