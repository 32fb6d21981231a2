"""Steps against the law's time for them, over HTTP."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.service import steps
from app.service.document import Document
from app.web.deps import Parts, TheParts, Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import Asked, ReportAsked

router = APIRouter()


@router.get("/steps", summary="Steps against their half days, by step of the law")
def get_steps(
    request: Request, session: Transaction, held: TheParts, asked: ReportAsked
) -> Response:
    """The steps that ended in the period or were open at its close."""
    return _told(request, session, held, asked, steps.document)


@router.get("/steps/bottlenecks", summary="The bottleneck step of each branch")
def get_bottlenecks(
    request: Request, session: Transaction, held: TheParts, asked: ReportAsked
) -> Response:
    """The step of its own in which each branch loses most time."""
    return _told(request, session, held, asked, steps.bottlenecks)


def _told(
    request: Request,
    session: Session,
    held: Parts,
    asked: Asked,
    made: Callable[..., Document],
) -> Response:
    document = made(
        session,
        asked.clocks,
        asked.rules,
        held.book,
        asked.period,
        asked.over,
        office=asked.caller.office,
        branch=asked.branch,
        data_as_of=asked.data_as_of,
    )
    return answer(request, document)
