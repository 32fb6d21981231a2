"""How long things took, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.service import durations
from app.service.durations import By
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/durations", summary="Median and 90th percentile of days", responses=FILES)
def get_durations(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    by: Annotated[By, Query(description="what to split by")] = By.PROCEDURE,
) -> Response:
    """Of what ended in the period: working and calendar days, with and without suspensions."""
    return answer(request, durations.report(session, asked, by=by))
