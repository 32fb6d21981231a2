"""Letters of apology for people: which must leave, which are drafted, which left; and causes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.causes import LONGEST_NOTE, Cause
from app.core.codes import dossier_code
from app.core.letters import LONGEST_REASON
from app.core.office_hours import CalendarEndsError
from app.core.problems import Problem
from app.db import dossiers, letters
from app.db.letters import LetterState, Yard
from app.printed.week import CAUSES
from app.service.access import Principal, Right
from app.service.letters import Outcome, Wanted
from app.service.rules import Rules
from app.web import causes, shown
from app.web.deps import MAX_ID, Now, Parts, TheParts, Transaction, visible
from app.web.letter_documents import archive, filled, read
from app.web.letters import (
    MOST,
    SHORTEST,
    drafted,
    number,
    recorded,
    refused,
    taken_back,
)
from app.web.pages.branch import days_left
from app.web.pages.recording import may_record
from app.web.pages.shell import PageRoute, Person, Posting, render
from app.web.problems import ProblemError

router = APIRouter(route_class=PageRoute)

PAGE = 100
_SENT = 20
_AHEAD = 10
"""Working days within which every ladder speaks of an apology."""
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Ids = Annotated[list[Annotated[int, Path(ge=1, le=MAX_ID)]], Form(alias="id")]


@dataclass(frozen=True, slots=True)
class Owing:
    """A dossier whose letter must leave; `days` left are negative when it is late."""

    code: str
    branch: str
    procedure: str
    due_on: date
    days: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as the page shows it."""

    id: int
    number: str
    code: str
    branch: str
    cause: str
    row: RowMapping


@router.get("/letters")
def overview(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    branch: Annotated[str, Query(max_length=60)] = "",
    done: Annotated[int, Query(ge=0, le=MOST)] = 0,
) -> Response:
    """What must leave today and what should have left, drafts, and what left last."""
    return _page(request, session, held, now, who, branch=branch, done=done)


@router.get("/letters/draft")
@router.get("/letters/sent")
@router.get("/letters/documents")
def back(who: Person) -> Response:  # noqa: ARG001 access
    """To the list, for who loads the answer to a form again or in the other language."""
    return RedirectResponse("/letters", HTTPStatus.SEE_OTHER)


@router.get("/letters/{letter_id}/void")
def back_from(letter_id: Id, who: Person) -> Response:  # noqa: ARG001 access
    """The same from another form."""
    return RedirectResponse("/letters", HTTPStatus.SEE_OTHER)


@dataclass(frozen=True, slots=True)
class Typed:
    """What letters are to say, as it was typed."""

    cause: str
    reason: str
    promised_at: str


def typed(
    cause: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=4_000)] = "",
    promised_at: Annotated[str, Form(max_length=40)] = "",
) -> Typed:
    """The fields of the form: what is wrong with them is told."""
    return Typed(cause, reason.replace("\0", "").strip(), promised_at)


@router.post("/letters/draft")
def draft(
    request: Request,
    held: TheParts,
    now: Now,
    who: Posting,
    form: Annotated[Typed, Depends(typed)],
    code: Annotated[list[str] | None, Form(max_length=MOST)] = None,
    alone: Annotated[bool, Form()] = False,  # noqa: FBT002 the form of a dossier's own page
) -> Response:
    """Letters for the ticked dossiers; from the page of one dossier back to it."""
    may_record(who)
    codes = [one[:60] for one in code or ()]
    outcomes = drafted(held, who, codes, _wanted(form), now) if codes else []
    wrong = [one for one in outcomes if one.letter is None]
    if alone and codes:
        if wrong:
            raise refused(wrong[0])
        return _to(outcomes[0].code)
    made = len(outcomes) - len(wrong)
    if not wrong:
        return RedirectResponse(f"/letters?{urlencode({'done': made})}", HTTPStatus.SEE_OTHER)
    with held.sessions() as session:
        return _page(request, session, held, now, who, done=made, wrong=wrong)


