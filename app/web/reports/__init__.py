"""Reports over HTTP: one file a report; what they are asked for and how they answer is shared."""

from fastapi import APIRouter

from app.web.reports import drawn, ii06a, on_time

router = APIRouter(prefix="/v1/reports", tags=["reports"])
for one in (on_time, ii06a, drawn):
    router.include_router(one.router)
