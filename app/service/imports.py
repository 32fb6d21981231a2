"""A clerk's file taken in whole: previewed, committed in chunks, counted, safe to run again."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.adapters.sheets.columns import Columns, theirs, usual
from app.adapters.sheets.lexicon import plain_heading
from app.core.problems import Problem
from app.db import imports
from app.db.engine import Sessions, again_if_deadlocked
from app.service.import_read import Options, Plan, pieces, plan
from app.service.import_rows import Taken, speaking, take
from app.service.intake import CHUNK
from app.service.outcomes import Caller
from app.service.rules import RuleBook
from app.service.sheet_tables import Table

KINDS = ("created", "updated", "unchanged", "stale", "quarantined")
SHOWN_ROWS = 10
SHOWN_PROBLEMS = 1_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with a row, or should be mended though it was taken in."""

    line: int
    code: str | None
    refused: bool
    problem: Problem


@dataclass(slots=True)
class Report:
    """What became, or would become, of a file.

    Attributes:
        counts: Rows received, and how many became what.
        rows: The first rows as they were understood, without names, with the fields of which only
            the day is known.
        problems: The first thousand; `more_problems` how many are not told.
        by_day: How many values of each field have no hour, of how many.
    """

    plan: Plan
    import_id: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("received", *KINDS), 0))
    rows: list[tuple[int, Mapping[str, Any], frozenset[str]]] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    more_problems: int = 0
    by_day: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def add(self, one: Taken) -> None:
        """Count a row."""
        native, outcome = one.native, one.outcome
        self.counts["received"] += 1
        self.counts[outcome.outcome] += 1
        self.by_day.update(native.by_day)
        self.told.update(native.told)
        if len(self.rows) < SHOWN_ROWS:
            shown = {name: held for name, held in native.record.items() if name != "applicant"}
            self.rows.append((native.line, shown, native.by_day))
        refused = outcome.outcome == "quarantined"
        for problem in outcome.problems:
            if len(self.problems) < SHOWN_PROBLEMS:
                self.problems.append(RowProblem(native.line, outcome.code, refused, problem))
            else:
                self.more_problems += 1


def preview(
    sessions: Sessions,
    table: Table,
    options: Options,
    caller: Caller,
    book: RuleBook,
    now: datetime,
    on_progress: Progress = lambda *_: None,
) -> Report:
    """What would become of a file: 5,000 rows a transaction, each of them taken back.

    In one transaction a long file would hold up whoever sends meanwhile. So what one piece would
    have left is not seen by the next: a code in two pieces is told as created twice.

    Raises:
        FileRefusedError: it cannot be read at all.
    """
    with sessions() as session:
        report = Report(plan(session, table, options, caller, book.in_force(session), now))
    speaker = speaking(caller, None, historical=options.historical)

    for piece in pieces(report.plan.rows(), CHUNK):
        rows = list(piece)

        def work(session: Session, rows: Any = rows) -> Any:  # noqa: ANN401 what `take` takes
            nested = session.begin_nested()
            try:
                imports.known_source(session, caller.source, caller.source)
                sheet = report.plan.sheet
                return list(take(session, rows, sheet, speaker, book, now, keep=False))
            finally:
                nested.rollback()

        for one in again_if_deadlocked(sessions, work):
            report.add(one)
        on_progress(report.counts["received"], report.plan.total)
    return report


def take_file(
    sessions: Sessions,
    table: Table,
    options: Options,
    caller: Caller,
    book: RuleBook,
    now: datetime,
    on_progress: Progress = lambda *_: None,
) -> Report:
    """Take a file in, 5,000 rows a transaction, its counts kept with each.

    Broken off, it may be run again: what was taken in is unchanged then, what was refused is
    counted again and kept once.

    Raises:
        FileRefusedError: it cannot be read at all; nothing was taken in.
    """
    with sessions.begin() as session:
        imports.known_source(session, caller.source, caller.source)
        found = plan(session, table, options, caller, book.in_force(session), now)
        imports.remember(session, caller.office, caller.source, _new(session, caller, options))
        import_id = imports.begin(
            session,
            source=caller.source,
            office=caller.office,
            by=caller.by,
            begun_at=now,
            file_name=options.name[:200],
            historical=options.historical,
            columns=_columns(found),
            counts=dict.fromkeys(("received", *KINDS), 0) | {"rows": found.total},
        )
    report = Report(found, import_id)
    speaker = speaking(caller, import_id, historical=options.historical)
    for piece in pieces(found.rows(), CHUNK):

        def work(session: Session) -> list[Taken]:
            taken = take(session, piece, found.sheet, speaker, book, now)  # noqa: B023 used at once
            counts = Counter(one.outcome.outcome for one in taken)
            counts["received"] = len(taken)
            summed = {kind: report.counts[kind] + counts[kind] for kind in report.counts}
            imports.count(session, import_id, summed | {"rows": found.total}, None)
            return taken

        for one in again_if_deadlocked(sessions, work):
            report.add(one)
        on_progress(report.counts["received"], found.total)
    with sessions.begin() as session:
        imports.count(session, import_id, report.counts | {"rows": found.total}, now)
    return report


def _new(session: Session, caller: Caller, options: Options) -> dict[str, str]:
    """What the mapping of this file says that is not known of its headings."""
    said = imports.mapping(session, caller.office, caller.source)
    told = {plain_heading(heading): held for heading, held in (options.mapping or {}).items()}
    return {name: held for name, held in told.items() if name in said or held != usual(name)}


def _columns(found: Plan) -> dict[str, Any]:
    """How the columns were read, and the headings a file of rejects is written with."""
    columns: Columns = found.sheet.columns
    ours = theirs(columns.columns)
    return {
        "heading_row": columns.row,
        "written": found.table.written,
        "headings": [column.heading for column in ours],
        "fields": [column.field for column in ours],
    }
