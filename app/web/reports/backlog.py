"""The backlog at the close of a period, over HTTP."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.service import backlog
from app.service.document import Document
from app.web.deps import Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import Asked, ReportAsked

router = APIRouter()


@router.get("/backlog", summary="What is in hand, by age and by days past due")
def get_backlog(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """By branch, as it stood at the close of the period or of the day `as_of`."""
    return _told(request, session, asked, backlog.document)


@router.get("/backlog/oldest", summary="The ten dossiers longest in hand")
def get_oldest(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """Of all in scope or of one branch, as of the same moment."""
    return _told(request, session, asked, backlog.oldest)


def _told(
    request: Request, session: Session, asked: Asked, made: Callable[..., Document]
) -> Response:
    document = made(
        session,
        asked.clocks,
        asked.rules,
        asked.period,
        asked.over,
        office=asked.caller.office,
        branch=asked.branch,
        data_as_of=asked.data_as_of,
    )
    return answer(request, document)
