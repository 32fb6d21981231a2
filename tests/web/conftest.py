"""The application over HTTP, on the one real PostgreSQL, at a moment the tests choose."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.db.engine import Sessions
from app.main import build
from app.service import access
from app.settings import Settings
from app.web.deps import COOKIE, moment
from tests.catalogues import as_it_was
from tests.web.browser import Browser, Open
from tests.web.wire import NOW, Api, Clock, sign_up


@pytest.fixture
def clock() -> Clock:
    """What time it is for the application; a test may move it."""
    return Clock(NOW)


@pytest.fixture
def app(engine: Engine, sessions: Sessions, tmp_path: Path, clock: Clock) -> FastAPI:
    """The application, on emptied tables."""
    _ = sessions
    made = build(Settings(home=tmp_path, database_url=None), engine)

    def now() -> datetime:
        return clock.now

    made.dependency_overrides[moment] = now
    return made


@pytest.fixture
def api(app: FastAPI, sessions: Sessions) -> Callable[..., Api]:
    """Make a client of the application with its own credential."""

    return partial(sign_up, app, sessions)


@pytest.fixture
def sender(api: Callable[..., Api]) -> Api:
    """The one-stop-shop of the whole office, with every right."""
    return api()


@pytest.fixture
def catalogue_as_it_was(sessions: Sessions) -> Iterator[None]:
    """Take back what the test publishes."""
    with as_it_was(sessions):
        yield


@pytest.fixture
def browse(app: FastAPI, sessions: Sessions) -> Open:
    """Sign somebody in at the pages."""

    def sign_in(
        role: str = "administrator", branches: list[str] | None = None, login: str | None = None
    ) -> Browser:
        login = login or role
        with sessions.begin() as session:
            access.add_user(
                session, login=login, name=login, email=None, role=role, office="H20.16",
                branches=branches, active=True, password="một hai ba bốn",  # noqa: S106 of a test
            )  # fmt: skip
            cookie = access.sign_in(session, login, "một hai ba bốn", NOW, timedelta(hours=1))
        http = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        http.cookies.set(COOKIE, cookie or "")
        found = re.search(r'name="csrf" value="([^"]+)"', http.get("/quarantine").text)
        assert found
        return Browser(http, found.group(1))

    return sign_in
