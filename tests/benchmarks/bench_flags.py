"""The sweep at the midnight of the year, and when there is nothing to do.

`DUE=100000` dossiers come due at one midnight, then twice as many; `ROWS=10000000` wait on the
watch list while the sweep is idle (1,000,000 unless told otherwise). An idle sweep is set beside a
`SELECT 1` through the same pool: both are trips to the database, and what is more is ours.
"""

import os
import resource
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter

import pytest
from sqlalchemy import text

from app.core.ladder import Level
from app.db import feeds, webhooks
from app.db.engine import Sessions
from app.service.rules import Rules
from jobs import Context, flags
from jobs.timetable import TIMETABLE
from tests.jobs.rows import vn

DUE = int(os.environ.get("DUE", "100000"))
ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = 200
MIDNIGHT = vn("2026-11-24 00:00")
SECONDS = 5.0
"""What flagging and queueing DUE of them may take (issue: 100,000)."""

_WATCHED = text("""
INSERT INTO watch (code, branch, due_at, moments, levels, ladder, next_at, next_level)
SELECT 'B-' || lpad(n::text, 9, '0'), (CAST(:branches AS text[]))[1 + n % :count], at,
       ARRAY[at, at + interval '5 days'], CAST(:levels AS smallint[]), 1, at,
       (CAST(:levels AS smallint[]))[1]
FROM generate_series(1, :rows) AS n,
     LATERAL (SELECT :first + n * CAST(:apart AS interval) AS at) AS moment
""")


@pytest.fixture
def watched(sessions: Sessions, rules: Rules) -> Callable[[int, datetime, timedelta], None]:
    """Fill the watch list: rows that come due from a moment on, so far apart."""

    def fill(rows: int, first: datetime, apart: timedelta) -> None:
        asked = {
            "rows": rows,
            "first": first,
            "apart": apart,
            "branches": sorted(rules.branches),
            "count": len(rules.branches),
            "levels": [int(Level.OVERDUE), int(Level.OVERDUE_REMINDED)],
        }
        with sessions.begin() as session:
            session.execute(text("TRUNCATE watch, alert, delivery CASCADE"))
            session.execute(_WATCHED, asked)
        with sessions.begin() as session:
            session.execute(text("ANALYZE watch"))

    return fill


def test_all_that_comes_due_at_one_midnight_is_flagged_and_queued(
    context: Context,
    sessions: Sessions,
    rules: Rules,
    watched: Callable[[int, datetime, timedelta], None],
):
    after = MIDNIGHT + timedelta(seconds=30)
    with sessions.begin() as session:
        webhooks.create(session, "H20.16", None, "http://127.0.0.1:1/")
        feeds.hear(session, "one-stop", dict.fromkeys(rules.branches, after))
    watched(1_000, MIDNIGHT, timedelta(0))
    flags.raise_due(context, after)  # whatever is loaded once is loaded
    peaks, took = [_peak()], []
    for rows in (DUE, 2 * DUE):
        watched(rows, MIDNIGHT, timedelta(0))
        begun = perf_counter()
        taken = flags.raise_due(context, after)
        took.append(perf_counter() - begun)
        peaks.append(_peak())
        with sessions() as session:
            queued = session.scalar(text("SELECT count(*) FROM delivery WHERE state = 'queued'"))
        assert (taken, queued) == (rows, rows)
        assert flags.raise_due(context, after) == 0

    print(
        f"\n{DUE:,} flagged and queued in {took[0]:.2f} s, {2 * DUE:,} in {took[1]:.2f} s"
        f"\npeak memory {peaks[0] / 1024:.0f} MB before, {peaks[1] / 1024:.0f} and "
        f"{peaks[2] / 1024:.0f} MB after"
    )
    assert took[0] < SECONDS * max(DUE, 100_000) / 100_000
    assert peaks[2] - peaks[1] < 16 * 1024


def test_an_idle_sweep_costs_hardly_more_than_a_trip_to_the_database(
    context: Context,
    sessions: Sessions,
    statements: list[str],
    watched: Callable[[int, datetime, timedelta], None],
):
    watched(ROWS, MIDNIGHT, timedelta(seconds=1))
    trip = _each(lambda: _trip(sessions))
    now = MIDNIGHT

    idle = _each(lambda: flags.raise_due(context, now))

    print(
        f"\nidle sweep over {ROWS:,} rows {idle:.2f} ms; SELECT 1 {trip:.2f} ms; "
        f"ratio {idle / trip:.1f}"
    )
    for name, entry in TIMETABLE.items():
        entry.act(context, now)
        statements.clear()
        entry.act(context, now)
        count = len(statements)
        took = _each(partial(entry.act, context, now), 30)
        print(f"idle {name:13} {count} statements, {took:.2f} ms every {entry.every.seconds} s")
    assert idle < 1.0
    assert idle / trip < 4


def _each(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of many runs, in milliseconds."""
    spent = []
    for _ in range(rounds):
        begun = perf_counter()
        work()
        spent.append(perf_counter() - begun)
    return 1_000 * median(spent)


def _trip(sessions: Sessions) -> None:
    with sessions() as session:
        session.execute(text("SELECT 1"))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
