"""A record is a snapshot: newer wins, the same is harmless, the order of arrival is nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.simulator.calendar import ZONE
from app.simulator.conformance.desk import OTHER_PROCEDURE, Check, Desk, Json, at, judged, refusal


def checks(desk: Desk) -> Iterator[Check]:
    """Every outcome of a single record."""
    first = desk.record()
    code = first["code"]
    answer = desk.put(first)
    yield judged("a new record is created", 201, answer.status_code)
    yield judged(
        "and its answer tells outcome and deadline",
        ["code", "deadline", "outcome"],
        sorted(answer.json()),
    )
    yield judged("the same again is unchanged", "unchanged", desk.outcome(first))
    newer = finished(desk, code, 5)
    yield judged("a newer one updates", "updated", desk.outcome(newer))
    yield judged("the older one is stale now", "stale", desk.outcome(first))
    held = desk.get(f"/v1/dossiers/{code}")
    yield judged("what is held is the newest", [9, "finished"], [held["status"], held["state"]])
    typed = desk.record()
    answer = desk.put(typed | {"code": typed["code"].lower()})
    yield judged("a code in small letters is the same code", typed["code"], answer.json()["code"])
    yield from _refused(desk, code)
    yield from _rivals(desk)
    yield from _orders(desk)


def finished(desk: Desk, code: str, day: int) -> Json:
    """A dossier with its result on a day of September."""
    return desk.record(code, status=9, finished_at=at(day), updated_at=at(day, "09:00:05"))


def _refused(desk: Desk, code: str) -> Iterator[Check]:
    stranger = desk.record(
        code, procedure=OTHER_PROCEDURE, received_at=at(8), updated_at=at(8, "09:30:00")
    )
    answer = desk.put(stranger)
    yield judged("another dossier under a code is a conflict", "409 procedure", refusal(answer))
    yield judged("which is kept in quarantine", True, answer.json().get("quarantined"))  # noqa: FBT003
    held = desk.get(f"/v1/dossiers/{code}")["procedure"]
    yield judged("and changes nothing", desk.record(code)["procedure"], held)
    ahead = datetime.now(ZONE) + timedelta(days=1)
    early = desk.record(updated_at=ahead.isoformat(timespec="seconds"))
    yield judged("a stamp of tomorrow is refused", "422 updated_at", desk.outcome(early))
    other = desk.window.once("PUT", f"/v1/dossiers/{desk.code()}", json=desk.record(code))
    yield judged("the address and the record name one code", "422 code", refusal(other))


def _rivals(desk: Desk) -> Iterator[Check]:
    """Of two contents with one stamp the same one stays, whichever comes first."""
    one, two = (desk.record(), desk.record())
    two |= {"code": one["code"], "channel": "online"}
    desk.put(one)
    second = desk.outcome(two)
    yield judged(
        "of two contents with one stamp the second is updated, or quarantined for its stamp",
        True,  # noqa: FBT003
        second in {"updated", "422 updated_at"},
    )
    stays, goes = (two, one) if second == "updated" else (one, two)
    yield judged(
        "the one that stays is unchanged when it comes again", "unchanged", desk.outcome(stays)
    )
    yield judged("the other is refused for its stamp", "422 updated_at", desk.outcome(goes))
    held = desk.get(f"/v1/dossiers/{one['code']}")["channel"]
    yield judged("and does not come back", stays.get("channel", "counter"), held)


def _orders(desk: Desk) -> Iterator[Check]:
    """Three snapshots of one life, in order and backwards."""
    there, back = (_life(desk, desk.code()) for _ in range(2))
    yield judged(
        "three snapshots in order",
        ["created", "updated", "updated"],
        [desk.outcome(one) for one in there],
    )
    yield judged(
        "the same three backwards",
        ["created", "stale", "stale"],
        [desk.outcome(one) for one in back[::-1]],
    )
    yield judged(
        "both ways end in the same facts", desk.facts(there[0]["code"]), desk.facts(back[0]["code"])
    )


def _life(desk: Desk, code: str) -> list[Json]:
    """Received, asked for a supplement, finished."""
    asked = {"reason": "supplement", "from": at(4), "until": None, "ground": "Thiếu trích lục"}
    brought = asked | {"until": at(9)}
    return [
        desk.record(code),
        desk.record(code, status=5, suspensions=[asked], updated_at=at(4, "09:00:05")),
        finished(desk, code, 11) | {"suspensions": [brought]},
    ]
