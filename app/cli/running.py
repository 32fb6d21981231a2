"""Serving: everything on one machine, or each process by itself."""

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
import uvicorn
from sqlalchemy import text

from app import desk
from app.cli.playing import SEED, send_year, show_figures
from app.cli.shared import AsJson, out, refuse
from app.db import catalogue, publications, schema
from app.db.engine import Sessions, sessions
from app.desk import CannotStartError, Children, StoppedError
from app.settings import Settings
from app.simulator import play

DEMO_DOSSIERS = 10_000


def up() -> None:
    """Everything on one machine: database (embedded unless set), migrations, web and jobs."""
    _run(_serve_until_asked)


def demo(
    dossiers: Annotated[
        int, typer.Option(envvar="DOSSIERS", min=0, help="size of the year sent at the first start")
    ] = DEMO_DOSSIERS,
) -> None:
    """As `up`, with people to sign in and a sample year of dossiers sent over HTTP."""

    def work(settings: Settings, url: str, opened: Sessions, children: Children) -> None:
        held = desk.demo_access(opened, settings.home.resolve(), url)
        desk.wait_until_ready(url, children)
        with opened() as session:
            empty = not session.scalar(text("SELECT EXISTS (SELECT FROM dossier)"))
        if empty and dossiers:
            send_year(url, held["client_id"], held["client_secret"], dossiers, SEED, faults=True)
        show_figures(settings, held, url)
        _serve_until_asked(settings, url, opened, children)

    _run(work)


def _run(work: Callable[[Settings, str, Sessions, Children], None]) -> None:
    """Open everything, do the work, close everything whatever happens."""
    settings = Settings()
    children = Children()
    with desk.stopping_on_signals():
        try:
            desk.free_port(settings.host, settings.port)
            with desk.alone(settings), desk.database(settings) as (address, engine):
                opened = desk.prepare(engine)
                local = desk.local_url(settings)
                url = settings.public_url or local
                try:
                    environment = {"DUNGHAN_DATABASE_URL": address, "DUNGHAN_PUBLIC_URL": url}
                    children.start("app.cli", "serve", **environment)
                    children.start("jobs", **environment)
                    work(settings, local, opened, children)
                finally:
                    children.stop()
        except StoppedError:
            out.print("\nStopped. The data stay in", settings.home / "db")
        except (play.PlayError, CannotStartError) as why:
            refuse(str(why))


def _serve_until_asked(
    _settings: Settings, url: str, _opened: Sessions, children: Children
) -> None:
    """Wait for a signal; the signature is that of every `work`."""
    desk.wait_until_ready(url, children)
    out.print(f"Serving {url} (pages and API, docs at {url}/docs). Ctrl-C stops everything.")
    status = children.watch()
    raise CannotStartError(f"a process ended with status {status}; its reason stands above")


def serve() -> None:
    """The web server alone (pages and API)."""
    settings = Settings()
    try:
        desk.free_port(settings.host, settings.port)
        with desk.database(settings) as (address, engine):
            if not schema.is_current(engine):
                refuse("the database is not migrated; run `dunghan migrate`")
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
        refuse(str(why))


def jobs(context: typer.Context) -> None:
    """The jobs alone: sweep, digest, delivery (any number may run; one leads); list, run NAME."""
    os.execv(sys.executable, [sys.executable, "-m", "jobs", *context.args])  # noqa: S606 our own


def migrate() -> None:
    """Bring the database to the newest migration."""
    with desk.database(Settings()) as (_, engine):
        schema.migrate(engine)
    out.print("The database stands at the newest migration.")


def doctor(*, as_json: AsJson = False) -> None:
    """Say what is there and what is missing."""
    settings = Settings()
    found: dict[str, Any] = {"home": str(settings.home)}
    with desk.database(settings) as (_, engine):
        found["migrated"] = schema.is_current(engine)
        with sessions(engine)() as session:
            found["postgresql"] = session.scalar(text("SHOW server_version"))
            if found["migrated"]:
                found["catalogue_version"] = publications.version(session)
                found["branches"] = len(catalogue.branches(session))
                found["procedures"] = len(catalogue.procedures(session))
                found["dossiers"] = session.scalar(text("SELECT count(*) FROM dossier"))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        out.print(f"{name:18} {value}")
