"""The ledger of work by time: when each job last got through, what it did, what ran once."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import job_run, job_tick

LEADERSHIP = "leadership"
"""The name under which the leading scheduler ticks for itself."""

_GONE = "did not end: its scheduler went away, or lost the lead"


@dataclass(frozen=True, slots=True)
class Tick:
    """How a job has fared: as it stands, or what a scheduler adds to that.

    Attributes:
        every_seconds: How often it should run; None if no scheduler of this version has led.
        ticked_at: When it last ran to its end, within `seconds`.
        failed_at: When it last failed, with `error`; older than `ticked_at`: it has recovered.
        runs: How many there were, also those that found nothing to do.
        failures: How many of them failed.
    """

    name: str
    every_seconds: float | None = None
    ticked_at: datetime | None = None
    seconds: float | None = None
    failed_at: datetime | None = None
    error: str | None = None
    runs: int = 0
    failures: int = 0

    def is_late(self, now: datetime) -> bool:
        """Whether it has not got through for three of its intervals and half a minute.

        One that never has is late as well.
        """
        patience = 3 * (self.every_seconds or 0) + 30
        return self.ticked_at is None or (now - self.ticked_at).total_seconds() > patience

    def is_failing(self) -> bool:
        """Whether its last run failed."""
        return self.failed_at is not None and (
            self.ticked_at is None or self.failed_at > self.ticked_at
        )


def ticks(session: Session) -> Mapping[str, Tick]:
    """How each job has fared, by name."""
    rows = session.execute(select(job_tick).order_by(job_tick.c.name)).mappings()
    return {row["name"]: Tick(**row) for row in rows}


def note(session: Session, news: Collection[Tick]) -> None:
    """Add to how jobs have fared, in one statement: what is None stays, counts are added.

    The last word counts, also where it is of an earlier moment: clocks are set back.
    """
    if not news:
        return
    fresh = insert(job_tick).values([asdict(one) for one in sorted(news, key=lambda it: it.name)])
    new, old = fresh.excluded, job_tick.c
    kept = ("every_seconds", "ticked_at", "seconds", "failed_at", "error")
    changes = {name: func.coalesce(new[name], old[name]) for name in kept}
    counts = {name: old[name] + new[name] for name in ("runs", "failures")}
    session.execute(fresh.on_conflict_do_update(index_elements=["name"], set_=changes | counts))


def take_over(
    session: Session, names: Collection[str], now: datetime, but: Collection[int] = ()
) -> None:
    """What a new leader puts in order: jobs that are no more, and runs that will never end.

    Whoever still was in the middle of one and gets to its end enters that after all. `but` are the
    runs under way in this very process.
    """
    session.execute(delete(job_tick).where(job_tick.c.name.not_in(names)))
    left = (job_run.c.finished_at.is_(None), job_run.c.by.is_(None), job_run.c.id.not_in(but))
    session.execute(update(job_run).where(*left).values(finished_at=now, error=_GONE))


def under_way(session: Session) -> Mapping[str, datetime]:
    """Since when the runs of the timetable last that take long enough to have been entered."""
    query = (
        select(job_run.c.name, func.min(job_run.c.started_at))
        .where(job_run.c.finished_at.is_(None), job_run.c.by.is_(None))
        .group_by(job_run.c.name)
    )
    return {name: since for name, since in session.execute(query)}  # noqa: C416 rows, not tuples


def once(session: Session, name: str, run_key: str, now: datetime) -> int | None:
    """Begin a piece of work that happens once; None if it was begun before.

    Begin it in the transaction that does the work: if that fails, it was never begun. A second
    caller waits here until the first has committed or rolled back.
    """
    fresh = insert(job_run).values(name=name, run_key=run_key, started_at=now, acted_at=now)
    begun: int | None = session.scalar(
        fresh.on_conflict_do_nothing(index_elements=["run_key"]).returning(job_run.c.id)
    )
    return begun


def begin(
    session: Session, name: str, started_at: datetime, acted_at: datetime, by: str | None = None
) -> int:
    """Enter a run that is under way; `by` is whoever runs it by hand."""
    values = {"name": name, "started_at": started_at, "acted_at": acted_at, "by": by}
    made: int = session.execute(insert(job_run).values(values).returning(job_run.c.id)).scalar_one()
    return made


def finish(
    session: Session, run_id: int, now: datetime, *, done: int, error: str | None = None
) -> None:
    """The work begun by `once` or `begin` has ended."""
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
    """Enter a run that did something, or failed, after the fact; it acted as of its beginning."""
    session.execute(
        insert(job_run).values(
            name=name,
            acted_at=started_at,
            started_at=started_at,
            finished_at=finished_at,
            done=done,
            error=error,
        )
    )


def purge(session: Session, before: datetime) -> int:
    """Delete the runs begun before a moment; return how many."""
    gone = session.execute(
        delete(job_run).where(job_run.c.started_at < before).returning(job_run.c.id)
    )
    return len(gone.all())
