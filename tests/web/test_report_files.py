"""Reports as files: the very figures of their JSON, under a name, for nobody's cache."""

import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import unquote

import pytest
from httpx2 import Response
from python_calamine import CalamineWorkbook

from app.db.engine import Sessions
from app.printed.files import MEDIA_TYPES, Format
from app.service.durations import By
from app.service.language import tell
from app.service.rules import RuleBook
from tests.service.simulated import UNTIL, lines, send
from tests.web.wire import BRANCH, OTHER, Api, Clock

BRANCH_NAME = "Chi nhánh Văn phòng Đăng ký đất đai khu vực III"
XLSX = MEDIA_TYPES[Format.XLSX]
FORM = "/v1/reports/ii-06a?period=2026-RQ3"
REPORTS = [
    FORM,
    f"{FORM}&branch={BRANCH}",
    f"{FORM}&per_branch=true",
    "/v1/reports/on-time",
    "/v1/reports/on-time?group_by=procedure,month&yardstick=form",
    "/v1/reports/on-time?group_by=channel,applicant_kind&period=2026-Q1",
    *(f"/v1/reports/durations?period=2026&by={by}" for by in By),
    *(f"/v1/reports/{name}?period=2026" for name in ("stages", "backlog", "backlog-oldest")),
    *(f"/v1/reports/{name}?period=2026" for name in ("steps", "bottlenecks")),
]


@pytest.fixture
def year(sessions: Sessions, book: RuleBook, clock: Clock, sender: Api) -> Api:
    """Whoever may see all, after a simulated year."""
    send(sessions, book, lines(300))
    clock.now = UNTIL
    return sender


