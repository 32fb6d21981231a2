"""The page of refused records: what is wrong in Vietnamese, a form to mend it, all driven again."""

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import Sessions
from app.db.tables import quarantine
from tests.web.browser import Open
from tests.web.test_quarantine import NEW, publish_branch
from tests.web.wire import BRANCH, NAME, OTHER, Api, Record, code, record


def number(sessions: Sessions, name: str) -> int:
    with sessions() as session:
        query = select(quarantine.c.id).where(quarantine.c.code == name)
        return int(session.scalar(query) or 0)


def kept(sessions: Sessions, name: str) -> Any:  # noqa: ANN401 a row
    with sessions() as session:
        query = select(quarantine).where(quarantine.c.code == name)
        return session.execute(query).mappings().one()


def form(page: str) -> dict[str, str]:
    """What the browser would send of the mending form, untouched."""
    inside = page.partition('<form class="mend"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input id="f-[^"]*" name="([^"]+)" value="([^"]*)"', inside))
    found |= dict(re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', inside))
    for name, options in re.findall(
        r'<select [^>]*name="([^"]+)">(.*?)</select>', inside, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        found[name] = chosen.group(1) if chosen else ""
    found |= dict(re.findall(r'type="checkbox" name="([^"]+)" value="([^"]+)" checked', inside))
    return found


def wrong(**changes: Any) -> Record:  # noqa: ANN401 JSON
    return record(1, status=5, **changes)


def test_the_list_says_in_vietnamese_what_is_wrong_and_narrows(sender: Api, browse: Open):
    sender.batch([wrong(), record(2, branch=NEW)])
    browser = browse()

    page = browser.read("/quarantine")
    one = browser.read("/quarantine?field=branch")
    none = browser.read(f"/quarantine?branch={OTHER}")

    for said in (
        code(1),
        code(2),
        "Chi nhánh",
        "hãy gửi lần tạm dừng chưa kết thúc",
        "Đưa lại cả 2",
    ):
        assert said in page, said
    assert code(2) in one
    assert code(1) not in one
    assert "Không có bản ghi nào." in none
    assert NAME not in page


def test_a_record_is_mended_in_a_form(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([wrong(received_at="2026-11-16T08:10:00", phone="0900")])
    browser, held = browse(), number(sessions, code(1))

    page = browser.read(f"/quarantine/{held}")
    fields = form(page)
    answer = browser.send(
        f"/quarantine/{held}/mend",
        **fields | {"status": "4", "received_at": "08:10 16/11/2026", "applicant.name": "Bà Ẩn"},
    )

    assert fields["applicant.name"] == NAME
    assert fields["received_at"] == "2026-11-16T08:10:00"  # as it came
    assert fields["updated_at"] == "08:10:05 16/11/2026"
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine?done=created")
    assert "Đã tiếp nhận là hồ sơ mới." in browser.read(answer.headers["location"])
    stored = sender.get(f"/v1/dossiers/{code(1)}")
    assert stored["received_at"] == "2026-11-16T08:10:00+07:00"
    assert stored["updated_at"] == "2026-11-16T08:10:05+07:00"
    assert stored["applicant"]["name"] == "Bà Ẩn"
    row = kept(sessions, code(1))
    assert (row["state"], row["settled_how"], row["settled_by"]) == (
        "mended", "amended", "user:administrator",
    )  # fmt: skip
    assert "đã sửa tay và tiếp nhận" in browser.read(f"/quarantine/{held}").lower()


def test_what_is_not_touched_stays_to_the_last_sign(sender: Api, browse: Open, sessions: Sessions):
    stop = {"reason": "supplement", "from": "2026-11-17T08:00:00.123456Z", "until": None}
    sent = record(
        1, status=5, suspensions=[stop], online_payment=True, case="x y", channel="post",
        updated_at="2026-11-18T01:00:00.654321Z", promised_at="2001-01-01T00:00:00+07:00",
    )  # fmt: skip
    sender.batch([sent])
    browser, held = browse(), number(sessions, code(1))

    fields = form(browser.read(f"/quarantine/{held}"))
    browser.send(f"/quarantine/{held}/mend", **fields | {"promised_at": ""})

    stored = sender.get(f"/v1/dossiers/{code(1)}")
    assert stored["updated_at"] == "2026-11-18T08:00:00.654321+07:00"
    assert stored["suspensions"][0]["from"] == "2026-11-17T15:00:00.123456+07:00"
    assert (stored["online_payment"], stored["channel"]) == (True, "post")
    assert stored["promised_at"] is None


def test_refused_again_it_keeps_what_was_mended_and_says_what_is_left(
    sender: Api, browse: Open, sessions: Sessions
):
    sender.batch([wrong(branch=NEW)])
    browser, held = browse(), number(sessions, code(1))
    fields = form(browser.read(f"/quarantine/{held}"))

    answer = browser.send(f"/quarantine/{held}/mend", **fields | {"branch": BRANCH})

    assert answer.headers["location"] == f"/quarantine/{held}?again=1"
    page = browser.read(answer.headers["location"])
    assert "Lại bị từ chối" in page
    assert "không phải chi nhánh" not in page
    assert form(page)["branch"] == BRANCH


def test_what_cannot_be_read_changes_nothing_and_stays_in_the_form(
    sender: Api, browse: Open, sessions: Sessions
):
    sender.batch([wrong()])
    browser, held = browse(), number(sessions, code(1))
    fields = form(browser.read(f"/quarantine/{held}"))

    answer = browser.send(f"/quarantine/{held}/mend", **fields | {"suspensions": "[{", "case": "b"})

    assert answer.status_code == 422
    page = unescape(answer.text)
    assert "Chưa có gì thay đổi" in page
    assert form(page)["suspensions"] == "[{"
    assert form(page)["case"] == "b"
    assert kept(sessions, code(1))["record"].get("case") is None


@pytest.mark.parametrize("typed", ["<script>", "[" * 5_000, "\0", "😀" * 300, "NaN"])
def test_whatever_is_typed_the_page_answers(
    sender: Api, browse: Open, sessions: Sessions, typed: str
):
    sender.batch([wrong()])
    browser, held = browse(), number(sessions, code(1))
    fields = form(browser.read(f"/quarantine/{held}"))

    for name in ("case", "suspensions", "updated_at", "status", "applicant.name", "code"):
        answer = browser.send(f"/quarantine/{held}/mend", **fields | {name: typed})
        assert answer.status_code in (303, 422), (name, answer.text)
        assert "<script" not in answer.text
        if answer.status_code == 303:
            assert "<script" not in browser.http.get(answer.headers["location"]).text
            fields = form(browser.read(f"/quarantine/{held}"))


def test_it_is_discarded_with_a_reason_only(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([wrong()])
    browser, held = browse(), number(sessions, code(1))

    without = browser.send(f"/quarantine/{held}/discard", reason="  ")
    state = kept(sessions, code(1))["state"]
    answer = browser.send(f"/quarantine/{held}/discard", reason="nhập hai lần")

    assert (without.status_code, state) == (422, "open")
    assert "hãy nêu lý do" in unescape(without.text)
    assert answer.headers["location"] == "/quarantine?done=discarded"
    assert "nhập hai lần" in browser.read("/quarantine?state=discarded")
    page = browser.read(f"/quarantine/{held}")
    assert "Lý do: nhập hai lần" in page
    assert '<form class="mend"' not in page
    assert browser.send(f"/quarantine/{held}/discard", reason="nhập hai lần").status_code == 404
    assert browser.send(f"/quarantine/{held}/mend").status_code == 404


@pytest.mark.usefixtures("catalogue_as_it_was")
def test_all_are_driven_again_with_progress(
    sender: Api, browse: Open, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.web.quarantine.drive_on.__defaults__", (2,))
    sender.batch([*(record(n, branch=NEW) for n in range(1, 6)), record(6, status=5)])
    sender.http.put(f"/v1/dossiers/{code(8)}", json=record(7))
    publish_branch(sessions, sender)
    browser = browse()

    answer = browser.send("/quarantine/retry")

    page = unescape(answer.text)
    assert re.findall(r"(\d+) trên 6<", page) == ["0", "2", "4", "6"]
    for said in ("Số bản ghi đã đưa lại: 6", "hồ sơ mới: <b>5</b>", "lại bị từ chối: <b>1</b>"):
        assert said in page, said
    assert "phải có người quyết định đó là hồ sơ nào: 1" in page
    assert page.rstrip().endswith("</html>")
    assert answer.headers["cache-control"] == "private, no-store"
    assert code(6) in browser.read("/quarantine")
    assert code(1) not in browser.read("/quarantine")
    assert browser.http.get("/quarantine/retry").headers["location"] == "/quarantine"


def test_what_breaks_half_way_is_told_on_the_page(
    sender: Api, browse: Open, monkeypatch: pytest.MonkeyPatch
):
    sender.batch([wrong()])
    browser = browse()

    def broken(*_: object) -> None:
        raise RuntimeError("our own fault")

    monkeypatch.setattr("app.web.pages.quarantine.drive_on", broken)
    page = unescape(browser.send("/quarantine/retry").text)

    assert "Đã dừng giữa chừng" in page
    assert "our own fault" not in page
    assert page.rstrip().endswith("</html>")


def test_who_may_only_read_sees_neither_form_nor_name(
    sender: Api, browse: Open, sessions: Sessions
):
    sender.batch([wrong(), record(2, branch=NEW)])
    director = browse("director", [BRANCH])
    held, office = number(sessions, code(1)), number(sessions, code(2))

    page = director.read("/quarantine")
    one = director.read(f"/quarantine/{held}")

    assert code(1) in page
    assert "Đưa lại" not in page + one
    assert NAME not in page + one
    assert 'name="reason"' not in one
    for path in (f"/quarantine/{held}/mend", f"/quarantine/{held}/discard", "/quarantine/retry"):
        assert director.send(path, reason="nhầm lẫn").status_code == 403
    director.read(f"/quarantine/{office}", 404)
    browse("director", [OTHER]).read(f"/quarantine/{held}", 404)


def test_a_foreign_page_sends_nothing_for_us(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([wrong()])
    browser, held = browse(), number(sessions, code(1))

    for path in (f"/quarantine/{held}/mend", f"/quarantine/{held}/discard", "/quarantine/retry"):
        assert browser.http.post(path, data={"csrf": "x", "reason": "nhầm"}).status_code == 403
    assert kept(sessions, code(1))["state"] == "open"
    for path in (f"/quarantine/{held}/mend", f"/quarantine/{held}/discard"):
        assert browser.http.get(path).headers["location"] == f"/quarantine/{held}"
