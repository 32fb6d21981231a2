"""The XML of a workbook, read through piece by piece: what it holds, and what it would cost."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from xml.parsers import expat

from app.adapters.sheets.row import Faults
from app.core.problems import Problem
from app.service.sheet_tables import MAX_ROWS

MAX_COLUMNS = 256
MAX_LAID_OUT = 8_000_000
"""Cells from the first to the last; the reader takes some 32 bytes for each, filled or not."""
MAX_TEXT = 128 * 1024 * 1024
"""Characters of shared texts as often as they are shown."""
_MAX_FAULTS = 100_000
_SPARE_ROWS = 100
_SPACE = " "
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


class UnsafeXmlError(Exception):
    """XML that declares a document type or entities."""


class TooMuchError(Exception):
    """A bound of ours is broken; `problem` says which."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Look(Protocol):
    """Takes a part piece by piece."""

    def __call__(self, piece: bytes, *, last: bool) -> None: ...  # noqa: D102


Begin = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def _look(
    begin: Begin | None = None, end: End | None = None, text: Callable[[str], None] | None = None
) -> Look:
    """A parser without entities; names come without their namespaces."""
    parser = expat.ParserCreate(namespace_separator=_SPACE)
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise UnsafeXmlError

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    if begin is not None:

        def begun(name: str, values: dict[str, str]) -> None:
            begin(name.rpartition(_SPACE)[2], values)

        parser.StartElementHandler = begun
    if end is not None:

        def ended(name: str) -> None:
            end(name.rpartition(_SPACE)[2])

        parser.EndElementHandler = ended
    if text is not None:
        parser.CharacterDataHandler = text

    def take(piece: bytes, *, last: bool) -> None:
        try:
            parser.Parse(piece, last)
        except expat.ExpatError as fault:
            raise ValueError(str(fault)) from None

    return take


def plain_xml() -> Look:
    """Only that it is XML without entities."""
    return _look()


@dataclass(slots=True)
class Book:
    """The sheets of a workbook: name, relation, hidden."""

    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    since_1904: bool = False


def book_of(book: Book) -> Look:
    """Fill `book` from workbook.xml."""

    def begin(name: str, values: dict[str, str]) -> None:
        if name == "workbookPr":
            book.since_1904 = values.get("date1904", "0") in ("1", "true", "on")
        elif name == "sheet":
            relation = next(
                (held for key, held in values.items() if key.endswith(f"relationships{_SPACE}id")),
                "",
            )
            hidden = values.get("state", "visible") != "visible"
            book.sheets.append((values.get("name", ""), relation, hidden))

    return _look(begin)


def relations_of(relations: dict[str, tuple[str, str]]) -> Look:
    """Fill `relations` (kind, target) by id from workbook.xml.rels."""

    def begin(name: str, values: dict[str, str]) -> None:
        if name == "Relationship" and values.get("TargetMode") != "External":
            kind = values.get("Type", "").rpartition("/")[2]
            relations[values.get("Id", "")] = (kind, values.get("Target", ""))

    return _look(begin)


@dataclass(slots=True)
class Texts:
    """How long each shared text is."""

    lengths: list[int] = field(default_factory=list)
    inside: bool = False


def texts_of(texts: Texts) -> Look:
    """Fill `texts` from sharedStrings.xml."""

    def begin(name: str, _: dict[str, str]) -> None:
        if name == "si":
            texts.lengths.append(0)

    def text(told: str) -> None:
        if texts.lengths:
            texts.lengths[-1] += len(told)

    return _look(begin, text=text)


@dataclass(slots=True)
class Part:
    """What a sheet holds: its filled cells' edges, and the cells that say nothing usable."""

    first_row: int = 0
    last_row: int = 0
    first_column: int = MAX_COLUMNS
    last_column: int = 0
    text: int = 0
    no_value: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)

    @property
    def faults(self) -> Faults:
        """As rows are read with them."""
        return Faults(frozenset(self.no_value), frozenset(self.errors))

    def fill(self, row: int, column: int) -> None:
        """Count a filled cell; row and column from 1."""
        self.first_row = self.first_row or row
        self.first_row, self.last_row = min(self.first_row, row), max(self.last_row, row)
        self.first_column = min(self.first_column, column)
        self.last_column = max(self.last_column, column)
        height = self.last_row - self.first_row + 1
        width = self.last_column - self.first_column + 1
        if (
            self.last_row > MAX_ROWS + _SPARE_ROWS
            or self.last_column > MAX_COLUMNS
            or height * width > MAX_LAID_OUT
        ):
            raise TooMuchError(
                Problem(
                    "",
                    "the sheet has cells beyond row {rows} or column {columns}, or spans more than "
                    "{cells} cells; remove what lies far from the list, or split it",
                    {
                        "rows": MAX_ROWS + _SPARE_ROWS,
                        "columns": MAX_COLUMNS,
                        "cells": MAX_LAID_OUT,
                    },
                )
            )


class _Cells:
    """The walk through a sheet, cell by cell."""

    def __init__(self, part: Part, texts: Texts) -> None:
        self.part, self.texts = part, texts
        self.row = self.column = 0
        self.kind = ""
        self.formula = self.value = False
        self.told = ""
        self.in_value = False

    def begin(self, name: str, values: dict[str, str]) -> None:
        if name == "c":
            self._cell(values)
        elif name == "v":
            self.in_value = True
        elif name == "f":
            self.formula = True
        elif name == "is":
            self.value = True
        elif name == "row":
            self.row = int(values.get("r", self.row + 1))
            self.column = 0

    def _cell(self, values: dict[str, str]) -> None:
        address = values.get("r")
        self.column += 1
        if address is not None:
            found = _ADDRESS.fullmatch(address)
            if found is None:
                raise ValueError(address)
            self.row, self.column = int(found[2]), _number(found[1])
        self.kind = values.get("t", "n")
        self.formula = self.value = False
        self.told = ""

    def text(self, told: str) -> None:
        if self.in_value:
            self.value = True
            # Of a long text only its length matters, of an index all of it.
            self.told = (self.told + told)[:20]

    def end(self, name: str) -> None:
        if name == "v":
            self.in_value = False
        elif name == "c":
            self._ended()

    def _ended(self) -> None:
        part = self.part
        if not (self.value or self.formula):
            return
        part.fill(self.row, self.column)
        place = (self.row, self.column - 1)
        if self.formula and not self.value:
            _note(part.no_value, place)
        elif self.kind == "e":
            _note(part.errors, place)
        elif self.kind == "s":
            at = int(self.told or "-1")
            if not 0 <= at < len(self.texts.lengths):
                raise ValueError(at)
            part.text += self.texts.lengths[at]
            if part.text > MAX_TEXT:
                raise TooMuchError(
                    Problem("", "the texts of the sheet have more than {limit} characters; split "
                            "the list", {"limit": MAX_TEXT})
                )  # fmt: skip


def _note(faults: set[tuple[int, int]], place: tuple[int, int]) -> None:
    if len(faults) == _MAX_FAULTS:
        raise TooMuchError(
            Problem(
                "",
                "more than {limit} cells of the sheet are errors of Excel or formulas without a "
                "value; open it in Excel and save it again",
                {"limit": _MAX_FAULTS},
            )
        )
    faults.add(place)


def filled_of(part: Part, texts: Texts) -> Look:
    """Fill `part` from the XML of a sheet."""
    walk = _Cells(part, texts)
    return _look(walk.begin, walk.end, walk.text)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
