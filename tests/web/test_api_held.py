"""What must hold whatever is sent: nothing lost, nothing stuck, nobody else's law moved."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import perf_counter

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.db import access as accounts
from app.db.engine import Sessions
from app.db.tables import applicant, quarantine
from app.service import access
from app.service.access import Right
from app.service.rules import RuleBook
from tests.web.wire import BRANCH, NAME, NOW, Api, Clock, code, finished, ndjson, record

LAW = {
    "code": "9.999999",
    "name": "Thủ tục mới",
    "cases": [
        {
            "case": "default",
            "name": "Chung",
            "limits": [{"valid_from": "2010-01-01", "quantity": 3, "unit": "working_days"}],
        }
    ],
}


def waiting(sender: Api) -> list[tuple[str | None, int]]:
    return [(item["code"], item["times"]) for item in sender.get("/v1/quarantine")["items"]]


def test_records_in_a_foreign_format_are_all_kept(sender: Api, session: Session):
    foreign = [{"MaHoSo": f"H20-{at}", "TenNguoiNop": f"{NAME} {at}"} for at in range(20)]

    answer = sender.batch(foreign)

    assert answer["quarantined"] == 20
    assert len(waiting(sender)) == 20
    names = session.scalars(select(applicant.c.details)).all()
    assert {held["MaHoSo"] for held in names} == {one["MaHoSo"] for one in foreign}


def test_a_hash_of_a_refused_record_cannot_be_made_without_the_source_s_secret(
    sender: Api, session: Session
):
    from hashlib import sha256  # noqa: PLC0415 what a guesser would do

    import msgspec  # noqa: PLC0415

    wrong = record(1, branch="H20.16.99")
    sender.batch([wrong])

    guess = sha256(msgspec.json.encode(wrong, order="deterministic")).digest()
    assert bytes(session.scalars(select(quarantine.c.record_hash)).one()) != guess


def test_a_mended_record_settles_what_was_refused_of_it_before(sender: Api):
    sender.put(record(1, updated_at="2026-11-16T08:10:05"))  # no offset
    assert waiting(sender) == [(code(1), 1)]

    assert sender.put(record(1)).status_code == 201

    assert waiting(sender) == []


def test_an_older_or_unchanged_record_settles_nothing(sender: Api):
    sender.put(record(1))
    sender.put(finished(1, "2026-11-18", promised_at="2020-01-01T00:00:00+07:00"))
    assert len(waiting(sender)) == 1

    assert sender.put(record(1)).json()["outcome"] == "unchanged"
    older_news = record(1, status=2, updated_at="2026-11-17T08:00:00+07:00")
    assert sender.put(older_news).json()["outcome"] == "updated"

    assert len(waiting(sender)) == 1


def test_a_conflict_is_not_settled_by_the_next_record_of_its_code(sender: Api):
    sender.put(record(1))
    other = record(
        1,
        procedure="1.012784",
        received_at="2026-11-12T08:00:00+07:00",
        updated_at="2026-11-16T08:00:00+07:00",
    )
    assert sender.put(other).status_code == 409

    sender.put(finished(1, "2026-11-18"))

    assert len(waiting(sender)) == 1


def test_a_record_mended_wrongly_stays_one_record_with_its_new_reason(sender: Api):
    sender.batch([record(1, branch="H20.16.99")])
    (item,) = sender.get("/v1/quarantine")["items"]

    again = sender.http.post(
        f"/v1/quarantine/{item['id']}/retry", json=record(1, finished_at="2020-01-01T00:00:00Z")
    )

    assert again.status_code == 422
    (held,) = sender.get("/v1/quarantine")["items"]
    assert held["id"] == item["id"]
    assert {problem["field"] for problem in held["problems"]} >= {"finished_at"}


def test_a_value_in_the_wrong_field_is_not_quoted_in_the_problem(sender: Api, session: Session):
    answer = sender.batch([record(1, channel=NAME)])

    assert NAME not in json.dumps(answer, ensure_ascii=False)
    assert NAME not in str(session.scalars(select(quarantine.c.problems)).all())


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        (
            "suspensions[0].from",
            {"suspensions": [{"reason": "supplement", "from": "2026-11-23T08:00:00+07:00"}]},
        ),
        (
            "suspensions[0].until",
            {
                "suspensions": [
                    {
                        "reason": "supplement",
                        "from": "2026-11-16T08:10:00+07:00",
                        "until": "2040-01-01T08:00:00+07:00",
                    }
                ]
            },
        ),
        ("stages[0].ended_at", {"stages": [{"stage": 1, "ended_at": "2030-01-01T08:00:00+07:00"}]}),
        (
            "apologies[0].sent_at",
            {"apologies": [{"sent_at": "2026-12-01T08:00:00+07:00", "reason": ""}]},
        ),
    ],
)
def test_the_future_neither_stops_a_clock_nor_starts_a_stage(
    sender: Api, field: str, changes: dict[str, object]
):
    answer = sender.put(record(1, **changes))

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("submitted", ["1990-01-01T00:00:00+07:00", "2012-06-01T00:00:00+07:00"])
def test_a_machine_s_blank_date_is_no_fault_of_ours(sender: Api, submitted: str):
    put = sender.put(record(1, channel="online", submitted_at=submitted))

    assert put.status_code == 201
    assert sender.get(f"/v1/dossiers/{code(1)}/deadline")["due_on"] == "2026-11-27"


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_one_dossier_no_calendar_covers_does_not_stop_the_others(sender: Api):
    ancient = record(
        1, procedure="9.999999", received_at="2011-11-16T08:10:00+07:00", promised_at=None
    )
    sender.batch([ancient, record(2, procedure="9.999999")])

    published = sender.http.put("/v1/procedures/9.999999", json=LAW)

    assert published.status_code == 200
    assert sender.get(f"/v1/dossiers/{code(1)}")["no_limit"] == "calendar_ends"
    assert sender.get(f"/v1/dossiers/{code(2)}")["due_on"] == "2026-11-19"


@pytest.mark.parametrize(
    "body",
    [
        b'{"dossiers":["' + b'\\"' * 100_000,
        b'{"dossiers":[' + b"[" * 3_000_000,
        b'{"dossiers":[' + b"[]," * 900_000 + b"[]]}",
    ],
)
def test_a_batch_of_signs_costs_no_more_than_its_length(sender: Api, body: bytes):
    begun = perf_counter()

    answer = sender.http.post(
        "/v1/dossiers/batch",
        content=gzip.compress(body),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert answer.status_code in (400, 413)
    # Not a measure of speed: what it guards against took a minute.
    assert perf_counter() - begun < 20


def test_a_body_is_bounded_before_anybody_is_asked_who_he_is(app: FastAPI):
    with TestClient(app) as nobody:
        answer = nobody.post("/v1/deadlines", content=b"[" * 2_000_000)

    assert answer.status_code == 413


def test_a_long_batch_is_not_bounded_as_a_whole(sender: Api):
    line = ndjson([record(1, steps=[{"name": "x" * 200}] * 200)])
    body = line * (2_000_000 // len(line))

    told = sender.lines(body)

    assert told[-1]["received"] == body.count(b"\n")


def test_a_dossier_says_whether_it_was_late_and_is_listed(sender: Api):
    sender.batch([record(1), finished(1, "2026-11-19"), record(2)])
    late = record(
        3,
        received_at="2026-10-05T08:00:00+07:00",
        promised_at=None,
        status=9,
        finished_at="2026-11-19T08:00:00+07:00",
        updated_at="2026-11-19T08:00:05+07:00",
    )
    sender.batch([late])

    verdicts = {
        number: sender.get(f"/v1/dossiers/{code(number)}")["verdict"]["legal"]
        for number in (1, 2, 3)
    }
    listed = sender.get("/v1/dossiers", state="late")["items"]

    assert verdicts == {1: "early", 2: None, 3: "late"}
    assert sender.get(f"/v1/dossiers/{code(3)}").keys().isdisjoint(("legal_late", "index766_late"))
    assert [(item["code"], item["verdict"]["legal"]) for item in listed] == [(code(3), "late")]
    told = sender.get(f"/v1/dossiers/{code(3)}/deadline")
    assert (told["verdict"]["legal"], told["outcome"]) == ("late", "result")


def test_a_finished_dossier_with_no_tax_leg_is_judged_by_its_whole_limit(sender: Api):
    transfer = {
        "procedure": "1.013831",
        "case": "default",
        "received_at": "2026-10-05T08:10:00+07:00",
        "promised_at": None,
    }
    sender.put(record(1, **transfer, updated_at="2026-10-05T08:10:05+07:00"))
    first = sender.get(f"/v1/dossiers/{code(1)}/deadline")

    sender.put(finished(1, "2026-10-14", **transfer))
    told = sender.get(f"/v1/dossiers/{code(1)}/deadline")

    assert first["due_on"] == "2026-10-12"  # 5 of 5 + 3: the first appointment
    assert (told["due_on"], told["verdict"]["legal"]) == ("2026-10-15", "early")


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_publishing_what_is_there_already_makes_no_version(
    sender: Api, sessions: Sessions, session: Session
):
    before = session.scalar(text("SELECT version FROM catalogue"))
    session.rollback()
    procedure = next(
        item for item in sender.get("/v1/procedures")["items"] if item["code"] == "1.013831"
    )
    calendar = sender.get("/v1/calendars/national")
    office = sender.get("/v1/offices/H20.16")

    for path, body in (
        ("procedures/1.013831", procedure),
        ("calendars/national", calendar),
        ("offices/H20.16", office),
    ):
        answer = sender.http.put(f"/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text

    with sessions() as fresh:
        assert fresh.scalar(text("SELECT version FROM catalogue")) == before


def test_the_law_of_others_is_not_a_branch_s_to_publish(api: Callable[..., Api]):
    branch = api("one-branch", branches=[BRANCH])
    calendar = branch.get("/v1/calendars/national")

    answers = [
        branch.http.put("/v1/calendars/national", json=calendar),
        branch.http.put("/v1/calendars/H20.16", json=calendar),
        branch.http.put("/v1/procedures/9.999999", json=LAW),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_long_upload_takes_its_time_from_each_chunk(sender: Api, clock: Clock):
    clock.now = NOW - timedelta(days=365)  # what was now when the upload began

    told = sender.lines(ndjson([record(1)]))

    assert told[0]["outcome"] == "created"


OLD, NEW = "mật khẩu cũ", "mật khẩu mới"


def test_a_new_password_ends_the_sign_ins_of_the_old_one(sessions: Sessions, book: RuleBook):
    person = {
        "login": "gd",
        "name": "X",
        "role": "administrator",
        "office": "H20.16",
        "branches": None,
        "active": True,
    }
    with sessions.begin() as session:
        access.add_user(session, password=OLD, **person)
        cookie = access.sign_in(session, "gd", OLD, NOW, timedelta(hours=1))
        assert cookie is not None
        rules = book.in_force(session)
        assert access.by_session(session, cookie, rules, NOW) is not None

        access.add_user(session, password=NEW, **person)

        assert access.by_session(session, cookie, rules, NOW) is None


def test_a_new_secret_ends_the_tokens_of_the_old_one(sessions: Sessions, book: RuleBook):
    with sessions.begin() as session:
        accounts.put_source(session, "s", "s")
        renew = partial(
            access.add_client,
            session,
            client_id="c",
            source="s",
            office="H20.16",
            branches=None,
            rights=[Right.READ],
        )
        secret = renew()
        issued = access.issue_token(session, "c", secret, NOW, timedelta(hours=1))
        assert issued is not None
        rules = book.in_force(session)
        assert access.by_token(session, issued[0], rules, NOW) is not None

        renew()

        assert access.by_token(session, issued[0], rules, NOW) is None


@pytest.mark.usefixtures("catalogue_as_it_was")
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("days.0.kind", {"days": [{"date": "2026-12-01", "kind": "holiday", "name": "x"}]}),
        ("holidays", {"holidays": []}),
        ("week.mo", {"week": {"mo": []}}),
        ("days.2026-12-01", {"days": [{"date": "2026-12-01", "kind": "off", "name": "x"}] * 2}),
    ],
)
def test_a_calendar_says_nothing_that_is_not_heard(
    sender: Api, field: str, changes: dict[str, object]
):
    calendar = sender.get("/v1/calendars/national")

    answer = sender.http.put("/v1/calendars/national", json=calendar | changes)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_a_branch_has_summer_hours(sender: Api):
    calendar = sender.get("/v1/calendars/national")
    summer = {name: [["06:30", "11:00"], ["13:30", "17:00"]] for name in ("mon", "tue", "wed")}
    season = {"from": "2026-04-16", "until": "2026-10-15", "week": summer}

    put = sender.http.put(f"/v1/calendars/{BRANCH}", json=calendar | {"seasons": [season]})
    asked = {
        "received_at": "2026-07-06T06:30:00+07:00",
        "limit": {"quantity": 8, "unit": "working_hours"},
        "branch": BRANCH,
    }
    due_at = sender.http.post("/v1/deadlines", json=asked).json()["due_at"]

    assert put.status_code == 200
    assert due_at == "2026-07-06T17:00:00+07:00"
    assert sender.get(f"/v1/calendars/{BRANCH}")["seasons"] == [season]


def test_a_dossier_reads_back_as_it_was_sent(sender: Api):
    sent = record(
        1,
        suspensions=[
            {
                "reason": "supplement",
                "from": "2026-11-17T08:00:00+07:00",
                "until": "2026-11-18T09:30:00+07:00",
                "ground": "thiếu giấy tờ",
            }
        ],
        updated_at="2026-11-18T09:30:05+07:00",
    )

    sender.put(sent)

    assert sender.get(f"/v1/dossiers/{code(1)}")["suspensions"] == sent["suspensions"]
