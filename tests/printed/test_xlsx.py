"""A workbook of real figures and days, safe to open, ready to print, the same bytes each time."""

import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from app.printed import sheet, xlsx
from app.service.document import Column, Document, Form, Kind, Note, Row, Value
from app.service.ii06a import PRINTED
from tests.jobs.rows import vn
from tests.printed.documents import FORM, SPOKEN, VIETNAMESE, document, row

OPENS = ["=1+1", "=cmd|'/c calc'!A1", "+84 909", "-5", "@SUM(A1)", "\t=1", "{=1}", "http://x.vn"]


def table(held: Document, at: int = 0) -> list[list[Any]]:
    """The cells of a sheet as a spreadsheet reads them."""
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx.written(held, SPOKEN)))
    return book.get_sheet_by_index(at).to_python(skip_empty_area=False)


def found(held: Document, words: str) -> list[Any]:
    """The row that has a text in it."""
    return next(cells for cells in table(held) if words in cells)


def part(held: Document, name: str = "xl/worksheets/sheet1.xml") -> str:
    with zipfile.ZipFile(BytesIO(xlsx.written(held, SPOKEN))) as packed:
        return packed.read(name).decode()


def number_format(held: Document, cell: str) -> str:
    """What a cell is shown by."""
    with zipfile.ZipFile(BytesIO(xlsx.written(held, SPOKEN))) as packed:
        styles = packed.read("xl/styles.xml").decode()
        style = re.search(
            rf'<c r="{cell}" s="(\d+)"', packed.read("xl/worksheets/sheet1.xml").decode()
        )
    assert style
    formats = dict(re.findall(r'numFmtId="(\d+)" formatCode="([^"]+)"', styles))
    cells = re.search("<cellXfs.*?</cellXfs>", styles, re.DOTALL)
    assert cells
    used = re.findall(r"<xf [^>]*>", cells.group())[int(style[1])]
    number = re.search(r'numFmtId="(\d+)"', used)
    assert number
    return str(formats.get(number[1], number[1]))


def cell_of(held: Document, column: str) -> str:
    """The address of a column in the row of the branch, counted from the top."""
    at = next(nth for nth, cells in enumerate(table(held), 1) if "H20.16.03" in cells)
    keys = [one.key for one in held.columns]
    return f"{'ABCDEFGHIJKLMNOP'[keys.index(column)]}{at}"


def test_figures_and_days_are_real_ones():
    cells = found(document(row()), "H20.16.03")

    assert cells == [
        *("H20.16.03", "Khu vực III", 1234.0, 1.0, 0.0, 0.9875, 4.5, 1.25),
        *(date(2026, 11, 24), datetime(2026, 11, 20, 10, 15)),  # noqa: DTZ001 a local one
    ]


@pytest.mark.parametrize(
    ("column", "form"),
    [
        ("met", "#,##0"),
        ("rate", "0.00%"),
        ("median", "#,##0.0"),
        ("points", "#,##0.00"),
        ("due_on", "dd/mm/yyyy"),
        ("heard_at", "dd/mm/yyyy hh:mm"),
        ("code", "@"),
    ],
)
def test_each_is_shown_as_what_it_is(column: str, form: str):
    held = document(row())

    assert number_format(held, cell_of(held, column)) == form


@pytest.mark.parametrize(
    ("rate", "form"),
    [
        (1.0, "0.00%"),
        (0.5, "0.00%"),
        (0.99994, "0.00%"),
        (0.99996, "0.000%"),
        (0.9999999, "0.00000%"),
    ],
)
def test_what_is_not_all_does_not_look_like_all(rate: float, form: str):
    held = document(row(rate=rate))

    assert number_format(held, cell_of(held, "rate")) == form


@pytest.mark.parametrize("name", OPENS)
def test_no_text_becomes_a_formula_or_a_link(name: str):
    held = document(row(name), unit=name, title=name, notes=[Note(name)], branch=None)

    assert found(held, "H20.16.03")[1] == name
    for file in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        body = part(held, file)
        assert "<f>" not in body
        assert "<f " not in body
        assert "hyperlink" not in body.lower()


@pytest.mark.parametrize("name", ["=1+1", "+84", "-5", "@x"])
def test_it_stays_a_text_when_somebody_edits_the_cell(name: str):
    assert 'quotePrefix="1"' in part(document(row(name)), "xl/styles.xml")
    assert 'quotePrefix="1"' not in part(document(row("a")), "xl/styles.xml")


def test_the_same_document_gives_the_same_bytes():
    held = document(row(), form=FORM, parts=[document(row("x"))])

    assert xlsx.written(held, SPOKEN) == xlsx.written(held, SPOKEN)
    core = part(held, "docProps/core.xml")
    assert re.findall(r">(\d{4}[^<]+Z)<", core) == ["2026-09-14T09:59:59Z"] * 2
    later = replace(held, as_of=vn("2026-09-15 09:00"))
    assert xlsx.written(held, SPOKEN) != xlsx.written(later, SPOKEN)


def test_what_has_no_data_says_so_and_is_no_rate():
    cells = found(document(row(rate=None, met=None, due_on=None)), "H20.16.03")

    assert cells[5] == cells[2] == "no data"
    assert cells[8] == ""


