"""`python -m jobs` (`dunghan jobs`): run the timetable; show it; run one job by hand."""

import logging
import os
import signal
import sys
from contextlib import ExitStack
from datetime import datetime
from threading import Thread
from typing import Annotated, NoReturn

import structlog
import typer
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app import logs
from app.db import schema
from app.db.engine import connect, sessions
from app.db.leadership import Leader
from app.desk import CannotStartError
from app.outbound import webhook
from app.service.rules import RuleBook
from app.settings import Settings
from jobs import Context, by_hand
from jobs.scheduler import WORKERS, scheduler

_PATIENCE = 1.0  # seconds
# A stopped process keeps the rows of its open transaction from everyone else no longer than this;
# none of ours thinks that long between two statements.
_IDLE_MINUTES = 5

_log = structlog.get_logger()
app = typer.Typer(
    help="Everything that happens by time. Without a command: run it, until a signal comes (any "
    "number may run; one leads).",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not print a citizen's name
)


def main() -> None:
    """Do what the command line says; what a person can mend is one line, not a traceback."""
    try:
        app(prog_name="dunghan jobs")
    except CannotStartError as why:
        sys.exit(_refuse(str(why)))
    except SQLAlchemyError as fault:
        sys.exit(_refuse(f"the database: {str(fault).splitlines()[0]}"))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        sys.exit(_refuse(f"setting {setting}: {first['msg']}"))


@app.callback()
def run_timetable(context: typer.Context) -> None:
    """Run until SIGTERM or SIGINT; exit 1 with one line if there is nothing to work on."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings()
    logs.configure(as_json=settings.log_json)
    # That a run still lasts when the next is due stands in the ledger.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    status = serve(settings)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for threads that may be in the middle of a slow receiver's answer.
    # Leases and transactions make that safe; the work comes due again.
    os._exit(status)


@app.command("list")
def show(
    *, as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False
) -> None:
    """List the jobs: what each does, how often, and how it has fared."""
    by_hand.show(as_json=as_json)


@app.command("run")
def run_one(
    name: Annotated[str, typer.Argument(help="a job of `dunghan jobs list`")],
    *,
    at: Annotated[
        str | None,
        typer.Option(help="the moment it acts at, such as 2026-11-23T07:05+07:00; else now"),
    ] = None,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="let --at lie in the future, for a trial")
    ] = False,
) -> None:
    """Run one job once, now and here, also beside a running scheduler; it enters the ledger."""
    by_hand.run(name, _moment(at), ahead=ahead)


def serve(settings: Settings) -> int:
    """Open the database, run the timetable until a signal comes; return the exit status."""
    with ExitStack() as closing:
        try:
            url = settings.database_url or _start_embedded(settings, closing)
            engine = connect(url, "dunghan-jobs", idle_minutes=_IDLE_MINUTES)
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
        executor = ThreadPoolExecutor(WORKERS)
        _run(scheduler(context, leader, executor))
        # What is under way may end, for a moment; what it leaves undone comes due again.
        ending = Thread(target=executor.shutdown, daemon=True)
        ending.start()
        ending.join(_PATIENCE)
    return 0


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


def _moment(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        _end(f"--at {said!r} is no moment; write it as 2026-11-23T07:05+07:00")
    if moment.tzinfo is None:
        _end(f"--at {said} has no offset from UTC; write it as {said}+07:00")
    return moment


def _end(why: str) -> NoReturn:
    sys.exit(_refuse(why))


def _refuse(why: str) -> int:
    print(f"dunghan jobs: {why}", file=sys.stderr)  # noqa: T201 the one line a person reads
    return 1


if __name__ == "__main__":
    main()
