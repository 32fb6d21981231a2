"""A file of dossiers from a terminal."""

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Shown

from app import wallclock
from app.adapters.sheets.dates import ZONE
from app.cli.deadline import Language
from app.cli.shared import AsJson, author, opened_database, out, refuse
from app.db.engine import Sessions
from app.service import imports, rejects
from app.service.import_read import Options
from app.service.imports import Report
from app.service.language import detail
from app.service.outcomes import Caller
from app.service.rules import RuleBook
from app.service.sheet_files import opened
from app.service.sheet_tables import FileRefusedError
from app.web.imports import mapping_of, moment_of, reasons, told
from app.web.problems import ProblemError

REFUSED_ROWS = 3
"""The exit status when rows were refused."""
_SHOWN = 20


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="XLSX or CSV")],
    *,
    source: Annotated[str, typer.Option(help="the system the file comes from")],
    office: Annotated[str, typer.Option(help="code of the office, such as H20.16")],
    branch: Annotated[str | None, typer.Option(help="of all rows, where no column says so")] = None,
    dry_run: Annotated[bool, typer.Option(help="only say what would become of it")] = False,
    historical: Annotated[bool, typer.Option(help="what has passed raises no alarm")] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            help="the moment, or day, the file tells of (local time); now if absent",
        ),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="its first visible sheet if absent")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="of a CSV: utf-8, utf-16, windows-1258")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--map", help='"Tên cột=field", may be given again; remembered'),
    ] = None,
    rejects_to: Annotated[
        Path | None, typer.Option("--rejects", help="where refused rows go, as XLSX to mend")
    ] = None,
    language: Annotated[Language, typer.Option(help="of the reasons")] = Language.VIETNAMESE,
    as_json: AsJson = False,
) -> None:
    """Take in a file of dossiers. Ends with 3 when rows were refused, 1 when it cannot be read."""
    if dry_run and rejects_to:
        refuse("--rejects needs the rows in quarantine; leave out --dry-run")
    try:
        options = Options(
            name=file.name,
            sheet=sheet,
            encoding=encoding,
            mapping=mapping_of(column or ()),
            branch=branch,
            as_of=_moment(as_of),
            historical=historical,
        )
        with opened_database() as (_, sessions):
            caller, book = _caller(sessions, source, office)
            report = _run(file, options, caller, book, sessions, only_preview=dry_run)
            if rejects_to and report.import_id is not None:
                _write_rejects(sessions, report, rejects_to, language)
    except ProblemError as wrong:
        refuse("; ".join(detail(one, language) for one in wrong.problems))
    except FileRefusedError as wrong:
        refuse("; ".join(detail(one, language) for one in wrong.problems))
    if as_json:
        typer.echo(json.dumps(told(report, language, dry_run=dry_run), ensure_ascii=False))
    else:
        _show(report, language, dry_run=dry_run)
    if report.counts["quarantined"]:
        raise SystemExit(REFUSED_ROWS)


def _moment(as_of: datetime | None) -> datetime | None:
    if as_of is None or (as_of.hour, as_of.minute, as_of.second) == (0, 0, 0):
        return moment_of(as_of.date() if as_of else None)
    return as_of.replace(tzinfo=ZONE).astimezone(UTC)


def _caller(sessions: Sessions, source: str, office: str) -> tuple[Caller, RuleBook]:
    book = RuleBook()
    with sessions() as session:
        rules = book.in_force(session)
    mine = frozenset(code for code, held in rules.branches.items() if held.office == office)
    if not mine:
        refuse(f"no office {office}; `dunghan catalogue load` publishes the sample")
    if not source.strip() or len(source) > 60 or "\0" in source:  # noqa: PLR2004 of a code
        refuse("--source: name the system the file comes from in at most 60 letters")
    return Caller(source.strip(), author(), office, mine), book


def _run(
    file: Path,
    options: Options,
    caller: Caller,
    book: RuleBook,
    sessions: Sessions,
    *,
    only_preview: bool,
) -> Report:
    work = imports.preview if only_preview else imports.take_file
    bar: AbstractContextManager[Progress] = Progress(
        TextColumn("Previewing" if only_preview else "Taking in"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with file.open("rb") as read, bar as progress:
        task = progress.add_task("", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        with opened(read, sheet=options.sheet, encoding=options.encoding) as table:
            return work(sessions, table, options, caller, book, wallclock.now(), advance)


def _write_rejects(sessions: Sessions, report: Report, to: Path, language: str) -> None:
    headings = [one.heading for one in rejects.headings_of(report.plan.sheet.columns)]
    with sessions() as session, to.open("wb") as file:
        count = rejects.write(
            file,
            headings,
            rejects.rows(session, report.import_id or 0),
            lambda row: reasons(row["problems"], language),
            language,
        )
    Console(stderr=True).print(f"{count} refused rows are in {to}; mend them and import that file")


def _show(report: Report, language: str, *, dry_run: bool) -> None:
    found = report.plan
    table = Shown("column", "heading", "read as")
    for column in found.sheet.columns.columns:
        table.add_row(column.letter, column.heading, column.field or "unknown, left out")
    out.print(table)
    for note in found.notes:
        out.print(f"Note: {detail(note, language)}", markup=False)
    for one in report.problems[:_SHOWN]:
        named = "" if "cell" in one.problem.params else f"{one.problem.field}: "
        code = f" {one.code}" if one.code else ""
        out.print(f"row {one.line}{code}: {named}{detail(one.problem, language)}", markup=False)
    left = len(report.problems) + report.more_problems - _SHOWN
    if left > 0:
        out.print(f"… and {left} more")
    counts = ", ".join(f"{kind} {report.counts[kind]}" for kind in imports.KINDS)
    begins = "Would become of" if dry_run else f"Import {report.import_id}:"
    out.print(f"{begins} {report.counts['received']} rows: {counts}", markup=False)
