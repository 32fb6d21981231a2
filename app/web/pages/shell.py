"""What every page stands in: its language, its reader, its template, and its errors as pages."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from secrets import compare_digest
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError

from app.printed.speech import Speech
from app.service import access
from app.service.access import Principal
from app.service.language import LANGUAGES
from app.web.deps import COOKIE, Now, TheParts
from app.web.pages.words import ASKED
from app.web.problems import ProblemError

LANGUAGE_COOKIE = "dunghan_language"
_YEAR = 365 * 24 * 3600
_APP = Path(__file__).parents[2]
_log = structlog.get_logger()


class SignInNeededError(Exception):
    """A page was asked for without a living sign-in."""


class PageRoute(APIRoute):
    """A route for people: whatever is wrong is answered with a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with our errors turned into pages.

        An error caught here lets the transaction of the request commit, so a route raises before
        it writes.
        """
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except SignInNeededError:
                return RedirectResponse(f"/sign-in?{urlencode({'next': address(request)})}", 303)
            except ProblemError as fault:
                say = speech(request)
                told = [
                    (
                        say(ASKED.get(one.field, one.field)),
                        say(one.message, **say.humane(one.params)),
                    )
                    for one in fault.problems
                ]
                return error(request, fault.status, say(fault.title, **fault.params), told)
            except RequestValidationError:
                say = speech(request)
                title = say("The address or the form is not valid")
                return error(request, HTTPStatus.UNPROCESSABLE_ENTITY, title)
            except OperationalError as fault:
                _log.error("database unavailable", error=type(fault).__name__)
                say = speech(request)
                title = say("The database does not answer; send again in a moment")
                return error(request, HTTPStatus.SERVICE_UNAVAILABLE, title)

        return page


def person(request: Request, held: TheParts, now: Now) -> Principal:
    """Who reads the page."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise SignInNeededError
    with held.sessions() as session:
        found = access.by_session(session, cookie, held.book.in_force(session), now)
    if found is None:
        raise SignInNeededError
    request.state.person = found
    return found


Person = Annotated[Principal, Depends(person)]


def posting(who: Person, csrf: Annotated[str, Form()] = "") -> Principal:
    """Who sends a form of ours: it carries the token of the sign-in, which no other page knows."""
    if who.csrf is None or not compare_digest(csrf.encode(), who.csrf.encode()):
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "The CSRF token is missing or wrong; load the page again"
        )
    return who


Posting = Annotated[Principal, Depends(posting)]


def address(request: Request) -> str:
    """Where the reader is, to come back to after signing in: a form's page is the front page."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def local(target: str) -> str:
    """A path of ours to go on to; anything that could leave the site becomes the front page."""
    odd = any(sign < " " or sign == "\\" for sign in target)
    if odd or not target.startswith("/") or target.startswith("//"):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


def speech(request: Request) -> Speech:
    """The language asked for, else remembered by the browser, else of the account."""
    reader: Principal | None = getattr(request.state, "person", None)
    wishes = (
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        reader.language if reader else None,
    )
    return Speech(next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0]))


def render(
    request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, /, **values: object
) -> HTMLResponse:
    """A page. It may show citizens' data, so nobody between us and the reader may keep it."""
    say = speech(request)
    others = (other for other in LANGUAGES if other != say.language)
    shared = {
        "_": say,
        "say": say,
        "request": request,
        "person": getattr(request.state, "person", None),
        "languages": {other: _with_language(request, other) for other in others},
        "style": _style(),
    }
    html = _environment().get_template(template).render(shared, **values)
    response = HTMLResponse(html, status, headers={"Cache-Control": "private, no-store"})
    if request.query_params.get("lang") == say.language:
        response.set_cookie(
            LANGUAGE_COOKIE, say.language, max_age=_YEAR, httponly=True, samesite="lax", path="/",
            secure=request.app.state.parts.secure_cookies,
        )  # fmt: skip
    return response


def error(
    request: Request, status: HTTPStatus, title: str, problems: Sequence[tuple[str, str]] = ()
) -> HTMLResponse:
    """An error as a page with a way back; `problems` are fields and what is wrong with each."""
    values = {"title": title, "status": int(status), "problems": problems}
    return render(request, "error.html", status, **values)


def _with_language(request: Request, language: str) -> str:
    url = request.url.include_query_params(lang=language)
    return f"{url.path}?{url.query}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_APP / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What JSON holds as text; `capitalize` of Jinja would make small what follows.
    made.filters |= {
        "date": date.fromisoformat,
        "moment": datetime.fromisoformat,
        "capitalize": lambda words: words[:1].upper() + words[1:],
    }
    return made


@cache
def _style() -> str:
    """The address of the style sheet; a new content is a new address."""
    content = (_APP / "static" / "style.css").read_bytes()
    return f"/static/style.css?{sha256(content).hexdigest()[:12]}"
