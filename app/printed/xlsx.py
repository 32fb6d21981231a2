"""Documents as a workbook: figures that can be reckoned with, ready to print and to sign.

A text is written as a text, so nothing a sender wrote ever runs as a formula; days and figures are
real ones under a number format. The same documents give the same bytes: no clock is read, the
properties bear the instant the first document was judged at.
"""

from collections.abc import Sequence
from datetime import UTC
from io import BytesIO

import xlsxwriter

from app.printed.saying import Say
from app.printed.sheet import LAST_ROW, Formats, draw
from app.service.document import Document

_FONT = {"font_name": "Times New Roman", "font_size": 11}
_LONGEST_NAME = 31
_NOT_IN_A_NAME = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


class TooManyRowsError(ValueError):
    """A sheet cannot hold as many rows; `args[0]` is how many it can."""


def written(document: Document, say: Say) -> bytes:
    """A sheet for the document and one for each of its parts; all in one language.

    Raises:
        TooManyRowsError: one of them has more rows than a sheet.
    """
    sheets = (document, *document.parts)
    if max(len(one.rows) for one in sheets) > LAST_ROW:
        raise TooManyRowsError(LAST_ROW)
    file = BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": dict(_FONT),  # xlsxwriter changes what it is given
        },
    )
    with book:
        book.set_properties(
            {
                "title": document.title,
                "subject": f"{document.unit} {document.period.name}",
                "author": "Đúng Hạn",
                # written as it stands, with a Z behind
                "created": document.as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0),
            }
        )
        formats = Formats(book)
        for one, name in zip(sheets, _names(sheets, say), strict=True):
            draw(book.add_worksheet(name), formats, one, say)
    return file.getvalue()


def _names(documents: Sequence[Document], say: Say) -> list[str]:
    """What the sheets are called, each name once: the codes of the branches with a word before.

    H20.16.03 alone begins like a cell, and Excel may take a reference to such a sheet for broken.
    """
    found: list[str] = []
    for at, document in enumerate(documents, start=1):
        said = f"{say('Branch')} {document.branch}" if document.branch else say("Whole office")
        name = said.translate(_NOT_IN_A_NAME)[:_LONGEST_NAME].strip()
        if name.casefold() in map(str.casefold, found):
            name = f"{name[: _LONGEST_NAME - 8].strip()} {at}"
        found.append(name)
    return found
