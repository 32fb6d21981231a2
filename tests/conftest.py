"""A real PostgreSQL with the province's catalogue, empty of dossiers before each test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.orm import Session

from app.db import access, schema
from app.db.embedded import Embedded
from app.db.engine import Sessions, connect
from app.db.engine import sessions as open_sessions
from app.outbound import webhook
from app.service import publish
from app.service.rules import RuleBook, Rules
from app.settings import Settings
from jobs import Context

CHANGING = (
    *("alert", "delivery", "digest", "letter", "lateness_cause"),
    *("webhook", "watch", "feed", "job_run", "job_tick"),
    *("alert", "delivery", "webhook", "due_calendar", "watch", "feed", "job_run", "job_tick"),
    *("dossier", "applicant", "revision", "quarantine", "witness", "divergence", "alias"),
    *("portal_dossier", "daily_root", "import_run", "column_mapping", "pull"),
    *("session", "access_token", "client", "source", "user_account"),
    *("closing", "closing_report", "closing_dossier", "closing_adjustment"),
    *("letter", "lateness_cause"),
)
PUBLISHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def server() -> tuple[Embedded, Engine]:
    """The one server of this test process, however many folders ask for it."""
    folder = Path(tempfile.mkdtemp(prefix="dh", dir="/tmp"))  # short: a Unix socket
    embedded = Embedded(folder)
    engine = connect(embedded.url, "tests")
    schema.migrate(engine)
    with Session(engine) as session, session.begin():
        publish.sample(session, "tests", PUBLISHED_AT)
    return embedded, engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    embedded, engine = server()
    yield engine
    if server.cache_info().currsize:
        server.cache_clear()
        engine.dispose()
        folder = Path(embedded._server.pgdata)  # noqa: SLF001 its own public attribute, behind ours
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """A database of its own on the same server, with nothing in it."""
    name = "schema_of_its_own"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(engine.url).set(database=name)
    made = connect(url.render_as_string(hide_password=False), "tests", pool_size=2)
    yield made
    made.dispose()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    with engine.begin() as connection:
        # as no service can: a trigger keeps closed periods even from being emptied
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {', '.join(CHANGING)} RESTART IDENTITY CASCADE"))
    return open_sessions(engine)


@pytest.fixture
def session(sessions: Sessions) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def book() -> RuleBook:
    return RuleBook()


@pytest.fixture
def rules(sessions: Sessions, book: RuleBook) -> Rules:
    with sessions() as session:
        return book.in_force(session)


@pytest.fixture
def context(sessions: Sessions, book: RuleBook, tmp_path: Path) -> Iterator[Context]:
    settings = Settings(home=tmp_path, public_url="https://x.vn/", allow_private_webhooks=True)
    with webhook.client() as client:
        yield Context(sessions, book, settings, client)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Every SQL statement sent while the test runs."""
    sent: list[str] = []

    def note(*args: Any) -> None:  # noqa: ANN401
        sent.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def director(session: Session) -> Callable[..., int]:
    """Add an account and commit; a director of the named branches, or an administrator."""

    def add(login: str, branches: list[str] | None = None, **more: Any) -> int:  # noqa: ANN401
        values: dict[str, Any] = {
            "login": login,
            "name": login,
            "email": f"{login}@x.vn",
            "password_hash": "-",
            "role": "director" if branches else "administrator",
            "office": "H20.16",
            "branches": branches,
            "active": True,
        }
        made = access.put_user(session, **(values | more))
        session.commit()
        return made

    return add