def file(api: Api, address: str, form: str, **headers: str) -> Response:
    joined = f"{address}{'&' if '?' in address else '?'}format={form}"
    answer = api.http.get(joined, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def asked(api: Api, address: str) -> Any:  # noqa: ANN401 JSON
    """The JSON of a report."""
    answer = api.http.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cells(answer: Response) -> list[list[str]]:
    text = answer.content.decode("utf-8-sig")
    return list(csv.reader(StringIO(text, newline="")))


def sheets(answer: Response) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(BytesIO(answer.content))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


# ------------------------------------------------------------------------------------- the figures


def as_csv(held: object) -> str:
    """A value of JSON as a program reads it from a CSV."""
    return "" if held is None else str(held)


@pytest.mark.parametrize("address", [one for one in REPORTS if "ii-06a" in one])
def test_the_csv_has_the_figures_of_the_json(year: Api, address: str):
    told = asked(year, address)
    head, *rows = cells(file(year, address, "csv", **{"Accept-Language": "en"}))

    assert head == [": ".join([*one["under"], one["heading"]]) for one in told["columns"]]
    keys = [one["key"] for one in told["columns"]]
    assert rows == [
        [as_csv(one.get(key)) for key in keys] for one in [*told["rows"], told["totals"]]
    ]
    assert len(rows) > 2


@pytest.mark.parametrize("address", [one for one in REPORTS if "on-time" in one])
def test_the_csv_of_the_rates_has_the_figures_of_their_json(year: Api, address: str):
    told = asked(year, address)
    head, *rows = cells(file(year, address, "csv", **{"Accept-Language": "en"}))

    assert len(rows) == len(told["rows"]) + 1
    shown = {"Early": "early", "On time": "on_time", "Past due": "late", "Rate": "rate",
             "Early and on time": "numerator", "All with a verdict": "denominator"}  # fmt: skip
    for cells_of, one in zip(rows, [*told["rows"], told["totals"]], strict=True):
        held = dict(zip(head, cells_of, strict=True))
        for heading, key in shown.items():
            assert held[f"Ended in the period: {heading}"] == as_csv(one[key])
        assert held["Open at the close: Overdue"] == as_csv(one.get("overdue"))
        fell_due = one.get("fell_due", {})
        assert held["Fell due in the period: Missed"] == as_csv(fell_due.get("missed"))
        assert held["Fell due in the period: Rate"] == as_csv(fell_due.get("rate"))
        assert held["Refused records"] == as_csv(one.get("quarantined"))


def test_the_json_of_the_rates_is_as_it_always_was(year: Api):
    told = asked(year, "/v1/reports/on-time")

    assert list(told) == ["rows", "totals", "definition", "as_of", "data_as_of"]
    assert set(told["rows"][0]["fell_due"]) == {"due", "met", "missed", "ahead", "rate"}


def test_each_branch_has_its_sheet_and_together_they_make_the_office(year: Api):
    told = sheets(file(year, FORM, "xlsx"))
    whole, *parts = (next(c for c in held if c[1] == "Tổng số") for held in told.values())

    assert list(told)[:2] == ["Toàn văn phòng", "Chi nhánh H20.16.01"]
    assert len(told) == 11
    assert whole[2:] == [sum(column) for column in zip(*(one[2:] for one in parts), strict=True)]
    assert whole[2] == asked(year, FORM)["totals"]["received"] > 0
    for held in told.values():
        for one in held:
            if isinstance(one[2], float):
                received, online, direct, carried, settled, early, on_time, late = one[2:10]
                assert received == online + direct + carried == settled + one[10]
                assert settled == early + on_time + late


def test_a_branch_alone_has_one_sheet_and_hands_in_to_its_office(year: Api):
    told = sheets(file(year, f"{FORM}&branch={BRANCH}", "xlsx"))

    assert list(told) == [f"Chi nhánh {BRANCH}"]
    first = [cell for one in told[f"Chi nhánh {BRANCH}"][:4] for cell in one if cell]
    assert first == [
        "Biểu số II.06a/VPCP/KSTT",
        f"TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH TẠI {BRANCH_NAME.upper()}",
        f"Đơn vị báo cáo: {BRANCH_NAME}",
        "Kỳ báo cáo: Quý III/2026",
        "Đơn vị nhận báo cáo: Văn phòng Đăng ký đất đai tỉnh Đồng Tháp",
        "(Từ ngày 15/06/2026 đến ngày 14/09/2026)",
        "Đơn vị tính: Số hồ sơ TTHC",
    ]


def test_the_columns_of_the_form_are_those_that_are_printed(year: Api):
    told = sheets(file(year, FORM, "xlsx"))["Toàn văn phòng"]
    at = next(nth for nth, one in enumerate(told) if one[0] == "TT")

    assert told[at] == [
        *("TT", "Lĩnh vực, công việc giải quyết theo cấp", "Số lượng hồ sơ tiếp nhận", "", "", ""),
        *("Số lượng hồ sơ đã giải quyết", "", "", "", "Số lượng hồ sơ đang giải quyết", "", ""),
    ]
    assert told[at + 1][2:] == [
        *("Tổng số", "Trong kỳ", "", "Từ kỳ trước", "Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn"),
        *("Tổng số", "Trong hạn", "Quá hạn"),
    ]
    assert told[at + 2][3:5] == ["Trực tuyến", "Trực tiếp, dịch vụ bưu chính"]
    assert told[at + 3] == [f"({number})" for number in range(1, 14)]


def test_by_branch_the_rows_bear_their_branch_and_its_total_stands_above(year: Api):
    told = asked(year, f"{FORM}&per_branch=true")
    totals = {one["branch"]: one["received"] for one in told["rows"] if one["level"] == 0}

    assert sorted(totals) == [f"H20.16.{number:02}" for number in range(1, 11)]
    assert (
        sum(totals.values())
        == told["totals"]["received"]
        == asked(year, FORM)["totals"]["received"]
    )
    for branch, received in totals.items():
        alone = asked(year, f"{FORM}&branch={branch}")
        assert alone["totals"]["received"] == received
        mine = [one for one in told["rows"] if one["branch"] == branch and one["level"] > 0]
        assert [one["received"] for one in mine] == [one["received"] for one in alone["rows"]]


def test_a_report_of_nothing_has_no_rate(sender: Api):
    (held,) = sheets(file(sender, "/v1/reports/on-time", "xlsx")).values()
    total = next(one for one in held if "Tổng số" in one)

    assert total.count("không có số liệu") == 2  # both rates
    assert held[4][7] == "Tỷ lệ" or held[5][7] == "Tỷ lệ"
    csv_total = cells(file(sender, "/v1/reports/on-time", "csv"))[-1]
    assert csv_total[csv_total.index("Tổng số") + 1 :][:6] == ["0", "0", "0", "0", "0", ""]
    form = sheets(file(sender, FORM, "xlsx"))["Toàn văn phòng"]
    assert ["không có số liệu"] in [[cell for cell in one if cell != ""] for one in form]
    assert next(one for one in form if one[1] == "Tổng số")[2:] == [0.0] * 11


# -------------------------------------------------------------------------------- how it is asked


@pytest.mark.parametrize("address", REPORTS)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_same_report_is_the_same_file(year: Api, address: str, form: str):
    first, second = file(year, address, form), file(year, address, form)

    assert first.content == second.content
    assert first.headers["content-type"].partition(";")[0] == MEDIA_TYPES[Format(form)]
    assert first.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        (XLSX, XLSX),
        (f"application/json;q=0.5, {XLSX}", XLSX),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=x", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_accept_says_what_the_query_does_not(sender: Api, accept: str, kind: str):
    for address in (FORM, "/v1/reports/on-time"):
        answer = sender.http.get(address, headers={"Accept": accept})
        assert answer.headers["content-type"].partition(";")[0] == kind
        plain = file(sender, address, "json", Accept=accept)
        assert plain.headers["content-type"] == "application/json"


def test_a_form_there_is_none_of_is_refused_by_its_name(sender: Api):
    for address in (f"{FORM}&format=pdf", "/v1/reports/on-time?format=pdf"):
        answer = sender.http.get(address)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "format"


def test_a_file_says_what_it_is_in_its_name(year: Api):
    def names(address: str, form: str) -> tuple[str, str]:
        told = file(year, address, form).headers["content-disposition"]
        assert told.startswith("attachment; filename=")
        plain, _, whole = told.partition("; filename*=UTF-8''")
        return plain.split('"')[1], unquote(whole)

    assert names(f"{FORM}&branch={BRANCH}", "xlsx") == (
        f"ii-06a_{BRANCH}_2026-RQ3.xlsx",
        f"ii-06a {BRANCH_NAME} 2026-RQ3.xlsx",
    )
    assert names(f"{FORM}&as_of=2026-08-31", "csv")[0] == (
        "ii-06a_Van-phong-Dang-ky-dat-dai-tinh-Dong-Thap_2026-RQ3_as-of-2026-08-31.csv"
    )


def test_a_file_is_vietnamese_unless_its_reader_says_otherwise(sender: Api):
    def heading(**more: Any) -> str:  # noqa: ANN401 a header or a parameter
        answer = sender.http.get(f"{FORM}&format=csv", **more)
        return cells(answer)[0][1]

    vietnamese, english = "Lĩnh vực, công việc giải quyết theo cấp", "Field, work settled by level"
    assert heading() == vietnamese
    assert heading(headers={"Accept-Language": "en-GB,en;q=0.9"}) == english
    assert heading(headers={"Accept-Language": "fr"}) == vietnamese
    assert cells(sender.http.get(f"{FORM}&format=csv&lang=en"))[0][1] == english
    assert asked(sender, f"{FORM}&lang=vi")["columns"][1]["heading"] == vietnamese
    assert sender.http.get(f"{FORM}&lang=fr").status_code == 422


def test_no_file_speaks_two_languages(year: Api):
    """Every sentence of ours in a Vietnamese workbook is translated."""
    for address in REPORTS:
        told = asked(year, address)
        columns = told.get("columns", [])
        english = {
            one["heading"] for one in columns if tell(one["heading"], "vi") != one["heading"]
        }
        english |= {"Total", "no data", "Drawn up by", "As of", "Early", "Overdue", "online"}
        words = {
            str(cell) for held in sheets(file(year, address, "xlsx")).values() for one in held
            for cell in one
        }  # fmt: skip
        assert english & words == set()


def test_the_document_says_what_a_report_may_be_asked_for(sender: Api):
    paths = asked(sender, "/openapi.json")["paths"]

    for path in ("/v1/reports/ii-06a", "/v1/reports/on-time"):
        told = paths[path]["get"]
        names = {one["name"] for one in told["parameters"]}
        assert {"format", "lang", "period", "branch"} <= names
        assert set(told["responses"]["200"]["content"]) == {"application/json", "text/csv", XLSX}


def test_a_list_behind_a_report_does_not_say_that_it_comes_as_a_file(sender: Api):
    paths = asked(sender, "/openapi.json")["paths"]

    for path in ("/v1/reports/ii-06a/corrections", "/v1/reports/yardsticks/dossiers"):
        names = {one["name"] for one in paths[path]["get"]["parameters"]}
        assert {"period", "branch", "cursor"} <= names
        assert not {"format", "lang"} & names


# ------------------------------------------------------------------------------------------- scope


def test_of_one_branch_only_the_form_bears_its_name(year: Api, api: Callable[..., Api]):
    director = api("director", branches=[BRANCH])

    told = sheets(file(director, FORM, "xlsx"))
    assert list(told) == [f"Chi nhánh {BRANCH}"]
    assert asked(director, FORM)["totals"] == asked(year, f"{FORM}&branch={BRANCH}")["totals"]
    assert asked(director, FORM)["branch"] == BRANCH


def test_a_part_of_the_office_says_that_it_is_one(year: Api, api: Callable[..., Api]):
    some = api("some", branches=[BRANCH, OTHER])
    note = f"Only of the branches you may see: {OTHER}, {BRANCH}."

    assert asked(some, FORM)["notes"] == [note]
    assert asked(year, FORM)["notes"] == []
    told = sheets(file(some, f"{FORM}&lang=en", "xlsx"))
    assert list(told) == ["Whole office", f"Branch {OTHER}", f"Branch {BRANCH}"]
    assert any(note in one for one in told["Whole office"])
    assert some.http.get(f"{FORM}&format=xlsx&branch=H20.16.05").status_code == 404
