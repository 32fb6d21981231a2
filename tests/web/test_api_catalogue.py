"""The catalogue over HTTP: published, read, and followed by the dossiers that wait for it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.db.engine import Sessions
from app.service import changes
from app.service.access import Right
from app.service.publish import publish
from tests.service.simulated import CATALOGUE
from tests.web.wire import BRANCH, NOW, Api, code, finished, record

pytestmark = pytest.mark.usefixtures("catalogue_as_it_was")

UNKNOWN = "9.876543"
LIMIT = {"valid_from": "2026-01-01", "quantity": 3, "unit": "working_days"}


def law(*limits: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    cases = [{"case": "default", "name": "Chung", "limits": list(limits or (LIMIT,))}]
    return {"code": UNKNOWN, "name": "Thủ tục mới", "cases": cases} | changes


def calendar(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    body: dict[str, Any] = json.loads((CATALOGUE / "calendar_vn.json").read_text(encoding="utf-8"))
    return body | changes


def test_an_unknown_procedure_gets_its_due_date_when_it_is_published(sender: Api):
    created = sender.put(record(1, procedure=UNKNOWN)).json()
    assert (created["deadline"]["state"], created["deadline"]["due_on"]) == ("no_limit", None)

    told = sender.http.put(f"/v1/procedures/{UNKNOWN}", json=law())

    assert told.status_code == 200, told.text
    moved = {"dossiers_derived": 1, "dossiers_moved": 1, "complete": True}
    assert told.json() | moved | {"changed": True, "rows_changed": 2} == told.json()
    deadline = sender.get(f"/v1/dossiers/{code(1)}/deadline")
    assert (deadline["state"], deadline["due_on"]) == ("running", "2026-11-19")
    last = sender.get(f"/v1/dossiers/{code(1)}/history")["items"][-1]
    assert (last["old_due_on"], last["new_due_on"]) == (None, "2026-11-19")
    assert last["why"].startswith("catalogue")
    shown = {item["code"]: item for item in sender.get("/v1/procedures")["items"]}[UNKNOWN]
    assert shown["cases"][0]["limits"][0]["quantity"] == 3


def test_a_new_calendar_moves_the_open_dossiers_of_its_scope(sender: Api):
    sender.put(record(1))
    days = [*calendar()["days"], {"date": "2026-11-25", "kind": "off", "name": "Bão"}]

    told = sender.http.put(f"/v1/calendars/{BRANCH}", json=calendar(days=days)).json()

    moved = {"dossiers_derived": 1, "dossiers_moved": 1, "complete": True}
    assert told | {"changed": True, "kind": "calendar", "subject": BRANCH} | moved == told
    assert sender.get(f"/v1/dossiers/{code(1)}/deadline")["due_on"] == "2026-11-30"
    assert sender.get(f"/v1/calendars/{BRANCH}")["version"] == 1
    again = sender.http.put(f"/v1/calendars/{BRANCH}", json=calendar(days=days)).json()
    assert again["changed"] is False
    assert sender.http.get("/v1/calendars/H20.16.04").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        law(LIMIT | {"quantity": -1}),
        law(LIMIT | {"quantity": 10**9}),
        law(LIMIT | {"unit": "weeks"}),
        law(LIMIT | {"cutoff": "15:00+07:00"}),
        law(LIMIT | {"valid_until": "2025-01-01"}),
        law(LIMIT, LIMIT | {"valid_from": "2026-06-01"}),
        law(LIMIT, LIMIT),
        law(code="1.000000"),
        law(name="\0"),
        law(cases=[]),
        law(hạn=3),
        [],
    ],
    ids=range(12),
)
def test_a_law_that_contradicts_itself_is_a_problem_and_changes_nothing(
    sender: Api,
    body: Any,  # noqa: ANN401 JSON
):
    answer = sender.http.put(f"/v1/procedures/{UNKNOWN}", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert UNKNOWN not in {item["code"] for item in sender.get("/v1/procedures")["items"]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        calendar(week=[]),
        calendar(week={}),
        calendar(week={}, days=[{"date": "2026-01-05", "kind": "off", "hours": [["7:00", "8"]]}]),
        calendar(
            week={},
            days=[
                {"date": "2026-01-05", "kind": "work", "name": "", "hours": [["07:00", "08:00"]]}
            ],
        ),
        calendar(week={"mon": [["22:00", "02:00"]]}),
        calendar(week={"mon": 5}),
        calendar(zone="Asia"),
        calendar(zone="Asia/Hà_Nội"),
        calendar(zone=5),
        calendar(days=5),
        calendar(days=[5]),
        calendar(days={"a": 1}),
        calendar(days=[{"date": "2026-01-05", "kind": "off"}]),
        calendar(
            days=[
                {"date": "2026-01-05", "kind": "off", "name": ""},
                {"date": "2026-01-05", "kind": "work", "name": ""},
            ]
        ),
        calendar(confirmed_from=5),
        calendar(name="\0"),
    ],
    ids=range(17),
)
def test_a_calendar_that_contradicts_itself_is_a_problem_and_changes_nothing(
    sender: Api,
    body: Any,  # noqa: ANN401 JSON
):
    answer = sender.http.put(f"/v1/calendars/{BRANCH}", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert sender.http.get(f"/v1/calendars/{BRANCH}").status_code == 404


# -------------------------------------------------------------------- what is read is what is put


def test_every_procedure_put_back_as_it_is_read_moves_nothing(sender: Api):
    sender.put(record(1))
    items = sender.get("/v1/procedures")["items"]
    assert len(items) > 50

    for item in items:
        told = sender.http.put(f"/v1/procedures/{item['code']}", json=item)
        assert told.status_code == 200, told.text
        assert (told.json()["rows_changed"], told.json()["dossiers_moved"]) == (0, 0)

    assert sender.get("/v1/procedures")["items"] == items
    assert len(sender.get(f"/v1/dossiers/{code(1)}/history")["items"]) == 1


def test_a_procedure_as_the_files_have_it_is_the_one_that_is_published(sender: Api):
    for item in json.loads((CATALOGUE / "procedures.json").read_text(encoding="utf-8"))[:20]:
        told = sender.http.put(f"/v1/procedures/{item['code']}", json=item).json()
        assert told["rows_changed"] == 0


def test_the_office_put_back_as_it_is_read_moves_nothing(sender: Api):
    sender.put(record(1, commune="29926"))
    body = sender.get("/v1/offices/H20.16")
    assert (len(body["branches"]), len(body["communes"])) == (10, 102)
    assert body["office"]["province"] == "H20"

    told = sender.http.put("/v1/offices/H20.16", json=body)

    assert told.status_code == 200, told.text
    assert told.json()["dossiers_moved"] == 0
    assert sender.get("/v1/offices/H20.16") == body


def test_a_calendar_put_back_as_it_is_read_moves_nothing(sender: Api):
    sender.put(record(1))
    body = sender.get("/v1/calendars/national")
    assert body["scope"] == "national"

    told = sender.http.put("/v1/calendars/national", json=body).json()

    nothing = {"rows_changed": 0, "dossiers_derived": 0, "dossiers_moved": 0}
    assert told == {"changed": False} | nothing
    assert sender.get("/v1/calendars/national") == body


def test_a_client_of_one_branch_reads_the_office_as_far_as_it_may(api: Callable[..., Api]):
    mine = api("mine", branches=[BRANCH])

    body = mine.get("/v1/offices/H20.16")

    assert [branch["code"] for branch in body["branches"]] == [BRANCH]
    assert {commune["branch"] for commune in body["communes"]} == {BRANCH}
    assert mine.http.get("/v1/offices/H19.01").status_code == 404


# -------------------------------------------------------------------- refusals


PUT = {
    f"/v1/procedures/{UNKNOWN}": law(),
    "/v1/offices/H20.16": {},
    f"/v1/calendars/{BRANCH}": calendar(),
}


@pytest.mark.parametrize("path", PUT)
def test_who_may_not_publish_is_refused(api: Callable[..., Api], path: str):
    reader = api("reader", rights=[Right.READ, Right.INTAKE])

    refused = reader.http.put(path, json=PUT[path])

    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert "catalogue" in refused.json()["title"]
    del reader.http.headers["Authorization"]
    assert reader.http.put(path, json=PUT[path]).status_code == 401


def errors(answer: Any) -> dict[str, str]:  # noqa: ANN401 a response
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["detail"] for error in answer.json()["errors"]}


ENDED = LIMIT | {"valid_until": "2026-03-31"}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (law(LIMIT, LIMIT | {"valid_from": "2026-06-01"}), ("2026-01-01 – …", "2026-06-01 – …")),
        (
            law(ENDED, LIMIT | {"valid_from": "2026-04-02"}),
            ("2026-01-01 – 2026-03-31", "2026-04-02"),
        ),
    ],
    ids=["overlap", "gap"],
)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_overlap_and_a_gap_name_both_rows_in_the_callers_language(
    sender: Api, body: dict[str, Any], rows: tuple[str, str], language: str
):
    headers = {"Accept-Language": language}
    told = errors(sender.http.put(f"/v1/procedures/{UNKNOWN}", json=body, headers=headers))

    detail = told[f"{UNKNOWN}.default.national"]
    assert all(row in detail for row in rows)
    assert ("thời hạn" in detail) == (language == "vi")


def test_a_gap_that_is_meant_says_so_and_is_read_back(sender: Api):
    body = law(ENDED | {"ends": True}, LIMIT | {"valid_from": "2026-06-01"})

    assert sender.http.put(f"/v1/procedures/{UNKNOWN}", json=body).json()["rows_changed"] == 3

    item = {one["code"]: one for one in sender.get("/v1/procedures")["items"]}[UNKNOWN]
    assert [limit.get("ends") for limit in item["cases"][0]["limits"]] == [True, None]
    assert sender.http.put(f"/v1/procedures/{UNKNOWN}", json=item).json()["rows_changed"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (law(LIMIT | {"valid_untill": None}), "cases.0.limits.0.valid_untill"),
        (law(LIMIT | {"province": "h20"}), "cases.0.limits.0.province"),
        (law(LIMIT | {"stages": [{"quantity": 1}]}), "cases.0.limits.0.stages.0.unit"),
        (law(LIMIT | {"difficult": {"quantity": -1}}), "cases.0.limits.0.difficult.quantity"),
    ],
    ids=range(4),
)
def test_a_wrong_field_is_named_by_its_place(sender: Api, body: dict[str, Any], field: str):
    told = errors(sender.http.put(f"/v1/procedures/{UNKNOWN}", json=body))

    assert any(name.startswith(field) for name in told)


def test_a_code_with_a_provinces_suffix_is_not_published(sender: Api):
    """Nothing would ever find it: intake reads `9.876543.H19` as `9.876543`."""
    body = law(code=f"{UNKNOWN}.H19")

    told = errors(sender.http.put(f"/v1/procedures/{UNKNOWN}.H19", json=body))

    assert UNKNOWN in told["code"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"office": {"code": "H20.16", "name": "x", "province": "Đồng Tháp"}}, "office.province"),
        ({"branches": [{"code": "H20.16.03"}]}, "branches.0.name"),
        ({"communes": [{"code": "1", "name": "x", "branch": "H19.1"}]}, "communes"),
        ({"hạn": 1}, "hạn"),
    ],
    ids=range(4),
)
def test_an_office_that_contradicts_itself_is_a_problem(
    sender: Api, change: dict[str, Any], field: str
):
    body = sender.get("/v1/offices/H20.16")

    assert field in errors(sender.http.put("/v1/offices/H20.16", json=body | change))
    assert sender.get("/v1/offices/H20.16") == body


def test_the_office_of_others_is_not_found(api: Callable[..., Api], sessions: Sessions):
    body = api().get("/v1/offices/H20.16")
    held = {"code": "H19.01", "name": "Văn phòng Đăng ký đất đai Đồng Nai", "province": "H19"}
    with sessions.begin() as session:
        body = {"office": held, "branches": [], "communes": []}
        publish(session, changes.office(body), "test", NOW)
    other = api("other", office_code="H19.01")

    assert other.http.put("/v1/offices/H20.16", json=body).status_code == 404
    assert other.http.get("/v1/offices/H20.16").status_code == 404
    assert other.get("/v1/offices/H19.01") == {"office": held, "branches": [], "communes": []}


# -------------------------------------------------------------------- what is not confirmed

B_SOURCE = (
    "collected table of time limits under NĐ 101/2024; the text of Điều 22 was read in part only"
)
B_DOUBT = "that this code was in use from 2024-08-01 to 2025-06-30 is not confirmed"
SOURCED = {"source": B_SOURCE, "confidence": "memory_medium", "doubt": B_DOUBT}
RECEIVED = "2024-08-01T09:00:00+07:00"


def told_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in SOURCED}


@pytest.mark.parametrize("suffix", ["", ".H19", ".000.00.00.H01"])
def test_the_calculator_carries_the_doubt_of_the_limit_of_the_day(sender: Api, suffix: str):
    def ask(received: str) -> Any:  # noqa: ANN401 JSON
        body = {"received_at": received, "procedure": f"1.012790{suffix}", "branch": BRANCH}
        return sender.http.post("/v1/deadlines", json=body).json()

    told = ask(RECEIVED)

    assert told_of(told) == SOURCED
    assert (told["limit"]["quantity"], told["supplement"]) == (10, "restart")
    assert told["due_on"] == "2024-08-15"
    assert told["ground"].startswith("NĐ 101/2024/NĐ-CP Điều 22")
    later = ask("2025-12-05T09:00:00+07:00")
    assert later["ground"].startswith("QĐ 138/2025/QĐ-UBND Đồng Tháp")
    assert (later["confidence"], later["limit"]["quantity"]) == ("found", 8)
    assert "NĐ 49/2026" in later["doubt"]


def test_the_deadline_of_a_dossier_carries_the_doubt_it_was_judged_with(sender: Api):
    old = {"received_at": RECEIVED, "promised_at": None, "updated_at": "2024-08-21T08:00:00+07:00"}
    answer = sender.put(finished(1, "2024-08-20", code=code(1, "240801"), **old))
    assert answer.status_code == 201, answer.text

    told = sender.get(f"/v1/dossiers/{code(1, '240801')}/deadline")

    assert told_of(told) == SOURCED
    assert (told["due_on"], told["supplement"]) == ("2024-08-15", "restart")


def test_a_dossier_of_a_difficult_commune_has_the_longer_limit(sender: Api):
    communes = sender.get("/v1/communes")["items"]
    hard = next(one for one in communes if one["difficult_from"])

    told = sender.put(record(1, branch=hard["branch"], commune=hard["code"])).json()["deadline"]

    assert (told["difficult"], told["limit"]["quantity"]) == (True, 18)
