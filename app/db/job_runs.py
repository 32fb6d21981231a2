"""The ledger of work by time: when each job last ticked, what ran once, and who may act."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.tables import job_run, job_tick

_LEADERSHIP = 7_266_002


def tick(session: Session, name: str, now: datetime) -> None:
    """Remember that a job has run to its end; the moment never moves back."""
    fresh = insert(job_tick).values(name=name, ticked_at=now)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["name"],
            set_={"ticked_at": func.greatest(job_tick.c.ticked_at, fresh.excluded.ticked_at)},
        )
    )


def ticks(session: Session) -> Mapping[str, datetime]:
    """When each job last ran to its end."""
    return {row.name: row.ticked_at for row in session.execute(select(job_tick))}


def once(session: Session, name: str, run_key: str, now: datetime) -> int | None:
    """Begin a piece of work that happens once; None if it was begun before.

    Begin it in the transaction that does the work: if that fails, it was never begun. A second
    caller waits here until the first has committed or rolled back.
    """
    fresh = insert(job_run).values(name=name, run_key=run_key, started_at=now)
    begun: int | None = session.scalar(
        fresh.on_conflict_do_nothing(index_elements=["run_key"]).returning(job_run.c.id)
    )
    return begun


def finish(
    session: Session, run_id: int, now: datetime, *, done: int, error: str | None = None
) -> None:
    """The work begun by `once` has ended."""
    session.execute(
        update(job_run)
        .where(job_run.c.id == run_id)
        .values(finished_at=now, done=done, error=error)
    )


def record(
    session: Session,
    name: str,
    started_at: datetime,
    finished_at: datetime,
    *,
    done: int,
    error: str | None = None,
) -> None:
    """Enter a run that did something, or failed, after the fact."""
    session.execute(
        insert(job_run).values(
            name=name, started_at=started_at, finished_at=finished_at, done=done, error=error
        )
    )


def purge(session: Session, before: datetime) -> int:
    """Delete the runs begun before a moment; return how many."""
    gone = session.execute(
        delete(job_run).where(job_run.c.started_at < before).returning(job_run.c.id)
    )
    return len(gone.all())


class Leader:
    """The right to act, held as an advisory lock by a connection of its own.

    PostgreSQL gives the lock back when the connection ends, so a dead leader needs no sweeper.
    Between a check and the end of the work the lock may be lost: what jobs do is safe anyway
    (SKIP LOCKED, leases, unique keys), and leadership only saves the double effort. The connection
    must reach PostgreSQL itself, not a pooler that shares it between transactions.
    """

    def __init__(self, engine: Engine, key: int = _LEADERSHIP) -> None:
        """Hold nothing yet; the first `is_leader` tries."""
        self._engine = engine
        self._key = key
        self._connection: Connection | None = None
        self._leads = False
        self._lock = Lock()  # jobs ask from several threads; a connection serves one

    def is_leader(self) -> bool:
        """Whether we lead, trying for it if we do not: one small statement."""
        with self._lock:
            try:
                connection = self._connection or self._connect()
                if self._leads:
                    connection.execute(text("SELECT 1"))  # raises if the lock died with it
                else:
                    # Only when not held: PostgreSQL counts how often a session takes its lock.
                    query = text("SELECT pg_try_advisory_lock(:key)")
                    self._leads = bool(connection.scalar(query, {"key": self._key}))
            except DBAPIError:
                self._drop()
            return self._leads

    def release(self) -> None:
        """Give the right back at once, not when the server has noticed that we hung up."""
        with self._lock:
            if self._connection is not None and self._leads:
                with suppress(DBAPIError):
                    self._connection.execute(
                        text("SELECT pg_advisory_unlock(:key)"), {"key": self._key}
                    )
            self._drop()

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # never back into the pool: the lock would live on there
        self._connection = connection
        return connection

    def _drop(self) -> None:
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None:
            connection.close()
