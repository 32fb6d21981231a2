"""The sweep: each fact once, the highest level only, and nobody accused by an old clock."""

from collections import Counter
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from app.core.ladder import FIRST, Level
from app.db import alerts, webhooks
from app.db.engine import Sessions
from app.db.tables import alert, watch
from app.service.rules import Rules
from tests.jobs.rows import (
    BRANCH,
    OTHER,
    alerts_raised,
    deliveries_queued,
    put_watch,
    vn,
    watched,
)

# Due on Wednesday 25 November 2026; Tuesday 24 is a day off, so: due soon on Friday 20, apology on
# Monday 23, due today on the 25th, each at 07:00; overdue on the 26th at 00:00.
DUE = "2026-11-25"


def sweep(session: Session, at: datetime, clocks: dict[str, datetime] | None = None) -> int:
    taken = alerts.raise_due(session, at, clocks or {}, 1000)
    session.commit()
    return taken


@pytest.mark.parametrize(
    ("at", "levels"),
    [
        ("2026-11-20 06:59", []),
        ("2026-11-20 07:00", ["DUE_SOON"]),
        ("2026-11-23 06:59", ["DUE_SOON"]),
        ("2026-11-23 07:00", ["APOLOGY_DUE"]),
        ("2026-11-25 07:00", ["DUE_TODAY"]),
        ("2026-11-25 23:59", ["DUE_TODAY"]),
        ("2026-11-26 00:00", ["OVERDUE"]),
        ("2026-11-30 23:59", ["OVERDUE"]),
        ("2026-12-01 00:00", ["OVERDUE_REMINDED"]),
        ("2027-01-08 00:00", ["OVERDUE_VERY_LONG"]),
    ],
)
def test_on_first_sight_only_the_highest_level_passed_is_raised(
    session: Session, rules: Rules, at: str, levels: list[str]
):
    watched(session, rules, DUE, "A", dossiers=False)

    sweep(session, vn(at))

    assert alerts_raised(session) == [("A", level) for level in levels]


def test_each_level_is_raised_as_its_moment_comes_and_no_more_often(session: Session, rules: Rules):
    watched(session, rules, DUE, "A", dossiers=False)

    at = vn("2026-11-19 00:00")
    while at < vn("2027-01-12 00:00"):
        sweep(session, at)
        at += timedelta(hours=6)

    assert [level for _, level in alerts_raised(session)] == [
        *("DUE_SOON", "APOLOGY_DUE", "DUE_TODAY", "OVERDUE"),
        *("OVERDUE_REMINDED", "OVERDUE_LONG", "OVERDUE_VERY_LONG"),
    ]
    assert session.execute(select(watch.c.next_at, watch.c.next_level)).one() == (None, None)


def test_a_silent_branch_has_its_overdue_held_but_not_its_warnings(session: Session, rules: Rules):
    watched(session, rules, DUE, "HELD", dossiers=False)
    watched(session, rules, DUE, "HEARD", branch=OTHER, dossiers=False)
    now = vn("2026-11-26 08:00")
    clocks = {BRANCH: vn("2026-11-25 17:00"), OTHER: now}

    sweep(session, now, clocks)
    again = sweep(session, now, clocks)

    assert alerts_raised(session) == [("HEARD", "OVERDUE"), ("HELD", "DUE_TODAY")]
    assert again == 0
    assert sweep(session, now, clocks | {BRANCH: vn("2026-11-26 00:00")}) == 1
    assert alerts_raised(session)[-1] == ("HELD", "OVERDUE")


def test_held_rows_do_not_stand_before_others_in_a_batch(session: Session, rules: Rules):
    watched(session, rules, DUE, *(f"HELD{n}" for n in range(5)), dossiers=False)
    clocks = {BRANCH: vn("2026-11-25 17:00"), OTHER: vn("2026-12-01 00:00")}
    sweep(session, vn("2026-11-26 08:00"), clocks)
    watched(session, rules, "2026-11-27", "B", branch=OTHER, dossiers=False)

    taken = alerts.raise_due(session, vn("2026-11-28 00:00"), clocks, 1)

    assert taken == 1
    assert alerts_raised(session)[0] == ("B", "OVERDUE")


def test_a_clock_ahead_of_now_accuses_nobody_early(session: Session, rules: Rules):
    watched(session, rules, DUE, "A", dossiers=False)

    sweep(session, vn("2026-11-25 12:00"), {BRANCH: vn("2026-11-30 00:00")})

    assert alerts_raised(session) == [("A", "DUE_TODAY")]


