"""Due dates that are known: counted by hand from the law and the calendars of their years.

Those of `NATIONAL` lean on the national calendar of the server: one that differs says that a notice
of the government is missing there, or entered otherwise. The others bring a calendar of their own.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.simulator.conformance.desk import Check, Desk, Json, judged

WORKING: Final = "working_days"
_OFFICE: Final = [["07:00", "11:30"], ["13:30", "17:00"]]
_WEEK: Final = {
    **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _OFFICE),
    **{day: [] for day in ("sat", "sun")},
}

NATIONAL: Final = (
    ("eight days, nothing between", "2026-07-06T09:15", 8, WORKING, None, "2026-07-16"),
    ("30 April and 1 May 2023", "2023-04-27T09:00", 10, WORKING, None, "2023-05-16"),
    ("Tết 2024", "2024-02-02T09:00", 10, WORKING, None, "2024-02-23"),
    ("a Saturday worked in exchange", "2024-04-24T09:00", 5, WORKING, None, "2024-05-04"),
    ("a Saturday worked between", "2025-04-21T09:00", 8, WORKING, None, "2025-05-05"),
    ("Tết 2026", "2026-02-10T09:00", 8, WORKING, None, "2026-02-27"),
    ("Giỗ Tổ 2026 and 30 April", "2026-04-22T09:00", 8, WORKING, None, "2026-05-07"),
    ("the new day off of 24 November", "2026-11-18T09:00", 5, WORKING, None, "2026-11-26"),
    ("the same day, before the hour", "2026-04-29T14:50", 0, WORKING, "15:00", "2026-04-29"),
    ("the same day, at the hour", "2026-04-29T15:00", 0, WORKING, "15:00", "2026-04-29"),
    ("the same day, after the hour", "2026-04-29T15:20", 0, WORKING, "15:00", "2026-05-04"),
    ("calendar days", "2026-03-25T09:00", 30, "calendar_days", None, "2026-04-24"),
    ("the last day a Saturday", "2026-04-17T09:00", 15, "calendar_days", None, "2026-05-04"),
)

_STOPPED: Final = {
    "received_at": "2026-04-16T09:00:00+07:00",
    "limit": {"quantity": 8, "unit": WORKING},
}
OWN: Final[tuple[tuple[str, Json, str], ...]] = (
    ("a day off that the question brings", {"days_off": ["2026-07-14"]}, "2026-07-17"),
    ("a Saturday that the question works", {"worked": ["2026-07-11"]}, "2026-07-15"),
)


def checks(desk: Desk) -> Iterator[Check]:
    """The calculator's answers to cases that are settled."""
    for name, received, quantity, unit, cutoff, due in NATIONAL:
        limit = {"quantity": quantity, "unit": unit}
        asked: Json = {"received_at": f"{received}:00+07:00", "limit": limit}
        yield judged(
            f"due date: {name}", due, _due(desk, asked | ({"cutoff": cutoff} if cutoff else {}))
        )
    limit = {"quantity": 8, "unit": WORKING}
    base: Json = {"received_at": "2026-07-06T09:15:00+07:00", "limit": limit}
    for name, special, due in OWN:
        calendar = {"zone": "Asia/Ho_Chi_Minh", "week": _WEEK} | special
        yield judged(f"due date: {name}", due, _due(desk, base | {"calendar": calendar}))
    pause = {
        "reason": "supplement",
        "from": "2026-04-24T15:00:00+07:00",
        "until": "2026-04-29T10:00:00+07:00",
    }
    stopped = _STOPPED | {"suspensions": [pause], "supplement": "resume"}
    yield judged("due date: a supplement stops the clock", "2026-05-05", _due(desk, stopped))
    open_ended = _STOPPED | {"suspensions": [pause | {"until": None}], "supplement": "resume"}
    yield judged("due date: none while it is stopped", None, _due(desk, open_ended))
    bad = desk.window.once("POST", "/v1/deadlines", json=base | {"received_at": "2026-07-06T09:15"})
    yield judged("a receipt without an offset is refused", 422, bad.status_code)


def _due(desk: Desk, asked: Json) -> Any:  # noqa: ANN401 JSON
    return desk.window.call("POST", "/v1/deadlines", json=asked).json()["due_on"]
