"""Mail: by SMTP, or as files in a folder where no server is set."""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from app.outbound import smtp
from app.outbound.errors import DeliveryError

SECONDS = 60.0
"""How long handing over one mail may take in all: less than a worker's lease on it, or another
would send it again meanwhile."""


class _Policy(EmailPolicy):
    """The policy for SMTP, but for headers in Vietnamese.

    Python 3.11 loses a space where it folds a header between two encoded words ("2quá hạn"); the
    older `Header` does not. The values have been checked for line breaks when they were set.
    """

    def fold(self, name: str, value: str) -> str:
        """A header as lines of ASCII."""
        if str(value).isascii() or name.lower().startswith("content-"):  # file names: RFC 2231
            folded: str = super().fold(name, value)
            return folded
        if name.lower() == "from":
            shown, address = parseaddr(str(value))
            words = f"{self._encoded(name, shown)} <{address}>"
        else:
            words = self._encoded(name, str(value))
        return f"{name}: {words}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """The same as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")

    def _encoded(self, name: str, value: str) -> str:
        return Header(value, "utf-8", header_name=name).encode(linesep=self.linesep)


@dataclass(frozen=True, slots=True)
class Part:
    """A file beside the letter; with a `content_id` a picture its HTML shows as `cid:…`."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


def compose(
    *,
    sender: str,
    to: str,
    subject: str,
    text: str,
    key: str,
    now: datetime,
    html: str | None = None,
    parts: Sequence[Part] = (),
) -> EmailMessage:
    """A mail of text, perhaps HTML with its pictures, and files; what reads no HTML has the text.

    `key` makes a Message-ID that is the same on every attempt.

    Raises:
        DeliveryError: an address, the subject or the name of a file cannot stand in a header (a
            line break, say).
    """
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=_Policy(linesep="\r\n"))
    try:
        message["From"] = sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{re.sub(r'[^0-9A-Za-z-]+', '.', key)}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(text, cte="base64")
        if html is not None:
            _show(message, html, [part for part in parts if part.content_id is not None])
        for part in parts:
            if part.content_id is None:
                _attach(message, part)
    except (ValueError, MessageError, IndexError) as error:
        raise DeliveryError(f"not a possible mail header: {error}") from error
    return message


_MEDIA_TYPE = re.compile(r"([a-z]+)/([a-z0-9][a-z0-9.+-]*)")
_CONTENT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@-]*")


def _show(message: EmailMessage, html: str, pictures: Sequence[Part]) -> None:
    """Add the HTML beside the text, and to the HTML its pictures."""
    message.add_alternative(html, subtype="html", cte="base64")
    *_, shown = message.iter_parts()
    for part in pictures:
        if _CONTENT_ID.fullmatch(part.content_id or "") is None:
            raise ValueError("the id of a picture")
        kind, subtype = _kind(part)
        shown.add_related(
            part.content,
            maintype=kind,
            subtype=subtype,
            cid=f"<{part.content_id}>",
            filename=_file_name(part),
            disposition="inline",
        )


def _attach(message: EmailMessage, part: Part) -> None:
    kind, subtype = _kind(part)
    message.add_attachment(part.content, maintype=kind, subtype=subtype, filename=_file_name(part))


def _kind(part: Part) -> tuple[str, str]:
    found = _MEDIA_TYPE.fullmatch(part.media_type)
    if found is None:
        raise ValueError(f"the media type of {part.name!r}")
    return found.group(1), found.group(2)


def _file_name(part: Part) -> str:
    if not part.name or not part.name.isprintable():
        raise ValueError("the name of a file")
    return part.name


def send(
    mail_url: str | None, outbox: Path, message: EmailMessage, seconds: float = SECONDS
) -> None:
    """Send a mail; without a server, write it into the outbox under its Message-ID.

    `smtps://` is encrypted from the first byte. `smtp://` encrypts if the server offers it,
    without checking whose server it is, as mail servers do among themselves; with `?starttls` it
    must be offered and its certificate must hold. An address with a login must be one of the two
    whose server is checked.

    Raises:
        DeliveryError: not sent, or not within so many seconds in all.
    """
    try:
        if mail_url is None:
            _write(outbox, message)
        else:
            smtp.submit(urlsplit(mail_url), message, seconds)
    except (OSError, ValueError) as error:  # SMTPException and SSLError are OSErrors
        raise DeliveryError(f"{type(error).__name__}: {error}") from error


def _write(outbox: Path, message: EmailMessage) -> None:
    """Whole or not at all: who watches the folder never reads half a mail."""
    outbox.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^0-9A-Za-z.@-]+", "_", str(message["Message-ID"] or "mail").strip("<>"))
    handle, draft = tempfile.mkstemp(dir=outbox, prefix=".", suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(message.as_bytes())
    Path(draft).replace(outbox / f"{name}.eml")
