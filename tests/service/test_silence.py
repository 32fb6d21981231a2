"""Who is silent, in open hours: no weekend and no holiday is silence, and no chatter is word."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db import feeds
from app.db.access import put_source
from app.db.tables import source
from app.service.rules import Rules
from app.service.silence import BranchClock, Feed, branch_clocks, expected_by, feeds_of
from tests.jobs.rows import vn
from tests.web.wire import BRANCH, OTHER

DAYS = 3


@pytest.mark.parametrize(
    ("heard", "minutes", "by"),
    [
        # an hour of a morning; over noon; over the evening
        ("2026-11-18 08:00", 60, "2026-11-18 09:00"),
        ("2026-11-18 11:00", 60, "2026-11-18 14:00"),
        ("2026-11-18 16:30", 60, "2026-11-19 07:30"),
        # Friday afternoon: Saturday and Sunday are no silence
        ("2026-11-20 16:30", 60, "2026-11-23 07:30"),
        # Monday before the holiday of Tuesday 24 November: it is passed over
        ("2026-11-23 16:30", 60, "2026-11-25 07:30"),
        # sent at night and on a Sunday
        ("2026-11-18 22:00", 60, "2026-11-19 08:00"),
        ("2026-11-22 10:00", 480, "2026-11-23 17:00"),
        # a working day: until the end of the next, for many systems send at night
        ("2026-11-18 08:00", None, "2026-11-20 00:00"),
        ("2026-11-18 23:00", None, "2026-11-20 00:00"),
        ("2026-11-20 08:00", None, "2026-11-24 00:00"),
        ("2026-11-23 08:00", None, "2026-11-26 00:00"),
    ],
)
def test_a_rhythm_counts_open_hours(rules: Rules, heard: str, minutes: int | None, by: str):
    assert expected_by(rules.calendar_of(BRANCH), vn(heard), minutes) == vn(by)


@pytest.mark.parametrize("minutes", [None, 5])
def test_what_was_heard_in_no_century_of_ours_is_silent(rules: Rules, minutes: int | None):
    heard = datetime.fromisoformat("0002-01-02T00:00:00+07:00")

    assert expected_by(rules.calendar_of(BRANCH), heard, minutes) < vn("2000-01-01 00:00")


def ranked(session: Session, ranks: Mapping[str, int]) -> None:
    for code, rank in ranks.items():
        put_source(session, code, code.title(), rank)


def clock(session: Session, rules: Rules, now: str, branch: str = BRANCH) -> BranchClock:
    return branch_clocks(session, rules, vn(now), silence_days=DAYS, soon_days=2)[branch]


def listed(session: Session, rules: Rules, now: str) -> list[Feed]:
    return feeds_of(session, rules, [BRANCH], vn(now), silence_days=DAYS)


def test_a_chatty_witness_does_not_speak_for_a_silent_system_of_record(
    session: Session, rules: Rules
):
    ranked(session, {"mot-cua": 10, "vbdlis": 50})
    feeds.hear(session, "mot-cua", {BRANCH: vn("2026-11-17 09:00")})
    feeds.hear(session, "vbdlis", {BRANCH: vn("2026-11-20 10:00")})

    found = clock(session, rules, "2026-11-20 10:15")
    of_record, witness = listed(session, rules, "2026-11-20 10:15")

    assert (found.clock_at, found.silent) == (vn("2026-11-17 09:00"), False)
    assert (of_record.source, of_record.leads, of_record.silent) == ("mot-cua", True, True)
    assert (witness.source, witness.leads, witness.silent) == ("vbdlis", False, False)
    assert witness.overdue_from is None


def test_a_silent_witness_delays_nobodys_judgement(session: Session, rules: Rules):
    ranked(session, {"mot-cua": 10, "vbdlis": 50})
    feeds.hear(session, "mot-cua", {BRANCH: vn("2026-11-20 10:00")})
    feeds.hear(session, "vbdlis", {BRANCH: vn("2026-10-01 10:00")})

    assert clock(session, rules, "2026-11-20 10:15").clock_at == vn("2026-11-20 10:00")
    assert [one.silent for one in listed(session, rules, "2026-11-20 10:15")] == [False, True]


def test_of_equal_ranks_and_of_unknown_ones_the_last_word_counts(session: Session, rules: Rules):
    ranked(session, {"mot-cua": 100})
    feeds.hear(session, "mot-cua", {BRANCH: vn("2026-11-18 10:00")})
    feeds.hear(session, "pages", {BRANCH: vn("2026-11-19 10:00")})

    assert clock(session, rules, "2026-11-20 10:15").heard_at == vn("2026-11-19 10:00")


def test_a_source_that_was_replaced_is_forgotten_and_the_next_leads(session: Session, rules: Rules):
    ranked(session, {"old": 10, "new": 50})
    feeds.hear(session, "old", {BRANCH: vn("2026-09-01 09:00"), OTHER: vn("2026-09-01 09:00")})
    feeds.hear(session, "new", {BRANCH: vn("2026-11-20 10:00")})
    assert clock(session, rules, "2026-11-20 10:15").silent

    assert feeds.forget(session, "old", [BRANCH]) == 1

    assert clock(session, rules, "2026-11-20 10:15").heard_at == vn("2026-11-20 10:00")
    assert clock(session, rules, "2026-11-20 10:15", OTHER).silent


def test_the_clocks_of_all_branches_are_one_select(
    session: Session, rules: Rules, statements: list[str]
):
    feeds.hear(session, "mot-cua", dict.fromkeys(rules.branches, vn("2026-11-18 10:00")))
    statements.clear()

    branch_clocks(session, rules, vn("2026-11-20 10:15"), silence_days=DAYS, soon_days=2)
    assert len(statements) == 1
    feeds_of(session, rules, rules.branches, vn("2026-11-20 10:15"), silence_days=DAYS)
    assert len(statements) == 2


def test_the_clock_moved_over_a_weekend_and_a_holiday(session: Session, rules: Rules):
    """Heard on Friday 20 November at 16:00, an hour's rhythm, then nothing more."""
    ranked(session, {"mot-cua": 10})
    session.execute(update(source).values(expected_minutes=120))
    feeds.hear(session, "mot-cua", {BRANCH: vn("2026-11-20 16:00")})

    def stands(now: str) -> tuple[bool, bool]:
        (one,) = listed(session, rules, now)
        return one.silent, clock(session, rules, now).silent

    assert stands("2026-11-20 17:00") == (False, False)
    assert stands("2026-11-22 12:00") == (False, False)  # Sunday
    assert stands("2026-11-23 07:59") == (False, False)
    assert stands("2026-11-23 08:00") == (True, False)  # two open hours are over
    assert stands("2026-11-24 12:00") == (True, False)  # the holiday counts for nothing
    # Monday 23, Wednesday 25, Thursday 26: three working days are borne, Friday is the fourth
    assert stands("2026-11-26 23:59") == (True, False)
    assert stands("2026-11-27 00:00") == (True, True)
    (one,) = listed(session, rules, "2026-11-23 08:00")
    assert one.expected_by == vn("2026-11-23 08:00")
    assert one.overdue_from == vn("2026-11-27 00:00")


def test_a_branch_nobody_ever_told_of_has_a_line_too(session: Session, rules: Rules):
    (one,) = listed(session, rules, "2026-11-20 10:15")

    assert (one.branch, one.source, one.heard_at, one.silent) == (BRANCH, None, None, True)
