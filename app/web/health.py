"""Whether the service lives, is ready, and how it does: for machines that watch machines."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from app.db import feeds, job_runs, schema
from app.service.access import Principal, Right
from app.web import shown
from app.web.deps import Now, TheParts, with_right

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process lives")
def healthz() -> dict[str, str]:
    """Nothing is asked of the database: a restart would not mend it."""
    return {"status": "ok"}


@router.get("/readyz", summary="The database answers, at the newest migration")
def readyz(request: Request, held: TheParts, now: Now) -> JSONResponse:
    """503 while it does not; with the last tick of the jobs and the silent branches' count."""
    try:
        if not schema.is_current(request.app.state.engine):
            return JSONResponse({"status": "migrations missing"}, 503)
        with held.sessions() as session:
            ticks = job_runs.ticks(session)
            heard = feeds.heard_at(session)
    except SQLAlchemyError:
        return JSONResponse({"status": "no database"}, 503)
    last = ticks.get("flags")  # the sweep: what people would miss first
    answer: dict[str, Any] = {
        "status": "ok",
        "last_tick": shown.instant(last),
        "seconds_since_tick": None if last is None else round((now - last).total_seconds()),
        "branches_heard": len(heard),
    }
    return JSONResponse(answer)


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
def metrics(
    held: TheParts, now: Now, caller: Annotated[Principal, Depends(with_right(Right.READ))]
) -> Response:
    """Figures by branch code of the branches in scope; never a dossier, never a name."""
    registry = CollectorRegistry()
    heard = Gauge(
        "dunghan_branch_heard_age_seconds",
        "Seconds since the branch's data",
        ["branch"],
        registry=registry,
    )
    tick = Gauge(
        "dunghan_job_tick_age_seconds", "Seconds since the job last ran", ["job"], registry=registry
    )
    with held.sessions() as session:
        for branch, at in feeds.heard_at(session).items():
            if branch in caller.branches:
                heard.labels(branch).set((now - at).total_seconds())
        for name, at in job_runs.ticks(session).items():
            tick.labels(name).set((now - at).total_seconds())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
