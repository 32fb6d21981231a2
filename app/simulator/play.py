"""A load sent over HTTP, as one one-stop-shop does it or several at once: receipts, heartbeats."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from app.simulator import load as loads
from app.simulator.calendar import moment_of
from app.simulator.load import Load
from app.simulator.plan import Plan
from app.simulator.province import Province
from app.simulator.window import TIMEOUT, Part, PlayError, Receipt, Window
from app.simulator.year import USUAL, Mix

__all__ = ["CHUNK", "PlayError", "Server", "Totals", "on_time", "play", "province_of", "send"]

CHUNK: Final = 20_000
"""Lines to a request."""
_PIECE_OF_MANY: Final = 1_000
"""Lines to a part where several clients send it, each in an order of its own."""


@dataclass(frozen=True, slots=True)
class Server:
    """An address without `/v1`, and who sends there; `transport` is another way, for tests."""

    url: str
    client_id: str
    client_secret: str
    transport: httpx.BaseTransport | None = None

    def connection(self) -> httpx.Client:
        """Return a connection of its own."""
        return httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=self.transport)

    def window(self, connection: httpx.Client) -> Window:
        """Return a sender on a connection."""
        return Window(connection, self.client_id, self.client_secret)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the server said of everything sent.

    `snapshots` are lines made, each counted once however often it went; the rest are the sums of
    complete answers, so a request that was kept but whose answer was cut counts as `unchanged`, and
    what several clients send is `received` from each.
    """

    snapshots: int = 0
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0

    def plus(self, sent: int, receipt: Receipt) -> "Totals":
        """Return the totals with one more request."""
        return Totals(
            self.snapshots + sent,
            self.received + receipt.received,
            self.created + receipt.created,
            self.updated + receipt.updated,
            self.unchanged + receipt.unchanged,
            self.stale + receipt.stale,
            self.quarantined + receipt.quarantined,
        )


Progress = Callable[[int, int], None]
"""Told as a request is answered: its lines, and where it began; all before that is answered."""


def play(
    server: Server,
    *,
    dossiers: int,
    seed: int,
    until: datetime,
    mix: Mix = USUAL,
    start: int = 0,
    clients: int = 1,
    packed: bool = False,
    makers: int = 0,
    on_progress: Progress | None = None,
    chunk: int = CHUNK,
) -> Totals:
    """Send a year that ends at `until`, then the heartbeats of the branches still heard.

    Args:
        server: Where, and as whom.
        dossiers: How many dossiers the year has.
        seed: Same seed and `until`, same bytes.
        until: The simulated now; aware.
        mix: Re-sends, disorder, faults.
        start: The first dossier sent: where a play that broke off goes on.
        clients: How many send at once; of several, each line is sent by two, in two orders.
        packed: Whether bodies are zipped.
        makers: Processes that make the lines; 0 makes them beside the sending.
        on_progress: Told of each answered request, to advance a bar by (`year.snapshots` estimates
            the sum of lines) and to know a `start`.
        chunk: Lines to a request, at least a block of 2,048 dossiers; at most three requests a
            client are in memory.

    Raises:
        PlayError: the server refused, or failed too often.
        ValueError: the API lists no branch with communes or no procedures, or `until` is naive.
    """
    place = province_of(server)
    piece = min(chunk, _PIECE_OF_MANY if clients > 1 else chunk)
    load = Load(seed, dossiers, place, until, mix, start, packed, piece)
    totals = send(
        server, loads.parts(load, makers), clients=clients, chunk=chunk, on_progress=on_progress
    )
    plan = Plan(seed, dossiers, place, until)
    with server.connection() as connection:
        server.window(connection).heartbeat(plan.heard, moment_of(plan.until))
    return totals


def send(
    server: Server,
    blocks: Iterable[list[Part]],
    *,
    clients: int = 1,
    chunk: int = CHUNK,
    on_progress: Progress | None = None,
) -> Totals:
    """Send parts, `chunk` lines to a request; of several clients each request goes from two.

    Raises:
        PlayError: the server refused, or failed too often.
    """
    totals = Totals()
    under_way: deque[tuple[int, int, Future[Receipt]]] = deque()
    with ExitStack() as stack:
        senders = [_sender(server, stack) for _ in range(clients)]
        for turn, request in enumerate(_requests(blocks, chunk)):
            count = sum(part.lines for part in request)
            submit, again = senders[turn % clients], senders[(turn + 1) % clients]
            under_way.append((count, request[0].start, submit(request)))
            if clients > 1:
                under_way.append((0, request[0].start, again(request[::-1])))
            while len(under_way) > 2 * clients:
                totals = _settled(under_way.popleft(), totals, on_progress)
        while under_way:
            totals = _settled(under_way.popleft(), totals, on_progress)
    return totals


def _sender(server: Server, stack: ExitStack) -> Callable[[list[Part]], Future[Receipt]]:
    """A client with its own connection and token, which sends one request after the other."""
    window = server.window(stack.enter_context(server.connection()))
    thread = ThreadPoolExecutor(1)
    stack.callback(thread.shutdown, cancel_futures=True)
    return lambda request: thread.submit(window.send, request)


def _settled(
    one: tuple[int, int, Future[Receipt]], totals: Totals, on_progress: Progress | None
) -> Totals:
    sent, start, told = one
    totals = totals.plus(sent, told.result())
    if sent and on_progress is not None:
        on_progress(sent, start)
    return totals


def _requests(blocks: Iterable[list[Part]], chunk: int) -> Iterator[list[Part]]:
    """Parts put together up to so many lines; a part that has more goes alone."""
    held: list[Part] = []
    count = 0
    for block in blocks:
        for part in block:
            if held and count + part.lines > chunk:
                yield held
                held, count = [], 0
            held.append(part)
            count += part.lines
    if held:
        yield held


def province_of(server: Server) -> Province:
    """Return the province a server describes.

    Raises:
        PlayError: the server refused, or failed too often.
        ValueError: it lists no branch with communes, or no procedures.
    """
    with server.connection() as connection:
        return server.window(connection).province()


def on_time(server: Server) -> dict[str, Any]:
    """Return the on-time report by branch of the year so far, as the API gives it.

    Raises:
        PlayError: the server refused, or failed too often.
    """
    with server.connection() as connection:
        report: dict[str, Any] = server.window(connection).call("GET", "/v1/reports/on-time").json()
    return report
