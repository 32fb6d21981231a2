"""Who may act: one of several processes, by an advisory lock that is a lease as well.

PostgreSQL gives an advisory lock back when the connection that took it ends, so a leader that dies
needs no sweeper. One that is stopped, swapped out or cut off does not die: its connection stays
open, and without more nobody would ever lead again. So the server is told to end the connection
(`idle_session_timeout`) if it hears nothing for `SILENCE`; the leader speaks on it every `BEAT`,
and trusts in its lead for `TRUST` after it last did. The server counts by itself and later than
the leader, so a leader that was stopped has lost its trust before anybody else can have the lock.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer
from typing import Any, LiteralString

import psycopg
from sqlalchemy import Engine

from app.db.engine import OVER_TCP
from app.db.locks import AdvisoryLock

BEAT = 5.0
"""Seconds between two renewals, and between two attempts of a follower."""
TRUST = 10.0
"""Seconds a renewal holds. Without a server nobody leads after that."""
SILENCE = 15.0
"""Seconds without a word after which the server ends the connection: longer than TRUST, so that
no two lead, and SILENCE + BEAT is the longest that nobody does while the server runs."""
_ANSWER = 4.0  # seconds the server may take; a network that was cut never answers
_FAREWELL = 0.5  # seconds for giving the lock back: who stops, stops at once

# Also runs on while the machine sleeps, which the plain monotonic clock of Linux does not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_Connection = psycopg.Connection[tuple[Any, ...]]


class Leader:
    """The right to act, held by a connection of its own.

    `renew` is for one thread, every BEAT; `is_leader` is for all others and asks nobody. What jobs
    do is safe with two leaders as well (SKIP LOCKED, leases, unique keys): that is what remains if
    the server forgets its locks, in a restart, for at most TRUST. The connection must reach
    PostgreSQL itself, not a pooler that shares it between transactions.
    """

    def __init__(self, engine: Engine, key: int = AdvisoryLock.LEADERSHIP.value) -> None:
        """Hold nothing yet; the first `renew` tries."""
        _, arguments = engine.dialect.create_connect_args(engine.url)
        self._arguments: dict[str, Any] = dict(arguments)
        self._key = key
        self._connection: _Connection | None = None
        self._held = False
        self._until = 0.0
        self._ended = False
        self._lock = Lock()

    def is_leader(self) -> bool:
        """Whether we lead: the last renewal succeeded, and not longer ago than TRUST."""
        return elapsed() < self._until

    def renew(self) -> bool:
        """Make sure of the lead, or try for it; one small statement. Whether we lead now.

        Returns within seconds also where no answer comes. A connection that was ended is opened
        anew at once, for another may not have taken the lead yet.
        """
        with self._lock:
            known = self._connection is not None
            led = self._try()
            return self._try() if known and self._connection is None else led

    def release(self) -> None:
        """Give the right back at once, and for good."""
        self._until = 0.0
        with self._lock:
            self._ended = True
            if self._connection is not None and self._held:
                with suppress(psycopg.Error, OSError):
                    self._ask("SELECT pg_advisory_unlock(%s)", self._key, within=_FAREWELL)
            self._drop()

    def _try(self) -> bool:
        if self._ended:
            return False
        asked = elapsed()
        try:
            if self._held:
                self._ask("SELECT %s", self._key)  # raises if the lock died with its connection
            else:
                # Only when not held: PostgreSQL counts how often a session takes its lock.
                self._held = self._ask("SELECT pg_try_advisory_lock(%s)", self._key)
        except (psycopg.Error, OSError):
            self._drop()
        self._until = asked + TRUST if self._held else 0.0
        return self._held

    def _ask(self, query: LiteralString, key: int, within: float = _ANSWER) -> bool:
        connection = self._connection or self._connect()
        with _hanging_up(connection, within):
            row = connection.execute(query, [key]).fetchone()
        return row is not None and bool(row[0])

    def _connect(self) -> _Connection:
        ours: dict[str, Any] = {
            **OVER_TCP,
            "autocommit": True,
            "application_name": "dunghan-jobs",
            "connect_timeout": round(_ANSWER),
            "options": f"-c idle_session_timeout={round(SILENCE * 1000)}",
        }
        self._connection = psycopg.connect(**(self._arguments | ours))
        return self._connection

    def _drop(self) -> None:
        connection, self._connection, self._held = self._connection, None, False
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                connection.close()


def elapsed() -> float:
    """Seconds since the machine was started; nobody can set them."""
    return time.clock_gettime(_CLOCK)


@contextmanager
def _hanging_up(connection: _Connection, seconds: float) -> Iterator[None]:
    """Let a statement fail that is not answered in time, however silent the other side is."""
    timer = Timer(seconds, _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: _Connection) -> None:
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
