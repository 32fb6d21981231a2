"""Sending systems and their ranks, and where they do not agree about a dossier."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.core.problems import Problem
from app.core.sources import OURS
from app.db import access, witnesses
from app.service.witnesses import stand_anew
from app.web import shown
from app.web.deps import TEXT, Now, Publisher, Reader, TheParts, Transaction, visible
from app.web.problems import ProblemError
from app.web.publishing import may_publish

router = APIRouter(prefix="/v1", tags=["sources"])

_TOLD = ("code", "source", "field", "branch", "held", "told", "since")


class Ranked(BaseModel):
    """A sending system; of those that tell of a dossier the lowest rank is its system of record."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, pattern=TEXT)
    rank: int = Field(ge=0, le=10_000)


@router.get("/sources", summary="Sending systems, the highest-ranked first")
def list_sources(session: Transaction, caller: Reader) -> dict[str, Any]:
    """The systems that send for the caller's office: code, name and rank."""
    return {"items": [dict(row) for row in access.sources(session, caller.office)], "next": None}


@router.put("/sources/{code}", summary="Name a sending system and set its rank")
def put_source(
    code: Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._-]+$")],
    body: Ranked,
    caller: Publisher,
    held: TheParts,
    now: Now,
) -> dict[str, Any]:
    """With another rank, the dossiers it tells of beside others are put together anew.

    `dossiers` says how many. A source may send for several offices, so it needs the right `admin`.
    """
    may_publish(caller, nation=True)
    if code == OURS:
        wrong = Problem(
            "code", "{code} is what is recorded here; its rank is the last", {"code": code}
        )
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [wrong])
    with held.sessions.begin() as session:
        access.put_source(session, code, body.name, body.rank)
    told = stand_anew(held.sessions, code, caller.by, sorted(caller.branches), held.book, now)
    return {"code": code, **body.model_dump(), "dossiers": told}


@router.get("/divergences", summary="Where sources do not agree about a dossier")
def list_divergences(
    session: Transaction,
    caller: Reader,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before", pattern=TEXT, max_length=300)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """What the system of record says (`held`) and the other source says (`told`); days as dates."""
    code, _, rest = (cursor or "").partition("|")
    source, _, field = rest.partition("|")
    rows = witnesses.open_divergences(
        session, visible(caller, branch), after=(code, source, field), limit=limit + 1
    )
    items = [{name: shown.value(row[name]) for name in _TOLD} for row in rows[:limit]]
    ends = "|".join(items[-1][name] for name in _TOLD[:3]) if len(rows) > limit else None
    return {"items": items, "next": ends}
