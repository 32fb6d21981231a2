"""A file that is sent to us: bounded while it arrives, on disk once it is large."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, NamedTuple, cast

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.core.problems import Problem
from app.web.problems import ProblemError

_SPOOL_BYTES = 1024 * 1024
_MAX_FIELDS = 300  # one a column of the widest sheet
_MULTIPART = "multipart/form-data"


class Upload(NamedTuple):
    """A file, what its sender calls it, and the fields of the form it came with."""

    file: BinaryIO
    name: str
    fields: dict[str, str]


@asynccontextmanager
async def upload(request: Request, limit: int) -> AsyncIterator[Upload]:
    """The body as a file, or the `file` of a form; gone when the context ends.

    Raises:
        ProblemError: 413 beyond `limit` bytes; 422 for a form without a file.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _MULTIPART:
        async with _form(request, limit) as found:
            yield found
        return
    with SpooledTemporaryFile[bytes](_SPOOL_BYTES) as file:
        async for part in _bounded(request, limit):
            file.write(part)
        file.seek(0)
        yield Upload(cast("BinaryIO", file), "", {})


@asynccontextmanager
async def _form(request: Request, limit: int) -> AsyncIterator[Upload]:
    parser = MultiPartParser(
        request.headers, _bounded(request, limit), max_files=1, max_fields=_MAX_FIELDS
    )
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, LookupError, ValueError, AssertionError):
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The form cannot be read",
            [Problem("file", "send a form (multipart/form-data) with one file named file")],
        ) from None
    fields = {name: held for name, held in form.multi_items() if isinstance(held, str)}
    found = next((held for held in form.values() if isinstance(held, UploadFile)), None)
    try:
        if found is None:
            file = cast("BinaryIO", SpooledTemporaryFile[bytes](_SPOOL_BYTES))
            with file:
                yield Upload(file, "", fields)
        else:
            yield Upload(found.file, found.filename or "", fields)
    finally:
        await form.close()


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "A file has at most {limit} MiB; send it in parts",
                limit=limit // (1024 * 1024),
            )
        yield part
