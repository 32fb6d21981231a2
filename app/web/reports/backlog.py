"""The backlog at the close of a period, over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import backlog
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/backlog", summary="What is in hand, by age and by days past due", responses=FILES)
def get_backlog(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """By branch, as it stood at the close of the period or of the day `as_of`."""
    return answer(request, backlog.report(session, asked))


@router.get("/backlog-oldest", summary="The ten dossiers longest in hand", responses=FILES)
def get_oldest(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """Of all in scope or of one branch, as of the same moment."""
    return answer(request, backlog.oldest(session, asked))
