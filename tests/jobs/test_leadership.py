"""Leadership: one leads, another takes over, and who was cut off notices by itself."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app.db import leadership
from app.db.leadership import BEAT, SILENCE, TRUST, Leader, elapsed

KEY = 42


@pytest.fixture
def two(engine: Engine) -> Iterator[tuple[Leader, Leader]]:
    first, second = Leader(engine, KEY), Leader(engine, KEY)
    yield first, second
    first.release()
    second.release()


def kill_holder(session: Session) -> None:
    query = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
        "WHERE locktype = 'advisory' AND objid = :key AND granted"
    )
    assert session.scalars(query, {"key": KEY}).all() == [True]


class Line:
    """A cable to PostgreSQL that can be cut without either end being told: nothing arrives."""

    def __init__(self, to: str) -> None:
        self._to = to
        self.cut = Event()
        self._held: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.socket(socket.AF_UNIX)
                self._held += [near, far]
                if not self.cut.is_set():
                    far.connect(self._to)
                    for one, other in ((near, far), (far, near)):
                        Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if self.cut.is_set():
                    return
                other.sendall(data)

    def close(self) -> None:
        for one in (self._listening, *self._held):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # close() alone would not end a recv() under way
            one.close()


@contextmanager
def cable(engine: Engine) -> Iterator[tuple[Line, Engine]]:
    folder = str(engine.url.query["host"])
    line = Line(f"{folder}/.s.PGSQL.{engine.url.port or 5432}")
    over = create_engine(engine.url.set(host="127.0.0.1", port=line.port, query={}))
    yield line, over
    over.dispose()
    line.close()


def seconds_until(leader: Leader, *, leads: bool, at_most: float) -> float:
    """Let it renew as often as a scheduler would, until it stands as asked."""
    began = elapsed()
    while leader.renew() is not leads:
        assert elapsed() - began < at_most
        time.sleep(BEAT / 5)
    return elapsed() - began


def test_the_times_leave_no_room_for_two_leaders_nor_for_half_a_minute_without():
    assert BEAT < TRUST < SILENCE
    assert SILENCE + BEAT + leadership._ANSWER < 30  # noqa: SLF001 the promise is made of it


def test_there_are_never_two_leaders(two: tuple[Leader, Leader]):
    first, second = two

    asked = [(first.renew(), second.renew()) for _ in range(3)]

    assert asked == [(True, False)] * 3
    assert (first.is_leader(), second.is_leader()) == (True, False)


def test_many_asking_at_once_find_one_leader(engine: Engine):
    leaders = [Leader(engine, KEY) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda leader: leader.renew(), leaders))

    assert sum(found) == 1
    for leader in leaders:
        leader.release()


def test_another_takes_over_when_the_first_gives_back(two: tuple[Leader, Leader]):
    first, second = two
    assert first.renew()

    first.release()

    assert not first.is_leader()
    assert second.renew()
    assert not first.renew()


def test_who_has_given_back_for_good_does_not_come_back(engine: Engine):
    leader = Leader(engine, KEY)
    assert leader.renew()

    leader.release()

    assert not leader.renew()


def test_another_takes_over_when_the_connection_of_the_first_is_killed(
    two: tuple[Leader, Leader], session: Session
):
    first, second = two
    assert first.renew()
    assert not second.renew()

    kill_holder(session)

    assert second.renew()
    assert not first.renew()
    assert not first.is_leader()


def test_a_leader_whose_connection_was_killed_is_back_at_once_when_nobody_else_leads(
    two: tuple[Leader, Leader], session: Session
):
    first, second = two
    assert first.renew()

    kill_holder(session)

    assert first.renew()
    assert not second.renew()


def test_a_leader_that_falls_silent_loses_its_trust_and_then_its_lock(
    two: tuple[Leader, Leader],
):
    first, second = two
    assert first.renew()

    waited = seconds_until(second, leads=True, at_most=SILENCE + 5)

    assert waited > SILENCE - 1
    assert not first.is_leader()
    assert not first.renew()


def test_a_leader_whose_network_is_cut_does_not_hang_and_another_takes_over(engine: Engine):
    with cable(engine) as (line, over):
        first, second = Leader(over, KEY), Leader(engine, KEY)
        assert first.renew()
        line.cut.set()
        began = elapsed()

        assert not first.renew()
        assert elapsed() - began < 10
        assert not first.is_leader()
        seconds_until(second, leads=True, at_most=SILENCE + 5)
        first.release()
        second.release()


def test_giving_back_over_a_cut_network_does_not_hold_the_stop(engine: Engine):
    with cable(engine) as (line, over):
        leader = Leader(over, KEY)
        assert leader.renew()
        line.cut.set()
        stopping = elapsed()

        leader.release()

        assert elapsed() - stopping < 1


def test_without_a_server_nobody_leads_and_nothing_breaks():
    leader = Leader(create_engine("postgresql+psycopg://x@127.0.0.1:1/none"), KEY)

    assert not leader.renew()
    assert not leader.is_leader()
    leader.release()


def test_the_lock_leaves_with_its_connection(engine: Engine, two: tuple[Leader, Leader]):
    first, second = two
    assert first.renew()

    first.release()
    for _ in range(3):
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    assert second.renew()
