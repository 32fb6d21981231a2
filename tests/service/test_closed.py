"""Closed dossiers keep what they were judged by; a person may ask for a recount, which is kept."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.db.tables import revision
from app.service import calendar_changes, changes
from app.service.calendar_items import Day
from app.service.publish import publish
from app.service.recompute import GoneError, derive, recompute, write
from app.service.recompute import _next as next_work
from app.service.recount import recount
from app.service.rules import RuleBook
from tests.catalogues import as_it_was
from tests.service.simulated import UNTIL, send, stored
from tests.web.wire import BRANCH, code, finished, record

LATER = {"status": 10, "updated_at": "2026-11-19T15:00:00+07:00"}
HANDED_OVER = LATER | {"handed_over_at": "2026-11-19T15:00:00+07:00"}


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def take(sessions: Sessions, book: RuleBook, *records: dict[str, Any]) -> None:
    taken = send(sessions, book, [json.dumps(one).encode() for one in records])
    assert {one.outcome for one in taken} <= {"created", "updated"}, taken


def a_storm(sessions: Sessions, on: str = "2026-11-17") -> None:
    """A day off known too late: published when the dossier was finished already."""
    day = Day(date=date.fromisoformat(on), kind="off", name="Bão")
    with sessions.begin() as session:
        assert publish(session, calendar_changes.calendar_day(NATIONAL, day), "x", UNTIL)


def due(sessions: Sessions) -> str:
    return str(stored(sessions)[0]["legal_due_on"])


def test_a_hand_over_told_later_is_judged_by_the_calendar_of_the_result(
    sessions: Sessions, book: RuleBook
):
    take(sessions, book, finished(1, "2026-11-18"))
    before = stored(sessions)[0]
    a_storm(sessions)

    take(sessions, book, finished(1, "2026-11-18") | HANDED_OVER)

    after = stored(sessions)[0]
    assert due(sessions) == "2026-11-27"
    kept = ("catalogue_version", "calendar_id", "limit_id", "legal_due_on", "case_assumed")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["handed_over_at"] is not None


def test_and_the_next_snapshot_too(sessions: Sessions, book: RuleBook):
    take(sessions, book, finished(1, "2026-11-18"))
    a_storm(sessions)
    take(sessions, book, finished(1, "2026-11-18") | HANDED_OVER)

    take(
        sessions,
        book,
        finished(1, "2026-11-18") | HANDED_OVER | {"updated_at": "2026-11-19T16:00:00+07:00"}
        | {"channel": "online"},
    )  # fmt: skip

    assert due(sessions) == "2026-11-27"


@pytest.mark.parametrize(
    "corrected",
    [{"received_at": "2026-11-13T08:10:00+07:00"}, {"procedure": "1.012786"}],
    ids=["receipt", "procedure"],
)
def test_what_its_limit_is_chosen_by_corrected_is_judged_anew(
    sessions: Sessions, book: RuleBook, corrected: dict[str, str]
):
    take(sessions, book, finished(1, "2026-11-18"))
    before = stored(sessions)[0]
    a_storm(sessions)

    take(sessions, book, finished(1, "2026-11-18") | HANDED_OVER | corrected)

    assert stored(sessions)[0]["calendar_id"] != before["calendar_id"]


def test_one_that_is_open_again_is_judged_by_the_newest(sessions: Sessions, book: RuleBook):
    take(sessions, book, finished(1, "2026-11-18"))
    a_storm(sessions)

    take(sessions, book, record(1, updated_at="2026-11-19T15:00:00+07:00"))

    assert str(stored(sessions)[0]["due_on"]) == "2026-11-30"


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
def test_one_reopened_and_closed_again_is_judged_by_the_newest(
    sessions: Sessions,
    book: RuleBook,
    together: bool,  # noqa: FBT001
):
    take(sessions, book, finished(1, "2026-11-18"))
    a_storm(sessions)
    reopened = record(1, updated_at="2026-11-19T08:00:00+07:00")
    again = finished(1, "2026-11-19")

    for batch in [[reopened, again]] if together else [[reopened], [again]]:
        send(sessions, book, [json.dumps(one).encode() for one in batch])

    assert due(sessions) == "2026-11-30"


def test_a_recount_is_made_when_asked_and_written_down(sessions: Sessions, book: RuleBook):
    take(sessions, book, finished(1, "2026-11-18"))
    a_storm(sessions)
    recompute(sessions, book, UNTIL)
    assert due(sessions) == "2026-11-27"

    with sessions.begin() as session:
        told = recount(
            session, code(1), [BRANCH], book, by="user:tra", reason="kết luận 12/KL", now=UNTIL
        )

    assert told is not None
    assert (str(told.old_due_on), str(told.new_due_on)) == ("2026-11-27", "2026-11-30")
    assert due(sessions) == "2026-11-30"
    with sessions() as session:
        query = select(revision).order_by(revision.c.revision_no.desc())
        last = session.execute(query).mappings().first()
    assert last is not None
    assert (last["by"], last["why"]) == ("user:tra", "recount: kết luận 12/KL")
    assert (str(last["old_due_on"]), str(last["new_due_on"])) == ("2026-11-27", "2026-11-30")


def test_a_recount_that_moves_nothing_is_written_down_all_the_same(
    sessions: Sessions, book: RuleBook
):
    take(sessions, book, finished(1, "2026-11-18"))

    with sessions.begin() as session:
        recount(session, code(1), [BRANCH], book, by="x", reason="xem lại", now=UNTIL)
        assert len(session.execute(select(revision)).all()) == 2


def test_a_recount_tells_the_verdict_before_and_after(sessions: Sessions, book: RuleBook):
    take(sessions, book, finished(1, "2026-11-20"))
    with sessions.begin() as session:
        shorter = changes.procedures([_law_of(3)])
        assert publish(session, shorter, "x", UNTIL)
    with sessions.begin() as session:
        told = recount(session, code(1), [BRANCH], book, by="x", reason="xem lại", now=UNTIL)

    assert told is not None
    assert (told.old_verdict, told.new_verdict) == ("early", "late")  # due 27/11, then 19/11


def _law_of(days: int) -> dict[str, Any]:
    limit = {"valid_from": "2026-01-01", "quantity": days, "unit": "working_days"}
    cases = [{"case": "default", "name": "Chung", "limits": [limit]}]
    return {"code": "1.012790", "name": "Đính chính", "cases": cases}


def test_nobody_recounts_what_is_not_theirs(sessions: Sessions, book: RuleBook):
    take(sessions, book, finished(1, "2026-11-18"))

    with sessions.begin() as session:
        told = recount(session, code(1), ["H20.16.04"], book, by="x", reason="xem", now=UNTIL)
    assert told is None


# ------------------------------------------------------------------------- the old catalogue


def test_a_chunk_derived_with_an_older_catalogue_is_thrown_away(sessions: Sessions, book: RuleBook):
    take(sessions, book, record(1))
    a_storm(sessions)
    work = next_work(sessions)
    assert work is not None
    chunk = derive(sessions, book, work)
    a_storm(sessions, "2026-11-18")

    with pytest.raises(GoneError) as told, sessions.begin() as session:
        write(session, chunk, UNTIL)

    assert told.value.elsewhere is False
    assert str(stored(sessions)[0]["due_on"]) == "2026-11-27"
    assert recompute(sessions, book, UNTIL).whole
    assert str(stored(sessions)[0]["due_on"]) == "2026-12-01"


def test_a_chunk_another_process_has_written_is_thrown_away(sessions: Sessions, book: RuleBook):
    take(sessions, book, record(1))
    a_storm(sessions)
    work = next_work(sessions)
    assert work is not None
    chunk = derive(sessions, book, work)
    recompute(sessions, RuleBook(), UNTIL)

    with pytest.raises(GoneError) as told, sessions.begin() as session:
        write(session, chunk, UNTIL)
    assert told.value.elsewhere is True
