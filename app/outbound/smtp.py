"""A mail handed to a server, with a bound for the whole exchange."""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote

_STEP_SECONDS = 15.0
_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587


def submit(url: SplitResult, message: EmailMessage, seconds: float) -> None:
    """Hand a mail to the server an address names; when it returns, the server has taken it.

    Raises:
        OSError: not sent (of smtplib, of TLS, or `TimeoutError` after some seconds in all).
        ValueError: no address of a server, or one with a password that would travel in clear.
    """
    if url.scheme not in _PORTS or not url.hostname:
        raise ValueError("DUNGHAN_MAIL_URL is not smtp://… or smtps://…")
    asked = "starttls" in parse_qs(url.query, keep_blank_values=True)
    if url.username and url.scheme == "smtp" and not asked:
        raise ValueError(
            "DUNGHAN_MAIL_URL has a login that would travel in clear: "
            "write smtps://… or smtp://…?starttls"
        )
    port = url.port or (_SUBMISSION if asked else _PORTS[url.scheme])
    with _within(seconds) as watch, _connect(url.scheme, url.hostname, port, watch) as server:
        if url.scheme == "smtp":
            _encrypt(server, required=asked)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
        with suppress(OSError):  # it has the mail: however it says goodbye, it is not sent again
            server.quit()


class _Watch:
    """Shuts a connection down when its time is over; then `over` is true.

    Time-outs are per read, and a server may drip. The timer holds the connection by a descriptor
    of its own: TLS takes over the first one, also in the middle of an exchange.
    """

    def __init__(self, seconds: float) -> None:
        self._stop = time.monotonic() + seconds
        self._line: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.over = False

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self._stop - time.monotonic()

    def hold(self, line: socket.socket) -> None:
        """Watch a connection from now on."""
        self._line = line.dup()
        self._timer = threading.Timer(max(self.left, 0), self._shut)
        self._timer.daemon = True
        self._timer.start()

    def release(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._line is not None:
            self._line.close()

    def _shut(self) -> None:
        self.over = True
        if self._line is not None:
            with suppress(OSError):  # the server was faster
                self._line.shutdown(socket.SHUT_RDWR)


@contextmanager
def _within(seconds: float) -> Iterator[_Watch]:
    watch = _Watch(seconds)
    try:
        yield watch
    except OSError as error:
        if watch.over:
            raise TimeoutError(f"the mail server took more than {seconds:g} seconds") from error
        raise
    finally:
        watch.release()


class _Watched(smtplib.SMTP):
    """The usual client, its connection watched from its first byte."""

    def __init__(self, host: str, port: int, watch: _Watch, **more: Any) -> None:  # noqa: ANN401
        self._watch = watch
        super().__init__(host, port, timeout=_STEP_SECONDS, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """The look-up of a name is bounded by the resolver; its time counts."""
        if self._watch.left <= 0:
            raise TimeoutError("the mail server took too long")
        found: socket.socket = super()._get_socket(  # type: ignore[misc]
            host, port, min(timeout, self._watch.left)
        )
        found.settimeout(timeout)
        self._watch.hold(found)
        return found


class _WatchedTls(smtplib.SMTP_SSL, _Watched):
    """The same, encrypted: TLS begins on a connection that is watched already."""

    def __init__(self, host: str, port: int, watch: _Watch) -> None:
        self._watch = watch
        smtplib.SMTP_SSL.__init__(
            self, host, port, timeout=_STEP_SECONDS, context=ssl.create_default_context()
        )


@contextmanager
def _connect(scheme: str, host: str, port: int, watch: _Watch) -> Iterator[smtplib.SMTP]:
    server = (_WatchedTls if scheme == "smtps" else _Watched)(host, port, watch)
    try:
        yield server
    finally:
        server.close()


def _encrypt(server: smtplib.SMTP, *, required: bool) -> None:
    server.ehlo_or_helo_if_needed()
    if required:
        server.starttls(context=ssl.create_default_context())
    elif server.has_extn("starttls"):
        server.starttls(context=ssl._create_unverified_context())  # noqa: S323, SLF001
