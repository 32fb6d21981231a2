"""Connections: one engine a process, one sessionmaker handed on by the front door."""

from collections.abc import Callable, Mapping
from time import sleep
from typing import TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

_DEADLOCKS = frozenset({"40P01", "40001"})
_TRIES = 6

T = TypeVar("T")

OVER_TCP: Mapping[str, int] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Who waits for a server behind a cable that was cut learns of it in half a minute, not in hours.
Over a Unix socket there is no cable, and these say nothing."""


def connect(
    url: str, application_name: str, pool_size: int = 20, *, idle_minutes: int | None = None
) -> Engine:
    """Open an engine on PostgreSQL; `application_name` shows in `pg_stat_activity`.

    The pool is at least as large as the thread pool that serves requests hands out work, else a
    request could wait for a connection that another thread of the same request holds. With
    `idle_minutes` the server ends a transaction in which nothing is asked for so long: a process
    that was stopped in its middle would keep the rows from everyone else.
    """
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    options = "-c timezone=UTC -c jit=off"
    if idle_minutes is not None:
        options += f" -c idle_in_transaction_session_timeout={idle_minutes}min"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,  # a logged error must not print what a citizen is called
        connect_args={
            "application_name": application_name,
            "options": options,
            "connect_timeout": 10,
            **OVER_TCP,
        },
    )


def sessions(engine: Engine) -> Sessions:
    """Sessions whose objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def at_one_moment(session: Session) -> None:
    """Let every statement of a session see the database as it stands now; it may only read.

    Before its first statement, else it would have two moments: that is an error.
    """
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    session.connection(execution_options=options)


def again_if_deadlocked(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Do a piece of work in one transaction; a deadlock is tried again, never shown."""
    for attempt in range(1, _TRIES + 1):
        try:
            with sessions.begin() as session:
                return work(session)
        except OperationalError as fault:
            code = getattr(fault.orig, "sqlstate", None)
            if code not in _DEADLOCKS or attempt == _TRIES:
                raise
        sleep(0.02 * attempt)
    raise AssertionError("unreachable")
