"""A document as CSV is what a program reads back, and nothing a spreadsheet would run."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest

from app.printed.csv import written
from app.service.document import Document
from tests.printed.documents import document, row


def read(held: Document) -> list[dict[str, str]]:
    text = written(held).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


def test_the_headings_are_one_row_with_all_levels():
    first = written(document()).decode("utf-8-sig").split("\r\n")[0]

    assert first == (
        "Branch code,Branch,Fell due: Met,Fell due: Not met: Missed,Fell due: Not met: Still ahead,"
        "Rate,Median,Points,Due,Heard"
    )


def test_excel_is_told_that_it_is_utf_8():
    assert written(document(row("Cao Lãnh"))).startswith(b"\xef\xbb\xbf")


def test_figures_are_plain_days_are_iso_and_rates_go_to_one():
    (told,) = read(document(row()))

    assert told["Fell due: Met"] == "1234"
    assert told["Rate"] == "0.9875"
    assert told["Median"] == "4.5"
    assert told["Due"] == "2026-11-24"
    assert told["Heard"] == "2026-11-20T10:15:00+07:00"


def test_an_instant_has_the_offset_of_viet_nam():
    (told,) = read(document(row(heard_at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC))))

    assert told["Heard"] == "2026-11-21T03:00:00+07:00"


def test_what_has_no_data_is_empty_and_not_zero():
    (told,) = read(document(row(rate=None, met=None)))

    assert (told["Rate"], told["Fell due: Met"]) == ("", "")


def test_lines_end_as_rfc_4180_says_and_quotes_are_doubled():
    body = written(document(row('Xã "A", ấp 1\nấp 2'))).decode("utf-8-sig")

    assert body.endswith("\r\n")
    assert '"Xã ""A"", ấp 1\nấp 2"' in body
    assert read(document(row('Xã "A", ấp 1\nấp 2')))[0]["Branch"] == 'Xã "A", ấp 1\nấp 2'


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+84", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("http://x")'],  # noqa: RUF001
)
def test_a_text_that_would_be_a_formula_begins_with_an_apostrophe(name: str):
    (told,) = read(document(row(name)))

    assert told["Branch"] == f"'{name}"


@pytest.mark.parametrize("name", ["Khu vực III", "1.2", "Tổng – 5", "a=b", "'x"])
def test_any_other_text_is_as_it_was(name: str):
    (told,) = read(document(row(name)))

    assert told["Branch"] == name


def test_a_negative_figure_is_a_figure():
    (told,) = read(document(row(points=-1.5)))

    assert told["Points"] == "-1.5"


def test_a_report_without_rows_has_its_headings_and_total():
    held = document(total=row("Total", rate=None))

    assert [one["Branch"] for one in read(held)] == ["Total"]
    assert written(document()).decode("utf-8-sig").count("\r\n") == 1
