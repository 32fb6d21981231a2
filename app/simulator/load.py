"""Where the lines of a load come from: made block by block in processes of their own, or a file.

Whatever the size, what is held is the blocks under way: a block is about 7,000 lines, 8 MB, or a
tenth of it zipped.
"""

import gzip
import signal
import threading
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import msgspec

from app.simulator import year
from app.simulator.faults import NOT_JSON
from app.simulator.plan import Plan
from app.simulator.province import Province
from app.simulator.window import Part, zipped
from app.simulator.year import BLOCK, USUAL, Mix

AHEAD: Final = 2
"""Blocks made ahead for each maker."""
_READ: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Load:
    """A year to be made: the same values give the same bytes, anywhere.

    Attributes:
        seed: Of all dice.
        dossiers: How many the year has.
        province: What it is made of.
        until: The simulated now; aware.
        mix: Re-sends, disorder, faults.
        start: The first dossier that is sent; rounded down to a block, to go on from there.
        packed: Whether parts come zipped.
        piece: Lines to a part at most.
    """

    seed: int
    dossiers: int
    province: Province
    until: datetime
    mix: Mix = USUAL
    start: int = 0
    packed: bool = False
    piece: int = 10_000

    def blocks(self) -> list[range]:
        """Return the blocks that are still to be made."""
        first = self.start // BLOCK * BLOCK
        return [
            range(at, min(at + BLOCK, self.dossiers)) for at in range(first, self.dossiers, BLOCK)
        ]


def parts(load: Load, makers: int = 0) -> Iterator[list[Part]]:
    """Yield the parts of each block in order, some made ahead by `makers` processes.

    With 0 makers a thread makes them: enough for a small year, and nothing is started.
    """
    blocks = iter(load.blocks())
    with _makers(load, makers) as pool:
        ahead: deque[Future[list[Part]]] = deque(
            pool.submit(_made, numbers) for numbers in islice(blocks, AHEAD * max(1, makers))
        )
        while ahead:
            made = ahead.popleft().result()
            ahead.extend(pool.submit(_made, numbers) for numbers in islice(blocks, 1))
            yield made


@contextmanager
def _makers(load: Load, makers: int) -> Iterator[Executor]:
    pool: Executor
    if makers:
        # Spawned: a fork would take the sender's connections and locks with it.
        context = get_context("spawn")
        pool = ProcessPoolExecutor(makers, context, initializer=_begin, initargs=(load, True))
    else:
        pool = ThreadPoolExecutor(1, initializer=_begin, initargs=(load, False))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class _Held(threading.local):
    """What a maker, a process or a thread, keeps from block to block."""

    load: Load
    plan: Plan


_held = _Held()


def _begin(load: Load, alone: bool) -> None:  # noqa: FBT001 an initializer's arguments have no names
    """Lay the plan out once for each maker: it is a table of days, the same for all blocks."""
    if alone:  # Ctrl-C reaches the whole group; the sender ends its makers in turn
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _held.load = load
    _held.plan = Plan(load.seed, load.dossiers, load.province, load.until)


def _made(numbers: range) -> list[Part]:
    load, plan = _held.load, _held.plan
    encode = msgspec.json.Encoder().encode
    records = year.block(load.seed, numbers, plan, load.mix)
    lines = [encode(record) + b"\n" for record in records]
    if load.mix.bad and not numbers.start:
        lines.insert(1, NOT_JSON + b"\n")
    return [
        part(lines[at : at + load.piece], numbers.start, packed=load.packed)
        for at in range(0, len(lines), load.piece)
    ]


def part(lines: list[bytes], start: int, *, packed: bool) -> Part:
    """Return lines as a part of a body."""
    body = b"".join(lines)
    return Part(len(lines), zipped(body) if packed else body, packed, start)


def write(blocks: Iterable[list[Part]], file: Path) -> Iterator[tuple[int, int]]:
    """Write parts one after another; yield the lines and the bytes of each block written.

    Zipped parts make a file that every gzip reads.
    """
    with file.open("wb") as out:
        for block in blocks:
            for each in block:
                out.write(each.body)
            yield sum(each.lines for each in block), sum(len(each.body) for each in block)


def read(file: Path, piece: int, *, packed: bool, skip: int = 0) -> Iterator[list[Part]]:
    """Yield the lines of a file, zipped or not, as parts of at most `piece`, passing over `skip`.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read, or is cut.
    """
    with file.open("rb") as raw:
        begin = raw.peek(2)[:2]
        lines: Iterator[bytes] = iter(gzip.GzipFile(fileobj=raw) if begin == b"\x1f\x8b" else raw)
        lines = islice(lines, skip, None)
        while held := list(islice(lines, piece)):
            whole = [line.rstrip(b"\r\n") + b"\n" for line in held]
            yield [part(whole, skip, packed=packed)]
            skip += len(held)


UNREADABLE: Final = (OSError, EOFError, zlib.error)
