"""How the service does, for Prometheus; by branch code, never a dossier, never a name."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from app.db import job_runs, pulls, quarantine, queues
from app.service.access import Principal, Right
from app.web.deps import Now, Parts, TheParts, with_right
from app.web.health import feeds_known

router = APIRouter(tags=["operations"])
Sample = tuple[tuple[str, ...], float]


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
def metrics(
    held: TheParts, now: Now, caller: Annotated[Principal, Depends(with_right(Right.READ))]
) -> Response:
    """Figures by branch code of the branches in scope; never a dossier, never a name."""
    registry = CollectorRegistry()
    with held.sessions() as session:
        registry.register(
            _Told(
                [
                    *_feeds(session, held, caller, now),
                    *_intake(session, caller, now),
                    *_jobs(session, now),
                    *_queues(session, caller, now),
                ]
            )
        )
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Told(Collector):
    """Figures that were read already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _feeds(
    session: Session, held: Parts, caller: Principal, now: datetime
) -> Iterator[GaugeMetricFamily]:
    mine = [
        (one, one.heard_at)
        for one in feeds_known(session, held, now)
        if one.branch in caller.branches and one.heard_at is not None
    ]
    yield _gauge(
        "branch_heard_age_seconds",
        "Since the branch's data, in seconds",
        ["branch"],
        [((one.branch,), _since(at, now)) for one, at in mine if one.leads],
    )
    yield _gauge(
        "feed_heard_age_seconds",
        "Since the source told of it, in seconds",
        ["branch", "source"],
        [((one.branch, one.source or ""), _since(at, now)) for one, at in mine],
    )
    yield _gauge(
        "feed_silent",
        "1 while the source should have told of the branch",
        ["branch", "source"],
        [((one.branch, one.source or ""), one.silent) for one, _ in mine],
    )


def _intake(session: Session, caller: Principal, now: datetime) -> Iterator[GaugeMetricFamily]:
    whole = caller.whole_office
    kept = quarantine.counts(
        session, caller.office, sorted(caller.branches), now, whole_office=whole
    )
    yield _gauge(
        "quarantine_open",
        "Refused records",
        ["branch"],
        [((branch or "",), count) for branch, count in kept.items()],
    )
    rows = pulls.listing(session, caller.office) if whole else ()
    yield _gauge(
        "pull_failures",
        "Failed in a row",
        ["source"],
        [((row["source"],), row["failures"]) for row in rows],
    )
    yield _gauge(
        "pull_told_age_seconds",
        "Since the last good answer, in seconds",
        ["source"],
        [
            ((row["source"],), _since(row["told_at"], now))
            for row in rows
            if row["told_at"] is not None
        ],
    )


def _jobs(session: Session, now: datetime) -> Iterator[Metric]:
    known = job_runs.ticks(session)
    ran = [(one, one.ticked_at) for one in known.values() if one.ticked_at is not None]
    labels = ["job"]
    yield _gauge(
        "job_tick_age_seconds",
        "Since the job last got through, in seconds",
        labels,
        [((one.name,), _since(at, now)) for one, at in ran],
    )
    yield _gauge(
        "job_last_success_timestamp_seconds",
        "When the job last got through",
        labels,
        [((one.name,), at.timestamp()) for one, at in ran],
    )
    yield _gauge(
        "job_duration_seconds",
        "How long it then took",
        labels,
        [((one.name,), one.seconds) for one, _ in ran if one.seconds is not None],
    )
    yield _gauge(
        "job_late",
        "1 when it has not got through for three intervals and half a minute",
        labels,
        [((one.name,), one.is_late(now)) for one in known.values()],
    )
    for name, what in (("runs", "Runs of the job"), ("failures", "Runs of the job that failed")):
        family = CounterMetricFamily(f"dunghan_job_{name}", what, labels=labels)
        for one in known.values():
            family.add_metric([one.name], getattr(one, name))
        yield family


def _queues(session: Session, caller: Principal, now: datetime) -> Iterator[GaugeMetricFamily]:
    branches = sorted(caller.branches)
    waiting = queues.deliveries(session, caller.office, branches, whole_office=caller.whole_office)
    yield _gauge(
        "deliveries",
        "Messages that were not sent",
        ["state"],
        [(("queued",), waiting.queued), (("dead",), waiting.dead)],
    )
    oldest = waiting.oldest_at
    yield _gauge(
        "delivery_oldest_age_seconds",
        "Since the oldest of those that are queued was, in seconds",
        [],
        [((), _since(oldest, now) if oldest else 0)],
    )
    yield _gauge(
        "alerts_waiting",
        "Dossiers with a moment that has passed and was not raised",
        [],
        [((), queues.alerts(session, branches, now))],
    )


def _gauge(name: str, what: str, labels: list[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"dunghan_{name}", what, labels=labels)
    for values, figure in samples:
        family.add_metric(values, figure)
    return family


def _since(at: datetime, now: datetime) -> float:
    return (now - at).total_seconds()
