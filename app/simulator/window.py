"""A sending system's counter at the API: it signs in, sends, reads receipts, and tries again.

Sending again is always safe (a record the server has is `unchanged`), so whatever goes wrong on
the way — a refused connection, a 5xx, an answer without its last line — the whole request goes
again.
"""

import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from app.simulator.province import Province, province

WAITS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try; then the play gives up."""
LONGEST_WAIT: Final = 60.0
"""Seconds a `Retry-After` is obeyed for."""
CALENDAR: Final = "national"
TIMEOUT: Final = httpx.Timeout(10.0, read=300.0, write=300.0)
"""A request is answered when it is read and kept: minutes on a small machine."""
NDJSON: Final = "application/x-ndjson"
_PASSING: Final = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS})
"""Refusals that pass by themselves."""


class PlayError(Exception):
    """The server cannot be played to: it refused, or failed more often than is worth trying."""


class Receipt(msgspec.Struct):
    """The last line of an answer: what became of the lines sent."""

    done: bool
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0


class Part(NamedTuple):
    """Some lines of NDJSON as they travel; zipped parts put together are one gzip body.

    `start` is where to go on so that this part goes again: a dossier's number, or a line's.
    """

    lines: int
    body: bytes
    zipped: bool
    start: int


class Window:
    """One sender at the API, with its own connection's worth of patience and one token."""

    def __init__(self, client: httpx.Client, client_id: str, client_secret: str) -> None:
        self._client = client
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._token: str | None = None

    def province(self) -> Province:
        """Return the province the API describes."""
        return province(
            self.items("/v1/branches"),
            self.items("/v1/communes"),
            self.items("/v1/procedures"),
            self.call("GET", f"/v1/calendars/{CALENDAR}").json(),
        )

    def send(self, parts: list[Part]) -> Receipt:
        """Send parts as one streamed body until its answer is whole; return its last line."""
        headers = {"Content-Type": NDJSON}
        if parts[0].zipped:
            headers["Content-Encoding"] = "gzip"
        for wait in WAITS:
            time.sleep(wait)
            receipt = self._sent(parts, headers)
            if receipt is not None:
                return receipt
        lines = sum(part.lines for part in parts)
        raise PlayError(f"no whole answer to {lines} lines in {len(WAITS)} tries")

    def _sent(self, parts: list[Part], headers: dict[str, str]) -> Receipt | None:
        answer = self.call(
            "POST", "/v1/dossiers/batch", parts=[part.body for part in parts], headers=headers
        )
        return last_line(answer.content)

    def heartbeat(self, branches: list[str], at: datetime) -> None:
        """Say for branches that there is nothing newer than `at`."""
        self.call("POST", "/v1/heartbeat", json={"branches": branches, "at": at.isoformat()})

    def items(self, path: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
        """Yield every item of a list, page after page."""
        cursor: str | None = None
        while True:
            asked = parameters | ({"cursor": cursor} if cursor else {})
            page = self.call("GET", path, params=asked).json()
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def call(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401
        """Call until the server answers with a success; sign in again when the token is refused.

        Every call made here may be made twice, so a broken connection or a 5xx is tried again.

        Raises:
            PlayError: the server refused, or failed too often.
        """
        trouble, asked = "nothing was tried", 0.0
        for wait in WAITS:
            time.sleep(max(wait, asked))
            asked = 0.0
            try:
                answer = self.once(method, path, **how)
            except httpx.TransportError as error:
                trouble = repr(error)
                continue
            if answer.is_success:
                return answer
            trouble = f"{answer.status_code} {answer.text[:500]}"
            asked = _retry_after(answer)
            if answer.status_code == httpx.codes.UNAUTHORIZED and self._token is not None:
                self._token = None
            elif answer.is_client_error and answer.status_code not in _PASSING:
                break
        raise PlayError(f"{method} {path}: {trouble}")

    def once(
        self,
        method: str,
        path: str,
        *,
        parts: Iterable[bytes] | None = None,
        **how: Any,  # noqa: ANN401
    ) -> httpx.Response:
        """Call once with a token, signing in first if there is none, and return any answer.

        `parts` are a body sent as a stream (chunked).

        Raises:
            httpx.TransportError: the connection failed.
        """
        if self._token is None:
            form = {"grant_type": "client_credentials", **self._credentials}
            answer = self._client.post("/oauth/token", data=form)
            if not answer.is_success:
                return answer
            self._token = str(answer.json()["access_token"])
        if parts is not None:
            how["content"] = iter(parts)
        headers = {"Authorization": f"Bearer {self._token}", **how.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **how)


def zipped(body: bytes) -> bytes:
    """Return a body as one gzip member, packed quickly rather than small."""
    packing = zlib.compressobj(level=1, wbits=31)
    return packing.compress(body) + packing.flush()


def last_line(content: bytes) -> Receipt | None:
    """Return the last line of an answer if it says `done`, else None: the answer was cut."""
    line = content.rstrip(b"\n").rpartition(b"\n")[2]
    try:
        receipt = msgspec.json.decode(line, type=Receipt)
    except msgspec.DecodeError:
        return None
    return receipt if receipt.done else None


def _retry_after(answer: httpx.Response) -> float:
    """Seconds the server asks to wait; 0 where it says nothing, or a date."""
    told = answer.headers.get("Retry-After", "")
    return min(float(told), LONGEST_WAIT) if told.isascii() and told.isdecimal() else 0.0
