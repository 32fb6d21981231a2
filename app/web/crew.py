"""Processes beside the web server that take in what is long: one core is not enough for it."""

import gc
import os
import signal
from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock, Thread
from traceback import format_exc
from typing import Any, TypeVar

import structlog

from app.db.engine import connect, sessions
from app.service.rules import RuleBook

T = TypeVar("T")

_log = structlog.get_logger()

_PATIENCE = 2.0  # seconds until a killed process is gone: it takes a thousandth of them


class HandDiedError(Exception):
    """A process ended with work in hand; nobody knows whether it was done."""


class Crew:
    """Some processes, each with a database connection and a rule book of its own.

    What is given to one hand is done in the order it was given, so that what concerns one dossier
    stays in order when it always goes to the same hand.
    """

    def __init__(self, url: str, size: int) -> None:
        """`size` processes on the database at `url`, started when they are first needed."""
        self.size = size
        self._url = url
        self._hands: dict[int, _Hand] = {}
        self._ended = False
        self._lock = Lock()

    async def do(self, hand: int, work: Callable[..., T], *given: Any) -> T:  # noqa: ANN401 its own
        """What `work(sessions, book, *given)` returns in a hand; once more if the hand has died.

        Work must be such that doing it twice does no harm. HandDiedError: the second died as well,
        or the server ends.
        """
        one = self._hand(hand)
        try:
            return await wrap_future(one.give(work, *given))
        except HandDiedError:
            other = self._hand(hand, one)
            _log.warning("an intake process died; another takes over", hand=hand)
            return await wrap_future(other.give(work, *given))

    def end(self) -> None:
        """End the processes at once; the database takes back what they had in hand."""
        with self._lock:
            self._ended = True  # nobody takes over from those we end
            for one in self._hands.values():
                one.end()
            self._hands.clear()

    def _hand(self, hand: int, dead: "_Hand | None" = None) -> "_Hand":
        with self._lock:
            if self._ended:
                raise HandDiedError
            found = self._hands.get(hand)
            if found is None or found is dead:
                if dead:
                    dead.end()
                found = self._hands[hand] = _Hand(self._url)
            return found


class _Hand:
    """A process, and the thread that alone speaks with it: a call, then its answer.

    No ProcessPoolExecutor: it holds the far ends of its pipes open itself, so that it waits for
    ever for the rest of an answer whose sender was killed in the middle of it.
    """

    def __init__(self, url: str) -> None:
        spawn = get_context("spawn")
        self._line, far = spawn.Pipe()
        self._process = spawn.Process(target=_live, args=(url, far), daemon=True)
        _start_deaf(self._process)
        far.close()  # held by the process alone now: both ends see it go
        self._calls = ThreadPoolExecutor(1, "hand")

    def give(self, work: Callable[..., T], *given: Any) -> Future[T]:  # noqa: ANN401 its own
        """What becomes of `work(sessions, book, *given)`, after all that was given before."""
        return self._calls.submit(self._ask, work, given)

    def end(self) -> None:
        """Kill it; what it was given and has not answered fails with HandDiedError."""
        self._process.kill()
        self._process.join(_PATIENCE)
        self._calls.shutdown()  # short: on a line whose far end is gone every call fails at once
        self._line.close()

    def _ask(self, work: Callable[..., T], given: tuple[Any, ...]) -> T:
        answer: T
        try:
            self._line.send((work, given))
            answer, fault, trace = self._line.recv()
        except (EOFError, OSError) as why:
            raise HandDiedError from why
        if fault is not None:
            fault.add_note(trace)
            raise fault
        return answer


def _start_deaf(process: BaseProcess) -> None:
    """Start it so that Ctrl-C, which goes to all at once, does not end it even while it begins."""
    resource_tracker.ensure_running()  # `start` would, and let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(url: str, line: Connection) -> None:
    """Do what comes along the line, until the server ends us or has ended."""
    Thread(target=_end_with_server, daemon=True).start()
    own = sessions(connect(url, "dunghan-intake", pool_size=2)), RuleBook()
    calm_collector()
    with suppress(EOFError, OSError):  # of the line: those of the work are answers
        while True:
            work, given = line.recv()
            answer: tuple[Any, Exception | None, str]
            try:
                answer = work(*own, *given), None, ""
            except Exception as fault:  # noqa: BLE001 whoever gave the work is told
                answer = None, fault, format_exc()
            line.send(answer)
            del work, given, answer  # not held while we wait


def _end_with_server() -> None:
    """End in the middle of work too: nobody is left to hear of it."""
    server = parent_process()
    if server is not None:
        server.join()
    os._exit(0)


def calm_collector() -> None:
    """Let the garbage collector pass over what lives for ever, and look seldom.

    A chunk makes some hundred thousand objects that live until it is saved; looking through them
    again and again, as the default does, takes a fifth of its time. What is not in a cycle is
    freed at once all the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
