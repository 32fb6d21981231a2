"""Receivers in a bad mood: they time out, refuse, answer 500, answer slowly, drip, hang up late."""

import asyncio
import re
import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Event, Lock, Thread
from typing import Any

from aiosmtpd.controller import Controller
from standardwebhooks import Webhook, WebhookVerificationError

_LONGER_THAN_PATIENCE = 17.0  # seconds; a webhook has 10 for an answer, a mail server 15
_MOODS = ("good", "good", "good", "good", "error", "error", "hang", "slow", "drip", "late")


@dataclass
class Arrived:
    """What reached them, however they answered.

    Attributes:
        events: Of each webhook and fact the `webhook-id`s it came under, and how often.
        mails: Of each person and day the Message-IDs, and how often.
        unsigned: Calls whose signature does not hold.
        moods: How often which mood was shown.
    """

    events: dict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    mails: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unsigned: list[str] = field(default_factory=list)
    moods: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)


class Moody:
    """One HTTP and one SMTP receiver at fixed ports; `calm` ends their moods."""

    def __init__(self, dice: Random) -> None:
        """Choose the ports; nothing listens yet."""
        self.arrived = Arrived()
        self.secrets: dict[str, str] = {}
        self._dice = dice
        self._calm = Event()
        self._ports = [_free_port(), _free_port()]
        self._http: tuple[ThreadingHTTPServer, Thread] | None = None
        self._smtp: Controller | None = None

    @property
    def url(self) -> str:
        """Where webhooks are received."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def mail_url(self) -> str:
        """Where mails are received."""
        return f"smtp://127.0.0.1:{self._ports[1]}"

    def calm(self) -> None:
        """From now on everything is taken at once."""
        self._calm.set()

    def listen(self) -> None:
        """Take connections, if not yet."""
        if self._http is None:
            server = _Server(("127.0.0.1", self._ports[0]), self._handler())
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            self._http = server, thread
        if self._smtp is None:
            self._smtp = Controller(self, hostname="127.0.0.1", port=self._ports[1])
            self._smtp.start()

    def refuse(self) -> None:
        """Listen no more: whoever connects is refused by the machine."""
        if self._http is not None:
            server, thread = self._http
            server.shutdown()
            server.server_close()
            thread.join()
            self._http = None
        if self._smtp is not None:
            self._smtp.stop()
            self._smtp = None

    def _mood(self, kind: str) -> str:
        mood = "good" if self._calm.is_set() else self._dice.choice(_MOODS)
        with self.arrived.lock:
            self.arrived.moods[f"{kind} {mood}"] += 1
        return mood

    async def handle_DATA(self, server: Any, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 aiosmtpd
        """Take a mail in, or not, or take it in and never say so."""
        mood = self._mood("mail")
        if mood == "error":
            return "451 4.3.0 try again later"
        if mood == "drip":
            server.transport.abort()
            return ""
        message = message_from_bytes(envelope.content, policy=policy.default)
        message_id = str(message["Message-ID"])
        day = re.sub(r".*\.(\d{4}-\d{2}-\d{2})@.*", r"\1", message_id)
        with self.arrived.lock:
            for to in envelope.rcpt_tos:
                self.arrived.mails[to, day][message_id] += 1
        if mood in {"hang", "late"}:
            await self._wait(_LONGER_THAN_PATIENCE)
        if mood == "late":
            server.transport.abort()
        if mood == "slow":
            await self._wait(2)
        return "250 OK"

    async def _wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 10)):
            if self._calm.is_set():
                return
            await asyncio.sleep(0.1)

    def _call(self, path: str, headers: dict[str, str], body: bytes) -> str:
        """Note a call; the mood to answer it in."""
        mood = self._mood("webhook")
        if mood == "error":
            return mood  # a server that fails remembers nothing
        try:
            told = Webhook(self.secrets[path]).verify(body, headers)
        except WebhookVerificationError as wrong:
            with self.arrived.lock:
                self.arrived.unsigned.append(f"{headers.get('webhook-id')}: {wrong}")
            return mood
        data = told["data"]
        fact = f"{told['type']} {data.get('subject', data.get('day'))} {data.get('due_at')}"
        with self.arrived.lock:
            self.arrived.events[path, fact][headers["webhook-id"]] += 1
        return mood

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        moody = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with suppress(OSError):
                    self._answer(moody._call(self.path, headers, body))

            def _answer(self, mood: str) -> None:
                calm = moody._calm
                if mood in {"hang", "slow"}:
                    calm.wait(_LONGER_THAN_PATIENCE if mood == "hang" else 2)
                if mood == "late":
                    return  # it was taken in, and the line goes dead
                if mood == "drip":
                    self.wfile.write(b"HTTP/1.1 204 No Content\r\nx: ")
                    for _ in range(30):
                        if not calm.wait(1):
                            self.wfile.write(b".")
                            self.wfile.flush()
                    self.wfile.write(b"\r\n\r\n")
                    return
                self.send_response(500 if mood == "error" else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A sender that was killed is nothing to write about."""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def moody(dice: Random) -> Iterator[Moody]:
    """Both of them, listening."""
    made = Moody(dice)
    made.listen()
    try:
        yield made
    finally:
        made.calm()
        made.refuse()
