"""Headings of several levels, laid over the columns they stand above."""

from collections.abc import Sequence
from typing import NamedTuple

from app.service.document import Column


class Head(NamedTuple):
    """A heading and the cells it covers: rows and columns from 0, the last ones included."""

    words: str
    top: int
    bottom: int
    left: int
    right: int


def depth(columns: Sequence[Column]) -> int:
    """How many rows the headings take."""
    return max((len(column.under) + 1 for column in columns), default=0)


def heads(columns: Sequence[Column]) -> list[Head]:
    """Every heading once, by row and column; the lowest reach down to the last row.

    Neighbours under the same headings share them.
    """
    bottom = depth(columns) - 1
    found = [
        Head(column.heading, len(column.under), bottom, at, at) for at, column in enumerate(columns)
    ]
    for level in range(bottom):
        left = 0
        while left < len(columns):
            above = columns[left].under[: level + 1]
            right = left
            while right + 1 < len(columns) and columns[right + 1].under[: level + 1] == above:
                right += 1
            if len(above) > level:
                found.append(Head(above[level], level, level, left, right))
                left = right + 1
            else:
                left += 1
    return sorted(found, key=lambda head: (head.top, head.left))


def full(column: Column) -> str:
    """All headings of a column in one line, from the top."""
    return ": ".join((*column.under, column.heading))
