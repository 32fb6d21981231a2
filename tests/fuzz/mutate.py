"""Sound records and bodies, made unsound by dice."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Record = dict[str, Any]

_STRANGE: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 4, 9, 10, 99, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400),
    *(1e308, 1.5, -0.0, "", " ", "\x00", "\x00a", "\ud800", "\udfff\ud800", "\ufeff", "\u202e"),
    *("null", "'; DROP TABLE dossier; --", "=cmd|' /C calc'!A0", "a" * 70, "ế" * 201, "x" * 3_000),
    *("🏠" * 60, "e\u0302\u0301", "%00", "../../etc/passwd", "{why}", "{0.__class__}", "%s%n"),
    *("2026-02-30T08:00:00+07:00", "2026-11-16", "2026-11-16T08:10:00", "0001-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59-14:00", "2026-11-16T25:00:00+07:00", "2026-11-16T08:10:60+07:00"),
    *("2026-11-16T08:10:00+99:00", "1900-01-01T00:00:00+07:00", "2026-11-16T08:10:00.1234567890Z"),
    *("16/11/2026 08:10", "20261116081000", "-2026-11-16T08:10:00Z", "2016-12-31T23:59:60Z"),
    *([], {}, [[]], [None], [{}], {"": None}, {"code": "H20.16.03-261116-0001"}, ["x"] * 60),
)
_TIMES = ("submitted_at", "received_at", "land_office_received_at", "promised_at", "updated_at")
_ENDS = ("finished_at", "ended_at", "handed_over_at")


def mutated(dice: Random, sound: Record) -> bytes:
    """A line made of a sound record: one to four things are wrong with it, or none by chance."""
    record: Any = json.loads(json.dumps(sound))
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        record = dice.choice(_CHANGES)(dice, record)
    raw = json.dumps(record, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    if dice.random() < 0.25:
        raw = dice.choice(_SPOILS)(dice, raw)
    return raw.replace(b"\n", b" ").replace(b"\r", b" ")


def _place(dice: Random, record: Any) -> tuple[Any, Any] | None:  # noqa: ANN401 JSON
    """A container somewhere in it and one of its keys."""
    held = record
    found: tuple[Any, Any] | None = None
    while isinstance(held, (dict, list)) and held:
        key = dice.choice(list(held)) if isinstance(held, dict) else dice.randrange(len(held))
        found = held, key
        if dice.random() < 0.5:
            break
        held = held[key]
    return found


def _drop(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    if place := _place(dice, record):
        del place[0][place[1]]
    return record


def _retype(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    if place := _place(dice, record):
        place[0][place[1]] = dice.choice(_STRANGE)
    return record


def _nest(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    if place := _place(dice, record):
        for _ in range(dice.choice((1, 2, 30))):
            held = place[0][place[1]]
            place[0][place[1]] = [held] if dice.random() < 0.5 else {"value": held}
    return record


def _add(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    if isinstance(record, dict):
        name = dice.choice(
            ("note", "", "Code", "\ud800", "a" * 300, "__class__", "aliases", "case")
        )
        record[name] = dice.choice(_STRANGE)
    return record


def _swap(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    """Two times change places."""
    if isinstance(record, dict):
        one, other = dice.sample(_TIMES + _ENDS, 2)
        record[one], record[other] = record.get(other), record.get(one)
    return record


def _shift(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    """A time is another year, month, hour or offset."""
    if isinstance(record, dict):
        name = dice.choice(_TIMES + _ENDS)
        at = record.get(name)
        if isinstance(at, str) and len(at) > 20:
            record[name] = dice.choice(
                (
                    str(dice.randrange(1, 9999)).zfill(4) + at[4:],
                    at[:5] + f"{dice.randrange(14):02}" + at[7:],
                    at[:11] + f"{dice.randrange(26):02}" + at[13:],
                    at[:19] + dice.choice(("Z", "-07:00", "+14:00", "+07", "", " +07:00")),
                )
            )
    return record


def _other_status(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    if isinstance(record, dict):
        record["status"] = dice.randrange(-1, 12)
    return record


def _twice(dice: Random, record: Any) -> Any:  # noqa: ANN401 JSON
    """The parts of a list again, in another order."""
    if isinstance(record, dict):
        lists = [name for name, value in record.items() if isinstance(value, list) and value]
        if lists:
            name = dice.choice(lists)
            record[name] = record[name][::-1] + record[name] * dice.choice((1, 1, 60))
    return record


_CHANGES: Sequence[Callable[[Random, Any], Any]] = (
    *(_drop, _retype, _retype, _retype, _nest, _add, _swap, _shift, _shift, _other_status, _twice),
)


def _cut(dice: Random, raw: bytes) -> bytes:
    return raw[: dice.randrange(len(raw) + 1)]


def _flip(dice: Random, raw: bytes) -> bytes:
    spoiled = bytearray(raw)
    for _ in range(dice.choice((1, 1, 8))):
        if spoiled:
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
    return bytes(spoiled)


def _again(dice: Random, raw: bytes) -> bytes:
    """A key twice, the second time with another value."""
    more = json.dumps(dice.choice(_STRANGE)).encode()
    name = dice.choice((b"code", b"status", b"updated_at", b"branch", b"applicant"))
    return raw.rstrip(b"}") + b',"' + name + b'":' + more + b"}"


def _deep(dice: Random, raw: bytes) -> bytes:
    depth = dice.choice((100, 5_000))
    return raw.rstrip(b"}") + b',"steps":' + b"[" * depth + b"]" * depth + b"}"


def _escaped(dice: Random, raw: bytes) -> bytes:
    """Some characters written otherwise, which means the same."""
    return re.sub(
        rb"[A-Za-z0-9]",
        lambda found: b"\\u%04x" % found.group()[0] if dice.random() < 0.1 else found.group(),
        raw,
    )


def _numbers(dice: Random, raw: bytes) -> bytes:
    what = dice.choice((b"1e999", b"-1e999", b"NaN", b"Infinity", b"01", b"1.", b"9" * 5_000))
    return re.sub(rb"(?<=:) ?\d+", b" " + what, raw, count=1)


def _encoded(dice: Random, raw: bytes) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(dice.choice(("utf-16", "utf-16-le", "latin-1", "cp1258")), "replace")


_SPOILS = (_cut, _flip, _again, _deep, _escaped, _numbers, _encoded)


def body(dice: Random, lines: Sequence[bytes]) -> tuple[bytes, dict[str, str]]:
    """A whole body with its headers: something may be wrong with how it is put together."""
    end = dice.choice((b"\n", b"\n", b"\r\n", b"\n\n\n", b"\r", b""))
    raw = end.join(lines) + dice.choice((b"", b"\n", b"\n" * 500, b" \t\n"))
    headers = {"Content-Type": dice.choice(("application/x-ndjson", "application/json", "", "x"))}
    if headers["Content-Type"] == "application/json" and dice.random() < 0.8:
        raw = b'{"dossiers": [' + b",".join(lines) + b"]}"
    if dice.random() < 0.2:
        raw = dice.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00")) + raw
    if dice.random() < 0.3:
        raw = _cut(dice, raw)
    if dice.random() < 0.4:
        headers["Content-Encoding"] = dice.choice(
            ("gzip", "gzip", "gzip", "GZIP", "br", "gzip, gzip")
        )
        if dice.random() < 0.9:
            raw = gzip.compress(raw)
        if dice.random() < 0.4:
            raw = dice.choice((_cut, _flip))(dice, raw)
    return raw, headers
