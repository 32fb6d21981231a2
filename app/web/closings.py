"""Closed periods over HTTP: closing one, and what it keeps."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core import periods
from app.core.periods import Kind, PeriodError
from app.core.problems import Problem
from app.core.yardsticks import Yardstick
from app.db import closings, in_hand
from app.db.closings import Place
from app.db.in_hand import Standing
from app.service.access import Principal
from app.service.closings import CannotCloseError, Despite, close
from app.web import shown
from app.web.deps import (
    MAX_ID,
    TEXT,
    Keeper,
    Now,
    Reader,
    TheParts,
    Transaction,
    clocks_of,
    visible,
)
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/closings", tags=["closings"])

Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Branch = Annotated[str | None, Query(description="one branch; all in scope if absent")]
Cursor = Annotated[
    str | None, Query(description="`next` of the page before", pattern=TEXT, max_length=200)
]
Limit = Annotated[int, Query(ge=1, le=500)]
_COLUMNS = ("code", "branch", "procedure_code", "received_on", "ended_on")
_COMPARED = ("branch", "procedure_code", "received_on", "ended_on", "carried_over")


class ToClose(BaseModel):
    """A period to close."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(description=periods.FORMS, max_length=20, examples=["2026-RQ3"])
    despite: list[Despite] = Field(
        default=[],
        max_length=len(Despite),
        description="close it although a branch was not heard of since its last day (unheard), "
        "or the newest catalogue is not derived yet (underived)",
    )


@router.post("", status_code=HTTPStatus.CREATED, summary="Close a period for good")
def close_period(body: ToClose, caller: Keeper, held: TheParts, now: Now) -> dict[str, Any]:
    """Keep its reports and the class of each dossier; from then on it answers from these.

    For a credential of the whole office with the right `admin`. Only a period that is over, and
    once: 409 if it, or a later one of its kind, is closed already.
    """
    try:
        number = close(
            held.sessions,
            held.book,
            caller.office,
            named(body.period),
            caller.by,
            now,
            despite=frozenset(body.despite),
            silence_days=held.silence_days,
            soon_days=held.soon_days,
        )
    except CannotCloseError as why:
        closed = HTTPStatus.CONFLICT if why.closed else HTTPStatus.UNPROCESSABLE_ENTITY
        raise ProblemError(closed, "The period is not closed", [why.problem]) from None
    with held.sessions() as session:
        return whole(session, find(session, caller, number), caller)


@router.get("", summary="Closed periods, the newest first")
def list_closings(session: Transaction, caller: Reader) -> dict[str, Any]:
    """Each closing of the office: who closed which period when, and its hash."""
    rows = closings.listing(session, caller.office)
    return {"items": [item(row) for row in rows], "next": None}


@router.get("/{closing_id}", summary="One closed period")
def get_closing(session: Transaction, caller: Reader, closing_id: Id) -> dict[str, Any]:
    """With the hashes of the reports in scope, and how many dossiers it holds of each branch."""
    return whole(session, find(session, caller, closing_id), caller)


@router.get("/{closing_id}/dossiers", summary="Dossiers of a closed period as they were")
def list_dossiers(
    session: Transaction,
    caller: Reader,
    closing_id: Id,
    branch: Branch = None,
    legal: Standing | None = None,
    form: Standing | None = None,
    index766: Standing | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Each dossier in hand with the class it had by each yardstick, by branch and code.

    Without `ended_on` it stood open at the close: these are the list the next period opens with.
    """
    find(session, caller, closing_id)
    wanted = {Yardstick.LEGAL: legal, Yardstick.FORM: form, Yardstick.INDEX766: index766}
    at, _, code = (cursor or "").partition("|")
    rows = closings.dossiers(
        session,
        closing_id,
        visible(caller, branch),
        {yardstick: one for yardstick, one in wanted.items() if one is not None},
        after=Place(at, code) if cursor else None,
        limit=limit + 1,
    )
    items = [dossier(row) for row in rows[:limit]]
    ends = f"{items[-1]['branch']}|{items[-1]['code']}" if len(rows) > limit else None
    return {"items": items, "next": ends}


@router.get("/{closing_id}/corrections", summary="What is not any more as a period was closed")
def list_corrections(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    closing_id: Id,
    branch: Branch = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Each dossier that by today's facts had another class, branch or procedure, by code.

    `was` is what was frozen, `now` what it would be were the period closed today; null where it
    was, or would be, in hand of no branch in scope.
    """
    row = find(session, caller, closing_id)
    clocks, _ = clocks_of(session, held, held.book.in_force(session), now, visible(caller, branch))
    over = in_hand.span(row["first_on"], row["last_on"], now)
    rows = closings.corrections(
        session, closing_id, clocks, over, after=cursor or "", limit=limit + 1
    )
    items = [correction(one) for one in rows[:limit]]
    return {"items": items, "next": items[-1]["code"] if len(rows) > limit else None}


def named(name: str) -> periods.Period:
    """The period of a name.

    Raises:
        ProblemError: there is none that could be closed.
    """
    try:
        return periods.named(name)
    except PeriodError:
        told = Problem("period", "write it as one of {forms}", {"forms": periods.FORMS})
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told]
        ) from None


def find(session: Session, caller: Principal, closing_id: int) -> RowMapping:
    """A closing of the caller's office."""
    row = closings.find(session, caller.office, closing_id)
    if row is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such closing of your office")
    return row


def item(row: RowMapping) -> dict[str, Any]:
    """A closing as JSON."""
    return {
        "id": row["id"],
        "period": {
            "name": row["name"],
            "kind": Kind(row["kind"]).value,
            "from": row["first_on"].isoformat(),
            "to": row["last_on"].isoformat(),
        },
        "closed_at": shown.instant(row["closed_at"]),
        "closed_by": row["closed_by"],
        "opened_with": row["previous_id"],
        "hash": row["hash"].hex(),
    }


def whole(session: Session, row: RowMapping, caller: Principal) -> dict[str, Any]:
    """A closing with what it holds of the caller's scope."""
    reports = [
        {"report": one.report, "branch": one.branch or None, "hash": one.hash.hex()}
        for one in closings.reports(session, row["id"])
        if one.branch in caller.branches or (caller.whole_office and not one.branch)
    ]
    counts = closings.counts(session, row["id"], sorted(caller.branches))
    return item(row) | {"reports": reports, "dossiers": [dict(one) for one in counts]}


def dossier(row: RowMapping) -> dict[str, Any]:
    """A frozen dossier as JSON."""
    told = {name: shown.value(row[name]) for name in _COLUMNS}
    told |= {"carried_over": row["carried_over"], "online": row["online"]}
    return told | {one.value: closings.class_of(row[one.value]) for one in Yardstick}


def correction(row: RowMapping) -> dict[str, Any]:
    """What a dossier was and would be, as JSON."""
    told: dict[str, Any] = {"code": row["code"]}
    for side in ("was", "now"):
        told[side] = None
        if row[f"{side}_branch"] is not None:
            told[side] = {name: shown.value(row[f"{side}_{name}"]) for name in _COMPARED}
            told[side] |= {
                one.value: closings.class_of(row[f"{side}_{one.value}"]) for one in Yardstick
            }
    return told
