"""What a change would move, who made which, and closed dossiers counted anew."""

from collections.abc import Callable
from typing import Any

import pytest

from app.db.engine import Sessions
from app.service import changes
from app.service.access import Right
from app.service.publish import publish
from tests.web.test_api_calendars import STORM, due, put
from tests.web.test_api_catalogue import LIMIT, UNKNOWN, errors, law
from tests.web.wire import BRANCH, NOW, OTHER, Api, code, finished, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")

POLICY = "/v1/policies/supplement"


def received(number: int, on: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    at = f"{on}T08:10:00+07:00"
    return (
        record(number, received_at=at, promised_at=None, updated_at=f"{on}T08:10:05+07:00") | more
    )


def dues(api: Api) -> dict[str, tuple[str | None, str]]:
    items = api.get("/v1/dossiers", state="open")["items"]
    return {item["code"]: (item["due_on"], item["state"]) for item in items}


def newest(api: Api) -> int:
    items = api.get("/v1/publications", limit=1)["items"]
    return int(items[0]["version"])


# ---------------------------------------------------------------------------------------- previews


def test_a_preview_changes_nothing_and_counts_what_publishing_then_moves(sender: Api):
    sender.batch([received(n, f"2026-11-{8 + n:02}") for n in (1, 2, 8, 9, 10)])
    before, version = dues(sender), newest(sender)

    told = put(sender, f"{BRANCH}/days/2026-11-26", STORM, preview=True)

    assert (told["preview"], told["changed"]) == (True, True)
    assert (dues(sender), newest(sender)) == (before, version)
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404
    assert told == put(sender, f"{BRANCH}/days/2026-11-26", STORM, preview=True)
    made = put(sender, f"{BRANCH}/days/2026-11-26", STORM, if_version=told["version"])
    after = dues(sender)
    moved = {one for one in before if before[one] != after[one]}
    assert made["dossiers_moved"] == told["dossiers_moved"] == len(moved) == 3
    assert (told["dossiers_concerned"], sum(told["by_days"].values())) == (3, 3)
    assert told["by_branch"] == {BRANCH: 3}
    examples = {one["code"]: one for one in told["examples"]}
    assert examples.keys() == moved
    for one, example in examples.items():
        assert (example["old_due_on"], example["new_due_on"]) == (before[one][0], after[one][0])


def test_a_preview_tells_what_would_become_overdue_and_what_no_longer(sender: Api):
    sender.batch([received(1, "2026-11-10"), received(2, "2026-11-09")])  # due the 20th, the 19th
    assert (due(sender), due(sender, code(2))) == ("2026-11-20", "2026-11-19")
    worked = {"kind": "work", "name": "Làm bù", "source": "CV 2"}

    sooner = put(sender, f"{BRANCH}/days/2026-11-14", worked, preview=True)
    later = put(sender, f"{BRANCH}/days/2026-11-18", STORM, preview=True)

    assert (sooner["become_overdue"], sooner["no_longer_overdue"]) == (1, 0)
    assert (later["become_overdue"], later["no_longer_overdue"]) == (0, 1)
    assert sooner["by_days"] == {"-1": 2}
    assert later["by_days"] == {"1": 1, "3": 1}
    put(sender, f"{BRANCH}/days/2026-11-14", worked)
    assert (due(sender), due(sender, code(2))) == ("2026-11-19", "2026-11-18")


def test_a_preview_tells_who_gets_and_who_loses_a_due_date(sender: Api):
    sender.put(record(1, procedure=UNKNOWN))
    path = f"/v1/procedures/{UNKNOWN}"

    gain = sender.http.put(f"{path}?preview=true", json=law()).json()
    assert (gain["gain_due_day"], gain["lose_due_day"], gain["dossiers_moved"]) == (1, 0, 1)
    assert due(sender) is None
    sender.http.put(path, json=law())
    later = law(LIMIT | {"valid_from": "2027-01-01"})
    lose = sender.http.put(f"{path}?preview=true", json=later).json()

    assert (lose["gain_due_day"], lose["lose_due_day"], lose["by_days"]) == (0, 1, {})
    assert due(sender) == "2026-11-19"
    assert sender.http.put(path, json=later).json()["dossiers_moved"] == 1
    assert due(sender) is None


def test_a_preview_of_what_is_so_already_says_so(sender: Api):
    sender.put(record(1))
    body = sender.get("/v1/calendars/national")

    told = put(sender, "national", body, preview=True)

    assert (told["changed"], told["dossiers_concerned"], told["dossiers_moved"]) == (False, 0, 0)


def test_a_preview_names_no_dossier_of_others(api: Callable[..., Api], sessions: Sessions):
    office = {"code": "Z01", "name": "Văn phòng khác", "province": "Z01"}
    branch = {"code": "Z01.01", "name": "Chi nhánh khác", "short_name": "Khác"}
    with sessions.begin() as session:
        body = {"office": office, "branches": [branch], "communes": []}
        publish(session, changes.office(body), "test", NOW)
    other = api("other", office_code="Z01")
    theirs = record(1, code="Z01.01-261116-0001", branch="Z01.01")
    assert other.put(theirs).status_code == 201
    ours = api()
    ours.put(record(1))

    told = put(ours, "national/days/2026-11-26", STORM, preview=True)

    assert (told["dossiers_concerned"], told["dossiers_moved"]) == (2, 2)
    assert told["by_branch"] == {BRANCH: 1}
    assert [one["code"] for one in told["examples"]] == [code(1)]
    assert "Z01" not in str(told)


def test_a_preview_that_is_out_of_date_is_not_published(sender: Api):
    seen = put(sender, f"{BRANCH}/days/2026-11-26", STORM, preview=True)["version"]
    put(sender, f"{OTHER}/days/2026-11-26", STORM)

    address = f"/v1/calendars/{BRANCH}/days/2026-11-26"
    for query in ({"if_version": seen}, {"if_version": seen, "preview": True}):
        answer = sender.http.put(address, json=STORM, params=query)
        assert answer.status_code == 409
        assert str(newest(sender)) in answer.json()["title"]
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404
    told = put(sender, f"{BRANCH}/days/2026-11-26", STORM, if_version=newest(sender))
    assert told["changed"] is True


# ------------------------------------------------------------------------------------ publications


def test_publications_are_read_page_by_page_and_each_in_its_scope(
    api: Callable[..., Api], sender: Api
):
    sender.put(record(1))
    for scope in (BRANCH, OTHER, "H20.16", "national"):
        put(sender, f"{scope}/days/2026-11-26", STORM | {"name": scope})

    first = sender.get("/v1/publications", limit=3)
    second = sender.get("/v1/publications", limit=3, cursor=first["next"])

    shown = [*first["items"], *second["items"]]
    subjects = [item["subject"] for item in shown if item["kind"] == "calendar"]
    assert subjects[:4] == ["national", "H20.16", OTHER, BRANCH]
    versions = [item["version"] for item in shown]
    assert versions == sorted(versions, reverse=True)
    mine = shown[3]
    assert mine | {"by": "client:one-stop", "dossiers_moved": 1, "complete": True} == mine
    theirs = api("theirs", branches=[OTHER], rights=[Right.READ]).get("/v1/publications")["items"]
    assert [item["subject"] for item in theirs][:3] == ["national", "H20.16", OTHER]
    assert BRANCH not in {item["subject"] for item in theirs}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=0", "cursor=x"])
def test_a_page_of_publications_that_cannot_be_is_refused(sender: Api, query: str):
    assert query.partition("=")[0] in errors(sender.http.get(f"/v1/publications?{query}"))


# --------------------------------------------------------------------------------------- recounts


def test_a_closed_dossier_is_counted_anew_only_when_somebody_asks(
    api: Callable[..., Api], sender: Api
):
    sender.put(finished(1, "2026-11-19"))
    assert due(sender) == "2026-11-27"
    assert put(sender, f"{BRANCH}/days/2026-11-18", STORM)["dossiers_moved"] == 0
    assert due(sender) == "2026-11-27"

    reason = {"reason": "Bão được công bố sau"}
    answer = sender.http.post(f"/v1/dossiers/{code(1)}/recounts", json=reason)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["old_due_on"], told["new_due_on"]) == ("2026-11-27", "2026-11-30")
    assert (told["old_verdict"], told["new_verdict"]) == ("early", "early")
    assert due(sender) == "2026-11-30"
    last = sender.get(f"/v1/dossiers/{code(1)}/history")["items"][-1]
    assert (last["by"], last["why"]) == ("client:one-stop", f"recount: {reason['reason']}")
    assert (last["old_due_on"], last["new_due_on"]) == ("2026-11-27", "2026-11-30")
    others = api("others", branches=[OTHER])
    for path in (code(1), "nonsense"):
        assert others.http.post(f"/v1/dossiers/{path}/recounts", json=reason).status_code == 404


