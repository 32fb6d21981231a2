"""Who was heard of when: each source of each branch, its rhythm, and what its silence means."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.db import feeds
from app.service.access import Principal
from app.service.silence import Feed, feeds_of
from app.web.deps import TEXT, Keeper, Now, Reader, TheParts, Transaction, visible
from app.web.problems import ProblemError
from app.web.shown import instant

router = APIRouter(prefix="/v1/feeds", tags=["feeds"])

_LONGEST = 100 * 24 * 60  # office minutes: more than a quarter of a year
Source = Annotated[str, Path(min_length=1, max_length=60, pattern=TEXT)]


class Rhythm(BaseModel):
    """How long a source may be silent while the office is open."""

    model_config = ConfigDict(extra="forbid")

    expected_minutes: int | None = Field(
        ge=1, le=_LONGEST, description="minutes of open office; null: one working day"
    )


@router.get("", summary="Each source of each branch: when it was heard, and is it silent")
def get_feeds(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    silent: Annotated[bool | None, Query(description="only the silent, or only the others")] = None,
) -> dict[str, Any]:
    """`expected_by` counts the open hours of the branch, so no weekend and no holiday is silence.

    The source that `leads` gives the branch its clock; what comes due after its last word is
    `unverified`, and from `overdue_from` on overdue.
    """
    rules = held.book.in_force(session)
    found = feeds_of(session, rules, visible(caller, branch), now, silence_days=held.silence_days)
    items = [item(one, now) for one in found if silent is None or one.silent is silent]
    return {"items": items, "next": None}


@router.put("/{source}", summary="Set how often a source should be heard of")
def put_rhythm(
    session: Transaction, source: Source, body: Rhythm, caller: Keeper
) -> dict[str, Any]:
    """It concerns every branch the source tells of."""
    ours(session, source, caller)
    feeds.expect(session, source, body.expected_minutes)
    return {"source": source, "expected_minutes": body.expected_minutes}


@router.delete("/{source}", summary="Forget a source that will not send again", status_code=204)
def delete_feed(
    session: Transaction,
    source: Source,
    caller: Keeper,
    branch: Annotated[str | None, Query(description="only of this branch")] = None,
) -> None:
    """The next in rank leads from now on. What it has sent stays; if it speaks, it is back."""
    if not feeds.forget(session, source, visible(caller, branch)):
        raise _no_source(source)


def ours(session: Session, source: str, caller: Principal) -> None:
    """Raise unless a source is known, and of the caller's office alone."""
    offices = feeds.offices_of(session, source)
    if caller.office not in offices:
        raise _no_source(source)
    if len(offices) > 1:
        raise ProblemError(
            HTTPStatus.CONFLICT, "Another office uses this source too; it cannot be changed alone"
        )


def item(one: Feed, now: datetime) -> dict[str, Any]:
    """A feed as it is shown."""
    late = one.overdue_from is None or one.overdue_from <= now
    return {
        "branch": one.branch,
        "source": one.source,
        "name": one.name,
        "rank": one.rank,
        "leads": one.leads,
        "expected_minutes": one.expected_minutes,
        "heard_at": instant(one.heard_at),
        "expected_by": instant(one.expected_by),
        "silent": one.silent,
        "silent_since": instant(one.expected_by) if one.silent else None,
        "due_meanwhile": ("overdue" if late else "unverified") if one.leads else None,
        "overdue_from": instant(one.overdue_from),
    }


def _no_source(source: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "No source {source} that you may see", source=source)
