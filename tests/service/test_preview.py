"""A preview tells exactly what publishing would move, writes nothing, and holds nobody up."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from app.db import publications
from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.service import calendar_changes, changes
from app.service.calendar_items import Day
from app.service.changes import Change, NotPublishableError
from app.service.preview import Preview, preview
from app.service.publish import publish
from app.service.recompute import recompute
from app.service.rules import RuleBook
from tests.catalogues import as_it_was
from tests.service.simulated import CATALOGUE, UNTIL, lines, send, stored
from tests.web.wire import BRANCH, code, finished, record

STORM = Day(date=date(2026, 11, 23), kind="off", name="Bão")


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def law(name: str) -> Any:  # noqa: ANN401 JSON
    return json.loads((CATALOGUE / name).read_text(encoding="utf-8"))


def one_more_day() -> Change:
    items = law("procedures.json")
    for limit in (limit for item in items for case in item["cases"] for limit in case["limits"]):
        if not limit.get("stages") and limit["quantity"] > 2:
            limit["quantity"] += 1
    return changes.procedures(items)


def difficult() -> Change:
    body = law("dong_thap.json")
    for commune in body["communes"][:20]:
        commune["difficult_from"] = "2026-01-01"
    return changes.office(body)


def restart() -> Change:
    rows = law("supplement.json")["rows"]
    return changes.supplement({"rows": [rows[0], rows[1] | {"policy": "restart"}]})


def look(sessions: Sessions, change: Change, *branches: str) -> Preview:
    return preview(sessions, change, branches, UNTIL)


@pytest.mark.parametrize(
    "change",
    [
        lambda: calendar_changes.calendar_day(NATIONAL, STORM),
        lambda: calendar_changes.calendar_day(BRANCH, STORM),
        lambda: calendar_changes.calendar_confirmed(NATIONAL, date(2026, 11, 22), earlier=True),
        one_more_day,
        difficult,
        restart,
    ],
    ids=["storm", "storm of one branch", "unconfirmed", "limit", "commune", "policy"],
)
def test_what_is_previewed_is_what_publishing_moves(
    sessions: Sessions,
    book: RuleBook,
    change: Any,  # noqa: ANN401 a call
):
    send(sessions, book, lines(500))
    before = {held["code"]: held for held in stored(sessions)}

    told = look(sessions, change(), *book.in_force(sessions()).branches)
    assert {held["code"]: held for held in stored(sessions)} == before

    with sessions.begin() as session:
        assert publish(session, change(), "x", UNTIL)
    recompute(sessions, book, UNTIL)
    moved = {
        held["code"]: held
        for held in stored(sessions)
        if (held["due_on"], held["state"])
        != (before[held["code"]]["due_on"], before[held["code"]]["state"])
    }
    days = [
        (held["due_on"] - before[one]["due_on"]).days
        for one, held in moved.items()
        if held["due_on"] and before[one]["due_on"]
    ]
    assert told.moved == len(moved)
    assert sorted(told.by_days.elements()) == sorted(days)
    assert sum(told.by_branch.values()) == told.moved
    assert {move.code for move in told.examples} <= moved.keys()
    assert all(move.new_due_on == moved[move.code]["due_on"] for move in told.examples)


def test_a_preview_counts_what_falls_on_the_other_side_of_now(sessions: Sessions, book: RuleBook):
    due_today = {"received_at": "2026-11-10T08:00:00+07:00", "promised_at": None}
    send(sessions, book, [json.dumps(record(1, **due_today)).encode()])
    fewer = law("procedures.json")
    for limit in next(item for item in fewer if item["code"] == "1.012790")["cases"][0]["limits"]:
        limit["quantity"] = 5

    told = look(sessions, changes.procedures(fewer))

    assert (told.moved, told.become_overdue, told.no_longer_overdue) == (1, 1, 0)
    assert dict(told.by_days) == {-3: 1}
    assert told.examples == []  # no branch of the caller's


def test_closed_dossiers_are_not_previewed(sessions: Sessions, book: RuleBook):
    send(sessions, book, [json.dumps(finished(1, "2026-11-18")).encode()])

    assert look(sessions, calendar_changes.calendar_day(NATIONAL, STORM), BRANCH).concerned == 0


def test_a_change_that_changes_nothing_says_so(sessions: Sessions):
    told = look(sessions, calendar_changes.calendar(NATIONAL, law("calendar_vn.json")), BRANCH)

    assert (told.changes, told.concerned) == (False, 0)


def test_a_preview_leaves_no_version_no_row_and_no_lock(sessions: Sessions, book: RuleBook):
    send(sessions, book, [json.dumps(record(1)).encode()])
    count = text("SELECT (SELECT count(*) FROM calendar), (SELECT count(*) FROM working_calendar)")
    with sessions() as session:
        before = (publications.version(session), *session.execute(count).one())
    with sessions.begin() as intake:
        publications.hold(intake)  # an intake under way: a publication would wait for it
        told: list[Preview] = []
        change = calendar_changes.calendar_day(BRANCH, STORM)
        thread = threading.Thread(target=lambda: told.append(look(sessions, change, BRANCH)))
        thread.start()
        thread.join(20)
        assert told

    with sessions() as session:
        assert (publications.version(session), *session.execute(count).one()) == before
    assert [move.code for move in told[0].examples] == [code(1)]


def test_what_contradicts_itself_is_refused_by_the_preview_too(sessions: Sessions):
    backwards = {"from": "2027-01-01", "until": "2026-01-01", "week": {}}
    closed = calendar_changes.calendar(BRANCH, {"seasons": [backwards]})
    with pytest.raises(NotPublishableError):
        look(sessions, closed, BRANCH)
