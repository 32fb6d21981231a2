"""One answer of another machine: bounded, over checked addresses, and why there is none."""

import gzip
import ipaddress
import shutil
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from app.outbound import addresses, portal
from app.outbound.addresses import Reach
from app.outbound.portal import Credential, Door, PortalError
from tests.jobs.rows import vn
from tests.outbound.shops import Answer, Shop, shop

NOW = vn("2026-11-20 10:15")


@pytest.fixture
def door() -> Iterator[Door]:
    with portal.client() as client:
        yield Door(client, Reach.ANY)


@pytest.fixture
def other() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def ask(door: Door, url: str, token: str | None = None, **parameters: str) -> bytes:
    return portal.get(door, url, parameters, token, NOW)


def refusal(door: Door, other: Shop, answer: Answer) -> PortalError:
    other.next_ones = [answer]
    with pytest.raises(PortalError) as raised:
        ask(door, other.url, token="the secret")  # noqa: S106 of a test
    assert "the secret" not in str(raised.value)
    return raised.value


def test_it_asks_with_the_token_and_the_parameters_beside_those_of_the_address(
    door: Door, other: Shop
):
    other.next_ones = [Answer({"a": "ơ"})]

    body = ask(door, f"{other.url}/list?office=H20", "abc", since="2026-11-20T10:15:00+07:00")

    ((path, query, headers),) = other.asked
    assert body == b'{"a": "\\u01a1"}'
    assert (path, query) == ("/list", {"office": "H20", "since": "2026-11-20T10:15:00+07:00"})
    assert headers["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("status", "headers", "said", "wait"),
    [
        (401, {}, "does not accept our credential (401)", None),
        (403, {}, "does not accept our credential (403)", None),
        (404, {}, "answered 404", None),
        (500, {"retry-after": "7"}, "answered 500", timedelta(seconds=7)),
        (429, {"retry-after": "120"}, "left alone", timedelta(minutes=2)),
        (429, {"retry-after": "9" * 40}, "left alone", timedelta(days=1)),
        (503, {"retry-after": "Fri, 20 Nov 2026 03:16:00 GMT"}, "left alone", timedelta(minutes=1)),
        (503, {"retry-after": "Fri, 20 Nov 2020 03:16:00 GMT"}, "left alone", timedelta(0)),
        (503, {"retry-after": "soon"}, "left alone", None),
        (302, {"location": "https://example.org/"}, "redirects (302)", None),
        (307, {"location": "/elsewhere"}, "redirects (307)", None),
        (200, {"content-type": "text/html; charset=utf-8"}, "a page for people", None),
        (200, {"content-encoding": "br"}, "packs its answer as br", None),
        (200, {"content-encoding": "gzip"}, "says gzip and sends something else", None),
    ],
)
def test_what_is_no_answer_says_why(
    door: Door, other: Shop, status: int, headers: dict[str, str], said: str, wait: timedelta | None
):
    fault = refusal(door, other, Answer(b"<p>Nguyen Van A</p>", status, headers))

    assert said in str(fault)
    assert "Nguyen" not in str(fault)
    assert fault.retry_after == wait
    assert len(other.asked) == 1


def test_an_empty_204_is_an_answer(door: Door, other: Shop):
    other.next_ones = [Answer(b"", 204)]

    assert ask(door, other.url) == b""


def test_an_answer_is_bounded_packed_or_not(
    door: Door, other: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(portal, "LONGEST_ANSWER", 3_000_000)
    big = b"[" + b" " * 5_000_000 + b"]"
    packed = {"content-encoding": "gzip"}
    bomb = zlib.compressobj(wbits=31)
    bombed = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(300)) + bomb.flush()

    assert "longer than 3000000" in str(refusal(door, other, Answer(big)))
    assert "longer than 3000000" in str(refusal(door, other, Answer(bombed, headers=packed)))
    assert "broke off" in str(
        refusal(door, other, Answer(gzip.compress(b"[1]")[:-6], headers=packed))
    )
    other.next_ones = [Answer(gzip.compress(b"[1]"), headers=packed)]
    assert ask(door, other.url) == b"[1]"


