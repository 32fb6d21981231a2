"""Biểu II.06a over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.service import ii06a
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/ii-06a", summary="Form II.06a/VPCP/KSTT by field and procedure", responses=FILES)
def get_ii06a(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    *,
    per_branch: Annotated[
        bool, Query(description="a row for each branch above its own; no form to sign")
    ] = False,
) -> Response:
    """The form of a branch, or of all in scope; by default of the last reporting quarter.

    As a workbook, that of all in scope has a sheet for each branch besides.
    """
    return answer(request, ii06a.report(session, asked, per_branch=per_branch))
