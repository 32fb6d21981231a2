"""On-time rates appointment by appointment, over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import stage_verdicts
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/stages", summary="On-time rates appointment by appointment", responses=FILES)
def get_stages(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """The appointments that ended in the period, by branch."""
    return answer(request, stage_verdicts.report(session, asked))
