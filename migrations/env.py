"""Runs migrations on the connection handed in by `app.db.schema`, or on DUNGHAN_DATABASE_URL."""

import os

from alembic import context
from sqlalchemy import Connection, text

from app.db.engine import connect
from app.db.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        # A migration that waits for a lock makes every query behind it wait as well.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()


connection: Connection | None = context.config.attributes.get("connection")
if connection is not None:
    _run(connection)
else:
    engine = connect(os.environ["DUNGHAN_DATABASE_URL"], "dunghan-migrate", pool_size=1)
    with engine.begin() as opened:
        _run(opened)
    engine.dispose()
