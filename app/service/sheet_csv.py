"""CSV as offices write it: its encoding told by what is in it, its separator by the headings."""

import codecs
import csv
import io
from collections.abc import Sequence
from typing import BinaryIO

from app.adapters.sheets.columns import SEARCHED, score
from app.adapters.sheets.row import LONGEST_CELL
from app.core.problems import Problem
from app.service.sheet_tables import FileRefusedError, Rows, Table

ENCODINGS = ("utf-8", "utf-16", "windows-1258")
_SEPARATORS = (",", ";", "\t")
_PART = 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def opened(file: BinaryIO, encoding: str | None) -> Table:
    """The table of a CSV file.

    Raises:
        FileRefusedError: its encoding is none we read, or a quote is not closed.
    """
    known = _encoding(file, encoding)
    separator, skipped = _separator(file, known)

    def rows() -> Rows:
        return _rows(file, known, separator, skipped)

    name = "utf-8" if known == "utf-8-sig" else "windows-1258" if known == "cp1258" else known
    return Table(rows, {"encoding": name, "separator": separator})


def _encoding(file: BinaryIO, asked: str | None) -> str:
    file.seek(0)
    head = file.read(4)
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    if asked is not None:
        return _asked(file, asked.strip().lower(), marked)
    if marked is not None and _fails_at(file, marked) is None:
        return marked
    if _fails_at(file, "utf-8") is None and not _has_nul(file):
        return "utf-8"
    if not _has_nul(file) and _fails_at(file, "cp1258") is None:
        return "cp1258"
    raise FileRefusedError(
        Problem(
            "encoding",
            "the letters of the file are written in no way we know; save it as CSV UTF-8, or as "
            ".xlsx",
        )
    )


def _asked(file: BinaryIO, asked: str, marked: str | None) -> str:
    names = {
        "utf-8": "utf-8-sig",
        "utf8": "utf-8-sig",
        "utf-16": "utf-16",
        "windows-1258": "cp1258",
        "cp1258": "cp1258",
    }
    known = names.get(asked)
    if known is None:
        raise FileRefusedError(
            Problem("encoding", "give one of {names}", {"names": ", ".join(ENCODINGS)})
        )
    if known == "utf-16" and marked is None:
        known = "utf-16-le"
    at = _fails_at(file, known)
    if at is not None:
        raise FileRefusedError(
            Problem(
                "encoding",
                "byte {at} of the file is not {encoding}; give another encoding",
                {"at": at, "encoding": asked[:40]},
            )
        )
    return known


def _fails_at(file: BinaryIO, encoding: str) -> int | None:
    """The byte (from 1) at which a file stops being text of an encoding; None if it never does."""
    decode = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    done = 0
    try:
        while part := file.read(_PART):
            decode.decode(part)
            done += len(part)
        decode.decode(b"", final=True)
    except UnicodeError as fault:
        return done + getattr(fault, "start", 0) + 1
    return None


def _has_nul(file: BinaryIO) -> bool:
    file.seek(0)
    while part := file.read(_PART):
        if b"\0" in part:
            return True
    return False


def _separator(file: BinaryIO, encoding: str) -> tuple[str, int]:
    """The separator under which the first rows name most columns; rows before it is said."""
    first = _head(file, encoding, "\t")[:1]
    said = "".join(str(cell) for cell in first[0]) if first else ""
    if said.lower().startswith("sep=") and said[4:] in ("", *_SEPARATORS):  # Excel's own word
        return said[4:] or "\t", 1
    found = {one: _best(_head(file, encoding, one)) for one in _SEPARATORS}
    return max(found, key=lambda one: found[one]), 0


def _best(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    return (
        max((score(cells, {}) for cells in rows), default=0),
        max((len(cells) for cells in rows), default=0),
    )


def _head(file: BinaryIO, encoding: str, separator: str) -> list[list[str]]:
    found: list[list[str]] = []
    with _text(file, encoding) as text:
        reader = csv.reader(text, delimiter=separator)
        try:
            for cells in reader:
                found.append(cells)
                if len(found) == SEARCHED:
                    break
        except csv.Error:
            pass  # told when the file is read under the separator that is chosen
        text.detach()
    return found


def _rows(file: BinaryIO, encoding: str, separator: str, skipped: int) -> Rows:
    number = 0
    with _text(file, encoding) as text:
        reader = csv.reader(text, delimiter=separator, strict=True)
        try:
            for number, cells in enumerate(reader, start=1):
                if number > skipped:
                    yield number, list(cells)
        except csv.Error:
            raise FileRefusedError(
                Problem(
                    "",
                    "the row after row {row} has a quote that is not closed or stands inside a "
                    "text (write it twice), or a cell of more than {limit} characters",
                    {"row": number, "limit": LONGEST_CELL},
                )
            ) from None
        finally:
            text.detach()


def _text(file: BinaryIO, encoding: str) -> "_Text":
    file.seek(0)
    return _Text(file, encoding=encoding, newline="")


class _Text(io.TextIOWrapper):
    """A text that leaves the file open: it is read several times."""

    def __exit__(self, *_: object) -> None:
        """Leave the file as it is."""
