"""Letters of apology as documents over HTTP: one as .docx, many in a ZIP."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.db import dossiers, letters
from app.db.letters import LetterState
from app.printed import letters as printed
from app.printed.letters import BadTemplateError
from app.service.access import Principal
from app.service.rules import Rules
from app.web import shown
from app.web.deps import MAX_ID, Parts, Reader, TheParts
from app.web.letters import MOST, Id, not_there, number
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["letters"])

_FILE = {"content": {printed.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_PRIVATE = {"Cache-Control": "private, no-store"}
_log = structlog.get_logger()


@router.get(
    "/letters.zip",
    summary="Letters as documents, a .docx a dossier in a ZIP",
    response_class=Response,
    responses={200: _ZIP},
)
def get_documents(
    caller: Reader,
    held: TheParts,
    wanted: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_ID)]] | None,
        Query(alias="id", max_length=MOST, description="which letters; all drafts if absent"),
    ] = None,
) -> Response:
    """At most 500, in the order of their numbers; the files are named by dossier code."""
    branches = sorted(caller.branches)
    with held.sessions.begin() as session:
        if wanted is None:
            rows: Sequence[RowMapping] = letters.page(
                session, branches, state=LetterState.DRAFT, limit=MOST
            )
        else:
            rows = letters.found(session, wanted, branches)
        told = read(session, held, caller, rows)
    return archive(filled(held, told))


@router.get(
    "/letters/{letter_id}.docx",
    summary="A letter as a document",
    response_class=Response,
    responses={200: _FILE},
)
def get_document(caller: Reader, held: TheParts, letter_id: Id) -> Response:
    """Mẫu 04 filled in, with the applicant's name if it is known, else dots."""
    with held.sessions.begin() as session:
        row = letters.find(session, letter_id, sorted(caller.branches))
        told = read(session, held, caller, [row]) if row else []
    made = filled(held, told)
    if not made:
        raise not_there()
    ((code, content),) = made.items()
    headers = {"Content-Disposition": f'attachment; filename="{code}.docx"'} | _PRIVATE
    return Response(content, media_type=printed.MEDIA_TYPE, headers=headers)


def archive(made: Mapping[str, bytes]) -> Response:
    """Documents as a ZIP to take away.

    Raises:
        ProblemError: there is none.
    """
    if not made:
        raise not_there()
    headers = {"Content-Disposition": 'attachment; filename="phieu-xin-loi.zip"'} | _PRIVATE
    return Response(printed.bundle(made), media_type="application/zip", headers=headers)


def read(
    session: Session, held: Parts, caller: Principal, rows: Sequence[RowMapping]
) -> list[printed.Letter]:
    """What letters say; of void ones and dossiers out of scope nothing.

    To fill them takes seconds: end the transaction first.
    """
    rules = held.book.in_force(session)
    codes = [row["code"] for row in rows]
    about = {row["code"]: row for row in dossiers.several(session, codes, sorted(caller.branches))}
    names = dossiers.names_of(session, list(about))
    return [
        _letter(row, about[row["code"]], names.get(row["code"]), rules)
        for row in rows
        if row["code"] in about and row["void_at"] is None
    ]


def _letter(row: RowMapping, about: RowMapping, name: str | None, rules: Rules) -> printed.Letter:
    branch = rules.branches[row["branch"]]
    return printed.Letter(
        code=row["code"],
        number=number(row),
        office=rules.offices.get(branch.office, branch.office),
        branch=branch.name,
        written_on=row["drafted_at"].astimezone(shown.ZONE).date(),
        to=name,
        procedure=rules.procedures.get(about["procedure_code"], about["procedure"]),
        received_at=about["received_at"],
        promised_at=about["promised_at"],
        due_on=row["due_on"],
        reason=row["reason"],
        new_at=row["promised_at"],
    )


def filled(held: Parts, told: Sequence[printed.Letter]) -> dict[str, bytes]:
    """Letters as documents by dossier code.

    Raises:
        ProblemError: an operator's template cannot be filled.
    """
    source = printed.template(held.letters)
    try:
        return {letter.code: printed.document(letter, source) for letter in told}
    except BadTemplateError as fault:
        _log.error("letter template cannot be filled", file=fault.file, why=fault.why)
        raise ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The template {file} of the letters cannot be filled ({why}); the operator mends it or "
            "takes it away",
            file=fault.file,
            why=fault.why,
        ) from None
