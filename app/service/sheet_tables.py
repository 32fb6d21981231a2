"""A table of a file, however the file is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.adapters.sheets.dates import Cell
from app.adapters.sheets.row import Faults
from app.core.problems import Problem

MAX_ROWS = 200_000

Rows = Iterator[tuple[int, list[Cell]]]


class FileRefusedError(Exception):
    """A file that cannot be read at all; `too_large` where a bound of ours is what it breaks."""

    def __init__(self, *problems: Problem, too_large: bool = False) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = problems
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet that can be read several times.

    Attributes:
        rows: Each row with its number as people see it, blank ones too.
        written: How it is written: a name of the sheet, or encoding and separator.
    """

    rows: Callable[[], Rows]
    written: dict[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    since_1904: bool = False
