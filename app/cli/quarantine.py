"""Refused records in a terminal: looked at, counted, driven again, discarded."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from app import wallclock
from app.cli.shared import AsJson, author, counting, office_of, opened_database, out, refuse
from app.db import quarantine as stored
from app.db import refusals
from app.db.engine import Sessions, again_if_deadlocked
from app.db.refusals import Scope, Wanted
from app.service.outcomes import Caller
from app.service.redrive import Driven, redrive, redrive_many
from app.service.rules import RuleBook
from app.web.quarantine import counts, item, wanted

_SHORTEST_REASON = 3
Office = Annotated[str | None, typer.Option(help="needed where there are several")]
Branch = Annotated[str | None, typer.Option(help="only of this branch")]
Source = Annotated[str | None, typer.Option(help="only of this source")]
Field = Annotated[str | None, typer.Option(help="only with a problem in this field")]
Code = Annotated[str | None, typer.Option(help="only codes that begin so")]


def listing(
    *,
    office: Office = None,
    branch: Branch = None,
    source: Source = None,
    field: Field = None,
    code: Code = None,
    state: Annotated[str, typer.Option(help="open, mended, discarded or all")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List refused records, oldest first, with what is wrong; never with a name."""
    if state not in (*refusals.STATES, "all"):
        refuse("--state is open, mended, discarded or all")
    which = wanted(source, field, code, None if state == "all" else state)
    with opened_database() as (_, opened), opened() as session:
        scope = _scope(session, office, branch)
        rows = refusals.page(session, scope, after=0, limit=limit, wanted=which)
        total = refusals.count(session, scope, which)
    items = [item(row, "en") for row in rows]
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    for one in items:
        out.print(f"[b]{one['id']}[/b]  {one['code'] or '(no code)'}  {_where(one)}  {_how(one)}")
        for problem in one["problems"]:
            out.print(f"      {problem['field']}: {problem['detail']}", markup=False)
    out.print(f"{len(items)} of {total}.")


