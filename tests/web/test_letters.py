"""Letters of apology and causes of lateness over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, text, update

from app.core.causes import Cause
from app.db.engine import Sessions
from app.db.tables import access_token, applicant, divergence, dossier, letter, revision, witness
from app.printed import letters as printed
from app.service.access import Right
from app.service.recompute import recompute
from app.service.rules import RuleBook
from app.service.verify import Checked, dossiers
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, NAME, OTHER, Api, Clock, code, finished, record

NEW = "2026-12-02T16:00:00+07:00"
ASKED = {"cause": "tax", "reason": "Cơ quan thuế chưa có thông báo", "promised_at": NEW}
SENT = "2026-11-20T10:00:00+07:00"
# eight working days from Monday the 16th, the 24th being a holiday
DUE = "2026-11-27"


def drafted(api: Api, number: int = 1, **changes: Any) -> Any:  # noqa: ANN401 JSON
    answer = api.http.post(f"/v1/dossiers/{code(number)}/letters", json=ASKED | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def sent(api: Api, letter_id: int = 1, at: str = SENT) -> Any:  # noqa: ANN401 JSON
    answer = api.http.post(f"/v1/letters/{letter_id}/sent", json={"sent_at": at})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(api: Api, number: int = 1, **changes: Any) -> tuple[int, str, str]:  # noqa: ANN401
    """Status, field and sentence of a refusal."""
    answer = api.http.post(f"/v1/dossiers/{code(number)}/letters", json=ASKED | changes)
    (wrong,) = answer.json()["errors"]
    return answer.status_code, wrong["field"], wrong["detail"]


@pytest.fixture
def later(clock: Clock, sessions: Sessions) -> Callable[[str], None]:
    """Move the clock; tokens last as long."""

    def move(to: str) -> None:
        clock.now = vn(to)
        with sessions.begin() as session:
            session.execute(update(access_token).values(expires_at=vn("2099-01-01 00:00")))

    return move


# --------------------------------------------------------------------------------------- drafting


def test_a_letter_is_drafted_with_its_number_and_keeps_the_due_day(sender: Api):
    sender.put(record(1))
    due_on = sender.get(f"/v1/dossiers/{code(1)}")["due_on"]

    told = drafted(sender)

    assert told["number"] == "01/PXL"
    assert (told["state"], told["code"], told["branch"]) == ("draft", code(1), BRANCH)
    assert (told["cause"], told["reason"]) == ("tax", ASKED["reason"])
    assert (told["due_on"], told["promised_at"]) == (due_on, NEW)
    assert told["drafted_by"] == "client:one-stop"
    held = sender.get(f"/v1/dossiers/{code(1)}")
    assert held["letter"] == told
    assert held["cause"]["cause"] == "tax"
    assert held["apologies"] is None
    assert sender.get("/v1/letters/1") == told


def test_a_dossier_is_re_appointed_once_by_law(sender: Api):
    sender.put(record(1))
    drafted(sender)

    for _ in range(2):
        status, field, told = refused(sender)
        assert (status, field) == (409, "code")
        assert "NĐ 61/2018 Đ19 k9" in told
        sent(sender)


def test_also_when_its_own_record_tells_of_an_apology(sender: Api):
    own = {"sent_at": "2026-11-19T09:00:00+07:00", "reason": "quá tải", "promised_at": None}
    sender.put(record(1, apologies=[own], updated_at="2026-11-19T09:00:00+07:00"))

    assert refused(sender)[:2] == (409, "code")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": 1, "received_at": None, "promised_at": None}, "not received yet"),
        (
            {
                "status": 5,
                "suspensions": [{"reason": "supplement", "from": "2026-11-17T08:00:00+07:00"}],
            },
            "the clock stands still",
        ),
        ({"procedure": "9.999999"}, "no limit is known"),
        ({"status": 9, "finished_at": "2026-11-16T08:10:05+07:00"}, "has ended"),
        (
            {"status": 7, "ended_at": "2026-11-16T08:10:05+07:00"},
            "has ended",
        ),
    ],
)
def test_what_cannot_be_late_gets_no_letter(sender: Api, changes: dict[str, Any], told: str):
    answer = sender.put(record(1, updated_at="2026-11-18T08:00:00+07:00") | changes)
    assert answer.status_code == 201, answer.text

    status, field, detail = refused(sender)

    assert (status, field) == (409, "code")
    assert told in detail


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-11-20T10:15:00+07:00", "in the future"),
        ("2026-11-26T16:00:00+07:00", "after the due date"),
        ("2026-11-29T09:00:00+07:00", "no working moment"),  # a Sunday
        ("2026-12-02T12:00:00+07:00", "no working moment"),
    ],
)
def test_the_new_appointment_is_a_working_moment_to_come(sender: Api, moment: str, told: str):
    sender.put(record(1))

    status, field, detail = refused(sender, promised_at=moment)

    assert (status, field) == (422, "promised_at")
    assert told in detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cause", "weather"),
        ("reason", "ok"),
        ("reason", "x" * 501),
        ("reason", "a\x00b"),
        ("promised_at", "2026-12-02T16:00:00"),
        ("promised_at", None),
        ("more", 1),
    ],
)
def test_what_is_asked_wrongly_is_told_by_its_field(sender: Api, field: str, value: object):
    sender.put(record(1))

    assert refused(sender, 1, **{field: value})[:2] == (422, field)


def test_of_a_dossier_that_is_not_there_nothing_is_drafted(sender: Api):
    for path in (code(1), "x", "%00"):
        answer = sender.http.post(f"/v1/dossiers/{path}/letters", json=ASKED)
        assert answer.status_code == 404, path


def test_a_void_draft_makes_room_and_keeps_its_number(sender: Api):
    sender.put(record(1))
    drafted(sender)

    told = sender.http.post("/v1/letters/1/void", json={"reason": "sai ngày"}).json()
    assert (told["state"], told["void_reason"], told["void_by"]) == (
        "void", "sai ngày", "client:one-stop"
    )  # fmt: skip
    assert drafted(sender)["number"] == "02/PXL"
    again = sender.http.post("/v1/letters/1/void", json={"reason": "sai ngày"})
    assert again.status_code == 409
    assert sender.http.post("/v1/letters/1/sent", json={"sent_at": SENT}).status_code == 409
    assert sender.http.get("/v1/letters/1.docx").status_code == 404


def test_what_was_sent_stays(sender: Api):
    sender.put(record(1))
    drafted(sender)

    assert sent(sender) == sent(sender)
    answer = sender.http.post("/v1/letters/1/sent", json={"sent_at": "2026-11-20T09:00:00+07:00"})
    assert answer.status_code == 409
    assert "was sent at 2026-11-20T10:00:00+07:00" in answer.json()["detail"]
    assert sender.http.post("/v1/letters/1/void", json={"reason": "nhầm"}).status_code == 409


@pytest.mark.parametrize(
    "moment",
    ["2026-11-19T10:00:00+07:00", "2026-11-20T11:00:00+07:00", "2026-12-03T10:00:00+07:00"],
)
def test_a_letter_cannot_have_been_sent_at_just_any_moment(sender: Api, moment: str):
    sender.put(record(1))
    drafted(sender)

    answer = sender.http.post("/v1/letters/1/sent", json={"sent_at": moment})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "sent_at")
    assert sender.get("/v1/letters/1")["state"] == "draft"


def test_a_letter_of_what_ended_before_it_left_is_not_recorded(
    sender: Api, later: Callable[[str], None]
):
    sender.put(record(1))
    drafted(sender)
    later("2026-11-23 10:00")
    sender.put(finished(1, "2026-11-20"))

    answer = sender.http.post("/v1/letters/1/sent", json={"sent_at": "2026-11-23T09:00:00+07:00"})

    assert answer.status_code == 422
    assert "had ended" in answer.json()["detail"]


def test_many_are_drafted_at_once_each_with_its_outcome(sender: Api):
    sender.batch([record(1), record(2, status=5, suspensions=[]), record(3)])
    sender.put(finished(4, "2026-11-19"))

    answer = sender.http.post(
        "/v1/letters", json=ASKED | {"codes": [code(3), "x", code(4), code(1), code(3)]}
    )

    told = answer.json()
    assert answer.status_code == 200
    assert told["drafted"] == 2
    outcomes = [(one["code"], one["outcome"], (one["letter"] or {}).get("number"))
                for one in told["items"]]  # fmt: skip
    assert outcomes == [
        (code(3), "drafted", "01/PXL"),
        ("x", "refused", None),
        (code(4), "refused", None),
        (code(1), "drafted", "02/PXL"),
        (code(3), "refused", None),
    ]
    assert told["items"][4]["problem"]["field"] == "code"
    many = ASKED | {"codes": [code(1)] * 501}
    assert sender.http.post("/v1/letters", json=many).status_code == 422


def test_numbers_have_no_gap_whoever_drafts_at_once(sender: Api, sessions: Sessions):
    sender.batch([record(number) for number in range(1, 61)])

    def some(start: int) -> int:
        codes = [code(number) for number in range(start, start + 30)]
        answer = sender.http.post("/v1/letters", json=ASKED | {"codes": codes})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["drafted"])

    with ThreadPoolExecutor(8) as pool:  # lists that overlap: each dossier once
        made = list(pool.map(some, [1, 31, 16, 1, 31, 5, 25, 11]))

    assert sum(made) == 60
    with sessions() as session:
        numbers = session.scalars(select(letter.c.number).order_by(letter.c.number)).all()
        codes = session.scalars(select(letter.c.code)).all()
    assert numbers == list(range(1, 61))
    assert len(set(codes)) == 60


def test_each_branch_and_year_counts_its_own(sender: Api, later: Callable[[str], None]):
    elsewhere = f"{OTHER}-261116-0001"
    sender.batch([record(1), record(2), record(3), record(code=elsewhere, branch=OTHER)])

    assert drafted(sender, 1)["number"] == "01/PXL"
    answer = sender.http.post(f"/v1/dossiers/{elsewhere}/letters", json=ASKED)
    assert answer.json()["number"] == "01/PXL"
    assert drafted(sender, 2)["number"] == "02/PXL"
    later("2027-01-04 08:00")
    assert drafted(sender, 3, promised_at="2027-01-15T09:00:00+07:00")["number"] == "01/PXL"


def test_letters_are_listed_by_state_page_by_page(sender: Api):
    sender.batch([record(number) for number in range(1, 5)])
    for number in range(1, 5):
        drafted(sender, number)
    sent(sender, 2)
    sender.http.post("/v1/letters/3/void", json={"reason": "sai ngày"})

    def ids(**asked: object) -> list[int]:
        return [one["id"] for one in sender.get("/v1/letters", **asked)["items"]]

    assert ids() == [4, 3, 2, 1]
    assert (ids(state="draft"), ids(state="sent"), ids(state="void")) == ([4, 1], [2], [3])
    assert ids(branch=OTHER) == []
    first = sender.get("/v1/letters", limit=3)
    assert first["next"] == "2"
    assert ids(cursor=first["next"]) == [1]


# --------------------------------------------------------------------------- a fact of the dossier


def whole(sessions: Sessions) -> None:
    """Nothing of what is kept contradicts itself."""
    checked = Checked()
    assert list(dossiers(sessions, RuleBook(), checked)) == []
    assert checked.dossiers


def told(api: Api, number: int = 1) -> list[str]:
    """When letters left, as the dossier says."""
    held = api.get(f"/v1/dossiers/{code(number)}")
    assert held["due_on"] is None or held["due_on"] == DUE
    return [one["sent_at"] for one in held["apologies"] or []]


def test_what_was_sent_is_a_fact_with_its_history_and_its_promise(sender: Api, sessions: Sessions):
    sender.put(record(1))
    drafted(sender)
    before = sender.get(f"/v1/dossiers/{code(1)}/deadline")

    sent(sender)

    held = sender.get(f"/v1/dossiers/{code(1)}")
    assert held["apologies"] == [{"sent_at": SENT, "reason": ASKED["reason"], "promised_at": NEW}]
    assert held["promised_at"] == "2026-11-27T17:00:00+07:00"  # the slip's stays the slip's
    assert [(one["reason"], one["source"]) for one in held["promises"]] == [
        ("slip", "one-stop"), ("apology", "dunghan"),
    ]  # fmt: skip
    assert held["source"] == "one-stop"
    assert held["form_due_on"] == "2026-12-02"  # II.06a goes by the last promise
    assert held["legal_due_on"] == DUE
    after = sender.get(f"/v1/dossiers/{code(1)}/deadline")
    assert (after["due_on"], after["due_at"]) == (before["due_on"], before["due_at"])
    history = sender.http.get(
        f"/v1/dossiers/{code(1)}/history", headers={"Accept-Language": "vi"}
    ).json()
    assert history["items"][1]["why_told"] == "ghi nhận phiếu xin lỗi đã gửi"
    assert history["items"][1]["by"] == "client:one-stop"
    assert list(history["items"][1]["changes"]) == ["apologies"]
    assert [one["number"] for one in history["letters"]] == ["01/PXL"]
    assert [one["cause"] for one in history["causes"]] == ["tax"]
    whole(sessions)


def test_no_snapshot_erases_it_and_what_is_sent_again_changes_nothing(
    sender: Api, sessions: Sessions
):
    first = record(1)
    sender.put(first)
    drafted(sender)
    sent(sender)

    assert sender.put(first).json()["outcome"] == "unchanged"
    later = record(1, updated_at="2026-11-20T10:10:00+07:00")
    assert sender.put(later).json()["outcome"] == "unchanged"
    assert told(sender) == [SENT]
    with sessions() as session:
        assert len(session.execute(select(revision)).all()) == 2
    other = later | {"commune": "30001", "updated_at": "2026-11-20T10:12:00+07:00"}
    assert sender.put(other).json()["outcome"] == "updated"
    assert sender.put(other).json()["outcome"] == "unchanged"
    old = record(1, commune="30002", updated_at="2026-11-16T08:10:04+07:00")
    assert sender.put(old).json()["outcome"] == "stale"
    assert told(sender) == [SENT]
    with sessions() as session:
        names = dict(session.execute(select(applicant.c.subject, applicant.c.details)).all())
        assert session.execute(select(divergence)).all() == []
        assert session.scalar(select(dossier.c.commune)) == "30001"
        sources = session.scalars(select(witness.c.source).order_by(witness.c.source)).all()
    assert names[code(1)] == {"name": NAME}
    assert sources == ["dunghan", "one-stop"]
    whole(sessions)


def test_a_stamp_behind_the_letter_is_newer_than_its_own_last_word(sender: Api):
    """A source is judged by its own stamps: a letter of ours makes nothing of it stale."""
    sender.put(record(1))
    drafted(sender)
    sent(sender)

    said = record(1, commune="30001", updated_at="2026-11-18T08:00:00+07:00")

    assert sender.put(said).json()["outcome"] == "updated"
    assert sender.get(f"/v1/dossiers/{code(1)}")["commune"] == "30001"
    assert told(sender) == [SENT]


def test_it_stays_when_the_dossier_moves_ends_and_opens_again(
    sender: Api, sessions: Sessions, later: Callable[[str], None]
):
    sender.put(record(1))
    drafted(sender)
    sent(sender)
    later("2026-12-02 12:00")

    moved = record(1, branch=OTHER, updated_at="2026-11-23T08:00:00+07:00")
    assert sender.put(moved).json()["outcome"] == "updated"
    assert told(sender) == [SENT]
    late = finished(1, "2026-12-01", branch=OTHER)
    assert sender.put(late).json()["outcome"] == "updated"
    held = sender.get(f"/v1/dossiers/{code(1)}")
    assert [one["sent_at"] for one in held["apologies"]] == [SENT]
    assert held["verdict"]["legal"] == "late"
    assert held["verdict"]["form"] == "early"  # by the last promise, as II.06a has it
    duty = next(
        one
        for one in sender.get(f"/v1/dossiers/{code(1)}/deadline")["duties"]
        if one["duty"] == "apology"
    )
    assert (duty["done_at"], duty["breach"]) == (SENT, False)
    again = record(1, branch=OTHER, updated_at="2026-12-02T08:00:00+07:00")
    assert sender.put(again).json()["outcome"] == "updated"
    assert told(sender) == [SENT]
    with sessions() as session:
        assert session.execute(select(divergence)).all() == []
    whole(sessions)


def test_the_record_s_own_letter_stands_and_ours_fills_where_it_is_taken_back(
    sender: Api, sessions: Sessions
):
    sender.put(record(1))
    drafted(sender)
    sent(sender)
    own = {"sent_at": "2026-11-20T09:30:00+07:00", "reason": "của một cửa", "promised_at": None}

    sender.put(record(1, apologies=[own], updated_at="2026-11-20T10:05:00+07:00"))
    assert told(sender) == [own["sent_at"]]
    sender.put(record(1, updated_at="2026-11-20T10:06:00+07:00"))
    assert told(sender) == [SENT]
    whole(sessions)


def test_another_source_in_any_order_leaves_it(api: Callable[..., Api], sessions: Sessions):
    sender, land = api(), api("land")
    sender.put(record(1))
    land.put(record(1, land_office_received_at="2026-11-16T08:12:00+07:00"))
    sender.put(record(2))
    for number in (1, 2):
        drafted(sender, number)
        sent(sender, number)
    land.put(record(2, land_office_received_at="2026-11-16T08:12:00+07:00"))

    for number in (1, 2):
        held = sender.get(f"/v1/dossiers/{code(number)}")
        assert [one["sent_at"] for one in held["apologies"]] == [SENT]
        assert held["land_office_received_at"] == "2026-11-16T08:12:00+07:00"
        assert [one["source"] for one in held["witnesses"]] == ["dunghan", "land", "one-stop"]
    with sessions() as session:
        assert session.execute(select(divergence)).all() == []
    whole(sessions)


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_it_stays_when_the_law_s_calendar_moves_the_due_day(sender: Api, sessions: Sessions):
    sender.put(record(1))
    drafted(sender)
    sent(sender)
    storm = {"kind": "off", "name": "Nghỉ do bão số 13", "source": "CV 13/UBND"}
    answer = sender.http.put(f"/v1/calendars/{BRANCH}/days/2026-11-26", json=storm)
    assert answer.status_code == 200, answer.text

    recompute(sessions, RuleBook(), vn("2026-11-20 10:20"))

    held = sender.get(f"/v1/dossiers/{code(1)}")
    assert held["due_on"] == "2026-11-30"
    assert [one["sent_at"] for one in held["apologies"]] == [SENT]
    assert held["letter"]["due_on"] == DUE  # what it apologised for stays
    whole(sessions)


def test_index_766_counts_the_apology(sender: Api, later: Callable[[str], None]):
    sender.batch([record(1), record(2)])
    drafted(sender, 1)
    sent(sender)
    later("2026-12-02 12:00")
    sender.batch([finished(1, "2026-12-01"), finished(2, "2026-12-01")])

    rows = sender.get("/v1/reports/index-766", period="2026-12")["rows"]

    share = next(row for row in rows if row.get("criterion") == "apology")
    assert (share["numerator"], share["denominator"]) == (1, 2)


# ------------------------------------------------------------------------------------ the document


def words(content: bytes) -> str:
    """All that stands in a document."""
    opened = docx.Document(BytesIO(content))
    cells = (cell.text for table in opened.tables for row in table.rows for cell in row.cells)
    return "\n".join([*cells, *(one.text for one in opened.paragraphs)])


def document(api: Api, letter_id: int = 1) -> str:
    answer = api.http.get(f"/v1/letters/{letter_id}.docx")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return words(answer.content)


def test_the_document_says_what_the_form_asks(sender: Api):
    sender.put(record(1))
    drafted(sender)

    said = document(sender)

    for part in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Số: 01/PXL",
        "ngày 20 tháng 11 năm 2026",
        "PHIẾU XIN LỖI VÀ HẸN LẠI NGÀY TRẢ KẾT QUẢ",
        f"Kính gửi: {NAME}",
        code(1),
        "Ngày 16 tháng 11 năm 2026",
        "17 giờ 00 ngày 27 tháng 11 năm 2026",
        f"Lý do: {ASKED['reason']}",
        "16 giờ 00 ngày 02 tháng 12 năm 2026",
        "xin lỗi",
        "Nơi nhận",
    ):
        assert part in said, part


def test_without_a_name_there_are_dots(sender: Api):
    sender.put(record(1, applicant=None, promised_at=None))
    drafted(sender)

    assert "Kính gửi: ……" in document(sender)


@pytest.mark.parametrize(
    "name", ["Trần & Con <b>", "{{ code }}", "{% raw %}", "]]>", "A \"B\" 'C'", "{{ 7*7 }}{# x #}"]
)
def test_a_name_is_text_and_nothing_else(sender: Api, name: str):
    sender.put(record(1, applicant={"name": name}))
    drafted(sender, reason=f"vì {name}")

    said = document(sender)

    assert f"Kính gửi: {name}" in said
    assert f"Lý do: vì {name}" in said


def test_the_name_is_in_the_document_and_nowhere_else(sender: Api, sessions: Sessions):
    sender.put(record(1))
    drafted(sender)
    sent(sender)

    with sessions() as session:
        for table in ("letter", "lateness_cause", "witness", "revision", "dossier"):
            rows = session.scalars(text(f"SELECT t::text FROM {table} AS t")).all()  # noqa: S608
            assert rows
            assert not any(NAME in row for row in rows), table
    answer = sender.http.get("/v1/letters/1.docx")
    assert NAME not in str(answer.headers)
    assert NAME not in sender.http.get("/v1/letters").text


def test_many_documents_come_in_one_archive_by_code(sender: Api):
    sender.batch([record(1), record(2), record(3)])
    for number in (1, 2, 3):
        drafted(sender, number)
    sender.http.post("/v1/letters/3/void", json={"reason": "sai ngày"})

    for query in ("", "?id=1&id=2&id=3&id=99"):
        answer = sender.http.get(f"/v1/letters.zip{query}")
        assert answer.status_code == 200
        with ZipFile(BytesIO(answer.content)) as opened:
            assert sorted(opened.namelist()) == [f"{code(1)}.docx", f"{code(2)}.docx"]
            assert "Số: 02/PXL" in words(opened.read(f"{code(2)}.docx"))
    assert sender.http.get("/v1/letters.zip?id=99").status_code == 404


@pytest.mark.parametrize("path", ["/v1/letters.zip", "/v1/letters/1.docx"])
def test_documents_are_filled_when_no_transaction_is_open_any_more(
    sender: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str
):
    sender.put(record(1))
    drafted(sender)
    fill, before = printed.document, engine.pool.checkedout()  # type: ignore[attr-defined]
    held: list[int] = []

    def watching(letter: printed.Letter, source: Path) -> bytes:
        held.append(engine.pool.checkedout() - before)  # type: ignore[attr-defined]
        return fill(letter, source)

    monkeypatch.setattr(printed, "document", watching)

    assert sender.http.get(path).status_code == 200
    assert held == [0]


@pytest.fixture
def own_template(app: FastAPI, tmp_path: Path) -> Path:
    """Where an operator's template stands."""
    from dataclasses import replace  # noqa: PLC0415

    app.state.parts = replace(app.state.parts, letters=tmp_path)
    return tmp_path / "mau-04.docx"


