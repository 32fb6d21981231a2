"""Signed POSTs to other machines, after the Standard Webhooks specification."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from app.outbound import addresses, hurry
from app.outbound.addresses import Reach
from app.outbound.errors import DeliveryError, GoneError

Client = httpx.Client

_TIMEOUT = httpx.Timeout(10, connect=5)
_LONGEST_ANSWER = 2048
_MOST_ADDRESSES = 10
ANSWER_WITHIN = 20.0  # seconds for a whole attempt: a receiver that drips must not hold a worker


def client() -> Client:
    """A client for `post`, safe to share between threads.

    It keeps no connection: we connect to checked addresses, and two names at one address must not
    share a connection whose certificate was checked for the other. It heeds no proxy setting,
    because a proxy would look names up itself.
    """
    transport = hurry.Transport(httpx.create_ssl_context())
    return httpx.Client(transport=transport, timeout=_TIMEOUT, trust_env=False)


def post(
    client: Client,
    url: str,
    secrets: Sequence[str],
    *,
    message_id: str,
    body: Mapping[str, Any],
    now: datetime,
    allow_private: bool,
    seconds: float = ANSWER_WITHIN,
) -> None:
    """Send one message; return only when the receiver has answered 2xx.

    `message_id` stays the same over all attempts, so that the receiver can drop repeats; each of
    the `secrets` signs, so that a receiver may change from one to the next. The name is looked up
    once, every address it has is checked, and the connection goes to a checked address (the
    certificate is still checked against the name): a name that changes its address in between
    gains nothing. Redirects are not followed. All of it together takes at most some `seconds`,
    however many addresses there are and however slowly an answer drips.

    Raises:
        GoneError: the receiver answered 410.
        DeliveryError: not sent, refused, redirected, or the address is not for us to call.
    """
    target = addresses.target(url)
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "host": target.netloc.decode("ascii"),
        "connection": "close",
        "user-agent": "dunghan",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(_signature(one, message_id, now, content) for one in secrets),
    }
    reach = Reach.ANY if allow_private else Reach.PUBLIC
    with hurry.within(seconds):
        _to_any_address(client, target, reach, content.encode(), headers)


def _to_any_address(
    client: Client, target: httpx.URL, reach: Reach, content: bytes, headers: Mapping[str, str]
) -> None:
    """Send to the first address of the name that answers."""
    name = target.raw_host.decode("ascii")
    failure: httpx.ConnectError | None = None
    found = addresses.look_up(name, target.port)
    checked = addresses.checked(found, reach, "DUNGHAN_ALLOW_PRIVATE_WEBHOOKS")
    for address in checked[:_MOST_ADDRESSES]:
        request = client.build_request(
            "POST",
            target.copy_with(host=str(address)),
            content=content,
            headers=dict(headers),
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
            gone = response.status_code == HTTPStatus.GONE
            why = f"answered {response.status_code}: {_beginning(response)}".strip()
            raise GoneError(why) if gone else DeliveryError(why)
    finally:
        response.close()


def _beginning(response: httpx.Response) -> str:
    """The first characters of an answer, without reading more of it than that.

    What was said before time ran out is enough: the status has come.
    """
    read = b""
    try:
        for chunk in response.iter_raw():  # as it came: what is small packed may be huge unpacked
            read += chunk
            if len(read) >= 4 * _LONGEST_ANSWER:
                break
    except httpx.HTTPError:
        pass
    return read.decode(errors="replace").replace("\0", "")[:_LONGEST_ANSWER]
