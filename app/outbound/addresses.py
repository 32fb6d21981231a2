"""Where we may call: a name is looked up once, and only addresses that were checked are called."""

import ipaddress
import socket
from collections.abc import Iterable
from enum import StrEnum

import httpx

from app.outbound.errors import DeliveryError, OutOfReachError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# The networks of organisations (RFC 1918, RFC 6598, RFC 4193). Not this machine, and not what is
# linked to it: there the keys of cloud machines lie.
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


class Reach(StrEnum):
    """Which addresses may be called."""

    PUBLIC = "public"
    PRIVATE = "private"
    ANY = "any"


def target(url: str) -> httpx.URL:
    """The parts of an http:// or https:// address.

    Raises:
        DeliveryError: it is none.
    """
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise DeliveryError(f"not an address: {error}") from error
    if found.scheme not in {"http", "https"} or not found.host:
        raise DeliveryError("not an http:// or https:// address")
    return found


def look_up(name: str, port: int | None) -> list[Address]:
    """Every address of a name.

    Raises:
        DeliveryError: it has none.
    """
    try:
        found = socket.getaddrinfo(name, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"the name {name} has no address") from error
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


def checked(addresses: Iterable[Address], reach: Reach, setting: str) -> list[Address]:
    """The addresses, or none of them if any is out of reach: one bad one tells of a trap.

    Raises:
        OutOfReachError: with the name of the setting that would allow it.
    """
    found = list(addresses)
    if not all(within(address, reach) for address in found):
        raise OutOfReachError(f"the address is private; set {setting} to allow it")
    return found


def within(address: Address, reach: Reach) -> bool:
    """Whether an address may be called."""
    match reach:
        case Reach.ANY:
            return True
        case Reach.PRIVATE:
            return is_public(address) or is_private(address)
        case Reach.PUBLIC:
            return is_public(address)


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


def is_private(address: Address) -> bool:
    """Whether an address lies in the network of an organisation, not on this machine."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_private(address.ipv4_mapped)
    return any(address.version == one.version and address in one for one in _PRIVATE)
