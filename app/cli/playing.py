"""The year of dossiers: sent, and shown."""

import json
from datetime import datetime
from math import floor
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app import wallclock
from app.cli.shared import AsJson, out, refuse
from app.settings import Settings
from app.simulator import play, year

SEED = 2026


def simulate(
    *,
    dossiers: Annotated[int, typer.Option(min=1, help="how many dossiers the year has")] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed sends the same year")] = SEED,
    until: Annotated[datetime | None, typer.Option(help="the simulated now; now if absent")] = None,
    url: Annotated[str | None, typer.Option(help="from demo.json if absent")] = None,
    client_id: str | None = None,
    client_secret: Annotated[str | None, typer.Option(envvar="DUNGHAN_CLIENT_SECRET")] = None,
    faults: Annotated[bool, typer.Option(help="with some bad records")] = True,
    as_json: AsJson = False,
) -> None:
    """Play the one-stop shop: send a believable year of dossiers to a running server."""
    settings = Settings()
    file = settings.home / "demo.json"
    held = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    address, who = url or held.get("url"), client_id or held.get("client_id")
    secret = client_secret or held.get("client_secret")
    if not (address and who and secret):
        refuse("give --url, --client-id and --client-secret, or start the demo first")
    moment = until if until is None or until.tzinfo else until.astimezone()
    try:
        totals = send_year(address, who, secret, dossiers, seed, faults=faults, until=moment)
    except play.PlayError as why:
        refuse(str(why))
    if as_json:
        typer.echo(json.dumps({name: getattr(totals, name) for name in totals.__slots__}))


def send_year(
    url: str,
    client_id: str,
    secret: str,
    dossiers: int,
    seed: int,
    *,
    faults: bool,
    until: datetime | None = None,
) -> play.Totals:
    """Send a year with a progress bar, and print what became of it."""
    progress = Progress(
        TextColumn("Sending a year of dossiers"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with progress:
        task = progress.add_task("", total=year.snapshots(dossiers, faults=faults))
        totals = play.play(
            base_url=url,
            client_id=client_id,
            client_secret=secret,
            dossiers=dossiers,
            seed=seed,
            until=until or wallclock.now(),
            faults=faults,
            on_progress=lambda sent: progress.advance(task, sent),
        )
        progress.update(task, total=totals.received, completed=totals.received)
    out.print(
        f"Received {totals.received}: created {totals.created}, updated {totals.updated}, "
        f"unchanged {totals.unchanged}, stale {totals.stale}, quarantined {totals.quarantined}"
    )
    return totals


def show_figures(settings: Settings, held: dict[str, Any], url: str) -> None:
    """Print the on-time table of the branches, and where to sign in."""
    figures = play.on_time(
        base_url=url, client_id=held["client_id"], client_secret=held["client_secret"]
    )
    columns = ("numerator", "denominator", "overdue", "due_soon", "unverified", "quarantined")
    table = Table(
        title="On time, by branch, this year so far (by law)", box=box.SIMPLE, padding=(0, 1, 0, 0)
    )
    table.add_column("branch", no_wrap=True)
    for heading in ("rate", "in time", "of", "overdue", "soon", "unverif.", "refused"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in [*figures["rows"], figures["totals"]]:
        rate = row["rate"]  # rounded down: only a whole rate may read 100 %
        shown = "no data" if rate is None else f"{floor(rate * 1000) / 10:.1f} %"
        counts = (str(row[column]) for column in columns)
        table.add_row(row.get("branch_name", "all"), shown, *counts)
    out.print(table)
    out.print(f"Sign in at {url}/sign-in (all of them in {settings.home / 'demo.json'}):")
    for user in (held["users"][0], held["users"][-1]):
        out.print(
            f"  {user['login']:12} {user['password']:14} {user['role']} "
            f"{user['branch'] or 'all branches'}"
        )
