"""Real receivers on the loopback: an HTTP server and an SMTP server."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Receiver:
    """What arrived, and what to answer: the statuses in turn, the last one for ever.

    It answers after `seconds`.
    """

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    text: bytes = b""
    seconds: float = 0
    arrived: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.arrived.append((headers, body))
            time.sleep(receiver.seconds)
            status = receiver.answers.pop(0) if receiver.answers[1:] else receiver.answers[0]
            self.send_response(status)
            if status in {301, 307}:
                self.send_header("location", f"{receiver.url}elsewhere")
            self.end_headers()
            self.wfile.write(receiver.text)

        def log_message(self, *args: Any) -> None:  # noqa: ANN401
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class Mailbox:
    """Keeps the envelopes that arrived."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"


@contextmanager
def smtp_receiver(
    handler: Any = None,  # noqa: ANN401 whatever aiosmtpd takes
    **options: Any,  # noqa: ANN401
) -> Iterator[tuple[str, Mailbox]]:
    """An SMTP server; yields `host:port` and its mailbox, unused where a `handler` is given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(handler or mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield f"127.0.0.1:{port}", mailbox
    finally:
        controller.stop()
