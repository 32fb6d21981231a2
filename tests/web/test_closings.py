"""A period is closed, the next one opens with its list, and what was frozen never moves again."""

import json
from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db.engine import Sessions
from app.service.access import Right
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, NAME, OTHER, Api, Clock, Record, code, record

# 2026-RQ2 is from 15 March to 14 June
AFTER = vn("2026-06-16 08:00")
LATER = vn("2026-06-25 08:00")
END_OF_RQ3 = vn("2026-09-16 08:00")
FIGURES = (
    *("online", "direct", "carried_over", "early", "on_time", "late", "in_time", "overdue"),
    *("received", "settled", "open"),
)


def came(number: int, on: str, at: str | None = None, **changes: Any) -> Record:  # noqa: ANN401
    """A dossier received on a day; told of then, or at an instant."""
    received = f"{on}T08:10:00+07:00"
    return (
        record(
            number,
            received_at=received,
            promised_at=f"{on[:5]}{'07' if on > '2026-05' else '06'}-10T17:00:00+07:00",
            updated_at=at or received,
        )
        | changes
    )


def over(held: Record, on: str, at: str) -> Record:
    return held | {"status": 9, "finished_at": f"{on}T10:00:00+07:00", "updated_at": at}


def told(held: Record, **changes: Any) -> Record:  # noqa: ANN401
    """The same dossier, told of again after RQ2 was closed."""
    return held | {"updated_at": "2026-06-20T08:00:00+07:00"} | changes


FIRST = {
    1: over(came(1, "2026-05-04"), "2026-05-12", "2026-05-12T10:00:00+07:00"),
    2: came(2, "2026-06-01"),
    3: came(3, "2026-06-01"),
    4: came(4, "2026-06-01"),
    5: came(5, "2026-06-01"),
    8: over(came(8, "2026-05-04"), "2026-06-12", "2026-06-12T10:00:00+07:00"),
    9: came(9, "2026-06-01", channel="online"),
    10: came(10, "2026-06-10"),
    12: came(12, "2026-06-01", branch=OTHER),
    13: came(13, "2026-06-01"),
    14: came(14, "2026-06-01"),
}
SINCE = [
    told(over(FIRST[3], "2026-06-11", ""), updated_at="2026-06-20T08:00:00+07:00"),
    told(FIRST[4], branch=OTHER),
    told(FIRST[5], procedure="1.012784", case=None),
    came(6, "2026-06-10", at="2026-06-20T08:00:00+07:00"),
    over(came(7, "2026-06-01"), "2026-06-12", "2026-06-20T08:00:00+07:00"),
    told(FIRST[8], status=4, finished_at=None),
    told(FIRST[9], status=1, received_at=None, submitted_at="2026-06-01T08:10:00+07:00"),
    told(FIRST[10], received_at="2026-06-17T08:10:00+07:00"),
    came(11, "2026-06-16"),
    over(FIRST[13], "2026-06-18", "2026-06-20T08:00:00+07:00"),
    # moved, and by the facts received only in the period
    told(FIRST[14], branch=OTHER, received_at="2026-06-17T08:10:00+07:00"),
]
REASONS = {
    3: "ended_before", 4: "moved", 5: "procedure_changed", 6: "came_late", 8: "reopened",
    9: "not_received", 10: "received_later", 14: "moved",
}  # fmt: skip


def taken(sender: Api, *records: Record) -> None:
    for held in records:
        answer = sender.put(held)
        assert answer.status_code in (200, 201), (held["code"], answer.text)
        assert answer.json()["outcome"] in ("created", "updated"), answer.text


def close(api: Api, period: str, *despite: str) -> Any:  # noqa: ANN401 JSON
    api.http.post("/v1/heartbeat")
    answer = api.http.post("/v1/closings", json={"period": period, "despite": despite})
    assert answer.status_code == 201, answer.text
    return answer.json()


def form(api: Api, period: str, **more: object) -> Any:  # noqa: ANN401 JSON
    return api.get("/v1/reports/ii-06a", period=period, **more)


