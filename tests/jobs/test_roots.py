"""A day is sealed once it is over, one after the other; what is dated in it comes no more."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from app import wallclock
from app.db import roots
from app.db.engine import Sessions
from app.service.roots import MARGIN, HeldOpenError
from jobs import Context
from jobs.roots import seal_days
from tests.jobs.rows import VN, vn

_REVISION = text(
    "INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, content_hash, "
    "head_hash) VALUES (:code, :number, :at, 'x', 'x', 'record', :at, '', :head)"
)
Accept = Callable[..., bytes]


@pytest.fixture
def accept(sessions: Sessions) -> Accept:
    def accepted(code: str, number: int, at: datetime) -> bytes:
        head = sha256(f"{code} {number}".encode()).digest()
        row: dict[str, Any] = {"code": code, "number": number, "at": at, "head": head}
        with sessions.begin() as session:
            session.execute(_REVISION, row)
        return head

    return accepted


def kept(context: Context) -> dict[date, tuple[bytes, int]]:
    with context.sessions() as session:
        return {
            one.day: (bytes(one.root), one.revisions)
            for one in roots.page(session, None, None, 100)
        }


def test_with_nothing_accepted_there_is_nothing_to_seal(context: Context):
    assert seal_days(context, vn("2026-11-20 10:00")) == 0
    assert kept(context) == {}


def test_a_root_is_made_of_the_root_before_the_day_and_the_heads_in_order(
    context: Context, accept: Accept
):
    b1 = accept("B", 1, vn("2026-11-16 00:00"))  # the first instant of the day
    a2 = accept("A", 2, vn("2026-11-16 09:00"))
    a1 = accept("A", 1, vn("2026-11-16 23:59"))
    c1 = accept("C", 1, vn("2026-11-18 00:00") - timedelta(microseconds=1))
    accept("D", 1, vn("2026-11-18 00:00"))

    assert seal_days(context, vn("2026-11-18 04:00")) == 2

    first = sha256(b"2026-11-16" + a1 + a2 + b1).digest()
    second = sha256(first + b"2026-11-17" + c1).digest()
    assert kept(context) == {date(2026, 11, 16): (first, 3), date(2026, 11, 17): (second, 1)}


def test_a_day_is_sealed_when_the_margin_has_passed_and_not_before(
    context: Context, accept: Accept
):
    accept("A", 1, vn("2026-11-16 09:00"))
    over = vn("2026-11-17 00:00") + MARGIN

    assert seal_days(context, over - timedelta(seconds=1)) == 0
    assert seal_days(context, over) == 1
    assert seal_days(context, over) == 0


def test_days_missed_are_caught_up_and_days_on_which_nothing_came_are_sealed_too(
    context: Context, accept: Accept
):
    accept("A", 1, vn("2026-11-02 09:00"))
    head = accept("A", 2, vn("2026-11-19 09:00"))

    assert seal_days(context, vn("2026-11-21 12:00")) == 19

    found = kept(context)
    assert list(found) == [date(2026, 11, day) for day in range(2, 21)]
    before, _ = found[date(2026, 11, 18)]
    assert found[date(2026, 11, 19)] == (sha256(before + b"2026-11-19" + head).digest(), 1)
    assert found[date(2026, 11, 18)][1] == 0


def test_a_transaction_open_since_before_the_end_keeps_a_day_from_being_sealed(
    context: Context, accept: Accept, sessions: Sessions
):
    now = wallclock.now()
    tomorrow = (now + timedelta(days=1)).astimezone(VN)
    over = tomorrow.replace(hour=0, minute=0, second=0, microsecond=0) + MARGIN
    accept("A", 1, now)
    with sessions() as writer:
        writer.execute(_REVISION, {"code": "B", "number": 1, "at": now, "head": b"b"})

        assert seal_days(context, over) == 0
        with pytest.raises(HeldOpenError, match="a transaction is open since"):
            seal_days(context, over + timedelta(days=1, seconds=1))

        writer.commit()
    assert seal_days(context, over) == 1
    assert [count for _, count in kept(context).values()] == [2]
