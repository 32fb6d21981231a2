"""How long things took, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.service import durations
from app.service.durations import By
from app.web.deps import Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/durations", summary="Median and 90th percentile of days, by what they were spent on")
def get_durations(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    by: Annotated[By, Query(description="what to split by")] = By.PROCEDURE,
) -> Response:
    """Of what ended in the period: working and calendar days, with and without suspensions."""
    document = durations.document(
        session,
        asked.clocks,
        asked.rules,
        asked.period,
        asked.over,
        by,
        office=asked.caller.office,
        branch=asked.branch,
        data_as_of=asked.data_as_of,
    )
    return answer(request, document)
