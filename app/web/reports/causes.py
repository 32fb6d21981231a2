"""Why dossiers were late, over HTTP."""

from fastapi import APIRouter, Request, Response

from app.service import causes
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()


@router.get("/causes", summary="Why dossiers were late, by branch", responses=FILES)
def get_causes(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """What ended late in the period or was overdue at its close, by the cause said last."""
    return answer(request, causes.report(session, asked))
