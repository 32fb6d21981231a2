"""Bodies made to burst memory, time or patience, sent to a real server.

`python -m tests.chaos.bombs [--small] [--database URL]`

Each prints how long it took, what was answered, and by how much the memory of the server and its
intake processes grew at most.
"""

import argparse
import json
import socket
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple, Self

import httpx
from sqlalchemy import func, select, text

from app.db.engine import Sessions, connect, sessions
from app.db.tables import dossier
from tests.chaos.stand import Served, database_server, databases, sign_up

MIB = 2**20
_BATCH = "/v1/dossiers/batch"
_COMMON = {"procedure": "1.012790", "branch": "H20.16.03", "status": 4}


class Size(NamedTuple):
    """How large the bombs are."""

    zipped_zeros: int
    one_line: int
    empty_lines: int
    long_records: int
    stalled: int
    stream: int


LARGE = Size(10 * 1024 * MIB, 2 * 1024 * MIB, 50_000_000, 5_000, 900, 200_000)
SMALL = Size(512 * MIB, 64 * MIB, 1_000_000, 200, 20, 5_000)


class Found(NamedTuple):
    """What a bomb did."""

    name: str
    seconds: float
    grown: int
    answer: str
    holds: bool


def record(number: int, **more: object) -> bytes:
    """A sound record as a line."""
    told = {
        "code": f"H20.16.03-251103-{number:05}",
        "received_at": "2025-11-03T08:10:00+07:00",
        "updated_at": "2025-11-03T08:10:05+07:00",
    }
    return json.dumps(_COMMON | told | more).encode() + b"\n"