@router.post("/letters/sent")
def mark_sent(
    held: TheParts,
    now: Now,
    who: Posting,
    ids: Ids,
    sent_at: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """The ticked letters left at one moment; each is recorded by itself."""
    may_record(who)
    at = _moment("sent_at", sent_at)
    for one in ids:
        recorded(held, who, one, at, now)
    return RedirectResponse("/letters", HTTPStatus.SEE_OTHER)


@router.post("/letters/documents")
def take_away(held: TheParts, who: Posting, ids: Ids) -> Response:
    """The ticked letters as documents, a file each."""
    with held.sessions.begin() as session:
        told = read(session, held, who, letters.found(session, ids, sorted(who.branches)))
    return archive(filled(held, told))


@router.post("/letters/{letter_id}/void")
def take_back(
    session: Transaction,
    now: Now,
    who: Posting,
    letter_id: Id,
    reason: Annotated[str, Form(max_length=4_000)] = "",
) -> Response:
    """A draft is none any more; its number stays used."""
    may_record(who)
    taken_back(session, who, letter_id, _reason(reason), now)
    return RedirectResponse("/letters", HTTPStatus.SEE_OTHER)


@router.get("/dossiers/{code}/cause")
def back_to(code: str, who: Person) -> Response:  # noqa: ARG001 access
    """To the dossier, for who loads the answer to its form again."""
    return _to(code)


@router.post("/dossiers/{code}/cause")
def tell_cause(
    session: Transaction,
    now: Now,
    who: Posting,
    code: str,
    cause: Annotated[str, Form(max_length=40)] = "",
    note: Annotated[str, Form(max_length=4_000)] = "",
) -> Response:
    """Why the dossier is late; back to its page."""
    may_record(who)
    wanted = dossier_code(code)
    row = dossiers.find(session, wanted, sorted(who.branches)) if wanted else None
    if row is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    try:
        body = causes.CauseTold(cause=_cause(cause), note=note.replace("\0", "").strip() or None)
    except ValidationError:
        most = {"most": LONGEST_NOTE}
        raise _invalid(Problem("note", "write at most {most} signs", most)) from None
    causes.said(session, who, row["code"], body, now)
    return _to(row["code"])


def _to(code: str) -> Response:
    return RedirectResponse(f"/dossiers/{quote(code, safe='')}#lateness", HTTPStatus.SEE_OTHER)


def _wanted(form: Typed) -> Wanted:
    at = _moment("promised_at", form.promised_at)
    return Wanted(_cause(form.cause), _reason(form.reason), at)


def _cause(word: str) -> Cause:
    try:
        return Cause(word)
    except ValueError:
        raise _invalid(Problem("cause", "choose a cause from the list")) from None


def _reason(text: str) -> str:
    reason = text.replace("\0", "").strip()
    if not SHORTEST <= len(reason) <= LONGEST_REASON:
        bounds = {"least": SHORTEST, "most": LONGEST_REASON}
        raise _invalid(Problem("reason", "say why in {least} to {most} signs", bounds))
    return reason


def _moment(field: str, text: str) -> datetime:
    """What a browser sends of a day with its time, by the clock of Viet Nam."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(Problem(field, "give a day and an hour")) from None
    if not 1900 <= at.year < 2200:  # noqa: PLR2004 as the API takes them
        raise _invalid(Problem(field, "give a day and an hour"))
    return at if at.tzinfo else at.replace(tzinfo=shown.ZONE)


def _invalid(problem: Problem) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [problem])


def _page(
    request: Request,
    session: Session,
    held: Parts,
    now: datetime,
    who: Principal,
    *,
    branch: str = "",
    done: int = 0,
    wrong: Sequence[Outcome] = (),
) -> Response:
    rules = held.book.in_force(session)
    branches = visible(who, branch or None)
    rows, count = letters.owing(session, _yards(rules, branches, now), limit=PAGE)
    drafts = letters.page(session, branches, state=LetterState.DRAFT, limit=PAGE + 1)
    sent = letters.page(session, branches, state=LetterState.SENT, limit=_SENT)
    return render(
        request,
        "letters.html",
        HTTPStatus.CONFLICT if wrong else HTTPStatus.OK,
        branch=rules.branches[branch] if branch else None,
        names={code: rules.branches[code].short_name for code in sorted(who.branches)},
        owing=[_owing(row, rules, now) for row in rows],
        count=count,
        drafts=[_written(row, rules) for row in drafts[:PAGE]],
        more=len(drafts) > PAGE,
        sent=[_written(row, rules) for row in sent],
        causes=CAUSES,
        records=Right.RECORD in who.rights,
        done=done,
        wrong=wrong,
        now=now.astimezone(shown.ZONE),
    )


def _yards(rules: Rules, branches: Sequence[str], now: datetime) -> list[Yard]:
    """The end of today in each branch, and how far ahead its letters are due."""
    found = []
    for code in branches:
        calendar = rules.calendar_of(code)
        today = calendar.local_day(now)
        day_end = until = calendar.midnight_after(today)
        with suppress(CalendarEndsError):  # on its last days only what is due today
            until = calendar.midnight_after(calendar.nth_working_day(today, _AHEAD))
        found.append(Yard(code, day_end, until))
    return found


def _owing(row: RowMapping, rules: Rules, now: datetime) -> Owing:
    return Owing(
        code=row["code"],
        branch=rules.branches[row["branch"]].short_name,
        procedure=rules.procedures.get(row["procedure_code"], row["procedure_code"]),
        due_on=row["due_on"],
        days=days_left(rules.calendar_of(row["branch"]), now, row["due_on"]),
    )


def _written(row: RowMapping, rules: Rules) -> Written:
    return Written(
        id=row["id"],
        number=number(row),
        code=row["code"],
        branch=rules.branches[row["branch"]].short_name,
        cause=CAUSES[row["cause"]],
        row=row,
    )