def show(
    quarantine_id: int,
    *,
    office: Office = None,
    names: Annotated[bool, typer.Option(help="with what may name a citizen")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one record as it came; the citizen's part only with --names."""
    with opened_database() as (_, opened), opened() as session:
        found = refusals.find(session, quarantine_id, _scope(session, office), state=None)
        if found is None:
            refuse(f"no record {quarantine_id} in quarantine")
        told = item(found, "en")
        if names:
            told["personal"] = stored.personal(session, quarantine_id)
    typer.echo(json.dumps(told, ensure_ascii=False, indent=None if as_json else 2))


def retry(
    quarantine_id: Annotated[int | None, typer.Argument(help="one; else give --all")] = None,
    *,
    file: Annotated[
        Path | None, typer.Option(help="the mended record as JSON, - for standard input")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="all that match")] = False,
    office: Office = None,
    branch: Branch = None,
    source: Source = None,
    field: Field = None,
    code: Code = None,
    as_json: AsJson = False,
) -> None:
    """Drive a refused record again, as it is or mended; or all of them."""
    if (quarantine_id is None) is not everything:
        refuse("give the number of a record, or --all")
    if everything and file is not None:
        refuse("a --file mends one record, not --all")
    with opened_database() as (_, opened):
        with opened() as session:
            scope = _scope(session, office, branch)
        if quarantine_id is None:
            _all(opened, scope, wanted(source, field, code), as_json=as_json)
        else:
            _one(opened, quarantine_id, scope, _mended(file), as_json=as_json)


def discard(
    quarantine_id: int,
    *,
    reason: Annotated[str, typer.Option(help="why; without anybody's name")],
    office: Office = None,
) -> None:
    """Discard a refused record: it stays listed with who, when and why, without its name."""
    if len(reason.strip()) < _SHORTEST_REASON:
        refuse("--reason: say why in a few words")
    with opened_database() as (_, opened), opened.begin() as session:
        if refusals.hold(session, quarantine_id, _scope(session, office)) is None:
            refuse(f"no open record {quarantine_id} in quarantine")
        stored.settle(
            session,
            [quarantine_id],
            "discarded",
            "discarded",
            author(),
            wallclock.now(),
            note=reason.strip()[:500],
        )
    out.print(f"{quarantine_id} is discarded.")


def totals(*, office: Office = None, as_json: AsJson = False) -> None:
    """Count refused records by branch and source, and by field."""
    with opened_database() as (_, opened), opened() as session:
        told = counts(session, _scope(session, office))
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    table = Table("branch", "source", "open", "since", "mended", "discarded", "fields")
    for row in told["rows"]:
        fields = ", ".join(f"{name or '-'} {count}" for name, count in row["fields"].items())
        table.add_row(
            row["branch"] or "-",
            row["source"],
            str(row["open"]),
            (row["oldest_at"] or "-")[:16],
            str(row["mended"]),
            str(row["discarded"]),
            fields,
        )
    out.print(table)


def _one(
    opened: Sessions, quarantine_id: int, scope: Scope, mended: bytes | None, *, as_json: bool
) -> None:
    caller, book, now = _caller(scope), RuleBook(), wallclock.now()
    outcome = again_if_deadlocked(
        opened,
        lambda session: redrive(session, quarantine_id, scope, mended, caller, book, now),
    )
    if outcome is None:
        refuse(f"no open record {quarantine_id} in quarantine")
    problems = [{"field": one.field, "detail": one.detail} for one in outcome.problems]
    told = {"code": outcome.code, "outcome": outcome.outcome, "problems": problems}
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        out.print(f"{outcome.code}: {outcome.outcome}")
        for problem in problems:
            out.print(f"  {problem['field']}: {problem['detail']}", markup=False)
    if outcome.outcome == "quarantined":
        raise typer.Exit(1)


def _all(opened: Sessions, scope: Scope, which: Wanted, *, as_json: bool) -> None:
    caller, book, now = _caller(scope), RuleBook(), wallclock.now()
    outcomes: Counter[str] = Counter()
    last: int | None = 0

    def next_ones(after: int) -> Driven:
        return again_if_deadlocked(
            opened,
            lambda session: redrive_many(session, scope, which, caller, book, now, after=after),
        )

    with counting("Driving again") as advance:
        while last is not None:
            driven = next_ones(last)
            outcomes += driven.outcomes
            last = driven.last_id
            advance(outcomes.total())
    if as_json:
        typer.echo(json.dumps({"driven": outcomes.total(), **outcomes}))
        return
    out.print(f"{outcomes.total()} driven again.")
    for kind, count in outcomes.most_common():
        out.print(f"  {count} {kind}")


def _mended(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        held = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    except OSError as wrong:
        refuse(f"{file} cannot be read: {wrong.strerror}")
    return held.strip() or refuse(f"{file} is empty")


def _scope(session: Session, office: str | None, branch: str | None = None) -> Scope:
    code, branches = office_of(session, office)
    if branch is None:
        return Scope(code, branches, whole_office=True)
    if branch not in branches:
        refuse(f"{branch} is no branch of {code}; there are {', '.join(branches)}")
    return Scope(code, [branch], whole_office=False)


def _caller(scope: Scope) -> Caller:
    """Whoever works at this terminal; each record is spoken for the source that sent it."""
    return Caller("command", author(), scope.office, frozenset(scope.branches))


def _where(one: dict[str, Any]) -> str:
    times = f", sent {one['times']} times" if one["times"] > 1 else ""
    return f"{one['branch'] or 'no known branch'}, from {one['source']}{times}"


def _how(one: dict[str, Any]) -> str:
    if one["state"] == "open":
        return ""
    note = f": {one['note']}" if one["note"] else ""
    return f"{one['settled_how']} by {one['settled_by']} at {one['settled_at'][:16]}{note}"