def test_what_does_not_belong_to_a_row_is_empty():
    cells = found(document(Row({"code": "H20.16.03", "name": "x"})), "H20.16.03")

    assert cells[2:] == [""] * 8


def test_a_report_without_rows_says_so():
    assert ["no data"] in [[cell for cell in cells if cell] for cells in table(document())]
    assert not any(cell in (0.0, 1.0) for cells in table(document()) for cell in cells)


def test_the_heads_stay_and_are_repeated_on_every_page():
    held = document(row())
    body, book = part(held), part(held, "xl/workbook.xml")

    # title, unit, period, a blank, three levels of headings
    assert '<pane xSplit="2" ySplit="7" topLeftCell="C8"' in body
    assert re.search(r'Print_Titles" localSheetId="0">[^<]+\$5:\$7<', book)
    assert '<pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>' in body
    assert 'fitToPage="1"' in body
    assert "Page &amp;P of &amp;N" in body


def test_headings_are_merged_over_their_columns():
    body = part(document(row()))

    for merged in ("A5:A7", "C5:E5", "D6:E6", "C6:C7"):
        assert f'<mergeCell ref="{merged}"/>' in body


def test_an_ampersand_in_a_name_is_no_command_of_the_footer():
    body = part(document(row(), title="A &P B"))

    assert "A &amp;&amp;P B" in body


def test_a_sheet_is_named_by_its_branch_and_never_like_a_cell():
    held = document(row(), branch=None, parts=[document(row()), document(row(), branch="A1")])
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx.written(held, VIETNAMESE)))

    assert book.sheet_names == ["Toàn văn phòng", "Chi nhánh H20.16.03", "Chi nhánh A1"]


@pytest.mark.parametrize("code", ["[x]:*?/\\'", "x" * 60, "'"])
def test_any_code_makes_a_sheet_and_no_two_share_a_name(code: str):
    held = document(row(), branch=code, parts=[document(row(), branch=code.upper())] * 2)
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx.written(held, SPOKEN)))

    assert len({name.casefold() for name in book.sheet_names}) == 3
    assert all(len(name) <= 31 for name in book.sheet_names)


def test_what_a_sheet_cannot_hold_is_refused_and_not_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(xlsx, "LAST_ROW", 2)

    assert len(table(document(row(), row()))) > 2
    with pytest.raises(xlsx.TooManyRowsError):
        xlsx.written(document(row(), row(), row()), SPOKEN)
    assert sheet.LAST_ROW < 1_048_576


def test_what_is_late_alone_has_a_colour():
    assert "FFA40E0E" in part(document(row()), "xl/styles.xml")
    assert "FFA40E0E" not in part(document(row(missed=0)), "xl/styles.xml")
    assert "FFA40E0E" not in part(document(row(), form=FORM), "xl/styles.xml")


def test_rows_under_another_are_set_in():
    under = row()
    under.level = 2

    assert 'indent="2"' in part(document(under), "xl/styles.xml")


def official() -> Document:
    cells: dict[str, Value] = {column.key: nth for nth, column in enumerate(PRINTED)}
    cells |= {"no": "1", "name": "Đất đai"}
    form = Form("II.06a/VPCP/KSTT", Note("TÌNH HÌNH TẠI A"), "Sở B", Note("Đơn vị tính: hồ sơ"))
    return document(
        Row(dict(cells)),
        columns=PRINTED,
        total=Row(cells | {"no": None, "name": "Tổng số"}),
        form=form,
        closing=3,
        notes=[Note("a note")],
        unit="Chi nhánh A",
    )


def test_an_official_form_has_its_blocks_numbers_and_signatures():
    lines = [[cell for cell in cells if cell != ""] for cells in table(official())]

    assert lines[0] == ["Form no.: II.06a/VPCP/KSTT", "TÌNH HÌNH TẠI A",
                        "Reporting unit: Chi nhánh A"]  # fmt: skip
    assert lines[1] == ["Reporting period: Quarter III/2026", "Receiving unit: Sở B"]
    assert lines[2] == ["(From 15/06/2026 to 14/09/2026)"]
    assert lines[3] == ["Đơn vị tính: hồ sơ"]
    assert [f"({number})" for number in range(1, 14)] in lines
    assert ["Drawn up by", "Head of the unit"] in lines
    assert ["…………, day …… month …… year ………"] in lines
    told = [line[0] for line in lines if line]
    assert told.index("Drawn up by") < told.index("rate = met / (met + missed)")
    assert told[-2] == "a note"
    assert told[-1] == (
        "As of 16:59 14/09/2026. Data up to 10:15 20/11/2026, the oldest last word of any branch. "
        "Frozen in closing no. 3."
    )


def test_the_numbers_of_an_official_form_are_repeated_with_its_heads():
    book, body = part(official(), "xl/workbook.xml"), part(official())

    assert re.search(r"Print_Titles[^<]+\$5:\$8<", book)
    assert 'ySplit="8"' in body


def test_a_document_of_one_column_can_be_printed():
    held = document(Row({"n": 1}), columns=(Column("n", "N", Kind.COUNT),), form=FORM)

    assert [cells for cells in table(held) if 1.0 in cells]


def test_a_day_before_excel_began_to_count_is_a_text():
    assert found(document(row(due_on=date(1899, 12, 31))), "H20.16.03")[8] == "1899-12-31"