def holds(told: Any) -> None:  # noqa: ANN401 JSON
    """Every printed line, and the total, keeps the identities of the form."""
    for row in (*told["rows"], told["totals"]):
        assert row["received"] == row["online"] + row["direct"] + row["carried_over"], row
        assert row["settled"] == row["early"] + row["on_time"] + row["late"], row
        assert row["open"] == row["in_time"] + row["overdue"], row
        assert row["received"] == row["settled"] + row["open"], row
    for name in FIGURES:
        assert sum(row[name] for row in told["rows"] if row["level"] == 0) == told["totals"][name]
        assert sum(row[name] for row in told["rows"] if row["level"] > 0) == told["totals"][name]


@pytest.fixture
def closed(sender: Api, clock: Clock) -> Any:  # noqa: ANN401 JSON
    """The second reporting quarter, closed two days after its end."""
    clock.now = AFTER
    taken(sender, *FIRST.values())
    return close(sender, "2026-RQ2")


@pytest.fixture
def changed(sender: Api, clock: Clock, closed: dict[str, Any]) -> dict[str, Any]:
    """What was told of since, all of it about the quarter that is closed."""
    clock.now = LATER
    taken(sender, *SINCE)
    return closed


# --------------------------------------------------------------------------------------- the story


def test_a_closing_says_what_it_keeps(sender: Api, closed: dict[str, Any]):
    assert closed["period"] == {
        "name": "2026-RQ2", "kind": "reporting_quarter", "from": "2026-03-15", "to": "2026-06-14",
    }  # fmt: skip
    assert (closed["closed_by"], closed["opened_with"]) == ("client:one-stop", None)
    assert closed["dossiers"] == [
        {"branch": OTHER, "in_hand": 1, "open": 1},
        {"branch": BRANCH, "in_hand": 10, "open": 8},
    ]
    assert [one["branch"] for one in closed["reports"]][:2] == [None, OTHER]
    assert sender.get("/v1/closings")["items"][0]["hash"] == closed["hash"]
    assert sender.get(f"/v1/closings/{closed['id']}") == closed


def test_a_frozen_period_answers_the_same_bytes_whatever_came_since(
    sender: Api, clock: Clock, sessions: Sessions
):
    clock.now = AFTER
    taken(sender, *FIRST.values())
    live = form(sender, "2026-RQ2")
    sender.http.post("/v1/heartbeat")
    made = close(sender, "2026-RQ2")
    addresses = [
        f"/v1/reports/ii-06a?period=2026-RQ2{more}"
        for more in ("", f"&branch={BRANCH}", f"&branch={OTHER}", "&as_of=2026-06-14")
        for more in (more, f"{more}&format=xlsx", f"{more}&format=csv&per_branch=true")
    ]
    before = [sender.http.get(address).content for address in addresses]
    frozen = json.loads(before[0])

    assert frozen["closing"] == made["id"]
    for name in ("rows", "totals", "columns", "definition", "period", "as_of", "unit"):
        assert frozen[name] == live[name]

    clock.now = LATER
    taken(sender, *SINCE)
    with sessions.begin() as session:
        session.execute(text("UPDATE branch SET name = name || ' mới'"))
        session.execute(text("UPDATE procedure SET name = name || ' mới'"))
        session.execute(text("UPDATE office SET name = name || ' mới'"))
        session.execute(text("UPDATE catalogue SET version = version + 1"))
    try:
        assert "mới" in str(form(sender, "2026-RQ2", live="true"))
        assert [sender.http.get(address).content for address in addresses] == before
    finally:
        with sessions.begin() as session:
            for table in ("branch", "procedure", "office"):
                session.execute(text(f"UPDATE {table} SET name = replace(name, ' mới', '')"))  # noqa: S608
            session.execute(text("UPDATE catalogue SET version = version + 1"))


@pytest.mark.usefixtures("changed")
def test_the_next_period_opens_with_the_frozen_list(sender: Api, clock: Clock):
    clock.now = END_OF_RQ3
    for unit in ({}, {"branch": BRANCH}, {"branch": OTHER}):
        before, told = form(sender, "2026-RQ2", **unit), form(sender, "2026-RQ3", **unit)

        assert told["closing"] is None
        assert told["totals"]["carried_over"] == before["totals"]["open"]
        holds(before)
        holds(told)
    frozen = close(sender, "2026-RQ3")
    assert frozen["opened_with"] == 1
    assert form(sender, "2026-RQ3")["totals"]["carried_over"] == 9
    holds(form(sender, "2026-RQ3"))


