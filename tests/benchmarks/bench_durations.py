"""Where time goes, on a year of an office: beside the bare percentiles of calendar days in SQL."""

import os
from collections.abc import Callable
from datetime import date
from time import perf_counter, process_time
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db import backlog, durations, in_hand, stages
from app.db.engine import Sessions
from app.db.in_hand import Group
from app.db.lists import Clock
from app.db.tables import dossier
from app.service.rules import RuleBook
from app.service.step_times import judgements
from tests.service.simulated import UNTIL, lines, send

ROWS = int(os.environ.get("ROWS", "300000"))
DRAWN = 2_000
OVER = in_hand.span(date(2025, 11, 20), date(2026, 11, 20), UNTIL)

# A simulated year many times over: each dossier with its own stops, stages and steps.
_COLUMNS = [column.name for column in dossier.columns if column.name != "code"]
_QUOTED = ", ".join(f'"{name}"' for name in _COLUMNS)
MULTIPLY = f"""
INSERT INTO dossier (code, {_QUOTED}) SELECT code || '-' || nth, {_QUOTED}
FROM dossier CROSS JOIN generate_series(1, :times) AS nth
"""
BARE = """
SELECT procedure_code, count(*),
  percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY ended_on - received_on)
FROM dossier WHERE branch = ANY(:branches) AND ended_on BETWEEN :first AND :last
  AND received_on IS NOT NULL
GROUP BY ROLLUP (procedure_code)
"""


@pytest.fixture
def office(engine: Engine, sessions: Sessions, book: RuleBook) -> None:
    send(sessions, book, lines(DRAWN))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(MULTIPLY), {"times": max(1, ROWS // DRAWN - 1)})
        connection.execute(text("VACUUM (ANALYZE) dossier"))


def spent(work: Callable[[], Any], times: int = 5) -> float:
    """The middle of a few runs, in seconds, after one that counts for nothing."""
    work()
    runs = []
    for _ in range(times):
        begun = perf_counter()
        work()
        runs.append(perf_counter() - begun)
    return sorted(runs)[times // 2]


def test_days_of_all_that_ended_in_a_year(office: None, sessions: Sessions, book: RuleBook):
    _ = office
    with sessions() as session:
        rules = book.in_force(session)
        clocks = [Clock(code, UNTIL, UNTIL) for code in rules.branches]
        calendars = {code: rules.calendar_of(code) for code in rules.branches}
        told = {"branches": list(calendars), "first": OVER.first, "last": OVER.last}
        ended = sum(row[1] for row in session.execute(text(BARE), told) if row[0])
        bare = spent(lambda: session.execute(text(BARE), told).all())
        for name, work in {
            "procedure": lambda: durations.ended(session, clocks, OVER, Group.PROCEDURE, calendars),
            "branch": lambda: durations.ended(session, clocks, OVER, Group.BRANCH, calendars),
            "stage": lambda: durations.stages(session, clocks, OVER, calendars),
            "tax": lambda: durations.tax_legs(session, clocks, OVER, calendars),
            "step": lambda: durations.steps(session, clocks, OVER, calendars),
            "backlog": lambda: backlog.counted(session, clocks, OVER, calendars),
            "oldest": lambda: backlog.oldest(session, clocks, OVER, calendars, 10),
            "stages judged": lambda: stages.ended(session, clocks, OVER),
        }.items():
            took = spent(lambda work=work: list(work()))  # type: ignore[misc]
            print(
                f"\n{ended} ended, by {name}: {took * 1000:.0f} ms; bare percentiles of calendar "
                f"days {bare * 1000:.0f} ms; ratio {took / bare:.2f}"
            )


def test_steps_of_a_year_judged_by_the_law(office: None, sessions: Sessions, book: RuleBook):
    _ = office
    with sessions() as session:
        rules = book.in_force(session)
        clocks = [Clock(code, UNTIL, UNTIL) for code in rules.branches]
        begun, begun_cpu = perf_counter(), process_time()
        found = judgements(session, clocks, rules, OVER)
        took, cpu = perf_counter() - begun, process_time() - begun_cpu
    rows = ROWS // DRAWN * DRAWN
    print(
        f"\nsteps of {rows} dossiers: {took:.1f} s, of which {cpu:.1f} s here: "
        f"{cpu / rows * 1e6:.0f} microseconds a dossier; {found.unmatched} steps matched none"
    )
