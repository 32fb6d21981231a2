"""The reports as pages: which there are, and each with its figures, its chart and how it counts."""

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from app.core.problems import Problem
from app.printed import bars, saying
from app.printed.easel import Easel, NotDrawnError
from app.printed.forms import Form, Size
from app.printed.speech import Speech
from app.service import reporting
from app.service.asked import Asked
from app.service.document import Document
from app.web import shown
from app.web.deps import Now, TheParts, Transaction
from app.web.drawing import TheEasel
from app.web.pages.choosing import Chooser, chooser
from app.web.pages.sheets import sheet
from app.web.pages.shell import PageRoute, Person, render, speech
from app.web.problems import ProblemError
from app.web.reports import registry
from app.web.reports.asked import asked, find_period

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The fields of the form of a report; a browser sends those left empty as well."""

    period: str
    first: date | None
    last: date | None
    branch: str | None
    as_of: date | None


def find_wanted(
    period: Annotated[str, Query(max_length=20)] = "",
    first: Annotated[str, Query(alias="from", max_length=20)] = "",
    last: Annotated[str, Query(alias="to", max_length=20)] = "",
    branch: Annotated[str, Query(max_length=60)] = "",
    as_of: Annotated[str, Query(max_length=20)] = "",
) -> Wanted:
    """What is asked for, blank fields left out.

    Raises:
        ProblemError: a day that is none.
    """
    return Wanted(
        period.strip(),
        _day("from", first),
        _day("to", last),
        branch.strip() or None,
        _day("as_of", as_of),
    )


def _day(field: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        told = Problem(field, "{value} is no day; write it as 2026-10-05", {"value": text})
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told]
        ) from None


@router.get("/reports")
def index(request: Request, who: Person, draws: TheEasel) -> Response:  # noqa: ARG001 access
    """The reports there are, a sentence each."""
    draws.wake()
    listed = {name: registry.LISTED[name] for name in registry.LISTED if name in reporting.REPORTS}
    others = [name for name in reporting.REPORTS if name not in listed]
    return render(request, "reports.html", listed=listed, others=others)


@router.get("/reports/{name}")
def report(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    draws: TheEasel,
    name: str,
    wanted: Annotated[Wanted, Depends(find_wanted)],
) -> Response:
    """One report of a period, of the office or of one branch."""
    known = registry.known(name)
    chosen = find_period(now, wanted.period or None, wanted.first, wanted.last)
    today = now.astimezone(shown.ZONE).date()
    found = asked(
        session, who, held, now, chosen or known.period(today), wanted.branch, wanted.as_of
    )
    document = registry.document_of(name, session, found, request.query_params)
    session.commit()  # the chart is drawn without a connection that others wait for
    say = speech(request)
    choosing = chooser(name, found, wanted.as_of, request.query_params, today, say)
    rules = found.rules
    return render(
        request,
        "report.html",
        document=document,
        sheet=sheet(document, say, {code: f"/branches/{code}" for code in who.branches}),
        period=saying.whole_period(document.period, say),
        standing=list(saying.standing(document, say)),
        choosing=choosing,
        branches={code: rules.branches[code].name for code in sorted(who.branches)},
        files=_files(name, found, wanted, choosing, say),
        chart=_chart(document, draws, say),
    )


def _files(
    name: str, found: Asked, wanted: Wanted, choosing: Chooser, say: Speech
) -> dict[str, str]:
    """Where the same figures are had as a file, and the chart as a definition."""
    query: dict[str, Any] = {"from": found.period.first, "to": found.period.last}
    query |= {"branch": found.branch, "as_of": wanted.as_of} | dict(choosing.given)
    kept = {field: value for field, value in query.items() if value}
    address = f"/v1/reports/{name}"
    made = {
        form.upper(): f"{address}?{urlencode(kept | {'format': form, 'lang': say.language})}"
        for form in ("xlsx", "csv", "json")
    }
    drawn = urlencode(kept | {"format": Form.VEGA.value, "lang": say.language})
    return made | {"Vega-Lite": f"{address}/chart?{drawn}"}


def _chart(document: Document, draws: Easel, say: Speech) -> dict[str, Any] | None:
    """The chart as it stands in the page, for wide screens and narrow ones; None without one."""
    picture = bars.picture(document, say)
    if picture is None:
        return None
    try:
        drawn = {size.value: draws.draw(picture, size, Form.SVG).decode() for size in Size}
    except NotDrawnError:
        drawn = {}
    return {"drawn": drawn, "sentence": picture.sentence, "note": picture.note}