@pytest.mark.parametrize("body", [{}, {"reason": "x"}, {"reason": "\0\0\0"}, {"reason": "x" * 501}])
def test_a_recount_needs_a_reason(sender: Api, body: dict[str, str]):
    sender.put(finished(1, "2026-11-19"))

    answer = sender.http.post(f"/v1/dossiers/{code(1)}/recounts", json=body)

    assert "reason" in errors(answer)
    assert len(sender.get(f"/v1/dossiers/{code(1)}/history")["items"]) == 1


# -------------------------------------------------------------------------------------- supplement


def restart(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [{"policy": "restart", "ground": "NĐ 61/2018"} | row for row in rows]}


def test_the_supplement_policy_put_back_as_it_is_read_changes_nothing(sender: Api):
    body = sender.get(POLICY)
    assert [row["policy"] for row in body["rows"]] == ["restart", "resume"]

    assert sender.http.put(POLICY, json=body).json()["changed"] is False
    assert sender.get(POLICY) == body


def test_another_supplement_policy_is_previewed_and_moves_what_was_supplemented(sender: Api):
    pause = {
        "reason": "supplement",
        "from": "2026-11-18T15:00:00+07:00",
        "until": "2026-11-19T10:00:00+07:00",
        "ground": "Phiếu yêu cầu bổ sung",
    }
    stamp = "2026-11-19T10:00:05+07:00"
    sender.batch([record(1, suspensions=[pause], updated_at=stamp), record(2)])
    before = due(sender)

    told = sender.http.put(f"{POLICY}?preview=true", json=restart({})).json()
    assert (told["dossiers_concerned"], told["dossiers_moved"]) == (2, 1)
    assert due(sender) == before
    made = sender.http.put(POLICY, json=restart({})).json()

    assert (made["dossiers_moved"], made["kind"]) == (1, "supplement")
    assert due(sender) == told["examples"][0]["new_due_on"] == "2026-12-02"
    assert before == "2026-11-30"


