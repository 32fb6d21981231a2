"""Bodies made to burst memory, time or patience (the large ones: tests/chaos/bombs.py)."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from app.db.engine import Sessions
from app.web.patience import Patience
from tests.chaos import bombs
from tests.chaos.stand import Served, sign_up
from tests.web.wire import NDJSON, Api, record

MIB = 2**20


@pytest.fixture(scope="module")
def lasting(engine: Engine) -> Iterator[Served]:
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with Served(url, processes=2) as served:
        yield served


Send = Callable[..., bombs.Found]


@pytest.fixture
def send(lasting: Served, sessions: Sessions) -> Send:
    token = sign_up(sessions, lasting, "one-stop")

    def sent(body: Iterator[bytes], received: int, refused: int, **headers: str) -> bombs.Found:
        def as_told(answer: Any) -> bool:  # noqa: ANN401 of httpx
            done = bombs.receipt(answer)
            return bool(done["received"] == received and done["quarantined"] == refused)

        return bombs.bomb(lasting, token, "", body, as_told, **headers)

    assert sent(iter([bombs.record(1)]), 1, 0).holds  # what it loads once, it has loaded
    return sent


def test_a_zipped_bomb_is_one_line_too_long_and_costs_no_memory(send: Send):
    body = bombs.zipped_zeros(256 * MIB)

    found = send(body, 2, 1, **{"Content-Encoding": "gzip"})

    assert found.holds, found.answer
    assert found.grown < 60 * MIB


def test_an_endless_line_is_passed_over_and_the_others_are_taken_in(send: Send):
    found = send(bombs.one_line(256 * MIB), 3, 1)

    assert found.holds, found.answer
    assert found.grown < 60 * MIB


def test_millions_of_empty_lines_are_nothing(send: Send):
    found = send(bombs.empty_lines(4_000_000), 1, 0)

    assert found.holds, found.answer
    assert found.seconds < 15


def test_many_of_the_longest_records_are_taken_in_a_few_at_a_time(send: Send):
    found = send(bombs.long_records(200), 200, 0)

    assert found.holds, found.answer
    assert found.grown < 250 * MIB


class Stalled:
    """A client that sends some parts of a body and then nothing, at the door of the application."""

    def __init__(self, app: FastAPI, api: Api, seconds: float) -> None:
        self._app = Patience(app, seconds)
        self._token = api.http.headers["Authorization"]

    def post(self, path: str, *parts: bytes, slowly: float = 0, end: bool = False) -> Any:  # noqa: ANN401
        """Status, headers and body of the answer."""
        waiting = [*parts]
        sent: list[Any] = []

        async def receive() -> Any:  # noqa: ANN401 of ASGI
            if not waiting:
                await asyncio.sleep(30)
            await asyncio.sleep(slowly)
            body = waiting.pop(0)
            return {"type": "http.request", "body": body, "more_body": not end or bool(waiting)}

        async def send(message: Any) -> None:  # noqa: ANN401 of ASGI
            sent.append(message)

        headers = {"authorization": self._token, "content-type": NDJSON["Content-Type"]}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        asyncio.run(asyncio.wait_for(self._app(scope, receive, send), 10))
        body = b"".join(part.get("body", b"") for part in sent[1:])
        return sent[0]["status"], dict(sent[0]["headers"]), body


def test_a_client_that_stops_sending_is_let_go(app: FastAPI, sender: Api):
    status, headers, body = Stalled(app, sender, 0.2).post("/v1/dossiers/batch", b'{"code": ')

    assert status == 400
    assert headers[b"connection"] == b"close"
    assert json.loads(body)["title"] == "The body ended before it was whole"


def test_one_that_stops_in_a_body_read_as_a_whole_is_let_go_too(app: FastAPI, sender: Api):
    status, headers, _ = Stalled(app, sender, 0.2).post("/v1/heartbeat", b"{")

    assert status == 400
    assert headers[b"connection"] == b"close"


def test_a_slow_client_that_goes_on_is_heard_to_the_end(app: FastAPI, sender: Api):
    line = json.dumps(record(1)).encode() + b"\n"
    parts = [line[at : at + 60] for at in range(0, len(line), 60)]

    status, _, body = Stalled(app, sender, 0.2).post(
        "/v1/dossiers/batch", *parts, slowly=0.1, end=True
    )

    assert status == 200
    assert json.loads(body.splitlines()[-1])["created"] == 1
    assert len(parts) * 0.1 > 0.2
