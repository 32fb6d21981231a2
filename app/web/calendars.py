"""Calendars over HTTP: layers of the nation, an office, a branch; their days, one by one."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.core.layers import unconfirmed_soon
from app.db import calendars
from app.db.calendars import NATIONAL
from app.service import calendar_changes
from app.service.access import Principal
from app.service.calendar_items import DayBody
from app.service.calendars import Published
from app.service.proposals import left_out, proposals, taken_over
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.problems import ProblemError
from app.web.publishing import Publishing, may_publish

router = APIRouter(prefix="/v1/calendars", tags=["calendars"], max_body_size=16 * 1024 * 1024)
Publishes = Annotated[Publishing, Depends()]
Year = Annotated[int, Query(ge=2013, le=2056)]


class Confirmed(BaseModel):
    """Up to when the calendar is said to be complete, that day included."""

    model_config = ConfigDict(extra="forbid")

    until: date
    earlier: bool = Field(default=False, description="take back days that were confirmed before")


@router.get("/{scope}", summary="What a scope publishes of the calendar")
def get_calendar(
    session: Transaction,
    scope: str,
    caller: Reader,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the newest")] = None,
) -> dict[str, Any]:
    """`national`, an office, or a branch; 404 where a scope has no layer of its own.

    Every version that was ever published can be read back: none is changed.
    """
    row = calendars.find(session, known(scope, caller), version)
    if row is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No calendar {scope}", scope=scope[:60])
    return dict(row["body"]) | {"scope": scope, "version": row["version"]}


@router.put("/{scope}", summary="Publish a layer of the calendar")
def put_calendar(scope: str, body: dict[str, Any], publishing: Publishes) -> dict[str, Any]:
    """Versions are immutable; open dossiers are derived anew, closed ones keep what was used.

    An office or a branch says only what differs there: a week, seasons, single days.
    """
    may_change(scope, publishing.caller)
    return publishing.make(lambda: calendar_changes.calendar(scope, body))


@router.put("/{scope}/days/{on}", summary="Say of one day that it is off, or worked")
def put_day(
    scope: str, on: date, body: DayBody, publishing: Publishes, held: TheParts, now: Now
) -> dict[str, Any]:
    """Who said so, when, and which library proposed it is kept with the day; the rest stays."""
    may_change(scope, publishing.caller)
    with held.sessions() as session:
        spec = held.book.in_force(session).of_scope(scope).spec
    by = publishing.caller.by
    return publishing.make(
        lambda: calendar_changes.calendar_day(scope, taken_over(spec, on, body, by, now))
    )


@router.delete("/{scope}/days/{on}", summary="Take a day back: it is as the wider layers have it")
def delete_day(scope: str, on: date, publishing: Publishes) -> dict[str, Any]:
    """A new version without that day; the older ones stay for what was derived with them."""
    may_change(scope, publishing.caller)
    return publishing.make(lambda: calendar_changes.calendar_without(scope, on))


@router.put("/{scope}/confirmed", summary="Say that the calendar is complete up to a day")
def put_confirmed(
    scope: str, body: Confirmed, publishing: Publishes, held: TheParts
) -> dict[str, Any]:
    """Due dates that lean on later days are provisional.

    `left_out` are proposed days among those now confirmed that nobody took over: they are worked.
    """
    may_change(scope, publishing.caller)
    with held.sessions() as session:
        spec = held.book.in_force(session).of_scope(scope).spec
    change = calendar_changes.calendar_confirmed(scope, body.until, earlier=body.earlier)
    left = [{"date": one.on.isoformat(), "name": one.name} for one in left_out(spec, body.until)]
    return publishing.make(lambda: change) | {"left_out": left}


@router.get("/{scope}/in-force", summary="The calendar a branch works by, all layers laid together")
def get_in_force(
    session: Transaction, scope: str, caller: Reader, held: TheParts, now: Now, year: Year
) -> dict[str, Any]:
    """Its special days of a year with who says so, and whether an unconfirmed year is near."""
    published = held.book.in_force(session).of_scope(known(scope, caller))
    spec = published.spec
    soon = unconfirmed_soon(spec, now.astimezone(shown.ZONE).date())
    return {
        "scope": scope,
        "layers": [{"scope": one.scope, "version": one.version} for one in published.layers],
        "confirmed_from": shown.value(spec.confirmed_from),
        "confirmed_until": shown.value(spec.confirmed_until),
        "unconfirmed_soon": shown.value(soon),
        "days": days_of(session, published, year),
    }


@router.get("/{scope}/proposals", summary="Days a library proposes for a year")
def get_proposals(
    session: Transaction, scope: str, caller: Reader, held: TheParts, year: Year
) -> dict[str, Any]:
    """Take one over with PUT on its day; what is not taken over counts as if it were not there."""
    spec = held.book.in_force(session).of_scope(known(scope, caller)).spec
    items = [
        {
            "date": one.on.isoformat(),
            "kind": one.kind,
            "name": one.name,
            "proposed_by": one.proposed_by,
            "standing": one.standing.value,
            "confirmed": one.confirmed,
        }
        for one in proposals(spec, year)
    ]
    return {"items": items, "next": None}


def days_of(session: Session, published: Published, year: int) -> list[dict[str, Any]]:
    """The special days of a year in order, each with the scope of the layer that says so."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in calendars.layers_of(session, published.id):
        for day in row["body"].get("days", ()):
            if day["date"].startswith(f"{year}-"):
                found[day["date"]] = day | {"scope": row["scope"]}
    return [dict(found[on]) for on in sorted(found)]


def known(scope: str, caller: Principal) -> str:
    """The scope, if the caller may read its calendar."""
    if scope not in {NATIONAL, caller.office, *caller.branches}:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No calendar {scope}", scope=scope[:60])
    return scope


def may_change(scope: str, caller: Principal) -> None:
    """Refuse whoever may not publish the calendar of a scope."""
    if known(scope, caller) in (NATIONAL, caller.office) or scope not in caller.branches:
        may_publish(caller, nation=scope == NATIONAL)
