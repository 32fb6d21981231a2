"""Reports in a terminal and as files: those of the API, by the same names."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from sqlalchemy.orm import Session

from app import wallclock
from app.cli.deadline import Language
from app.cli.shared import author, office_of, opened_database, refuse
from app.core import periods
from app.core.periods import Period
from app.db.in_hand import ZONE
from app.printed import terminal
from app.printed.files import Format
from app.printed.speech import Speech
from app.printed.spoken import spoken
from app.printed.xlsx import TooManyRowsError
from app.service.access import Principal, Right
from app.service.asked import Asked
from app.service.document import Document
from app.service.language import detail, tell
from app.service.reporting import REPORTS, Report
from app.service.rules import RuleBook
from app.settings import Settings
from app.web.problems import ProblemError
from app.web.reports.answer import written
from app.web.reports.asked import asked, find_period
from app.web.reports.told import told


class Shape(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


_SUFFIXES: Mapping[str, Shape] = {f".{shape}": shape for shape in Shape if shape is not Shape.TABLE}
_ENDLESS = 10_000
_DAYS = ["%Y-%m-%d"]
_NAMES = ", ".join(sorted(REPORTS))


@dataclass(frozen=True, slots=True)
class _Judging:
    """The rules and patience of this installation (`web.deps.Judging`)."""

    book: RuleBook
    silence_days: int
    soon_days: int


def report(
    name: Annotated[str, typer.Argument(help=f"one of {_NAMES}")],
    *,
    period: Annotated[str | None, typer.Option(help=periods.FORMS)] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAYS, help="first day included")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAYS, help="last day included")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="one branch; else the office")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=_DAYS, help="as at the close of this day")
    ] = None,
    office: Annotated[str | None, typer.Option(help="needed where there are several")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--with", help="an option of the report, such as group_by=branch,month"),
    ] = None,
    shape: Annotated[
        Shape | None, typer.Option("--format", help="else as the file ends, else a table")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="write it there")] = None,
    language: Annotated[
        Language, typer.Option("--lang", help="of headings and notes")
    ] = Language.VIETNAMESE,
) -> None:
    """Print a report, or write it as a file: the figures of GET /v1/reports/NAME."""
    wanted = REPORTS.get(name) or refuse(f"no report {name}; there is {_NAMES}")
    besides = dict(_options(wanted, options or ()))
    printed = shape or _SUFFIXES.get(output.suffix.lower() if output else "", Shape.TABLE)
    if printed is Shape.XLSX and output is None and sys.stdout.isatty():
        refuse("a workbook is no text; give --output FILE.xlsx")
    with opened_database() as (settings, opened), opened() as session:
        now = wallclock.now()
        try:
            named = find_period(now, period, _day(first), _day(last))
            meant = named or wanted.period(now.astimezone(ZONE).date())
            question = _question(session, settings, office, meant, branch, _day(as_of))
            document = wanted.build(session, question, **besides)
        except ProblemError as wrong:
            refuse(_why(wrong, language))
    _put(document, printed, output, language)


def _question(
    session: Session,
    settings: Settings,
    office: str | None,
    period: Period,
    branch: str | None,
    as_of: date | None,
) -> Asked:
    """What is asked at this terminal, which sees the whole office."""
    code, branches = office_of(session, office)
    session.commit()  # the report begins a transaction of its own, at one moment
    caller = Principal(
        by=author(),
        source="command",
        office=code,
        branches=frozenset(branches),
        whole_office=True,
        rights=frozenset({Right.READ}),
    )
    judging = _Judging(RuleBook(), settings.silence_days, settings.soon_days)
    return asked(session, caller, judging, wallclock.now(), period, branch, as_of)


def _put(document: Document, shape: Shape, output: Path | None, language: Language) -> None:
    if shape is Shape.TABLE:
        if output is None:
            _print(Console(highlight=False), document, language)
            return
        text = StringIO()
        _print(Console(file=text, highlight=False), document, language)
        body = text.getvalue().encode()
    elif shape is Shape.JSON:
        body = json.dumps(told(document, language), ensure_ascii=False).encode() + b"\n"
    else:
        try:
            body = written(document, Format(shape), language)
        except TooManyRowsError as full:
            refuse(f"a sheet holds at most {full.args[0]} rows; ask for csv, or for fewer")
    if output is None:
        typer.get_binary_stream("stdout").write(body)
        return
    try:
        output.write_bytes(body)
    except OSError as wrong:
        refuse(f"{output} cannot be written: {wrong.strerror}")


def _print(console: Console, document: Document, language: Language) -> None:
    """The table and what stands around it; never cut off, whatever the width."""
    for part in terminal.shown(spoken(document, language), Speech(language)):
        if isinstance(part, Table):
            endless = console.options.update(max_width=_ENDLESS)
            least, most = Measurement.get(console, endless, part)
            console.width = max(console.width, least) if console.is_terminal else most
            console.print(part)
        else:
            console.print(part, soft_wrap=True)


def _options(wanted: Report, given: Iterable[str]) -> Iterator[tuple[str, object]]:
    known = ", ".join(wanted.options) or "none"
    for text in given:
        name, _, value = text.partition("=")
        read = wanted.options.get(name)
        if read is None:
            refuse(f"--with {text}: this report knows {known}")
        try:
            yield name, read(value)
        except (ValueError, KeyError):
            refuse(f"--with {text}: {value or 'nothing'} is no {name}")


def _why(wrong: ProblemError, language: Language) -> str:
    told = "; ".join(f"{one.field}: {detail(one, language)}" for one in wrong.problems)
    return told or tell(wrong.title, language, **wrong.params)


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None