def test_a_moved_due_date_arms_the_alarms_again(session: Session, rules: Rules):
    watched(session, rules, DUE, "A", dossiers=False)
    sweep(session, vn("2026-11-26 00:00"))
    session.execute(watch.delete())
    watched(session, rules, "2026-12-02", "A", dossiers=False)

    sweep(session, vn("2026-12-03 00:00"))

    assert alerts_raised(session) == [("A", "OVERDUE"), ("A", "OVERDUE")]


def test_a_fact_announced_before_is_not_announced_again(session: Session, rules: Rules):
    watched(session, rules, DUE, "A", dossiers=False)
    sweep(session, vn("2026-11-26 00:00"))
    session.execute(update(watch).values(next_at=watch.c.due_at, next_level=50))

    taken = sweep(session, vn("2026-11-26 00:01"))

    assert taken == 1
    assert alerts_raised(session) == [("A", "OVERDUE")]
    assert sweep(session, vn("2026-11-26 00:02")) == 0


def test_an_alert_is_queued_for_the_webhooks_that_cover_its_branch(session: Session, rules: Rules):
    whole, _ = webhooks.create(session, "H20.16", None, "https://a.vn/")
    ours, _ = webhooks.create(session, "H20.16", [BRANCH], "https://b.vn/")
    webhooks.create(session, "H20.16", [OTHER], "https://c.vn/")
    off, _ = webhooks.create(session, "H20.16", None, "https://d.vn/")
    session.execute(text("UPDATE webhook SET active = false WHERE id = :id"), {"id": off})
    watched(session, rules, DUE, "A", dossiers=False)

    sweep(session, vn("2026-11-26 00:00"))

    queued = deliveries_queued(session)
    alert_id = session.scalar(select(alert.c.id))
    assert [row["key"] for row in queued] == [f"alert:{alert_id}:{hook}" for hook in (whole, ours)]
    assert {row["address"] for row in queued} == {str(whole), str(ours)}
    assert queued[0]["body"] == {
        "type": "alert.overdue",
        "timestamp": "2026-11-25T17:00:00+00:00",
        "data": {
            "id": alert_id,
            "kind": "limit",
            "subject": "A",
            "code": "A",
            "office": "H20.16",
            "branch": BRANCH,
            "level": "overdue",
            "due_at": "2026-11-25T17:00:00+00:00",
            "details": None,
        },
    }
    assert {(row["office"], row["alert_id"]) for row in queued} == {("H20.16", alert_id)}
    assert queued[0]["next_attempt_at"] == vn("2026-11-26 00:00")


def test_the_sweep_is_one_statement_a_batch(session: Session, rules: Rules, statements: list[str]):
    watched(session, rules, DUE, *(f"A{n}" for n in range(50)), dossiers=False)
    statements.clear()

    taken = alerts.raise_due(session, vn("2026-11-26 00:00"), {}, 30)

    assert taken == 30
    locked, swept = statements
    assert "pg_advisory_xact_lock_shared" in locked
    assert "FOR UPDATE OF w SKIP LOCKED" in swept


