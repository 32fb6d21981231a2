"""The timetable and its ledger for a person at a terminal, and one job run by hand."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from getpass import getuser
from typing import Any

import typer

from app import desk, logs, wallclock
from app.db import job_runs, schema
from app.db.engine import Sessions, sessions
from app.db.job_runs import LEADERSHIP, Tick
from app.db.leadership import elapsed
from app.desk import CannotStartError
from app.outbound import webhook
from app.service.rules import RuleBook
from app.settings import Settings
from app.web import shown
from jobs import Context
from jobs.scheduler import attempt, said
from jobs.timetable import TIMETABLE


def show(*, as_json: bool) -> None:
    """Print the timetable, with how each job has fared."""
    with _opened() as (_, opened), opened() as session:
        held, since = job_runs.ticks(session), job_runs.under_way(session)
    now = wallclock.now()
    items = [_item(name, held.get(name, Tick(name)), since.get(name), now) for name in TIMETABLE]
    leads = held.get(LEADERSHIP, Tick(LEADERSHIP))
    if as_json:
        told = {"jobs": items, "led_at": shown.instant(leads.ticked_at)}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in items:
        typer.echo("\n".join(_lines(one)))
    if leads.is_late(now):
        typer.echo("No scheduler leads; `dunghan up` or `dunghan jobs` starts one.")
    else:
        typer.echo(f"A scheduler leads; it said so at {shown.instant(leads.ticked_at)}.")


def run(name: str, at: datetime | None, *, ahead: bool) -> None:
    """Run one job at a moment (None: now) and enter it in the ledger, with who did.

    Raises:
        CannotStartError: there is no such job, the moment has not come, there is no database, or
            the job failed.
    """
    entry = TIMETABLE.get(name)
    if entry is None:
        raise CannotStartError(f"there is no job {name}; there are {', '.join(TIMETABLE)}")
    began = wallclock.now()
    moment = at or began
    if moment > began and not ahead:
        raise CannotStartError(
            f"{moment.isoformat()} has not come; what is said, sealed or deleted too early is not "
            "taken back. For a trial add --ahead"
        )
    with _opened() as (settings, opened), webhook.client() as client:
        logs.configure(as_json=settings.log_json)
        context = Context(opened, RuleBook(), settings, client)
        with opened.begin() as session:
            row = job_runs.begin(session, name, began, moment, by=_who())
        since = elapsed()
        done, problem = 0, "it was interrupted"
        try:
            done, failure = attempt(context, entry.act, moment)
            problem = "" if failure is None else said(failure)
        finally:
            with opened.begin() as session:
                ended = wallclock.now()
                job_runs.finish(session, row, ended, done=done, error=problem or None)
    if problem:
        raise CannotStartError(f"{name} failed: {problem}")
    took = elapsed() - since
    typer.echo(f"{name}: {done} {entry.counts}, in {took:.2f} s, as of {moment.isoformat()}")


def _item(name: str, tick: Tick, since: datetime | None, now: datetime) -> dict[str, Any]:
    entry = TIMETABLE[name]
    return {
        "name": name,
        "what": entry.what,
        "every_seconds": round(entry.every.total_seconds()),
        "last_success": shown.instant(tick.ticked_at),
        "seconds": tick.seconds,
        "late": tick.is_late(now),
        "last_failure": shown.instant(tick.failed_at),
        "error": tick.error,
        "failing": tick.is_failing(),
        "running_since": shown.instant(since),
        "runs": tick.runs,
        "failures": tick.failures,
    }


def _lines(item: dict[str, Any]) -> Iterator[str]:
    """A job as a person reads it."""
    took = "" if item["seconds"] is None else f", in {item['seconds']:.2f} s"
    late = " LATE" if item["late"] else ""
    every = f"every {item['every_seconds']} s"
    yield f"{item['name']:13} {every:13} last success {item['last_success'] or '-'}{took}{late}"
    yield f"              {item['what']}"
    if item["running_since"]:
        yield f"              runs since {item['running_since']}"
    if item["error"]:
        yield f"              last failure {item['last_failure']}: {item['error']}"


def _who() -> str:
    """The person's name on this machine; in a container there may be only a number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def _opened() -> Iterator[tuple[Settings, Sessions]]:
    settings = Settings()
    with desk.database(settings) as (_, engine):
        if not schema.is_current(engine):
            raise CannotStartError("the database is not migrated; run `dunghan migrate`")
        yield settings, sessions(engine)
