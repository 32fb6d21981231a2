"""A bound for the whole of an exchange: time-outs are per read, and a receiver may drip."""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_stop: ContextVar[float | None] = ContextVar("stop", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What `Transport` does in this thread meanwhile ends after some seconds with a time-out.

    The look-up of a name is not cut short (the resolver of the machine bounds it), but its time
    counts.
    """
    token = _stop.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _stop.reset(token)


class Transport(httpx.HTTPTransport):
    """The usual transport, in a hurry; it keeps no connection and heeds no proxy."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        """`trust` says whose certificates hold."""
        super().__init__(verify=trust, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=_Backend(),
        )


class _Backend(httpcore.NetworkBackend):
    """Connects by TCP, with what time is left."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A stream of which every single read and write gets only what time is left."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PART):
            part = buffer[start : start + _PART]
            self._inner.write(part, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 of the interface
        return self._inner.get_extra_info(info)


_PART = 16 * 1024  # a receiver that takes little at a time must not have the whole wait for each


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    stop = _stop.get()
    if stop is None:
        return timeout
    left = stop - time.monotonic()
    if left <= 0:
        raise late("the whole took too long")
    return left if timeout is None else min(left, timeout)
