"""`python -m jobs`: the timetable, who may act, and how it stops."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from threading import Thread

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app import logs, wallclock
from app.db import job_runs, schema
from app.db.engine import connect, sessions
from app.db.job_runs import Leader
from app.outbound import webhook
from app.service.rules import RuleBook
from app.settings import Settings
from jobs import Context, delivery, digest, flags, housekeeping, pull, recompute, roots, standing

Job = Callable[[Context, datetime], int]

# Everything that happens by time. A job acts on what it finds due, so nothing depends on a tick
# having happened: a late one does the same work, a second one none.
TIMETABLE: dict[str, tuple[Job, IntervalTrigger]] = {
    "flags": (flags.raise_due, IntervalTrigger(minutes=1)),
    "standing": (standing.raise_standing, IntervalTrigger(minutes=5)),
    "digest": (digest.write_digests, IntervalTrigger(minutes=1)),
    "mails": (delivery.send_mails, IntervalTrigger(seconds=5)),
    "webhooks": (delivery.send_webhooks, IntervalTrigger(seconds=5)),
    "pull": (pull.ask_sources, IntervalTrigger(seconds=15)),
    "recompute": (recompute.derive_anew, IntervalTrigger(minutes=1)),
    "roots": (roots.seal_days, IntervalTrigger(minutes=10)),
    "housekeeping": (housekeeping.sweep_out, IntervalTrigger(hours=1)),
}
# A follower asks for the lead this often; a leader ticks, so that an idle one is seen to live.
LEADERSHIP = IntervalTrigger(seconds=5)
_PATIENCE = 1.0  # seconds

_log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT; exit 1 with one line if there is nothing to work on."""
    settings = Settings()
    logs.configure(as_json=settings.log_json)
    status = serve(settings)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for threads that may be in the middle of a slow receiver's answer.
    # Leases and transactions make that safe; the work comes due again.
    os._exit(status)


def serve(settings: Settings) -> int:
    """Open the database, run the timetable until a signal comes; return the exit status."""
    with ExitStack() as closing:
        try:
            url = settings.database_url or _start_embedded(settings, closing)
            engine = connect(url, "dunghan-jobs")
            closing.callback(engine.dispose)
            current = schema.is_current(engine)
        except (SQLAlchemyError, OSError, ValueError) as error:
            return _refuse(f"the database cannot be reached: {str(error).splitlines()[0]}")
        if not current:
            return _refuse("the database has no tables of this version; run `dunghan migrate`")
        client = closing.enter_context(webhook.client())
        context = Context(sessions(engine), RuleBook(), settings, client)
        leader = Leader(engine)
        closing.callback(leader.release)
        executor = ThreadPoolExecutor(len(TIMETABLE) + 1)
        _run(timetable(context, leader, executor))
        # What is under way may end, for a moment; what it leaves undone comes due again.
        ending = Thread(target=executor.shutdown, daemon=True)
        ending.start()
        ending.join(_PATIENCE)
    return 0


def timetable(context: Context, leader: Leader, executor: ThreadPoolExecutor) -> BlockingScheduler:
    """A scheduler with every job of the timetable, each due at once and then by its trigger."""
    scheduler = BlockingScheduler(
        executors={"default": executor},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    start = wallclock.now()
    scheduler.add_job(
        _Leadership(context, leader).tick, LEADERSHIP, id="leadership", next_run_time=start
    )
    for name, (job, trigger) in TIMETABLE.items():
        scheduler.add_job(
            partial(act, context, leader, name, job), trigger, id=name, next_run_time=start
        )
    return scheduler


def act(context: Context, leader: Leader, name: str, job: Job) -> None:
    """Run a job if we lead; a run that did something or failed is entered in the ledger.

    A failure is logged and ends only this run. The tick is left as it was, so that `/readyz` sees
    a job that no longer gets through.
    """
    if not leader.is_leader():
        return
    now = wallclock.now()
    done, problem = 0, None
    try:
        done = job(context, now)
    except Exception as error:  # noqa: BLE001 whatever it is, the next run must come
        problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        _log.exception("job failed", job=name)
    try:
        with context.sessions.begin() as session:
            if problem is None:
                job_runs.tick(session, name, now)
            if done or problem:
                ended = wallclock.now()
                job_runs.record(session, name, now, ended, done=done, error=problem)
    except DBAPIError:
        _log.warning("ledger out of reach", job=name)
    if done:
        _log.info("job done", job=name, done=done)


class _Leadership:
    """Tells of a change of leader, once, and ticks while we lead."""

    def __init__(self, context: Context, leader: Leader) -> None:
        self._context = context
        self._leader = leader
        self._led: bool | None = None

    def tick(self) -> None:
        """Ask for the lead, or make sure of it."""
        leads = self._leader.is_leader()
        if leads is not self._led:
            _log.info("leading" if leads else "following; another scheduler leads")
            self._led = leads
        if leads:
            try:
                with self._context.sessions.begin() as session:
                    job_runs.tick(session, "leadership", wallclock.now())
            except DBAPIError:
                _log.warning("ledger out of reach", job="leadership")


def _run(scheduler: BlockingScheduler) -> None:
    """Run until a signal comes."""

    def stop(_number: int, _frame: object) -> None:
        # In a thread: the signal may have come while this one holds the scheduler's own locks.
        Thread(target=scheduler.shutdown, kwargs={"wait": False}, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    scheduler.start()
    _log.info("stopped")


def _start_embedded(settings: Settings, closing: ExitStack) -> str:
    from app.db.embedded import Embedded  # noqa: PLC0415 of no use beside a server of its own

    embedded = Embedded(settings.home / "db")
    closing.callback(embedded.stop)
    return embedded.url


def _refuse(why: str) -> int:
    print(f"dunghan jobs: {why}", file=sys.stderr)  # noqa: T201 the one line a person reads
    return 1


if __name__ == "__main__":
    main()