@pytest.mark.usefixtures("changed")
def test_later_corrections_are_lines_of_their_own(sender: Api):
    told = form(sender, "2026-RQ3", branch=BRANCH)
    regular = [row for row in told["rows"] if "adjusts" not in row]
    lines = [row for row in told["rows"] if row.get("adjusts") == "2026-RQ2"]

    # 2 and 13 agree, 11 is new
    assert figures(regular[0]) == {"direct": 1, "carried_over": 2, "settled": 1, "open": 2}
    assert lines[0]["name"] == "Adjustments of the period before"
    # listed: 3 4 5 9 10 14; received: +6 +8, +5 of another procedure, −4 −5 −14, −9 online
    assert figures(lines[0]) == {
        "carried_over": 6, "direct": 0, "online": -1, "settled": 1, "open": 4,
    }  # fmt: skip
    assert [row["procedure"] for row in lines[1:]] in (
        ["1.012784", "1.012790"], ["1.012790", "1.012784"],
    )  # fmt: skip
    assert any("1 listed as open had ended before the period" in note for note in told["notes"])
    assert any("2026-RQ2" in note for note in told["notes"])


def figures(row: Any) -> dict[str, int]:  # noqa: ANN401 JSON
    names = ("online", "direct", "carried_over", "settled", "open")
    return {name: row[name] for name in names if row[name] or row.get("adjusts") == name} | (
        {"direct": row["direct"]} if "adjusts" in row else {}
    )


@pytest.mark.usefixtures("changed")
def test_each_correction_is_listed_with_its_reason(sender: Api, clock: Clock):
    address = "/v1/reports/ii-06a/corrections"
    listed = sender.get(address, period="2026-RQ3")

    assert {one["code"]: one["reason"] for one in listed["items"]} == {
        code(number): reason for number, reason in REASONS.items()
    }
    assert {name: n for name, n in listed["counts"].items() if n} == Counter(REASONS.values())
    moved = next(one for one in listed["items"] if one["code"] == code(4))
    assert moved["was"] == {"branch": BRANCH, "procedure": "1.012790"}
    assert moved["now"]["branch"] == OTHER
    assert paged(sender, address, 3, period="2026-RQ3") == listed["items"]
    assert sender.get(address, period="2026-RQ2")["items"] == []

    clock.now = END_OF_RQ3
    live = sender.get(address, period="2026-RQ3")
    closing = close(sender, "2026-RQ3")
    taken(sender, came(6, "2026-06-16", at="2026-09-16T07:00:00+07:00"))
    kept = sender.get(address, period="2026-RQ3")
    assert kept == live | {"closing": closing["id"]}
    again = sender.get(address, period="2026-RQ3", live="true")
    assert len(again["items"]) == len(kept["items"]) - 1


def paged(api: Api, address: str, limit: int, **more: object) -> list[Any]:
    found: list[Any] = []
    while True:
        page = api.get(address, limit=limit, **more)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        more["cursor"] = page["next"]


def test_the_corrections_of_a_closing_are_all_that_is_not_any_more_as_it_was(
    sender: Api,
    changed: dict[str, Any],
):
    address = f"/v1/closings/{changed['id']}/corrections"
    found = {one["code"]: one for one in sender.get(address)["items"]}

    assert set(found) == {code(number) for number in (3, 4, 5, 6, 7, 8, 9, 10, 14)}
    assert (found[code(3)]["was"]["form"], found[code(3)]["now"]["form"]) == ("in_time", "early")
    assert found[code(7)]["was"] is None
    assert found[code(7)]["now"]["ended_on"] == "2026-06-12"
    assert found[code(9)]["now"] is None
    assert paged(sender, address, 2) == list(found.values())


