"""The chart of a report over HTTP: its Vega-Lite definition, or drawn."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app.printed import bars
from app.printed.easel import NotDrawnError
from app.printed.forms import Form, Size
from app.printed.speech import Speech
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.drawing import TheEasel
from app.web.problems import ProblemError, language_of
from app.web.reports import registry
from app.web.reports.answer import PRIVATE, Language
from app.web.reports.asked import PeriodAsked, asked

router = APIRouter()

_TYPES = {Form.VEGA: "application/json", Form.SVG: "image/svg+xml", Form.PNG: "image/png"}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The Vega-Lite definition with its data, or the picture",
        "content": {
            _TYPES[Form.VEGA]: {"schema": {"type": "object"}},
            _TYPES[Form.SVG]: {"schema": {"type": "string"}},
            _TYPES[Form.PNG]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get(
    "/{name}/chart",
    summary="The chart of a report: Vega-Lite, SVG or PNG",
    response_class=Response,
    responses=_ANSWERS,
)
def get_chart(
    request: Request,
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    draws: TheEasel,
    name: Annotated[str, Path(description="of a report", max_length=60)],
    period: PeriodAsked,
    branch: Annotated[str | None, Query(description="one branch; else all in scope")] = None,
    as_of: Annotated[
        date | None,
        Query(description="as it stood at the close of this day; else at the end of the period"),
    ] = None,
    form: Annotated[Form, Query(alias="format")] = Form.VEGA,
    size: Annotated[Size, Query(description="narrow: names above the bars")] = Size.WIDE,
    language: Annotated[
        Language | None, Query(alias="lang", description="else by Accept-Language")
    ] = None,
) -> Response:
    """Of the same period, and with the same options, as the report itself."""
    wanted = period or registry.known(name).period(now.astimezone(shown.ZONE).date())
    found = asked(session, caller, held, now, wanted, branch, as_of)
    document = registry.document_of(name, session, found, request.query_params)
    session.commit()  # what follows may take seconds, and holds no connection
    say = Speech(language.value if language else language_of(request))
    picture = bars.picture(document, say)
    if picture is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "There are no figures to draw a chart of")
    try:
        drawn = draws.draw(picture, size, form)
    except NotDrawnError:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The chart cannot be drawn now; send again in a moment",
            headers={"Retry-After": "30"},
        ) from None
    return Response(drawn, media_type=_TYPES[form], headers=PRIVATE)
