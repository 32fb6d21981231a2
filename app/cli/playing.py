"""The year of dossiers: made, sent, and shown; and whether a server does as it should."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from math import floor
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app import wallclock
from app.cli.shared import AsJson, out, refuse
from app.service.publish import SAMPLE
from app.settings import Settings
from app.simulator import conformance, load, play, year
from app.simulator.province import Province, province
from app.simulator.year import Mix

SEED = 2026
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked of a load, but for the server."""

    dossiers: int
    seed: int
    until: datetime
    mix: Mix
    start: int
    clients: int
    packed: bool
    makers: int


def simulate(
    *,
    dossiers: Annotated[
        int, typer.Option(min=1, max=_MOST, help="how many dossiers the year has")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed and --until send the same year")] = SEED,
    until: Annotated[datetime | None, typer.Option(help="the simulated now; now if absent")] = None,
    start: Annotated[
        int, typer.Option(min=0, help="go on from this dossier (or line of --from)")
    ] = 0,
    newest: Annotated[
        bool, typer.Option("--newest", help="one record a dossier: the last of its life")
    ] = False,
    faults: Annotated[bool, typer.Option(help="with some bad records")] = True,
    bad: Annotated[float, typer.Option(min=0, max=0.5, help="share of bad records")] = year.BAD,
    resent: Annotated[float, typer.Option(min=0, max=0.5, help="share sent twice")] = year.RESENT,
    behind: Annotated[
        float, typer.Option(min=0, max=0.5, help="share sent after a newer one")
    ] = year.BEHIND,
    clients: Annotated[
        int, typer.Option(min=1, max=64, help="send at once; of several, each line goes from two")
    ] = 1,
    packed: Annotated[bool, typer.Option("--gzip", help="bodies are zipped")] = False,
    makers: Annotated[int, typer.Option(min=0, max=32, help="processes that make the records")] = 1,
    to: Annotated[
        Path | None, typer.Option(help="write to this file instead (.gz: zipped)", dir_okay=False)
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="send this NDJSON file", exists=True, dir_okay=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--conformance", help="send a script and check each answer instead")
    ] = False,
    branch: Annotated[
        str | None, typer.Option(help="the branch the script speaks for; the first if absent")
    ] = None,
    url: Annotated[str | None, typer.Option(help="from demo.json if absent")] = None,
    client_id: str | None = None,
    client_secret: Annotated[str | None, typer.Option(envvar="DUNGHAN_CLIENT_SECRET")] = None,
    as_json: AsJson = False,
) -> None:
    """Play the one-stop shop: send a believable year to a server, or check how it answers.

    `--conformance` sends records whose right outcome is known, and ends with status 1 if any answer
    is another one. It keeps to codes below the branch's own that nobody issues, and withdraws them.
    """
    server = _server(url, client_id, client_secret)
    if check:
        _conform(_needed(server), branch, as_json=as_json)
        return
    if newest:
        resent, behind = 0.0, 0.0
    mix = Mix(resent, behind, bad if faults else 0.0, newest)
    moment = until or wallclock.now()
    moment = moment if moment.tzinfo else moment.astimezone()
    asked = _Asked(dossiers, seed, moment, mix, start, clients, packed, makers)
    try:
        if to:
            _write(to, asked, server, as_json=as_json)
        elif source:
            _send_file(_needed(server), source, asked, as_json=as_json)
        else:
            _send(_needed(server), asked, as_json=as_json)
    except (play.PlayError, ValueError) as why:
        refuse(str(why))


def _server(url: str | None, client_id: str | None, secret: str | None) -> play.Server | None:
    """The server named, else the demo of this home; None where there is neither."""
    file = Settings().home / "demo.json"
    held = json.loads(file.read_text(encoding="utf-8")) if file.exists() and not url else {}
    address, who = url or held.get("url"), client_id or held.get("client_id")
    secret = secret or held.get("client_secret")
    return play.Server(address.rstrip("/"), who, secret) if address and who and secret else None


def _needed(server: play.Server | None) -> play.Server:
    if server is None:
        refuse("give --url, --client-id and --client-secret, or start the demo first")
    return server


def _send(server: play.Server, asked: _Asked, *, as_json: bool) -> None:
    """Make and send a year."""
    until = f" --until {asked.until.isoformat(timespec='seconds')}"
    with (
        _going_on(asked.start, until) as reached,
        _bar("Sending a year of dossiers", _lines(asked)) as advance,
    ):
        totals, seconds = _timed(
            lambda told: play.play(
                server,
                dossiers=asked.dossiers,
                seed=asked.seed,
                until=asked.until,
                mix=asked.mix,
                start=asked.start,
                clients=asked.clients,
                packed=asked.packed,
                makers=asked.makers,
                on_progress=told,
            ),
            reached,
            advance,
        )
    _tell(totals, seconds, as_json=as_json)


def _send_file(server: play.Server, file: Path, asked: _Asked, *, as_json: bool) -> None:
    piece = 1_000 if asked.clients > 1 else play.CHUNK
    lines = load.read(file, piece, packed=asked.packed, skip=asked.start)
    try:
        with _going_on(asked.start, "") as reached, _bar(f"Sending {file.name}", None) as advance:
            totals, seconds = _timed(
                lambda told: play.send(server, lines, clients=asked.clients, on_progress=told),
                reached,
                advance,
            )
    except load.UNREADABLE as why:
        refuse(f"{file}: {why}")
    _tell(totals, seconds, as_json=as_json)


def _timed(
    work: Callable[[play.Progress], play.Totals],
    reached: list[int],
    advance: Callable[[int], None],
) -> tuple[play.Totals, float]:
    def told(lines: int, start: int) -> None:
        reached[0] = start
        advance(lines)

    begun = perf_counter()
    return work(told), perf_counter() - begun


@contextmanager
def _going_on(start: int, more: str) -> Iterator[list[int]]:
    """Where sending breaks off, say how to go on; what is sent again there is harmless."""
    reached = [start]
    try:
        yield reached
    except (play.PlayError, KeyboardInterrupt) as why:
        refuse(
            f"{str(why) or 'stopped'}; to go on, give the same options with "
            f"--start {reached[0]}{more}"
        )


def _write(file: Path, asked: _Asked, server: play.Server | None, *, as_json: bool) -> None:
    """Make a year into a file: of the server's province, or of the catalogue that comes with us."""
    place = play.province_of(server) if server else _sample()
    packed = asked.packed or file.suffix == ".gz"
    made = load.Load(asked.seed, asked.dossiers, place, asked.until, asked.mix, asked.start, packed)
    begun, lines, size = perf_counter(), 0, 0
    try:
        with _bar("Making a year of dossiers", _lines(asked)) as advance:
            for count, length in load.write(load.parts(made, asked.makers), file):
                lines, size = lines + count, size + length
                advance(count)
    except OSError as why:
        refuse(f"{file}: {why.strerror}")
    spent = perf_counter() - begun
    told = {"lines": lines, "bytes": size, "seconds": round(spent, 3)}
    if as_json:
        typer.echo(json.dumps(told))
    else:
        out.print(f"{file}: {lines} lines, {size} bytes, {lines / spent:,.0f} lines/s")


def _sample() -> Province:
    def read(name: str) -> Any:  # noqa: ANN401 JSON
        return json.loads((SAMPLE / name).read_text(encoding="utf-8"))

    office = read("dong_thap.json")
    return province(
        office["branches"], office["communes"], read("procedures.json"), read("calendar_vn.json")
    )


def _lines(asked: _Asked) -> int:
    return year.snapshots(max(0, asked.dossiers - asked.start), asked.mix)


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error that counts lines; full when the work is done."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(TextColumn(what), *columns, console=Console(stderr=True))
    with progress:
        task = progress.add_task("", total=total)
        yield lambda lines: progress.advance(task, lines)
        done = progress.tasks[0].completed
        progress.update(task, total=done, completed=done)


def _tell(totals: play.Totals, seconds: float, *, as_json: bool) -> None:
    """What became of a load, and how fast: in all, making and waiting included."""
    if as_json:
        rate = round(totals.received / seconds, 1) if seconds else None
        told = asdict(totals) | {"seconds": round(seconds, 3), "per_second": rate}
        typer.echo(json.dumps(told))
        return
    out.print(
        f"Received {totals.received}: created {totals.created}, updated {totals.updated}, "
        f"unchanged {totals.unchanged}, stale {totals.stale}, quarantined {totals.quarantined}; "
        f"{seconds:,.1f} s, {totals.received / seconds:,.0f} records/s"
    )


def _conform(server: play.Server, branch: str | None, *, as_json: bool) -> None:
    """Run the script, and end with status 1 if a check fails."""
    try:
        with _bar("Checking", None) as advance:
            run = conformance.run(server, branch, on_check=lambda: advance(1))
    except play.PlayError as why:
        refuse(str(why))
    failed = sum(not check.passed for check in run.checks)
    if as_json:
        told = {"agency": run.agency, "branch": run.branch, "failed": failed}
        typer.echo(
            json.dumps(told | {"checks": [asdict(one) for one in run.checks]}, ensure_ascii=False)
        )
    else:
        out.print(f"Codes {run.agency}-…, spoken for branch {run.branch}; all withdrawn at the end")
        for one in run.checks:
            out.print(f"{'pass' if one.passed else 'FAIL'}  {one.name}")
            if not one.passed:
                out.print(f"      expected {one.expected}\n      got      {one.got}", markup=False)
        out.print(f"{len(run.checks)} checks, {failed} failed")
    if failed:
        raise typer.Exit(1)


def send_year(
    url: str, client_id: str, secret: str, dossiers: int, seed: int, *, faults: bool
) -> None:
    """Send a year that ends now with a progress bar, and print what became of it."""
    mix = Mix() if faults else Mix(bad=0.0)
    asked = _Asked(dossiers, seed, wallclock.now(), mix, 0, 1, packed=False, makers=0)
    _send(play.Server(url, client_id, secret), asked, as_json=False)


def show_figures(settings: Settings, held: dict[str, Any], url: str) -> None:
    """Print the on-time table of the branches, and where to sign in."""
    figures = play.on_time(play.Server(url, held["client_id"], held["client_secret"]))
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
