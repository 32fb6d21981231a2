"""When the law changes: open dossiers follow, closed ones keep what was used, history says why."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db import derived, publications
from app.db.calendars import NATIONAL
from app.db.engine import Sessions
from app.db.tables import revision, watch
from app.service import calendar_changes, changes
from app.service.explain import explain
from app.service.publish import publish
from app.service.recompute import recompute, refound
from app.service.rows import stored_findings
from app.service.rules import RuleBook
from app.service.stored import facts_of
from tests.catalogues import as_it_was
from tests.service.simulated import CATALOGUE, UNTIL, as_written, lines, send, stored
from tests.web.wire import code, finished, record

UNKNOWN = "9.876543"
LAW: dict[str, Any] = {
    "code": UNKNOWN,
    "name": "Thủ tục mới",
    "group": "other",
    "field": "Đất đai",
    "level": "province",
    "cases": [
        {
            "case": "default",
            "name": "Chung",
            "limits": [{"valid_from": "2026-01-01", "quantity": 3, "unit": "working_days"}],
        }
    ],
}


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def sent(*records: dict[str, Any]) -> list[bytes]:
    return [json.dumps(one).encode() for one in records]


def row(sessions: Sessions, number: int) -> Any:  # noqa: ANN401 a row
    return next(one for one in stored(sessions) if one["code"] == code(number))


def history(sessions: Sessions, number: int) -> list[Any]:
    with sessions() as session:
        query = select(revision).where(revision.c.code == code(number))
        return list(session.execute(query.order_by(revision.c.revision_no)).mappings())


def publish_law(sessions: Sessions, law: dict[str, Any]) -> None:
    with sessions.begin() as session:
        publish(session, changes.procedures([law]), "client:law", UNTIL)


def closed_on(*days: str) -> dict[str, Any]:
    """The official calendar with more days off."""
    body: dict[str, Any] = json.loads((CATALOGUE / "calendar_vn.json").read_text(encoding="utf-8"))
    body["days"] += [{"date": day, "kind": "off", "name": "Bão", "source": "test"} for day in days]
    return body


def publish_calendar(sessions: Sessions, *days: str, scope: str = NATIONAL) -> None:
    with sessions.begin() as session:
        assert publish(session, calendar_changes.calendar(scope, closed_on(*days)), "x", UNTIL)


def differing(sessions: Sessions, book: RuleBook) -> list[tuple[str, str, Any, Any]]:
    """Stored findings that a recomputation from the stored facts does not give."""
    beside = {"catalogue_version", "calendar_id"}
    names = [name for name in derived.FOUND if name not in beside]
    wrong = []
    rows = stored(sessions)
    with sessions() as session:
        rules = book.in_force(session)
        for held in rows:
            told = explain(session, held, book, rules)
            values = stored_findings(facts_of(held), told.findings, 0, 0)
            again = dict(zip(derived.FOUND, values, strict=True))
            again["stage_dues"] = json.loads(again["stage_dues"]) if again["stage_dues"] else None
            plain = {name: as_written(held[name]) for name in names}
            wrong += [
                (held["code"], name, plain[name], again[name])
                for name in names
                if plain[name] != again[name]
            ]
    return wrong


# ------------------------------------------------------------------------- an unknown procedure


def test_an_unknown_procedure_is_accepted_and_derived_when_the_catalogue_learns_it(
    sessions: Sessions, book: RuleBook
):
    (outcome,) = send(sessions, book, sent(record(1, procedure=UNKNOWN)))
    assert outcome.outcome == "created"
    before = row(sessions, 1)
    assert (before["state"], before["no_limit"], before["due_on"]) == (
        "no_limit",
        "unknown_procedure",
        None,
    )

    publish_law(sessions, LAW)
    assert recompute(sessions, book, UNTIL) == (1, 1, True)

    after = row(sessions, 1)
    assert (after["state"], after["no_limit"]) == ("running", None)
    assert str(after["due_on"]) == "2026-11-19"
    first, second = history(sessions, 1)
    assert (first["old_due_on"], first["new_due_on"]) == (None, None)
    assert (second["old_due_on"], str(second["new_due_on"])) == (None, "2026-11-19")
    assert (second["by"], second["changes"]) == ("client:law", None)
    assert second["why"].startswith("catalogue")
    assert second["content_hash"] == first["content_hash"]


def test_a_snapshot_that_meets_newer_law_before_the_job_says_so(sessions: Sessions, book: RuleBook):
    send(sessions, book, sent(record(1, procedure=UNKNOWN), record(2)))
    publish_law(sessions, LAW)

    later = {"channel": "online", "updated_at": "2026-11-17T10:00:00+07:00"}
    send(sessions, book, sent(record(1, procedure=UNKNOWN, **later), record(2, **later)))

    _, moved = history(sessions, 1)
    _, told = history(sessions, 2)
    assert moved["why"].startswith("record, catalogue ")
    assert told["why"] == "record"


def test_an_ended_dossier_of_an_unknown_procedure_gets_its_limit_too(
    sessions: Sessions, book: RuleBook
):
    send(sessions, book, sent(finished(1, "2026-11-20", procedure=UNKNOWN)))
    publish_law(sessions, LAW)

    recompute(sessions, book, UNTIL)

    after = row(sessions, 1)
    assert (str(after["legal_due_on"]), str(after["legal_end_on"])) == ("2026-11-19", "2026-11-20")


def test_the_new_law_arms_the_alarms(sessions: Sessions, book: RuleBook):
    send(sessions, book, sent(record(1, procedure=UNKNOWN)))
    publish_law(sessions, LAW)
    recompute(sessions, book, UNTIL)

    with sessions() as session:
        ((watched, moments),) = session.execute(select(watch.c.code, watch.c.moments)).all()
    assert watched == code(1)
    assert row(sessions, 1)["due_at"] in moments


def test_a_limit_published_again_as_it_is_moves_nothing(sessions: Sessions, book: RuleBook):
    send(sessions, book, sent(record(1, procedure=UNKNOWN)))
    for expected in ((1, 1), (0, 0)):
        publish_law(sessions, LAW)
        assert recompute(sessions, book, UNTIL)[:2] == expected
    assert len(history(sessions, 1)) == 2


# ------------------------------------------------------------------------- a new calendar


def test_a_new_calendar_moves_open_dossiers_and_leaves_closed_ones(
    sessions: Sessions, book: RuleBook
):
    send(sessions, book, sent(record(1), finished(2, "2026-11-18")))
    closed = row(sessions, 2)

    publish_calendar(sessions, "2026-11-25", "2026-11-26")
    assert recompute(sessions, book, UNTIL) == (1, 1, True)

    moved = row(sessions, 1)
    assert str(moved["due_on"]) == "2026-12-01"
    assert row(sessions, 2) == closed
    last = history(sessions, 1)[-1]
    assert (str(last["old_due_on"]), str(last["new_due_on"])) == ("2026-11-27", "2026-12-01")
    with sessions() as session:
        assert publications.next_underived(session) is None


def test_a_branchs_own_calendar_moves_its_dossiers_only(sessions: Sessions, book: RuleBook):
    other = record(2, branch="H20.16.04")
    send(sessions, book, sent(record(1), other))

    publish_calendar(sessions, "2026-11-25", scope="H20.16.03")
    assert recompute(sessions, book, UNTIL) == (1, 1, True)

    assert str(row(sessions, 1)["due_on"]) == "2026-11-30"
    assert str(row(sessions, 2)["due_on"]) == "2026-11-27"


def test_a_closed_dossier_is_explained_with_the_calendar_it_was_judged_by(
    sessions: Sessions, book: RuleBook
):
    send(sessions, book, sent(finished(1, "2026-11-18")))
    publish_calendar(sessions, "2026-11-17", "2026-11-25")
    recompute(sessions, book, UNTIL)

    with sessions() as session:
        told = explain(session, row(sessions, 1), book, book.in_force(session))
    newest = book.in_force(sessions()).published("H20.16.03")
    assert told.published.layers[0].version < newest.layers[0].version
    assert str(told.findings.legal.due_on) == "2026-11-27"


# ------------------------------------------------------------------------- the whole


def test_stored_findings_are_what_the_stored_facts_give(sessions: Sessions, book: RuleBook):
    send(sessions, book, lines(400))

    assert len(stored(sessions)) > 380
    assert differing(sessions, book) == []


def test_so_are_they_after_the_law_and_the_calendar_have_changed(
    sessions: Sessions, book: RuleBook
):
    send(sessions, book, lines(400))
    before = {held["code"]: held for held in stored(sessions)}
    law = json.loads((CATALOGUE / "procedures.json").read_text(encoding="utf-8"))
    for procedure in law:
        for limit in (limit for case in procedure["cases"] for limit in case["limits"]):
            if not limit.get("stages") and limit["quantity"] > 2:
                limit["quantity"] += 1
    with sessions.begin() as session:
        publish(session, changes.procedures(law), "x", UNTIL)
    publish_calendar(sessions, "2026-11-23", "2026-11-25")
    publish_law(sessions, LAW | {"code": "1.115402"})

    count, moved, _ = recompute(sessions, book, UNTIL)

    after = {held["code"]: held for held in stored(sessions)}
    changed = [key for key in after if after[key] != before[key]]
    assert 0 < moved <= len(changed) <= count
    for key, held in before.items():
        if held["state"] in ("finished", "closed") and held["no_limit"] is None:
            assert after[key] == held
    assert differing(sessions, book) == []
    assert recompute(sessions, book, UNTIL) == (0, 0, True)


@pytest.mark.parametrize(
    "days",
    [["2026-10-20"], ["2026-11-16"], ["2026-11-19"], ["2026-11-20"], ["2026-11-23", "2026-12-01"]],
    ids="-".join,
)
def test_what_a_new_day_off_does_not_reach_is_as_if_it_had_been_derived(
    sessions: Sessions, book: RuleBook, days: list[str]
):
    """Only dossiers with a moment to come after the days are read; the others must not differ."""
    send(sessions, book, lines(400))
    publish_calendar(sessions, *days)
    count = recompute(sessions, book, UNTIL).derived

    with sessions() as session:
        rules = book.in_force(session)
        everything = derived.open_ones(session, rules.version + 1, None, "", 10_000)
        reach = {"days": [min(days), max(days)]}
        movable = derived.open_ones(session, rules.version + 1, reach, "", 10_000, moments=False)
        watched = {row.code: list(row.moments) for row in session.execute(select(watch))}
    assert len(movable) < len(everything)
    assert len(movable) <= count <= len(everything)
    version, calendar = (derived.FOUND.index(one) for one in ("catalogue_version", "calendar_id"))
    wrong = []
    for held in everything:
        again = refound(held, rules)
        if again is None:
            continue
        same = list(held.findings)
        same[version], same[calendar] = again.findings[version], again.findings[calendar]
        if told_differs(same, again.findings) or watched.get(held.code) != again.watched.moments:
            wrong.append(held.code)
    assert wrong == []


def told_differs(stored_ones: list[Any], new: Any) -> bool:  # noqa: ANN401 columns
    """Whether findings differ, the stages read as JSON."""
    at = derived.FOUND.index("stage_dues")
    pairs = [(was, will) for place, (was, will) in enumerate(zip(stored_ones, new, strict=True))
             if place != at]  # fmt: skip
    was, will = (json.loads(one) if one else None for one in (stored_ones[at], new[at]))
    return was != will or any(one != other for one, other in pairs)


def test_a_recomputation_stopped_half_way_goes_on_where_it_stopped(
    sessions: Sessions, book: RuleBook, monkeypatch: pytest.MonkeyPatch
):
    send(sessions, book, sent(*(record(number) for number in range(1, 8))))
    publish_calendar(sessions, "2026-11-25")
    monkeypatch.setattr("app.service.recompute.CHUNK", 3)
    assert recompute(sessions, book, UNTIL, at_most=3) == (3, 3, False)
    with sessions() as session:
        under_way = publications.next_underived(session)
    assert under_way is not None
    assert (under_way["derived_until"], under_way["moved"]) == (code(3), 3)

    assert recompute(sessions, book, UNTIL) == (4, 4, True)

    assert {str(held["due_on"]) for held in stored(sessions)} == {"2026-11-30"}


def test_a_row_that_changed_meanwhile_is_skipped(sessions: Sessions, book: RuleBook):
    send(sessions, book, sent(record(1), record(2)))
    publish_calendar(sessions, "2026-11-25")
    with sessions() as session:
        newer = book.in_force(session)
        old = derived.open_ones(session, newer.version, None, "", 10)
    send(sessions, book, sent(finished(1, "2026-11-18")))
    now_held = row(sessions, 1)

    with sessions.begin() as session:
        rows = [new for held in old if (new := refound(held, newer)) is not None]
        found = derived.refind(session, rows, "x", "catalogue 0", UNTIL)

    assert set(found) == {code(2)}
    assert row(sessions, 1) == now_held
    assert len(history(sessions, 1)) == 2


def test_intake_and_recomputation_at_once_surface_no_error(sessions: Sessions, book: RuleBook):
    records = sent(*(record(number) for number in range(1, 301)))
    send(sessions, book, records)
    later = (UNTIL - timedelta(hours=1)).isoformat()
    newer = sent(
        *(record(number, updated_at=later, channel="online") for number in range(300, 0, -1))
    )
    publish_calendar(sessions, "2026-11-25")
    faults: list[BaseException] = []

    def work(do: Any) -> None:  # noqa: ANN401 a call
        try:
            do()
        except BaseException as fault:  # noqa: BLE001 told below
            faults.append(fault)

    threads = [
        threading.Thread(target=work, args=(do,))
        for do in (
            lambda: send(sessions, book, newer),
            lambda: recompute(sessions, book, UNTIL),
            lambda: recompute(sessions, book, UNTIL),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    # Intake itself is tried again by the web; here it may be the one that gives way.
    assert [fault for fault in faults if "deadlock" not in str(fault)] == []
    assert {str(held["due_on"]) for held in stored(sessions)} == {"2026-11-30"}


# ------------------------------------------------------------------------- what counts as a move


def test_a_limit_in_hours_that_moves_within_the_day_is_a_move(sessions: Sessions, book: RuleBook):
    hours = json.loads(json.dumps(LAW))
    hours["cases"][0]["limits"][0] |= {"quantity": 20, "unit": "working_hours"}
    publish_law(sessions, hours)
    send(sessions, book, sent(record(1, procedure=UNKNOWN)))
    before = row(sessions, 1)
    short = {"date": "2026-11-18", "kind": "work", "name": "Họp", "hours": [["09:00", "11:30"]]}
    body: dict[str, Any] = json.loads((CATALOGUE / "calendar_vn.json").read_text(encoding="utf-8"))
    body["days"].append(short | {"date": "2026-11-17", "hours": [["07:00", "11:30"],
                                                                  ["13:30", "16:30"]]})  # fmt: skip
    with sessions.begin() as session:
        assert publish(session, calendar_changes.calendar(NATIONAL, body), "x", UNTIL)

    assert recompute(sessions, book, UNTIL).moved == 1

    after = row(sessions, 1)
    assert after["due_on"] == before["due_on"]
    assert after["due_at"] > before["due_at"]
    assert len(history(sessions, 1)) == 2


def test_two_publications_waiting_are_both_named(sessions: Sessions, book: RuleBook):
    send(sessions, book, sent(record(1)))
    publish_calendar(sessions, "2026-11-25")
    publish_calendar(sessions, "2026-11-25", "2026-11-26")

    assert recompute(sessions, book, UNTIL).whole

    newest = book.in_force(sessions()).version
    assert history(sessions, 1)[-1]["why"] == f"catalogue {newest - 1}–{newest}"
