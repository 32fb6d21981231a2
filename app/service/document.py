"""A report as a table: what JSON, CSV, XLSX, a page and a terminal all print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from app.core.periods import Period

Value = str | int | float | date | datetime | None
"""What a cell holds; None is "no data" in a column of figures, and empty in one of words."""


class Kind(StrEnum):
    """What the cells of a column are, for those who format them."""

    TEXT = "text"
    CODE = "code"
    COUNT = "count"
    RATE = "rate"  # from 0 to 1
    DAYS = "days"  # a number of days, with a fraction
    POINTS = "points"
    DAY = "day"
    INSTANT = "instant"


def word(sentence: str) -> str:
    """A sentence of ours that stands in a cell; its row says in `translate` where."""
    return sentence


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the name machines read, the heading people read, and the headings above it.

    Headings are English sentences of the catalogue of translations. `number` is the one printed
    under the headings of an official form. `late` marks figures that nobody wants above 0: where
    there is colour, they alone have it. `note` is the sentence of the definition that tells how
    its figures are made, from 0.
    """

    key: str
    heading: str
    kind: Kind = Kind.COUNT
    under: tuple[str, ...] = ()
    number: int | None = None
    late: bool = False
    note: int = 0


@dataclass(slots=True)
class Row:
    """A row by column; a `level` above 0 stands under the last row of a smaller one.

    A column without a cell does not belong to the row, and stays empty; a cell of None has no data.
    `heading` marks a row that sums up those under it; `translate` names the cells whose text is a
    sentence to translate.
    """

    cells: dict[str, Value]
    level: int = 0
    heading: bool = False
    translate: frozenset[str] = frozenset()


class Note(NamedTuple):
    """A sentence to translate, with its figures."""

    sentence: str
    params: Mapping[str, object] = {}


class Bars(NamedTuple):
    """A chart of a document: one bar a row with `label`, stacked of the columns in `parts`.

    Rows at another `level` are not drawn; `rate` is a column from 0 to 1 drawn beside.
    """

    label: str
    parts: tuple[str, ...] = ()
    rate: str | None = None
    level: int = 0


class Form(NamedTuple):
    """What an official form prints besides, ready to be signed.

    Attributes:
        number: What it is called in the text that prescribes it.
        title: Its heading as printed.
        receiver: Whom it is handed in to; None leaves a line to fill in.
        measure: What its figures count.
    """

    number: str
    title: Note
    receiver: str | None
    measure: Note


@dataclass(slots=True)
class Document:
    """A report of an office, or of one of its branches, for a period.

    Attributes:
        name: What its address, file and command are called.
        title: Its heading, to be translated like all headings, definitions and notes.
        unit: Whom it is about: the name of the branch, or of the office.
        branch: The code of that branch; None for the office.
        as_of: The instant it was judged at; what came to pass later is not in it.
        total: The last row; None where adding up would say nothing.
        definition: How each figure is made, a sentence each; every page and file carries it.
        notes: What a reader must know of just these figures.
        data_as_of: The oldest last word of any branch in it.
        closing: The number of the closing it was frozen in; None while it is counted anew each
            time.
        form: How it is printed where it is an official form.
        parts: The same of each branch; a workbook has a sheet for each of them after its own.
    """

    name: str
    title: str
    unit: str
    branch: str | None
    period: Period
    as_of: datetime
    columns: Sequence[Column]
    rows: list[Row]
    total: Row | None
    definition: Sequence[Note]
    data_as_of: datetime | None
    notes: list[Note] = field(default_factory=list)
    chart: Bars | None = None
    closing: int | None = None
    form: Form | None = None
    parts: Sequence["Document"] = ()
