"""How every report answers: the one document in the form that was asked for."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from app.core.problems import Problem
from app.printed import csv, files, xlsx
from app.printed.files import MEDIA_TYPES, Format
from app.printed.spoken import saying, spoken
from app.service.document import Document
from app.service.language import preferred
from app.web.problems import ProblemError, language_of
from app.web.reports.told import told

PRIVATE = {"Cache-Control": "private, no-store"}
"""Nobody between us and the caller keeps it, nor does the browser."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report; as CSV or XLSX a file to take away",
        "content": {
            MEDIA_TYPES[Format.CSV]: {"schema": {"type": "string"}},
            MEDIA_TYPES[Format.XLSX]: _BINARY,
        },
    }
}
"""What the routes of reports declare beside JSON."""


class Language(StrEnum):
    """What a report can be in."""

    VIETNAMESE = "vi"
    ENGLISH = "en"


def find_form(
    request: Request,
    form: Annotated[
        Format | None,
        Query(alias="format", description="else the first of these types that Accept names"),
    ] = None,
    language: Annotated[
        Language | None,
        Query(alias="lang", description="of headings and notes; else by Accept-Language"),
    ] = None,
) -> Format:
    """The form asked for, by the query before the headers; it is kept for `answer`."""
    found = form or accepted(request.headers.get("accept"))
    if language is None:
        said = request.headers.get("accept-language")
        # a file is read by people: Vietnamese unless they say otherwise, as the pages
        told_in = language_of(request) if found is Format.JSON else preferred(said, "vi")
    else:
        told_in = language.value
    request.state.report_form, request.state.report_language = found, told_in
    return found


FormAsked = Annotated[Format, Depends(find_form)]


def answer(
    request: Request,
    document: Document,
    as_json: Callable[[str], Mapping[str, Any]] | None = None,
) -> Response:
    """A document as the caller wants it.

    Its route takes `FormAsked`, which `ReportAsked` has in it. `as_json` tells it in a language
    where a report has a JSON of its own.

    Raises:
        ProblemError: a workbook cannot hold so many rows.
    """
    form: Format = request.state.report_form
    language: str = request.state.report_language
    if form is Format.JSON:
        tells = as_json(language) if as_json else told(document, language)
        return JSONResponse(tells, headers=PRIVATE)
    try:
        body = written(document, form, language)
    except xlsx.TooManyRowsError as full:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The request is not valid",
            [
                Problem(
                    "format",
                    "a sheet holds at most {rows} rows; ask for csv, or for fewer",
                    {"rows": full.args[0]},
                )
            ],
        ) from None
    headers = PRIVATE | {"Content-Disposition": disposition(document, form)}
    return Response(body, media_type=MEDIA_TYPES[form], headers=headers)


def written(document: Document, form: Format, language: str) -> bytes:
    """A document as a file.

    Raises:
        TooManyRowsError: a workbook cannot hold so many rows.
    """
    said = spoken(document, language)
    return csv.written(said) if form is Format.CSV else xlsx.written(said, saying(language))


def disposition(document: Document, form: Format) -> str:
    """To be saved under a name: in ASCII for the oldest, in full for the rest (RFC 6266)."""
    whole = quote(files.spoken_name(document, form), safe="")
    return f"attachment; filename=\"{files.name(document, form)}\"; filename*=UTF-8''{whole}"


def accepted(accept: str | None) -> Format:
    """The form a caller's Accept prefers; JSON where it names none of ours."""
    best, found = 0.0, Format.JSON
    for part in (accept or "").lower().split(","):
        kind, _, rest = part.partition(";")
        form = next((one for one, media in MEDIA_TYPES.items() if media == kind.strip()), None)
        rank = _quality(rest)
        if form is not None and rank > best:
            best, found = rank, form
    return found


def _quality(parameters: str) -> float:
    for one in parameters.split(";"):
        name, _, figure = one.strip().partition("=")
        if name == "q":
            try:
                return float(figure)
            except ValueError:
                return 0.0
    return 1.0
