"""Alerts: what was said of which dossier, and who is on it."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.core.ladder import Kind, Level, Told
from app.core.problems import Problem
from app.db import raised
from app.db.raised import Scope, Which
from app.service.access import Principal
from app.service.rules import Rules
from app.service.standing_alerts import unconfirmed
from app.web import shown
from app.web.deps import MAX_ID, TEXT, Now, Reader, Recorder, TheParts, Transaction, visible
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

LONGEST = timedelta(days=60)
"""How long somebody may say to be on it: a promise nobody will remember is none."""
_WORDS = {level.word: level for level in Level}


class Acknowledgement(BaseModel):
    """Who is on it says until when, and perhaps a word."""

    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime
    note: str | None = Field(default=None, max_length=500, pattern=TEXT)


@router.get("", summary="Alerts, newest first")
def get_alerts(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    level: Annotated[list[str] | None, Query(description=", ".join(_WORDS))] = None,
    tell: Annotated[Told | None, Query(description="only those that tell this recipient")] = None,
    standing: Annotated[
        bool | None,
        Query(description="true: only what still is so, of a dossier its highest level"),
    ] = None,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID, description="`next`")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """A dossier closed or moved since it was raised is told with `standing` false."""
    levels = [_level(word) for word in level] if level else None
    rows = raised.page(
        session,
        scope(caller, branch),
        Which(kind, levels, tell, standing=bool(standing)),
        unconfirmed(held.book.in_force(session), now),
        before=cursor,
        limit=limit + 1,
    )
    items = [_shown(row) for row in rows[:limit]]
    return {"items": items, "next": str(items[-1]["id"]) if len(rows) > limit else None}


@router.post("/{alert_id}/acknowledge", summary="Say that you are on it")
def post_acknowledgement(
    session: Transaction,
    alert_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    body: Acknowledgement,
    caller: Recorder,
    held: TheParts,
    now: Now,
) -> dict[str, Any]:
    """Until then digests name it as taken; a higher level of the same dossier is told anew."""
    rules = held.book.in_force(session)
    return _shown(acknowledged(session, alert_id, body, caller, rules, now))


def acknowledged(
    session: Transaction,
    alert_id: int,
    body: Acknowledgement,
    caller: Principal,
    rules: Rules,
    now: datetime,
) -> Any:  # noqa: ANN401 a mapping of columns
    """Acknowledge, for the API and the page; returns the alert as it stands then."""
    if not now < body.until <= now + LONGEST:
        told = Problem(
            "until",
            "name a moment after now and at most {days} days ahead",
            {"days": LONGEST.days},
        )
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    mine, still = scope(caller, None), unconfirmed(rules, now)
    if raised.find(session, alert_id, mine, still) is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such alert")
    raised.acknowledge(session, alert_id, caller.by, now, body.until, body.note)
    return raised.find(session, alert_id, mine, still)


def scope(caller: Principal, branch: str | None) -> Scope:
    """What a caller sees of alerts, or of one branch."""
    whole = caller.whole_office and branch is None
    return Scope(caller.office, visible(caller, branch), whole)


def _level(word: str) -> int:
    level = _WORDS.get(word)
    if level is None:
        told = Problem("level", "give one of {words}", {"words": ", ".join(_WORDS)})
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    return level


def _shown(row: Any) -> dict[str, Any]:  # noqa: ANN401 a mapping of columns
    level = Level(row["level"])
    taken = None
    if row["ack_by"] is not None:
        taken = {
            "by": row["ack_by"],
            "at": shown.instant(row["ack_at"]),
            "until": shown.instant(row["ack_until_at"]),
            "note": row["ack_note"],
        }
    return {
        "id": row["id"],
        "kind": row["kind"],
        "level": level.word,
        "subject": row["subject"],
        "code": row["subject"] if level < Level.FEED_SILENT else None,
        "office": row["office"],
        "branch": row["branch"],
        "due_at": shown.instant(row["due_at"]),
        "raised_at": shown.instant(row["raised_at"]),
        "tell": row["tell"],
        "at_once": row["at_once"],
        "details": row["details"],
        "standing": bool(row["standing"]),
        "acknowledged": taken,
    }
