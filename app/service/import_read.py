"""A file before its rows are taken in: its columns, its names, and what its days may hide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlalchemy.orm import Session

from app.adapters.sheets.columns import (
    SEARCHED,
    Columns,
    NoHeadingsError,
    found_in,
    is_numbering,
)
from app.adapters.sheets.dates import ORDER, Cell
from app.adapters.sheets.names import Names, Places, without_kind
from app.adapters.sheets.row import Sheet
from app.core.codes import procedure_code
from app.core.limits import in_force
from app.core.problems import Problem
from app.db import catalogue, imports
from app.service.outcomes import Caller
from app.service.rules import Rules
from app.service.sheet_tables import MAX_ROWS, FileRefusedError, Rows, Table

_MONTHS = 12
_ENOUGH_DATES = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read.

    Attributes:
        name: Of the file, as its sender calls it.
        mapping: Fields by the headings of this file; `-` leaves a column out.
        branch: Of every row, where no column says so.
        as_of: The moment the file tells of; now if absent.
        historical: What has passed raises no alarm.
    """

    name: str
    sheet: str | None = None
    encoding: str | None = None
    mapping: Mapping[str, str] | None = None
    branch: str | None = None
    as_of: datetime | None = None
    historical: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rows of a file are read with.

    Attributes:
        total: Rows that say something, below the headings.
        notes: What a person should know before the file is taken in.
    """

    table: Table
    sheet: Sheet
    total: int
    notes: tuple[Problem, ...]

    def rows(self) -> Rows:
        """The rows below the headings that say something."""
        return _below(self.table, self.sheet.columns)


def plan(
    session: Session, table: Table, options: Options, caller: Caller, rules: Rules, now: datetime
) -> Plan:
    """How a file will be read, from one walk through all of it.

    Raises:
        FileRefusedError: its columns cannot be told, or a bound is broken.
    """
    said = imports.mapping(session, caller.office, caller.source)
    try:
        head = list(islice(table.rows(), SEARCHED))
        columns = found_in(head, said, options.mapping or {})
    except NoHeadingsError as why:
        raise FileRefusedError(*why.problems) from None
    branch = _branch(columns, options, caller)
    seen = _survey(table, columns)
    sheet = Sheet(
        columns=columns,
        places=_places(session, rules, caller),
        as_of=min(options.as_of or now, now),
        latest=now,
        branch=branch,
        since_1904=table.since_1904,
        month_first=frozenset(at for at, tally in seen.dates.items() if tally.month_first),
        faults=table.faults,
    )
    return Plan(table, sheet, seen.rows, tuple(_notes(columns, seen)))


def _branch(columns: Columns, options: Options, caller: Caller) -> str | None:
    """The branch of rows that name none; a sender for one branch need not say which."""
    if options.branch is not None:
        if options.branch not in caller.branches:
            raise FileRefusedError(
                Problem(
                    "branch",
                    "{branch} is no branch you may send for; GET /v1/branches lists them",
                    {"branch": options.branch[:60]},
                )
            )
        return options.branch
    if {"branch", "branch_name"} & columns.by_field.keys():
        return None
    if len(caller.branches) == 1:
        return next(iter(caller.branches))
    raise FileRefusedError(
        Problem(
            "branch",
            'the file has no column "{column}"; add it, or choose the branch of the whole file',
            {"column": "Chi nhánh"},
        )
    )


def _below(table: Table, columns: Columns) -> Rows:
    places = [column.at for column in columns.columns]
    first = True
    for number, cells in table.rows():
        if number <= columns.row:
            continue
        if all(at >= len(cells) or cells[at] in ("", None) for at in places):
            continue
        if first and is_numbering(cells):
            first = False
            continue
        first = False
        yield number, cells


@dataclass(slots=True)
class _Dates:
    """In which order the days of a column are written."""

    day_first: int = 0
    month_first_only: int = 0
    real: int = 0
    real_late: int = 0

    @property
    def month_first(self) -> bool:
        """More texts can only be month first than can only be day first."""
        return self.month_first_only > self.day_first

    @property
    def swapped(self) -> bool:
        """Texts run to day 31 while no real date goes past 12: Excel may have read them so."""
        return self.day_first > 0 and self.real >= _ENOUGH_DATES and self.real_late == 0


@dataclass(slots=True)
class _Seen:
    rows: int
    dates: dict[int, _Dates]


def _survey(table: Table, columns: Columns) -> _Seen:
    seen = _Seen(0, {column.at: _Dates() for column in columns.dates})
    for _, cells in _below(table, columns):
        seen.rows += 1
        if seen.rows > MAX_ROWS:
            raise FileRefusedError(
                Problem("", "the file has more than {limit} rows; send it in parts",
                        {"limit": MAX_ROWS}),
                too_large=True,
            )  # fmt: skip
        for at, tally in seen.dates.items():
            if at < len(cells):
                _count(tally, cells[at])
    return seen


def _count(tally: _Dates, cell: Cell) -> None:
    if isinstance(cell, date):
        tally.real += 1
        tally.real_late += cell.day > _MONTHS
    elif isinstance(cell, str):
        found = ORDER.match(cell.strip())
        if found:
            first, second = int(found[1]), int(found[2])
            tally.day_first += first > _MONTHS >= second
            tally.month_first_only += second > _MONTHS >= first


def _notes(columns: Columns, seen: _Seen) -> Iterator[Problem]:
    there = columns.by_field
    if "finished_at" not in there and "handed_over_at" in there:
        yield Problem(
            "finished_at",
            'no column says when processing ended; the day of "{column}" is taken for it, so a '
            "dossier fetched late may look late",
            {"column": there["handed_over_at"].heading},
        )
    if "updated_at" not in there:
        yield Problem(
            "updated_at",
            'no column says when a row was last changed; all rows count as of the "as of" given, '
            "or of now",
        )
    headings = {column.at: column.heading for column in columns.columns}
    for at, tally in seen.dates.items():
        if tally.month_first:
            yield Problem(
                "",
                'the days in column "{column}" are written month first; write them day first, or '
                "the rows are refused",
                {"column": headings[at]},
            )
        elif tally.swapped:
            yield Problem(
                "",
                'in column "{column}" no real date is later than the 12th of a month while texts '
                "are: Excel may have taken days for months; compare some with the paper",
                {"column": headings[at]},
            )


def _places(session: Session, rules: Rules, caller: Caller) -> Places:
    branches = [rules.branches[code] for code in caller.branches if code in rules.branches]
    province = next((one.province for one in branches), "")
    communes = catalogue.communes(session)
    named = [(one.code, name) for one in branches for name in (one.name, one.short_name)]
    # Branches out of scope are known too, so that the answer is that they may not be sent for.
    others = [code for code in rules.branches if code not in caller.branches]

    def limited(procedure: str, on: date) -> bool:
        law = rules.limits.get(procedure_code(procedure))
        return law is not None and bool(in_force(law.rules, on, province))

    return Places(
        procedures=Names.of(rules.procedures.items()),
        branches=Names.of([*named, *((code, code) for code in others)]),
        communes=Names.of(
            pair
            for row in communes
            for pair in ((row["code"], row["name"]), (row["code"], without_kind(row["name"])))
        ),
        of_branch={row["code"]: row["branch"] for row in communes},
        in_force=limited,
    )


def pieces(rows: Rows, size: int) -> Iterator[Sequence[tuple[int, list[Cell]]]]:
    """Rows, some at a time."""
    while part := list(islice(rows, size)):
        yield part
