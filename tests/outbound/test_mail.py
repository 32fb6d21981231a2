"""Mail: to a real server, or whole files in a folder."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from app.outbound import mail
from app.outbound.errors import DeliveryError
from app.outbound.mail import Part
from jobs.delivery import LEASE
from tests.jobs.rows import vn
from tests.outbound.receivers import smtp_receiver

SUBJECT = "[Đúng Hạn] Khu vực III 23/11/2026: 2 quá hạn, 1 đến hạn hôm nay"
TEXT = "Đang quá hạn: 2\n" + "dài " * 400 + "\n.\nhết\n"


def letter(to: str = "an@x.vn", subject: str = SUBJECT) -> EmailMessage:
    return mail.compose(
        sender="Đúng Hạn <dunghan@x.vn>",
        to=to,
        subject=subject,
        text=TEXT,
        key="digest:user:7:2026-11-23",
        now=vn("2026-11-23 07:00"),
    )


def check(read: bytes) -> None:
    message = message_from_bytes(read, policy=default)
    assert message["From"] == "Đúng Hạn <dunghan@x.vn>"
    assert message["To"] == "an@x.vn"
    assert message["Subject"] == SUBJECT
    assert message["Date"] == "Mon, 23 Nov 2026 07:00:00 +0700"
    assert message["Message-ID"] == "<digest.user.7.2026-11-23@x.vn>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    body = message.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == TEXT
    assert max(map(len, read.splitlines())) < 998


def test_a_server_receives_the_mail_with_its_headers(tmp_path: Path):
    with smtp_receiver() as (place, mailbox):
        mail.send(f"smtp://{place}", tmp_path, letter())

    (envelope,) = mailbox.envelopes
    assert envelope.mail_from == "dunghan@x.vn"
    assert envelope.rcpt_tos == ["an@x.vn"]
    check(envelope.content)
    assert list(tmp_path.iterdir()) == []


def test_a_long_sender_and_a_long_subject_keep_their_spaces():
    sender = "Hệ thống theo dõi thời hạn hồ sơ đất đai tỉnh Đồng Tháp <dunghan@x.vn>"
    message = mail.compose(
        sender=sender, to="an@x.vn", subject=SUBJECT * 3, text="", key="k", now=vn("2026-11-23")
    )

    # Read by the older parser: the newer one adds a space between the words of a long name.
    read = message_from_bytes(message.as_bytes())

    assert str(make_header(decode_header(read["From"]))) == sender
    assert str(make_header(decode_header(read["Subject"]))) == SUBJECT * 3
    assert max(map(len, message.as_bytes().splitlines())) <= 78


def test_without_a_server_the_mail_is_a_file_named_by_its_message_id(tmp_path: Path):
    outbox = tmp_path / "var" / "outbox"

    mail.send(None, outbox, letter())
    mail.send(None, outbox, letter())

    (written,) = outbox.iterdir()
    assert written.name == "digest.user.7.2026-11-23@x.vn.eml"
    check(written.read_bytes())


def test_an_outbox_that_cannot_be_written_is_a_failure(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(DeliveryError):
        mail.send(None, tmp_path / "file", letter())


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("an@x.vn\nBcc: eve@x.vn", SUBJECT),
        ("an@x.vn\r\n\r\nhello", SUBJECT),
        ("an@x.vn", "a\nBcc: eve@x.vn"),
    ],
)
def test_nobody_can_smuggle_a_header_in(to: str, subject: str):
    with pytest.raises(DeliveryError):
        letter(to, subject)


@pytest.mark.parametrize("to", ["", "nobody", "<", "@", "ăn@x.vn", "an@x.vn, <"])
def test_an_impossible_address_is_a_failure_and_nothing_worse(tmp_path: Path, to: str):
    with smtp_receiver(enable_SMTPUTF8=False) as (place, mailbox):
        try:
            mail.send(f"smtp://{place}", tmp_path, letter(to))
        except DeliveryError:
            assert mailbox.envelopes == []


def test_starttls_that_was_asked_for_must_be_offered(tmp_path: Path):
    with (
        smtp_receiver() as (place, mailbox),
        pytest.raises(DeliveryError, match="STARTTLS"),
    ):
        mail.send(f"smtp://{place}?starttls", tmp_path, letter())

    assert mailbox.envelopes == []


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


def test_starttls_is_used_where_it_is_offered_and_checked_where_it_was_asked_for(
    tmp_path: Path, certificate: ssl.SSLContext
):
    offered = {"tls_context": certificate, "require_starttls": True}
    with smtp_receiver(**offered) as (place, mailbox):
        mail.send(f"smtp://{place}", tmp_path, letter())
        with pytest.raises(DeliveryError, match=r"[Cc]ertificate"):
            mail.send(f"smtp://{place}?starttls", tmp_path, letter())

    assert len(mailbox.envelopes) == 1


def drips(line: socket.socket) -> None:
    """A greeting that never ends."""
    while True:
        line.sendall(b"2")
        time.sleep(0.1)


def says_nothing(line: socket.socket) -> None:
    """Not even the first word of TLS."""
    while line.recv(1000):
        pass


def stops_before_tls(line: socket.socket) -> None:
    """Offers to encrypt, and then says nothing."""
    for answer in (b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"):
        line.sendall(answer)
        line.recv(1000)
    says_nothing(line)


def drips_in_the_end(line: socket.socket) -> None:
    """Takes the mail, and never ends its goodbye."""
    line.sendall(b"220 x\r\n")
    said = b""
    while not said.endswith(b"quit\r\n"):
        said = line.recv(100_000) or b"quit\r\n"
        if said.endswith(b"data\r\n"):
            line.sendall(b"354 go on\r\n")
        elif said.endswith(b"\r\n.\r\n") or said[:4] in (b"ehlo", b"mail", b"rcpt"):
            line.sendall(b"250 ok\r\n")
    drips(line)


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server for one connection; yields `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def serve() -> None:
            line, _ = listening.accept()
            with line, suppress(OSError):
                behave(line)

        ended = pool.submit(serve)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        ended.result(timeout=10)


@pytest.mark.parametrize(
    ("scheme", "behave"),
    [("smtp", drips), ("smtps", says_nothing), ("smtp", stops_before_tls)],
)
def test_a_server_that_never_comes_to_an_end_is_left(
    tmp_path: Path, scheme: str, behave: Callable[[socket.socket], None]
):
    with server(behave) as place:
        began = time.monotonic()
        with pytest.raises(DeliveryError, match=r"took more than 0\.5 seconds"):
            mail.send(f"{scheme}://{place}", tmp_path, letter(), seconds=0.5)
        took = time.monotonic() - began

    assert 0.4 < took < 3


def test_a_mail_that_was_taken_is_sent_however_the_server_says_goodbye(tmp_path: Path):
    with server(drips_in_the_end) as place:
        began = time.monotonic()
        mail.send(f"smtp://{place}", tmp_path, letter(), seconds=1)
        took = time.monotonic() - began

    assert took < 3


def test_a_lease_outlasts_what_handing_over_a_mail_may_take():
    assert LEASE.total_seconds() > mail.SECONDS + 30


def test_a_login_is_read_from_the_address(
    tmp_path: Path, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(*args: object) -> AuthResult:
        login, password = args[-1].login, args[-1].password  # type: ignore[attr-defined]
        seen.append((login, password))
        return AuthResult(success=password == b"p@ss", handled=False)

    options = {
        "authenticator": authenticate,
        "auth_required": True,
        "tls_context": certificate,
    }
    with smtp_receiver(**options) as (place, mailbox):
        mail.send(f"smtp://an%40x.vn:p%40ss@{place}?starttls", tmp_path, letter())
        with pytest.raises(DeliveryError) as caught:
            mail.send(f"smtp://an:wrong@{place}?starttls", tmp_path, letter())

    assert seen[0] == (b"an@x.vn", b"p@ss")
    assert len(mailbox.envelopes) == 1
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("login", ["an:p%40ss", "an"])
def test_a_password_never_travels_in_clear(tmp_path: Path, certificate: ssl.SSLContext, login: str):
    with (
        smtp_receiver(tls_context=certificate) as (place, mailbox),
        pytest.raises(DeliveryError, match=r"DUNGHAN_MAIL_URL.*starttls") as caught,
    ):
        mail.send(f"smtp://{login}@{place}", tmp_path, letter())

    assert mailbox.envelopes == []
    assert "p@ss" not in str(caught.value)
    assert "p%40ss" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x.vn", "smtp://", "smtp://x:99999", "nonsense"])
def test_a_mail_url_that_is_none_is_a_failure(tmp_path: Path, url: str):
    with pytest.raises(DeliveryError):
        mail.send(url, tmp_path, letter())


PICTURE = Part("chart.png", "image/png", b"\x89PNG\r\n", "chart@dunghan")
FILE = Part("Quá hạn 23-11.xlsx", "application/vnd.ms-excel", b"PK\x03\x04")


def rich(
    *parts: Part, html: str | None = '<p>2 quá hạn <img src="cid:chart@dunghan"></p>'
) -> EmailMessage:
    return mail.compose(
        sender="Đúng Hạn <dunghan@x.vn>",
        to="an@x.vn",
        subject=SUBJECT,
        text=TEXT,
        html=html,
        parts=parts,
        key="digest:user:7:2026-11-23",
        now=vn("2026-11-23 07:00"),
    )


def shape(message: Message) -> object:
    """The kinds of the parts of a mail, as it nests them."""
    kind = message.get_content_type()
    if not message.is_multipart():
        return kind
    return {kind: [shape(part) for part in message.iter_parts()]}  # type: ignore[attr-defined]


def test_a_rich_mail_is_read_with_its_pictures_and_files(tmp_path: Path):
    with smtp_receiver() as (place, mailbox):
        mail.send(f"smtp://{place}", tmp_path, rich(PICTURE, FILE))

    read = message_from_bytes(mailbox.envelopes[0].content, policy=default)
    related = {"multipart/related": ["text/html", "image/png"]}
    alternative = {"multipart/alternative": ["text/plain", related]}
    assert shape(read) == {"multipart/mixed": [alternative, "application/vnd.ms-excel"]}
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == TEXT
    assert "2 quá hạn" in html.get_content()
    (file,) = read.iter_attachments()
    assert (file.get_filename(), file.get_content()) == (FILE.name, FILE.content)
    (picture,) = [part for part in read.walk() if part["Content-ID"]]
    assert picture["Content-ID"] == "<chart@dunghan>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PICTURE.content
    assert read["Subject"] == SUBJECT
    assert read["Message-ID"] == "<digest.user.7.2026-11-23@x.vn>"
    assert max(map(len, mailbox.envelopes[0].content.splitlines())) < 998


@pytest.mark.parametrize(
    ("parts", "html", "expected"),
    [
        ((), None, "text/plain"),
        ((), "<p>2</p>", {"multipart/alternative": ["text/plain", "text/html"]}),
        ((FILE,), None, {"multipart/mixed": ["text/plain", "application/vnd.ms-excel"]}),
    ],
)
def test_a_mail_is_no_richer_than_it_must_be(
    parts: tuple[Part, ...], html: str | None, expected: object
):
    assert shape(rich(*parts, html=html)) == expected


@pytest.mark.parametrize(
    "part",
    [
        Part("a\r\nBcc: eve@x.vn", "image/png", b""),
        Part("a\nb", "image/png", b"", "c"),
        Part("", "image/png", b""),
        Part("a", "image/png\r\nBcc: eve@x.vn", b""),
        Part("a", "image", b""),
        Part("a", "image/png", b"", "c>\r\nBcc: eve@x.vn"),
        Part("a", "image/png", b"", "c d"),
    ],
)
def test_no_part_smuggles_a_header_in(part: Part):
    with pytest.raises(DeliveryError):
        rich(part)
