"""Bodies read as streams: inflated, parted into lines, gathered into chunks, each in bounds."""

import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import Request

from app.service.intake import CHUNK
from app.service.outcomes import Line
from app.service.records import MAX_RECORD_BYTES
from app.web.problems import ProblemError

_CHUNK_BYTES = 16 * 1024 * 1024
_INFLATE_BYTES = 1024 * 1024


async def inflated(request: Request) -> AsyncIterator[bytes]:
    """The body as it was before `Content-Encoding: gzip`, never more than 1 MiB at a time."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        async for part in request.stream():
            yield part
        return
    if encoding != "gzip":
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body plain or with gzip")
    inflate = zlib.decompressobj(wbits=31)
    try:
        async for part in request.stream():
            while part:
                if inflate.eof:  # files joined one after another are one gzip body (RFC 1952 §2.2)
                    inflate = zlib.decompressobj(wbits=31)
                yield inflate.decompress(part, _INFLATE_BYTES)
                part = inflate.unconsumed_tail or inflate.unused_data  # noqa: PLW2901 what is left
    except zlib.error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, "The body is not gzip, though Content-Encoding says so"
        ) from None
    if not inflate.eof:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The gzip body ends too early; send it again")


async def lines_of(body: AsyncIterator[bytes]) -> AsyncIterator[Line]:
    """Lines numbered from 1, blank ones passed over; of a line too long only its start is kept."""
    number, held = 0, b""
    async for part in body:
        held += part
        *whole, held = held.split(b"\n")
        for raw in whole:
            number += 1
            raw = raw.removeprefix(BOM_UTF8) if number == 1 else raw  # noqa: PLW2901 Windows
            if raw.strip():
                yield Line(number, raw)
        # Keep one byte more than a record may have: enough to be refused, however long it goes on.
        held = held[: MAX_RECORD_BYTES + 1]
    if held.strip():
        yield Line(number + 1, held)


async def chunks(lines: AsyncIterator[Line], times: int) -> AsyncIterator[list[Line]]:
    """Chunks for so many hands at once."""
    chunk: list[Line] = []
    size = 0
    async for line in lines:
        chunk.append(line)
        size += len(line.raw)
        if len(chunk) == CHUNK * times or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
