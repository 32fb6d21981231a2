"""The reports over HTTP at the moment the simulated year ends."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db.engine import Sessions
from app.main import build
from app.service.rules import RuleBook
from app.settings import Settings
from app.web.deps import moment
from tests.service.reporting import World
from tests.service.simulated import UNTIL
from tests.web.wire import sign_up


@pytest.fixture
def world(engine: Engine, sessions: Sessions, book: RuleBook, tmp_path: Path) -> World:
    app = build(Settings(home=tmp_path, database_url=None), engine)
    app.dependency_overrides[moment] = lambda: UNTIL
    return World(sign_up(app, sessions, "report"), sessions, book)
