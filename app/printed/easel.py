"""Charts are drawn in one process of their own, so that nothing in it can hurt or stop a server.

The drawing program is a JavaScript engine: its first picture takes seconds, it holds some 140 MB,
and nobody can interrupt it from a thread. The process begins with the first chart, ends when none
was asked for a while, and is ended when it answers late.
"""

import signal
from collections import OrderedDict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock
from time import monotonic

import structlog

from app.printed.bars import Bar, Part, Picture
from app.printed.forms import Form, Size

PATIENCE = 20.0
"""Seconds a chart may take with all the waiting; the first takes some two, the others 0.1."""
_IDLE = 600.0
_REST = 30.0
_KEPT = 256
_FIRST = Picture("", (Part("", "#000", "#000"),), (Bar("", (1.0,), ("",), ""),), "", "")
_log = structlog.get_logger()


class NotDrawnError(Exception):
    """There is no chart now; the figures stand in the table."""


class Easel:
    """Draws one chart after the other, and keeps the last ones."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """No process yet; `patience` is how many seconds a chart may take."""
        self._patience = patience
        self._kept: OrderedDict[tuple[str, Size, Form], bytes] = OrderedDict()
        self._lock = Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._rests_until = 0.0

    def draw(self, picture: Picture, size: Size, form: Form) -> bytes:
        """The chart in a form.

        Raises:
            NotDrawnError: it took too long, or could not be drawn.
        """
        key = picture.key, size, form
        found = self._kept.get(key)
        if found is not None:
            return found
        until = monotonic() + self._patience
        if monotonic() < self._rests_until or not self._lock.acquire(timeout=self._patience):
            raise NotDrawnError
        try:
            drawn = self._kept.get(key) or self._ask(picture, size, form, until)
            self._kept[key] = drawn
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return drawn
        finally:
            self._lock.release()

    def wake(self) -> None:
        """Let the process begin, for who will soon ask for a chart; nothing is waited for."""
        if self._lock.acquire(blocking=False):
            try:
                if self._pipe is None and monotonic() >= self._rests_until:
                    self._start()
            except OSError:
                self._stop()
            finally:
                self._lock.release()

    def end(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._stop()
            self._rests_until = float("inf")

    def _ask(self, picture: Picture, size: Size, form: Form, until: float) -> bytes:
        """Ask the process; once more if it had ended, as it does when idle."""
        for _ in range(2):
            try:
                pipe = self._pipe or self._start()
                pipe.send((picture, size, form))
                if not pipe.poll(max(0.0, until - monotonic())):
                    break
                drawn: bytes | None = pipe.recv()
            except (EOFError, OSError):
                self._stop()
                continue
            if drawn is None:
                _log.warning("a chart could not be drawn", chart=picture.key)
                raise NotDrawnError
            return drawn
        _log.warning("the process that draws charts does not answer", chart=picture.key)
        self._stop()
        self._rests_until = monotonic() + _REST
        raise NotDrawnError

    def _start(self) -> Connection:
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=work, args=(theirs, self._patience), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is told to us, and ours to it
        return self._pipe

    def _stop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None


def work(pipe: Connection, patience: float) -> None:
    """Draw what is asked for until nobody asks, or the one who asked is gone."""
    from app.printed import vega  # noqa: PLC0415 heavy, and for this process only

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    # It ends even a drawing that never does, where the one who asked is no more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        vega.draw(_FIRST, Size.WIDE, Form.SVG)  # the engine is slow with its first picture only
        while pipe.poll(_IDLE):
            asked = pipe.recv()
            signal.alarm(int(patience) + 5)
            try:
                drawn = vega.draw(*asked)
            except Exception:  # noqa: BLE001 whatever it is, the server goes on without a chart
                drawn = None
            signal.alarm(0)
            pipe.send(drawn)
    except (EOFError, OSError):
        return
