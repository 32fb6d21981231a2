"""Processes beside the web server that take in what is long: one core is not enough for it."""

import gc
import os
import signal
from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

import structlog

from app.db.engine import Sessions, connect, sessions
from app.service.rules import RuleBook

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger()


class Crew:
    """Some processes, each with a database connection and a rule book of its own.

    What is given to one hand is done in the order it was given, so that what concerns one dossier
    stays in order when it always goes to the same hand.
    """

    def __init__(self, url: str, size: int) -> None:
        """`size` processes on the database at `url`, started when they are first needed."""
        self.size = size
        self._url = url
        self._hands: dict[int, ProcessPoolExecutor] = {}
        self._ended = False
        self._lines: dict[int, Connection] = {}  # life lines: a hand ends when its own is cut
        self._lock = Lock()

    async def do(self, hand: int, work: Callable[..., T], *given: Any) -> T:  # noqa: ANN401 its own
        """What `work(sessions, book, *given)` returns in a hand; once more if the hand has died.

        Work must be such that doing it twice does no harm.
        """
        executor = self._hand(hand)
        try:
            return await wrap_future(executor.submit(_act, work, *given))
        except BrokenProcessPool:
            _log.warning("an intake process died; another takes over", hand=hand)
            return await wrap_future(self._hand(hand, executor).submit(_act, work, *given))

    def end(self) -> None:
        """End the processes at once; the database takes back what they had in hand."""
        with self._lock:
            self._ended = True  # nobody takes over from those we end
            for line in self._lines.values():
                line.close()
            # Waited for: threads of the pool that outlive it tear at pipes the interpreter closes.
            for executor in self._hands.values():
                executor.shutdown(wait=True, cancel_futures=True)
            self._hands.clear()

    def _hand(self, hand: int, broken: ProcessPoolExecutor | None = None) -> ProcessPoolExecutor:
        with self._lock:
            if self._ended:
                raise BrokenProcessPool("the server ends")
            found = self._hands.get(hand)
            if found is None or found is broken:
                spawn = get_context("spawn")
                life, self._lines[hand] = spawn.Pipe(duplex=False)
                begin = partial(_begin, self._url, life)
                found = ProcessPoolExecutor(1, spawn, initializer=begin)
                self._hands[hand] = found
            return found


def calm_collector() -> None:
    """Let the garbage collector pass over what lives for ever, and look seldom.

    A chunk makes some hundred thousand objects that live until it is saved; looking through them
    again and again, as the default does, takes a fifth of its time. What is not in a cycle is
    freed at once all the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


_own: tuple[Sessions, RuleBook] | None = None


def _begin(url: str, life: Connection) -> None:
    """Begin as a hand: end with the one who started us, whatever ends it; leave Ctrl-C to it."""
    global _own  # noqa: PLW0603 what a process has, it has once
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(life,), daemon=True).start()
    _own = sessions(connect(url, "dunghan-intake", pool_size=2)), RuleBook()
    calm_collector()


def _end_with(life: Connection) -> None:
    wait([life])  # nothing is ever sent: it is cut by `end`, or by the end of the one who holds it
    os._exit(0)


def _act(work: Callable[..., T], *given: Any) -> T:  # noqa: ANN401 its own
    if _own is None:
        raise RuntimeError("work was given to a process that is no hand")
    return work(*_own, *given)
