"""Who was heard of when, in a terminal; how often a source should be, and who will be no more."""

import json
from typing import Annotated

import typer
from rich.table import Table

from app import wallclock
from app.cli.shared import AsJson, office_of, opened_database, out, refuse
from app.db import feeds
from app.service.rules import RuleBook
from app.service.silence import feeds_of
from app.web.feeds import item

Office = Annotated[str | None, typer.Option(help="needed where there are several")]


def listing(
    *,
    silent: Annotated[bool, typer.Option("--silent", help="only the silent")] = False,
    office: Office = None,
    as_json: AsJson = False,
) -> None:
    """List when each branch was heard of by each source, and who is silent."""
    with opened_database() as (settings, opened), opened() as session:
        _, branches = office_of(session, office)
        now, rules = wallclock.now(), RuleBook().in_force(session)
        found = feeds_of(session, rules, branches, now, silence_days=settings.silence_days)
    items = [item(one, now) for one in found if one.silent or not silent]
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    table = Table("branch", "source", "heard", "expected by", "silent", "due meanwhile")
    for one in items:
        leads = " *" if one["leads"] and one["source"] else ""
        table.add_row(
            one["branch"],
            (one["source"] or "nobody") + leads,
            (one["heard_at"] or "-")[:16],
            (one["expected_by"] or "-")[:16],
            "silent" if one["silent"] else "",
            one["due_meanwhile"] or "",
        )
    out.print(table)
    out.print("* leads: the branch's clock follows it.")


def expect(
    source: str,
    minutes: Annotated[
        int | None, typer.Argument(min=1, help="of open office; left out: one working day")
    ] = None,
    *,
    office: Office = None,
) -> None:
    """Say how long a source may be silent while the office is open."""
    with opened_database() as (_, opened), opened.begin() as session:
        ours, _ = office_of(session, office)
        offices = feeds.offices_of(session, source)
        if ours not in offices:
            refuse(f"no source {source} of {ours}")
        if len(offices) > 1:
            refuse(f"{source} is used by {', '.join(sorted(offices))}; it cannot be changed alone")
        feeds.expect(session, source, minutes)
    rhythm = f"{minutes} minutes of open office" if minutes else "one working day"
    out.print(f"{source} is silent after {rhythm}.")


def forget(
    source: str,
    *,
    branch: Annotated[str | None, typer.Option(help="only of this branch")] = None,
    office: Office = None,
) -> None:
    """Forget a source that will not send again; the next in rank leads."""
    with opened_database() as (_, opened), opened.begin() as session:
        ours, branches = office_of(session, office)
        if branch is not None and branch not in branches:
            refuse(f"{branch} is no branch of {ours}; there are {', '.join(branches)}")
        if not feeds.forget(session, source, [branch] if branch else branches):
            refuse(f"nothing was ever heard of {source}")
    out.print(f"{source} is forgotten.")
