"""Receivers that note when, by the simulated clock, what has reached them; a mail as it reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from random import Random
from threading import Lock, Thread
from typing import Any, NamedTuple

from python_calamine import CalamineWorkbook
from standardwebhooks import Webhook

from tests.outbound.receivers import smtp_receiver

_CODE = re.compile(r"H\d\d\.\d\d\.\d\d-\d{6}-\d+")
_NEWLY = re.compile(r"^MỚI QUÁ HẠN \((\d+)\)", re.MULTILINE)


class Mail(NamedTuple):
    """A mail as it arrived.

    Attributes:
        at: What time it was.
        weekly: Whether the summary of the week is in it.
        newly_overdue: The figure in the heading of what is newly overdue; 0 without it.
        listed: The dossier codes in its table.
    """

    at: datetime
    to: str
    message_id: str
    dated: datetime
    subject: str
    weekly: bool
    newly_overdue: int
    listed: frozenset[str]


class Event(NamedTuple):
    """A call of the webhook that was answered as wished or not; whether its signature holds."""

    at: datetime
    webhook_id: str
    body: bytes
    signed: bool
    answered: int


@dataclass
class Clock:
    """The simulated instant."""

    now: datetime


@dataclass
class Post:
    """All that arrived. `down` makes the HTTP receiver refuse, `dice` some of its calls."""

    clock: Clock
    dice: Random
    mails: list[Mail] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    down: bool = False
    url: str = ""
    mail_url: str = ""
    lock: Lock = field(default_factory=Lock)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 aiosmtpd
        """Take a mail in."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        newly = _NEWLY.search(text)
        for to in envelope.rcpt_tos:
            self.mails.append(
                Mail(
                    at=self.clock.now,
                    to=to,
                    message_id=str(message["Message-ID"]),
                    dated=parsedate_to_datetime(message["Date"]),
                    subject=str(message["Subject"]),
                    weekly="TUẦN TRƯỚC:" in text,
                    newly_overdue=int(newly.group(1)) if newly else 0,
                    listed=_listed(message),
                )
            )
        return "250 OK"

    def call(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Take a call in; the status to answer."""
        with self.lock:
            answered = 503 if self.down else 500 if self.dice.random() < 0.03 else 204
            signed = _signed(self.secrets[path], headers, body, self.clock.now)
            name = f"{path} {headers['webhook-id']}"
            self.events.append(Event(self.clock.now, name, body, signed, answered))
        return answered


def _signed(secret: str, headers: dict[str, str], body: bytes, now: datetime) -> bool:
    """Whether the package would have signed so, at about this time.

    Its `verify` asks the wall clock, which is not that of a simulated year.
    """
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    good = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    return headers["webhook-signature"] == good and abs((at - now).total_seconds()) < 300


def _listed(message: EmailMessage) -> frozenset[str]:
    found: set[str] = set()
    for part in message.iter_attachments():
        if part.get_content_type().endswith("spreadsheetml.sheet"):
            book = CalamineWorkbook.from_filelike(BytesIO(part.get_content()))
            for name in book.sheet_names:
                for row in book.get_sheet_by_name(name).to_python():
                    found |= {str(cell) for cell in row if _CODE.fullmatch(str(cell))}
    return frozenset(found)


@contextmanager
def post(clock: Clock, dice: Random) -> Iterator[Post]:
    """A real SMTP server and a real HTTP receiver."""
    held = Post(clock, dice)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(held.call(self.path, headers, body))
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with (
        smtp_receiver(held) as (place, _),
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        held.mail_url = f"smtp://{place}"
        held.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join()
