"""Letters of apology over HTTP: drafted, recorded as sent or void, listed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.causes import Cause
from app.core.letters import LONGEST_REASON
from app.db import letters
from app.db.engine import again_if_deadlocked
from app.db.letters import LetterState
from app.service.access import Principal
from app.service.language import detail
from app.service.letters import LetterError, Outcome, Wanted, draft, send, void
from app.web import shown
from app.web.deps import (
    MAX_ID,
    TEXT,
    Now,
    Parts,
    Reader,
    Recorder,
    TheParts,
    Transaction,
    visible,
)
from app.web.problems import ProblemError, language_of

router = APIRouter(prefix="/v1", tags=["letters"])

MOST = 500
SHORTEST = 3

Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
Reason = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST_REASON, pattern=TEXT)]


class LetterAsked(BaseModel):
    """What a letter of apology is to say: the coded cause, the reason people read, the new date."""

    model_config = ConfigDict(extra="forbid")

    cause: Cause
    reason: Reason
    promised_at: Instant

    def wanted(self) -> Wanted:
        """The same as the service takes it."""
        return Wanted(self.cause, self.reason.strip(), self.promised_at.astimezone(UTC))


class LettersAsked(LetterAsked):
    """The same letter for several dossiers."""

    codes: list[Annotated[str, Field(min_length=1, max_length=60, pattern=TEXT)]] = Field(
        min_length=1, max_length=MOST
    )


class Sent(BaseModel):
    """When a letter was sent."""

    model_config = ConfigDict(extra="forbid")

    sent_at: Instant


class Void(BaseModel):
    """Why a draft is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.post(
    "/dossiers/{code}/letters",
    status_code=HTTPStatus.CREATED,
    summary="Draft a letter of apology and re-appointment",
)
def post_letter(
    code: str, body: LetterAsked, caller: Recorder, held: TheParts, now: Now
) -> dict[str, Any]:
    """Mẫu 04 for a dossier that is late or may become so; numbered within its branch and year.

    409 where the dossier stands against it: ended, without a due date, or re-appointed already.
    """
    (outcome,) = drafted(held, caller, [code], body.wanted(), now)
    if outcome.letter is None:
        raise refused(outcome)
    return item(outcome.letter)


@router.post("/letters", summary="Draft letters for several dossiers")
def post_letters(
    request: Request, body: LettersAsked, caller: Recorder, held: TheParts, now: Now
) -> dict[str, Any]:
    """One outcome a code, in their order: drafted with its letter, or refused with the problem."""
    outcomes = drafted(held, caller, body.codes, body.wanted(), now)
    language = language_of(request)
    items = [
        {
            "code": one.code,
            "outcome": "drafted" if one.letter else "refused",
            "letter": item(one.letter) if one.letter else None,
            "problem": {"field": one.problem.field, "detail": detail(one.problem, language)}
            if one.problem
            else None,
        }
        for one in outcomes
    ]
    return {"drafted": sum(one.letter is not None for one in outcomes), "items": items}


@router.get("/letters", summary="Letters, the newest first")
def list_letters(
    session: Transaction,
    caller: Reader,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    state: LetterState | None = None,
    cursor: Annotated[
        int | None, Query(ge=1, le=MAX_ID, description="`next` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """Of the dossiers these branches have now; `next` is null on the last page."""
    rows = letters.page(
        session, visible(caller, branch), state=state, after=cursor, limit=limit + 1
    )
    items = [item(row) for row in rows[:limit]]
    return {"items": items, "next": str(items[-1]["id"]) if len(rows) > limit else None}


@router.get("/letters/{letter_id}", summary="One letter")
def get_letter(session: Transaction, caller: Reader, letter_id: Id) -> dict[str, Any]:
    """What it says, when it was drafted, sent or taken back, and by whom."""
    row = letters.find(session, letter_id, sorted(caller.branches))
    if row is None:
        raise not_there()
    return item(row)


@router.post("/letters/{letter_id}/sent", summary="Record that a letter was sent")
def post_sent(
    caller: Recorder, held: TheParts, now: Now, letter_id: Id, body: Sent
) -> dict[str, Any]:
    """From then on it is a fact of the dossier, whatever its sources send.

    The same instant again is harmless; another one is 409: what was sent stays.
    """
    return item(recorded(held, caller, letter_id, body.sent_at, now))


@router.post("/letters/{letter_id}/void", summary="Take a draft back")
def post_void(
    session: Transaction, caller: Recorder, now: Now, letter_id: Id, body: Void
) -> dict[str, Any]:
    """Its dossier may have another letter; its number stays used. 409 once it was sent."""
    return item(taken_back(session, caller, letter_id, body.reason.strip(), now))


def drafted(
    held: Parts, caller: Principal, codes: Sequence[str], wanted: Wanted, now: datetime
) -> list[Outcome]:
    """Draft letters in the caller's scope."""
    branches = sorted(caller.branches)
    return draft(held.sessions, codes, wanted, branches, held.book, caller.by, now)


def refused(outcome: Outcome) -> ProblemError:
    """Why a dossier has no letter, as an answer."""
    if outcome.unknown or outcome.problem is None:
        return ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=outcome.code
        )
    status = HTTPStatus.CONFLICT if outcome.conflict else HTTPStatus.UNPROCESSABLE_ENTITY
    return ProblemError(status, "The letter cannot be drafted", [outcome.problem])


def recorded(
    held: Parts, caller: Principal, letter_id: int, sent_at: datetime, now: datetime
) -> RowMapping:
    """Record that a letter in the caller's scope was sent.

    Raises:
        ProblemError: there is none, or it cannot have been sent then.
    """
    branches = sorted(caller.branches)
    try:
        row = again_if_deadlocked(
            held.sessions,
            lambda session: send(
                session, letter_id, sent_at.astimezone(UTC), branches, held.book, caller.by, now
            ),
        )
    except LetterError as why:
        raise _stands(why) from None
    if row is None:
        raise not_there()
    return row


def taken_back(
    session: Session, caller: Principal, letter_id: int, reason: str, now: datetime
) -> RowMapping:
    """Void a draft in the caller's scope.

    Raises:
        ProblemError: there is none, or it is a draft no more.
    """
    try:
        row = void(session, letter_id, reason, sorted(caller.branches), caller.by, now)
    except LetterError as why:
        raise _stands(why) from None
    if row is None:
        raise not_there()
    return row


def _stands(why: LetterError) -> ProblemError:
    status = HTTPStatus.CONFLICT if why.conflict else HTTPStatus.UNPROCESSABLE_ENTITY
    return ProblemError(status, "The letter stays as it is", [why.problem])


def not_there() -> ProblemError:
    """No letter, or none of a branch in scope: the two are not told apart."""
    return ProblemError(HTTPStatus.NOT_FOUND, "No such letter that you may see")


def item(row: RowMapping) -> dict[str, Any]:
    """A letter as JSON."""
    told = {name: shown.value(held) for name, held in row.items() if name not in ("year", "number")}
    return (
        {"id": told.pop("id"), "number": number(row)} | told | {"state": letters.state(row).value}
    )


def number(row: RowMapping) -> str:
    """Its number as it is written: `05/PXL`."""
    return f"{row['number']:02}/PXL"


def told_of(rows: Sequence[RowMapping]) -> dict[str, Any] | None:
    """The letter of a dossier that counts: the one that is not void."""
    return next((item(row) for row in rows if row["void_at"] is None), None)
