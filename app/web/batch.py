"""Batches of dossiers: JSON up to 5,000, NDJSON of any length in constant memory; heartbeats."""

import re
from asyncio import Task, create_task, gather
from codecs import BOM_UTF8
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.core.problems import Problem
from app.db import feeds
from app.db.engine import Sessions, again_if_deadlocked
from app.service.access import Principal
from app.service.intake import CHUNK, take_in
from app.service.language import detail
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import RuleBook
from app.web.bodies import chunks, inflated, lines_of
from app.web.crew import Crew
from app.web.deps import (
    Now,
    Parts,
    Sender,
    TheParts,
    Transaction,
    moment,
    visible,
)
from app.web.problems import ProblemError, language_of
from app.web.shown import instant

router = APIRouter(prefix="/v1", tags=["dossiers"])

NDJSON = "application/x-ndjson"
MAX_JSON_BYTES = 64 * 1024 * 1024
_WORTH_A_CREW = 1_000
_SPOOL_BYTES = 4 * 1024 * 1024
_APART_BYTES = 4 * 1024 * 1024
KINDS = ("created", "updated", "unchanged", "stale", "quarantined")

_BEGIN = re.compile(rb'\s*\{\s*"dossiers"\s*:\s*\[')
_CODE = re.compile(rb'"code"\s*:\s*"([^"]*)"')
_SIGN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)  # a whole text is no sign

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["dossiers"],
                    "properties": {
                        "dossiers": {
                            "type": "array",
                            "maxItems": CHUNK,
                            "items": {"$ref": "#/components/schemas/DossierRecord"},
                        }
                    },
                }
            },
            NDJSON: {"schema": {"type": "string", "description": "one record a line, any length"}},
        },
    }
}


class _Batch(msgspec.Struct):
    dossiers: list[msgspec.Raw]


