"""A file as it came, opened as a table by what is in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from app.core.problems import Problem
from app.service import sheet_csv, sheet_xlsx
from app.service.sheet_tables import FileRefusedError, Table

MAX_FILE_BYTES = 50 * 1024 * 1024


@contextmanager
def opened(
    file: BinaryIO, *, sheet: str | None = None, encoding: str | None = None
) -> Iterator[Table]:
    """The table of an XLSX or CSV file, told apart by what is in it.

    `sheet` names the sheet of a workbook (its first visible one if absent), `encoding` that of a
    text where it is not to be detected.

    Raises:
        FileRefusedError: it is neither, is broken, or breaks a bound.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    if size == 0:
        raise FileRefusedError(Problem("", "the file is empty; choose another"))
    if size > MAX_FILE_BYTES:
        raise FileRefusedError(
            Problem(
                "",
                "the file has more than {limit} MiB; send it in parts",
                {"limit": MAX_FILE_BYTES // (1024 * 1024)},
            ),
            too_large=True,
        )
    if head.startswith(b"PK"):
        with sheet_xlsx.opened(file, size, sheet) as table:
            yield table
        return
    _no_sheet(head)
    yield sheet_csv.opened(file, encoding)


def _no_sheet(head: bytes) -> None:
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileRefusedError(
            Problem(
                "",
                "the file is an old .xls or has a password; open it in Excel and save it as .xlsx "
                "without a password",
            )
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<html", b"<!doc", b"<table")):
        raise FileRefusedError(
            Problem(
                "",
                "the file is a web page with the name of a sheet; open it in Excel and save it as "
                ".xlsx",
            )
        )
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
        raise FileRefusedError(
            Problem("", "the file is a picture or a PDF; send the list as .xlsx or .csv")
        )
