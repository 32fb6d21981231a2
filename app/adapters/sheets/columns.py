"""Which column of a file is which field: where the headings stand and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.adapters.sheets.dates import Cell
from app.adapters.sheets.lexicon import (
    DATES,
    FIELDS,
    HEADINGS,
    IGNORED,
    OURS,
    composed,
    plain,
    plain_heading,
)
from app.core.problems import Problem

ENOUGH = 3
"""So many columns must be known for a row to be the headings: a title seldom names one."""
SEARCHED = 40
"""Rows looked through for the headings."""
_FEWEST_NUMBERED = 3


class Column(NamedTuple):
    """A column of the file; `field` None: nobody knows it, `-`: left out on purpose."""

    at: int
    heading: str
    field: str | None
    remembered: bool = False

    @property
    def letter(self) -> str:
        """A, B, …, AA, as Excel names it."""
        return letter(self.at)


def letter(at: int) -> str:
    """The name Excel gives the column at a place, counted from 0."""
    name, at = "", at + 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file and the row (from 1) their headings stand in."""

    row: int
    columns: tuple[Column, ...]

    @property
    def by_field(self) -> dict[str, Column]:
        """The column of each field that is told."""
        return {one.field: one for one in self.columns if one.field not in (None, IGNORED)}

    @property
    def dates(self) -> tuple[Column, ...]:
        """The columns that hold days or instants."""
        return tuple(one for one in self.columns if one.field in DATES)

    @property
    def unknown(self) -> tuple[Column, ...]:
        """The columns nobody knows."""
        return tuple(one for one in self.columns if one.field is None)


class NoHeadingsError(ValueError):
    """The columns of a file cannot be told; `problems` say why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = problems


def text_of(cell: Cell) -> str:
    """A heading as text."""
    return composed(str(cell)) if cell is not None else ""


def score(cells: Sequence[Cell], said: Mapping[str, str]) -> int:
    """How many fields the cells of a row would be the headings of."""
    found = {_field(text, said) for text in map(text_of, cells) if text}
    return len(found - {None, IGNORED})


def found_in(
    rows: Sequence[tuple[int, Sequence[Cell]]], said: Mapping[str, str], told: Mapping[str, str]
) -> Columns:
    """The columns by the first row that names enough of them.

    `said` maps headings in their plain form to fields, as the source was mapped before; `told`
    does so as this file is mapped, in the words of the sender, and comes first.

    Raises:
        NoHeadingsError: no row does; two columns are one field; a told column is not there.
    """
    asked = {plain_heading(heading): field for heading, field in told.items()}
    wrong = [
        Problem("map", "{field} is no field of a file; there are {fields}",
                {"field": field[:60], "fields": ", ".join(FIELDS)})
        for field in asked.values()
        if field not in FIELDS and field != IGNORED
    ]  # fmt: skip
    if wrong:
        raise NoHeadingsError(*wrong)
    known = {**said, **asked}
    for number, cells in rows:
        if score(cells, known) >= ENOUGH:
            return _columns(number, cells, said, asked)
    raise NoHeadingsError(
        Problem(
            "",
            "no headings were found in the first {rows} rows; one row must name at least {enough} "
            "columns such as Mã hồ sơ, Mã TTHC, Ngày nhận; if letters look wrong give the encoding",
            {"rows": SEARCHED, "enough": ENOUGH},
        )
    )


def _columns(
    number: int, cells: Sequence[Cell], said: Mapping[str, str], asked: Mapping[str, str]
) -> Columns:
    known = {**said, **asked}
    columns = tuple(
        Column(at, heading, _field(heading, known), _is_in(heading, said) and heading != "")
        for at, heading in enumerate(map(text_of, cells))
        if heading
    )
    problems = [*_twice(columns), *_absent(columns, asked), *_missing(columns)]
    if problems:
        raise NoHeadingsError(*problems)
    return Columns(number, columns)


def usual(heading: str) -> str | None:
    """The field of a heading where nobody says otherwise."""
    return _field(heading, {})


def _field(heading: str, known: Mapping[str, str]) -> str | None:
    for key in (plain(heading), plain_heading(heading)):
        if key in known:
            return known[key]
        if key in HEADINGS:
            return HEADINGS[key]
    return None


def _is_in(heading: str, said: Mapping[str, str]) -> bool:
    return plain(heading) in said or plain_heading(heading) in said


def _twice(columns: Sequence[Column]) -> list[Problem]:
    first: dict[str, Column] = {}
    found = []
    for column in columns:
        if column.field in (None, IGNORED):
            continue
        other = first.setdefault(str(column.field), column)
        if other is not column:
            found.append(
                Problem(
                    str(column.field),
                    'columns {first} "{one}" and {second} "{two}" are the same field; say which '
                    "one counts and leave the other out",
                    {
                        "first": other.letter,
                        "one": other.heading,
                        "second": column.letter,
                        "two": column.heading,
                    },
                )
            )
    return found


def _absent(columns: Sequence[Column], asked: Mapping[str, str]) -> list[Problem]:
    there = {plain_heading(one.heading) for one in columns}
    return [
        Problem("map", "{field} is mapped to a column that is not in the file", {"field": field})
        for key, field in asked.items()
        if key not in there
    ]


def _missing(columns: Sequence[Column]) -> list[Problem]:
    there = {one.field for one in columns}
    needed = (
        ("code", {"code", "receipt_number"}, "Mã hồ sơ"),
        ("procedure", {"procedure", "procedure_name"}, "Mã TTHC"),
        ("received_at", {"received_at", "submitted_at"}, "Ngày nhận"),
    )
    return [
        Problem(field, 'the file has no column "{column}"; add it, or map the one that is it',
                {"column": name})
        for field, any_of, name in needed
        if not there & any_of
    ]  # fmt: skip


def is_numbering(cells: Sequence[Cell]) -> bool:
    """Whether a row only numbers the columns, (1) (2) (3) …, as printed forms do."""
    figures = [text.strip("() .") for text in map(_whole, cells) if text]
    numbers = [int(one) for one in figures if one.isdecimal()]
    return (
        len(figures) == len(numbers) >= _FEWEST_NUMBERED
        and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        and numbers[0] <= 1
    )


def _whole(cell: Cell) -> str:
    return f"{cell:.0f}" if isinstance(cell, float) else text_of(cell)


def theirs(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns without those we add to a file of rejects."""
    return tuple(one for one in columns if plain(one.heading) not in OURS)
