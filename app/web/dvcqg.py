"""The national portal's sync calls, in its own envelopes and with its own answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.core.problems import Problem
from app.db.engine import again_if_deadlocked
from app.service import portal
from app.service.access import Principal
from app.service.language import detail, preferred, tell
from app.service.portal import AT_ONCE, Answer
from app.web.deps import Now, Parts, Sender, TheParts
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/dvcqg", tags=["the national portal's calls"])

SYNC, PROGRESS = "DongBoHoSoMC", "CapNhatTienDoHoSoMC"
MOST_RECORDS = 5_000
MAX_BYTES = 64 * 1024 * 1024

# Systems compare the code as a text: those that send the envelope with "00", those that send the
# list alone, through an LGSP, with "0"; and these look for "thành công" in the answer besides.
_OK = {True: "00", False: "0"}
_REFUSED = {True: "01", False: "1"}

# Nothing here may say "thành công" but the message of an answer in which all is well.
_SAID = {
    "created": "taken in, new",
    "updated": "taken in",
    "unchanged": "nothing new",
    "stale": "older than what is held",
    "quarantined": "not taken in",
    "waiting": "kept until DongBoHoSoMC tells of this dossier",
}


class Fault(BaseModel):
    """What is wrong with one field, and how to mend it."""

    field: str
    detail: str


class RecordAnswer(BaseModel):
    """What became of one record."""

    MaHoSo: str | None
    error_code: str
    message: str
    outcome: str
    kept: bool = Field(description="a refused record is in quarantine")
    problems: list[Fault]


class PortalAnswer(BaseModel):
    """The portal's answer: `00` (`0` to a bare list) only if every record is well."""

    error_code: str
    message: str
    data: list[RecordAnswer]


