"""What the server keeps: history, quarantine, the branch's clock; and clearing up at the end."""

from collections.abc import Iterator
from typing import Any

import msgspec

from app.simulator.conformance.desk import Check, Desk, at, judged, ndjson, refusal
from app.simulator.conformance.snapshots import finished


def checks(desk: Desk) -> Iterator[Check]:
    """History, quarantine, heartbeat."""
    yield from _history(desk)
    yield from _mended(desk)
    yield from _settled(desk)
    yield from _heartbeat(desk)


def _history(desk: Desk) -> Iterator[Check]:
    code = desk.code()
    for one in (desk.record(code), finished(desk, code, 5), finished(desk, code, 5)):
        desk.put(one)
    items = desk.get(f"/v1/dossiers/{code}/history")["items"]
    yield judged("history has what changed, once", [1, 2], [item["revision_no"] for item in items])
    yield judged("and the old and the new value", [4, 9], items[-1]["changes"]["status"])
    yield judged("each chained to the one before", 2, len({item["head_hash"] for item in items}))
    listed = desk.get("/v1/dossiers", q=code)["items"]
    yield judged("the list finds it by its code", [code], [item["code"] for item in listed])
    missing = desk.window.once("GET", f"/v1/dossiers/{desk.code()}")
    yield judged("a code nobody sent is not found", "404", refusal(missing))


def _waiting(desk: Desk, start: str) -> list[Any]:
    """What is in quarantine of codes that begin so."""
    return list(desk.window.items("/v1/quarantine", code=start, limit="500"))


def _discard(desk: Desk, refused: int) -> int:
    address, why = f"/v1/quarantine/{refused}/discard", {"reason": "kiểm tra hệ thống"}
    return desk.window.once("POST", address, json=why).status_code


def _mended(desk: Desk) -> Iterator[Check]:
    wrong = desk.record(status=5)
    desk.put(wrong)
    found = _waiting(desk, wrong["code"])
    yield judged("what is refused is in quarantine, once", 1, len(found))
    fields = [problem["field"] for problem in found[0]["problems"]]
    yield judged("with the field that is wrong", ["suspensions"], fields)
    address = f"/v1/quarantine/{found[0]['id']}/retry"
    yield judged(
        "driven again as it is, it stays", "422 suspensions", refusal(desk.post(address, b""))
    )
    mended = desk.post(address, msgspec.json.encode(wrong | {"status": 4}))
    yield judged("mended, it is taken in", "created", mended.json().get("outcome"))
    yield judged("and leaves quarantine", 0, len(_waiting(desk, wrong["code"])))


def _settled(desk: Desk) -> Iterator[Check]:
    wrong = desk.record(status=5)
    desk.put(wrong)
    desk.put(wrong | {"status": 4, "updated_at": at(4)})
    yield judged(
        "a sound record settles what was refused before", 0, len(_waiting(desk, wrong["code"]))
    )
    stays = desk.record(status=5)
    desk.put(stays)
    found = _waiting(desk, stays["code"])[0]["id"]
    yield judged("a refused record can be discarded", 204, _discard(desk, found))
    yield judged("and is gone from the list", 0, len(_waiting(desk, stays["code"])))


def _heartbeat(desk: Desk) -> Iterator[Check]:
    """In the past, where it moves no clock."""
    address, beat = "/v1/heartbeat", {"branches": [desk.branch], "at": at(3)}
    told = desk.window.call("POST", address, json=beat).json()
    yield judged("a heartbeat names its branches", [desk.branch], told["branches"])
    naive = desk.window.once("POST", address, json=beat | {"at": "2025-09-03T09:00:00"})
    yield judged("one without an offset is refused", "422 at", refusal(naive))
    strange = desk.window.once("POST", address, json=beat | {"branches": ["H99.99.99"]})
    yield judged("one for a strange branch is refused", True, strange.is_client_error)  # noqa: FBT003


def cleared(desk: Desk) -> Iterator[Check]:
    """Withdraw every dossier of the script, and discard what is left in quarantine."""
    held = [item["code"] for item in desk.window.items("/v1/dossiers", q=desk.agency, limit="500")]
    gone = [
        desk.record(code, status=7, ended_at=at(30), outcome="withdrawn", updated_at=at(30))
        for code in held
    ]
    receipt = desk.batch(ndjson(gone))[-1]
    yield judged("every dossier of the script is withdrawn", len(held), receipt["updated"])
    for item in _waiting(desk, desk.agency):
        _discard(desk, item["id"])
    yield judged("nothing of the script is left in quarantine", 0, len(_waiting(desk, desk.agency)))
