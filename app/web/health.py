"""Whether the service lives and is ready: for machines that watch machines."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import job_runs, schema
from app.db.job_runs import Tick
from app.service.rules import NoCalendarError
from app.service.silence import Feed, feeds_of
from app.web import shown
from app.web.deps import Now, Parts, TheParts

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process lives")
def healthz() -> dict[str, str]:
    """Nothing is asked of the database: a restart would not mend it."""
    return {"status": "ok"}


@router.get("/readyz", summary="The database answers, at the newest migration")
def readyz(request: Request, held: TheParts, now: Now) -> JSONResponse:
    """503 while it does not; with the last tick of each job, and how many sources are silent.

    A job that is late makes no web server unready, for that one answers as well without: watch
    `jobs_late`, or `dunghan_job_late` in `/metrics`. Which sources are silent is for who has a
    credential: `GET /v1/feeds?silent=true`, or `/metrics`.
    """
    try:
        if not schema.is_current(request.app.state.engine):
            return JSONResponse({"status": "migrations missing"}, 503)
        with held.sessions() as session:
            ticks, since = job_runs.ticks(session), job_runs.under_way(session)
            fed = feeds_known(session, held, now)
    except SQLAlchemyError:
        return JSONResponse({"status": "no database"}, 503)
    sweep = ticks.get("flags", Tick("flags"))  # what people would miss first
    answer: dict[str, Any] = {
        "status": "ok",
        "last_tick": shown.instant(sweep.ticked_at),
        "seconds_since_tick": _seconds(sweep.ticked_at, now),
        "jobs_late": sorted(name for name, one in ticks.items() if one.is_late(now)),
        "jobs": {name: _fared(one, since.get(name), now) for name, one in ticks.items()},
        "branches_heard": len({one.branch for one in fed if one.source is not None}),
        "branches_silent": len({one.branch for one in fed if one.leads and one.silent}),
        "feeds_silent": sum(one.silent for one in fed),
    }
    return JSONResponse(answer)


def feeds_known(session: Session, held: Parts, now: datetime) -> list[Feed]:
    """Every source of every branch; none while no calendar is published."""
    try:
        rules = held.book.in_force(session)
        return feeds_of(session, rules, rules.branches, now, silence_days=held.silence_days)
    except NoCalendarError:
        return []


def _fared(tick: Tick, since: datetime | None, now: datetime) -> dict[str, Any]:
    """Without the reason of a failure, which may name what only a credential may see."""
    return {
        "last_success": shown.instant(tick.ticked_at),
        "seconds_since": _seconds(tick.ticked_at, now),
        "took_seconds": None if tick.seconds is None else round(tick.seconds, 3),
        "late": tick.is_late(now),
        "failing": tick.is_failing(),
        "running_since": shown.instant(since),
    }


def _seconds(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else round((now - at).total_seconds())
