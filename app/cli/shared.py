"""What the commands share: how to refuse, how to print, how to open the database."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from app import desk
from app.db import schema
from app.db.engine import Sessions, sessions
from app.desk import CannotStartError
from app.settings import Settings

out = Console(highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def refuse(why: str) -> NoReturn:
    """End with the one line a person reads."""
    print(f"dunghan: {why}", file=sys.stderr)  # noqa: T201 the one line a person reads
    raise SystemExit(1)


@contextmanager
def opened_database() -> Iterator[tuple[Settings, Sessions]]:
    """Settings and sessions of a migrated database, for commands that work on it."""
    settings = Settings()
    with desk.database(settings) as (_, engine):
        if not schema.is_current(engine):
            raise CannotStartError("the database is not migrated; run `dunghan migrate`")
        yield settings, sessions(engine)