def test_a_closing_lists_its_dossiers_by_branch_and_class(sender: Api, changed: dict[str, Any]):
    address = f"/v1/closings/{changed['id']}/dossiers"
    everything = sender.get(address)["items"]

    assert [one["code"] for one in everything] == [
        code(12),
        *(code(number) for number in FIRST if number != 12),
    ]
    assert paged(sender, address, 4) == everything
    ended = sender.get(address, form="early")["items"]
    assert [one["code"] for one in ended] == [code(1), code(8)]
    assert ended[0]["ended_on"] == "2026-05-12"
    assert sender.get(address, branch=OTHER)["items"][0]["code"] == code(12)
    assert sender.http.get(address + "?form=lost").status_code == 422


# ---------------------------------------------------------------------------------- what is refused


def refused(api: Api, period: object, *despite: str) -> tuple[int, str]:
    answer = api.http.post("/v1/closings", json={"period": period, "despite": despite})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def test_only_what_is_over_is_closed_once_and_in_order(sender: Api, clock: Clock):
    clock.now = vn("2026-06-14 23:59")
    sender.http.post("/v1/heartbeat")
    assert refused(sender, "2026-RQ2") == (
        422, "period: 2026-RQ2 ends on 2026-06-14; it can be closed from 2026-06-15 on",
    )  # fmt: skip
    assert refused(sender, "2027-RQ2")[0] == 422
    clock.now = AFTER
    close(sender, "2026-RQ2")
    status, why = refused(sender, "2026-RQ2")
    assert status == 409
    assert why.startswith("period: 2026-RQ2 was closed on 2026-06-16 by client:one-stop; a closed")
    assert refused(sender, "2026-RQ1")[0] == 409
    close(sender, "2026-RH1")  # of another kind
    for wrong in ("2026-RQ5", "", "2026-03-15..2026-06-14", None, 3):
        assert refused(sender, wrong)[0] == 422
    assert refused(sender, "2026-Q1", "everything")[0] == 422


def test_a_branch_that_was_not_heard_of_since_holds_the_closing_up(sender: Api, clock: Clock):
    clock.now = vn("2026-06-14 22:00")
    sender.http.post("/v1/heartbeat")
    clock.now = AFTER
    sender.http.post("/v1/heartbeat", json={"branches": [BRANCH]})

    status, why = refused(sender, "2026-RQ2")

    assert (status, why[:10]) == (422, "despite: n")
    assert OTHER in why
    assert BRANCH not in why
    answer = sender.http.post("/v1/closings", json={"period": "2026-RQ2", "despite": ["unheard"]})
    assert answer.status_code == 201
    notes = form(sender, "2026-RQ2")["notes"]
    assert any(OTHER in note and "Not heard of" in note for note in notes)
    assert form(sender, "2026-RQ2", branch=BRANCH)["notes"] == []


def test_what_lay_in_quarantine_is_a_note(sender: Api, clock: Clock):
    clock.now = AFTER
    sender.batch([came(1, "2026-06-01", status=5), came(2, "2026-06-01", branch="H20.16.99")])
    close(sender, "2026-RQ2")

    (note,) = form(sender, "2026-RQ2")["notes"]
    assert note.endswith(": 2.")
    assert form(sender, "2026-RQ2", branch=BRANCH)["notes"][0].endswith(": 1.")
    assert form(sender, "2026-RQ2", branch=OTHER)["notes"] == []