@router.post(
    "/dossiers/batch",
    summary="Take in many dossiers",
    openapi_extra=_BODY,
    max_body_size=1 << 62,  # read as a stream; each part has a bound of its own
)
async def post_batch(request: Request, caller: Sender, held: TheParts, now: Now) -> Response:
    """Answer after the whole body is read: an outcome per record, and the counts.

    Records are committed in chunks of 5,000; a bad one never sinks the others. With NDJSON the
    last line of the answer is `{"done": true, …}`; without it, send again: nothing doubles.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = inflated(request)
    if media_type == NDJSON:
        return await _ndjson(body, caller, held, language_of(request))
    if media_type in ("application/json", ""):
        return await _json(body, caller, held, language_of(request), now)
    raise ProblemError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send application/json or application/x-ndjson",
    )


async def _json(
    body: AsyncIterator[bytes], caller: Principal, held: Parts, language: str, now: datetime
) -> Response:
    read = bytearray()
    async for part in body:
        read += part
        if len(read) > MAX_JSON_BYTES:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "A JSON batch has at most {limit} bytes; send application/x-ndjson",
                limit=MAX_JSON_BYTES,
            )
    records = await run_in_threadpool(_records, bytes(read).removeprefix(BOM_UTF8))
    if len(records) > CHUNK:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "A JSON batch has at most {limit} dossiers; send application/x-ndjson",
            limit=CHUNK,
        )
    lines = [Line(number, bytes(raw)) for number, raw in enumerate(records, start=1)]
    outcomes = await run_in_threadpool(_take_in, lines, caller, held, now)
    problems = [
        {"line": outcome.line, "code": outcome.code, **told}
        for outcome in outcomes
        for told in _problems(outcome, language)
    ]
    return JSONResponse(_counts(outcomes) | {"problems": problems})


def _records(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    try:
        return msgspec.json.decode(body, type=_Batch).dossiers
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        found = _apart(body)
        if found is not None:
            return found
        told = Problem("", 'send {{"dossiers": […]}} in UTF-8 ({why})', {"why": str(fault)[:200]})
    raise ProblemError(HTTPStatus.BAD_REQUEST, "The body is no batch of dossiers", [told])


def _apart(body: bytes) -> list[bytes] | None:
    """The items of a batch in which one cannot be read, by brackets alone; None if they fail.

    So that one bad record (a lone surrogate, a thousand brackets) does not sink the others.
    """
    begin = _BEGIN.match(body)
    if begin is None or len(body) > _APART_BYTES:
        return None
    items: list[bytes] = []
    depth, start = 0, begin.end()
    for found in _SIGN.finditer(body, start):
        sign = found.group()
        if len(items) > CHUNK:
            return items
        if sign == b'"':  # a text without an end: it would be looked for again and again
            return None
        if depth == 0 and sign in b",]}":
            items.append(body[start : found.start()])
            start = found.end()
            if sign != b",":
                return items if sign == b"]" and body[start:].strip() == b"}" else None
        elif sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
    return None


async def _ndjson(
    body: AsyncIterator[bytes], caller: Principal, held: Parts, language: str
) -> Response:
    """Read chunk by chunk; outcomes wait in a file, for a client reads only after it has sent.

    While a chunk is taken in the next one is read, and, where there is a crew, taken in as well.
    """
    counts = dict.fromkeys(("received", *KINDS), 0)
    spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 closed by _spooled
    under_way: deque[Task[list[_Taken]]] = deque()
    crew: Crew | None = None
    try:
        async for lines in chunks(lines_of(body), max(1, held.crew.size)):
            if not (counts["received"] or under_way) and len(lines) >= _WORTH_A_CREW:
                crew = held.crew if held.crew.size else None
            while len(under_way) > (crew is not None):
                _note(await under_way.popleft(), counts, spool)
            # The moment of each chunk: a long upload outlasts what was now when it began.
            taking = _taken(lines, caller, held, crew, language, moment())
            under_way.append(create_task(taking))
        while under_way:
            _note(await under_way.popleft(), counts, spool)
    except BaseException:
        for task in under_way:
            task.cancel()
        spool.close()
        raise
    spool.write(msgspec.json.encode({"done": True, **counts}) + b"\n")
    spool.seek(0)
    return StreamingResponse(_spooled(spool), media_type=NDJSON)


class _Taken(NamedTuple):
    """Outcomes of some lines: their numbers, what is told of each, and the counts."""

    numbers: list[int]
    told: list[bytes]
    counts: dict[str, int]


def _note(
    taken: Sequence[_Taken], counts: dict[str, int], spool: SpooledTemporaryFile[bytes]
) -> None:
    """Add what some hands have taken in, in the order of the lines."""
    for share in taken:
        for kind, count in share.counts.items():
            counts[kind] += count
    told = [line for share in taken for line in zip(share.numbers, share.told, strict=True)]
    if len(taken) > 1:
        told.sort()
    spool.write(b"".join([line for _, line in told]))


async def _taken(
    lines: list[Line],
    caller: Principal,
    held: Parts,
    crew: Crew | None,
    language: str,
    now: datetime,
) -> list[_Taken]:
    """Take lines in, here or in the hands of the crew.

    A dossier always goes to the same hand, so that its snapshots become history in their order.
    """
    if crew is None:
        whole = ([line.number for line in lines], [line.raw for line in lines])
        return [
            await run_in_threadpool(
                _work, held.sessions, held.book, *whole, caller.caller, language, now
            )
        ]
    shares: list[tuple[list[int], list[bytes]]] = [([], []) for _ in range(crew.size)]
    for number, raw in lines:
        found = _CODE.search(raw)
        share = shares[crc32(found.group(1).strip().upper()) % crew.size if found else 0]
        share[0].append(number)
        share[1].append(raw)
    return await gather(
        *[
            crew.do(hand, _work, *share, caller.caller, language, now)
            for hand, share in enumerate(shares)
            if share[0]
        ]
    )


def _work(
    sessions: Sessions,
    book: RuleBook,
    numbers: list[int],
    raws: list[bytes],
    caller: Caller,
    language: str,
    now: datetime,
) -> _Taken:
    lines = [Line(number, raw) for number, raw in zip(numbers, raws, strict=True)]
    outcomes = again_if_deadlocked(
        sessions, lambda session: take_in(session, lines, caller, book, now)
    )
    told = [_outcome_line(one, language) for one in outcomes]
    return _Taken(numbers, told, _counts(outcomes))


def _take_in(lines: Sequence[Line], caller: Principal, held: Parts, now: datetime) -> list[Outcome]:
    return again_if_deadlocked(
        held.sessions, lambda session: take_in(session, lines, caller.caller, held.book, now)
    )


def _counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counts = dict.fromkeys(("received", *KINDS), 0)
    for outcome in outcomes:
        counts["received"] += 1
        counts[outcome.outcome] += 1
    return counts


def _problems(outcome: Outcome, language: str) -> list[dict[str, str]]:
    return [
        {"field": problem.field, "detail": detail(problem, language)}
        for problem in outcome.problems
    ]


def _outcome_line(outcome: Outcome, language: str) -> bytes:
    told: dict[str, Any] = {
        "line": outcome.line,
        "code": outcome.code,
        "outcome": outcome.outcome,
    }
    if outcome.problems:
        told["problems"] = _problems(outcome, language)
    if not outcome.kept:  # no record at all: there is nothing to keep
        told["kept"] = False
    return msgspec.json.encode(told) + b"\n"


def _spooled(spool: "SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    with spool:
        while part := spool.read(64 * 1024):
            yield part


class Heartbeat(BaseModel):
    """Nothing is new: what was sent is all there is up to an instant."""

    model_config = ConfigDict(extra="forbid")

    branches: list[str] | None = Field(default=None, description="null: all in the caller's scope")
    at: AwareDatetime | None = Field(
        default=None,
        description="null: now",
        ge=datetime(2000, 1, 1, tzinfo=UTC),
    )


@router.post("/heartbeat", summary="Nothing new: move the branches' clocks", status_code=200)
def post_heartbeat(
    session: Transaction, caller: Sender, now: Now, beat: Heartbeat | None = None
) -> dict[str, Any]:
    """The branches have nothing unsent up to `at`; their due dossiers may be called overdue."""
    beat = beat or Heartbeat()
    at = min(beat.at or now, now)
    branches = (
        sorted(caller.branches)
        if beat.branches is None
        else [visible(caller, branch)[0] for branch in beat.branches]
    )
    feeds.hear(session, caller.source, dict.fromkeys(branches, at))
    return {"branches": branches, "heard_at": instant(at)}
