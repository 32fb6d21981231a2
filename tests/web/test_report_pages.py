"""The pages of the reports and their charts, as a browser meets them."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.db.engine import Sessions
from app.printed.easel import Easel
from app.service import access, reporting
from app.web.deps import COOKIE
from tests.web.wire import BRANCH, NAME, NOW, OTHER, Api, Clock, finished, record

PASSWORD = "một hai ba bốn"  # noqa: S105 of accounts that live for one test
THIS_YEAR = "/reports/on-time?period=2026"
FORM = "/reports/ii-06a?from=2026-09-15&to=2026-11-20"


class Reader:
    """Somebody who looks at pages."""

    def __init__(self, http: TestClient) -> None:
        """Signed in."""
        self.http = http

    def page(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text


@pytest.fixture(scope="module")
def easel() -> Iterator[Easel]:
    """One for all the tests: its first chart takes seconds."""
    made = Easel(patience=60)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def _shared(app: FastAPI, easel: Easel) -> None:
    app.state.easel = easel


@pytest.fixture
def reader(app: FastAPI, sessions: Sessions) -> Callable[..., Reader]:
    def enter(*branches: str) -> Reader:
        login = "gd" if branches else "qt"
        with sessions.begin() as session:
            access.add_user(
                session,
                login=login,
                name=login,
                email=None,
                role="director" if branches else "administrator",
                office="H20.16",
                branches=list(branches) or None,
                active=True,
                password=PASSWORD,
            )
            cookie = access.sign_in(session, login, PASSWORD, NOW, timedelta(hours=9))
        http = TestClient(app, follow_redirects=False)
        http.cookies.set(COOKIE, cookie or "")
        return Reader(http)

    return enter


@pytest.fixture
def sent(sender: Api) -> Api:
    """Ours: two early, one on its day, one late, one open; another branch: one early."""
    told = sender.batch(
        [
            finished(1, "2026-11-18", channel="online"),
            finished(2, "2026-11-19"),
            finished(3, "2026-11-13", received_at="2026-11-03T08:00:00+07:00", promised_at=None),
            finished(
                4,
                "2026-11-20",
                received_at="2026-10-20T08:00:00+07:00",
                promised_at="2026-10-30T17:00:00+07:00",
            ),
            record(5),
            finished(6, "2026-11-18") | {"code": f"{OTHER}-261116-0001", "branch": OTHER},
        ]
    )
    assert told["created"] == 6, told
    return sender


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def rows_of(page: str) -> dict[str, list[str]]:
    """The cells of each row of the table of figures, by what names it."""
    table = page[page.index('<table class="figures">') : page.index("</table>")]
    found = {}
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL):
        named = re.search(r'<th scope="row"[^>]*>(.*?)</th>', row, re.DOTALL)
        if named:
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            found[text_of(named.group(1))] = [text_of(cell) for cell in cells]
    return found


@pytest.mark.parametrize(
    ("language", "nav", "title"),
    [
        ("vi", "Báo cáo", "Hồ sơ giải quyết đúng hạn"),
        ("en", "Reports", "Dossiers settled on time"),
    ],
)
def test_the_index_names_every_report_with_a_sentence(
    reader: Callable[..., Reader], language: str, nav: str, title: str
):
    page = reader().page(f"/reports?lang={language}")

    assert f'<a href="/reports" aria-current="page">{nav}</a>' in page
    assert title in page
    for name in reporting.REPORTS:
        assert f'href="/reports/{name}"' in page
        listed = page[page.index(f'href="/reports/{name}"') :]
        assert len(text_of(listed[: listed.index("</li>")])) > 60, name


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", sorted(reporting.REPORTS))
def test_every_report_has_a_page_without_a_script_and_every_link_leads_somewhere(
    reader: Callable[..., Reader], sent: Api, name: str, language: str
):
    _ = sent
    who = reader()

    page = who.page(f"/reports/{name}?from=2026-09-15&to=2026-11-20&lang={language}")

    assert f'<html lang="{language}">' in page
    assert "<script" not in page
    assert "style=" not in page
    assert NAME not in page
    assert 'class="scroll"' in page
    assert re.search(r'<th scope="row" class="name', page)
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    links = set(map(unescape, re.findall(r'\bhref="([^"]+)"', page)))
    assert {link[1:] for link in links if link.startswith("#")} <= ids
    assert any(link.startswith("#definition-") for link in links)
    for link in links:
        if link.startswith("/") and not link.startswith("/static"):
            assert who.http.get(link).status_code in (200, 303), link
        assert not link.startswith(("http", "//")), link


def test_the_figures_of_the_page_are_those_of_the_api(reader: Callable[..., Reader], sent: Api):
    told = sent.get("/v1/reports/on-time", period="2026")
    mine = next(row for row in told["rows"] if row["branch"] == BRANCH)
    page = reader().page(THIS_YEAR)

    ours = rows_of(page)[f"{mine['branch_name']} {BRANCH}"]
    assert ours[:6] == ["2", "1", "1", "3", "4", "75,0%"]
    assert [mine[k] for k in ("early", "on_time", "late", "numerator", "denominator")] == [
        int(figure) for figure in ours[:5]
    ]
    assert rows_of(page)["Tổng số"][:6] == ["3", "1", "1", "4", "5", "80,0%"]
    assert f'<a href="/branches/{BRANCH}">' in page


def test_a_branch_without_data_is_said_to_have_none(reader: Callable[..., Reader], sent: Api):
    _ = sent
    rows = rows_of(reader().page(THIS_YEAR))

    empty = next(cells for name, cells in rows.items() if name.endswith("H20.16.05"))
    assert empty[5] == "chưa có số liệu"
    assert empty[0] == "0"


def test_the_form_stands_as_printed(reader: Callable[..., Reader], sent: Api):
    page = reader().page(f"{FORM}&branch={BRANCH}")

    assert "Biểu số II.06a/VPCP/KSTT" in text_of(page)
    numbers = re.findall(r"<td[^>]*>\((\d+)\)</td>", page)
    assert numbers == [str(n) for n in range(1, 14)]
    assert re.search(
        r'<th colspan="4" scope="colgroup" class="over"><a href="#definition-4">', page
    )
    asked = FORM.removeprefix("/reports/")
    total = sent.http.get(f"/v1/reports/{asked}&branch={BRANCH}").json()["totals"]
    keys = ("received", "online", "direct", "carried_over", "settled", "early", "on_time", "late",
            "open", "in_time", "overdue")  # fmt: skip
    assert rows_of(page)["Tổng số"][1:] == [str(total[key]) for key in keys]
    assert re.search(r'<tr class="sum">\s*<td class="">', page)
    assert 'class="name l1"' in page


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("vi", "75,0%, trước hạn 2, đúng hạn 1, quá hạn 1"),
        ("en", "75.0%, early 2, on time 1, past due 1"),
    ],
)
def test_the_chart_stands_in_the_page_for_eyes_and_for_ears(
    reader: Callable[..., Reader], sent: Api, language: str, sentence: str
):
    _ = sent
    page = reader().page(f"{THIS_YEAR}&lang={language}")

    assert re.search(rf'<div role="img" aria-label="[^"]*{sentence}', page)
    for size in ("wide", "narrow"):
        assert re.search(rf'<div class="{size}"><svg', page)


def test_without_the_drawing_process_the_page_has_its_figures(
    app: FastAPI, reader: Callable[..., Reader], sent: Api
):
    app.state.easel = Easel(patience=0.0)

    page = reader().page(THIS_YEAR)

    assert "Chưa vẽ được biểu đồ; bảng dưới đây có đủ số liệu." in page
    assert rows_of(page)["Tổng số"][:3] == ["3", "1", "1"]
    answer = sent.http.get("/v1/reports/on-time/chart?period=2026")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


def test_where_there_are_no_figures_there_is_no_chart(reader: Callable[..., Reader]):
    page = reader().page(THIS_YEAR)

    assert "<figure" not in page
    assert "/chart?" not in page


# ------------------------------------------------------------------------------------------- scope


def test_a_director_sees_the_own_branch_only(reader: Callable[..., Reader], sent: Api):
    _ = sent
    who = reader(OTHER)

    for path in (THIS_YEAR, FORM):
        page = who.page(path)
        assert BRANCH not in page
        assert 'name="branch"' not in page  # nothing to choose among
    assert rows_of(who.page(THIS_YEAR))["Tổng số"][:3] == ["1", "0", "0"]
    for name in reporting.REPORTS:
        assert "H20.16.03" in who.page(f"/reports/{name}?branch={BRANCH}", 404)
        assert who.http.get(f"/v1/reports/{name}/chart?branch={BRANCH}").status_code == 404


def test_a_stranger_is_sent_to_the_sign_in_and_back(app: FastAPI):
    answer = TestClient(app, follow_redirects=False).get("/reports/on-time?period=2026-Q3")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Freports%2Fon-time%3Fperiod%3D2026-Q3"


# --------------------------------------------------------------------------------------- questions


def test_the_chooser_has_what_is_over_and_what_runs(reader: Callable[..., Reader]):
    page = reader().page("/reports/ii-06a")

    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', page, re.DOTALL)
    offered = {label: re.findall(r'<option value="([^"]+)"', inner) for label, inner in groups}
    assert offered["Quý báo cáo đã kết thúc (chốt ngày 14)"] == [
        "2026-RQ3", "2026-RQ2", "2026-RQ1", "2025-RQ4", "2025-RQ3",
    ]  # fmt: skip
    assert offered["Đang diễn ra, tính đến hôm nay"] == ["2026-RQ4", "2026-Q4", "2026-11", "2026"]
    assert '<option value="2026-RQ3" selected>Quý III/2026 (' in page


def test_an_older_period_is_shown_as_the_one_chosen(reader: Callable[..., Reader]):
    page = reader().page("/reports/ii-06a?period=2019-H1")

    assert re.search(r'<optgroup label="Kỳ đang xem">\s*<option value="2019-H1" selected>', page)


def test_fields_left_empty_are_not_asked_for(reader: Callable[..., Reader]):
    who = reader()

    blank = who.page("/reports/on-time?period=2026-09&branch=&from=&to=&as_of=&group_by=")
    assert rows_of(blank) == rows_of(who.page("/reports/on-time?period=2026-09"))


def test_the_choices_stay_chosen_and_go_into_the_files(reader: Callable[..., Reader], sent: Api):
    _ = sent
    who = reader()
    page = who.page(f"{THIS_YEAR}&group_by=channel&yardstick=form&branch={BRANCH}&lang=en")

    for value in ("channel", "form", BRANCH, "2026"):
        assert f'<option value="{value}" selected>' in page, value
    assert {"online", "at the counter", "Total"} == rows_of(page).keys()
    links = map(unescape, re.findall(r'href="(/v1/[^"]+)"', page))
    xlsx = next(link for link in links if "format=xlsx" in link)
    for part in ("group_by=channel", "yardstick=form", f"branch={BRANCH}", "lang=en"):
        assert part in xlsx
    answer = who.http.get(xlsx)
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")


def test_as_of_a_past_day_it_shows_what_stood_then(reader: Callable[..., Reader], sent: Api):
    _ = sent
    who = reader()

    before = rows_of(who.page("/reports/on-time?from=2026-11-01&to=2026-11-20&as_of=2026-11-18"))
    after = rows_of(who.page("/reports/on-time?from=2026-11-01&to=2026-11-20"))
    assert before["Tổng số"][4] == "3"
    assert after["Tổng số"][4] == "5"
    page = who.page("/reports/on-time?from=2026-11-01&to=2026-11-20&as_of=2026-11-18")
    assert 'name="as_of" value="2026-11-18"' in page
    assert "Tính đến 23:59 18/11/2026." in text_of(page)


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("period=2026-Q9", "Kỳ báo cáo", "hãy ghi theo một trong các dạng 2026-09"),
        ("period=2026-Q1&from=2026-01-01", "Kỳ báo cáo", "không chọn cả hai"),
        ("from=hôm nay", "Từ ngày", "hôm nay không phải là ngày"),
        ("from=2026-10-01&to=2026-09-01", "Đến ngày", "trước"),
        ("period=2026-10&as_of=2026-09-01", "Tính đến hết ngày", "không thuộc kỳ"),
        ("period=2031", "Từ ngày", "chưa đến"),
        ("group_by=mùa", "Chia theo", "mùa không thuộc branch, procedure"),
        ("yardstick=luật", "Cách tính", "luật không thuộc legal, form"),
    ],
)
def test_a_wrong_question_is_told_with_its_field(
    reader: Callable[..., Reader], query: str, field: str, sentence: str
):
    page = reader().page(f"/reports/on-time?{query}", 422)

    assert f"<b>{field}</b>: " in page
    assert sentence in text_of(page)


@pytest.mark.parametrize("path", ["/reports/x", "/reports/on-time%00", "/reports/%3Cscript%3E"])
def test_a_report_that_does_not_exist_is_not_found(reader: Callable[..., Reader], path: str):
    page = reader().page(path, 404)

    assert "Không có báo cáo" in page
    assert "<script" not in page


# ---------------------------------------------------------------------------------- the first page


def test_the_rates_of_the_first_page_lead_to_the_same_rates(
    reader: Callable[..., Reader], sent: Api
):
    _ = sent
    who = reader()
    front = who.page("/")

    for link, rate in re.findall(r'<a href="(/reports/on-time\?[^"]+)"><b>([^<]+)</b>', front):
        page = who.page(unescape(link))
        assert rows_of(page)["Tổng số"][5] == rate, link
    assert front.count(f"&amp;branch={BRANCH}") == 2 or front.count(f'branch={BRANCH}"><b>') == 2
    definition = re.search(r'href="(/reports/on-time[^"#]*)#(definition-1)"', front)
    assert definition is not None
    assert f'id="{definition.group(2)}"' in who.page(unescape(definition.group(1)))


# --------------------------------------------------------------------------------- charts over HTTP


def test_a_chart_is_a_definition_or_a_picture(sent: Api):
    address = "/v1/reports/on-time/chart?period=2026"

    made = sent.http.get(address).json()
    assert made["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert "early 2, on time 1, past due 1" in made["description"]
    svg = sent.http.get(f"{address}&format=svg&size=narrow&lang=vi")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert "Trước hạn" in svg.text
    png = sent.http.get(f"{address}&format=png")
    assert png.headers["content-type"] == "image/png"
    assert png.content.startswith(b"\x89PNG")
    assert png.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/reports/none/chart", 404),
        ("/v1/reports/on-time/chart?period=2025", 404),  # no figures
        ("/v1/reports/on-time/chart?format=gif", 422),
        ("/v1/reports/on-time/chart?size=huge", 422),
        ("/v1/reports/on-time/chart?group_by=season", 422),
        ("/v1/reports/on-time/chart?period=2026-Q9", 422),
    ],
)
def test_a_chart_that_cannot_be_had_is_a_problem(sender: Api, path: str, status: int):
    answer = sender.http.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_running_period_is_told_up_to_now(reader: Callable[..., Reader], sent: Api, clock: Clock):
    _ = sent
    page = reader().page("/reports/on-time?period=2026-RQ4")

    assert f"Tính đến {clock.now:%H:%M %d/%m/%Y}." in text_of(page)
