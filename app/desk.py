"""Everything on one machine: the embedded database, the web server and the jobs as children."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from types import FrameType
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app import wallclock
from app.db import access as accounts
from app.db import catalogue, publications, schema
from app.db.embedded import Embedded
from app.db.engine import Sessions, connect, sessions
from app.service import access, publish
from app.service.access import Right, Role
from app.settings import Settings

_PATIENCE = 30.0  # seconds a child may take to answer, or to end
SOURCE = "mot-cua"


class CannotStartError(Exception):
    """Why it cannot start, in one line a person can act on."""


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, Engine]]:
    """The address and an engine of the database: yours, or the embedded one started here."""
    embedded = None
    url = settings.database_url
    if url is None:
        home = writable(settings.home)
        try:
            embedded = Embedded(home / "db")
        except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
            raise CannotStartError(
                f"the embedded PostgreSQL does not start in {home / 'db'} ({fault}); "
                f"see {home / 'db' / 'log'}, or set DUNGHAN_DATABASE_URL"
            ) from None
        url = embedded.url
    engine = connect(url, "dunghan", pool_size=5)
    try:
        try:
            engine.connect().close()
        except SQLAlchemyError as fault:
            why = str(fault).splitlines()[0]
            raise CannotStartError(f"the database cannot be reached: {why}") from None
        yield url, engine
    finally:
        engine.dispose()
        if embedded is not None:
            embedded.stop()


def writable(home: Path) -> Path:
    """The folder of our data, made if need be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise CannotStartError(
            f"the folder {home} cannot be written ({fault.strerror}); set DUNGHAN_HOME to another"
        ) from None
    return home.resolve()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep the home to ourselves while everything runs; a second `up` or `demo` is told so."""
    home = writable(settings.home)
    with (home / ".running").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStartError(
                f"another `dunghan up` or `demo` runs on {home}; stop it, or set DUNGHAN_HOME"
            ) from None
        yield


def free_port(host: str, port: int) -> None:
    """Raise CannotStartError if something already listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise CannotStartError(
                f"port {port} on {host} cannot be used ({fault.strerror}); set PORT to another"
            ) from None
        except OverflowError:
            raise CannotStartError(f"{port} is no port; choose one from 1 to 65535") from None


def prepare(engine: Engine) -> Sessions:
    """Migrate, and publish the catalogue that comes with the program if there is none yet."""
    schema.migrate(engine)
    opened = sessions(engine)
    with opened.begin() as session:
        if publications.version(session) == 0:
            publish.sample(session, "demo", wallclock.now())
    return opened


class Children:
    """The processes of this machine; all of them end with us."""

    def __init__(self) -> None:
        """None yet."""
        self._held: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, *arguments: str, **environment: str) -> None:
        """Start `python -m module`; Ctrl-C in the terminal reaches only us, who end it in turn."""
        self._held.append(
            subprocess.Popen(  # noqa: S603 our own modules
                [sys.executable, "-m", module, *arguments],
                env=os.environ | environment,
                start_new_session=True,
            )
        )

    def watch(self) -> int:
        """Wait until one of them ends by itself; its exit status."""
        while True:
            for child in self._held:
                status = child.poll()
                if status is not None:
                    return status
            sleep(0.2)

    def alive(self) -> bool:
        """Whether all of them run."""
        return all(child.poll() is None for child in self._held)

    def stop(self) -> None:
        """Ask each to end, then make it."""
        for child in self._held:
            if child.poll() is None:
                child.terminate()
        deadline = monotonic() + _PATIENCE
        for child in self._held:
            try:
                child.wait(max(0.1, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


class StoppedError(Exception):
    """A signal asked us to stop."""


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into StoppedError, so that everything opened is closed in order."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 a handler's signature
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, signal.SIG_IGN)  # a second Ctrl-C must not cut the closing short
        raise StoppedError

    before = {asked: signal.signal(asked, stop) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)


def local_url(settings: Settings) -> str:
    """Where this machine itself reaches the web server, whatever the public address is."""
    anywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 asked, not bound
    return f"http://{'127.0.0.1' if anywhere else settings.host}:{settings.port}"


def wait_until_ready(url: str, children: Children) -> None:
    """Return when the web server answers that it is ready."""
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        if not children.alive():
            raise CannotStartError("a process ended while starting; its reason stands above")
        try:
            with urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 our own address
                if answer.status == 200:  # noqa: PLR2004 OK
                    return
        except (URLError, OSError):
            pass
        sleep(0.1)
    raise CannotStartError(f"the web server did not answer at {url} within {_PATIENCE:.0f} seconds")


def demo_access(opened: Sessions, home: Path, url: str) -> dict[str, Any]:
    """Who may sign in to the demo: kept in `demo.json`, readable by its owner only.

    Made at the first start and left as it is afterwards, so that scripts keep working; only the
    address is brought up to date.
    """
    file = home / "demo.json"
    held: dict[str, Any] | None = None
    if file.exists():
        held = json.loads(file.read_text(encoding="utf-8"))
    with opened.begin() as session:
        known = accounts.find_client(session, "one-stop-shop") is not None
        if held is None or not known:
            office = catalogue.offices(session)[0]["code"]
            branches = [row["code"] for row in catalogue.branches(session)]
            accounts.put_source(session, SOURCE, "Một cửa")
            held = _people(session, office, branches) | {
                "client_id": "one-stop-shop",
                "client_secret": access.add_client(
                    session,
                    client_id="one-stop-shop",
                    source=SOURCE,
                    office=office,
                    branches=None,
                    rights=Right,
                ),
            }
    held["url"] = url
    file.touch(mode=0o600)
    file.write_text(json.dumps(held, ensure_ascii=False, indent=1), encoding="utf-8")
    return held


def _people(session: Any, office: str, branches: list[str]) -> dict[str, Any]:  # noqa: ANN401
    users: list[dict[str, Any]] = [
        {
            "login": f"giamdoc{at:02}",
            "role": Role.DIRECTOR.value,
            "branch": branch,
            "password": secrets.token_urlsafe(9),
        }
        for at, branch in enumerate(branches, start=1)
    ]
    users.append(
        {
            "login": "quantri",
            "role": Role.ADMINISTRATOR.value,
            "branch": None,
            "password": secrets.token_urlsafe(9),
        }
    )
    for user in users:
        access.add_user(
            session,
            login=user["login"],
            name="Giám đốc chi nhánh" if user["branch"] else "Quản trị",
            email=f"{user['login']}@example.org",
            role=user["role"],
            office=office,
            branches=[user["branch"]] if user["branch"] else None,
            active=True,
            password=str(user["password"]),
        )
    return {"users": users}
