"""Files as clerks send them: workbooks, CSV in any letters, and bombs made by hand."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from app.db.engine import Sessions
from app.service import imports
from app.service.import_read import Options
from app.service.imports import Report
from app.service.outcomes import Caller
from app.service.rules import RuleBook
from app.service.sheet_files import opened
from tests.jobs.rows import vn

NOW = vn("2026-11-20 10:15")
HEAD = ("Mã hồ sơ", "Tên TTHC", "Chi nhánh", "Chủ hồ sơ", "Ngày nhận", "Ngày hẹn trả",
        "Ngày kết thúc xử lý", "Ngày trả")  # fmt: skip
NAME = "Nguyễn Thị Bích Hạnh"
PROCEDURE = "Đính chính Giấy chứng nhận đã cấp"


def code(number: int, day: str = "261116") -> str:
    """A dossier code of the third branch."""
    return f"H20.16.03-{day}-{number:04}"


def row(number: int, **changes: Any) -> list[Any]:  # noqa: ANN401 a cell
    """A row under HEAD, received on Monday and not yet finished; `changes` by heading."""
    told: dict[str, Any] = {
        "Mã hồ sơ": code(number),
        "Tên TTHC": PROCEDURE,
        "Chi nhánh": "Khu vực III",
        "Chủ hồ sơ": NAME,
        "Ngày nhận": "16/11/2026 08:10",
        "Ngày hẹn trả": "26/11/2026",
        "Ngày kết thúc xử lý": None,
        "Ngày trả": None,
    }
    return list((told | {name.replace("_", " "): held for name, held in changes.items()}).values())


def workbook(
    rows: Iterable[Sequence[Any]],
    head: Sequence[str] = HEAD,
    *,
    before: Iterable[Sequence[Any]] = (),
    name: str = "Sheet1",
    more: Mapping[str, Iterable[Sequence[Any]]] | None = None,
    **options: Any,  # noqa: ANN401 of xlsxwriter
) -> bytes:
    """An XLSX; days and moments become real dates."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, **options}) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        minute = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for title, lines in {name: [*before, head, *rows], **(more or {})}.items():
            sheet = book.add_worksheet(title)
            for at, cells in enumerate(lines):
                for column, cell in enumerate(cells):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(at, column, cell, minute)
                    elif isinstance(cell, date):
                        sheet.write_datetime(at, column, cell, day)
                    elif isinstance(cell, str):
                        sheet.write_string(at, column, cell)
                    elif cell is not None:
                        sheet.write(at, column, cell)
    return made.getvalue()


def csv_text(
    rows: Iterable[Sequence[Any]], head: Sequence[str] = HEAD, separator: str = ","
) -> str:
    """The same as text."""

    def cell(held: object) -> str:
        text = "" if held is None else str(held)
        quoted = any(sign in text for sign in (separator, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if quoted else text

    return "".join(separator.join(map(cell, line)) + "\r\n" for line in (head, *rows))


def patched(book: bytes, parts: Mapping[str, bytes]) -> bytes:
    """A workbook with some of its parts replaced."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
    return made.getvalue()


def run(
    file: bytes,
    caller: Caller,
    book: RuleBook,
    sessions: Sessions,
    *,
    dry: bool = False,
    now: datetime = NOW,
    on_progress: imports.Progress = lambda *_: None,
    **options: Any,  # noqa: ANN401 of Options
) -> Report:
    """Take a file in, or preview it."""
    wished = Options(**{"name": "danh-sach.xlsx", **options})
    work = imports.preview if dry else imports.take_file
    with opened(io.BytesIO(file), sheet=wished.sheet, encoding=wished.encoding) as table:
        return work(sessions, table, wished, caller, book, now, on_progress)
