"""A digest as a mail: its text and its HTML say the same, and nothing in it is taken for markup."""

import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from app.core.ladder import Told
from app.printed.mail import Mail
from app.printed.morning import due
from app.printed.speech import Speech
from app.service.digest_document import (
    Digest,
    Entry,
    Handled,
    Line,
    Part,
    Refused,
    Section,
    Silent,
    Unconfirmed,
)
from app.service.week_document import Procedure, WeekLine, Weekly
from tests.jobs.rows import vn
from tests.printed.documents import document, row

CODE = "H20.16.03-261101-0001"
NOW = vn("2026-11-23 07:30")


class Reading(HTMLParser):
    """The words a reader sees, the texts of pictures, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.add(tag)
        self._hidden += tag in ("style", "title")
        self.links += [held["href"] or ""] if tag == "a" else []
        self.words += [held.get("alt") or ""] if tag == "img" else []

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(" ".join(data.split()))


def digest(*sections: Section, **changes: Any) -> Digest:  # noqa: ANN401 a field
    held: dict[str, Any] = {
        "told": Told.BRANCH,
        "unit": "Khu vực III",
        "whole": False,
        "day": date(2026, 11, 23),
        "as_of": NOW,
        "yesterday": date(2026, 11, 20),
        "tomorrow": date(2026, 11, 25),
        "lines": [Line("H20.16.03", "Khu vực III", 7, 5, 2, 9, 0, 2, 3)],
        "sections": sections,
        "silent": [],
        "refused": [],
        "unconfirmed": [],
        "handled": [],
        "in_hand": 0,
        "ahead": [(date(2026, 11, 23), 5), (date(2026, 11, 25), 0)],
        "table": document(row()),
    }
    return Digest(**held | changes)


def section(part: Part, count: int, *codes: str, **more: Any) -> Section:  # noqa: ANN401 a field
    entries = tuple(
        Entry(code, due_at=vn("2026-11-21 00:00"), procedure="Cấp đổi <b>") for code in codes
    )
    return Section(part, count, entries, **more)


def mail(held: Digest, language: str = "vi", url: str | None = "https://x.vn/") -> Mail:
    return Mail(Speech(language), url, held)


def read(html: str) -> Reading:
    found = Reading()
    found.feed(html)
    return found


PRESSING = digest(
    section(Part.APOLOGY_TODAY, 2, CODE, "H20.16.03-261101-0002"),
    section(Part.DUE_TODAY, 5, CODE, handled=1),
    section(Part.NEWLY_OVERDUE, 3, CODE),
    section(Part.OVERDUE_REMINDED, 1, CODE, days=3),
)


def test_the_subject_says_what_presses():
    assert mail(PRESSING).subject == (
        "[Đúng Hạn] Khu vực III 23/11: 3 mới quá hạn · 5 đến hạn hôm nay · 2 phải xin lỗi"
    )
    assert mail(PRESSING, "en").subject == (
        "[Đúng Hạn] Khu vực III 23/11: 3 newly overdue · 5 due today · 2 to apologise for"
    )


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_text_and_the_html_say_the_same(language: str):
    held = mail(PRESSING, language)
    letter = held.letter({"ahead": b"png"})
    seen = read(letter.html)

    def words(*texts: str) -> set[str]:
        return {word for text in texts for word in re.findall(r"\w+", text.lower())}

    assert words(letter.text) <= words(*seen.words, *seen.links)
    assert words(*seen.words) <= words(letter.text, "Đúng Hạn")


def test_every_link_leads_into_the_pages_and_without_an_address_there_is_none():
    assert set(read(mail(PRESSING).html({})).links) == {
        "https://x.vn/",
        f"https://x.vn/dossiers/{CODE}",
        "https://x.vn/dossiers/H20.16.03-261101-0002",
        "https://x.vn/branches/H20.16.03?list=due_soon",
        "https://x.vn/branches/H20.16.03?list=overdue",
    }
    assert read(mail(PRESSING, url=None).html({})).links == []


def test_nothing_in_it_is_taken_for_markup_and_nothing_is_fetched():
    silent = Silent("<script>alert(1)</script>", None, None)
    html = mail(digest(section(Part.OVERDUE, 1, CODE), silent=[silent])).html({})

    assert "<script" not in html
    assert not read(html).tags & {"script", "link", "iframe", "form", "img"}
    assert "&lt;script&gt;" in html
    assert "Cấp đổi &lt;b&gt;" in html


def test_a_chart_is_shown_where_it_was_drawn_and_its_words_are_in_both():
    held = mail(PRESSING)

    letter = held.letter({"ahead": b"png"})

    assert list(held.charts) == ["ahead"]
    assert [(one.name, one.content_id) for one in letter.files] == [("ahead.png", "ahead")]
    assert "Thứ Hai 23/11: 5" in letter.text
    assert any("Thứ Hai 23/11: 5" in words for words in read(letter.html).words)
    assert "img" not in read(held.letter({}).html).tags


def test_what_is_not_named_is_counted():
    text = mail(digest(section(Part.DUE_TODAY, 30, CODE, handled=4, above=2))).text()

    assert "… 2 đã nêu ở trên; 4 đang có người xử lý; và 23 hồ sơ khác" in text
    assert "https://x.vn/branches/H20.16.03?list=due_soon" in text


def test_a_quiet_morning_is_said_in_one_line():
    lines = [Line("H20.16.03", "Khu vực III", 0, 0, 0, 0, 0, 0, 0)]
    held = mail(digest(lines=lines))

    assert held.subject == "[Đúng Hạn] Khu vực III 23/11: không có việc gấp"
    assert "không có số liệu" in held.text()
    assert "Không có việc gấp" in held.text()


def test_who_is_on_it_is_named_with_until_when():
    handled = [Handled(CODE, "Bà An", vn("2026-11-25 17:00"))]

    text = mail(digest(handled=handled, in_hand=3)).text()

    assert "ĐANG CÓ NGƯỜI XỬ LÝ (3)" in text
    assert f"- {CODE}  Bà An, đến 17:00 25/11/2026" in text
    assert "và 2 hồ sơ khác" in text


def test_what_is_odd_is_warned_of_with_what_to_do():
    held = mail(
        digest(
            silent=[Silent("Khu vực III", "Một cửa", vn("2026-11-13 16:45"))],
            refused=[Refused("Khu vực III", 11, 40)],
            unconfirmed=[Unconfirmed(date(2027, 1, 1), ("Khu vực IV",))],
        )
    )
    text = held.text()

    assert "! Khu vực III (Một cửa) không gửi dữ liệu từ 16:45 13/11/2026" in text
    assert "! Khu vực III: 11 bản ghi bị từ chối từ ngày làm việc trước, 40 đang chờ sửa." in text
    assert "! Khu vực IV: Lịch làm việc từ 01/01/2027 chưa được xác nhận" in text
    assert "https://x.vn/calendar?year=2027" in text
    assert held.subject == "[Đúng Hạn] Khu vực III 23/11: 7 quá hạn"


def test_a_due_hour_is_shown_and_a_due_day_is_not_its_midnight():
    assert due(vn("2026-11-24 00:00"), Speech("vi")) == "23/11/2026"
    assert due(vn("2026-11-23 16:30"), Speech("vi")) == "16:30 23/11/2026"


def test_what_waits_says_since_when_and_only_odd_things_are_something_to_look_after():
    lines = [Line("H20.16.03", "Khu vực III", 0, 0, 0, 0, 0, 0, 0)]
    waits = Section(Part.WAITING_TAX, 1, (Entry(CODE, since=date(2026, 7, 2)),), days=10)
    held = mail(digest(waits, lines=lines))

    assert "CHỜ NGHĨA VỤ TÀI CHÍNH TRÊN 10 NGÀY LÀM VIỆC (1)" in held.text()
    assert f"- {CODE}  từ 02/07/2026" in held.text()
    assert held.subject.endswith(": có việc cần xem")


# ------------------------------------------------------------------------------------ the week


def week(**changes: Any) -> Weekly:  # noqa: ANN401 a field
    held: dict[str, Any] = {
        "unit": "Văn phòng Đăng ký đất đai",
        "whole": True,
        "first": date(2026, 11, 16),
        "last": date(2026, 11, 22),
        "as_of": NOW,
        "lines": [
            WeekLine("H20.16.03", "Khu vực III", 5, 4, 5, 7, 9, 2, 3, 1),
            WeekLine("H20.16.04", "Khu vực IV", 8, 8, 8, 0, 0, 0, 0, 0),
            WeekLine("H20.16.05", "Khu vực V", 0, 0, 0, 0, 0, 0, 0, 0),
        ],
        "causes": [("staff", 2), ("tax", 1)],
        "worst": [Procedure("1.012790", "Đính chính " * 20, 1, 3)],
        "table": document(row()),
    }
    return Weekly(**held | changes)


def weekly(held: Weekly, also: Digest | None = None, url: str | None = "https://x.vn") -> Mail:
    return Mail(Speech("vi"), url, also, held)


def test_a_week_is_told_against_the_one_before():
    held = weekly(week())

    assert held.subject == (
        "[Đúng Hạn] Toàn văn phòng, tuần 47: 92,3% đúng hạn (tuần trước đó 77,7%)"
    )
    text = held.text()
    assert "- Khu vực III: đúng hạn 80,0% (4/5), tuần trước đó 77,7%" in text
    assert "- Khu vực V: đúng hạn không có số liệu" in text
    assert "phiếu xin lỗi 1/3" in text
    assert "- Cán bộ xử lý: " in text
    assert "1.012790 Đính chính" in text
    assert text.rstrip().endswith("ngày làm việc đầu tiên của mỗi tuần.")
    assert "Khu vực III: 80,0%; Khu vực IV: 100,0%." in text
    assert list(held.charts) == ["week"]  # a branch without data is no bar


def test_one_branch_has_no_chart_and_no_total_and_several_are_counted():
    lines = week().lines
    one = weekly(week(lines=lines[:1], whole=False, unit="Khu vực III"), url=None)
    two = weekly(week(lines=lines[:2], whole=False, unit=""))

    assert list(one.charts) == []
    assert "Tất cả chi nhánh" not in one.text()
    assert read(one.html({})).links == []
    assert one.subject.startswith("[Đúng Hạn] Khu vực III, tuần 47")
    assert two.subject.startswith("[Đúng Hạn] 2 chi nhánh, tuần 47")


def test_a_digest_and_a_week_go_in_one_mail():
    both = weekly(week(), PRESSING)

    assert both.subject == (
        "[Đúng Hạn] Khu vực III 23/11: 3 mới quá hạn · 5 đến hạn hôm nay · 2 phải xin lỗi · "
        "tuần 47: 92,3% đúng hạn (tuần trước đó 77,7%)"
    )
    assert list(both.charts) == ["ahead", "week"]
    assert both.text().index("MỚI QUÁ HẠN") < both.text().index("TUẦN TRƯỚC: TUẦN 47")