def zipped_zeros(size: int) -> Iterator[bytes]:
    """A thousandth of the size, which is zeros when inflated."""
    deflate = zlib.compressobj(9, wbits=31)
    zeros = bytes(8 * MIB)
    for _ in range(size // len(zeros)):
        yield deflate.compress(zeros)
    yield deflate.compress(b"\n" + record(1))
    yield deflate.flush()


def one_line(size: int) -> Iterator[bytes]:
    """A line of that length between two sound ones."""
    part = b"x" * MIB
    yield record(2)
    for _ in range(size // MIB):
        yield part
    yield b"\n" + record(3)


def empty_lines(count: int) -> Iterator[bytes]:
    """So many blank lines, then a sound one."""
    part = b"\n" * MIB
    for _ in range(-(-count // MIB)):
        yield part
    yield record(4)


def long_records(count: int) -> Iterator[bytes]:
    """Records of nearly 256 KiB each, which no sound one reaches."""
    note = "ế" * 1_900
    steps = [{"name": "x" * 200, "unit": "y" * 200, "officer": "z" * 200}] * 200
    stops = [
        {
            "reason": "supplement",
            "from": "2025-11-03T08:10:00+07:00",
            "until": "2025-11-03T08:10:01+07:00",
            "ground": note,
        }
    ]
    line = record(0, steps=steps, suspensions=stops)
    filled = line.rstrip(b"}\n") + b" " * (255 * 1024 - len(line)) + b"}\n"
    for number in range(count):
        yield filled.replace(b"-00000", f"-{10_000 + number:05}".encode(), 1)


class Watched:
    """The most memory a server held while something went on."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._over = Event()
        self.before = self.most = served.memory()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, self._served.memory())


def bomb(
    served: Served,
    token: str,
    name: str,
    body: Iterator[bytes],
    good: Callable[[httpx.Response], bool],
    **headers: str,
) -> Found:
    """Send it; `good` judges the answer."""
    begun = monotonic()
    with Watched(served) as watched, served.client(token, **headers) as client:
        answer = client.post(_BATCH, content=body)
    lines = answer.content.splitlines()
    told = lines[-1].decode()[:200] if lines else ""
    return Found(
        name,
        monotonic() - begun,
        watched.most - watched.before,
        f"{answer.status_code} {told}",
        good(answer),
    )


def stalled(served: Served, token: str, opened: Sessions, count: int, patience: float) -> Found:
    """So many clients that send half a body and then nothing: others must be served meanwhile.

    The server must hold no transaction for them, keep what was complete when it lets them go, and
    let them go at last.
    """
    host, port = served.address.removeprefix("http://").split(":")
    head = (
        f"POST {_BATCH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    part = record(5)
    begun = monotonic()
    with Watched(served) as watched:
        held = [socket.create_connection((host, int(port))) for _ in range(count)]
        for one in held:
            one.sendall(head + f"{len(part) + 5:x}\r\n".encode() + part + b'{"cod\r\n')
        with served.client(token) as client:
            answer = client.post(_BATCH, content=record(6))
            served_meanwhile = answer.status_code == 200
        with opened() as session:
            open_ones = session.scalar(text(_OPEN)) or 0
        let_go = 0
        for one in held:
            one.settimeout(max(0.1, patience - (monotonic() - begun)))
            with suppress(TimeoutError, ConnectionError):
                let_go += b" 400 " in one.recv(4_096)
            one.close()
    return Found(
        f"{count} clients that stop sending",
        monotonic() - begun,
        watched.most - watched.before,
        f"others served: {served_meanwhile}; transactions held: {open_ones}; let go: {let_go}",
        served_meanwhile and open_ones == 0 and let_go == count,
    )


_OPEN = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE 'dunghan%' AND state LIKE 'idle in transaction%'"
)


def receipt(answer: httpx.Response) -> dict[str, Any]:
    """The last line of an answer."""
    found: dict[str, Any] = json.loads(answer.content.splitlines()[-1])
    return found


def all_of(
    served: Served, token: str, opened: Sessions, size: Size, patience: float
) -> Iterator[Found]:
    """Every bomb, one after another."""

    def one_too_long(answer: httpx.Response) -> bool:
        done = receipt(answer)
        taken = done["created"] + done["unchanged"] + done["stale"]
        return b"longer than" in answer.content and done["quarantined"] == 1 and taken >= 1

    yield bomb(
        served,
        token,
        f"gzip of {size.zipped_zeros // MIB} MiB of zeros",
        zipped_zeros(size.zipped_zeros),
        one_too_long,
        **{"Content-Encoding": "gzip"},
    )
    yield bomb(
        served,
        token,
        f"one line of {size.one_line // MIB} MiB",
        one_line(size.one_line),
        one_too_long,
    )
    yield bomb(
        served,
        token,
        f"{size.empty_lines} empty lines",
        empty_lines(size.empty_lines),
        lambda answer: receipt(answer)["received"] == 1,
    )
    yield bomb(
        served,
        token,
        f"{size.long_records} records of 255 KiB",
        long_records(size.long_records),
        lambda answer: receipt(answer)["received"] == size.long_records,
    )
    yield bomb(
        served,
        token,
        f"{size.stream} records in one stream",
        (record(20_000 + at % 5_000) for at in range(size.stream)),
        lambda answer: receipt(answer)["received"] == size.stream,
    )
    yield stalled(served, token, opened, size.stalled, patience)


def main() -> int:
    """Run from the command line; the exit status is 0 if all held."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--small", action="store_true")
    asked.add_argument("--database", help="a PostgreSQL 18 to make a database on")
    told = asked.parse_args()
    bad = 0
    with (
        database_server(told.database) as server,
        databases(server, "chaos_bombs") as (url,),
        Served(url, 2) as served,
    ):
        engine = connect(url, "chaos")
        opened = sessions(engine)
        token = sign_up(opened, served, "one-stop")
        with served.client(token) as client:  # start the hands first
            client.post(_BATCH, content=b"".join(record(30_000 + at) for at in range(2_000)))
        for found in all_of(served, token, opened, SMALL if told.small else LARGE, 120):
            holds = found.holds and found.grown < 512 * MIB
            bad += not holds
            print(
                f"{'holds' if holds else 'FAILS'}  {found.name}: {found.seconds:.1f} s, "
                f"+{found.grown / MIB:.0f} MiB; {found.answer}",
                flush=True,
            )
        with opened() as session:
            print(session.scalar(select(func.count()).select_from(dossier)), "dossiers")
        engine.dispose()
    return min(1, bad)


if __name__ == "__main__":
    sys.exit(main())
