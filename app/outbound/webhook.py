"""Signed POSTs to other machines, after the Standard Webhooks specification."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from app.outbound import addresses
from app.outbound.addresses import Reach
from app.outbound.errors import DeliveryError

Client = httpx.Client

_TIMEOUT = httpx.Timeout(10, connect=5)
_LONGEST_ANSWER = 2048
_READ_FOR = 5.0  # seconds for the text of a refusal; a receiver that drips must not hold a worker


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
    target = addresses.target(url)
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
    reach = Reach.ANY if allow_private else Reach.PUBLIC
    found = addresses.look_up(name, target.port)
    for address in addresses.checked(found, reach, "DUNGHAN_ALLOW_PRIVATE_WEBHOOKS"):
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


def _signature(secret: str, message_id: str, now: datetime, content: str) -> str:
    try:
        # The package takes the instant as UTC whatever zone it is in.
        return Webhook(secret).sign(message_id, now.astimezone(UTC), content)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise DeliveryError("the webhook's secret is not a whsec_ secret") from error


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
