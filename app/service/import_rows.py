"""Rows of a file taken in: each becomes an outcome, and what is refused is kept with its cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.adapters.sheets.columns import Column, theirs
from app.adapters.sheets.dates import Cell
from app.adapters.sheets.records import Hours, Native, native
from app.adapters.sheets.row import LONGEST_CELL, Sheet
from app.core.codes import procedure_code
from app.core.findings import Findings
from app.core.office_hours import CalendarError
from app.core.problems import Problem
from app.db import imports, quarantine
from app.service import records
from app.service.intake import take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.refusals import refused
from app.service.rows import found
from app.service.rules import RuleBook, Rules

_HOUR_FIELDS = ("received_at", "finished_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Taken:
    """A row, how it was understood, and what became of it."""

    native: Native
    outcome: Outcome


def take(
    session: Session,
    rows: Sequence[tuple[int, list[Cell]]],
    sheet: Sheet,
    caller: Caller,
    book: RuleBook,
    now: datetime,
    *,
    keep: bool = True,
) -> list[Taken]:
    """Take in up to 5,000 rows in the transaction of the caller, in their order.

    Steps: 1. read each row; 2. ask for the hour where it decides; 3. take in what is whole;
    4. keep what is refused, or put it in the place of the refused row it mends; 5. close what is
    mended.
    """
    rules = book.in_force(session)
    read = [_settled(native(sheet, number, cells), sheet, rules) for number, cells in rows]
    lines = [Line(one.line, _raw(one)) for one in read if not one.problems]
    outcomes = {
        outcome.line: outcome for outcome in take_in(session, lines, caller, book, now, keep=False)
    }
    for one in read:
        if one.problems:
            code = one.record.get("code")
            outcomes[one.line] = Outcome(one.line, code, "quarantined", one.problems)
    taken = [Taken(one, outcomes[one.line]) for one in read]
    if keep:
        _keep(session, taken, dict(rows), sheet, caller, rules, now)
    return taken


def _raw(one: Native) -> bytes:
    return msgspec.json.encode(one.record)


def _keep(
    session: Session,
    taken: Sequence[Taken],
    rows: dict[int, list[Cell]],
    sheet: Sheet,
    caller: Caller,
    rules: Rules,
    now: datetime,
) -> None:
    columns = theirs(sheet.columns.columns)
    cells = {line: kept_cells(row, columns) for line, row in rows.items()}
    named = [one.native.reject_id for one in taken if one.native.reject_id is not None]
    mends = imports.mendable(
        session, named, caller.source, caller.office, sorted(caller.branches), caller.import_id
    )
    sound = [one.native for one in taken if one.outcome.outcome != "quarantined"]
    settled = mends.intersection(one.reject_id for one in sound if one.reject_id is not None)
    hashes = [row_hash(columns, cells[one.line]) for one in sound]
    fresh: list[quarantine.Refused] = []
    again: dict[int, dict[str, Any]] = {}
    for one in taken:
        if one.outcome.outcome != "quarantined":
            continue
        told = cells[one.native.line]
        row = refused(one.outcome, _raw(one.native), caller, rules)
        row = row._replace(
            personal={**row.personal, "cells": told}, record_hash=row_hash(columns, told)
        )
        reject_id = one.native.reject_id
        # A line copied in Excel names what another mends: it is a refused row of its own.
        if reject_id is None or reject_id not in mends - settled - again.keys():
            fresh.append(row)
        else:
            again[reject_id] = row._asdict() | {"id": reject_id}
    quarantine.keep(session, fresh, caller.source, caller.office, now)
    imports.amend(session, list(again.values()), now)
    imports.settle(session, sorted(settled), hashes, caller.source, caller.office, caller.by, now)


def row_hash(columns: Sequence[Column], cells: Sequence[Any]) -> str:
    """What tells that a row is sent again as it is: its headings and cells, no stamp of ours."""
    headings = [column.heading for column in columns]
    return sha256(msgspec.json.encode(["file", headings, cells])).hexdigest()


def kept_cells(row: Sequence[Cell], columns: Sequence[Column]) -> list[Any]:
    """The cells of a row under its headings, as JSON has them and as a file can be written again.

    A time is text in the order of Viet Nam; a text no Excel could hold is cut.
    """
    return [_kept(row[column.at]) if column.at < len(row) else None for column in columns]


def _kept(cell: Cell) -> Any:  # noqa: ANN401 a value of JSON
    match cell:
        case None | "":
            return None
        case datetime():
            return f"{cell:%d/%m/%Y %H:%M:%S}"
        case date():
            return f"{cell:%d/%m/%Y}"
        case str():
            return cell[:LONGEST_CELL].replace("\0", "\ufffd")
        case bool() | int() | float():
            return cell
        case _:
            return str(cell)


def _settled(one: Native, sheet: Sheet, rules: Rules) -> Native:
    """The row, refused where only the hour of a day would tell whether it is in time."""
    if one.problems or not one.weighs or not _by_the_hour(one, rules):
        return one
    worst, best = (_found(one.again(hours), rules) for hours in (Hours.WORST, Hours.BEST))
    if worst is None or best is None or _verdict(worst) == _verdict(best):
        return one
    told = [field for field in _HOUR_FIELDS if field in one.weighs] or sorted(one.weighs)
    by_field = sheet.columns.by_field
    column = by_field[told[0]]
    problem = Problem(
        told[0],
        "cell {cell} ({column}) needs the hour: the limit of {procedure} counts hours or has a "
        "cut-off, and the hour decides whether this dossier is in time; write 20/11/2026 08:30",
        {
            "cell": f"{column.letter}{one.line}",
            "column": column.heading,
            "procedure": one.record["procedure"],
        },
    )
    return one._replace(problems=(problem,))


def _by_the_hour(one: Native, rules: Rules) -> bool:
    """Whether any limit of its procedure counts hours or has a cut-off."""
    law = rules.limits.get(procedure_code(str(one.record["procedure"])))
    if law is None:
        return False
    limits = [
        limit
        for rule in law.rules
        for limit in (rule.limit, rule.difficult, *rule.stages, *rule.difficult_stages)
        if limit is not None
    ]
    return any(limit.cutoff is not None or not limit.by_date for limit in limits)


def _found(record: dict[str, Any], rules: Rules) -> Findings | None:
    """What follows from a record; None where intake will say what is wrong with it."""
    read = records.decode(msgspec.json.encode(record))
    if isinstance(read, Problem) or read.branch not in rules.branches:
        return None
    try:
        return found(records.facts(read), rules)
    except (OverflowError, CalendarError):
        return None


def _verdict(findings: Findings) -> object:
    """In time or late where it has ended; when it is due where it has not."""
    due_on, end_on, forced = findings.legal[:3]
    if end_on is None:
        return (findings.state, findings.due_on, None if findings.limit is None
                or findings.limit.by_date else findings.due_at)  # fmt: skip
    return (findings.state, forced or (due_on is not None and end_on > due_on))


def speaking(caller: Caller, import_id: int | None, *, historical: bool) -> Caller:
    """The caller as it speaks for a file."""
    return replace(caller, import_id=import_id, historical=historical)
