"""Files of clerks by the API: taken in or only previewed; what was refused comes back as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from app.adapters.sheets.columns import Columns
from app.adapters.sheets.dates import END_OF_DAY, ZONE
from app.core.problems import Problem
from app.db import imports as runs
from app.service import imports, rejects
from app.service.access import Principal
from app.service.import_read import Options
from app.service.imports import Report
from app.service.language import detail, tell
from app.service.sheet_files import MAX_FILE_BYTES, opened
from app.service.sheet_tables import FileRefusedError
from app.web import shown
from app.web.deps import MAX_ID, TEXT, Now, Parts, Reader, Sender, TheParts, Transaction
from app.web.problems import ProblemError, language_of
from app.web.uploads import Upload, upload

router = APIRouter(prefix="/v1/imports", tags=["imports"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SPOOL_BYTES = 4 * 1024 * 1024
_PIECE = 64 * 1024
_DIGITS = len(str(MAX_ID))
_FORM_BYTES = 64 * 1024
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Word = Annotated[str | None, Query(max_length=200, pattern=TEXT)]
AsOf = AwareDatetime | date

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, XLSX or CSV, or a form with a file named `file`",
        "content": {
            XLSX: _BINARY,
            "text/csv": _BINARY,
            "application/octet-stream": _BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


def asked(
    name: Annotated[
        str | None, Query(max_length=200, pattern=TEXT, description="what the file is called")
    ] = None,
    sheet: Annotated[
        str | None,
        Query(max_length=200, pattern=TEXT, description="its first visible sheet if absent"),
    ] = None,
    encoding: Annotated[
        str | None,
        Query(
            max_length=40,
            pattern=TEXT,
            description="of a CSV: utf-8, utf-16 or windows-1258; detected if absent",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        Query(
            alias="map",
            max_length=256,
            description="`Tên cột=field`, may be given again and is remembered; `-` leaves it out",
        ),
    ] = None,
    branch: Annotated[
        str | None,
        Query(max_length=60, pattern=TEXT, description="of all rows, where no column says so"),
    ] = None,
    as_of: Annotated[
        AsOf | None, Query(description="the moment, or day, the file tells of; now if absent")
    ] = None,
    historical: Annotated[  # noqa: FBT002 a flag of the address
        bool, Query(description="what has passed raises no alarm")
    ] = False,
) -> Options:
    """How the file is to be read, as the address says."""
    return Options(
        name=name or "",
        sheet=sheet,
        encoding=encoding,
        mapping=mapping_of(column or ()),
        branch=branch,
        as_of=moment_of(as_of),
        historical=historical,
    )


def moment_of(as_of: AsOf | None) -> datetime | None:
    """A moment; of a day its end."""
    if as_of is None or isinstance(as_of, datetime):
        return as_of
    return datetime.combine(as_of, END_OF_DAY, ZONE).astimezone(UTC)


def mapping_of(told: Sequence[str]) -> dict[str, str]:
    """Fields by headings, from `Tên cột=field`.

    Raises:
        ProblemError: one that is written otherwise.
    """
    found = {}
    for one in told:
        heading, sign, field = one.rpartition("=")
        if not sign or not heading.strip() or "\0" in one:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "The request is not valid",
                [Problem("map", "write it as Tên cột=field, such as Ngày vào sổ=received_at")],
            )
        found[heading.strip()] = field.strip()
    return found


@router.post(
    "",
    summary="Take in a file, or only preview it",
    openapi_extra=_BODY,
    max_body_size=1 << 62,  # read as a stream, with a bound of its own
)
async def post_import(
    request: Request,
    caller: Sender,
    held: TheParts,
    now: Now,
    options: Annotated[Options, Depends(asked)],
    dry_run: Annotated[bool, Query(description="only say what would become of it")] = False,  # noqa: FBT002
) -> Response:
    """Read the columns by their headings, take the rows in, and say what became of each.

    A dry run does the same in a transaction that is taken back. Rows that cannot be taken in are in
    quarantine, and in a file to mend at `/v1/imports/{id}/rejects`.
    """
    async with upload(request, MAX_FILE_BYTES + _FORM_BYTES) as sent:
        report = await run_in_threadpool(
            take, sent, options, caller, held, now, only_preview=dry_run
        )
    return JSONResponse(told(report, language_of(request), dry_run=dry_run))


def take(
    sent: Upload,
    options: Options,
    caller: Principal,
    held: Parts,
    now: datetime,
    *,
    only_preview: bool,
) -> Report:
    """Take a file in, or preview it.

    Raises:
        ProblemError: it cannot be read at all.
    """
    work = imports.preview if only_preview else imports.take_file
    named = replace(options, name=options.name or sent.name)
    try:
        with opened(sent.file, sheet=options.sheet, encoding=options.encoding) as table:
            return work(held.sessions, table, named, caller.caller, held.book, now)
    except FileRefusedError as why:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if why.too_large:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise ProblemError(status, "The file cannot be read", why.problems) from None


def told(report: Report, language: str, *, dry_run: bool) -> dict[str, Any]:
    """A report as JSON."""
    found = report.plan
    columns = found.sheet.columns
    return {
        "id": report.import_id,
        "dry_run": dry_run,
        "file": {**found.table.written, "heading_row": columns.row, "rows": found.total},
        "columns": [
            {
                "column": one.letter,
                "heading": one.heading,
                "field": one.field,
                "remembered": one.remembered,
                "precision": precision(report, one.field),
            }
            for one in columns.columns
        ],
        "notes": [{"field": note.field, "detail": detail(note, language)} for note in found.notes],
        "counts": report.counts,
        "rows": [
            {"line": line, "record": record, "without_hour": sorted(by_day)}
            for line, record, by_day in report.rows
        ],
        "problems": [
            {
                "line": one.line,
                "code": one.code,
                "refused": one.refused,
                "field": one.problem.field,
                "column": heading(columns, one.problem.field),
                "detail": detail(one.problem, language),
            }
            for one in report.problems
        ],
        "more_problems": report.more_problems,
    }


def precision(report: Report, field: str | None) -> str | None:
    """Whether the values of a date column have hours: `day`, `minute`, or `mixed`."""
    values = report.told[field] if field else 0
    if not values:
        return None
    days = report.by_day[field] if field else 0
    return "minute" if not days else "day" if days == values else "mixed"


def heading(columns: Columns, field: str) -> str | None:
    """The heading of the column a field came from."""
    column = columns.by_field.get(field)
    return column.heading if column else None


@router.get("", summary="Files that were taken in, newest first")
def list_imports(
    session: Transaction,
    caller: Reader,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Those of the office for who sees all of it, else the caller's own."""
    if cursor is not None and not (len(cursor) < _DIGITS and cursor.isdecimal()):
        wrong = Problem("cursor", "use `next` of the page before as it is")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [wrong])
    rows = runs.page(
        session,
        caller.office,
        whose(caller),
        before=int(cursor) if cursor else None,
        limit=limit + 1,
    )
    left = runs.open_rejects(session, [row["id"] for row in rows])
    items = [item(row, left.get(row["id"], 0)) for row in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1]["id"]) if len(rows) > limit else None}


