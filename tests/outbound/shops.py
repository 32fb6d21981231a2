"""A real one-stop-shop on the loopback: an HTTP server that lists its records, and misbehaves."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Query = dict[str, str]


@dataclass
class Answer:
    """One answer; what is no bytes is written as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Shop:
    """What it holds, how it answers, and what it was asked.

    `next_ones` are answers, or calls that make one, given in turn before the usual ones.
    """

    records: list[Any] = field(default_factory=list)
    by: str = "cursor"
    size: int | None = None
    next_ones: list[Any] = field(default_factory=list)
    asked: list[tuple[str, Query, dict[str, str]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Answer:
        self.asked.append((path, query, headers))
        given = self.next_ones.pop(0) if self.next_ones and path != "/token" else None
        if isinstance(given, Answer):
            return given
        if callable(given):
            given()
        if path == "/token":
            self.tokens.append(f"token-{len(self.tokens)}")
            return Answer({"access_token": self.tokens[-1], "token_type": "bearer"})
        if self.tokens and headers.get("authorization") != f"Bearer {self.tokens[-1]}":
            return Answer({}, 401)
        return self._by_cursor(query) if self.by == "cursor" else self._since(query)

    def _by_cursor(self, query: Query) -> Answer:
        start = int(query.get("cursor", 0))
        stop = start + (self.size or int(query["limit"]))
        page = self.records[start:stop]
        more = stop < len(self.records)
        return Answer({"items": page, "next": str(start + len(page)), "more": more})

    def _since(self, query: Query) -> Answer:
        found = self.records
        if "updated_since" in query:
            since = datetime.fromisoformat(query["updated_since"])
            found = [one for one in found if datetime.fromisoformat(one["updated_at"]) >= since]
        return Answer({"items": found[: self.size or int(query["limit"])]})

    @property
    def lists(self) -> list[Query]:
        """The questions for a page."""
        return [query for path, query, _ in self.asked if path != "/token"]


@contextmanager
def shop(wrap: Callable[[Any], Any] | None = None) -> Iterator[Shop]:
    """A shop that listens; `wrap` makes its socket one of TLS."""
    made = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            query = {name: held[-1] for name, held in parse_qs(parts.query).items()}
            query |= {
                name: held[-1] for name, held in parse_qs(self.rfile.read(length).decode()).items()
            }
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = made.answer(parts.path, query, headers)
            try:
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.content)
            except (BrokenPipeError, ConnectionResetError):
                pass

        do_POST = do_GET  # noqa: N815 the name the server asks for

        def log_message(self, *args: Any) -> None:  # noqa: ANN401
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if wrap is not None:
            server.socket = wrap(server.socket)
        scheme = "http" if wrap is None else "https"
        made.url = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
