"""Calendars in layers, through the database: who moves, what is remembered, what is refused."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.db.tables import working_calendar
from app.service import calendar_changes
from app.service.calendar_items import Day
from app.service.changes import Change, NotPublishableError
from app.service.explain import explain
from app.service.publish import publish
from app.service.recompute import Done, recompute
from app.service.rules import RuleBook, Rules
from tests.catalogues import as_it_was
from tests.service.simulated import UNTIL, send, stored
from tests.web.wire import BRANCH, finished, record

ELSEWHERE = "H20.16.04"
OFFICE = "H20.16"
FULL = {day: [["07:00", "11:30"], ["13:30", "17:00"]] for day in ("mon", "tue", "wed", "thu")}


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def follow(sessions: Sessions, book: RuleBook, change: Change) -> Done:
    with sessions.begin() as session:
        assert publish(session, change, "user:hoa", UNTIL)
    return recompute(sessions, book, UNTIL)


def off(on: str, scope: str = NATIONAL, name: str = "Bão số 5") -> Change:
    return calendar_changes.calendar_day(
        scope, Day(date=date.fromisoformat(on), kind="off", name=name)
    )


def rules(sessions: Sessions, book: RuleBook) -> Rules:
    with sessions() as session:
        return book.in_force(session)


def dues(sessions: Sessions) -> dict[str, str]:
    return {held["branch"]: str(held["due_on"]) for held in stored(sessions)}


def take(sessions: Sessions, book: RuleBook, *records: dict[str, Any]) -> None:
    taken = send(sessions, book, [json.dumps(one).encode() for one in records])
    assert {one.outcome for one in taken} <= {"created", "updated"}, taken


def test_a_storm_closes_one_branch_and_moves_its_dossiers_only(sessions: Sessions, book: RuleBook):
    take(sessions, book, record(1), record(2, branch=ELSEWHERE))

    assert follow(sessions, book, off("2026-11-25", BRANCH)) == (1, 1, True)

    assert dues(sessions) == {BRANCH: "2026-11-30", ELSEWHERE: "2026-11-27"}
    held = rules(sessions, book)
    assert [layer.scope for layer in held.published(BRANCH).layers] == [NATIONAL, BRANCH]
    assert [layer.scope for layer in held.published(ELSEWHERE).layers] == [NATIONAL]
    days_off = held.published(BRANCH).spec.days_off
    assert days_off[date(2026, 11, 25)] == "Bão số 5"
    assert days_off[date(2026, 11, 24)] == "Ngày Văn hóa Việt Nam"  # the nation's day off is kept


def test_the_nations_new_day_reaches_a_branch_with_a_layer_of_its_own(
    sessions: Sessions, book: RuleBook
):
    take(sessions, book, record(1))
    follow(sessions, book, off("2026-11-25", BRANCH))

    follow(sessions, book, off("2026-11-26", name="Hoán đổi"))

    assert dues(sessions) == {BRANCH: "2026-12-01"}


def test_an_office_layer_is_every_branchs_and_a_branch_may_still_differ(
    sessions: Sessions, book: RuleBook
):
    take(sessions, book, record(1), record(2, branch=ELSEWHERE))
    follow(sessions, book, off("2026-11-25", OFFICE))
    worked = Day(date=date(2026, 11, 25), kind="work", name="vẫn làm việc")

    follow(sessions, book, calendar_changes.calendar_day(ELSEWHERE, worked))

    assert dues(sessions) == {BRANCH: "2026-11-30", ELSEWHERE: "2026-11-27"}
    assert rules(sessions, book).of_scope(OFFICE).layers[-1].scope == OFFICE


def test_a_branch_with_a_week_of_its_own_keeps_the_nations_days_off(
    sessions: Sessions, book: RuleBook
):
    take(sessions, book, record(1))

    follow(sessions, book, calendar_changes.calendar(BRANCH, {"week": FULL}))  # no Fridays

    # 17, 18, 19 | 23, 25, 26 (24 is off for all) | 30 Nov, 1 Dec
    assert dues(sessions) == {BRANCH: "2026-12-01"}


def test_a_day_taken_back_is_as_the_wider_layers_have_it(sessions: Sessions, book: RuleBook):
    take(sessions, book, record(1))
    follow(sessions, book, off("2026-11-25", BRANCH))

    follow(sessions, book, calendar_changes.calendar_without(BRANCH, date(2026, 11, 25)))

    assert dues(sessions) == {BRANCH: "2026-11-27"}
    with pytest.raises(NotPublishableError) as told, sessions.begin() as session:
        publish(session, calendar_changes.calendar_without(BRANCH, date(2026, 11, 25)), "x", UNTIL)
    assert told.value.problems[0].field == "date"


def test_a_layer_that_says_nothing_is_no_layer(sessions: Sessions):
    with pytest.raises(NotPublishableError), sessions.begin() as session:
        publish(session, calendar_changes.calendar(BRANCH, {}), "x", UNTIL)


def test_a_layer_that_would_leave_a_branch_no_time_is_refused_with_its_field(sessions: Sessions):
    with pytest.raises(NotPublishableError) as told, sessions.begin() as session:
        publish(session, calendar_changes.calendar(OFFICE, {"week": {"mon": []}}), "x", UNTIL)
    assert told.value.problems[0].field == "week"


def test_confirming_a_year_takes_the_doubt_from_due_dates(sessions: Sessions, book: RuleBook):
    late = {"received_at": "2026-11-19T08:00:00+07:00", "updated_at": "2026-11-19T08:00:05+07:00"}
    take(sessions, book, record(1, procedure="1.012786", **late))
    follow(
        sessions,
        book,
        calendar_changes.calendar_confirmed(NATIONAL, date(2026, 11, 30), earlier=True),
    )
    assert stored(sessions)[0]["provisional"] is True

    follow(sessions, book, calendar_changes.calendar_confirmed(NATIONAL, date(2027, 12, 31)))

    assert stored(sessions)[0]["provisional"] is False


def test_a_closed_dossier_is_explained_with_the_layers_of_its_time(
    sessions: Sessions, book: RuleBook
):
    follow(sessions, book, off("2026-11-18", BRANCH))
    take(sessions, book, finished(1, "2026-11-19"))
    before = stored(sessions)[0]
    follow(sessions, book, off("2026-11-17", BRANCH, "ngập"))
    follow(sessions, book, off("2026-11-19"))

    with sessions() as session:
        (held,) = stored(sessions)
        told = explain(session, held, book, rules(sessions, book))
        again = explain(session, held, RuleBook(), rules(sessions, RuleBook()))

    assert held == before
    for one in (told, again):
        assert [layer.version for layer in one.published.layers] == [1, 1]
        assert str(one.findings.legal.due_on) == "2026-11-30"


def test_branches_of_equal_layers_share_one_working_calendar(sessions: Sessions, book: RuleBook):
    held = rules(sessions, book)
    assert len({id(one) for one in held.calendars.values()}) == 1

    follow(sessions, book, off("2026-11-25", BRANCH))

    with sessions() as session:
        stacks = session.execute(select(working_calendar.c.layers)).scalars().all()
    newer = rules(sessions, book)
    assert len({id(one) for one in newer.calendars.values()}) == 2
    assert newer.published(ELSEWHERE) is held.published(ELSEWHERE)  # built once
    assert len(stacks) == len({tuple(one) for one in stacks})
    assert stored(sessions) == []
