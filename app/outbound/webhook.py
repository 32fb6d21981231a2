"""Signed POSTs to other machines, after the Standard Webhooks specification."""

import ipaddress
import json
import socket
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from app.outbound.errors import DeliveryError

Client = httpx.Client
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TIMEOUT = httpx.Timeout(10, connect=5)
_LONGEST_ANSWER = 2048
_READ_FOR = 5.0  # seconds for the text of a refusal; a receiver that drips must not hold a worker
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def client() -> Client:
    """A client for `post`, safe to share between threads.

    It keeps no connection: we connect to checked addresses, and two names at one address must not
    share a connection whose certificate was checked for the other. It heeds no proxy setting,
    because a proxy would look names up itself.
    """
    return httpx.Client(
        timeout=_TIMEOUT, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )


def post(
    client: Client,
    url: str,
    secret: str,
    *,
    message_id: str,
    body: Mapping[str, Any],
    now: datetime,
    allow_private: bool,
) -> None:
    """Send one message; return only when the receiver has answered 2xx.

    `message_id` stays the same over all attempts, so that the receiver can drop repeats. The name
    is looked up once, every address it has is checked, and the connection goes to a checked
    address (the certificate is still checked against the name): a name that changes its address
    in between gains nothing. What remains: time-outs are per read, so a receiver that drips its
    header can hold a worker longer than they say.

    Raises:
        DeliveryError: not sent, refused, redirected, or the address is not for us to call.
    """
    target = _target(url)
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "content-type": "application/json",
        "host": target.netloc.decode("ascii"),
        "connection": "close",
        "user-agent": "dunghan",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": _signature(secret, message_id, now, content),
    }
    name = target.raw_host.decode("ascii")
    failure: httpx.ConnectError | None = None
    for address in _checked(_look_up(name, target.port), allow_private=allow_private):
        request = client.build_request(
            "POST",
            target.copy_with(host=str(address)),
            content=content.encode(),
            headers=headers,
            extensions={"sni_hostname": name, "timeout": _TIMEOUT.as_dict()},
        )
        try:
            _send(client, request)
        except httpx.ConnectError as error:
            failure = error  # another address may answer
        except httpx.HTTPError as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error
        else:
            return
    raise DeliveryError(f"cannot connect: {failure}") from failure


def _target(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise DeliveryError(f"not an address: {error}") from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise DeliveryError("not an http:// or https:// address")
    return target


def _signature(secret: str, message_id: str, now: datetime, content: str) -> str:
    try:
        # The package takes the instant as UTC whatever zone it is in.
        return Webhook(secret).sign(message_id, now.astimezone(UTC), content)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise DeliveryError("the webhook's secret is not a whsec_ secret") from error


def _look_up(name: str, port: int | None) -> list[Address]:
    try:
        found = socket.getaddrinfo(name, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"the name {name} has no address") from error
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


def _checked(addresses: Iterable[Address], *, allow_private: bool) -> list[Address]:
    """The addresses, or none of them if any is not public: one bad one tells of a trap."""
    found = list(addresses)
    if not allow_private and not all(is_public(address) for address in found):
        raise DeliveryError(
            "the address is private; set DUNGHAN_ALLOW_PRIVATE_WEBHOOKS to allow it"
        )
    return found


def is_public(address: Address) -> bool:
    """Whether an address lies in the public internet, also where it wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _send(client: Client, request: httpx.Request) -> None:
    response = client.send(request, stream=True, follow_redirects=False)
    try:
        if not response.is_success:
            raise DeliveryError(f"answered {response.status_code}: {_beginning(response)}".strip())
    finally:
        response.close()


def _beginning(response: httpx.Response) -> str:
    """The first characters of an answer, without reading more of it than that."""
    stop = time.monotonic() + _READ_FOR
    read = b""
    for chunk in response.iter_bytes(_LONGEST_ANSWER):
        read += chunk
        if len(read) >= 4 * _LONGEST_ANSWER or time.monotonic() > stop:
            break
    return read.decode(errors="replace").replace("\0", "")[:_LONGEST_ANSWER]