def test_two_sweeps_at_once_raise_each_of_2000_rows_exactly_once(
    session: Session, sessions: Sessions
):
    due_at = vn("2026-11-26 00:00")
    codes = [f"A{n:04}" for n in range(2000)]
    put_watch(session, [(code, BRANCH) for code in codes], [(due_at, Level.OVERDUE)])
    webhooks.create(session, "H20.16", None, "https://a.vn/")
    session.commit()
    start, taken = Barrier(2), Counter[str]()

    def work(name: str) -> None:
        with sessions() as mine:  # a connection in the pool, so that both begin at once
            mine.execute(text("SELECT 1"))
            start.wait()
        while True:
            with sessions.begin() as mine:
                batch = alerts.raise_due(mine, due_at, {}, 50)
            taken[name] += batch
            if not batch:
                return

    threads = [Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(code for code, _ in alerts_raised(session)) == Counter(codes)
    assert len(deliveries_queued(session)) == 2000
    assert sum(taken.values()) == 2000
    assert min(taken.values()) > 0


def test_a_row_another_transaction_holds_is_left_for_the_next_minute(
    session: Session, rules: Rules, engine: Engine
):
    watched(session, rules, DUE, "A", "B", dossiers=False)
    with engine.begin() as intake:
        intake.execute(select(watch).where(watch.c.code == "A").with_for_update())

        taken = sweep(session, vn("2026-11-26 00:00"))

    assert taken == 1
    assert sweep(session, vn("2026-11-26 00:01")) == 1


def test_an_idle_poll_reads_the_index_and_no_row(session: Session, rules: Rules):
    watched(session, rules, DUE, *(f"A{n}" for n in range(3000)), dossiers=False)
    session.execute(text("ANALYZE watch"))

    plan = session.scalars(
        text(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {alerts._RAISE_DUE.text}"),  # noqa: SLF001
        {
            "now": vn("2026-11-01 00:00"),
            "branches": [BRANCH],
            "clocks": [vn("2026-11-01 00:00")],
            "overdue": 50,
            "limit": 1000,
            **alerts._LEVELS,  # noqa: SLF001
        },
    ).all()

    assert any("ix_watch_next_at" in line for line in plan), plan
    assert not any("Seq Scan on watch" in line for line in plan), plan


def test_of_two_clocks_each_says_its_own(session: Session):
    """A notice sent too late and a limit that runs: two facts, two alerts."""
    put_watch(
        session,
        [("A", BRANCH)],
        [
            (vn("2026-11-12 00:00"), Level.SUPPLEMENT_NOTICE_LATE),
            (vn("2026-11-23 07:00"), Level.DUE_SOON),
            (vn("2026-11-25 07:00"), Level.DUE_TODAY),
        ],
        vn("2026-11-26 00:00"),
    )

    sweep(session, vn("2026-11-23 08:00"))

    told = session.execute(select(alert.c.kind, alert.c.level, alert.c.due_at).order_by("level"))
    assert [tuple(row) for row in told] == [
        ("limit", Level.DUE_SOON, vn("2026-11-26 00:00")),
        ("supplement_notice", Level.SUPPLEMENT_NOTICE_LATE, vn("2026-11-12 00:00")),
    ]
    sweep(session, vn("2026-11-25 08:00"))
    assert alerts_raised(session)[-1] == ("A", "DUE_TODAY")


def test_what_passed_before_a_file_of_the_past_came_is_not_said(session: Session):
    told = [
        (vn("2026-11-12 00:00"), Level.SUPPLEMENT_NOTICE_LATE),
        (vn("2026-11-23 07:00"), Level.DUE_SOON),
        (vn("2026-11-25 07:00"), Level.DUE_TODAY),
    ]
    put_watch(session, [("A", BRANCH)], told, vn("2026-11-26 00:00"))
    session.execute(update(watch).values(next_at=told[2][0], next_level=int(told[2][1])))

    sweep(session, vn("2026-11-25 08:00"))

    assert alerts_raised(session) == [("A", "DUE_TODAY")]


def test_a_level_that_waits_for_the_digest_goes_to_no_webhook(session: Session, rules: Rules):
    webhooks.create(session, "H20.16", None, "https://a.vn/")
    watched(session, rules, DUE, "A", dossiers=False)

    sweep(session, vn("2026-11-20 08:00"))

    kept = session.execute(select(alert.c.level, alert.c.tell, alert.c.at_once)).one()
    assert kept == (Level.DUE_SOON, ["branch"], False)
    assert deliveries_queued(session) == []
    sweep(session, vn("2026-11-25 08:00"))
    assert len(deliveries_queued(session)) == 1


def test_a_webhook_hears_of_the_events_it_asked_for(session: Session, rules: Rules):
    one, _ = webhooks.create(session, "H20.16", None, "https://a.vn/")
    session.execute(text("UPDATE webhook SET events = '{alert.overdue}'"))
    watched(session, rules, DUE, "A", dossiers=False)

    sweep(session, vn("2026-11-25 08:00"))
    before = deliveries_queued(session)
    sweep(session, vn("2026-11-26 08:00"))

    assert before == []
    assert [row["address"] for row in deliveries_queued(session)] == [str(one)]


def test_what_is_of_no_dossier_is_raised_once(session: Session):
    webhooks.create(session, "H20.16", None, "https://a.vn/")
    webhooks.create(session, "H20.16", [BRANCH], "https://b.vn/")
    silent = FIRST.by_level[Level.FEED_SILENT]
    open_year = FIRST.by_level[Level.CALENDAR_UNCONFIRMED]
    told = [
        alerts.Raised("H20.16", BRANCH, f"{BRANCH}/x", vn("2026-11-25 07:00"), silent, {"n": 1}),
        alerts.Raised("H20.16", None, "2027-01-01", vn("2027-01-01 00:00"), open_year, {}),
    ]

    first = alerts.raise_these(session, told, vn("2026-11-26 08:00"))
    again = alerts.raise_these(session, told, vn("2026-11-26 09:00"))

    assert (first, again) == (2, 0)
    queued = [(row["body"]["type"], row["branch"]) for row in deliveries_queued(session)]
    assert sorted(queued, key=str) == [
        ("alert.calendar_unconfirmed", None),
        ("alert.feed_silent", BRANCH),
        ("alert.feed_silent", BRANCH),
    ]
    assert alerts.raise_these(session, [], vn("2026-11-26 09:00")) == 0
