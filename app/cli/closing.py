"""Closed periods in a terminal: closed, listed, shown, and what is not any more as it was."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app import wallclock
from app.cli.shared import AsJson, author, office_of, opened_database, out, refuse
from app.core import periods
from app.core.periods import Period, PeriodError
from app.db import closings, in_hand
from app.db.lists import Clock
from app.service.closings import CannotCloseError, Despite
from app.service.closings import close as close_period
from app.service.rules import RuleBook
from app.service.silence import branch_clocks
from app.web.closings import correction, item

Office = Annotated[str | None, typer.Option(help="needed where there are several")]
Which = Annotated[str, typer.Argument(help=f"a closed period: {periods.FORMS}")]


def close(
    period: Annotated[str, typer.Argument(help=periods.FORMS)],
    *,
    despite: Annotated[
        list[Despite] | None, typer.Option(help="close it all the same; may be given again")
    ] = None,
    office: Office = None,
    as_json: AsJson = False,
) -> None:
    """Close a period that is over, for good: its reports and classes never change again."""
    wanted = _named(period)
    with opened_database() as (settings, opened):
        with opened() as session:
            ours, _ = office_of(session, office)
        try:
            number = close_period(
                opened,
                RuleBook(),
                ours,
                wanted,
                author(),
                wallclock.now(),
                despite=frozenset(despite or ()),
                silence_days=settings.silence_days,
                soon_days=settings.soon_days,
            )
        except CannotCloseError as why:
            refuse(f"{why.problem.field}: {why}")
        with opened() as session:
            row = _closing(session, ours, wanted.name)
            counts = closings.counts(session, number, office_of(session, ours)[1])
    if as_json:
        typer.echo(json.dumps(item(row)))
        return
    held, left = (sum(one[name] for one in counts) for name in ("in_hand", "open"))
    out.print(f"{wanted.name} is closed: {held} dossiers in hand, {left} of them open.")
    out.print(f"Hash: {row['hash'].hex()}. Write it down: only so can a forger be found out.")


def listing(*, office: Office = None, as_json: AsJson = False) -> None:
    """List the closed periods, the newest first."""
    with opened_database() as (_, opened), opened() as session:
        rows = closings.listing(session, office_of(session, office)[0])
    if as_json:
        typer.echo(json.dumps([item(row) for row in rows]))
        return
    names = {row["id"]: row["name"] for row in rows}
    table = Table("period", "from", "to", "closed", "by", "opened with", "hash")
    for row in rows:
        told = item(row)
        opened_with = names.get(row["previous_id"], "-")
        days = told["period"]["from"], told["period"]["to"]
        table.add_row(
            row["name"],
            *days,
            told["closed_at"][:16],
            row["closed_by"],
            opened_with,
            told["hash"][:12] + "…",
        )
    out.print(table)


def show(period: Which, *, office: Office = None, as_json: AsJson = False) -> None:
    """Show one closed period: its hashes, and how many dossiers it holds of each branch."""
    with opened_database() as (_, opened), opened() as session:
        ours, branches = office_of(session, office)
        row = _closing(session, ours, _named(period).name)
        reports = closings.reports(session, row["id"])
        counts = [dict(one) for one in closings.counts(session, row["id"], branches)]
    told = item(row) | {
        "reports": [
            {"report": one.report, "branch": one.branch or None, "hash": one.hash.hex()}
            for one in reports
        ],
        "dossiers": counts,
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    out.print(f"{row['name']}, closed {told['closed_at'][:16]} by {row['closed_by']}")
    out.print(f"hash {told['hash']}")
    for one in reports:
        out.print(f"  {one.report}  {one.branch or row['office']}  {one.hash.hex()}")
    table = Table("branch", "in hand", "open at its close")
    for one_branch in counts:
        table.add_row(*(str(held) for held in one_branch.values()))
    out.print(table)


def corrections(
    period: Which,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    office: Office = None,
    as_json: AsJson = False,
) -> None:
    """List dossiers that by today's facts are not what a closed period says they were."""
    with opened_database() as (settings, opened), opened() as session:
        ours, branches = office_of(session, office)
        row = _closing(session, ours, _named(period).name)
        now, rules = wallclock.now(), RuleBook().in_force(session)
        full = branch_clocks(
            session,
            rules,
            now,
            silence_days=settings.silence_days,
            soon_days=settings.soon_days,
        )
        clocks = [Clock(one, full[one].clock_at, full[one].soon_until) for one in branches]
        over = in_hand.span(row["first_on"], row["last_on"], now)
        found = closings.corrections(session, row["id"], clocks, over, after="", limit=limit + 1)
    items = [correction(one) for one in found[:limit]]
    if as_json:
        typer.echo(json.dumps(items))
        return
    table = Table("code", "was", "now")
    for one in items:
        table.add_row(one["code"], _said(one["was"]), _said(one["now"]))
    out.print(table)
    out.print(f"{len(items)}{' and more' if len(found) > limit else ''}.")


def _said(side: dict[str, Any] | None) -> str:
    if side is None:
        return "-"
    return f"{side['branch']} {side['procedure_code']} {side['legal']}/{side['form']}"


def _named(name: str) -> Period:
    try:
        return periods.named(name)
    except PeriodError:
        refuse(f"{name[:30]} is no period; write it as one of {periods.FORMS}")


def _closing(session: Session, office: str, name: str) -> RowMapping:
    row = closings.named(session, office, name)
    if row is None:
        refuse(f"{name} is not closed")
    return row
