"""Asking another machine for its records: one bounded answer at a time, or why there is none."""

import json
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import httpx

from app.core.problems import Problem
from app.outbound import addresses, hurry
from app.outbound.addresses import Reach
from app.outbound.errors import DeliveryError, OutOfReachError

LONGEST_ANSWER = 32 * 1024 * 1024
ANSWER_WITHIN = 60.0  # seconds for the whole of an exchange, however it drips
SETTING = "DUNGHAN_PULL_REACH"
_LONGEST_TOKEN = 64 * 1024
_LONGEST_WAIT = timedelta(days=1)
_TIMEOUT = httpx.Timeout(30, connect=5)
_INFLATE = 1024 * 1024
_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class PortalError(Exception):
    """There is no answer to work with; `problem` says why and holds no secret and no record.

    `retry_after` is how long the other side wants to be left alone; `refused` that it was our
    credential it did not accept.
    """

    def __init__(
        self, problem: Problem, *, retry_after: timedelta | None = None, refused: bool = False
    ) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.retry_after = retry_after
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Door:
    """How to go out: the client, and which addresses may be called."""

    client: httpx.Client
    reach: Reach


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens the other side: a bearer token, or what one is had for (RFC 6749 §4.4)."""

    token: str | None = field(default=None, repr=False)
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scope: str | None = None


def client(ca: Path | None = None) -> httpx.Client:
    """A client that trusts the public certificates, and those of a file besides.

    It keeps no connection and heeds no proxy setting, for the reasons `webhook.client` gives.
    """
    trust: ssl.SSLContext = httpx.create_ssl_context()
    if ca is not None:
        trust.load_verify_locations(ca)
    return httpx.Client(transport=hurry.Transport(trust), timeout=_TIMEOUT, trust_env=False)


def get(
    door: Door, url: str, parameters: Mapping[str, str], token: str | None, now: datetime
) -> bytes:
    """The body of a 200, unpacked; empty for a 204.

    The parameters join those of the address. Redirects are not followed: they could lead the token
    anywhere. `now` is what a Retry-After with a date is counted from.

    Raises:
        PortalError: anything else.
    """
    headers = {"accept": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    asked = _target(url).copy_merge_params(dict(parameters))
    return _exchange(door, "GET", asked, headers, b"", LONGEST_ANSWER, now)


def bearer(door: Door, credential: Credential, now: datetime) -> str | None:
    """The token to show: the one held, or a new one from the other side; None without any.

    Raises:
        PortalError: no token was to be had.
    """
    if credential.token_url is None:
        return credential.token
    form = {
        "grant_type": "client_credentials",
        "client_id": credential.client_id or "",
        "client_secret": credential.client_secret or "",
    }
    if credential.scope:
        form["scope"] = credential.scope
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
    }
    body = str(httpx.QueryParams(form)).encode()
    asked = _target(credential.token_url)
    told = _exchange(door, "POST", asked, headers, body, _LONGEST_TOKEN, now)
    try:
        token = json.loads(told)["access_token"]
    except (ValueError, LookupError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise PortalError(
            Problem("token_url", "{host} gave no access_token", {"host": asked.host}), refused=True
        )
    return token


def _target(url: str) -> httpx.URL:
    try:
        return addresses.target(url)
    except DeliveryError:
        raise PortalError(Problem("url", "this is no address we can call; correct it")) from None


def _exchange(
    door: Door,
    method: str,
    asked: httpx.URL,
    headers: Mapping[str, str],
    content: bytes,
    longest: int,
    now: datetime,
) -> bytes:
    """Ask at each checked address of the name until one answers."""
    name = asked.raw_host.decode("ascii")
    host: dict[str, object] = {"host": asked.host}
    failure = ""
    for address in _checked(asked, door.reach):
        request = door.client.build_request(
            method,
            asked.copy_with(host=str(address)),
            content=content,
            headers={
                **headers,
                "host": asked.netloc.decode("ascii"),
                "connection": "close",
                "user-agent": "dunghan",
                "accept-encoding": "gzip",
            },
            extensions={"sni_hostname": name, "timeout": _TIMEOUT.as_dict()},
        )
        try:
            with hurry.within(ANSWER_WITHIN):
                return _answer(door.client, request, asked.host, longest, now)
        except httpx.ConnectError as error:
            failure = str(error)  # another address may answer
        except httpx.TimeoutException:
            raise PortalError(Problem("", "{host} did not answer in time", host)) from None
        except httpx.HTTPError as error:
            told = host | {"why": type(error).__name__}
            raise PortalError(Problem("", "{host} broke off ({why})", told)) from None
    raise PortalError(Problem("", "cannot connect to {host}: {why}", host | {"why": failure}))


def _checked(asked: httpx.URL, reach: Reach) -> list[addresses.Address]:
    told: dict[str, object] = {"host": asked.host, "setting": SETTING}
    try:
        name = asked.raw_host.decode("ascii")
        found = addresses.checked(addresses.look_up(name, asked.port), reach, SETTING)
    except OutOfReachError:
        why = "{host} is at an address we may not ask; the setting {setting} says which we may"
        raise PortalError(Problem("url", why, told)) from None
    except DeliveryError:
        raise PortalError(Problem("url", "the name {host} has no address", told)) from None
    if asked.scheme == "http" and any(addresses.is_public(one) for one in found):
        why = "over the internet only https: the token and the names would travel open"
        raise PortalError(Problem("url", why))
    return found


def _answer(
    client: httpx.Client, request: httpx.Request, host: str, longest: int, now: datetime
) -> bytes:
    response = client.send(request, stream=True, follow_redirects=False)
    try:
        if response.status_code == HTTPStatus.NO_CONTENT:
            return b""
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response, host, now)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            why = "{host} answered a page for people, not JSON; look at the address"
            raise PortalError(Problem("url", why, {"host": host}))
        return _read(response, host, longest)
    finally:
        response.close()


def _read(response: httpx.Response, host: str, longest: int) -> bytes:
    """The whole body, unpacked a megabyte at a time: what is small packed may be huge unpacked."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "", "gzip"):
        why = "{host} packs its answer as {packing}; we take it plain or with gzip"
        raise PortalError(Problem("", why, {"host": host, "packing": packing[:40]}))
    inflate = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    body = bytearray()
    for part in response.iter_raw():
        rest = part
        while rest:
            if inflate is None:
                body += rest
                rest = b""
            else:
                try:
                    body += inflate.decompress(rest, _INFLATE)
                except zlib.error:
                    why = "{host} says gzip and sends something else"
                    raise PortalError(Problem("", why, {"host": host})) from None
                rest = inflate.unconsumed_tail
            if len(body) > longest:
                why = "the answer of {host} is longer than {limit} bytes; ask for smaller pages"
                raise PortalError(Problem("page_size", why, {"host": host, "limit": longest}))
    if inflate is not None and not inflate.eof:
        raise PortalError(Problem("", "{host} broke off ({why})", {"host": host, "why": "gzip"}))
    return bytes(body)


def _refusal(response: httpx.Response, host: str, now: datetime) -> PortalError:
    """Why an answer is none; never with its text, which may hold anything."""
    status = response.status_code
    told: dict[str, object] = {"host": host, "status": status}
    after = _retry_after(response.headers.get("retry-after", ""), now)
    if status in _REFUSED:
        why = "{host} does not accept our credential ({status}); renew it"
        return PortalError(Problem("credential", why, told), retry_after=after, refused=True)
    if response.is_redirect:
        why = "{host} redirects ({status}); give the address it leads to, we do not follow"
        return PortalError(Problem("url", why, told))
    if status in _LATER:
        why = "{host} asks to be left alone for a while ({status})"
        return PortalError(Problem("", why, told), retry_after=after)
    return PortalError(Problem("", "{host} answered {status}", told), retry_after=after)


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait (RFC 9110 §10.2.3), at most a day."""
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        at: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(timedelta(0), min(at - now, _LONGEST_WAIT))
