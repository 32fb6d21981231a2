"""The application over HTTP, on the one real PostgreSQL, at a moment the tests choose."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from app.db.engine import Sessions
from app.main import build
from app.settings import Settings
from app.web.deps import moment
from tests.catalogues import as_it_was
from tests.web.browser import Open, signed_in
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
def browse(app: FastAPI, sessions: Sessions) -> Open:
    """Sign somebody in to the pages."""
    return partial(signed_in, app, sessions)


@pytest.fixture
def catalogue_as_it_was(sessions: Sessions) -> Iterator[None]:
    """Take back what the test publishes."""
    with as_it_was(sessions):
        yield
