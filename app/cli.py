"""The command-line front door: `dunghan …`."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import text

from app import desk, logs, wallclock
from app.core.problems import Problem
from app.core.trace import explain
from app.db import access as accounts
from app.db import catalogue, schema
from app.db.engine import Sessions, sessions
from app.desk import CannotStartError, Children, StoppedError
from app.service import access, publish
from app.service.access import Right, Role
from app.service.ask import ByProcedure, by_procedure
from app.service.recompute import recompute
from app.service.rules import RuleBook
from app.settings import Settings
from app.simulator import play, year

app = typer.Typer(
    help="Đúng Hạn: statutory deadlines of land-registration dossiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not print a citizen's name
)
catalogue_app = typer.Typer(help="Calendar, procedures, offices.", no_args_is_help=True)
user_app = typer.Typer(help="People who sign in to the pages.", no_args_is_help=True)
client_app = typer.Typer(help="Systems that use the API.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(user_app, name="user")
app.add_typer(client_app, name="client")

_out = Console(highlight=False)
_SEED = 2026
_DEMO_DOSSIERS = 10_000

AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def main() -> None:
    """Run a command; what a person can mend is one line, not a traceback."""
    try:
        app(standalone_mode=True)
    except CannotStartError as why:
        _refuse(str(why))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        _refuse(f"setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


def _refuse(why: str) -> NoReturn:
    print(f"dunghan: {why}", file=sys.stderr)  # noqa: T201 the one line a person reads
    raise SystemExit(1)


@contextmanager
def _opened() -> Iterator[tuple[Settings, Sessions]]:
    """Settings and sessions of a migrated database, for commands that work on it."""
    settings = Settings()
    with desk.database(settings) as (_, engine):
        if not schema.is_current(engine):
            raise CannotStartError("the database is not migrated; run `dunghan migrate`")
        yield settings, sessions(engine)


@app.command()
def up() -> None:
    """Everything on one machine: database (embedded unless set), migrations, web and jobs."""
    _run(_serve_until_asked)


@app.command()
def demo(
    dossiers: Annotated[
        int, typer.Option(envvar="DOSSIERS", min=0, help="size of the year sent at the first start")
    ] = _DEMO_DOSSIERS,
) -> None:
    """As `up`, with people to sign in and a sample year of dossiers sent over HTTP."""

    def work(settings: Settings, url: str, opened: Sessions, children: Children) -> None:
        held = desk.demo_access(opened, settings.home.resolve(), url)
        desk.wait_until_ready(url, children)
        with opened() as session:
            empty = not session.scalar(text("SELECT EXISTS (SELECT FROM dossier)"))
        if empty and dossiers:
            _play(url, held["client_id"], held["client_secret"], dossiers, _SEED, faults=True)
        _show_demo(settings, held, url)
        _serve_until_asked(settings, url, opened, children)

    _run(work)


def _run(work: Callable[[Settings, str, Sessions, Children], None]) -> None:
    """Open everything, do the work, close everything whatever happens."""
    settings = Settings()
    children = Children()
    with desk.stopping_on_signals():
        try:
            desk.free_port(settings.host, settings.port)
            with desk.database(settings) as (address, engine):
                opened = desk.prepare(engine)
                url = settings.public_url or f"http://{settings.host}:{settings.port}"
                try:
                    environment = {"DUNGHAN_DATABASE_URL": address, "DUNGHAN_PUBLIC_URL": url}
                    children.start("app.cli", "serve", **environment)
                    children.start("jobs", **environment)
                    work(settings, url, opened, children)
                finally:
                    children.stop()
        except StoppedError:
            _out.print("\nStopped. The data stay in", settings.home / "db")
        except (play.PlayError, CannotStartError) as why:
            _refuse(str(why))


def _serve_until_asked(
    _settings: Settings, url: str, _opened: Sessions, children: Children
) -> None:
    """Wait for a signal; the signature is that of every `work`."""
    desk.wait_until_ready(url, children)
    _out.print(f"Serving {url} (pages and API, docs at {url}/docs). Ctrl-C stops everything.")
    status = children.watch()
    raise CannotStartError(f"a process ended with status {status}; its reason stands above")


@app.command()
def serve() -> None:
    """The web server alone (pages and API)."""
    settings = Settings()
    try:
        desk.free_port(settings.host, settings.port)
        with desk.database(settings) as (address, engine):
            if not schema.is_current(engine):
                _refuse("the database is not migrated; run `dunghan migrate`")
            os.environ["DUNGHAN_DATABASE_URL"] = address
            uvicorn.run(
                "app.main:create",
                factory=True,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,  # addresses hold what people type
                timeout_graceful_shutdown=5,
            )
    except CannotStartError as why:
        _refuse(str(why))


@app.command()
def jobs() -> None:
    """The jobs alone: sweep, digest, delivery (any number may run; one leads)."""
    os.execv(sys.executable, [sys.executable, "-m", "jobs"])  # noqa: S606 our own module


@app.command()
def migrate() -> None:
    """Bring the database to the newest migration."""
    with desk.database(Settings()) as (_, engine):
        schema.migrate(engine)
    _out.print("The database stands at the newest migration.")


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Say what is there and what is missing."""
    settings = Settings()
    found: dict[str, Any] = {"home": str(settings.home)}
    with desk.database(settings) as (_, engine):
        found["migrated"] = schema.is_current(engine)
        with sessions(engine)() as session:
            found["postgresql"] = session.scalar(text("SHOW server_version"))
            if found["migrated"]:
                found["catalogue_version"] = catalogue.version(session)
                found["branches"] = len(catalogue.branches(session))
                found["procedures"] = len(catalogue.procedures(session))
                found["dossiers"] = session.scalar(text("SELECT count(*) FROM dossier"))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        _out.print(f"{name:18} {value}")


