"""What routes are given: the application's parts, a session, and a caller with its scope."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from secrets import compare_digest
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy.orm import Session

from app import wallclock
from app.db.engine import Sessions
from app.db.lists import Clock
from app.service import access
from app.service.access import Principal, Right
from app.service.digest import Judged
from app.service.rules import RuleBook, Rules
from app.service.silence import BranchClock, branch_clocks
from app.web.crew import Crew
from app.web.problems import ProblemError

COOKIE = "dunghan_session"
CSRF_HEADER = "x-csrf-token"
TEXT = r"^[^\x00]*$"  # what PostgreSQL can compare with
MAX_ID = 2**63 - 1
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the front door hands to the routes; `app.state.parts` holds it."""

    sessions: Sessions
    book: RuleBook
    silence_days: int
    soon_days: int
    session_hours: int
    token_minutes: int
    allow_private_webhooks: bool
    secure_cookies: bool
    letters: Path | None
    crew: Crew
    judged: Judged


class Judging(Protocol):
    """By which rules, and after how long a silence, lateness is judged; `Parts` are such."""

    @property
    def book(self) -> RuleBook:
        """The rules."""

    @property
    def silence_days(self) -> int:
        """Working days of silence after which what came due meanwhile is overdue."""

    @property
    def soon_days(self) -> int:
        """Working days before its due day from which on a dossier is due soon."""


def parts(request: Request) -> Parts:
    """The parts of the application."""
    held: Parts = request.app.state.parts
    return held


TheParts = Annotated[Parts, Depends(parts)]


def transaction(held: TheParts) -> Iterator[Session]:
    """A transaction, committed when the endpoint returns and before the answer is sent."""
    with held.sessions.begin() as session:
        yield session


# With the default scope the commit would come after the answer: a failed commit would be a 200.
Transaction = Annotated[Session, Depends(transaction, scope="function")]


def moment() -> datetime:
    """The instant of this request, read once."""
    return wallclock.now()


Now = Annotated[datetime, Depends(moment)]

_bearer = HTTPBearer(auto_error=False, description="a token from POST /oauth/token")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="a sign-in at /sign-in")


def find_principal(
    request: Request,
    held: TheParts,
    now: Now,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal | None:
    """The caller, by bearer token or sign-in; None without a living credential.

    A sign-in may change something only with its CSRF token beside the cookie, which a foreign page
    cannot read.
    """
    if bearer is None and cookie is None:
        return None
    with held.sessions() as session:
        rules = held.book.in_force(session)
        if bearer is not None:
            return access.by_token(session, bearer.credentials, rules, now)
        found = access.by_session(session, cookie or "", rules, now)
    if found is None or request.method in _SAFE:
        return found
    sent = request.headers.get(CSRF_HEADER, "")
    if found.csrf is None or not compare_digest(sent.encode(), found.csrf.encode()):
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "The CSRF token is missing or wrong; load the page again"
        )
    return found


def with_right(right: Right) -> Callable[..., Principal]:
    """A dependency that lets in only a caller with that right."""

    def allowed(found: Annotated[Principal | None, Depends(find_principal)]) -> Principal:
        if found is None:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "A credential is needed: a bearer token from /oauth/token, or a sign-in",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if right not in found.rights:
            raise ProblemError(
                HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=right.value
            )
        return found

    return allowed


Reader = Annotated[Principal, Depends(with_right(Right.READ))]
Sender = Annotated[Principal, Depends(with_right(Right.INTAKE))]
Recorder = Annotated[Principal, Depends(with_right(Right.RECORD))]
Publisher = Annotated[Principal, Depends(with_right(Right.CATALOGUE))]


def whole_office(
    found: Annotated[Principal, Depends(with_right(Right.ADMIN))],
) -> Principal:
    """A caller who keeps what belongs to an office as a whole."""
    if not found.whole_office:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This is for a credential of the whole office, not of branches"
        )
    return found


Keeper = Annotated[Principal, Depends(whole_office)]


def visible(principal: Principal, asked: str | None) -> list[str]:
    """The branches a query is for: the one asked, or all in scope. A stranger's is not found."""
    if asked is None:
        return sorted(principal.branches)
    if asked not in principal.branches:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No branch {branch} that you may see", branch=asked[:60]
        )
    return [asked]


def clocks_of(
    session: Session, held: Judging, rules: Rules, now: datetime, branches: list[str]
) -> tuple[list[Clock], dict[str, BranchClock]]:
    """What "now" means for some branches: as lists take it, and in full."""
    found = branch_clocks(
        session, rules, now, silence_days=held.silence_days, soon_days=held.soon_days
    )
    mine = {code: found[code] for code in branches if code in found}
    return [Clock(code, clock.clock_at, clock.soon_until) for code, clock in mine.items()], mine
