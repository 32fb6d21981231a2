"""Biểu II.06a over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import ii06a
from app.web.deps import Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/ii-06a", summary="Form II.06a/VPCP/KSTT by field and procedure")
def get_ii06a(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """The form of a branch, or of all in scope; by default of the last reporting quarter."""
    found = ii06a.count(session, asked.clocks, asked.over, each_branch=asked.branch is not None)
    document = ii06a.document(
        found,
        asked.rules,
        asked.period,
        asked.over,
        office=asked.caller.office,
        branch=asked.branch,
        data_as_of=asked.data_as_of,
    )
    return answer(request, document)
