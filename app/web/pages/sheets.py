"""A document as a page shows it: headings with what they span, and cells in a reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from app.printed.heads import Head, depth, heads
from app.printed.speech import Speech
from app.service.document import Column, Document, Kind, Row, Value

_WORDS = frozenset({Kind.TEXT, Kind.CODE})


@dataclass(frozen=True, slots=True)
class Heading:
    """A cell of the head; `note` is the sentence of the definition that tells of it, from 1."""

    words: str
    columns: int
    rows: int
    note: int
    right: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the body; `tone` is a class of the style sheet, and `empty` one without data."""

    words: str
    tone: str
    label: str
    empty: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its cells, the code of what it names, how deep it stands, and if it is a sum."""

    cells: Sequence[Cell]
    code: str
    level: int
    heading: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a page; `first` is the one of its `columns` that names the rows."""

    columns: int
    head: Sequence[Sequence[Heading]]
    numbers: Sequence[int | None]
    first: int
    lines: Sequence[Line]
    total: Line | None


def sheet(document: Document, say: Speech, links: Mapping[str, str]) -> Sheet:
    """The table of a document; `links` leads from codes of branches to their pages."""
    columns, code = _columns(document.columns)
    first = _first(columns)
    numbers = [column.number for column in columns]
    return Sheet(
        columns=len(columns),
        head=_head(columns, first, say),
        numbers=numbers if any(number is not None for number in numbers) else [],
        first=first,
        lines=[_line(row, columns, code, say, links) for row in document.rows],
        total=_line(document.total, columns, code, say, {}) if document.total else None,
    )


def _columns(columns: Sequence[Column]) -> tuple[list[Column], str]:
    """The columns of a page, and the one whose code stands small beside the name that follows."""
    for code, name in pairwise(columns):
        if code.kind is Kind.CODE and name.kind is Kind.TEXT:
            return [column for column in columns if column is not code], code.key
    return list(columns), ""


def _first(columns: Sequence[Column]) -> int:
    """The last of the leading columns of words: before it stand a code or a number at most."""
    leading = 0
    while leading < len(columns) and columns[leading].kind in _WORDS:
        leading += 1
    return max(0, leading - 1)


def _head(columns: Sequence[Column], first: int, say: Speech) -> list[list[Heading]]:
    rows: list[list[Heading]] = [[] for _ in range(depth(columns))]
    for one in heads(columns):
        rows[one.top].append(_heading(one, columns, first, say))
    return rows


def _heading(one: Head, columns: Sequence[Column], first: int, say: Speech) -> Heading:
    return Heading(
        say(one.words),
        one.right - one.left + 1,
        one.bottom - one.top + 1,
        columns[one.left].note + 1,
        one.left > first,
        one.left == one.right == first,
    )


def _line(
    row: Row, columns: Sequence[Column], code: str, say: Speech, links: Mapping[str, str]
) -> Line:
    first = _first(columns)
    link = links.get(str(row.cells.get("branch")))
    made = [
        _cell(row, column, say, link if at == first else None) for at, column in enumerate(columns)
    ]
    return Line(made, str(row.cells.get(code) or ""), row.level, row.heading)


def _cell(row: Row, column: Column, say: Speech, link: str | None) -> Cell:
    label = ": ".join(map(say, (*column.under, column.heading)))
    right = "" if column.kind in _WORDS else "n"
    if column.key not in row.cells:
        return Cell("", right, label)
    held = row.cells[column.key]
    if held is None:
        empty = column.kind not in _WORDS
        return Cell(say("no data yet") if empty else "", right, label, empty)
    if column.key in row.translate:
        held = say(str(held))
    return Cell(
        told(held, column.kind, say), " ".join(_tones(held, column, right)), label, link=link
    )


def _tones(held: Value, column: Column, right: str) -> Iterator[str]:
    yield right
    if held == 0 and column.kind not in _WORDS:
        yield "zero"
    elif column.late:
        yield "late"


def told(held: Value, kind: Kind, say: Speech) -> str:
    """A value as it is read: figures with the separators of the language, days as 20/11/2026."""
    match held:
        case datetime():
            return say.at(held)
        case date():
            return say.day(held)
        case int() | float() if kind is Kind.RATE:
            return say.percent(held)
        case int() | float():
            return say.number(round(held, 2))
        case _:
            return str(held or "")
