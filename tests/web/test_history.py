"""A dossier's history, as a sender reads it and as an inspector does."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.core.lifecycle import Facts
from app.db.engine import Sessions
from app.db.tables.dossiers import FACTS
from app.service import access
from app.service.roots import seal
from app.web.deps import COOKIE
from app.web.pages.words import FIELDS
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, Clock, code, finished, record

STORM = {"kind": "off", "name": "Nghỉ do bão số 13", "source": "CV 13/UBND"}
STOP = {"reason": "supplement", "from": "2026-11-17T09:00:00+07:00", "until": None}
VIETNAMESE = {"Accept-Language": "vi"}


def history(api: Api, number: int = 1, **asked: object) -> Any:  # noqa: ANN401 JSON
    return api.get(f"/v1/dossiers/{code(number)}/history", **asked)["items"]


@pytest.fixture
def page(app: FastAPI, sessions: Sessions) -> Callable[..., str]:
    """The page of a dossier as an inspector of the office sees it."""
    with sessions.begin() as session:
        access.add_user(
            session, login="tra", name="tra", email=None, role="administrator", office="H20.16",
            branches=None, active=True, password="một hai ba bốn",  # noqa: S106 of one test
        )  # fmt: skip
        cookie = access.sign_in(session, "tra", "một hai ba bốn", NOW, timedelta(hours=1))
    browser = TestClient(app)
    browser.cookies.set(COOKIE, cookie or "")

    def shown(query: str = "") -> str:
        answer = browser.get(f"/dossiers/{code(1)}{query}", headers=VIETNAMESE)
        assert answer.status_code == 200
        whole = answer.text.partition('<section id="history">')[2]
        return " ".join(re.sub(r"<[^>]+>", " ", whole).split())

    return shown


# --------------------------------------------------------------------------------------- over HTTP


def test_a_revision_says_who_when_what_and_why(sender: Api, clock: Clock):
    sender.put(record(1))
    clock.now = NOW + timedelta(minutes=5)
    sender.put(record(1, status=5, suspensions=[STOP], updated_at="2026-11-17T09:00:00+07:00"))

    first, second = history(sender)

    assert (first["revision_no"], first["why"], first["changes"]) == (1, "record", {})
    assert first["why_told"] == "first record"
    assert (second["by"], second["source"]) == ("client:one-stop", "one-stop")
    assert second["at"] == "2026-11-20T10:20:00+07:00"
    assert second["updated_at"] == "2026-11-17T09:00:00+07:00"
    assert second["changes"] == {
        "status": [4, 5],
        "suspensions": [None, [STOP | {"ground": None}]],
    }
    assert (second["old_due_on"], second["new_due_on"]) == ("2026-11-27", None)
    assert second["why_told"] == "a record of the sender"
    assert re.fullmatch("[0-9a-f]{64}", second["head_hash"])
    assert second["head_hash"] != first["head_hash"]


def test_an_instant_that_changed_has_the_offset_of_the_office(sender: Api):
    sender.put(record(1))
    sender.put(finished(1, "2026-11-18"))

    changes = history(sender)[-1]["changes"]

    assert changes["finished_at"] == [None, "2026-11-18T10:00:00+07:00"]


def test_why_is_told_in_the_callers_language(sender: Api):
    sender.put(record(1))
    sender.http.headers["Accept-Language"] = "vi"

    assert history(sender)[0]["why_told"] == "bản ghi đầu tiên"


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_a_publication_is_named(sender: Api):
    sender.put(record(1))
    told = sender.http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26", json=STORM).json()

    last = history(sender)[-1]

    assert last["why"] == f"catalogue {told['version']}"
    assert last["why_told"].startswith(f"new law or calendar, version {told['version']}: ")
    assert last["why_told"].endswith(": 26/11/2026, Nghỉ do bão số 13")
    assert (last["old_due_on"], last["new_due_on"]) == ("2026-11-27", "2026-11-30")


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_what_another_branch_published_at_the_same_time_is_not_told(
    sender: Api, sessions: Sessions
):
    sender.put(record(1))
    sender.http.put(f"/v1/calendars/{OTHER}/days/2026-11-26", json=STORM | {"name": "bí mật"})
    told = sender.http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26", json=STORM).json()
    with sessions.begin() as session:
        session.connection().exec_driver_sql(
            "UPDATE revision SET why = %s WHERE revision_no = 2",
            (f"catalogue {told['version'] - 1}–{told['version']}",),
        )

    why = history(sender)[-1]["why_told"]

    assert "Nghỉ do bão số 13" in why
    assert "bí mật" not in why


@pytest.mark.usefixtures("catalogue_as_it_was")
@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("catalogue", "a record of the sender, counted with newer law or calendar"),
        ("record, catalogue 1", "counted with newer law or calendar, version 1"),
        ("catalogue 999999", "new law or calendar, version 999999"),
        ("catalogue 99999999999999999999999", "a record of the sender, counted with newer law"),
        ("catalogue 7–3", "a record of the sender, counted with newer law or calendar"),
        ("recount: xem lại", "counted anew on request: xem lại"),
        ("something else", "something else"),
    ],
)
def test_every_reason_is_a_sentence(sender: Api, sessions: Sessions, why: str, said: str):
    sender.put(record(1))
    with sessions.begin() as session:
        session.connection().exec_driver_sql("UPDATE revision SET why = %s", (why,))

    assert said in history(sender)[0]["why_told"]


def test_history_is_read_page_by_page(sender: Api):
    for hour in range(5):
        sender.put(record(1, commune=None if hour % 2 else "29926",
                          updated_at=f"2026-11-17T{hour + 10}:00:00+07:00"))  # fmt: skip
    whole = [one["revision_no"] for one in history(sender)]
    assert whole == [1, 2, 3, 4, 5]

    seen: list[list[int]] = []
    cursor: dict[str, str] = {}
    while True:
        told = sender.get(f"/v1/dossiers/{code(1)}/history", limit=2, **cursor)
        seen.append([one["revision_no"] for one in told["items"]])
        if told["next"] is None:
            break
        cursor = {"cursor": told["next"]}

    assert seen == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("query", "field"),
    [("cursor=x", "cursor"), ("cursor=-1", "cursor"), ("cursor=", "cursor"),
     ("cursor=%D9%A3", "cursor"), ("limit=0", "limit"), ("limit=501", "limit")],
)  # fmt: skip
def test_a_bad_question_names_the_field(sender: Api, query: str, field: str):
    sender.put(record(1))

    answer = sender.http.get(f"/v1/dossiers/{code(1)}/history?{query}")

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_a_cursor_beyond_the_end_is_an_empty_page(sender: Api):
    sender.put(record(1))

    assert history(sender, cursor=10**17) == []


def test_a_history_that_was_forged_can_still_be_read(
    sender: Api, sessions: Sessions, page: Callable[..., str]
):
    sender.put(record(1))
    sender.put(finished(1, "2026-11-18"))
    with sessions.begin() as session:
        session.connection().exec_driver_sql(
            'UPDATE revision SET changes = \'{"finished_at": [7, "hôm qua"], "status": [4, 77],'
            ' "suspensions": [[3], [{"reason": "lunch"}]]}\' WHERE revision_no = 2'
        )

    assert history(sender)[-1]["changes"]["finished_at"] == [7, "hôm qua"]
    assert "hôm qua" in page()
    assert "lunch" in page()


@pytest.mark.parametrize("wanted", [code(9), "nonsense"])
def test_there_is_no_history_of_what_one_may_not_see(
    sender: Api, api: Callable[..., Api], wanted: str
):
    sender.put(record(9))
    others = api("others", branches=[OTHER])

    assert others.http.get(f"/v1/dossiers/{wanted}/history").status_code == 404


# ------------------------------------------------------------------------------------ on the page


def test_an_inspector_reads_fields_by_their_names_and_values_in_words(
    sender: Api, page: Callable[..., str]
):
    sender.put(record(1))
    step = {"name": "Thẩm định", "unit": "Chi nhánh", "officer": "Bà B",
            "started_at": "2026-11-17T08:00:00+07:00", "finished_at": None}  # fmt: skip
    letter = {"sent_at": "2026-11-17T08:30:00+07:00", "reason": "quá tải",
              "promised_at": "2026-11-30T17:00:00+07:00"}  # fmt: skip
    later = record(
        1, status=5, suspensions=[STOP | {"ground": "thiếu giấy tờ"}], steps=[step],
        apologies=[letter], channel="online", online_payment=True, aliases=["SBN-1"],
        procedure="1.012784", extensions=[{"granted_at": "2026-11-17T08:00:00+07:00"}],
        stages=[{"stage": 1, "started_at": "2026-11-16T08:10:00+07:00", "ended_at": None}],
        promised_at=None, updated_at="2026-11-17T09:00:00+07:00",
    )  # fmt: skip
    assert sender.put(later).status_code == 200
    sender.put(later | {"updated_at": "2026-11-17T10:00:00+07:00", "aliases": ["SBN-1", "SBN-2"],
                        "suspensions_inferred": True})  # fmt: skip

    told = page()

    for said in (
        "2 10:15 20/11/2026 one-stop Nơi gửi cập nhật",
        "trạng thái: 4 (đang xử lý) → 5 (yêu cầu bổ sung giấy tờ)",
        "ngày hẹn trả: 17:00 27/11/2026 → –",
        "yêu cầu bổ sung hồ sơ, 09:00 17/11/2026 – chưa kết thúc (thiếu giấy tờ)",
        "– → Thẩm định (Chi nhánh, Bà B), 08:00 17/11/2026 – chưa kết thúc",
        "08:30 17/11/2026, hẹn trả 17:00 30/11/2026 (quá tải)",
        "– → Hẹn lần 1, 08:10 16/11/2026 – chưa kết thúc",
        "– → có",
        "mã khác của hồ sơ: – → SBN-1",
        "mã khác của hồ sơ: – → SBN-2",  # of a list only what came
        "tạm dừng suy ra từ trạng thái: – → có",
        "27/11/2026 → chưa có",
    ):
        assert said in told, (said, told)
    for raw in ("{", "T08:", "supplement", "procedure_code", "None", "True", NAME):
        assert raw not in told, raw


def test_a_long_history_is_read_page_by_page_on_the_page_too(
    sender: Api, page: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.web.pages.history.PAGE", 2)
    for hour in range(3):
        sender.put(record(1, commune=None if hour % 2 else "29926",
                          updated_at=f"2026-11-17T{hour + 10}:00:00+07:00"))  # fmt: skip

    first, second = page(), page("?after=2")

    assert "Trang sau" in first
    assert "Bản ghi đầu tiên" in first
    assert "Bản ghi đầu tiên" not in second
    assert "Về đầu danh sách" in second


def test_every_fact_has_a_name_for_people():
    assert {column.name for column in FACTS} <= FIELDS.keys()
    assert {"suspensions", "stages", "aliases"} <= set(Facts._fields)


# ----------------------------------------------------------------------------------- sealed days


def test_the_roots_of_sealed_days_are_told(sender: Api, sessions: Sessions, clock: Clock):
    for day in (16, 17, 18):
        clock.now = vn(f"2026-11-{day} 17:00")
        sender.put(record(day))
    assert sender.get("/v1/history/roots") == {"items": [], "next": None}
    seal(sessions, vn("2026-11-19 10:00"))

    told = sender.get("/v1/history/roots")

    assert [one["day"] for one in told["items"]] == ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert len({one["root"] for one in told["items"]}) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", one["root"]) for one in told["items"])
    one = sender.get("/v1/history/roots", **{"from": "2026-11-17", "to": "2026-11-17"})
    assert one == {"items": told["items"][1:2], "next": None}
    page = sender.get("/v1/history/roots", limit=2)
    assert page["next"] == "2026-11-18"
    rest = sender.get("/v1/history/roots", limit=2, cursor=page["next"])
    assert page["items"] + rest["items"] == told["items"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("from=2026-11-18&to=2026-11-17", "to"), ("from=x", "from"), ("cursor=x", "cursor")],
)
def test_a_bad_question_about_roots_names_the_field(sender: Api, query: str, field: str):
    answer = sender.http.get(f"/v1/history/roots?{query}")

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
