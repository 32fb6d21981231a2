"""Index 766 over HTTP."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.core.index766 import Population, Scale
from app.service import index766
from app.service.index766 import PAR, Figures, Scales
from app.web.deps import Transaction
from app.web.reports.answer import answer
from app.web.reports.asked import ReportAsked, about

router = APIRouter()
Points = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False)]
Threshold = Annotated[
    float | None, Query(gt=0, le=1, allow_inf_nan=False, description="from 0 to 1")
]


class By(StrEnum):
    """What the figures are split by beside their total."""

    BRANCH = "branch"


@router.get("/index-766", summary="Index 766: group 2, and what else dossiers can give")
def get_index766(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    population: Annotated[
        Population, Query(description="what received and handled in the period means")
    ] = Population.IN_HAND,
    by: Annotated[By | None, Query(description="rows of each branch as well")] = None,
    online_points: Points = None,
    online_threshold: Threshold = None,
    payment_points: Points = None,
    payment_threshold: Threshold = None,
    par_points: Points = None,
) -> Response:
    """Each criterion with its formula, numerator, denominator, rate, maximum and points.

    Maxima and thresholds that our sources do not print for sure are given by who asks.
    """
    total, found = index766.count(session, asked.rules, asked.clocks, asked.over, population)
    branches = {}
    if by is By.BRANCH and asked.branch is None:
        branches = {
            clock.branch: found.get(clock.branch, Figures())
            for clock in asked.clocks
            if clock.branch in found
            or asked.rules.branches[clock.branch].is_active(asked.over.last)
        }
    scales = Scales(
        Scale(online_points, online_threshold),
        Scale(payment_points, payment_threshold),
        PAR._replace(points=par_points),
    )
    return answer(
        request,
        index766.document(about(asked), total, branches, population=population, scales=scales),
    )
