"""A workbook made safe to read: unpacked with bounds, looked through, and packed anew.

The reader (calamine) lays a sheet out whole, from its first cell to its last, and copies each
shared text into every cell that shows it: two cells far apart, or a long text shown a million
times, would take all memory of the process. So it never sees the file that came: only the parts it
needs, inflated by us under a bound and read through by an XML parser that allows no entities.
"""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from python_calamine import CalamineError, CalamineWorkbook

from app.core.problems import Problem
from app.service.sheet_parts import (
    Book,
    Look,
    Part,
    Texts,
    TooMuchError,
    UnsafeXmlError,
    book_of,
    filled_of,
    plain_xml,
    relations_of,
    texts_of,
)
from app.service.sheet_tables import FileRefusedError, Rows, Table

MAX_ENTRIES = 2_000
MAX_DIRECTORY_BYTES = 1024 * 1024
MAX_INFLATED_BYTES = 400 * 1024 * 1024
MAX_RATIO = 200
_SMALL = 4 * 1024 * 1024
"""A part of this size is no bomb, whatever its ratio: a column of equal cells packs well."""
_PIECE = 256 * 1024
_TAIL = 22 + 65_535
_WORKBOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_AS_IT_IS = ("[Content_Types].xml", "_rels/.rels", "xl/styles.xml")


# What zipfile and expat say of a file that is broken, each in its own word.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError),
    *(OSError, ValueError, LookupError),
)


@contextmanager
def opened(file: BinaryIO, size: int, sheet: str | None) -> Iterator[Table]:
    """The table of a sheet of a workbook; the first visible one if none is named.

    Raises:
        FileRefusedError: no workbook, a bomb, entities in its XML, or a bound is broken.
    """
    with tempfile.TemporaryDirectory(prefix="dunghan-") as folder:
        clean = Path(folder) / "clean.xlsx"
        try:
            _check_directory(file, size)
            with (
                zipfile.ZipFile(file) as packed,
                zipfile.ZipFile(clean, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
            ):
                name, since_1904, filled = _Unpacked(packed, made).sheet(sheet)
        except TooMuchError as much:
            raise FileRefusedError(much.problem, too_large=True) from None
        except UnsafeXmlError:
            raise FileRefusedError(
                Problem("", "the workbook declares entities of its own, which no Excel writes")
            ) from None
        except _UNREADABLE:
            raise _broken() from None
        with _read(clean) as workbook:
            yield Table(
                rows=lambda: _rows(workbook, name),
                written={"sheet": name},
                faults=filled.faults,
                since_1904=since_1904,
            )


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory of a million entries before it is read."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if b"PK\6\7" in tail[max(0, at - 20) : at] or length > MAX_DIRECTORY_BYTES:
        entries = MAX_ENTRIES + 1
    if entries > MAX_ENTRIES:
        raise TooMuchError(
            Problem("", "the workbook is packed of more than {limit} parts; save only the sheet "
                    "that holds the list", {"limit": MAX_ENTRIES})
        )  # fmt: skip


class _Unpacked:
    """The parts of a workbook we need, from the file that came into one of our own."""

    def __init__(self, packed: zipfile.ZipFile, made: zipfile.ZipFile) -> None:
        self.packed, self.made = packed, made
        self.left = MAX_INFLATED_BYTES
        self.parts: dict[str, zipfile.ZipInfo] = {}
        for info in packed.infolist():
            name = info.filename.lower().replace("\\", "/").lstrip("/")
            if name in self.parts:  # two parts of one name: which one another program reads differs
                raise zipfile.BadZipFile
            self.parts[name] = info

    def sheet(self, asked: str | None) -> tuple[str, bool, Part]:
        """Unpack what the sheet needs; its name, whether days count from 1904, what it holds."""
        book = Book()
        self._copy(_WORKBOOK, book_of(book))
        relations: dict[str, tuple[str, str]] = {}
        self._copy(_RELATIONS, relations_of(relations))
        for name in _AS_IT_IS:
            if name.lower() in self.parts:
                self._copy(name, plain_xml())
        name, relation = _chosen(book, relations, asked)
        texts = Texts()
        for kind, target in relations.values():
            if kind == "sharedStrings":
                self._copy(_path(target), texts_of(texts), "xl/sharedStrings.xml")
        filled = Part()
        path = _path(relations[relation][1])
        self._copy(path, filled_of(filled, texts), path)
        return name, book.since_1904, filled

    def _copy(self, name: str, look: Look, to: str | None = None) -> None:
        """Inflate a part, look through it, and pack it anew."""
        info = self.parts[name.lower()]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile
        if info.flag_bits & 1:
            raise FileRefusedError(Problem("", "the workbook has a password; save it without one"))
        bomb = info.file_size > _SMALL and info.file_size > MAX_RATIO * max(1, info.compress_size)
        if bomb or info.file_size > self.left:
            raise _bomb()
        with self.packed.open(info) as part, self.made.open(to or name, "w") as out:
            while piece := part.read(_PIECE):
                self.left -= len(piece)
                if self.left < 0:
                    raise _bomb()
                look(piece, last=False)
                out.write(piece)
            look(b"", last=True)


def _chosen(
    book: Book, relations: dict[str, tuple[str, str]], asked: str | None
) -> tuple[str, str]:
    sheets = [
        (name, relation, hidden)
        for name, relation, hidden in book.sheets
        if relations.get(relation, ("", ""))[0] == "worksheet"
    ]
    if asked is None:
        visible = [(name, relation) for name, relation, hidden in sheets if not hidden]
        if visible:
            return visible[0]
        raise FileRefusedError(Problem("", "the workbook has no visible sheet"))
    found = next(((name, relation) for name, relation, _ in sheets if name == asked), None)
    if found is None:
        names = ", ".join(name for name, *_ in sheets)
        raise FileRefusedError(
            Problem("sheet", "the workbook has no such sheet; it has {names}",
                    {"names": names[:500]})
        )  # fmt: skip
    return found


def _path(target: str) -> str:
    """The path of a part, from how a relation of the workbook names it."""
    path = PurePosixPath("/xl") / target
    if ".." in path.parts:
        raise zipfile.BadZipFile
    return str(path).lstrip("/")


def _bomb() -> TooMuchError:
    return TooMuchError(
        Problem(
            "",
            "the workbook unpacks to more than {limit} MiB, or to more than {ratio} times its "
            "size; save only the list, without empty rows",
            {"limit": MAX_INFLATED_BYTES // (1024 * 1024), "ratio": MAX_RATIO},
        )
    )


def _broken() -> FileRefusedError:
    return FileRefusedError(
        Problem("", "the workbook cannot be read; open it in Excel and save it as .xlsx again")
    )


@contextmanager
def _read(path: Path) -> Iterator[CalamineWorkbook]:
    try:
        workbook = CalamineWorkbook.from_path(path)
    except BaseException as fault:
        if _is_the_readers(fault):
            raise _broken() from None
        raise
    with workbook:
        yield workbook


def _rows(workbook: CalamineWorkbook, sheet: str) -> Rows:
    try:
        for number, cells in enumerate(workbook.get_sheet_by_name(sheet).iter_rows(), start=1):
            yield number, list(cells)
    except BaseException as fault:
        if _is_the_readers(fault):
            raise _broken() from None
        raise


def _is_the_readers(fault: BaseException) -> bool:
    """Whether the reader stumbled; where it panics, its exception is none of Python's own kinds."""
    return isinstance(fault, (CalamineError, OSError)) or type(fault).__name__ == "PanicException"
