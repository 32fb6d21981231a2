"""Due dates in the calendar of a phone: secret addresses, made, listed, revoked, read."""

import secrets
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.db import due_calendars
from app.service import access
from app.service.due_calendar import calendar
from app.web import shown
from app.web.deps import MAX_ID, Now, Reader, Recorder, TheParts, Transaction, visible
from app.web.problems import ProblemError

router = APIRouter(tags=["alerts"])

_CACHE = {"Cache-Control": "private, max-age=900"}


class DueCalendar(BaseModel):
    """A branch whose due dates are wanted, and for whom."""

    model_config = ConfigDict(extra="forbid")

    branch: str = Field(examples=["H20.16.03"])
    label: str = Field(
        min_length=1, max_length=100, pattern=r"^[^\x00]*$", examples=["điện thoại của giám đốc"]
    )


@router.post("/v1/due-calendars", summary="Make a calendar address", status_code=201)
def post_due_calendar(
    request: Request,
    session: Transaction,
    held: TheParts,
    body: DueCalendar,
    caller: Recorder,
    now: Now,
) -> dict[str, Any]:
    """The address is shown only now; whoever has it sees the codes due in that branch."""
    (branch,) = visible(caller, body.branch)
    token = secrets.token_urlsafe(32)
    made = due_calendars.create(
        session,
        office=caller.office,
        branch=branch,
        label=body.label,
        token_hash=access.digest(token),
        created_at=now,
        created_by=caller.by,
    )
    ours = held.judged.public_url or str(request.base_url)
    address = f"{ours.rstrip('/')}/calendars/{token}.ics"
    return {"id": made, "branch": branch, "label": body.label, "address": address}


@router.get("/v1/due-calendars", summary="The calendar addresses in scope")
def list_due_calendars(session: Transaction, caller: Reader) -> dict[str, Any]:
    """Without what opens them; `read_at` is when one was last read, to the hour."""
    rows = due_calendars.listing(session, sorted(caller.branches))
    hidden = {"office", "revoked_at"}
    return {
        "items": [
            {name: shown.value(held) for name, held in row.items() if name not in hidden}
            for row in rows
        ],
        "next": None,
    }


@router.delete("/v1/due-calendars/{calendar_id}", summary="Revoke an address", status_code=204)
def delete_due_calendar(
    session: Transaction,
    calendar_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    caller: Recorder,
    now: Now,
) -> None:
    """It opens nothing from now on."""
    if not due_calendars.revoke(session, calendar_id, sorted(caller.branches), now):
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such calendar address")


@router.get("/calendars/{token}.ics", include_in_schema=False)
def get_calendar(
    request: Request, session: Transaction, held: TheParts, token: str, now: Now
) -> Response:
    """The due dates an address tells; one that is unknown or revoked was never there."""
    found = due_calendars.opened_by(session, access.digest(token))
    rules = held.book.in_force(session)
    branch = rules.branches.get(found["branch"]) if found else None
    if found is None or branch is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such calendar address")
    due_calendars.note_read(session, found["id"], now)
    content = calendar(session, rules, branch, now)
    headers = _CACHE | {"ETag": f'"{sha256(content).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="dunghan.ics"'
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