def test_an_answer_that_drips_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(portal, "ANSWER_WITHIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def drip() -> None:
            opened, _ = server.accept()
            with opened:
                opened.recv(4_000)
                opened.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                for _ in range(20):
                    try:
                        opened.sendall(b" ")
                    except OSError:
                        return
                    time.sleep(0.05)

        thread = Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(PortalError, match="in time"):
            ask(door, url)
        assert time.monotonic() - began < 2
        thread.join()


def test_nobody_there_is_told_with_the_host(door: Door):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(PortalError, match=r"cannot connect to 127\.0\.0\.1"):
        ask(door, f"http://127.0.0.1:{port}/")


# -------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("8.8.8.8", {"public", "private"}),
        ("10.20.30.40", {"private"}),
        ("172.16.0.1", {"private"}),
        ("192.168.1.1", {"private"}),
        ("fd00::1", {"private"}),
        ("::ffff:10.0.0.1", {"private"}),
        ("127.0.0.1", set()),
        ("::1", set()),
        ("169.254.169.254", set()),
        ("::ffff:169.254.169.254", set()),
        ("fe80::1", set()),
        ("0.0.0.0", set()),  # noqa: S104 an address to refuse
        ("224.0.0.1", set()),
    ],
)
def test_networks_of_organisations_are_reached_this_machine_is_not(address: str, reached: set[str]):
    found = ipaddress.ip_address(address)

    assert {reach.value for reach in Reach if addresses.within(found, reach)} == reached | {"any"}


def test_an_address_out_of_reach_is_not_called_and_the_setting_is_named(other: Shop):
    with portal.client() as client, pytest.raises(PortalError, match="DUNGHAN_PULL_REACH"):
        ask(Door(client, Reach.PRIVATE), other.url)
    assert other.asked == []


def test_over_the_internet_only_https(monkeypatch: pytest.MonkeyPatch, door: Door):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)

    with pytest.raises(PortalError, match="only https"):
        ask(door, "http://motcua.example.vn/")


def certificate(folder: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, held = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
         str(held)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return key, held


def test_a_certificate_must_be_trusted_and_a_province_may_bring_its_own(tmp_path: Path):
    key, held = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(held, key)

    with shop(lambda plain: context.wrap_socket(plain, server_side=True)) as other:
        with portal.client() as client, pytest.raises(PortalError, match="cannot connect"):
            ask(Door(client, Reach.ANY), other.url)
        with portal.client(held) as client:
            assert ask(Door(client, Reach.ANY), other.url, limit="1")
    assert len(other.asked) == 1


# ----------------------------------------------------------------------------------------- tokens


def test_a_token_is_had_for_the_clients_secret(door: Door, other: Shop):
    credential = Credential(
        token_url=f"{other.url}/token",
        client_id="us",
        client_secret="s&=ecret",  # noqa: S106 of a test
        scope="read",
    )

    assert portal.bearer(door, credential, NOW) == "token-0"
    form = other.asked[0][1]
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "us",
        "client_secret": "s&=ecret",
        "scope": "read",
    }
    assert "s&=ecret" not in repr(credential)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access_token": 7}', b'{"access_token": "a\\nb"}'])
def test_what_gives_no_token_says_so(door: Door, other: Shop, body: bytes):
    other.next_ones = []
    other.answer = lambda *_: Answer(body)  # type: ignore[method-assign]

    with pytest.raises(PortalError, match="gave no access_token"):
        portal.bearer(door, Credential(token_url=f"{other.url}/token"), NOW)


def test_a_token_held_is_shown_as_it_is_and_none_is_none(door: Door):
    assert portal.bearer(door, Credential(token="abc"), NOW) == "abc"  # noqa: S106 of a test
    assert portal.bearer(door, Credential(), NOW) is None
