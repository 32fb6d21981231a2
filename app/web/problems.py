"""Errors as RFC 9457 problem details, in the caller's language, naming the field or the line."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.core.problems import Problem
from app.service.language import detail, preferred, tell
from app.service.rules import NoCalendarError

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger()


class ProblemError(Exception):
    """An answer that is a problem: a status, a title, and what is wrong in which field."""

    def __init__(
        self,
        status: HTTPStatus,
        title: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        **params: object,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.problems = problems
        self.headers = headers
        self.params = params


def language_of(request: Request) -> str:
    """The language of an API answer: what the caller accepts, else English."""
    return preferred(request.headers.get("accept-language"), "en")


def body(
    status: HTTPStatus,
    title: str,
    problems: Sequence[Problem],
    language: str,
    params: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The members of a problem; `errors` has one entry a field."""
    errors = [{"field": one.field, "detail": detail(one, language)} for one in problems]
    said = tell(title, language, **(params or {}))
    told = "; ".join(f"{e['field']}: {e['detail']}" if e["field"] else e["detail"] for e in errors)
    answer: dict[str, Any] = {
        "type": "about:blank",
        "title": said,
        "status": int(status),
        "detail": told or said,
    }
    if errors:
        answer["errors"] = errors
    return answer


class _ProblemResponse(JSONResponse):
    """What a problem repeats of a request may hold half a character, which no encoding has."""

    media_type = MEDIA_TYPE

    def render(self, content: object) -> bytes:
        told = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return told.encode("utf-8", "replace")


def response(
    request: Request,
    status: HTTPStatus,
    title: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
    **members: object,
) -> JSONResponse:
    """A problem as an answer; `members` are added to it."""
    content = body(status, title, problems, language_of(request), params) | members
    return _ProblemResponse(content, status, headers=dict(headers or {}))


_TEXT = {"type": "string"}
# How the OpenAPI document describes an error; without it, FastAPI describes its own shape.
_DESCRIBED: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": _TEXT,
                    "title": _TEXT,
                    "status": {"type": "integer"},
                    "detail": _TEXT,
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "detail"],
                            "properties": {"field": _TEXT, "detail": _TEXT},
                        },
                    },
                },
            }
        }
    },
}


def install(app: FastAPI) -> None:
    """Turn every error of the application into a problem, and describe it so."""
    app.router.responses["default"] = _DESCRIBED
    app.add_exception_handler(ProblemError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(DataError, _not_storable)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(NoCalendarError, _uncounted)
    app.add_exception_handler(Exception, _unexpected)


def _ours(request: Request, fault: Exception) -> JSONResponse:
    told = cast("ProblemError", fault)
    return response(
        request, told.status, told.title, told.problems, told.headers, params=told.params
    )


def _uncounted(request: Request, _: Exception) -> JSONResponse:
    return response(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "No working calendar is published yet; nothing can be counted",
    )


def _gone(request: Request, _: Exception) -> JSONResponse:
    """The caller hung up while sending: nobody reads this, and it is no fault of ours to log."""
    return response(request, HTTPStatus.BAD_REQUEST, "The body ended before it was whole")


_KINDS = {
    "timezone_aware": "a time without an offset; write it as 2026-10-05T08:10:00+07:00",
    "missing": "the field is missing",
    "extra_forbidden": "no such field; leave it out",
    "json_invalid": "the body is not JSON",
}


def _invalid(request: Request, fault: Exception) -> JSONResponse:
    problems = []
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in ("POST", "PUT") and kind == "application/x-www-form-urlencoded":
        problems.append(Problem("", "send the header Content-Type: application/json"))
    for error in cast("RequestValidationError", fault).errors():
        where = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
        message = _KINDS.get(error["type"])
        if message:
            problems.append(Problem(".".join(where), message))
        else:
            problems.append(Problem(".".join(where), "{why}", {"why": error["msg"]}))
    return response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", problems)


def _plain(request: Request, fault: Exception) -> JSONResponse:
    error = cast("HTTPException", fault)
    status = HTTPStatus(error.status_code)
    return response(request, status, status.phrase, headers=error.headers)


def _database(request: Request, fault: Exception) -> JSONResponse:
    _log.error("database unavailable", error=type(fault).__name__)
    return response(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database does not answer; send again in a moment",
        headers={"Retry-After": "5"},
    )


def _not_storable(request: Request, fault: Exception) -> JSONResponse:
    """A value no column can hold, such as a text with a NUL: the sender's to mend, not ours."""
    _log.warning("refused by the database", error=type(fault).__name__)
    return response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid")


def _unexpected(request: Request, fault: Exception) -> JSONResponse:
    # The route, not the URL: an address may hold what a person typed.
    route = request.scope.get("route")
    _log.error("unexpected", route=getattr(route, "path", None), exc_info=fault)
    return response(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side; it is logged"
    )
