"""Records come in over HTTP: one by one, in batches, as lines; what is wrong is told and kept."""

import gzip
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.db.tables import applicant, dossier, feed, quarantine, revision
from app.service.language import catalogue
from tests.web.wire import (
    BRANCH,
    NAME,
    NDJSON,
    NOW,
    OTHER,
    Api,
    Clock,
    Record,
    code,
    finished,
    ndjson,
    record,
)

DEEP = b'{"code": "x", "foo": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"
HUGE = b'{"code": "x", "foo": ' + b"9" * 5_000 + b"}"
WINDOWS_1258 = '{"code": "x", "commune": "Đông Hà"}'.encode("cp1258")
SURROGATE = b'{"code": "x", "commune": "\\ud800"}'
CONTROL = b'{"code": "x\x01"}'
NUL_BYTES = b'\x00\x00{"code": "x"}'
NO_RECORDS = [b"[1]", b'"x"', b"null", b"1"]
NOT_JSON = [
    *(DEEP, HUGE, WINDOWS_1258, SURROGATE, CONTROL, NUL_BYTES, *NO_RECORDS),
    *(b"garbage", b'{"code": "H20', b"{} {}"),
]


def suspended(since: str, until: str | None) -> dict[str, Any]:
    stop = {"reason": "supplement", "from": since, "until": until, "ground": "Thiếu trích lục"}
    return {"suspensions": [stop]}


# What is wrong, and the field that a problem must name.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a naive time": ({"updated_at": "2026-11-16T08:10:05"}, "updated_at"),
    "a naive receipt": ({"received_at": "2026-11-16T08:10:05"}, "received_at"),
    "no time at all": ({"received_at": "thứ hai"}, "received_at"),
    "an unknown branch": ({"branch": "H20.16.99"}, "branch"),
    "a finish before the receipt": (
        {"status": 9, "finished_at": "2026-11-15T08:00:00+07:00"},
        "finished_at",
    ),
    "an end before the receipt": (
        {"status": 7, "ended_at": "2026-11-15T08:00:00+07:00", "outcome": "withdrawn"},
        "ended_at",
    ),
    "a suspension that ends before it begins": (
        suspended("2026-11-16T09:00:00+07:00", "2026-11-16T08:30:00+07:00"),
        "suspensions[0].until",
    ),
    "a suspension before the receipt": (
        suspended("2026-11-13T09:00:00+07:00", "2026-11-16T08:30:00+07:00"),
        "suspensions[0].from",
    ),
    "a clock that stands without a reason": ({"status": 5}, "suspensions"),
    "an impossible code": ({"code": "HS-2026-15"}, "code"),
    "a code in other digits": ({"code": "H20.16.03-261116-٠٠٠١"}, "code"),  # noqa: RUF001 that is it
    "a record of tomorrow": ({"updated_at": "2026-11-21T08:00:00+07:00"}, "updated_at"),
    "a receipt after the stamp": ({"received_at": "2026-11-17T08:00:00+07:00"}, "received_at"),
    "the year 1": ({"submitted_at": "0001-01-01T00:00:00Z"}, "submitted_at"),
    "the year 1 east of us": ({"received_at": "0001-01-01T00:00:00+14:00"}, "received_at"),
    "the year 9999": ({"promised_at": "9999-12-31T23:59:59Z"}, "promised_at"),
    "a stamp of 9999": ({"updated_at": "9999-12-31T23:59:59Z"}, "updated_at"),
    "a suspension until 9999": (
        suspended("2026-11-16T09:00:00+07:00", "9999-12-31T23:59:59Z"),
        "suspensions[0].until",
    ),
    "an appointment of 9999": (
        {"stages": [{"stage": 1, "started_at": "9999-12-31T23:59:59Z"}]},
        "stages[0].started_at",
    ),
    "an unknown channel": ({"channel": "fax"}, "channel"),
    "a status in words": ({"status": "đang xử lý"}, "status"),
    "a status beyond 10": ({"status": 11}, "status"),
    "a huge status": ({"status": 10**30}, "status"),
    "no procedure": ({"procedure": None}, "procedure"),
    "a field nobody knows": ({"so_dien_thoai": "0909"}, "so_dien_thoai"),
    "an applicant that is a list": ({"applicant": [NAME]}, "applicant"),
    "stages out of order": (
        {"stages": [{"stage": 2, "started_at": "2026-11-16T08:10:00+07:00"}]},
        "stages[0].stage",
    ),
}


