"""The working calendar of a year for people; who may change it sees first what would move."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core.layers import unconfirmed_soon
from app.core.office_hours import CalendarSpec
from app.core.problems import Problem
from app.db import publications
from app.db.calendars import NATIONAL
from app.service import calendar_changes, changes
from app.service.access import Principal, Right
from app.service.calendar_items import DayBody
from app.service.calendars import FIRST_ON, LAST_ON
from app.service.changes import Change
from app.service.proposals import left_out, proposals, taken_over
from app.service.rules import Rules
from app.web import shown
from app.web.calendars import known, may_change
from app.web.deps import MAX_ID, Now, Parts, TheParts, Transaction
from app.web.pages import year as shape
from app.web.pages.shell import PageRoute, Person, Posting, render
from app.web.problems import ProblemError
from app.web.publishing import Publishing

router = APIRouter(route_class=PageRoute)

_SPAN = re.compile(r"(\d{1,2})[:h.](\d\d)?\s*[-–]\s*(\d{1,2})[:h.](\d\d)?", re.IGNORECASE)
Year = Annotated[int | None, Query(ge=FIRST_ON.year, le=LAST_ON.year)]


@router.get("/calendar")
def calendar(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    scope: str | None = None,
    year: Year = None,
    told: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> Response:
    """A year of the nation, the office or a branch; `told` is a publication just made."""
    rules = held.book.in_force(session)
    today = now.astimezone(shown.ZONE).date()
    chosen = known(scope or _usual(who), who)
    shows = year or today.year
    published = rules.of_scope(chosen)
    weeks, layers, body = shape.weeks_and_layers(session, published)
    own = layers[-1].scope == chosen
    mine = _may(who, chosen)
    return render(
        request,
        "calendar.html",
        scope=chosen,
        scopes=[NATIONAL, who.office, *sorted(who.branches)],
        names=_names(rules, who),
        year=shows,
        years=range(max(FIRST_ON.year, shows - 2), min(LAST_ON.year, shows + 2) + 1),
        today=today,
        months=shape.months(published.calendar, shows),
        days=shape.special_days(session, published, shows),
        weeks=weeks,
        layers=layers,
        history=shape.changes_of(session, sorted({chosen, *(one.scope for one in layers)})),
        own=own,
        spec=published.spec,
        soon=unconfirmed_soon(published.spec, today),
        mine=mine,
        nation=_may(who, NATIONAL),
        confirms=mine and (chosen == NATIONAL or (own and "confirmed_until" in body)),
        proposed=proposals(published.spec, shows) if mine and chosen == NATIONAL else [],
        made=_made(session, chosen, told),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A form of the page: a day to say something of or to take back, or a day to confirm up to."""

    scope: str
    what: str
    on: str
    kind: str
    name: str
    source: str
    hours: str
    version: int | None
    earlier: bool


def asked(
    scope: Annotated[str, Form()] = "",
    what: Annotated[str, Form()] = "",
    on: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
    hours: Annotated[str, Form()] = "",
    version: Annotated[int | None, Form(ge=0, le=MAX_ID)] = None,
    earlier: Annotated[bool, Form()] = False,  # noqa: FBT002 a box of a form
) -> Asked:
    """The form as it came: what is wrong with it is told on the page."""
    return Asked(scope, what, on, kind, name.strip(), source.strip(), hours, version, earlier)


TheForm = Annotated[Asked, Depends(asked)]


@router.get("/calendar/preview")
@router.get("/calendar/publish")
def back(request: Request, who: Person) -> Response:  # noqa: ARG001 access
    """To the calendar, for who loads the answer to a form again or in the other language."""
    return RedirectResponse(f"/calendar?{request.url.query}", HTTPStatus.SEE_OTHER)


@router.post("/calendar/preview")
def preview(request: Request, held: TheParts, now: Now, who: Posting, form: TheForm) -> Response:
    """What the change would move; nothing is published."""
    return _answer(request, held, now, who, form, Publishing(who, held, now, only=True))


@router.post("/calendar/publish")
def publish(request: Request, held: TheParts, now: Now, who: Posting, form: TheForm) -> Response:
    """Publish what was shown, unless the catalogue moved since; then back to the calendar."""
    made = Publishing(who, held, now, if_version=form.version)
    return _answer(request, held, now, who, form, made)


