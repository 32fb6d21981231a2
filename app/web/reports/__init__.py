"""Reports over HTTP: one file a report; what they are asked for and how they answer is shared."""

from fastapi import APIRouter

from app.web.reports import (
    backlog,
    causes,
    drawn,
    durations,
    ii06a,
    index766,
    on_time,
    stages,
    steps,
    yardsticks,
)

router = APIRouter(prefix="/v1/reports", tags=["reports"])
for one in (on_time, ii06a, yardsticks, index766, durations, stages, steps, backlog, causes, drawn):
    router.include_router(one.router)
