"""What is wrong is refused, named by its field, and never sinks a neighbour."""

import json
from collections.abc import Iterator
from typing import Any, Final

from app.simulator.conformance.desk import NAME, RECEIVED, Check, Desk, at, judged, refusal
from app.simulator.window import NDJSON

BATCH: Final = "/v1/dossiers/batch"
_JSON: Final = {"Content-Type": "application/json"}
_BACKWARDS: Final = {"reason": "supplement", "from": at(4), "until": RECEIVED, "ground": ""}

WRONG: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("a time without an offset", {"updated_at": "2025-09-03T08:10:05"}, "updated_at"),
    ("a branch nobody knows", {"branch": "H99.99.99"}, "branch"),
    (
        "a result before the receipt",
        {"status": 9, "finished_at": "2025-09-02T08:00:00+07:00", "updated_at": at(4)},
        "finished_at",
    ),
    (
        "a pause that ends before it begins",
        {"suspensions": [_BACKWARDS], "updated_at": at(5)},
        "suspensions[0].until",
    ),
    ("a status in words", {"status": "đang xử lý"}, "status"),
    ("a status beyond 10", {"status": 11}, "status"),
    ("a channel that is none", {"channel": "fax"}, "channel"),
    ("a field nobody knows", {"so_dien_thoai": "0900000000"}, "so_dien_thoai"),
    ("a receipt later than the stamp", {"received_at": at(20)}, "received_at"),
    ("a waiting status without its pause", {"status": 5}, "suspensions"),
)


def checks(desk: Desk) -> Iterator[Check]:
    """Records, bodies and credentials that cannot be taken."""
    records = [desk.record(**changes) for _, changes, _ in WRONG]
    sound = desk.record()
    nameless = desk.record()
    del nameless["procedure"]
    impossible = desk.record() | {"code": f"{desk.agency}/250903/1"}
    sent = [*records, nameless, impossible, sound]
    answer = desk.window.call("POST", BATCH, json={"dossiers": sent})
    told = answer.json()
    fields: dict[int, list[str]] = {}
    for problem in told["problems"]:
        fields.setdefault(problem["line"], []).append(problem["field"])
    expected = [
        *((name, field) for name, _, field in WRONG),
        ("no procedure", "procedure"),
        ("a code no law has", "code"),
    ]
    for line, (name, field) in enumerate(expected, 1):
        got = fields.get(line, [])
        yield judged(f"{name} is refused, naming {field}", field, field if field in got else got)
    counts = {name: told[name] for name in ("received", "created", "quarantined")}
    yield judged(
        "the sound one among them is created",
        {"received": len(sent), "created": 1, "quarantined": len(expected)},
        counts,
    )
    yield judged("no answer repeats a name", False, NAME in answer.text)  # noqa: FBT003
    yield from _bodies(desk)
    yield from _languages(desk)


def _bodies(desk: Desk) -> Iterator[Check]:
    code = desk.code()
    bad = desk.window.once("PUT", f"/v1/dossiers/{code}", content=b'{"code": "\xff"}')
    yield judged("a record that is not UTF-8", "422", refusal(bad))
    yield judged("is not kept", False, bad.json().get("quarantined"))  # noqa: FBT003
    long = desk.window.once("PUT", f"/v1/dossiers/{code}", content=b" " * 300_000)
    yield judged("a record over 256 KiB", "413", refusal(long))
    many = json.dumps({"dossiers": [{}] * 5_001}).encode()
    yield judged("a JSON batch over 5,000", "413", refusal(desk.post(BATCH, many, **_JSON)))
    odd = desk.post(BATCH, b"x", **{"Content-Type": "text/csv"})
    yield judged("a body of another kind", "415", refusal(odd))
    none = desk.post(BATCH, b'{"dossiers": 1}', **_JSON)
    yield judged("a body that is no batch", "400", refusal(none))
    stranger = {"Authorization": "Bearer nobody", "Content-Type": NDJSON}
    yield judged("a token nobody was given", "401", refusal(desk.post(BATCH, b"", **stranger)))


def _languages(desk: Desk) -> Iterator[Check]:
    wrong = desk.record(status=5)
    told = [desk.put(wrong, **{"Accept-Language": one}).json()["detail"] for one in ("en", "vi")]
    yield judged("an error comes in the language asked for", 2, len(set(told)))
