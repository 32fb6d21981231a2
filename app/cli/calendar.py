"""The calendar by hand: what a library proposes, taken over day by day; how far it is complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from app import wallclock
from app.cli.shared import NATION, PreviewOnly, Scope, author, follow, opened_database, out, refuse
from app.core.layers import unconfirmed_soon
from app.core.office_hours import CalendarSpec
from app.db.engine import Sessions
from app.service import calendar_changes, changes
from app.service.calendar_items import DayBody
from app.service.proposals import Standing, left_out, proposals, taken_over
from app.service.rules import RuleBook

_STANDING = {
    Standing.NEW: "not in the calendar",
    Standing.THERE: "in the calendar",
    Standing.DIFFERS: "the calendar says otherwise",
}


def propose(
    year: Annotated[int, typer.Argument(min=2013, max=2056)], *, scope: Scope = NATION
) -> None:
    """List the days a library proposes for a year; `accept` takes one over."""
    with opened_database() as (_, opened):
        spec = _spec(opened, scope)
    table = Table("day", "kind", "name", "standing", title=f"Proposed for {year}, {scope}")
    for one in proposals(spec, year):
        table.add_row(f"{one.on:%a %d/%m/%Y}", one.kind, one.name, _STANDING[one.standing])
    out.print(table)
    out.print("Take a day over with: dunghan calendar accept YYYY-MM-DD --source 'the notice'")
    soon = unconfirmed_soon(spec, wallclock.now().date())
    if soon:
        out.print(f"From {soon} on nobody has confirmed the calendar.")


def accept(
    on: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    *,
    source: Annotated[str, typer.Option(help="the notice that says so")],
    name: Annotated[str | None, typer.Option(help="as proposed if absent")] = None,
    kind: Annotated[str | None, typer.Option(help="off or work; as proposed if absent")] = None,
    hours: Annotated[
        list[str] | None, typer.Option(help="07:00-11:30, other hours on that day; repeat it")
    ] = None,
    scope: Scope = NATION,
    preview: PreviewOnly = False,
) -> None:
    """Take a proposed day over, or enter one nobody proposed (with --name and --kind)."""
    day = on.date()
    with opened_database() as (_, opened):
        spec = _spec(opened, scope)
        found = next((one for one in proposals(spec, day.year) if one.on == day), None)
        if found is None and not (name and kind):
            refuse(f"nothing is proposed for {day}; give --name and --kind off or work")
        said = kind or (found.kind if found else "")
        if said not in ("off", "work"):
            refuse("--kind is off or work")
        with _told():
            body = DayBody(
                kind="off" if said == "off" else "work",
                name=name or (found.name if found else ""),
                source=source,
                hours=[_span(one) for one in hours] if hours else None,
            )
            taken = taken_over(spec, day, body, author(), wallclock.now())
            follow(opened, calendar_changes.calendar_day(scope, taken), only=preview)


def remove(
    on: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    *,
    scope: Scope = NATION,
    preview: PreviewOnly = False,
) -> None:
    """Take a day back: it is again as the wider calendars have it."""
    with opened_database() as (_, opened), _told():
        _spec(opened, scope)
        follow(opened, calendar_changes.calendar_without(scope, on.date()), only=preview)


def confirm(
    until: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    *,
    earlier: Annotated[bool, typer.Option(help="take back days confirmed before")] = False,
    scope: Scope = NATION,
    preview: PreviewOnly = False,
) -> None:
    """Say that the calendar is complete up to a day, included."""
    with opened_database() as (_, opened), _told():
        for one in left_out(_spec(opened, scope), until.date()):
            out.print(f"Not taken over, so it will be a working day: {one.on:%d/%m/%Y} {one.name}")
        change = calendar_changes.calendar_confirmed(scope, until.date(), earlier=earlier)
        follow(opened, change, only=preview)


def _span(text: str) -> tuple[str, str]:
    start, dash, end = text.partition("-")
    if not dash:
        refuse(f"--hours {text}: write 07:00-11:30")
    return start.strip(), end.strip()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except changes.NotPublishableError as wrong:
        refuse(str(wrong))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        refuse(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


def _spec(opened: Sessions, scope: str) -> CalendarSpec:
    """The calendar of a scope that exists: what is published for no place would never be used."""
    with opened() as session:
        rules = RuleBook().in_force(session)
    if not rules.calendars:
        refuse("no calendar is published; run `dunghan catalogue load`")
    if scope not in rules.calendars:
        refuse(f"no office or branch {scope}")
    return rules.of_scope(scope).spec
