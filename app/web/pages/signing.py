"""Signing in and out."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db import access as accounts
from app.service import access
from app.web.deps import COOKIE, Now, TheParts, Transaction
from app.web.pages.shell import PageRoute, Posting, local, render
from app.web.problems import ProblemError

router = APIRouter(route_class=PageRoute)


@router.get("/sign-in")
def form(request: Request, next: str = "/") -> Response:  # noqa: A002 the name of the field
    """The form; `next` is where to go on to."""
    return render(request, "sign_in.html", next=local(next), login="", wrong=False)


@router.post("/sign-in")
def sign_in(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    login: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 the name of the field
) -> Response:
    """Start a session, or the form again; it does not say which of the two was wrong."""
    if not _from_here(request):
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "The sign-in came from another site; use the form of this page"
        )
    lifetime = timedelta(hours=held.session_hours)
    known = login.strip().replace("\0", "\ufffd")  # no text of PostgreSQL holds a NUL
    cookie = access.sign_in(session, known, password, now, lifetime)
    if cookie is None:
        return render(
            request, "sign_in.html", HTTPStatus.UNAUTHORIZED,
            next=local(next), login=login, wrong=True,
        )  # fmt: skip
    response = RedirectResponse(local(next), HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE, cookie, max_age=int(lifetime.total_seconds()), httponly=True, samesite="lax",
        secure=held.secure_cookies, path="/",
    )  # fmt: skip
    return response


@router.post("/sign-out")
def sign_out(
    request: Request,
    session: Transaction,
    held: TheParts,
    who: Posting,  # noqa: ARG001 the token of the form
) -> Response:
    """End the session, here and in the database."""
    accounts.end_session(session, access.digest(request.cookies.get(COOKIE, "")))
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=held.secure_cookies
    )
    return response


def _from_here(request: Request) -> bool:
    """Whether a form was sent by a page of ours, as every browser says of a POST.

    Else a foreign page could sign its visitor in to an account of its own (login CSRF). A program
    that says nothing is no browser, and has no cookies to be misused.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
