"""On-time rates appointment by appointment, over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import stage_verdicts
from app.web.deps import Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/stages", summary="On-time rates of limits with two appointments, each by itself")
def get_stages(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """The appointments that ended in the period, by branch."""
    document = stage_verdicts.document(
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
