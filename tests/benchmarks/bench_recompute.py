"""Recomputing open dossiers beside a chunked UPDATE of the same rows and revisions, in one run.

Ours reads the facts, derives them and writes what differs; the UPDATE is given every answer in a
table beforehand. Then once more while a client of its own process sends records all the time.
`DOSSIERS=1000000` for the size that issue 3 asks for.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Event, Thread
from time import perf_counter
from typing import TypeVar

from sqlalchemy import Engine, text

from app.db.calendars import NATIONAL
from app.db.derived import FOUND
from app.db.engine import Sessions
from app.service import calendar_changes
from app.service.calendar_items import Day
from app.service.publish import publish
from app.service.recompute import CHUNK, recompute
from app.service.rules import RuleBook
from tests.benchmarks.bench_intake import newest_snapshots
from tests.catalogues import as_it_was
from tests.service.simulated import send

T = TypeVar("T")
DOSSIERS = int(os.environ.get("DOSSIERS", "50000"))
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
STORM = Day(date=date(2026, 11, 23), kind="off", name="Bão")

_NAMES = ", ".join(f'"{name}"' for name in FOUND)
_SET = ", ".join(f'"{name}" = answer."{name}"' for name in FOUND)
_COLUMNS = """
SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = 'dossier'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'code'
"""
_MULTIPLY = """
INSERT INTO dossier (code, {columns})
SELECT code || '-' || n, {columns} FROM dossier, generate_series(1, :times) AS n ORDER BY 1
"""
_WATCH = """
INSERT INTO watch (code, branch, due_at, moments, levels, next_at, next_level)
SELECT held.code || '-' || n, branch, due_at, moments, levels, next_at, next_level
FROM watch AS held, generate_series(1, :times) AS n
"""
_UPDATE = f"""
WITH written AS (
  UPDATE dossier SET {_SET}, revision_no = dossier.revision_no + answer.moved::int,
    head_hash = CASE WHEN answer.moved
      THEN sha256(dossier.head_hash || dossier.content_hash) ELSE dossier.head_hash END
  FROM answer WHERE dossier.code = answer.code AND answer.code > :after AND answer.code <= :last
  RETURNING new.*, old.due_on AS old_due_on, answer.moved, answer.watch_moments, answer.watch_levels
), told AS (
  INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, old_due_on, new_due_on,
                        content_hash, head_hash)
  SELECT code, revision_no, now(), 'hand', source, 'hand', updated_at, old_due_on, due_on,
         content_hash, head_hash FROM written WHERE moved
)
UPDATE watch SET due_at = written.due_at, moments = watch_moments, levels = watch_levels,
  next_at = watch_moments[1], next_level = watch_levels[1]
FROM written WHERE watch.code = written.code
"""


def test_recompute_against_a_chunked_update(engine: Engine, sessions: Sessions):
    with as_it_was(sessions):
        book = RuleBook()
        _fill(engine, sessions, book)
        _remember(engine)

        _announce(sessions)
        spent, done = _timed(lambda: recompute(sessions, book, NOW))
        _keep_answers(engine)

        _back(engine)
        by_hand, rows = _timed(lambda: _update(sessions))

        _back(engine)
        alone, _ = _sending(sessions, lambda: Event().wait(10))
        _back(engine)
        with sessions.begin() as session:
            session.execute(text("UPDATE publication SET derived_at = NULL, derived_until = ''"))
        beside, during = _sending(sessions, lambda: recompute(sessions, book, NOW))

    print(
        f"\nrecompute of {done.derived} open dossiers, {done.moved} moved: {spent:.1f} s"
        f"\nchunked UPDATE of the same {rows} rows and revisions: {by_hand:.1f} s"
        f"\nratio {spent / by_hand:.2f}"
        f"\nwhile a client sends: {during:.1f} s (ratio {during / by_hand:.2f}); intake "
        f"{beside:.0f} records/s beside it, {alone:.0f} alone ({beside / alone:.0%})"
    )


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = perf_counter()
    made = work()
    return perf_counter() - started, made


def _fill(engine: Engine, sessions: Sessions, book: RuleBook) -> None:
    """Open dossiers of a simulated year, each many times under other codes."""
    send(sessions, book, newest_snapshots())
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM dossier WHERE state <> 'running'"))
        held = connection.scalar(text("SELECT count(*) FROM dossier")) or 0
        times = {"times": DOSSIERS // held}
        columns = connection.scalar(text(_COLUMNS))
        connection.execute(text(_MULTIPLY.format(columns=columns)), times)
        connection.execute(text(_WATCH), times)
    _vacuum(engine)


def _vacuum(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("dossier", "watch", "revision"):
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
        connection.execute(text("CHECKPOINT"))


def _remember(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in ("dossier", "watch", "revision"):
            connection.execute(text(f"CREATE TABLE before_{table} AS TABLE {table}"))


def _back(engine: Engine) -> None:
    """Both ways start from the same rows, freshly written."""
    with engine.begin() as connection:
        for table in ("dossier", "watch", "revision"):
            connection.execute(text(f"TRUNCATE {table}"))
            connection.execute(text(f"INSERT INTO {table} TABLE before_{table}"))
    _vacuum(engine)


def _announce(sessions: Sessions) -> None:
    with sessions.begin() as session:
        assert publish(session, calendar_changes.calendar_day(NATIONAL, STORM), "bench", NOW)


def _keep_answers(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                f"CREATE TABLE answer AS SELECT d.code, {_prefixed('d')}, "
                "d.revision_no > b.revision_no AS moved, w.moments AS watch_moments, "
                "w.levels AS watch_levels FROM dossier AS d JOIN before_dossier AS b USING (code) "
                "LEFT JOIN watch AS w USING (code) WHERE d IS DISTINCT FROM b"
            )
        )
        connection.execute(text("ALTER TABLE answer ADD PRIMARY KEY (code)"))
        connection.execute(text("ANALYZE answer"))


def _prefixed(table: str) -> str:
    return ", ".join(f'{table}."{name}"' for name in FOUND)


def _update(sessions: Sessions) -> int:
    with sessions() as session:
        codes = list(session.scalars(text('SELECT code FROM answer ORDER BY code COLLATE "C"')))
    after = ""
    for start in range(0, len(codes), CHUNK):
        last = codes[min(start + CHUNK, len(codes)) - 1]
        with sessions.begin() as session:
            session.execute(text(_UPDATE), {"after": after, "last": last})
        after = last
    return len(codes)


def _sending(sessions: Sessions, work: Callable[[], object]) -> tuple[float, float]:
    """Records a second that another process takes in meanwhile, and how long the work took."""
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sender", url],
        stdout=subprocess.PIPE,
        text=True,
    )
    if client.stdout is None:
        raise AssertionError("piped")
    counts: list[int] = []
    with client.stdout as told:
        next(told)  # ready: what it does from here on is what is counted
        reader = Thread(target=lambda: counts.extend(map(int, told)))
        reader.start()
        spent, _ = _timed(work)
        client.terminate()
        client.wait(20)
        reader.join()
    return sum(counts) / spent, spent
