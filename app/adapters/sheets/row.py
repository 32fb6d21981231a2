"""The cells of one row under the columns of its file: read, and what is wrong with each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.adapters.sheets.columns import Columns, letter
from app.adapters.sheets.dates import MONTH_FIRST, Cell, Moment, NoMomentError, moment
from app.adapters.sheets.lexicon import CHANNELS, KINDS, STATUSES, composed, plain
from app.adapters.sheets.names import Places
from app.core.problems import Problem

LONGEST_CELL = 32_767
"""Characters a cell of Excel may have."""
_LONGEST_NAME, _LONGEST_CODE, _LONGEST_NOTE = 200, 60, 2_000
_PROCEDURE_DECIMALS = 6
_CONTROL = frozenset(chr(code) for code in range(32)) - {"\t", "\n", "\r"}

_NO_SUCH = {
    "procedure": "cell {cell} ({column}) is no procedure of the catalogue; write its code",
    "branch": "cell {cell} ({column}) is no branch of the catalogue; write its code, or its name "
    "in full",
    "commune": "cell {cell} ({column}) is no commune of the catalogue; write its code, or its name "
    "in full",
}


@dataclass(frozen=True, slots=True)
class Faults:
    """What reading the file found of single cells, by row (from 1) and place of the column."""

    no_value: Collection[tuple[int, int]] = ()
    errors: Collection[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """What rows are read with, the same for the whole file.

    Attributes:
        as_of: The moment the file tells of; `updated_at` where no column says so.
        latest: No stamp that is only a day is later than this.
        branch: Where no column says so.
        since_1904: The file counts its days from 1904.
        month_first: Columns (by place) whose texts are written month first.
    """

    columns: Columns
    places: Places
    as_of: datetime
    latest: datetime
    branch: str | None = None
    since_1904: bool = False
    month_first: frozenset[int] = frozenset()
    faults: Faults = field(default_factory=Faults)


class Row:
    """One row; `problems` grow as its cells are read, `record` as a native record has them."""

    def __init__(self, sheet: Sheet, line: int, cells: Sequence[Cell]) -> None:
        """Read nothing yet."""
        self.sheet, self.line, self.cells = sheet, line, cells
        self.columns = sheet.columns.by_field
        self.problems: list[Problem] = []

    def cell(self, name: str) -> Cell:
        """The cell of a field; None where it is empty, has no column, or cannot be used."""
        column = self.columns.get(name)
        if column is None:
            return None
        found = self.cells[column.at] if column.at < len(self.cells) else None
        if (self.line, column.at) in self.sheet.faults.no_value:
            self.wrong(
                name,
                "cell {cell} ({column}) is a formula without a value; open the file in Excel and "
                "save it, or write the value",
            )
        elif (self.line, column.at) in self.sheet.faults.errors:
            self.wrong(name, "cell {cell} ({column}) holds an error of Excel; write the value")
        elif not isinstance(found, str):
            return found
        elif len(found) > LONGEST_CELL:
            self.too_long(name, LONGEST_CELL)
        elif not _CONTROL.isdisjoint(found):
            self.wrong(name, "cell {cell} ({column}) holds a sign no text has; write it anew")
        else:
            return composed(found) or None
        return None

    def wrong(self, name: str, message: str, **params: object) -> None:
        """Note a fault of the cell of a field; what stands in it may be a name and is not told."""
        column = self.columns[name]
        where = {"cell": f"{letter(column.at)}{self.line}", "column": column.heading}
        self.problems.append(Problem(name, message, where | params))

    def too_long(self, name: str, limit: int) -> None:
        """Note that a text is longer than it may be."""
        self.wrong(name, "cell {cell} ({column}) is longer than {limit} characters; shorten it",
                   limit=limit)  # fmt: skip

    def text(self, name: str, limit: int) -> str | None:
        """The text of a field; a whole number as Excel shows it."""
        found = self.cell(name)
        if found is None:
            return None
        text = f"{found:.0f}" if isinstance(found, float) and found.is_integer() else str(found)
        if len(text) > limit:
            self.too_long(name, limit)
            return None
        return composed(text) or None

    def moment(self, name: str) -> Moment | None:
        """The day or instant of a field."""
        found = self.cell(name)
        try:
            told = moment(found, since_1904=self.sheet.since_1904)
        except NoMomentError as why:
            self.wrong(name, why.message, **why.params)
            return None
        if isinstance(found, str) and self.columns[name].at in self.sheet.month_first:
            self.wrong(name, MONTH_FIRST)
            return None
        return told

    def reject_id(self) -> int | None:
        """The refused row this one mends."""
        found = self.text("reject_id", _LONGEST_CODE) or ""
        known = found.isascii() and found.isdecimal() and 0 < int(found) < 2**63
        return int(found) if known else None

    def words(self, received: Moment | None) -> dict[str, Any]:
        """What the row says in words, by what a native record is made of."""
        branch = self._branch()
        code, number = self.text("code", _LONGEST_CODE), self.text("receipt_number", _LONGEST_CODE)
        code, alias = (code, number) if code or "code" in self.columns else (number, None)
        if not code:
            self._needed("code" if "code" in self.columns else "receipt_number")
        name = self.text("applicant", _LONGEST_NAME) or self.text("submitter", _LONGEST_NAME)
        kind = self._coded("applicant_kind", KINDS)
        return {
            "code": code.upper() if code else None,
            "aliases": [alias] if alias and alias != code else [],
            "procedure": self._procedure(received),
            "case": self.text("case", _LONGEST_NAME),
            "branch": branch,
            "commune": self._commune(branch),
            "applicant": {"kind": kind or "citizen", "name": name} if name or kind else None,
            "channel": self._coded("channel", CHANNELS),
            "status": self._coded("status", STATUSES),
            "officer": self.text("officer", _LONGEST_NAME),
            "ground": self.text("supplement_ground", _LONGEST_NOTE),
            "reason": self.text("apology_reason", _LONGEST_NOTE),
        }

    def _needed(self, *names: str) -> None:
        """Note that a field every row needs is empty, unless something is said of it already."""
        said = {problem.field for problem in self.problems}
        name = next((one for one in names if one in self.columns), None)
        if name is not None and said.isdisjoint(names):
            self.wrong(name, "cell {cell} ({column}) is empty; every row needs it")

    def _coded(self, name: str, codes: Mapping[str, Any]) -> Any:  # noqa: ANN401 a code of any kind
        text = self.text(name, LONGEST_CELL)
        if text is None:
            return None
        found = codes.get(plain(text))
        if found is None:
            allowed = "1–10" if codes is STATUSES else ", ".join(dict.fromkeys(codes.values()))
            self.wrong(
                name,
                "cell {cell} ({column}) is none of the words known; write one of {allowed}, or "
                "the words of the file guide",
                allowed=allowed,
            )
        return found

    def _procedure(self, received: Moment | None) -> str | None:
        on = received.on if received else None
        for name in ("procedure", "procedure_name"):
            found = self.cell(name)
            if isinstance(found, float):  # a code Excel took for a number: 1.01279 is 1.012790
                found = f"{found:.{_PROCEDURE_DECIMALS}f}"
            if found is not None:
                codes = self.sheet.places.procedure(str(found), on)
                if len(codes) > 1 and on is None and self.problems:
                    return None  # the day of receipt, once mended, may tell which one it is
                return self._one(name, codes, "procedure")
        self._needed("procedure", "procedure_name")
        return None

    def _branch(self) -> str | None:
        for name in ("branch", "branch_name"):
            text = self.text(name, LONGEST_CELL)
            if text:
                return self._one(name, self.sheet.places.branches.find(text), "branch")
        if self.sheet.branch is None:
            self._needed("branch", "branch_name")
        return self.sheet.branch

    def _commune(self, branch: str | None) -> str | None:
        for name in ("commune", "commune_name"):
            text = self.text(name, LONGEST_CELL)
            if text:
                return self._one(name, self.sheet.places.commune(text, branch), "commune")
        return None

    def _one(self, name: str, found: Collection[str], kind: str) -> str | None:
        if len(found) == 1:
            return next(iter(found))
        if found:
            codes = ", ".join(sorted(found)[:5])
            self.wrong(name, "cell {cell} ({column}) may be {codes}; write the code", codes=codes)
        else:
            self.wrong(name, _NO_SUCH[kind])
        return None