def kept(session: Session) -> list[Any]:
    return list(session.execute(select(quarantine).order_by(quarantine.c.id)).mappings())


def names_outside_applicant(session: Session) -> list[str]:
    """The tables in which the citizen's name can be found, but for the one that may hold it."""
    tables = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> :one"),
        {"one": "applicant"},
    ).all()
    found = "SELECT count(*) FROM {} AS t WHERE t::text LIKE '%Bích Hạnh%'"
    return [name for name in tables if session.scalar(text(found.format(f'"{name}"')))]


# ------------------------------------------------------------------------------------------- PUT


def test_a_first_record_is_created_and_tells_its_deadline(sender: Api):
    answer = sender.put(record())

    assert answer.status_code == 201
    told = answer.json()
    assert (told["code"], told["outcome"]) == (code(1), "created")
    assert told["deadline"]["due_on"] == "2026-11-27"  # eight working days; 24/11 is a day off
    assert {line["on"] for line in told["deadline"]["trace"]} >= {"2026-11-16", "2026-11-27"}


def test_a_newer_record_updates_the_same_is_unchanged_and_an_older_is_stale(sender: Api):
    sender.put(record())
    newer = finished(1, "2026-11-18")

    outcomes = [sender.put(one) for one in (newer, newer, record())]

    assert [one.status_code for one in outcomes] == [200, 200, 200]
    assert [one.json()["outcome"] for one in outcomes] == ["updated", "unchanged", "stale"]
    assert sender.get(f"/v1/dossiers/{code(1)}")["state"] == "finished"
    assert len(sender.get(f"/v1/dossiers/{code(1)}/history")["items"]) == 2


def test_the_same_contents_with_a_newer_stamp_are_unchanged_and_no_history(sender: Api):
    sender.put(record())

    again = sender.put(record(updated_at="2026-11-17T08:00:00+07:00"))

    assert again.json()["outcome"] == "unchanged"
    assert len(sender.get(f"/v1/dossiers/{code(1)}/history")["items"]) == 1
    older = sender.put(record(updated_at="2026-11-16T20:00:00+07:00", channel="online"))
    assert older.json()["outcome"] == "stale"


def test_another_procedure_and_day_under_a_code_is_a_conflict_and_kept(
    sender: Api, session: Session
):
    sender.put(record())
    stranger: Record = {
        "procedure": "1.012784",
        "received_at": "2026-11-17T08:00:00+07:00",
        "updated_at": "2026-11-17T08:00:05+07:00",
    }

    answer = sender.put(record(**stranger))

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["code"], told["quarantined"]) == (code(1), True)
    assert told["errors"][0]["field"] == "procedure"
    assert sender.get(f"/v1/dossiers/{code(1)}")["procedure"] == "1.012790"
    assert [row["code"] for row in kept(session)] == [code(1)]


@pytest.mark.parametrize(
    "change",
    [{"procedure": "1.012784"}, {"received_at": "2026-11-13T08:00:00+07:00"}],
    ids=["only another procedure", "only another day"],
)
def test_one_of_the_two_alone_is_a_correction(sender: Api, change: dict[str, Any]):
    sender.put(record())

    answer = sender.put(record(updated_at="2026-11-17T08:00:05+07:00", **change))

    assert answer.json()["outcome"] == "updated"


def test_the_code_of_the_address_and_of_the_record_must_be_one(sender: Api, session: Session):
    answer = sender.http.put(f"/v1/dossiers/{code(2)}", json=record(1))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["code"]
    assert session.scalar(select(func.count()).select_from(dossier)) == 0


def test_a_code_may_be_typed_in_small_letters(sender: Api):
    answer = sender.http.put(f"/v1/dossiers/{code(1).lower()}", json=record(code=code(1).lower()))

    assert (answer.status_code, answer.json()["code"]) == (201, code(1))
    assert sender.get(f"/v1/dossiers/{code(1).lower()}")["code"] == code(1)


@pytest.mark.parametrize("body", NOT_JSON, ids=range(len(NOT_JSON)))
def test_put_of_what_is_no_record_is_a_problem(sender: Api, body: bytes):
    answer = sender.http.put(f"/v1/dossiers/{code(1)}", content=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=WRONG.keys())
