"""Webhooks: signed so that a receiver can check them, and sent nowhere they should not go."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from pytest_socket import SocketConnectBlockedError
from standardwebhooks import Webhook

from app import wallclock
from app.outbound import addresses, webhook
from app.outbound.errors import DeliveryError, GoneError
from tests.jobs.rows import vn
from tests.outbound.receivers import Receiver, http_receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 the specification's own example
BODY = {"type": "alert.overdue", "data": {"code": "H20.16.03-261101-0001", "name": "Đúng hạn"}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


def post(url: str, *, allow_private: bool = True, client: httpx.Client | None = None) -> None:
    with client or webhook.client() as used:
        webhook.post(
            used,
            url,
            [SECRET],
            message_id="alert:1:1",
            body=BODY,
            now=wallclock.now(),
            allow_private=allow_private,
        )


def test_a_receiver_can_verify_the_signature(receiver: Receiver):
    post(receiver.url)

    ((headers, body),) = receiver.arrived
    assert Webhook(SECRET).verify(body, headers) == BODY
    assert headers["webhook-id"] == "alert:1:1"
    assert headers["host"] == receiver.url.removeprefix("http://").rstrip("/")


def test_the_signature_does_not_depend_on_the_zone_of_now():
    sent, transport = remembering()
    with httpx.Client(transport=transport) as client:
        webhook.post(
            client,
            "http://127.0.0.1/",
            [SECRET],
            message_id="m",
            body={},
            now=vn("2026-11-23 07:00"),
            allow_private=True,
        )

    headers = sent[0].headers
    at = vn("2026-11-23 00:00").replace(tzinfo=None)
    assert headers["webhook-timestamp"] == str(int(vn("2026-11-23 07:00").timestamp()))
    assert headers["webhook-signature"] == Webhook(SECRET).sign("m", at, "{}")


@pytest.mark.parametrize("status", [301, 307, 400, 410, 500])
def test_anything_but_2xx_is_a_failure_and_no_redirect_is_followed(receiver: Receiver, status: int):
    receiver.answers = [status]
    receiver.text = b"no\0 way"

    with pytest.raises(DeliveryError, match=f"answered {status}: no way"):
        post(receiver.url)

    assert len(receiver.arrived) == 1


def test_no_more_than_2048_characters_of_a_refusal_are_kept(receiver: Receiver):
    receiver.answers = [500]
    receiver.text = "ạ".encode() * 1_000_000

    with pytest.raises(DeliveryError) as caught:
        post(receiver.url)

    assert len(str(caught.value)) == len("answered 500: ") + 2048


def test_nobody_listening_is_a_failure():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"

    with pytest.raises(DeliveryError, match="cannot connect"):
        post(url)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://localhost/", "http://10.1.2.3/", "http://192.168.1.1/"),
        *("http://169.254.169.254/latest/meta-data", "http://0.0.0.0/", "http://100.64.0.1/"),
        *("http://[::1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/"),
        *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/"),
        *("http://2130706433/", "http://0x7f.1/"),
    ],
)
def test_private_addresses_are_refused(url: str):
    with pytest.raises(DeliveryError, match=r"private|no address"):
        post(url, allow_private=False)


@pytest.mark.parametrize(
    "url", ["ftp://x.vn/", "file:///etc/passwd", "x.vn", "http://", "http://["]
)
def test_only_web_addresses_are_called(url: str):
    with pytest.raises(DeliveryError):
        post(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_pass(address: str):
    assert addresses.is_public(ipaddress.ip_address(address))


def remembering() -> tuple[list[httpx.Request], httpx.MockTransport]:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    return sent, httpx.MockTransport(answer)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def look_up(name: str, port: int, **_: Any) -> list[Any]:  # noqa: ANN401
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_one_private_address_among_public_ones_is_a_trap(monkeypatch: pytest.MonkeyPatch):
    resolving(monkeypatch, "8.8.8.8", "127.0.0.1")

    with pytest.raises(DeliveryError, match="private"):
        post("https://hooks.example/", allow_private=False)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch):
    asked = resolving(monkeypatch, "8.8.8.8")
    sent, transport = remembering()

    post(
        "https://hooks.example:8443/in?x=1",
        allow_private=False,
        client=httpx.Client(transport=transport),
    )

    assert asked == ["hooks.example"]
    assert str(sent[0].url) == "https://8.8.8.8:8443/in?x=1"
    assert sent[0].headers["host"] == "hooks.example:8443"
    assert sent[0].extensions["sni_hostname"] == "hooks.example"


def test_a_secret_that_is_none_is_a_failure():
    with webhook.client() as client, pytest.raises(DeliveryError, match="whsec_"):
        webhook.post(
            client,
            "http://127.0.0.1/",
            ["whsec_"],
            message_id="m",
            body={},
            now=wallclock.now(),
            allow_private=True,
        )


def test_each_secret_signs(receiver: Receiver):
    other = "whsec_" + "A" * 32
    with webhook.client() as client:
        webhook.post(
            client,
            receiver.url,
            [SECRET, other],
            message_id="m",
            body=BODY,
            now=wallclock.now(),
            allow_private=True,
        )

    ((headers, body),) = receiver.arrived
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, other):
        assert Webhook(secret).verify(body, headers) == BODY


def test_a_receiver_that_is_gone_says_so(receiver: Receiver):
    receiver.answers = [410]

    with pytest.raises(GoneError):
        post(receiver.url)


def test_a_name_that_moves_home_after_it_was_checked_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
):
    port = int(receiver.url.rstrip("/").rpartition(":")[2])
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
        found = next(answers) if name == "hooks.example" else name  # an address is its own answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    # The guard of the tests lets no one out, and says who was called: the address that was checked.
    with pytest.raises(SocketConnectBlockedError, match=r"8\.8\.8\.8"):
        post(f"http://hooks.example:{port}/", allow_private=False)
    with pytest.raises(DeliveryError, match="private"):
        post(f"http://hooks.example:{port}/", allow_private=False)
    assert receiver.arrived == []
    post(f"http://hooks.example:{port}/", allow_private=True)
    assert len(receiver.arrived) == 1


DRIPS = {
    "its header": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "its status": (b"", b"H"),
    "a refusal": (b"HTTP/1.1 500 No\r\n\r\n", b"no "),
    "nothing": (b"", b""),
}


@contextmanager
def dripping(begins: bytes, drop: bytes) -> Iterator[str]:
    """A receiver that says something, and then a little now and then for ever."""
    stop = Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(begins)
            while not stop.wait(0.05):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("what", sorted(DRIPS))
def test_a_receiver_that_drips_holds_nobody_for_long(what: str):
    begun = time.monotonic()

    with (
        dripping(*DRIPS[what]) as url,
        webhook.client() as client,
        pytest.raises(DeliveryError, match="500: no" if what == "a refusal" else "Timeout"),
    ):
        webhook.post(
            client,
            url,
            [SECRET],
            message_id="m",
            body=BODY,
            now=wallclock.now(),
            allow_private=True,
            seconds=0.5,
        )

    assert 0.4 < time.monotonic() - begun < 2


def test_a_receiver_that_reads_nothing_holds_nobody_for_long():
    begun = time.monotonic()
    body = {"codes": ["H20.16.03-261101-0001"] * 1_000_000}

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        webhook.client() as client,
        pytest.raises(DeliveryError, match="Timeout"),
    ):
        webhook.post(
            client,
            f"http://127.0.0.1:{listener.getsockname()[1]}/",
            [SECRET],
            message_id="m",
            body=body,
            now=wallclock.now(),
            allow_private=True,
            seconds=0.5,
        )

    assert time.monotonic() - begun < 3


def test_addresses_that_do_not_answer_share_the_time(monkeypatch: pytest.MonkeyPatch):
    resolving(monkeypatch, *(f"127.0.0.{n}" for n in range(1, 200)))
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        time.sleep(0.05)
        raise httpx.ConnectError("refused")

    with pytest.raises(DeliveryError, match="cannot connect"):
        post("http://hooks.example/", client=httpx.Client(transport=httpx.MockTransport(refuse)))

    assert len(asked) == 10