def test_an_operator_s_template_takes_the_place_of_ours(own_template: Path, sender: Api):
    sender.put(record(1))
    drafted(sender)
    assert "PHIẾU XIN LỖI" in document(sender)  # the folder has none yet

    made = docx.Document()
    made.add_paragraph("{{ number }} – {{ branch_upper }} – {{ to }}")
    made.save(str(own_template))

    assert document(sender).startswith("01/PXL – ")
    assert document(sender).endswith(NAME)


@pytest.mark.parametrize("broken", ["no docx", "{{ nobody }}", "{% for %}", "{{ to.__class__ }}"])
def test_a_broken_template_is_told_as_what_it_is(own_template: Path, sender: Api, broken: str):
    sender.put(record(1))
    drafted(sender)
    if broken == "no docx":
        own_template.write_bytes(b"PK but no archive")
    else:
        made = docx.Document()
        made.add_paragraph(broken)
        made.save(str(own_template))

    answer = sender.http.get("/v1/letters/1.docx")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "mau-04.docx" in answer.json()["title"]
    assert NAME not in answer.text


# ----------------------------------------------------------------------------------------- causes


def test_the_newest_cause_counts_and_none_is_lost(sender: Api, clock: Clock):
    sender.put(record(1))
    assert sender.get(f"/v1/dossiers/{code(1)}")["cause"] is None
    for cause, note in (("staff", None), ("other", "mất điện cả ngày")):
        body = {"cause": cause, "note": note}
        assert sender.http.post(f"/v1/dossiers/{code(1)}/cause", json=body).status_code == 201
        clock.now += timedelta(minutes=1)

    held = sender.get(f"/v1/dossiers/{code(1)}")["cause"]

    assert (held["cause"], held["note"], held["by"]) == (
        "other", "mất điện cả ngày", "client:one-stop"
    )  # fmt: skip
    said = sender.get(f"/v1/dossiers/{code(1)}/history")["causes"]
    assert [one["cause"] for one in said] == ["staff", "other"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cause": "other"}, "note"),
        ({"cause": "other", "note": " "}, "note"),
        ({"cause": "weather"}, "cause"),
        ({"cause": "tax", "note": "x" * 501}, "note"),
        ({"cause": "tax", "note": "a\x00"}, "note"),
        ({}, "cause"),
    ],
)
def test_a_cause_that_says_nothing_is_refused(sender: Api, body: dict[str, Any], field: str):
    sender.put(record(1))

    answer = sender.http.post(f"/v1/dossiers/{code(1)}/cause", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert sender.get(f"/v1/dossiers/{code(1)}")["cause"] is None


def test_late_dossiers_without_a_cause_are_asked_for(sender: Api, later: Callable[[str], None]):
    later("2026-12-04 09:00")
    sender.batch(
        [
            record(1, updated_at="2026-12-04T08:00:00+07:00"),  # overdue
            finished(2, "2026-12-01"),  # ended late
            finished(3, "2026-11-26"),  # in time
            record(4, status=7, ended_at="2026-12-01T08:00:00+07:00",
                   updated_at="2026-12-01T08:00:00+07:00"),  # withdrawn: counts for nobody
            record(5, updated_at="2026-12-04T08:00:00+07:00"),  # overdue, and told
        ]
    )  # fmt: skip
    sender.http.post(f"/v1/dossiers/{code(5)}/cause", json={"cause": "staff"})

    def missing(**asked: object) -> list[str]:
        return [one["code"] for one in sender.get("/v1/causes/missing", **asked)["items"]]

    assert missing() == [code(1), code(2)]
    assert missing(since="2026-12-02") == [code(1)]
    assert missing(branch=OTHER) == []
    first = sender.get("/v1/causes/missing", limit=1)
    assert first["next"] == code(1)
    assert missing(cursor=first["next"]) == [code(2)]


def test_causes_are_counted_by_branch(sender: Api, later: Callable[[str], None]):
    later("2026-12-04 09:00")
    at = "2026-12-04T08:00:00+07:00"
    late = [record(1, updated_at=at), finished(2, "2026-12-01"), finished(3, "2026-12-01")]
    sender.batch([*late, finished(4, "2026-11-26"), finished(5, "2026-12-01")])
    for number, cause in ((1, "tax"), (2, "staff"), (2, "tax"), (3, "measuring"), (4, "tax")):
        sender.http.post(f"/v1/dossiers/{code(number)}/cause", json={"cause": cause})

    told = sender.get("/v1/reports/causes", **{"from": "2026-11-01", "to": "2026-12-31"})

    mine = next(row for row in told["rows"] if row["branch"] == BRANCH)
    names = ("ended", "open", "unsaid", *(cause.value for cause in Cause))
    figures = {name: mine[name] for name in names}
    counts = {"ended": 3, "open": 1, "tax": 2, "measuring": 1, "unsaid": 1}
    assert figures == dict.fromkeys(names, 0) | counts
    assert {name: told["totals"][name] for name in figures} == figures
    answer = sender.http.get("/v1/reports/causes?period=2026&format=csv")
    assert "Cơ quan thuế" in answer.text


# ------------------------------------------------------------------------------------------ rights


def test_only_who_may_record_records(api: Callable[..., Api], sender: Api):
    sender.put(record(1))
    drafted(sender)
    reader = api("reader", rights=[Right.READ, Right.INTAKE, Right.CATALOGUE])

    for path, body in (
        (f"/v1/dossiers/{code(1)}/letters", ASKED),
        (f"/v1/dossiers/{code(1)}/cause", {"cause": "tax"}),
        ("/v1/letters", ASKED | {"codes": [code(1)]}),
        ("/v1/letters/1/sent", {"sent_at": SENT}),
        ("/v1/letters/1/void", {"reason": "sai ngày"}),
    ):
        assert reader.http.post(path, json=body).status_code == 403, path
    assert reader.http.get("/v1/letters").status_code == 200


def test_another_branch_has_no_letter(api: Callable[..., Api], sender: Api):
    sender.put(record(1))
    drafted(sender)
    other = api("other", branches=[OTHER])

    for method, path, body in (
        ("POST", f"/v1/dossiers/{code(1)}/letters", ASKED),
        ("POST", f"/v1/dossiers/{code(1)}/cause", {"cause": "tax"}),
        ("POST", "/v1/letters/1/sent", {"sent_at": SENT}),
        ("POST", "/v1/letters/1/void", {"reason": "sai ngày"}),
        ("GET", "/v1/letters/1", None),
        ("GET", "/v1/letters/1.docx", None),
        ("GET", "/v1/letters.zip", None),
        ("GET", f"/v1/letters?branch={BRANCH}", None),
        ("GET", f"/v1/causes/missing?branch={BRANCH}", None),
    ):
        assert other.http.request(method, path, json=body).status_code == 404, path
    many = other.http.post("/v1/letters", json=ASKED | {"codes": [code(1)]}).json()
    assert many["drafted"] == 0
    assert "no dossier" in many["items"][0]["problem"]["detail"]
    assert other.get("/v1/letters")["items"] == []


def test_a_draft_goes_with_its_dossier_to_another_branch(api: Callable[..., Api], sender: Api):
    sender.batch([record(1), record(2)])
    drafted(sender, 1)
    drafted(sender, 2)
    giving, receiving = (
        api(name, branches=[branch], rights=[Right.READ, Right.RECORD])
        for name, branch in (("giving", BRANCH), ("receiving", OTHER))
    )
    moved = [
        record(number, branch=OTHER, updated_at="2026-11-19T08:00:00+07:00") for number in (1, 2)
    ]
    sender.batch(moved)

    assert giving.get("/v1/letters")["items"] == []
    assert giving.http.get("/v1/letters/1").status_code == 404
    assert giving.http.post("/v1/letters/1/sent", json={"sent_at": SENT}).status_code == 404
    items = receiving.get("/v1/letters", branch=OTHER, state="draft")["items"]
    assert [(one["id"], one["branch"], one["number"]) for one in items] == [
        (2, BRANCH, "02/PXL"),  # the number stays of the branch that drafted it
        (1, BRANCH, "01/PXL"),
    ]
    assert receiving.http.get("/v1/letters/1.docx").status_code == 200
    assert sent(receiving, 1)["state"] == "sent"
    assert receiving.http.post("/v1/letters/2/void", json={"reason": "sai chi nhánh"}).is_success
    assert (drafted(receiving, 2)["branch"], told(receiving, 1)) == (OTHER, [SENT])


def test_the_name_of_our_own_source_is_taken(sender: Api):
    answer = sender.http.put("/v1/sources/dunghan", json={"name": "x", "rank": 1})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "code")
