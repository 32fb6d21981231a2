"""What is of no dossier: silent feeds, open calendars, many refusals; each said once."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.db import feeds, raised
from app.db.raised import Scope, Which
from app.db.tables import alert, quarantine
from app.service.rules import Rules
from app.service.standing_alerts import raise_standing, unconfirmed
from tests.jobs.rows import BRANCH, vn

SILENT, OPEN_YEAR, GROWING = "feed_silent", "calendar_unconfirmed", "quarantine_growing"


def standing(session: Session, rules: Rules, at: str) -> int:
    return raise_standing(session, rules, vn(at), silence_days=3)


def told(session: Session, kind: str) -> list[Any]:
    query = select(alert).where(alert.c.kind == kind).order_by(alert.c.id)
    return list(session.execute(query).mappings())


def refuse(session: Session, count: int, at: datetime, source: str = "one-stop") -> None:
    row = {
        "arrived_at": at,
        "last_sent_at": at,
        "source": source,
        "office": "H20.16",
        "branch": BRANCH,
        "conflict": False,
        "line": 1,
        "problems": [],
        "record": {},
    }
    rows = [{**row, "record_hash": f"{source}{at}{n}".encode()} for n in range(count)]
    session.execute(insert(quarantine), rows)


def test_a_silent_feed_is_one_alert_a_silence(session: Session, rules: Rules):
    standing(session, rules, "2026-11-19 08:00")  # the calendar's own alert
    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-19 16:00")})

    assert standing(session, rules, "2026-11-20 23:59") == 0
    assert standing(session, rules, "2026-11-21 00:00") == 1
    assert standing(session, rules, "2026-11-23 08:00") == 0
    (one,) = told(session, "feed")
    assert (one["branch"], one["subject"]) == (BRANCH, f"{BRANCH}/one-stop")
    assert one["due_at"] == vn("2026-11-21 00:00")
    assert one["details"]["source"] == "one-stop"

    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-23 09:00")})
    assert standing(session, rules, "2026-11-24 08:00") == 0
    assert standing(session, rules, "2026-11-26 00:00") == 1  # the 24th is a day off


def test_a_calendar_nobody_confirmed_is_told_of_sixty_days_before(session: Session, rules: Rules):
    assert standing(session, rules, "2026-11-01 08:00") == 0
    assert standing(session, rules, "2026-11-02 08:00") == 1
    assert standing(session, rules, "2026-11-20 08:00") == 0
    (one,) = told(session, "calendar")
    assert (one["office"], one["branch"]) == ("H20.16", None)
    assert one["subject"] == "H20.16/2027-01-01"
    assert one["due_at"] == vn("2027-01-01 00:00")


def test_many_refusals_since_the_last_opening_are_told_once_a_day(session: Session, rules: Rules):
    standing(session, rules, "2026-11-18 08:00")
    refuse(session, 9, vn("2026-11-18 10:00"))
    assert standing(session, rules, "2026-11-18 11:00") == 0
    refuse(session, 1, vn("2026-11-18 12:00"))
    assert standing(session, rules, "2026-11-18 13:00") == 1
    assert standing(session, rules, "2026-11-18 16:00") == 0
    assert standing(session, rules, "2026-11-19 08:00") == 1
    assert standing(session, rules, "2026-11-20 08:00") == 0
    last = told(session, "quarantine")[-1]
    assert last["subject"] == f"{BRANCH}/one-stop"
    assert last["details"] == {"source": "one-stop", "records": 10}
    assert last["due_at"] == vn("2026-11-19 07:00")


def test_what_was_mended_does_not_count(session: Session, rules: Rules):
    standing(session, rules, "2026-11-18 08:00")
    refuse(session, 10, vn("2026-11-18 10:00"))
    session.execute(quarantine.update().values(state="mended"))

    assert standing(session, rules, "2026-11-18 11:00") == 0


def still_so(session: Session, rules: Rules, at: str) -> list[str]:
    scope = Scope("H20.16", [BRANCH], whole_office=True)
    still = unconfirmed(rules, vn(at))
    return sorted(
        row["kind"] for row in raised.page(session, scope, Which(standing=True), still, limit=50)
    )


def test_what_was_mended_is_no_longer_so(session: Session, rules: Rules):
    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-16 16:00")})
    refuse(session, 10, vn("2026-11-18 10:00"))
    standing(session, rules, "2026-11-18 11:00")
    assert still_so(session, rules, "2026-11-18 11:00") == ["calendar", "feed", "quarantine"]

    feeds.hear(session, "one-stop", {BRANCH: vn("2026-11-18 11:00")})
    session.execute(quarantine.update().values(state="mended"))

    assert still_so(session, rules, "2026-11-18 12:00") == ["calendar"]
    assert still_so(session, rules, "2026-01-18 12:00") == []  # as if it were confirmed


def test_of_many_refusals_only_the_newest_alert_stands(session: Session, rules: Rules):
    refuse(session, 10, vn("2026-11-18 10:00"))
    standing(session, rules, "2026-11-18 11:00")
    standing(session, rules, "2026-11-19 08:00")

    assert len(told(session, "quarantine")) == 2
    assert still_so(session, rules, "2026-11-19 09:00").count("quarantine") == 1
