"""How wide the columns of a sheet are, and how many lines a text takes in them."""

from collections.abc import Sequence
from math import ceil

from app.printed.saying import Say
from app.service.document import Column, Document, Kind, Value

WORDS = frozenset({Kind.TEXT, Kind.CODE, Kind.DAY, Kind.INSTANT})
"""Columns of which a cell without a value is simply empty."""
_NARROWEST, _WIDEST = 9.5, 48.0
_LEAST = 110.0  # all columns together: titles and definitions stand above and below them
_OF_KIND = {Kind.DAY: 11.0, Kind.INSTANT: 16.0, Kind.TEXT: 6.0, Kind.CODE: 6.0}
_PAD = 2.0
_BOLD = 1.1


def widths(document: Document, say: Say) -> list[float]:
    """Of each column, in characters, by its contents and the longest word of its heading.

    A narrow table gets wider columns of words, so that what stands around it can be read; one that
    has none, empty columns at its right.
    """
    none = len(say("no data"))
    rows = [*document.rows, *([document.total] if document.total else [])]
    found = []
    for column in document.columns:
        widest = max((len(word) * _BOLD for word in column.heading.split()), default=0)
        for row in rows:
            if column.key in row.cells:
                widest = max(widest, _length(row.cells[column.key], column.kind, none))
        floor = _OF_KIND.get(column.kind, _NARROWEST)
        found.append(min(max(widest + _PAD, floor), _WIDEST))
    missing = _LEAST - sum(found)
    if missing > 0 and document.columns:
        found[label_at(document.columns)] += missing
    return found or [_LEAST]


def label_at(columns: Sequence[Column]) -> int:
    """The column that names the rows: the last of those of words they begin with."""
    at = 0
    while at + 1 < len(columns) and columns[at + 1].kind in (Kind.TEXT, Kind.CODE):
        at += 1
    return at


def height(text: str, width: float) -> int:
    """How many lines a text takes where so many characters stand in a line, by whole words."""
    lines, free = 1, width - 1
    for word in text.split():
        need = len(word) * 1.05 + 1
        if need > free and free < width - 1:
            lines, free = lines + 1, width - 1
        lines += max(0, ceil(need / max(width, 1)) - 1)
        free -= need
    return lines


def _length(held: Value, kind: Kind, none: int) -> float:
    match held:
        case None:
            return 0 if kind in WORDS else none
        case str():
            return len(held) * 1.05
        case int():
            return len(f"{held:,}")
        case float():
            return len(f"{held:,.1f}")
        case _:
            return 0
