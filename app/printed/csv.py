"""A document as CSV (RFC 4180) for programs and for spreadsheets.

One row of headings, then the rows and the total, without title or notes. UTF-8 with a byte order
mark, by which Excel knows that it is UTF-8. Days and instants are ISO 8601, rates go from 0 to 1,
what has no data or does not belong to a row is empty.
"""

import csv
from datetime import date, datetime
from io import StringIO

from app.printed.heads import full
from app.printed.saying import ZONE
from app.service.document import Document, Value

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 full width
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection)."""


def written(document: Document) -> bytes:
    """The document in one language; its parts are not in it."""
    text = StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([_safe(full(column)) for column in document.columns])
    for row in (*document.rows, *([document.total] if document.total else [])):
        rows.writerow([cell(row.cells.get(column.key)) for column in document.columns])
    return text.getvalue().encode("utf-8-sig")


def cell(held: Value) -> str | int | float:
    """A value as it stands in the file; before a text that would be a formula, an apostrophe."""
    match held:
        case None:
            return ""
        case datetime():
            return held.astimezone(ZONE).isoformat()
        case date():
            return held.isoformat()
        case str():
            return _safe(held)
        case _:
            return held


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_STARTS) else text
