"""Refused rows as a workbook that can be mended and sent again."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO

import xlsxwriter
from sqlalchemy.orm import Session

from app.adapters.sheets.columns import Column, Columns, theirs
from app.adapters.sheets.lexicon import REJECT_ID, REJECT_REASON
from app.db import imports

_PAGE = 1_000
_WIDEST, _NARROWEST, _REASON_WIDTH = 40, 12, 70
_LONGEST = 32_767


def rows(session: Session, import_id: int) -> Iterable[dict[str, Any]]:
    """The rows of a file that are still refused, by their line, some at a time."""
    after = 0
    while True:
        page = imports.rejects(session, import_id, after, _PAGE)
        # A line may stand on two pages only if it is there twice; all of a line are on one page.
        full = len(page) == _PAGE
        last = page[-1]["line"] if page else after
        whole = [row for row in page if not full or row["line"] < last] or page
        yield from map(dict, whole)
        if not full:
            return
        after = whole[-1]["line"]


def headings_of(columns: Columns) -> tuple[Column, ...]:
    """The columns a file of rejects has: those of the file, without ours of an earlier one."""
    return theirs(columns.columns)


def write(
    file: BinaryIO,
    headings: Sequence[str],
    refused: Iterable[dict[str, Any]],
    reason: Callable[[dict[str, Any]], str],
    language: str,
) -> int:
    """Write the same columns as the file had, why each row was refused, and which row it is.

    Every text is written as a text, so nothing a sender wrote ever runs as a formula. The last
    column, hidden, names the refused row: sent back mended, it leaves quarantine. Returns how many
    rows were written.
    """
    # In order, row by row, each flushed as the next begins: the size of the file is no bound.
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    with book:
        sheet = book.add_worksheet()
        head = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#eceff3"})
        why = book.add_format({"text_wrap": True, "font_color": "#a40e0e", "valign": "top"})
        at = len(headings)
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, max(_NARROWEST, min(_WIDEST, len(heading) + 4)))
        sheet.set_column(at, at, _REASON_WIDTH)
        sheet.set_column(at + 1, at + 1, _NARROWEST, None, {"hidden": True})
        sheet.freeze_panes(1, 0)
        for column, heading in enumerate((*headings, REJECT_REASON[language], REJECT_ID[language])):
            sheet.write_string(0, column, heading, head)
        count = 0
        for count, row in enumerate(refused, start=1):
            cells = row["cells"] or []
            for column, cell in enumerate(cells[:at]):
                _write(sheet, count, column, cell)
            sheet.write_string(count, at, reason(row)[:_LONGEST], why)
            sheet.write_number(count, at + 1, row["id"])
    return count


def _write(sheet: Any, row: int, column: int, cell: Any) -> None:  # noqa: ANN401 JSON
    match cell:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, column, cell)
        case int() | float():
            sheet.write_number(row, column, cell)
        case _:
            sheet.write_string(row, column, str(cell)[:_LONGEST])
