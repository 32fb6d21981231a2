"""NDJSON: one outcome a line, broken lines alone, every usual packing, and a last line."""

import gzip
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Final

from app.simulator.conformance.desk import Check, Desk, Json, at, judged, ndjson, refusal
from app.simulator.conformance.errors import BATCH
from app.simulator.window import NDJSON

_ZIPPED: Final = {"Content-Encoding": "gzip"}


def checks(desk: Desk) -> Iterator[Check]:
    """Bodies of lines, sound and otherwise."""
    sent = [desk.record() for _ in range(3)]
    told = desk.batch(ndjson(sent))
    yield judged(
        "each line has its outcome, in order",
        [[number, one["code"], "created"] for number, one in enumerate(sent, 1)],
        [[one["line"], one["code"], one["outcome"]] for one in told[:-1]],
    )
    yield judged(
        "the last line is the receipt",
        {
            "done": True,
            "received": 3,
            "created": 3,
            "updated": 0,
            "unchanged": 0,
            "stale": 0,
            "quarantined": 0,
        },
        told[-1],
    )
    again = desk.batch(ndjson(sent))[-1]
    yield judged("the whole body again is unchanged", 3, again["unchanged"])
    yield judged("no lines at all", [{"done": True, "received": 0}], _short(desk.batch(b"")))
    yield from _packings(desk)
    yield from _broken(desk)
    yield from _twice(desk)


def _short(told: list[Json]) -> list[Json]:
    return [{name: one[name] for name in ("done", "received")} for one in told]


def _packings(desk: Desk) -> Iterator[Check]:
    for name, body, headers in (
        ("a byte order mark", BOM_UTF8 + _some(desk), {}),
        ("lines ended as Windows does", _some(desk).replace(b"\n", b"\r\n"), {}),
        ("blank lines between", _some(desk).replace(b"\n", b"\n\n"), {}),
        ("no end after the last line", _some(desk).rstrip(b"\n"), {}),
        ("gzip", gzip.compress(_some(desk)), _ZIPPED),
        (
            "gzip files joined one after another",
            gzip.compress(_some(desk)) + gzip.compress(_some(desk, 1)),
            _ZIPPED,
        ),
    ):
        receipt = desk.batch(body, **headers)[-1]
        count = 3 if "joined" in name else 2
        yield judged(f"{name} is read", [count, 0], [receipt["created"], receipt["quarantined"]])
    for name, body in (
        ("a gzip body that is cut", gzip.compress(_some(desk, 50))[:-20]),
        ("a plain body called gzip", _some(desk)),
    ):
        answer = desk.post(BATCH, body, **{"Content-Type": NDJSON}, **_ZIPPED)
        yield judged(f"{name} is told", "400", refusal(answer))


def _some(desk: Desk, count: int = 2) -> bytes:
    return ndjson(desk.record() for _ in range(count))


def _broken(desk: Desk) -> Iterator[Check]:
    """Between two sound lines, one that is none."""
    for name, line, kept in (
        ("a line cut in the middle", b'{"code": "H20', False),
        ("a line that is not UTF-8", b'{"code": "\xff\xfe"}', False),
        ("a line that is no object", b"[1]", False),
        ("a line over 256 KiB", b'"' + b"x" * 300_000 + b'"', False),
        ("a record that cannot be", ndjson([desk.record(status=5)]).strip(), True),
    ):
        told = desk.batch(ndjson([desk.record(), line, desk.record()]))
        yield judged(
            f"{name} keeps its neighbours",
            ["created", "quarantined", "created"],
            [one["outcome"] for one in told[:-1]],
        )
        yield judged(
            f"and is {'kept in quarantine' if kept else 'not kept'}",
            kept,
            told[1].get("kept", True),
        )


def _twice(desk: Desk) -> Iterator[Check]:
    """A dossier several times in one body: each becomes history, older first."""
    code = desk.code()
    later = [desk.record(code, channel=one, updated_at=at(day)) for one, day in _CHANNELS]
    told = desk.batch(ndjson(later[::-1]))
    yield judged(
        "of a code sent thrice in one body the newest stays",
        "post",
        desk.get(f"/v1/dossiers/{code}")["channel"],
    )
    said = sum("problems" in one for one in told[:-1])
    yield judged("and a problem says so of the other two", 2, said)
    known = [item["changes"].get("channel") for item in _history(desk, code)]
    yield judged(
        "each is history, older first", [["counter", "online"], ["online", "post"]], known[1:]
    )


_CHANNELS: Final = (("counter", 4), ("online", 5), ("post", 6))


def _history(desk: Desk, code: str) -> list[Json]:
    items: list[Json] = desk.get(f"/v1/dossiers/{code}/history")["items"]
    return items
