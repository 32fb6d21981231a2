"""A database of its own and the real server on it, which may be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import httpx
import psutil
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from app import wallclock
from app.db import access as accounts
from app.db import schema
from app.db.embedded import Embedded
from app.db.engine import Sessions, connect, sessions
from app.service import access, publish
from app.service.access import Right

_PATIENCE = 30.0  # seconds until the server answers, or a process has ended
NDJSON = {"Content-Type": "application/x-ndjson"}


@contextmanager
def database_server(url: str | None) -> Iterator[URL]:
    """The address of a PostgreSQL server: the one given, or an embedded one in a new folder."""
    if url is not None:
        yield make_url(url.replace("postgresql://", "postgresql+psycopg://"))
        return
    folder = Path(tempfile.mkdtemp(prefix="dh", dir="/tmp"))  # short: a Unix socket
    embedded = Embedded(folder)
    try:
        yield make_url(embedded.url.replace("postgresql://", "postgresql+psycopg://"))
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def databases(server: URL, *names: str) -> Iterator[list[str]]:
    """New databases with the catalogue that comes with the program, equal to the last number."""
    made: list[str] = []
    owner = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        for name in names:
            template = f" TEMPLATE {made[0]}" if made else ""
            with owner.connect() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                connection.execute(text(f"CREATE DATABASE {name}{template}"))
            made.append(name)
            if not template:
                _prepare(connect(_address(server, name), "chaos"))
        yield [_address(server, name) for name in names]
    finally:
        with owner.connect() as connection:
            for name in made:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        owner.dispose()


def _address(server: URL, name: str) -> str:
    found = server.set(database=name, drivername="postgresql")
    return found.render_as_string(hide_password=False)


def _prepare(engine: Engine) -> None:
    schema.migrate(engine)
    with sessions(engine).begin() as session:
        publish.sample(session, "chaos", wallclock.now())
    engine.dispose()


class Served:
    """The web server as it is deployed, `dunghan serve`, on a database."""

    def __init__(self, url: str, processes: int = 2, **environment: str) -> None:
        """Start it with so many intake processes; wait until it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 closed by `read_said`
        own = {
            "DUNGHAN_DATABASE_URL": url,
            "DUNGHAN_INTAKE_PROCESSES": str(processes),
            "DUNGHAN_TOKEN_MINUTES": "600",
            "PORT": str(port),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env=os.environ | own | environment,
            stdout=self.said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until = monotonic() + _PATIENCE
        while monotonic() < until:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/readyz").status_code < 500:
                    return
            if self.process.poll() is not None:
                break
            sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server does not start: {self.read_said()}")

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it if it still runs, and forget what it said."""
        self.kill()
        self.said.close()

    def client(self, token: str, **headers: str) -> httpx.Client:
        """A client of the API that speaks NDJSON."""
        return httpx.Client(
            base_url=self.address,
            timeout=300,
            headers={"Authorization": f"Bearer {token}"} | NDJSON | headers,
        )

    def family(self) -> list[psutil.Process]:
        """Every process it has started, its own not among them."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def hands(self) -> list[psutil.Process]:
        """Its intake processes."""
        found = []
        for one in self.family():
            with suppress(psutil.NoSuchProcess):
                if any("spawn_main" in word for word in one.cmdline()):
                    found.append(one)
        return found

    def memory(self) -> int:
        """Bytes held by it and by what it has started."""
        total = 0
        for one in [psutil.Process(self.process.pid), *self.family()]:
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
        return total

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(_PATIENCE)

    def interrupt(self) -> int:
        """Ctrl-C in its terminal: the whole group gets it; its exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(_PATIENCE)

    def read_said(self) -> str:
        """What it has written to its terminal."""
        self.said.seek(0)
        return self.said.read().decode(errors="replace")


def left_over(family: list[psutil.Process], seconds: float = 5.0) -> list[int]:
    """Those that still run after some seconds."""
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return [one.pid for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def sign_up(opened: Sessions, served: Served, source: str, rank: int = 100) -> str:
    """A token of a client that sends as a source of that rank."""
    with opened.begin() as session:
        accounts.put_source(session, source, source, rank)
        secret = access.add_client(
            session, client_id=source, source=source, office="H20.16", branches=None, rights=Right
        )
    form = {"grant_type": "client_credentials", "client_id": source, "client_secret": secret}
    answer = httpx.post(f"{served.address}/oauth/token", data=form)
    return str(answer.json()["access_token"])
