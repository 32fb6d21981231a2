"""A clerk's rows as native records: headings, names, days without hours, and what is refused."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.adapters.sheets.columns import Columns, NoHeadingsError, found_in, is_numbering, letter
from app.adapters.sheets.dates import Cell
from app.adapters.sheets.lexicon import DATES, FIELDS, HEADINGS, TEXTS, plain
from app.adapters.sheets.names import Names, Places
from app.adapters.sheets.records import Hours, Native, native
from app.adapters.sheets.row import Faults, Sheet
from app.service.language import detail

NOW = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
HEAD = ("Mã hồ sơ", "Mã TTHC", "Ngày nhận")
ROW = ("H20.16.03-261116-0001", "1.012790", "16/11/2026 08:10")


def places() -> Places:
    return Places(
        procedures=Names.of(
            [
                ("1.012790", "Đính chính Giấy chứng nhận đã cấp"),
                ("1.004203", "Tách thửa hoặc hợp thửa đất"),
                ("1.012784", "Tách thửa hoặc hợp thửa đất"),
            ]
        ),
        branches=Names.of(
            [
                ("H20.16.01", "Chi nhánh Văn phòng Đăng ký đất đai khu vực I"),
                ("H20.16.03", "Chi nhánh Văn phòng Đăng ký đất đai khu vực III"),
                ("H20.16.03", "Khu vực III"),
            ]
        ),
        communes=Names.of(
            [
                ("00070", "Phường Hàng Bạc"),
                ("30001", "Xã Tân Hồng"),
                ("30001", "Tân Hồng"),
                ("28001", "Mỹ Thọ"),
                ("28002", "Mỹ Tho"),
                ("29001", "Xã An Phú"),
                ("29002", "Phường An Phú"),
                ("29001", "An Phú"),
                ("29002", "An Phú"),
            ]
        ),
        of_branch={"29001": "H20.16.03", "29002": "H20.16.01"},
        in_force=lambda procedure, on: procedure == "1.012784" and on >= date(2024, 8, 1),
    )


def columns(head: Sequence[Cell], **told: str) -> Columns:
    return found_in([(1, list(head))], {}, told)


def read(
    row: Sequence[Cell],
    head: Sequence[Cell] = (),
    branch: str = "H20.16.03",
    **more: Any,  # noqa: ANN401 of Sheet
) -> Native:
    """A row under the three columns every file needs, and more."""
    found = columns((*HEAD, *head))
    sheet = Sheet(found, places(), NOW, NOW, branch=branch, **more)
    return native(sheet, 2, [*ROW, *row] if len(row) == len(head) else list(row))


def complaints(one: Native, language: str = "en") -> list[str]:
    return [detail(problem, language) for problem in one.problems]


# ----------------------------------------------------------------------------------------- headings


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Mã hồ sơ", "code"),
        ("MÃ HỒ SƠ", "code"),
        ("  ma ho so ", "code"),
        ("Số biên nhận", "receipt_number"),
        ("Tên TTHC", "procedure_name"),
        ("Chủ hồ sơ", "applicant"),
        ("Người nộp", "submitter"),
        ("Xã/phường", "commune"),
        ("Hình thức tiếp nhận", "channel"),
        ("Ngày nhận (dd/mm/yyyy)", "received_at"),
        ("NgayTiepNhan", "received_at"),
        ("Ngày_tiếp_nhận", "received_at"),
        ("Ngày\nhẹn trả", "promised_at"),
        ("Nga\u0300y he\u0323n tra\u0309", "promised_at"),
        ("received_at", "received_at"),
        ("Ngày chuyển thuế", "tax_sent_at"),
        ("Ngày có thông báo thuế", "tax_notice_at"),
        ("Ngày nhận chứng từ", "tax_paid_at"),
        ("Ngày xin lỗi", "apology_at"),
        ("Cập nhật lúc", "updated_at"),
        ("STT", "-"),
        ("Hình thức trả", "-"),
        ("Diện tích", None),
    ],
)
def test_headings_are_known_in_their_usual_spellings(heading: str, field: str | None):
    named = [name for name in HEAD if HEADINGS[plain(name)] != field]
    found = found_in([(1, [*named, "Số hồ sơ" if field == "x" else heading])], {}, {})

    assert found.columns[-1].field == field


def test_no_spelling_means_two_fields():
    spellings = [
        (plain(one), field)
        for field, known in (*TEXTS.items(), *DATES.items())
        for one in (*known, field)
    ]

    assert all(HEADINGS[spelling] == field for spelling, field in spellings)
    assert set(FIELDS) == {field for _, field in spellings}


def test_headings_are_found_under_titles():
    rows: list[tuple[int, list[Cell]]] = [
        (1, ["VĂN PHÒNG ĐĂNG KÝ ĐẤT ĐAI"]),
        (2, ["DANH SÁCH HỒ SƠ", None, "Ngày nhận"]),
        (4, ["STT", *HEAD]),
    ]
    found = found_in(rows, {}, {})

    assert found.row == 4
    assert found.by_field["code"].letter == "B"


def test_a_file_without_headings_says_what_is_looked_for():
    with pytest.raises(NoHeadingsError, match="no headings were found in the first 40 rows"):
        found_in([(1, ["a", "b", "c"])], {}, {})


def test_two_columns_for_one_field_are_both_named():
    with pytest.raises(NoHeadingsError) as wrong:
        columns((*HEAD, "Ngày tiếp nhận"))

    told = wrong.value.problems[0].detail
    assert 'C "Ngày nhận" and D "Ngày tiếp nhận"' in told


def test_columns_that_must_be_there_are_named():
    with pytest.raises(NoHeadingsError) as wrong:
        columns(("Chủ hồ sơ", "Ngày hẹn trả", "Trạng thái"))

    told = str(wrong.value)
    assert all(name in told for name in ("Mã hồ sơ", "Mã TTHC", "Ngày nhận"))


def test_a_mapping_comes_before_what_is_known():
    mapped = {"Ngày vào sổ": "received_at", "Ngày nhận": "-"}
    found = found_in([(1, [*HEAD, "Ngày vào sổ"])], {}, mapped)

    assert found.by_field["received_at"].heading == "Ngày vào sổ"


def test_what_was_mapped_before_is_remembered_and_marked():
    found = found_in([(1, [*HEAD, "Vào sổ"])], {plain("Vào sổ"): "submitted_at"}, {})

    assert found.columns[-1].field == "submitted_at"
    assert found.columns[-1].remembered
    assert not found.columns[0].remembered


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"Ngày nhận": "ngay"}, "ngay is no field of a file"),
        ({"Không có": "submitted_at"}, "mapped to a column that is not in the file"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(told: dict[str, str], why: str):
    with pytest.raises(NoHeadingsError, match=why):
        found_in([(1, list(HEAD))], {}, told)


def test_columns_are_named_as_excel_names_them():
    assert [letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["(1)", "(2)", "(3)"], True),
        ([1.0, 2.0, 3.0, 4.0], True),
        (["1", "2"], False),
        (["1", "H20", "3"], False),
        (["5", "6", "7"], False),
    ],
)
def test_a_row_that_numbers_the_columns_is_none_of_the_list(cells: list[Cell], *, numbers: bool):
    assert is_numbering(cells) is numbers


# ---------------------------------------------------------------------------------- codes and names


def test_a_row_becomes_a_record():
    head = ("Chủ hồ sơ", "Kênh", "Xã/phường", "Ngày hẹn trả", "Số biên nhận", "Cán bộ đang giữ")
    one = read(("Bà A", "Trực tuyến", "xã tân hồng", "26/11/2026 17:00", "BN-7", "Ông B"), head)

    assert one.problems == ()
    assert one.record == {
        "code": "H20.16.03-261116-0001",
        "procedure": "1.012790",
        "branch": "H20.16.03",
        "commune": "30001",
        "applicant": {"kind": "citizen", "name": "Bà A"},
        "status": 4,
        "updated_at": "2026-11-20T10:15:00+07:00",
        "channel": "online",
        "steps": [{"name": "Cán bộ đang giữ hồ sơ", "officer": "Ông B"}],
        "aliases": ["BN-7"],
        "received_at": "2026-11-16T08:10:00+07:00",
        "promised_at": "2026-11-26T17:00:00+07:00",
    }


def test_a_receipt_number_is_the_code_where_there_is_no_other():
    found = columns(("Số biên nhận", "Mã TTHC", "Ngày nhận"))
    one = native(Sheet(found, places(), NOW, NOW, branch="H20.16.03"), 2, list(ROW))

    assert one.record["code"] == ROW[0]
    assert "aliases" not in one.record


@pytest.mark.parametrize(
    ("procedure", "code"),
    [
        ("1.012790", "1.012790"),
        ("1.012790.H20", "1.012790.H20"),
        ("1.012790 - Đính chính", "1.012790"),
        (1.01279, "1.012790"),
        ("1,01279", "1.012790"),
        ("đính chính giấy chứng nhận đã cấp", "1.012790"),
        ("Dinh chinh Giay chung nhan da cap", "1.012790"),
        ("Tách thửa hoặc hợp thửa đất", "1.012784"),
        ("9.999999", "9.999999"),
    ],
)
def test_a_procedure_is_told_by_code_or_name(procedure: Cell, code: str):
    one = read((ROW[0], procedure, ROW[2]))

    assert one.problems == ()
    assert one.record["procedure"] == code


def test_a_name_of_several_procedures_of_which_none_is_in_force_is_refused():
    one = read((ROW[0], "Tách thửa hoặc hợp thửa đất", "16/11/2020"))

    assert complaints(one) == ["cell B2 (Mã TTHC) may be 1.004203, 1.012784; write the code"]


def test_a_name_that_is_none_is_refused_without_repeating_it():
    one = read((ROW[0], "Nguyễn Thị Bích Hạnh", ROW[2]))

    assert complaints(one) == ["cell B2 (Mã TTHC) is no procedure of the catalogue; write its code"]
    assert "Hạnh" not in repr(one.problems)


@pytest.mark.parametrize(
    "name",
    ["H20.16.01", "h20.16.01", "Chi nhánh VPĐKĐĐ khu vực I", "CN VPĐK khu vực I",
     "chi nhanh van phong dang ky dat dai khu vuc i"],
)  # fmt: skip
def test_a_branch_is_told_by_code_or_name(name: str):
    assert read((name,), ("Chi nhánh",)).record["branch"] == "H20.16.01"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("30001", "30001"),
        (30001.0, "30001"),
        (70.0, "00070"),
        ("Xã Tân Hồng", "30001"),
        ("x. tân hồng", "30001"),
        ("Tan Hong", "30001"),
        ("Mỹ Tho", "28002"),
        ("An Phú", "29001"),
        ("99999", "99999"),
    ],
)
def test_a_commune_is_told_by_code_or_name(name: Cell, code: str):
    one = read((name,), ("Xã/phường",))

    assert (one.problems, one.record["commune"]) == ((), code)


@pytest.mark.parametrize("name", ["My Tho", "Sài Gòn"])
def test_a_commune_that_may_be_two_or_none_is_refused(name: str):
    assert len(read((name,), ("Xã/phường",)).problems) == 1


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Đang xử lý", 4), ("ĐANG GIẢI QUYẾT", 4), (2.0, 2), ("5", 5), ("Chờ bổ sung", 5),
        ("Công dân thực hiện NVTC", 6), ("Đã trả kết quả", 10), ("Đã xử lý xong", 9),
    ],
)  # fmt: skip
def test_a_status_is_a_number_or_its_name(word: Cell, status: int):
    assert read((word,), ("Trạng thái",)).record["status"] == status


def test_a_word_nobody_knows_is_refused():
    told = complaints(read(("lung tung", "xe đạp"), ("Trạng thái", "Kênh")))

    assert "D2 (Trạng thái)" in told[1]
    assert "counter, online, post" in told[0]


def test_what_every_row_needs_is_asked_for_once():
    one = read((None, "", None))

    assert [problem.field for problem in one.problems] == ["code", "procedure", "received_at"]


# ------------------------------------------------------------------------------ days and their hour


def test_a_day_without_its_hour_is_the_midnight_it_begins_with():
    one = read((ROW[0], ROW[1], date(2026, 11, 16)))

    assert one.record["received_at"] == "2026-11-16T00:00:00+07:00"
    assert one.by_day == {"received_at"}


def test_a_promise_without_an_hour_holds_until_the_end_of_its_day():
    one = read(("26/11/2026",), ("Ngày hẹn trả",))

    assert one.record["promised_at"] == "2026-11-26T23:59:59+07:00"


def test_an_end_on_the_day_of_receipt_is_not_before_it():
    one = read(("16/11/2026", "16/11/2026"), ("Ngày có kết quả", "Ngày trả"))

    assert one.record["finished_at"] == one.record["received_at"] == "2026-11-16T08:10:00+07:00"
    assert one.record["handed_over_at"] == one.record["finished_at"]
    assert one.record["status"] == 10


def test_readings_of_a_day_harm_or_favour():
    found = columns((*HEAD, "Ngày có kết quả"))
    sheet = Sheet(found, places(), NOW, NOW, branch="H20.16.03")
    one = native(sheet, 2, [ROW[0], ROW[1], "16/11/2026", "17/11/2026"])

    worst, best = one.again(Hours.WORST), one.again(Hours.BEST)
    assert worst["received_at"] == "2026-11-16T00:00:00+07:00"
    assert worst["finished_at"] == "2026-11-17T23:59:59+07:00"
    assert best["received_at"] == "2026-11-16T23:59:59+07:00"
    assert best["finished_at"] == "2026-11-17T00:00:00+07:00"


def test_a_stamp_that_is_only_a_day_is_its_end_but_no_future():
    assert read(("18/11/2026",), ("Cập nhật lúc",)).record["updated_at"] == (
        "2026-11-18T23:59:59+07:00"
    )
    assert read(("20/11/2026",), ("Cập nhật lúc",)).record["updated_at"] == (
        "2026-11-20T10:15:00+07:00"
    )


# -------------------------------------------------------------------------------- life of a dossier

LIFE = ("Ngày yêu cầu bổ sung", "Ngày bổ sung xong", "Ngày chuyển thuế", "Ngày có thông báo thuế",
        "Ngày nhận chứng từ", "Ngày kết thúc xử lý", "Ngày trả")  # fmt: skip


@pytest.mark.parametrize(
    ("days", "status", "stops"),
    [
        ((None,) * 7, 4, []),
        (("17/11/2026", None, None, None, None, None, None), 5, [("supplement", True)]),
        (("17/11/2026", "18/11/2026", None, None, None, None, None), 4, [("supplement", False)]),
        ((None, None, "17/11/2026", None, None, None, None), 6, [("financial_obligation", True)]),
        ((None, None, None, "18/11/2026", None, None, None), 6, [("financial_obligation", True)]),
        (
            ("17/11/2026", "18/11/2026", "18/11/2026", "18/11/2026", "19/11/2026", None, None),
            4,
            [("supplement", False), ("financial_obligation", False)],
        ),
        ((None, None, None, None, None, "19/11/2026", None), 9, []),
        ((None, None, None, None, None, None, "19/11/2026"), 10, []),
    ],
)
def test_the_status_follows_from_what_happened(
    days: tuple[Cell, ...], status: int, stops: list[tuple[str, bool]]
):
    one = read(days, LIFE)

    assert one.problems == ()
    assert one.record["status"] == status
    told = one.record.get("suspensions", [])
    assert [(stop["reason"], "until" not in stop) for stop in told] == stops


def test_the_day_of_the_tax_notice_is_kept_as_the_ground():
    one = read((None, None, "17/11/2026", "18/11/2026", None, None, None), LIFE)

    (stop,) = one.record["suspensions"]
    assert stop["from"].startswith("2026-11-17")
    assert stop["ground"] == "Thông báo thuế ngày 18/11/2026"


@pytest.mark.parametrize("at", [1, 4])
def test_an_end_without_its_beginning_is_refused(at: int):
    days: list[Cell] = [None] * 7
    days[at] = "18/11/2026"

    (told,) = complaints(read(days, LIFE))
    assert "ends what the row does not begin" in told
    assert ("Ngày yêu cầu bổ sung", "", "", "Ngày chuyển thuế")[at - 1] in told


def test_what_is_withdrawn_ends_without_a_result():
    head = ("Trạng thái", "Ngày kết thúc xử lý")
    one = read(("Rút hồ sơ", "18/11/2026"), head)

    assert one.record["ended_at"] == "2026-11-18T00:00:00+07:00"
    assert "finished_at" not in one.record


def test_an_end_that_is_no_result_needs_its_status():
    assert "3, 7 or 8" in complaints(read(("18/11/2026",), ("Ngày rút hồ sơ",)))[0]


def test_a_letter_of_apology_brings_its_new_day():
    head = ("Ngày xin lỗi", "Ngày hẹn lại", "Lý do hẹn lại")
    one = read(("19/11/2026", "27/11/2026", "Thiếu bản đồ"), head)

    assert one.record["apologies"] == [
        {
            "sent_at": "2026-11-19T00:00:00+07:00",
            "reason": "Thiếu bản đồ",
            "promised_at": "2026-11-27T23:59:59+07:00",
        }
    ]


# ------------------------------------------------------------------------------------ cells to mend


def test_a_formula_without_a_value_and_an_error_are_named():
    faults = Faults(no_value={(2, 2)}, errors={(2, 0)})

    told = complaints(read((None, ROW[1], None), faults=faults))
    assert [one.split(";")[0] for one in told] == [
        "cell C2 (Ngày nhận) is a formula without a value",
        "cell A2 (Mã hồ sơ) holds an error of Excel",
    ]


def test_a_cell_longer_than_excel_has_is_refused():
    (told,) = complaints(read(("x" * 32_768,), ("Chủ hồ sơ",)))

    assert told == "cell D2 (Chủ hồ sơ) is longer than 32767 characters; shorten it"


def test_a_sign_no_text_has_is_refused():
    assert "holds a sign" in complaints(read(("a\0b",), ("Chủ hồ sơ",)))[0]


def test_a_column_written_month_first_is_refused_whole():
    one = read((ROW[0], ROW[1], "09/05/2026"), month_first=frozenset({2}))

    assert "month first" in complaints(one)[0]
    assert "tháng trước ngày" in complaints(one, "vi")[0]


@pytest.mark.parametrize(
    ("cell", "number"),
    [("17", 17), (17.0, 17), ("x", None), ("-1", None), ("²", None), (0.5, None)],
)
def test_a_mended_row_names_the_refused_one(cell: Cell, number: int | None):
    assert read((cell,), ("Mã dòng bị từ chối (Đúng Hạn)",)).reject_id == number
