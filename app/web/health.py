"""Whether the service lives, is ready, and how it does: for machines that watch machines."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import job_runs, pulls, quarantine, schema
from app.service.access import Principal, Right
from app.service.rules import NoCalendarError
from app.service.silence import Feed, feeds_of
from app.web import shown
from app.web.deps import Now, Parts, TheParts, with_right

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process lives")
def healthz() -> dict[str, str]:
    """Nothing is asked of the database: a restart would not mend it."""
    return {"status": "ok"}


@router.get("/readyz", summary="The database answers, at the newest migration")
def readyz(request: Request, held: TheParts, now: Now) -> JSONResponse:
    """503 while it does not; with the last tick of the jobs, and how many sources are silent.

    Which ones is for who has a credential: `GET /v1/feeds?silent=true`, or `/metrics`.
    """
    try:
        if not schema.is_current(request.app.state.engine):
            return JSONResponse({"status": "migrations missing"}, 503)
        with held.sessions() as session:
            ticks = job_runs.ticks(session)
            fed = _feeds(session, held, now)
    except SQLAlchemyError:
        return JSONResponse({"status": "no database"}, 503)
    sweep = ticks.get("flags")  # what people would miss first
    last = None if sweep is None else sweep.ticked_at
    answer: dict[str, Any] = {
        "status": "ok",
        "last_tick": shown.instant(last),
        "seconds_since_tick": None if last is None else round((now - last).total_seconds()),
        "branches_heard": len({one.branch for one in fed if one.source is not None}),
        "branches_silent": len({one.branch for one in fed if one.leads and one.silent}),
        "feeds_silent": sum(one.silent for one in fed),
    }
    return JSONResponse(answer)


def _feeds(session: Session, held: Parts, now: datetime) -> list[Feed]:
    """Every source of every branch; none while no calendar is published."""
    try:
        rules = held.book.in_force(session)
        return feeds_of(session, rules, rules.branches, now, silence_days=held.silence_days)
    except NoCalendarError:
        return []


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
def metrics(
    held: TheParts, now: Now, caller: Annotated[Principal, Depends(with_right(Right.READ))]
) -> Response:
    """Figures by branch code of the branches in scope; never a dossier, never a name."""
    registry = CollectorRegistry()
    heard = _gauge(registry, "branch_heard_age", "Since the branch's data", "branch")
    source = _gauge(registry, "feed_heard_age", "Since the source told of it", "branch", "source")
    silent = Gauge(
        "dunghan_feed_silent",
        "1 while the source should have told of the branch",
        ["branch", "source"],
        registry=registry,
    )
    kept = Gauge("dunghan_quarantine_open", "Refused records", ["branch"], registry=registry)
    failing = Gauge("dunghan_pull_failures", "Failed in a row", ["source"], registry=registry)
    asked = _gauge(registry, "pull_told_age", "Since the last good answer", "source")
    tick = _gauge(registry, "job_tick_age", "Since the job last ran", "job")
    with held.sessions() as session:
        for one in _feeds(session, held, now):
            if one.branch not in caller.branches or one.heard_at is None:
                continue
            age = (now - one.heard_at).total_seconds()
            source.labels(one.branch, one.source).set(age)
            silent.labels(one.branch, one.source).set(one.silent)
            if one.leads:
                heard.labels(one.branch).set(age)
        whole, mine = caller.whole_office, sorted(caller.branches)
        for branch, count in quarantine.counts(
            session, caller.office, mine, now, whole_office=whole
        ).items():
            kept.labels(branch or "").set(count)
        for row in pulls.listing(session, caller.office) if whole else ():
            failing.labels(row["source"]).set(row["failures"])
            if row["told_at"] is not None:
                asked.labels(row["source"]).set((now - row["told_at"]).total_seconds())
        for name, job in job_runs.ticks(session).items():
            if job.ticked_at is not None:
                tick.labels(name).set((now - job.ticked_at).total_seconds())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _gauge(registry: CollectorRegistry, name: str, what: str, *labels: str) -> Gauge:
    """A gauge of seconds."""
    return Gauge(f"dunghan_{name}_seconds", f"{what}, in seconds", labels, registry=registry)