def test_of_two_closings_at_once_one_wins(sender: Api, api: Callable[..., Api], clock: Clock):
    clock.now = AFTER
    taken(sender, *FIRST.values())
    sender.http.post("/v1/heartbeat")
    others = [api(f"keeper-{number}") for number in range(4)]
    barrier, found = Barrier(4), []

    def run(one: Api) -> None:
        barrier.wait()
        found.append(one.http.post("/v1/closings", json={"period": "2026-RQ2"}))

    threads = [Thread(target=run, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in found) == [201, 409, 409, 409]
    assert len(sender.get("/v1/closings")["items"]) == 1
    assert sender.get("/v1/closings/1")["dossiers"][1]["in_hand"] == 10


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize(
    "table", ["closing", "closing_report", "closing_dossier", "closing_adjustment"]
)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_every_change(sessions: Sessions, table: str, change: str):
    column = "office = office" if table == "closing" else "closing_id = closing_id"
    with sessions() as session, pytest.raises(DBAPIError, match="a closed period is never changed"):
        session.execute(text(change.format(table, column)))


# ---------------------------------------------------------------------------------------- who may


def test_only_the_whole_office_with_the_right_to_keep_it_closes(
    api: Callable[..., Api], sender: Api, clock: Clock
):
    clock.now = AFTER
    sender.http.post("/v1/heartbeat")
    for stranger in (
        api("branch", branches=[BRANCH]),
        api("catalogue", rights=[Right.CATALOGUE, Right.READ, Right.INTAKE]),
    ):
        assert refused(stranger, "2026-RQ2")[0] == 403
    assert sender.get("/v1/closings")["items"] == []


def test_a_caller_sees_of_a_closing_what_is_of_its_branches(
    api: Callable[..., Api],
    sender: Api,
    changed: dict[str, Any],
):
    mine = api("other", branches=[OTHER])
    number = changed["id"]

    told = mine.get(f"/v1/closings/{number}")
    assert told["dossiers"] == [{"branch": OTHER, "in_hand": 1, "open": 1}]
    assert [one["branch"] for one in told["reports"]] == [OTHER]
    assert form(mine, "2026-RQ2") == form(sender, "2026-RQ2", branch=OTHER)
    assert [one["code"] for one in mine.get(f"/v1/closings/{number}/dossiers")["items"]] == [
        code(12)
    ]
    for path in ("dossiers", "corrections"):
        assert mine.http.get(f"/v1/closings/{number}/{path}?branch={BRANCH}").status_code == 404
    (came_here,) = mine.get(f"/v1/closings/{number}/corrections")["items"]
    assert (came_here["code"], came_here["was"]) == (code(4), None)
    moved = mine.get("/v1/reports/ii-06a/corrections", period="2026-RQ3")["items"]
    assert [(one["code"], one["was"]) for one in moved] == [(code(4), None)]
    assert BRANCH + '"' not in json.dumps(moved)
    assert NAME not in json.dumps(moved)
    foreign = api("foreign", branches=[])
    assert foreign.get(f"/v1/closings/{number}/dossiers")["items"] == []


def test_several_branches_are_their_frozen_forms_added_up(
    api: Callable[..., Api],
    sender: Api,
    changed: dict[str, Any],
    clock: Clock,
):
    clock.now = END_OF_RQ3
    close(sender, "2026-RQ3")
    both = api("both", branches=[BRANCH, OTHER])
    for period in ("2026-RQ2", "2026-RQ3"):
        told, whole = form(both, period), form(sender, period)

        assert changed["id"] <= told["closing"]
        holds(told)
        assert (told["rows"], told["totals"]) == (whole["rows"], whole["totals"])


@pytest.mark.usefixtures("changed")
def test_closed_in_a_row_each_opens_with_the_one_before(api: Callable[..., Api], clock: Clock):
    clock.now = vn("2027-03-16 08:00")
    sender = api("next-year")
    last = form(sender, "2026-RQ2")["totals"]["open"]
    for period in ("2026-RQ3", "2026-RQ4", "2027-RQ1"):
        close(sender, period)
        told = form(sender, period)
        holds(told)
        assert told["totals"]["carried_over"] == last
        last = told["totals"]["open"]


def test_of_several_that_end_together_a_period_opens_with_that_of_its_kind(
    sender: Api, clock: Clock
):
    clock.now = AFTER
    taken(sender, FIRST[2], FIRST[3])
    close(sender, "2026-RQ2")
    assert form(sender, "2026-RH2")["totals"]["carried_over"] == 2  # there is no other

    taken(sender, came(6, "2026-06-10", at="2026-06-16T07:00:00+07:00"))
    close(sender, "2026-RH1")

    told = {period: form(sender, period)["totals"] for period in ("2026-RQ3", "2026-RH2")}
    assert (told["2026-RQ3"]["carried_over"], told["2026-RQ3"]["direct"]) == (2, 1)
    assert (told["2026-RH2"]["carried_over"], told["2026-RH2"]["direct"]) == (3, 0)
    days = {"from": "2026-06-15", "to": "2026-06-16"}
    assert sender.get("/v1/reports/ii-06a", **days)["totals"]["carried_over"] == 3  # the last made
