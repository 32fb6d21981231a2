"""The catalogue is shared by all tests of a process: whoever publishes takes it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update

from app.db import publications
from app.db.engine import Sessions
from app.db.tables import (
    branch,
    calendar,
    commune,
    ladder,
    limit_rule,
    office,
    procedure,
    publication,
    supplement_rule,
    working_calendar,
)

_VERSIONED = (calendar, working_calendar, limit_rule, supplement_rule, ladder)


@contextmanager
def as_it_was(sessions: Sessions) -> Iterator[None]:
    """Forget on leaving what was published within."""
    with sessions() as session:
        version = publications.version(session)
        newest: dict[str, Any] = {
            table.name: session.scalar(select(func.coalesce(func.max(table.c.id), 0)))
            for table in _VERSIONED
        }
        known = {
            table.name: {row["code"]: row for row in session.execute(select(table)).mappings()}
            for table in (procedure, commune, branch, office)
        }
    try:
        yield
    finally:
        with sessions.begin() as session:
            tables = "dossier, feed, webhook, session, user_account, access_token, client"
            session.execute(text(f"TRUNCATE {tables} CASCADE"))
            for table in _VERSIONED:
                session.execute(delete(table).where(table.c.id > newest[table.name]))
            for table in (limit_rule, supplement_rule, ladder):
                again = update(table).where(table.c.superseded_in > version)
                session.execute(again.values(superseded_in=None))
            session.execute(delete(publication).where(publication.c.version > version))
            for table in (procedure, commune, branch, office):
                session.execute(delete(table).where(table.c.code.not_in(known[table.name])))
                for row in session.execute(select(table)).mappings().all():
                    held = known[table.name][row["code"]]
                    if row != held:  # another name or group: published under a code there was
                        again = update(table).where(table.c.code == row["code"])
                        session.execute(again.values(**held))
            publications.advance(session, datetime(2026, 1, 1, tzinfo=UTC))