def test_put_of_a_wrong_record_names_the_field(sender: Api, change: dict[str, Any], field: str):
    answer = sender.http.put(f"/v1/dossiers/{change.get('code', code(1))}", json=record(1) | change)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_a_record_longer_than_any_is_refused_as_it_arrives(sender: Api):
    answer = sender.http.put(f"/v1/dossiers/{code(1)}", content=b" " * 300_000)

    assert answer.status_code == 413


# ----------------------------------------------------------------------------------------- batch


def test_the_answer_to_a_batch_counts_each_outcome(sender: Api):
    sender.batch([record(1), record(2), record(3)])

    told = sender.batch(
        [
            finished(1, "2026-11-18"),
            record(2),
            record(3, updated_at="2026-11-16T08:10:00+07:00", channel="online"),
            record(4),
            record(5, branch="H20.16.99"),
        ]
    )

    problems = told.pop("problems")
    assert told == {
        "received": 5,
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "stale": 1,
        "quarantined": 1,
    }
    assert [set(problem) for problem in problems] == [{"line", "code", "field", "detail"}]
    assert (problems[0]["line"], problems[0]["code"]) == (5, code(5))
    assert problems[0]["field"] == "branch"
    assert "H20.16.99" in problems[0]["detail"]


def test_an_empty_batch_is_nothing(sender: Api):
    assert sender.batch([])["received"] == 0
    assert sender.lines(b"\n\n  \n")[-1]["received"] == 0


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_record_is_told_by_line_and_field_and_kept_while_the_others_go_in(
    sender: Api, session: Session, change: dict[str, Any], field: str
):
    wrong = record(2) | change

    told = sender.batch([record(1), wrong, record(3)])

    assert (told["created"], told["quarantined"]) == (2, 1)
    assert {problem["line"] for problem in told["problems"]} == {2}
    assert {problem["code"] for problem in told["problems"]} == {wrong["code"]}
    found = {problem["field"]: problem["detail"] for problem in told["problems"]}
    assert len(found[field]) > 10
    (row,) = kept(session)
    assert (row["code"], row["line"], row["times"]) == (wrong["code"], 2, 1)
    assert row["branch"] == (None if "branch" in change else BRANCH)
    assert set(session.scalars(select(dossier.c.code))) == {code(1), code(3)}


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=WRONG.keys())
def test_the_name_in_a_wrong_record_stands_in_the_one_table_of_names(
    sender: Api, session: Session, change: dict[str, Any], field: str
):
    _ = field
    sender.batch([record(1), record(2) | change])

    assert names_outside_applicant(session) == []
    subjects = session.scalars(select(applicant.c.subject)).all()
    assert f"quarantine/{kept(session)[0]['id']}" in subjects
    assert code(1) in subjects


@pytest.mark.parametrize(
    "change",
    [
        {"người nộp": NAME},
        {"steps": [{"name": "Thẩm định", "citizen": NAME}]},
        {"steps": NAME},
        {"suspensions": [[NAME]]},
        {"commune": {"name": NAME}},
        {"applicant": NAME},
        {"applicant": {"kind": {"name": NAME}}},
    ],
    ids=range(7),
)
def test_a_name_in_a_field_where_none_belongs_is_cut_out_and_put_back(
    sender: Api, session: Session, change: dict[str, Any]
):
    sender.batch([record(1) | change])

    assert names_outside_applicant(session) == []
    (row,) = kept(session)
    again = sender.http.post(f"/v1/quarantine/{row['id']}/retry")
    assert again.status_code == 422
    session.rollback()
    assert [(one["id"], one["times"]) for one in kept(session)] == [(row["id"], 2)]


def test_revisions_and_dossiers_never_hold_the_name(sender: Api, session: Session):
    sender.batch([record(1)])
    sender.batch([finished(1, "2026-11-18")])

    assert session.scalar(select(func.count()).select_from(revision)) == 2
    assert names_outside_applicant(session) == []
    assert sender.get(f"/v1/dossiers/{code(1)}")["applicant"] == {"kind": "citizen", "name": NAME}


@pytest.mark.parametrize("bad", NOT_JSON, ids=range(len(NOT_JSON)))
def test_a_line_that_is_no_record_never_sinks_the_others(sender: Api, session: Session, bad: bytes):
    told = sender.lines(ndjson([record(1), bad, record(3)]))

    assert [line["outcome"] for line in told[:-1]] == ["created", "quarantined", "created"]
    assert told[1]["line"] == 2
    assert told[1]["problems"][0]["detail"]
    assert told[-1] == {
        "done": True,
        "received": 3,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "stale": 0,
        "quarantined": 1,
    }
    assert kept(session) == []  # there is no record to keep


