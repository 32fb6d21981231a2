"""A closed dossier counted anew, because a person asked."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.core.codes import dossier_code
from app.service.recount import recount
from app.web import shown
from app.web.deps import Now, Publisher, TheParts, Transaction
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])


class Asked(BaseModel):
    """Why the dossier is to be counted anew; kept in its history."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500, pattern=r"^[^\x00]*$")


@router.post("/{code}/recounts", summary="Count a dossier anew with the newest law and calendar")
def post_recount(
    session: Transaction, code: str, body: Asked, caller: Publisher, held: TheParts, now: Now
) -> dict[str, Any]:
    """Closed dossiers keep what they were closed with until somebody asks; who and why is kept."""
    wanted = dossier_code(code)
    found = recount(
        session,
        wanted or "",
        sorted(caller.branches),
        held.book,
        by=caller.by,
        reason=body.reason,
        now=now,
    )
    if found is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    return {"code": wanted} | {name: shown.value(held) for name, held in found._asdict().items()}
