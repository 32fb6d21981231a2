"""What the commands share: how to refuse, how to print, how to open the database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getuser
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy.orm import Session

from app import desk, wallclock
from app.db import catalogue, schema
from app.db.calendars import NATIONAL
from app.db.engine import Sessions, sessions
from app.desk import CannotStartError
from app.service.changes import Change
from app.service.preview import preview
from app.service.publish import publish
from app.service.recompute import recompute
from app.service.rules import RuleBook
from app.settings import Settings

out = Console(highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


NATION = NATIONAL
Scope = Annotated[str, typer.Option(help="national, or the code of an office or branch")]
PreviewOnly = Annotated[bool, typer.Option("--preview", help="only say what would move")]


def author() -> str:
    """Who works at this terminal, as the history keeps it."""
    return f"command:{getuser()}"


def follow(opened: Sessions, change: Change, *, only: bool) -> None:
    """Preview a change of the catalogue, or publish it and derive what it moves."""
    now = wallclock.now()
    if only:
        with counting("Deriving") as advance:
            told = preview(opened, change, _branches(opened), now, advance)
        out.print(f"Would move {told.moved} of {told.concerned} open dossiers.")
        for days in sorted(told.by_days):
            out.print(f"  {told.by_days[days]} by {days:+} days")
        for count, said in (
            (told.become_provisional, "become provisional"),
            (told.no_longer_provisional, "are provisional no more"),
            (told.become_overdue, "become overdue"),
            (told.no_longer_overdue, "are overdue no more"),
        ):
            if count:
                out.print(f"  {count} {said}")
        for move in told.examples:
            out.print(f"  {move.code}: {move.old_due_on or '-'} → {move.new_due_on or '-'}")
        return
    with opened.begin() as session:
        made = publish(session, change, author(), now)
    if made is None:
        out.print("Nothing to publish: it is so already.")
        return
    derive_anew(opened, f"Published version {made.version}.")


def derive_anew(opened: Sessions, said: str) -> None:
    """Derive what publications may have moved, with a progress bar, and say so."""
    with counting("Deriving") as advance:
        done = recompute(opened, RuleBook(), wallclock.now(), on_progress=advance)
    rest = "" if done.whole else " Another process derives the rest."
    out.print(f"{said} {done.derived} dossiers derived anew, {done.moved} moved.{rest}")


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A bar that counts up on standard error, gone when the work is done."""
    columns = (TextColumn(what), SpinnerColumn(), TextColumn("{task.completed:.0f}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda count: progress.update(task, completed=count)


def _branches(opened: Sessions) -> frozenset[str]:
    with opened() as session:
        return frozenset(RuleBook().in_force(session).branches)


def office_of(session: Session, asked: str | None) -> tuple[str, list[str]]:
    """The office a command is for, and its branches: the one asked, or the only one there is."""
    offices: dict[str, list[str]] = {}
    for row in catalogue.branches(session):
        offices.setdefault(row["office"], []).append(row["code"])
    if not offices:
        refuse("there is no office yet; run `dunghan catalogue load`")
    if asked is None and len(offices) > 1:
        refuse(f"there are several offices; give --office {' or '.join(sorted(offices))}")
    code = asked or next(iter(offices))
    if code not in offices:
        refuse(f"no office {code}; there is {', '.join(sorted(offices))}")
    return code, sorted(offices[code])


def refuse(why: str) -> NoReturn:
    """End with the one line a person reads."""
    print(f"dunghan: {why}", file=sys.stderr)  # noqa: T201 the one line a person reads
    raise SystemExit(1)


@contextmanager
def opened_database() -> Iterator[tuple[Settings, Sessions]]:
    """Settings and sessions of a migrated database, for commands that work on it."""
    settings = Settings()
    with desk.database(settings) as (_, engine):
        if not schema.is_current(engine):
            raise CannotStartError("the database is not migrated; run `dunghan migrate`")
        yield settings, sessions(engine)
