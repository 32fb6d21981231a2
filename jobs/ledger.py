"""What jobs did, noted in memory and written in one go: an idle run costs no statement.

A run that did something or failed has a row at its end, one that takes long from its tenth second
on, so that a hang can be seen while it hangs; and each run moves its job's tick.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db import job_runs
from app.db.engine import Sessions
from app.db.job_runs import LEADERSHIP, Tick
from app.db.leadership import BEAT, Leader, elapsed

_LONG = 10.0  # seconds
_KEPT = 200  # ended runs, while the database is out of reach

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Run:
    """A run under way, or ended and not yet written; `entered` once it has, or gets, a row."""

    name: str
    began_at: datetime
    since: float
    entered: bool = False
    row: int | None = None
    ended_at: datetime | None = None
    done: int = 0
    error: str | None = None


class Ledger:
    """The runs of this scheduler; safe to use from every thread."""

    def __init__(self, sessions: Sessions, leader: Leader, rhythm: Mapping[str, timedelta]) -> None:
        """Of the jobs named in `rhythm`, with their intervals."""
        self._sessions = sessions
        self._leader = leader
        self._every = {name: every.total_seconds() for name, every in rhythm.items()}
        self._every[LEADERSHIP] = BEAT
        self._in_order = False  # what the leader before us left
        self._under_way: set[Run] = set()
        self._ticks: dict[str, Tick] = {}
        self._ended: deque[Run] = deque(maxlen=_KEPT)
        self._noting = Lock()
        self._writing = Lock()

    def begin(self, name: str, now: datetime) -> Run:
        """A job begins, to act as of `now`."""
        run = Run(name, now, elapsed())
        with self._noting:
            self._under_way.add(run)
        return run

    def end(self, run: Run, now: datetime, done: int, error: str | None) -> None:
        """It has ended: what is worth a row is written at once, the tick with the next writing."""
        run.ended_at, run.done, run.error = now, done, error
        tick = (
            Tick(run.name, ticked_at=now, seconds=elapsed() - run.since, runs=1)
            if error is None
            else Tick(run.name, failed_at=now, error=error, runs=1, failures=1)
        )
        with self._noting:
            self._under_way.discard(run)
            self._ticks[run.name] = _together(self._ticks.get(run.name), tick)
            worth = bool(done or error or run.entered)
            if worth:
                self._ended.append(run)
        if worth:
            self.write(now)

    def write(self, now: datetime) -> None:
        """Write what was noted; what cannot be written now is kept for the next time.

        Only a leader ticks: one that was stopped and woke up has nothing to say of the present.
        """
        with self._writing:
            leads = self._leader.is_leader()
            with self._noting:
                noted, self._ticks = self._ticks, {}
                ended = list(self._ended)
                self._ended.clear()
                long = [one for one in self._under_way if elapsed() - one.since >= _LONG]
                for run in long:
                    run.entered = True
            try:
                with self._sessions.begin() as session:
                    if leads:
                        self._tick(session, noted, [*long, *ended], now)
                    rows = _enter(session, long, ended)
            except DBAPIError:
                _log.warning("ledger out of reach")
                self._keep(noted, ended)
                return
            # Only now are they committed.
            for run, row in rows.items():
                run.row = row
            self._in_order = leads

    def _tick(
        self, session: Session, noted: Mapping[str, Tick], ours: list[Run], now: datetime
    ) -> None:
        ticks = {**noted, LEADERSHIP: Tick(LEADERSHIP, ticked_at=now)}
        if not self._in_order:
            rows = [run.row for run in ours if run.row is not None]
            job_runs.take_over(session, list(self._every), now, but=rows)
            ticks = {name: ticks.get(name) or Tick(name) for name in self._every}
        job_runs.note(
            session,
            [replace(one, every_seconds=self._every[one.name]) for one in ticks.values()],
        )

    def _keep(self, noted: Mapping[str, Tick], ended: list[Run]) -> None:
        with self._noting:
            for name, tick in noted.items():
                later = self._ticks.get(name)
                self._ticks[name] = tick if later is None else _together(tick, later)
            self._ended.extendleft(reversed(ended))


def _enter(session: Session, long: list[Run], ended: list[Run]) -> dict[Run, int]:
    """Rows for the runs that have none, and the end of those that have ended."""
    rows = {
        run: job_runs.begin(session, run.name, run.began_at, run.began_at)
        for run in (*long, *ended)
        if run.row is None
    }
    for run in ended:
        row, at = run.row or rows[run], run.ended_at or run.began_at
        job_runs.finish(session, row, at, done=run.done, error=run.error)
    return rows


def _together(old: Tick | None, new: Tick) -> Tick:
    """Two ticks of a job as one: the newer word, and the sum."""
    if old is None:
        return new
    return Tick(
        new.name,
        ticked_at=new.ticked_at or old.ticked_at,
        seconds=new.seconds if new.ticked_at else old.seconds,
        failed_at=new.failed_at or old.failed_at,
        error=new.error or old.error,
        runs=old.runs + new.runs,
        failures=old.failures + new.failures,
    )