def _answer(
    request: Request,
    held: Parts,
    now: datetime,
    who: Principal,
    form: Asked,
    publishing: Publishing,
) -> Response:
    """The preview as a page, the way back after publishing, or what is wrong with the form."""
    if not _may(who, known(form.scope, who)):
        right = Right.CATALOGUE.value
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=right
        )
    with held.sessions() as session:
        rules = held.book.in_force(session)
    day = _day(form.on)
    values: dict[str, Any] = {
        "form": form,
        "on": day,
        "names": _names(rules, who),
        "hours": shape.spans(_spans(form.hours) or ()),
    }
    try:
        spec = rules.of_scope(form.scope).spec
        answer = publishing.make(lambda: _change(form, day, spec, who.by, now))
    except ProblemError as wrong:
        faults = wrong.problems or [Problem("", wrong.title, wrong.params)]
        return render(
            request, "calendar_change.html", wrong.status, **values, faults=faults, told=None
        )
    if answer.get("preview"):
        left = left_out(spec, day) if day and form.what == "confirm" else []
        return render(request, "calendar_change.html", **values, faults=[], told=answer, left=left)
    here = {"scope": form.scope, "year": day.year if day else ""}
    if answer["changed"]:
        here["told"] = answer["version"]
    return RedirectResponse(f"/calendar?{urlencode(here)}", HTTPStatus.SEE_OTHER)


def _change(form: Asked, day: date | None, spec: CalendarSpec, by: str, now: datetime) -> Change:
    """The change a form asks for.

    Raises:
        NotPublishableError: a field that says nothing readable.
    """
    if day is None or not FIRST_ON <= day <= LAST_ON:
        years = {"first": FIRST_ON.year, "last": LAST_ON.year}
        raise changes.NotPublishableError(
            Problem("date", "give a day of the years {first} to {last}", years)
        )
    match form.what:
        case "confirm":
            return calendar_changes.calendar_confirmed(form.scope, day, earlier=form.earlier)
        case "remove":
            return calendar_changes.calendar_without(form.scope, day)
        case _:
            body = _body(form)
            return calendar_changes.calendar_day(form.scope, taken_over(spec, day, body, by, now))


def _body(form: Asked) -> DayBody:
    hours = _spans(form.hours) if form.kind == shape.Mark.HOURS else None
    if form.kind == shape.Mark.HOURS and not hours:
        why = "write hours as 07:00-11:30, 13:30-17:00"
        raise changes.NotPublishableError(Problem("hours", why))
    if not form.name:
        why = "say why in a few words; every explanation of a due date shows it"
        raise changes.NotPublishableError(Problem("name", why))
    kind = "off" if form.kind == shape.Mark.OFF else "work"
    try:
        return DayBody.model_validate(
            {"kind": kind, "name": form.name, "source": form.source, "hours": hours}
        )
    except ValidationError as wrong:
        told = (Problem(str(one["loc"][0]), "{why}", {"why": one["msg"]}) for one in wrong.errors())
        raise changes.NotPublishableError(*told) from None


def _spans(text: str) -> list[tuple[str, str]] | None:
    """Hours as people write them (`7:00-11:30, 13h30–17h`); None if it is something else."""
    found = []
    for part in re.split(r"[,;]", text):
        span = _SPAN.fullmatch(part.strip())
        if span is None:
            return None
        start, start_minute, end, end_minute = (edge or "00" for edge in span.groups())
        found.append((f"{start:>02}:{start_minute}", f"{end:>02}:{end_minute}"))
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _may(who: Principal, scope: str) -> bool:
    """Whether the reader may change the calendar of a scope."""
    try:
        may_change(scope, who)
    except ProblemError:
        return False
    return Right.CATALOGUE in who.rights


def _usual(who: Principal) -> str:
    """What is shown first: a director's only branch, else what everybody shares."""
    return next(iter(who.branches)) if len(who.branches) == 1 else NATIONAL


def _names(rules: Rules, who: Principal) -> dict[str, str]:
    """The short names of the branches in scope."""
    return {code: rules.branches[code].short_name for code in who.branches}


def _made(session: Session, scope: str, told: int | None) -> Any:  # noqa: ANN401 a row
    """The publication the reader has just made, to say what it moved."""
    row = publications.find(session, told) if told is not None else None
    return row if row and (row["kind"], row["subject"]) == ("calendar", scope) else None