@pytest.mark.parametrize(
    "bad",
    [DEEP, HUGE, WINDOWS_1258, *NO_RECORDS],
    ids=["deep", "huge", "windows-1258", "array", "text", "null", "number"],
)
def test_an_item_of_a_json_batch_that_is_no_record_never_sinks_the_others(sender: Api, bad: bytes):
    good = [json.dumps(record(number)).encode() for number in (1, 3)]
    body = b'{"dossiers": [' + b", ".join([good[0], bad, good[1]]) + b"]}"

    answer = sender.http.post(
        "/v1/dossiers/batch", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["created"], told["quarantined"]) == (2, 1)
    assert [problem["line"] for problem in told["problems"]] == [2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"dossiers": 1}',
        b'{"dossiers": [',
        b"garbage",
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"dossiers": [' + b"x" * 1000,
    ],
    ids=range(9),
)
def test_a_body_that_is_no_batch_is_a_problem(sender: Api, body: bytes):
    answer = sender.http.post(
        "/v1/dossiers/batch", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "dossiers" in answer.json()["detail"]


def test_texts_with_a_nul_are_refused_and_kept(sender: Api, session: Session):
    told = sender.batch([record(1, commune="3000\0"), record(2)])

    assert (told["created"], told["quarantined"]) == (1, 1)
    assert "NUL" in told["problems"][0]["detail"]
    assert kept(session)[0]["record"]["commune"] == "3000\ufffd"
    assert names_outside_applicant(session) == []


def test_more_than_5000_records_belong_into_ndjson(sender: Api):
    answer = sender.http.post("/v1/dossiers/batch", json={"dossiers": [{}] * 5_001})

    assert answer.status_code == 413
    assert "x-ndjson" in answer.json()["detail"]


def test_another_content_type_is_not_guessed(sender: Api):
    for kind in ("text/csv", "application/x-www-form-urlencoded"):
        answer = sender.http.post(
            "/v1/dossiers/batch", content=b"x", headers={"Content-Type": kind}
        )
        assert answer.status_code == 415
    headers = {"Content-Type": "application/json", "Content-Encoding": "br"}
    assert sender.http.post("/v1/dossiers/batch", content=b"x", headers=headers).status_code == 415


# ---------------------------------------------------------------------------- the same code twice


def test_of_a_code_sent_twice_both_become_history_and_the_sender_is_told(sender: Api):
    older, newer = record(1), finished(1, "2026-11-18")

    told = sender.lines(ndjson([newer, older, record(2)]))

    assert [line["outcome"] for line in told[:-1]] == ["updated", "created", "created"]
    assert told[1]["problems"][0]["field"] == "code"
    assert "line 1" in told[1]["problems"][0]["detail"]
    history = sender.get(f"/v1/dossiers/{code(1)}/history")["items"]
    assert [row["updated_at"][:10] for row in history] == ["2026-11-16", "2026-11-18"]


def test_of_a_code_sent_twice_the_same_one_is_unchanged(sender: Api):
    told = sender.batch([record(1), record(1)])

    assert (told["created"], told["unchanged"], told["quarantined"]) == (1, 1, 0)
    assert len(told["problems"]) == 1


def test_equal_stamps_with_other_contents_are_a_problem(sender: Api, session: Session):
    told = sender.batch([record(1), record(1, channel="online")])

    assert (told["created"], told["quarantined"]) == (1, 1)
    assert [problem["field"] for problem in told["problems"]] == ["updated_at"]
    assert len(kept(session)) == 1


def test_a_code_sent_a_hundred_times_costs_no_more_than_eight_waves(
    sender: Api, statements: list[str]
):
    at = datetime.fromisoformat("2026-11-16T08:10:05+07:00")
    snapshots = [
        record(1, updated_at=(at + timedelta(hours=hour)).isoformat(), commune=str(30_000 + hour))
        for hour in range(60)
    ]

    told = sender.batch(snapshots)

    assert (told["created"], told["updated"], told["stale"]) == (1, 7, 52)
    assert len(statements) < 80
    assert sender.get(f"/v1/dossiers/{code(1)}")["commune"] == "30059"


# ------------------------------------------------------------------------------------ many, large


def test_12000_lines_go_in_chunk_by_chunk(sender: Api, session: Session):
    body = ndjson([*(record(number) for number in range(1, 9_999)), *[b"garbage"] * 2_002])

    told = sender.lines(body)

    assert len(told) == 12_001
    assert [line["line"] for line in told[:-1]] == list(range(1, 12_001))
    assert Counter(line["outcome"] for line in told[:-1]) == {
        "created": 9_998,
        "quarantined": 2_002,
    }
    assert told[-1]["received"] == 12_000
    assert session.scalar(select(func.count()).select_from(dossier)) == 9_998


def test_ten_megabytes_of_garbage_in_one_line_are_one_problem(sender: Api, session: Session):
    told = sender.lines(b"x" * 10_000_000 + b"\n" + ndjson([record(1)]))

    assert [line["outcome"] for line in told[:-1]] == ["quarantined", "created"]
    assert "262144" in told[0]["problems"][0]["detail"]
    assert kept(session) == []


def test_ten_megabytes_of_garbage_in_many_lines_are_told_line_by_line(sender: Api):
    line = b"\xc4\xd1 not a record " * 20
    told = sender.lines((line + b"\n") * (10_000_000 // len(line)) + ndjson([record(1)]))

    assert told[-1]["quarantined"] == 10_000_000 // len(line)
    assert told[-1]["created"] == 1
    assert "UTF-8" in told[0]["problems"][0]["detail"]


def test_ten_megabytes_of_json_that_is_no_batch_are_one_problem(sender: Api):
    body = b'{"dossiers": [' + b'{"code": "' + b"x" * 10_000_000 + b'"}]}'
    told = sender.http.post(
        "/v1/dossiers/batch", content=body, headers={"Content-Type": "application/json"}
    )

    assert told.status_code == 200
    assert (told.json()["quarantined"], len(told.json()["problems"])) == (1, 1)
    assert len(told.text) < 1_000


def test_a_zipped_body_is_read(sender: Api):
    answer = sender.zipped(ndjson([record(1), record(2)]))

    assert json.loads(answer.text.splitlines()[-1])["created"] == 2


def test_zipped_files_joined_one_after_another_are_read_to_the_end(sender: Api):
    parts = [gzip.compress(ndjson([record(number)])) for number in (1, 2, 3)]
    headers = NDJSON | {"Content-Encoding": "gzip"}

    answer = sender.http.post("/v1/dossiers/batch", content=b"".join(parts), headers=headers)

    assert json.loads(answer.text.splitlines()[-1])["created"] == 3


def test_a_zipped_json_batch_is_read(sender: Api):
    body = gzip.compress(json.dumps({"dossiers": [record(1)]}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert (
        sender.http.post("/v1/dossiers/batch", content=body, headers=headers).json()["created"] == 1
    )


@pytest.mark.parametrize("spoil", [lambda zipped: zipped[:-9], lambda zipped: zipped[:5]])
def test_a_cut_zipped_body_has_no_receipt(sender: Api, spoil: Callable[[bytes], bytes]):
    headers = NDJSON | {"Content-Encoding": "gzip"}
    body = spoil(gzip.compress(ndjson([record(1)])))

    answer = sender.http.post("/v1/dossiers/batch", content=body, headers=headers)

    assert answer.status_code == 400
    assert "done" not in answer.text


def test_what_says_it_is_zipped_and_is_not_is_a_problem(sender: Api):
    headers = NDJSON | {"Content-Encoding": "gzip"}

    for body in (b"plain", gzip.compress(b"x") + b"tail"):
        answer = sender.http.post("/v1/dossiers/batch", content=body, headers=headers)
        assert answer.status_code == 400


def test_a_bomb_of_zeros_is_a_line_too_long(sender: Api):
    answer = sender.zipped(b"0" * 200_000_000)

    assert json.loads(answer.text.splitlines()[-1])["quarantined"] == 1


def test_a_mark_of_windows_before_the_first_line_is_passed_over(sender: Api):
    assert sender.lines(b"\xef\xbb\xbf" + ndjson([record(1)]))[-1]["created"] == 1


# -------------------------------------------------------------------------------------- streaming


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The application behind a real socket."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


def test_a_stream_is_taken_in_while_it_is_still_being_sent(
    sender: Api, address: str, session: Session
):
    seen: list[int] = []

    def body() -> Iterator[bytes]:
        for start in range(1, 9_001, 500):
            yield ndjson([record(number) for number in range(start, start + 500)])
        time.sleep(0.3)
        until = time.monotonic() + 20
        while not seen or (seen[-1] == 0 and time.monotonic() < until):
            seen.append(session.scalar(select(func.count()).select_from(dossier)) or 0)
            session.rollback()
            time.sleep(0.05)
        yield ndjson([record(9_500)])

    headers = NDJSON | {"Authorization": sender.http.headers["Authorization"]}
    with httpx.stream(
        "POST", f"{address}/v1/dossiers/batch", content=body(), headers=headers, timeout=60
    ) as answer:
        told = [json.loads(line) for line in answer.iter_lines()]

    assert seen[-1] >= 5_000  # a chunk was committed before the last line was sent
    assert told[-1]["done"] is True
    assert told[-1]["created"] == 9_001


# -------------------------------------------------------------------------------------- heartbeat


def heard(session: Session, branch: str) -> datetime | None:
    session.rollback()
    return session.scalar(select(feed.c.heard_at).where(feed.c.branch == branch))


def test_a_record_moves_its_branchs_clock_to_its_stamp(sender: Api, session: Session):
    sender.put(record())

    assert heard(session, BRANCH) == datetime.fromisoformat("2026-11-16T08:10:05+07:00")
    assert heard(session, OTHER) is None


def test_a_heartbeat_moves_the_clocks_forward_and_never_back(sender: Api, session: Session):
    sender.http.post("/v1/heartbeat", json={"branches": [BRANCH]})
    assert heard(session, BRANCH) == NOW

    earlier = (NOW - timedelta(days=1)).isoformat()
    assert sender.http.post("/v1/heartbeat", json={"at": earlier}).status_code == 200
    assert heard(session, BRANCH) == NOW
    assert heard(session, OTHER) == NOW - timedelta(days=1)

    later = (NOW + timedelta(days=1)).isoformat()
    told = sender.http.post("/v1/heartbeat", json={"at": later}).json()
    assert datetime.fromisoformat(told["heard_at"]) == NOW
    assert heard(session, OTHER) == NOW


@pytest.mark.parametrize(
    "beat",
    [
        {"at": "2026-11-20T10:00:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "yesterday"},
        {"branch": BRANCH},
    ],
    ids=["naive", "year 1", "words", "unknown field"],
)
def test_a_wrong_heartbeat_names_its_field_and_moves_nothing(
    sender: Api, session: Session, beat: dict[str, str]
):
    answer = sender.http.post("/v1/heartbeat", json=beat)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(beat))
    assert heard(session, BRANCH) is None
    sender.get("/v1/dossiers")


def test_a_heartbeat_for_a_strangers_branch_is_refused(api: Callable[..., Api], session: Session):
    mine = api("mine", branches=[OTHER])

    assert mine.http.post("/v1/heartbeat", json={"branches": [BRANCH]}).status_code == 404
    assert mine.http.post("/v1/heartbeat", json={}).json()["branches"] == [OTHER]
    assert heard(session, BRANCH) is None


# ------------------------------------------------------------------------------------- quarantine


def items(api: Api, **parameters: object) -> list[Any]:
    found: list[Any] = api.get("/v1/quarantine", **parameters)["items"]
    return found


def test_a_refused_record_sent_again_is_counted_and_not_doubled(sender: Api):
    wrong = record(1, branch="H20.16.99")
    for _ in range(3):
        sender.batch([wrong, record(2)])
    sender.batch([wrong, wrong])

    (item,) = items(sender)
    assert (item["code"], item["times"]) == (code(1), 5)
    assert item["record"]["applicant"] == {"kind": "citizen"}
    assert NAME not in json.dumps(item, ensure_ascii=False)
    assert item["problems"][0]["field"] == "branch"


def test_a_refused_record_driven_again_as_it_is_stays_with_its_reason(
    sender: Api, api: Callable[..., Api]
):
    sender.batch([record(1, branch="H20.16.99")])
    (item,) = items(sender)

    for someone in (sender, api("another-system")):
        again = someone.http.post(f"/v1/quarantine/{item['id']}/retry")
        assert again.status_code == 422
        assert again.json()["errors"][0]["field"] == "branch"

    assert [(row["id"], row["times"]) for row in items(sender)] == [(item["id"], 3)]


def test_a_refused_record_driven_again_later_goes_in_with_its_name(
    sender: Api,
    clock: Clock,
    session: Session,
):
    later = NOW + timedelta(minutes=40)
    sender.batch([record(1, updated_at=later.isoformat())])
    (item,) = items(sender)

    clock.now = later - timedelta(minutes=4)
    again = sender.http.post(f"/v1/quarantine/{item['id']}/retry")

    assert again.json() == {"code": code(1), "outcome": "created"}
    assert sender.get(f"/v1/dossiers/{code(1)}")["applicant"]["name"] == NAME
    assert items(sender) == []
    assert session.scalars(select(applicant.c.subject)).all() == [code(1)]


def test_a_mended_record_leaves_quarantine(sender: Api, session: Session):
    sender.batch([record(1, branch="H20.16.99")])
    (item,) = items(sender)

    again = sender.http.post(f"/v1/quarantine/{item['id']}/retry", json=record(1))

    assert again.json()["outcome"] == "created"
    assert items(sender) == []
    (row,) = kept(session)
    assert (row["state"], row["settled_by"]) == ("mended", "client:one-stop")
    assert sender.http.post(f"/v1/quarantine/{item['id']}/retry").status_code == 404


def test_a_discarded_record_stays_in_the_table_without_its_name(sender: Api, session: Session):
    sender.batch([record(1, branch="H20.16.99")])
    (item,) = items(sender)

    discard = f"/v1/quarantine/{item['id']}/discard"
    why = {"reason": "gửi nhầm chi nhánh"}
    assert sender.http.post(discard, json=why).status_code == 204

    assert items(sender) == []
    (row,) = kept(session)
    assert (row["state"], row["settled_by"]) == ("discarded", "client:one-stop")
    assert (row["settled_how"], row["note"]) == ("discarded", why["reason"])
    assert session.scalar(select(func.count()).select_from(applicant)) == 0
    assert sender.http.post(discard, json=why).status_code == 404


def test_quarantine_is_paged_and_filtered_by_branch(sender: Api):
    wrong = [record(number, status=5) for number in range(1, 6)]
    sender.batch([*wrong, record(6, branch="H20.16.99")])

    first = sender.get("/v1/quarantine", limit=4)
    second = sender.get("/v1/quarantine", limit=4, cursor=first["next"])

    codes = [item["code"] for item in (*first["items"], *second["items"])]
    assert sorted(codes) == [code(number) for number in range(1, 7)]
    assert second["next"] is None
    assert len(items(sender, branch=BRANCH)) == 5
    assert items(sender, branch=OTHER) == []


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "9" * 5_000, "²"])
def test_a_cursor_of_quarantine_that_is_none_is_a_problem(sender: Api, cursor: str):
    answer = sender.http.get("/v1/quarantine", params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_refused_records_are_seen_and_mended_within_ones_scope_only(
    sender: Api, api: Callable[..., Api], session: Session
):
    sender.batch([record(1, status=5), record(2, branch="H20.16.99")])
    ids = [row["id"] for row in kept(session)]
    stranger, mine = api("stranger", branches=[OTHER]), api("mine", branches=[BRANCH])

    assert items(stranger) == []
    for held in ids:
        assert stranger.http.post(f"/v1/quarantine/{held}/retry").status_code == 404
        discard = f"/v1/quarantine/{held}/discard"
        assert stranger.http.post(discard, json={"reason": "nhầm"}).status_code == 404
    assert [item["code"] for item in items(mine)] == [code(1)]  # of no branch: the office's own


# -------------------------------------------------------------------------------------- languages


def test_problems_are_told_in_vietnamese_to_who_asks_for_it(sender: Api):
    wrong: list[Record] = [record(1) | change for change, _ in WRONG.values()]
    english = [sender.batch([one])["problems"] for one in wrong]
    vietnamese = [sender.batch([one], **{"Accept-Language": "vi"})["problems"] for one in wrong]

    if not catalogue("vi"):
        pytest.skip("there is no translation yet")
    for one, other in zip(english, vietnamese, strict=True):
        assert [told["field"] for told in one] == [told["field"] for told in other]
        assert [told["detail"] for told in one] != [told["detail"] for told in other]


def test_the_titles_of_problems_too(sender: Api):
    headers = {"Accept-Language": "fr, vi;q=0.8, en;q=0.5"}

    told = sender.http.put(f"/v1/dossiers/{code(2)}", json=record(1), headers=headers).json()

    if not catalogue("vi"):
        pytest.skip("there is no translation yet")
    assert told["title"] != "The record cannot be taken in"