_ENVELOPE = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "service": {"type": "string", "enum": [SYNC, PROGRESS]},
        "isUpdating": {"type": "string"},
        "session": {"type": "string", "description": "no credential here; it is not looked at"},
        "madonvi": {"type": "string"},
        "data": {"type": "array", "maxItems": MOST_RECORDS, "items": {"type": "object"}},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        _ENVELOPE,
                        {
                            "type": "array",
                            "maxItems": MOST_RECORDS,
                            "items": {"type": "object"},
                        },
                    ]
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call as read: `enveloped` decides how the answer is written; `wrong` why it is none."""

    service: str
    unit: str | None
    records: Sequence[object]
    enveloped: bool
    wrong: Problem | None = None


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is longer than a call may be."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, not packed")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "A call has at most {limit} bytes; send fewer records at once",
                limit=MAX_BYTES,
            )
    return bytes(body).removeprefix(b"\xef\xbb\xbf")


_Unit = Annotated[
    str | None, Query(alias="MaDinhDanhDV", description="the unit, where there is no envelope")
]
_Updating = Annotated[
    str | None, Query(alias="isUpdating", description="True and False are the same here")
]


@router.post(
    f"/{SYNC}",
    summary="DongBoHoSoMC: dossiers as the national portal takes them",
    response_model=PortalAnswer,
    openapi_extra=_BODY,
    max_body_size=1 << 62,  # read as a stream, with a bound of its own
)
def post_sync(
    request: Request,
    caller: Sender,
    body: Annotated[bytes, Depends(_body)],
    held: TheParts,
    now: Now,
    unit: _Unit = None,
    updating: _Updating = None,  # noqa: ARG001 told, and of no account
) -> JSONResponse:
    """An answer per record; the whole is well only if every record is.

    `service` in the body, if it is there, says which of the two calls is meant.
    """
    return _answer(request, caller, _asked(body, SYNC, unit), held, now)


@router.post(
    f"/{PROGRESS}",
    summary="CapNhatTienDoHoSoMC: lines of progress as the national portal takes them",
    response_model=PortalAnswer,
    openapi_extra=_BODY,
    max_body_size=1 << 62,  # read as a stream, with a bound of its own
)
def post_progress(
    request: Request,
    caller: Sender,
    body: Annotated[bytes, Depends(_body)],
    held: TheParts,
    now: Now,
    unit: _Unit = None,
    updating: _Updating = None,  # noqa: ARG001 told, and of no account
) -> JSONResponse:
    """An answer per line; a line that comes before its dossier is kept until that comes.

    `service` in the body, if it is there, says which of the two calls is meant.
    """
    return _answer(request, caller, _asked(body, PROGRESS, unit), held, now)


def _asked(body: bytes, service: str, unit: str | None) -> _Asked:
    try:
        held = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        why = str(fault)[:200]
        told = Problem("", 'send {{"data": […]}} in UTF-8 ({why})', {"why": why})
        return _Asked(service, unit, (), unit is None, told)
    match held:
        case {"data": _} | {"service": _}:
            return _enveloped(held, service, unit)
        case dict():
            return _bounded(_Asked(service, unit, [held], enveloped=False))
        case list():
            return _bounded(_Asked(service, unit, held, enveloped=False))
        case _:
            told = Problem("", "send a list of records, or an envelope with data")
            return _Asked(service, unit, (), unit is None, told)


def _enveloped(held: dict[str, Any], service: str, unit: str | None) -> _Asked:
    named, data, told_unit = held.get("service", service), held.get("data"), held.get("madonvi")
    wrong = None
    if named not in (SYNC, PROGRESS):
        wrong = Problem("service", "only DongBoHoSoMC and CapNhatTienDoHoSoMC are offered here")
        named = service
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        wrong, data = wrong or Problem("data", "send the records as a list"), []
    unit = told_unit if isinstance(told_unit, str) else unit
    return _bounded(_Asked(named, unit, data, enveloped=True, wrong=wrong))


def _bounded(asked: _Asked) -> _Asked:
    if len(asked.records) <= MOST_RECORDS:
        return asked
    told = Problem("data", "at most {limit} records a call; part them", {"limit": MOST_RECORDS})
    return replace(asked, records=(), wrong=told)


def _answer(
    request: Request, caller: Principal, asked: _Asked, held: Parts, now: Now
) -> JSONResponse:
    # Who reads these answers are operators of provincial systems, which ask for no language.
    language = preferred(request.headers.get("accept-language"), "vi")
    if asked.wrong is not None:
        told = detail(asked.wrong, language)
        message = f"{asked.wrong.field}: {told}" if asked.wrong.field else told
        return _written(_REFUSED[asked.enveloped], message, [])
    answers = _taken_in(asked, caller, held, now)
    refused = sum(answer.refused for answer in answers)
    data = [_told(answer, language, enveloped=asked.enveloped) for answer in answers]
    if not refused:
        message = tell("Success (thành công): {count} taken in", language, count=len(answers))
        return _written(_OK[asked.enveloped], message, data)
    first = next(one["message"] for one in data if one["error_code"] != _OK[asked.enveloped])
    message = tell(
        "{refused} of {count} refused, each told in data; the first: {first}",
        language,
        refused=refused,
        count=len(answers),
        first=first,
    )
    return _written(_REFUSED[asked.enveloped], message, data)


def _taken_in(asked: _Asked, caller: Principal, held: Parts, now: Now) -> list[Answer]:
    """Every record, so many a transaction; what was committed before a failure may come again."""
    answers: list[Answer] = []
    for start in range(0, len(asked.records), AT_ONCE):
        part = asked.records[start : start + AT_ONCE]
        answers += again_if_deadlocked(held.sessions, _work(part, asked, caller, held, now))
    return answers


def _work(
    part: Sequence[object], asked: _Asked, caller: Principal, held: Parts, now: Now
) -> Callable[[Any], list[Answer]]:
    if asked.service == PROGRESS:
        return lambda session: portal.advance(session, part, caller.caller, held.book, now)
    return lambda session: portal.sync(session, part, asked.unit, caller.caller, held.book, now)


def _told(answer: Answer, language: str, *, enveloped: bool) -> dict[str, Any]:
    problems = [
        {"field": problem.field, "detail": detail(problem, language)} for problem in answer.problems
    ]
    faults = "; ".join(
        f"{one['field']}: {one['detail']}" if one["field"] else one["detail"] for one in problems
    )
    said = tell(_SAID[answer.outcome], language)
    return {
        "MaHoSo": answer.code,
        "error_code": (_REFUSED if answer.refused else _OK)[enveloped],
        "message": f"{said}: {faults}" if faults else said,
        "outcome": answer.outcome,
        "kept": answer.kept,
        "problems": problems,
    }


def _written(code: str, message: str, data: list[dict[str, Any]]) -> JSONResponse:
    return JSONResponse({"error_code": code, "message": message, "data": data})