@catalogue_app.command("load")
def catalogue_load(
    folder: Annotated[
        Path, typer.Argument(help="calendar_vn.json, dong_thap.json, procedures.json")
    ] = publish.SAMPLE,
) -> None:
    """Publish the catalogue of a folder; what is the same stays, what changed is derived anew."""
    with _opened() as (settings, opened):
        try:
            with opened.begin() as session:
                publish.sample(session, wallclock.now(), folder)
        except publish.NotPublishableError as wrong:
            _refuse(str(wrong))
        except (OSError, ValueError) as wrong:
            _refuse(f"the catalogue cannot be read: {wrong}")
        book = RuleBook(settings.supplement_policy)
        derived, moved = recompute(opened, book, "command", wallclock.now(), None)
    _out.print(f"Published. {derived} dossiers derived anew, {moved} moved.")


@user_app.command("add")
def user_add(
    login: str,
    *,
    name: Annotated[str, typer.Option(help="as it stands on the pages")],
    office: str,
    role: Role = Role.DIRECTOR,
    branch: Annotated[
        list[str] | None, typer.Option(help="a branch of a director; may be given again")
    ] = None,
    email: Annotated[str | None, typer.Option(help="where the digest goes")] = None,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Add a person, or change one."""
    if role is Role.DIRECTOR and not branch:
        _refuse("a director has at least one --branch")
    with _opened() as (_, opened), opened.begin() as session:
        _check_branches(session, office, branch)
        access.add_user(
            session,
            login=login,
            name=name,
            email=email,
            role=role.value,
            office=office,
            branches=branch if role is Role.DIRECTOR else None,
            active=True,
            password=password,
        )
    _out.print(f"{login} may sign in.")


@client_app.command("add")
def client_add(
    client_id: str,
    *,
    office: str,
    source: Annotated[str, typer.Option(help="the sending system it speaks for")],
    branch: Annotated[
        list[str] | None, typer.Option(help="only these branches; all of the office if absent")
    ] = None,
    right: Annotated[list[Right] | None, typer.Option(help="intake and read if absent")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a client, or give it a new secret, which is shown only now."""
    with _opened() as (_, opened), opened.begin() as session:
        _check_branches(session, office, branch)
        accounts.put_source(session, source, source)
        secret = access.add_client(
            session,
            client_id=client_id,
            source=source,
            office=office,
            branches=branch or None,
            rights=right or [Right.INTAKE, Right.READ],
        )
    if as_json:
        typer.echo(json.dumps({"client_id": client_id, "client_secret": secret}))
    else:
        _out.print(f"client_id     {client_id}\nclient_secret {secret}")


def _check_branches(session: Any, office: str, branches: list[str] | None) -> None:  # noqa: ANN401
    known = {row["code"] for row in catalogue.branches(session) if row["office"] == office}
    if not known:
        _refuse(f"no office {office}; `dunghan catalogue load` publishes the sample")
    strange = sorted(set(branches or ()) - known)
    if strange:
        _refuse(f"{strange[0]} is no branch of {office}; there are {', '.join(sorted(known))}")


@app.command()
def deadline(
    procedure: Annotated[str, typer.Argument(help="procedure code, any suffix")],
    *,
    received: Annotated[datetime, typer.Option(help="2026-02-10T09:00, local time")],
    branch: str | None = None,
    commune: str | None = None,
    case: str | None = None,
    as_json: AsJson = False,
) -> None:
    """When a dossier of a procedure would be due, and why."""
    with _opened() as (settings, opened), opened() as session:
        rules = RuleBook(settings.supplement_policy).in_force(session)
        if branch is not None and branch not in rules.branches:
            _refuse(f"no branch {branch}")
        calendar = rules.calendar_of(branch)
        at = received if received.tzinfo else received.replace(tzinfo=calendar.zone)
        found = by_procedure(rules, procedure, at, branch=branch, commune=commune, case=case)
    if isinstance(found, Problem):
        _refuse(f"{found.field}: {found.detail}")
    _show_deadline(found, as_json=as_json)


def _show_deadline(found: ByProcedure, *, as_json: bool) -> None:
    clock, limit = found.clock, found.limit
    lines = explain(clock, limit, found.calendar, found.choice.rule.ground)
    if as_json:
        days = [
            {
                "on": line.on.isoformat(),
                "counted": line.counted,
                "why": line.why.format(**line.params),
            }
            for line in lines
        ]
        due_on: date | None = clock.due_on
        told = {"due_on": due_on.isoformat() if due_on else None, "provisional": clock.provisional}
        typer.echo(json.dumps(told | {"trace": days}, ensure_ascii=False))
        return
    stage = f", appointment 1 of {len(found.choice.stages)}" if found.choice.stages else ""
    _out.print(f"Due {clock.due_on}: {limit.quantity:g} {limit.unit}{stage}")
    _out.print(f"Ground: {found.choice.rule.ground}")
    if found.choice.rule.doubt:
        _out.print(f"Doubt: {found.choice.rule.doubt}")
    if clock.provisional:
        _out.print("Provisional: some day it leans on is not officially published yet.")
    for line in lines:
        number = "" if line.counted is None else f"{line.counted:g}"
        why = line.why.format(**line.params)
        _out.print(f"{line.on:%a %d/%m/%Y} {number:>5}  {why}  {line.ground or ''}".rstrip())


@app.command()
def simulate(
    *,
    dossiers: Annotated[int, typer.Option(min=1, help="how many dossiers the year has")] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed sends the same year")] = _SEED,
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
        _refuse("give --url, --client-id and --client-secret, or start the demo first")
    moment = until if until is None or until.tzinfo else until.astimezone()
    try:
        totals = _play(address, who, secret, dossiers, seed, faults=faults, until=moment)
    except play.PlayError as why:
        _refuse(str(why))
    if as_json:
        typer.echo(json.dumps({name: getattr(totals, name) for name in totals.__slots__}))


def _play(
    url: str,
    client_id: str,
    secret: str,
    dossiers: int,
    seed: int,
    *,
    faults: bool,
    until: datetime | None = None,
) -> play.Totals:
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
    _out.print(
        f"Received {totals.received}: created {totals.created}, updated {totals.updated}, "
        f"unchanged {totals.unchanged}, stale {totals.stale}, quarantined {totals.quarantined}"
    )
    return totals


def _show_demo(settings: Settings, held: dict[str, Any], url: str) -> None:
    figures = play.on_time(
        base_url=url, client_id=held["client_id"], client_secret=held["client_secret"]
    )
    table = Table(title="On time, by branch, this year so far (legal yardstick)")
    table.add_column("branch")
    for column in ("rate", "on time", "of", "overdue", "due soon", "unverified", "quarantined"):
        table.add_column(column, justify="right")
    for row in [*figures["rows"], figures["totals"]]:
        rate = row["rate"]
        table.add_row(
            row.get("branch_name", "all"),
            "no data" if rate is None else f"{rate:.1%}",
            *(
                str(row[name])
                for name in (
                    "numerator",
                    "denominator",
                    "overdue",
                    "due_soon",
                    "unverified",
                    "quarantined",
                )
            ),
        )
    _out.print(table)
    _out.print(f"Sign in at {url}/sign-in (all of them in {settings.home / 'demo.json'}):")
    for user in (held["users"][0], held["users"][-1]):
        _out.print(
            f"  {user['login']:12} {user['password']:14} {user['role']} "
            f"{user['branch'] or 'all branches'}"
        )


if __name__ == "__main__":
    logs.configure(as_json=False)
    main()
