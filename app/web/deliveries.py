"""The log of deliveries: what was said to whom, how often it was tried, and once more by hand."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import delivery_log
from app.db.deliveries import Channel
from app.db.delivery_log import Fate, Sight, Verdict, Wanted
from app.service.access import Principal, Right
from app.web import shown
from app.web.deps import MAX_ID, TEXT, Now, Publisher, Transaction, visible
from app.web.problems import ProblemError
from app.web.webhooks import owned

router = APIRouter(prefix="/v1/deliveries", tags=["alerts"])

MOST_AT_ONCE = 1_000
REFUSED: Mapping[Verdict, str] = {
    Verdict.QUEUED: "it is queued already; wait for its next attempt",
    Verdict.UNTRUE: "it is no longer true: the dossier was closed or its due date moved",
    Verdict.OVER: "its day is over; what it told stands in the next digest",
    Verdict.DELETED: "its webhook was deleted; register it anew",
    Verdict.OFF: "its webhook is switched off; resume it first",
}
_Id = Annotated[int, Path(ge=1, le=MAX_ID)]
_OneWebhook = Annotated[int | None, Query(ge=1, le=MAX_ID)]


class DeadOnes(BaseModel):
    """Which dead deliveries to send again: those of a webhook, or of a channel."""

    model_config = ConfigDict(extra="forbid")

    webhook: int | None = Field(default=None, ge=1, le=MAX_ID, examples=[3])
    channel: Channel | None = None


@router.get("", summary="What was said to whom")
def list_deliveries(
    session: Transaction,
    caller: Publisher,
    state: Fate | None = None,
    channel: Channel | None = None,
    webhook: _OneWebhook = None,
    branch: Annotated[str | None, Query(max_length=60, pattern=TEXT)] = None,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID, description="`next` of a page")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Newest first, without what was said.

    Administrators of an office see all of it; whoever keeps webhooks sees what goes to these.
    `next_attempt_at` is null while its webhook is paused.
    """
    if branch is not None:
        visible(caller, branch)
    wanted = Wanted(state, channel, webhook, branch)
    rows = delivery_log.page(session, sight(caller), wanted, before=cursor, limit=limit + 1)
    page = rows[:limit]
    return {
        "items": [item(row) for row in page],
        "next": str(page[-1]["id"]) if len(rows) > limit else None,
    }


@router.post("/replay", summary="Send dead deliveries again")
def post_replay_dead(
    session: Transaction,
    body: DeadOnes,
    caller: Publisher,
    now: Now,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID, description="`next` of before")] = None,
) -> dict[str, Any]:
    """At most 1,000 a call, newest first; `next` says where to go on.

    What is no longer true, or whose day is over, is `dropped` instead.
    """
    if (body.webhook is None) == (body.channel is None):
        told = Problem("webhook", "give one of webhook and channel")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    wanted = Wanted(channel=body.channel, webhook=body.webhook)
    done = delivery_log.replay_dead(
        session, sight(caller), wanted, caller.by, now, before=cursor, limit=MOST_AT_ONCE
    )
    count = done.counts.get
    return {
        "queued": count(Verdict.MAY, 0),
        "dropped": count(Verdict.UNTRUE, 0) + count(Verdict.OVER, 0),
        "left": count(Verdict.DELETED, 0) + count(Verdict.OFF, 0),
        "next": str(done.before) if done.before is not None else None,
    }


@router.get("/{delivery_id}", summary="One delivery with its attempts")
def get_delivery(session: Transaction, delivery_id: _Id, caller: Publisher) -> dict[str, Any]:
    """Each attempt with when it began and ended and why it failed; each replay with who asked."""
    return whole(session, delivery_id, caller)


@router.post("/{delivery_id}/replay", summary="Send a delivery again", status_code=202)
def post_replay(
    session: Transaction, delivery_id: _Id, caller: Publisher, now: Now
) -> dict[str, Any]:
    """Under the same webhook-id or Message-ID, so that a receiver that has it drops it."""
    again(session, delivery_id, caller, now)
    return whole(session, delivery_id, caller)


def again(session: Session, delivery_id: int, caller: Principal, now: datetime) -> None:
    """Queue one again.

    Raises:
        ProblemError: there is none in scope, or it cannot be; it says why.
    """
    if delivery_log.find(session, sight(caller), delivery_id) is None:
        raise _no_delivery()
    verdict = delivery_log.replay(session, delivery_id, caller.by, now)
    if verdict is not Verdict.MAY:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "This delivery cannot be sent again",
            [Problem("", REFUSED[verdict])],
        )


def whole(session: Session, delivery_id: int, caller: Principal) -> dict[str, Any]:
    """A delivery with what was done with it."""
    row = delivery_log.find(session, sight(caller), delivery_id)
    if row is None:
        raise _no_delivery()
    done = delivery_log.attempts(session, delivery_id)
    columns = ("number", "began_at", "ended_at", "error")
    return item(row) | {
        "tried": [
            {name: shown.value(one[name]) for name in columns} for one in done if one["by"] is None
        ],
        "replayed": [
            {"at": shown.value(one["began_at"]), "by": one["by"]}
            for one in done
            if one["by"] is not None
        ],
    }


def item(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A delivery as it is shown; `webhook` its webhook, `to` its mail address."""
    told = {name: shown.value(held) for name, held in row.items() if name != "address"}
    mail = row["channel"] == Channel.MAIL
    return told | {
        "webhook": None if mail else int(row["address"]),
        "to": row["address"] if mail else None,
    }


def sight(caller: Principal) -> Sight:
    """What of the log a caller reads: mails go to people, so only administrators see them."""
    return Sight(owned(caller), caller.whole_office and Right.ADMIN in caller.rights)


def _no_delivery() -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "No such delivery")
