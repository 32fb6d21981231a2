"""What machines that watch machines see of the jobs: readiness, and figures Prometheus reads."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db import job_runs, queues
from app.db.job_runs import LEADERSHIP, Tick
from app.db.tables import delivery
from tests.jobs.rows import put_watch
from tests.web.wire import BRANCH, NOW, OTHER, Api, Clock

BEFORE = timedelta(minutes=1)


def figures(told: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Every metric as Prometheus's own parser reads it: name, labels, figure."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(told):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(one.labels.values())] = one.value
    return found


def kinds(told: str) -> dict[str, str]:
    return {family.name: family.type for family in text_string_to_metric_families(told)}


@pytest.fixture
def fared(session: Session) -> None:
    job_runs.note(
        session,
        [
            Tick(LEADERSHIP, 5, NOW - timedelta(seconds=3)),
            Tick("flags", 60, NOW - timedelta(seconds=30), 0.25, runs=9),
            Tick("roots", 600, NOW - timedelta(hours=2), 1.5, NOW, "Error: host x", 8, failures=2),
            Tick("pull", 15),
        ],
    )
    job_runs.begin(session, "roots", NOW - timedelta(minutes=4), NOW)
    session.commit()


def queued(session: Session, *rows: tuple[str, str, str | None, datetime]) -> None:
    """Deliveries by state, office, branch and the moment they were queued at."""
    session.execute(
        insert(delivery),
        [
            {
                "key": str(number),
                "channel": "webhook",
                "address": "1",
                "office": office,
                "branch": branch,
                "body": {},
                "created_at": at,
                "next_attempt_at": at if state == "queued" else None,
                "state": state,
            }
            for number, (state, office, branch, at) in enumerate(rows)
        ],
    )
    session.commit()


def ready(api: Api) -> tuple[int, dict[str, Any]]:
    answer = api.http.get("/readyz", headers={"Authorization": ""})
    return answer.status_code, dict(answer.json())


@pytest.mark.usefixtures("fared")
def test_readiness_tells_how_each_job_has_fared(sender: Api):
    status, told = ready(sender)

    assert (status, told["status"]) == (200, "ok")
    assert (told["last_tick"], told["seconds_since_tick"]) == ("2026-11-20T10:14:30+07:00", 30)
    assert told["jobs_late"] == ["pull", "roots"]
    assert set(told["jobs"]) == {"flags", "leadership", "pull", "roots"}
    assert told["jobs"]["flags"] == {
        "last_success": "2026-11-20T10:14:30+07:00",
        "seconds_since": 30,
        "took_seconds": 0.25,
        "late": False,
        "failing": False,
        "running_since": None,
    }
    assert told["jobs"]["roots"]["failing"]
    assert told["jobs"]["roots"]["running_since"] == "2026-11-20T10:11:00+07:00"


@pytest.mark.usefixtures("fared")
def test_readiness_gives_no_reason_of_a_failure_to_who_has_no_credential(sender: Api):
    answer = sender.http.get("/readyz", headers={"Authorization": ""})

    assert "host x" not in answer.text


def test_late_jobs_make_no_web_server_unready(sender: Api, session: Session, clock: Clock):
    nobody = ready(sender)
    job_runs.note(session, [Tick("flags", 60, NOW), Tick(LEADERSHIP, 5, NOW)])
    session.commit()
    well = ready(sender)
    clock.now = NOW + timedelta(seconds=46)
    late = ready(sender)

    assert [status for status, _ in (nobody, well, late)] == [200] * 3
    assert [told["jobs_late"] for _, told in (nobody, well, late)] == [[], [], [LEADERSHIP]]
    assert nobody[1]["last_tick"] is None


@pytest.mark.usefixtures("fared")
def test_prometheus_reads_how_the_jobs_fare(sender: Api):
    told = sender.http.get("/metrics").text
    found = figures(told)

    at = (NOW - timedelta(seconds=30)).timestamp()
    assert found["dunghan_job_last_success_timestamp_seconds"][("flags",)] == at
    assert found["dunghan_job_tick_age_seconds"][("flags",)] == 30
    assert found["dunghan_job_duration_seconds"] == {("flags",): 0.25, ("roots",): 1.5}
    assert found["dunghan_job_late"] == {
        ("flags",): 0,
        ("leadership",): 0,
        ("pull",): 1,
        ("roots",): 1,
    }
    assert found["dunghan_job_runs_total"][("flags",)] == 9
    assert found["dunghan_job_failures_total"][("roots",)] == 2
    assert found["dunghan_job_failures_total"][("flags",)] == 0
    assert ("pull",) not in found["dunghan_job_last_success_timestamp_seconds"]
    assert "host x" not in told


def test_every_metric_has_its_kind_and_its_words(sender: Api):
    told = sender.http.get("/metrics").text

    named = kinds(told)
    assert named["dunghan_job_failures"] == "counter"
    assert named["dunghan_deliveries"] == "gauge"
    assert set(named.values()) == {"gauge", "counter"}
    for family in text_string_to_metric_families(told):
        assert family.documentation, family.name


def test_prometheus_reads_what_waits_of_ones_own(
    sender: Api, api: Callable[..., Api], session: Session
):
    mine, early = NOW - BEFORE, NOW - timedelta(hours=1)
    queued(
        session,
        ("queued", "H20.16", BRANCH, mine),
        ("queued", "H20.16", None, early),
        ("queued", "H99", "H99.01", NOW - timedelta(days=9)),
        ("dead", "H20.16", OTHER, mine),
        ("dead", "H99", "H99.01", mine),
        ("sent", "H20.16", BRANCH, mine),
        ("dropped", "H20.16", BRANCH, mine),
    )
    moments = [(NOW, Level.DUE_SOON), (NOW + BEFORE, Level.OVERDUE)]
    put_watch(session, [("A", BRANCH), ("B", OTHER), ("C", "H99.01")], moments)
    put_watch(session, [("D", BRANCH)], [(NOW + BEFORE, Level.OVERDUE)])
    session.commit()

    whole = figures(sender.http.get("/metrics").text)
    branch = figures(api("mine", branches=[BRANCH]).http.get("/metrics").text)

    assert whole["dunghan_deliveries"] == {("queued",): 2, ("dead",): 1}
    assert whole["dunghan_delivery_oldest_age_seconds"] == {(): 3600}
    assert whole["dunghan_alerts_waiting"] == {(): 2}
    assert branch["dunghan_deliveries"] == {("queued",): 1, ("dead",): 0}
    assert branch["dunghan_delivery_oldest_age_seconds"] == {(): 60}
    assert branch["dunghan_alerts_waiting"] == {(): 1}


def test_with_nothing_waiting_the_figures_are_nought(sender: Api):
    found = figures(sender.http.get("/metrics").text)

    assert found["dunghan_deliveries"] == {("queued",): 0, ("dead",): 0}
    assert found["dunghan_delivery_oldest_age_seconds"] == {(): 0}
    assert found["dunghan_alerts_waiting"] == {(): 0}


def test_a_flood_makes_the_figure_stop_and_not_the_database(
    session: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queues, "AT_MOST", 5)
    queued(session, *[("queued", "H20.16", BRANCH, NOW)] * 9)
    put_watch(session, [(str(n), BRANCH) for n in range(9)], [(NOW, Level.OVERDUE)])

    told = queues.deliveries(session, "H20.16", [BRANCH], whole_office=True)

    assert told == (5, NOW, 0)
    assert queues.alerts(session, [BRANCH], NOW) == 5


def test_the_figures_read_indexes_and_no_table_whole(session: Session):
    session.execute(
        text(
            "INSERT INTO delivery (key, channel, address, office, body, created_at, state, "
            "next_attempt_at) SELECT n, 'mail', 'x', 'H20.16', '{}', now(), "
            "CASE WHEN n % 500 = 0 THEN 'dead' WHEN n % 501 = 0 THEN 'queued' ELSE 'sent' END, "
            "now() FROM generate_series(1, 20000) AS n"
        )
    )
    session.execute(
        text(
            "INSERT INTO watch (code, branch, moments, levels, ladder, next_at, next_level) "
            "SELECT n, 'b', '{}', '{}', 1, now() + n * interval '1 minute', 50 "
            "FROM generate_series(-9, 20000) AS n"
        )
    )
    session.execute(text("ANALYZE delivery, watch"))
    asked = {
        "office": "H20.16",
        "branches": ["b"],
        "whole": False,
        "most": queues.AT_MOST,
        "now": NOW,
    }

    for query in (queues._DELIVERIES, queues._ALERTS):  # noqa: SLF001 their plans
        plan = "\n".join(session.scalars(text(f"EXPLAIN {query.text}"), asked))
        assert "Seq Scan" not in plan, plan
        assert "Index" in plan
    session.rollback()