@router.get("/{import_id}", summary="A file that was taken in")
def get_import(session: Transaction, import_id: Id, caller: Reader) -> dict[str, Any]:
    """How its columns were read, how many rows became what, and how many are still refused."""
    row = run_of(session, import_id, caller)
    return item(row, runs.open_rejects(session, [import_id]).get(import_id, 0))


@router.get(
    "/{import_id}/rejects",
    summary="The rows still refused, as a workbook to mend and send again",
    response_class=StreamingResponse,
    responses={200: {"description": "A workbook", "content": {XLSX: _BINARY}}},
)
def get_rejects(request: Request, session: Transaction, import_id: Id, caller: Sender) -> Response:
    """The same columns, and why each row was refused, in the language asked for."""
    return workbook(session, run_of(session, import_id, caller), language_of(request))


def workbook(session: Any, run: Any, language: str) -> Response:  # noqa: ANN401 session, row
    """The rejects of a file as an attachment."""
    spool = cast("BinaryIO", SpooledTemporaryFile[bytes](_SPOOL_BYTES))
    headings = run["columns"]["headings"]
    rejects.write(
        spool,
        headings,
        rejects.rows(session, run["id"]),
        lambda row: reasons(row["problems"], language),
        language,
    )
    spool.seek(0)

    def pieces() -> Any:  # noqa: ANN401 a generator
        with spool:
            while piece := spool.read(_PIECE):
                yield piece

    name = quote(f"tu-choi-{run['id']}.xlsx")
    headers = {
        "Content-Disposition": f"attachment; filename={name}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(pieces(), media_type=XLSX, headers=headers)


def reasons(problems: Sequence[Mapping[str, Any]], language: str) -> str:
    """Why a row was refused, a line for each reason."""
    lines = []
    for problem in problems:
        said = tell(problem["message"], language, **problem["params"])
        named = problem["field"] and "cell" not in problem["params"]
        lines.append(f"{problem['field']}: {said}" if named else said)
    return "\n".join(lines)


def whose(caller: Principal) -> str | None:
    """Whose files a caller sees: everybody's of the office, or only its own."""
    return None if caller.whole_office else caller.by


def run_of(session: Any, import_id: int, caller: Principal) -> Any:  # noqa: ANN401 session, row
    """A file in the caller's scope."""
    found = runs.find(session, import_id, caller.office, whose(caller))
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such file")
    return found


def item(row: Any, refused: int) -> dict[str, Any]:  # noqa: ANN401 a row
    """A file as it is shown; `refused` is how many of its rows are in quarantine still."""
    shown_row = {name: shown.value(held) for name, held in row.items() if name != "office"}
    return shown_row | {"still_refused": refused}
