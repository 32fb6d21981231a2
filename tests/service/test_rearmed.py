"""What has been said, or was past before we heard of it, is not said because a ladder changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.core.ladder import Level
from app.db import alerts
from app.db.engine import Sessions
from app.db.tables import alert
from app.service import ladders
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.publish import publish
from app.service.recompute import recompute
from app.service.rules import RuleBook
from tests.catalogues import as_it_was
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, caller
from tests.web.wire import finished, record

FEW: list[dict[str, Any]] = [
    {"level": "due_soon", "tell": ["branch"], "at_once": True, "working_days": 3},
    {"level": "apology_due", "tell": ["branch"], "at_once": True, "working_days": 1},
    {"level": "overdue", "tell": ["office", "branch"], "at_once": True},
    {"level": "overdue_very_long", "tell": ["office"], "at_once": True, "working_days": 200},
    {"level": "hand_over_late", "tell": ["branch"], "at_once": True},
]


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def told(sessions: Sessions, book: RuleBook, *, historical: bool, **changes: object) -> None:
    who = replace(caller(book, sessions), historical=historical)
    one = record(1, **({"promised_at": None} | changes))
    with sessions.begin() as session:
        take_in(session, [Line(1, json.dumps(one).encode())], who, book, UNTIL)


def new_ladder(sessions: Sessions, book: RuleBook) -> None:
    with sessions.begin() as session:
        publish(session, ladders.ladder("H20.16", None, {"rungs": FEW}), "x", UNTIL)
    recompute(sessions, book, UNTIL)


def swept(sessions: Sessions, at: str | None = None) -> list[int]:
    with sessions.begin() as session:
        alerts.raise_due(session, vn(at) if at else UNTIL, {}, 100)
        return list(session.scalars(select(alert.c.level).order_by(alert.c.id)))


OLD = {"received_at": "2026-01-05T08:10:00+07:00", "updated_at": "2026-01-05T08:10:05+07:00"}


def test_a_file_of_the_past_is_not_announced_by_a_new_ladder(sessions: Sessions, book: RuleBook):
    told(sessions, book, historical=True, **OLD)
    new_ladder(sessions, book)

    assert swept(sessions) == []


def test_what_was_said_is_not_said_again_and_what_lies_ahead_is(sessions: Sessions, book: RuleBook):
    told(sessions, book, historical=False, **OLD)
    assert swept(sessions) == [Level.OVERDUE_VERY_LONG]
    new_ladder(sessions, book)

    assert swept(sessions) == [Level.OVERDUE_VERY_LONG]


def test_an_earlier_warning_still_ahead_is_armed(sessions: Sessions, book: RuleBook):
    told(sessions, book, historical=False, received_at="2026-11-20T08:00:00+07:00",
         updated_at="2026-11-20T08:00:05+07:00")  # fmt: skip
    new_ladder(sessions, book)  # due on 3 December

    assert swept(sessions, "2026-11-30 06:00") == []
    assert swept(sessions, "2026-11-30 08:00") == [Level.DUE_SOON]


def test_another_clock_is_armed_though_the_due_day_stays(sessions: Sessions, book: RuleBook):
    told(sessions, book, historical=False)
    one = finished(1, "2026-11-18", promised_at=None)
    with sessions.begin() as session:
        line = Line(1, json.dumps(one).encode())
        take_in(session, [line], caller(book, sessions), book, UNTIL)

    assert swept(sessions, "2026-12-01 00:00") == [Level.HAND_OVER_LATE]
