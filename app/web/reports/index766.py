"""Index 766 over HTTP."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.core.index766 import Population
from app.service import index766
from app.web.deps import Transaction
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ReportAsked

router = APIRouter()
Points = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False)]
Threshold = Annotated[
    float | None, Query(gt=0, le=1, allow_inf_nan=False, description="from 0 to 1")
]


class YesNo(StrEnum):
    """A choice of the page."""

    YES = "yes"
    NO = "no"


class By(StrEnum):
    """What the figures are split by beside their total."""

    BRANCH = "branch"


@router.get(
    "/index-766", summary="Index 766: group 2, and what else dossiers can give", responses=FILES
)
def get_index766(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    population: Annotated[
        Population, Query(description="what received and handled in the period means")
    ] = Population.IN_HAND,
    by: Annotated[By | None, Query(description="rows of each branch as well")] = None,
    by_branch: Annotated[YesNo, Query(description="the same, as the page asks for it")] = YesNo.NO,
    online_points: Points = None,
    online_threshold: Threshold = None,
    payment_points: Points = None,
    payment_threshold: Threshold = None,
    par_points: Points = None,
) -> Response:
    """Each criterion with its formula, numerator, denominator, rate, maximum and points.

    Maxima and thresholds that our sources do not print for sure are given by who asks.
    """
    made = index766.report(
        session,
        asked,
        population=population,
        by_branch=by is By.BRANCH or by_branch is YesNo.YES,
        online_points=online_points,
        online_threshold=online_threshold,
        payment_points=payment_points,
        payment_threshold=payment_threshold,
        par_points=par_points,
    )
    return answer(request, made)
