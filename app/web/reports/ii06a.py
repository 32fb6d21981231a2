"""Biểu II.06a over HTTP."""

from typing import Any

from fastapi import APIRouter, Request

from app.service import ii06a
from app.web.deps import Transaction
from app.web.problems import language_of
from app.web.reports.asked import ReportAsked
from app.web.reports.told import told

router = APIRouter()


@router.get("/ii-06a", summary="Form II.06a/VPCP/KSTT by field and procedure")
def get_ii06a(request: Request, session: Transaction, asked: ReportAsked) -> dict[str, Any]:
    """The form of a branch, or of all in scope; by default of the last reporting quarter."""
    found = ii06a.count(session, asked.clocks, asked.over)
    document = ii06a.document(
        found,
        asked.rules,
        asked.period,
        asked.over,
        office=asked.caller.office,
        branch=asked.branch,
        data_as_of=asked.data_as_of,
    )
    return told(document, language_of(request))
