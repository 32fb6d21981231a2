"""The scheduler: who leads runs the timetable, and a heartbeat of its own keeps the lead."""

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread

import structlog
from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN, EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy.exc import DBAPIError

from app import wallclock
from app.db.leadership import BEAT, Leader
from jobs import Context
from jobs.ledger import Ledger
from jobs.timetable import TIMETABLE, Job

WORKERS = len(TIMETABLE) + 1
"""A thread for each job and the ledger, so that none waits for another."""
_WRITING = "write the ledger"
_TOLERANCE = timedelta(seconds=1)

_log = structlog.get_logger()


def scheduler(context: Context, leader: Leader, executor: ThreadPoolExecutor) -> BlockingScheduler:
    """A scheduler of the whole timetable, with a heartbeat that begins and ends with it."""
    made = BlockingScheduler(
        executors={"default": executor},
        # None comes too late, and one makes up for all that were missed.
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    ledger = Ledger(
        context.sessions, leader, {name: entry.every for name, entry in TIMETABLE.items()}
    )
    start = wallclock.now()
    made.add_job(
        lambda: ledger.write(wallclock.now()),
        Every(timedelta(seconds=BEAT)),
        id=_WRITING,
        next_run_time=start,
    )
    for name, entry in TIMETABLE.items():
        made.add_job(
            partial(act, context, leader, ledger, name),
            Every(entry.every),
            id=name,
            next_run_time=start,
        )
    heart = Heart(leader, made)
    made.add_listener(lambda _: heart.start(), EVENT_SCHEDULER_STARTED)
    made.add_listener(lambda _: heart.stop(), EVENT_SCHEDULER_SHUTDOWN)
    return made


class Every(BaseTrigger):  # type: ignore[misc]  # it has no types
    """Again and again after an interval; what was missed is not counted up.

    The trigger of the package names each run that was missed, only for one to be done: of a clock
    that was set from 1970 to now, more than fit into memory.
    """

    def __init__(self, every: timedelta) -> None:
        """From one run to the next."""
        self.every = every

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """An interval after the last run, or after now where that has passed."""
        due = (previous_fire_time or now) + self.every
        return due if due > now else now + self.every


def act(context: Context, leader: Leader, ledger: Ledger, name: str) -> None:
    """Run a job if we lead, and enter what came of it. A failure ends only this run."""
    if not leader.is_leader():
        return
    entry = TIMETABLE[name]
    now = wallclock.now()
    run = ledger.begin(name, now)
    done, failure = attempt(context, entry.act, now)
    if failure is not None:
        trace = None if _is_of_the_database(failure) else failure
        _log.error("job failed", job=name, why=said(failure), exc_info=trace)
    ledger.end(run, wallclock.now(), done, None if failure is None else said(failure))
    if done:
        _log.info("job done", job=name, done=done, what=entry.counts)


def attempt(context: Context, job: Job, now: datetime) -> tuple[int, Exception | None]:
    """Do a job as of a moment: what it counted, or why it failed."""
    try:
        return job(context, now), None
    except Exception as failure:  # noqa: BLE001 whatever it is, the next run must come
        return 0, failure


def said(failure: Exception) -> str:
    """A failure in one line, as the ledger keeps it."""
    lines = str(failure).splitlines()
    return f"{type(failure).__name__}: {lines[0] if lines else ''}"


def _is_of_the_database(failure: Exception) -> bool:
    """Whether it only went away, which one line says as well as fifty."""
    return isinstance(failure, DBAPIError) and (
        failure.connection_invalidated or getattr(failure.orig, "sqlstate", None) is None
    )


class Heart:
    """Renews the lead every BEAT in a thread of its own, by a clock nobody can set.

    A job that hangs does not stop it, nor does a wall clock that was set back: the scheduler, which
    goes by that one, would sleep until the old time is reached again.
    """

    def __init__(self, leader: Leader, scheduler: BaseScheduler) -> None:
        """Of a scheduler whose jobs all run by an interval."""
        self._leader = leader
        self._scheduler = scheduler
        self._led: bool | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._live, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; what was held is for its owner to give back."""
        self._stopping.set()

    def beat(self, now: datetime) -> None:
        """Ask for the lead, or make sure of it; who has just got it does everything at once."""
        leads, led = self._leader.renew(), self._led
        self._led = leads
        late = 0
        for job in self._scheduler.get_jobs():
            far = job.next_run_time - now > job.trigger.every + _TOLERANCE
            late += far
            if far or (leads and not led):
                self._scheduler.modify_job(job.id, next_run_time=now)
        if leads is not led:
            _log.info("leading" if leads else "following; another scheduler leads")
        if late:
            _log.warning("the clock was set back; everything is done now")

    def _live(self) -> None:
        while not self._stopping.is_set():
            try:
                self.beat(wallclock.now())
            except Exception:  # noqa: BLE001 without a heart nobody would lead from here again
                with suppress(Exception):  # nobody may read the log any more
                    _log.exception("a heartbeat failed")
            self._stopping.wait(BEAT)