@pytest.mark.parametrize(
    "rows",
    [
        [{"valid_until": "2025-06-30"}, {"valid_from": "2025-07-02"}],
        [{"valid_until": "2025-06-30"}, {"valid_from": "2025-06-30"}],
        [{}, {"valid_from": "2025-07-01"}],
        [{"valid_from": "2025-07-01"}],
        [{"valid_until": "2025-07-01"}],
        [],
    ],
    ids=["gap", "overlap", "all and more", "nothing before", "nothing after", "no row"],
)
def test_a_day_of_receipt_under_no_policy_or_two_is_refused(
    sender: Api, rows: list[dict[str, Any]]
):
    body = sender.get(POLICY)

    assert "rows" in errors(sender.http.put(POLICY, json=restart(*rows)))
    assert sender.get(POLICY) == body


def test_what_still_runs_counts_by_the_calendar_of_today(sender: Api):
    """The hand-over of a dossier that was finished before two days were lost to a storm."""
    sender.put(finished(1, "2026-11-16"))
    for on in ("2026-11-18", "2026-11-19"):
        put(sender, f"{BRANCH}/days/{on}", STORM)

    told = sender.get(f"/v1/dossiers/{code(1)}/deadline")

    (owed,) = (one for one in told["duties"] if one["duty"] == "hand_over")
    assert (owed["due_on"], owed["late"]) == ("2026-11-23", False)  # 17, 20 and 23
    assert told["due_on"] == "2026-11-27"
