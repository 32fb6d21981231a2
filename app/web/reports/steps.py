"""Steps against the law's time for them, over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import steps
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/steps", summary="Steps against their half days, by step of the law", responses=FILES)
def get_steps(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """The steps that ended in the period or were open at its close."""
    return answer(request, steps.report(session, asked))


@router.get("/bottlenecks", summary="The bottleneck step of each branch", responses=FILES)
def get_bottlenecks(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """The step of its own in which each branch loses most time."""
    return answer(request, steps.bottlenecks(session, asked))
