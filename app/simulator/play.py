"""A year sent over HTTP, as the one-stop-shop does it: chunks of NDJSON, receipts, heartbeats.

Sending again is always safe (a record the server has is `unchanged`), so whatever goes wrong on
the way — a refused connection, a 5xx, an answer without its last line — the whole chunk goes again.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import httpx
import msgspec

from app.simulator import year
from app.simulator.calendar import moment_of
from app.simulator.plan import Plan
from app.simulator.province import Province, province

WAITS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try; then the play gives up."""
CALENDAR: Final = "national"
TIMEOUT: Final = httpx.Timeout(10.0, read=300.0, write=300.0)
"""A chunk is answered when it is read and kept: minutes on a small machine."""


class PlayError(Exception):
    """The server cannot be played to: it refused, or failed more often than is worth trying."""


class _Receipt(msgspec.Struct):
    """The last line of an answer: what became of a chunk."""

    done: bool
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What the server said of everything sent.

    `snapshots` are lines sent, each counted once however often it went; the rest are the sums of
    complete answers, so a chunk that was kept but whose answer was cut counts as `unchanged`.
    """

    snapshots: int = 0
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0

    def plus(self, sent: int, receipt: _Receipt) -> "Totals":
        """Return the totals with one more chunk."""
        return Totals(
            self.snapshots + sent,
            self.received + receipt.received,
            self.created + receipt.created,
            self.updated + receipt.updated,
            self.unchanged + receipt.unchanged,
            self.stale + receipt.stale,
            self.quarantined + receipt.quarantined,
        )


def play(
    *,
    base_url: str,
    client_id: str,
    client_secret: str,
    dossiers: int,
    seed: int,
    until: datetime,
    faults: bool = True,
    on_progress: Callable[[int], None] | None = None,
    chunk: int = 5_000,
    transport: httpx.BaseTransport | None = None,
) -> Totals:
    """Send a year that ends at `until`, then the heartbeats of the branches still heard.

    Args:
        base_url: Where the API is, without `/v1`.
        client_id: Credentials of the sending system.
        client_secret: (the same).
        dossiers: How many dossiers the year has.
        seed: Same seed, same bytes.
        until: The simulated now; aware.
        faults: Whether wrong records are among them.
        on_progress: Called with the number of lines each answered chunk had, to advance a bar by;
            `year.snapshots` estimates their sum.
        chunk: Lines to a request; two chunks are in memory at most.
        transport: Another way to the server, for tests.

    Raises:
        PlayError: the server refused, or failed too often.
        ValueError: the API lists no branch with communes or no procedures, or `until` is naive.
    """
    with httpx.Client(base_url=base_url, timeout=TIMEOUT, transport=transport) as client:
        window = Window(client, client_id, client_secret)
        place = window.province()
        totals = Totals()
        records = year.lines(seed, dossiers, place, until, faults=faults)
        for lines in _ahead(records, chunk):
            totals = totals.plus(len(lines), window.send(lines))
            if on_progress is not None:
                on_progress(len(lines))
        plan = Plan(seed, dossiers, place, until)
        window.heartbeat(plan.heard, moment_of(plan.until))
    return totals


def on_time(*, base_url: str, client_id: str, client_secret: str) -> dict[str, Any]:
    """Return the on-time report by branch of the year so far, as the API gives it.

    Raises:
        PlayError: the server refused, or failed too often.
    """
    with httpx.Client(base_url=base_url, timeout=TIMEOUT) as client:
        report: dict[str, Any] = (
            Window(client, client_id, client_secret).call("GET", "/v1/reports/on-time").json()
        )
    return report


def _ahead(lines: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield chunks of lines, the next one being made while the one before is under way."""

    def make() -> list[bytes]:
        return list(islice(lines, size))

    with ThreadPoolExecutor(max_workers=1) as maker:
        made = maker.submit(make)
        while chunk := made.result():
            made = maker.submit(make)
            yield chunk


class Window:
    """A sending system's counter at the API: signs in when asked to, tries again when it may."""

    def __init__(self, client: httpx.Client, client_id: str, client_secret: str) -> None:
        self._client = client
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._token: str | None = None

    def province(self) -> Province:
        """Return the province the API describes."""
        return province(
            self._items("/v1/branches"),
            self._items("/v1/communes"),
            self._items("/v1/procedures"),
            self.call("GET", f"/v1/calendars/{CALENDAR}").json(),
        )

    def send(self, lines: list[bytes]) -> _Receipt:
        """Send a chunk until its answer is whole, and return the last line of that answer."""
        body = b"".join(lines)
        for wait in WAITS:
            time.sleep(wait)
            answer = self.call(
                "POST",
                "/v1/dossiers/batch",
                content=body,
                headers={"Content-Type": "application/x-ndjson"},
            )
            receipt = _last_line(answer.content)
            if receipt is not None:
                return receipt
        raise PlayError(f"no whole answer to a chunk of {len(lines)} lines in {len(WAITS)} tries")

    def heartbeat(self, branches: list[str], at: datetime) -> None:
        """Say for branches that there is nothing newer than `at`."""
        self.call("POST", "/v1/heartbeat", json={"branches": branches, "at": at.isoformat()})

    def _items(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.call("GET", path, params={"cursor": cursor} if cursor else None).json()
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def call(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        """Call until the server answers with a success; sign in again when the token is refused.

        Every call made here may be made twice, so a broken connection or a 5xx is tried again.
        """
        trouble = "nothing was tried"
        for wait in WAITS:
            time.sleep(wait)
            try:
                answer = self._signed(method, path, parts)
            except httpx.TransportError as error:
                trouble = repr(error)
                continue
            if answer.is_success:
                return answer
            trouble = f"{answer.status_code} {answer.text[:500]}"
            if answer.status_code == httpx.codes.UNAUTHORIZED and self._token is not None:
                self._token = None
            elif answer.is_client_error and answer.status_code not in _PASSING:
                break
        raise PlayError(f"{method} {path}: {trouble}")

    def _signed(self, method: str, path: str, parts: dict[str, Any]) -> httpx.Response:
        """Call once with a token, signing in first if there is none."""
        if self._token is None:
            form = {"grant_type": "client_credentials", **self._credentials}
            answer = self._client.post("/oauth/token", data=form)
            if not answer.is_success:
                return answer
            self._token = str(answer.json()["access_token"])
        headers = {**parts.get("headers", {}), "Authorization": f"Bearer {self._token}"}
        return self._client.request(method, path, **{**parts, "headers": headers})


_PASSING: Final = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS})
"""Refusals that pass by themselves."""


def _last_line(content: bytes) -> _Receipt | None:
    """Return the last line of an answer if it says `done`, else None: the answer was cut."""
    line = content.rstrip(b"\n").rpartition(b"\n")[2]
    try:
        receipt = msgspec.json.decode(line, type=_Receipt)
    except msgspec.DecodeError:
        return None
    return receipt if receipt.done else None
