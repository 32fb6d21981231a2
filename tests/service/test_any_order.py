"""What eight clients at once and a killed server have shown: the order must not matter."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from threading import Thread
from time import sleep

from sqlalchemy import select, text

from app.db import access
from app.db.engine import Sessions
from app.db.tables import applicant, dossier, quarantine, watch
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.rules import RuleBook
from tests.service.simulated import UNTIL, caller
from tests.web.wire import Record, finished, record


def lines(records: Sequence[Record]) -> list[Line]:
    return [Line(at, json.dumps(one).encode()) for at, one in enumerate(records, 1)]


def told(
    sessions: Sessions, book: RuleBook, *records: Record, source: str = "one-stop"
) -> list[str]:
    who = replace(caller(book, sessions), source=source)
    with sessions.begin() as session:
        return [one.outcome for one in take_in(session, lines(records), who, book, UNTIL)]


def meanwhile(sessions: Sessions, book: RuleBook, first: Record, second: Record) -> None:
    """The second arrives while the first is taken in and not yet committed."""
    who = caller(book, sessions)
    with sessions.begin() as session:
        take_in(session, lines([first]), who, book, UNTIL)
        other = Thread(target=lambda: told(sessions, RuleBook(), second))
        other.start()
        for _ in range(200):
            with sessions() as looking:
                if looking.scalar(text(_WAITS)):
                    break
            sleep(0.02)
        else:
            raise AssertionError("the second does not wait for the first")
    other.join(30)


_WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"


def test_what_was_finished_while_its_first_record_came_in_is_watched_no_more(
    sessions: Sessions, book: RuleBook
):
    handed = {"status": 10, "handed_over_at": "2026-11-18T10:00:00+07:00"}
    meanwhile(sessions, book, record(1), finished(1, "2026-11-18", **handed))

    with sessions() as session:
        assert session.scalar(select(dossier.c.state)) == "finished"
        assert session.execute(select(watch)).all() == []


def test_a_name_taken_back_while_it_came_in_is_gone(sessions: Sessions, book: RuleBook):
    meanwhile(sessions, book, record(1), finished(1, "2026-11-18", applicant=None))

    with sessions() as session:
        assert session.execute(select(applicant)).all() == []


LATER = {"updated_at": "2026-11-19T08:00:00+07:00"}


def test_the_case_of_a_closed_dossier_is_assumed_alike_whichever_source_spoke_first(
    sessions: Sessions, book: RuleBook
):
    with sessions.begin() as session:
        access.put_source(session, "one-stop", "Một cửa", rank=10)
        access.put_source(session, "land", "VBDLIS", rank=20)
    ours, theirs = [], []
    for at in range(80):  # the first forty are told by the land office first
        day = (date(2026, 11, 18) + timedelta(days=at % 40)).isoformat()
        held = finished(at, "2026-11-18", procedure="1.013831")
        ours.append(held | {"promised_at": f"{day}T17:00:00+07:00"})
        theirs.append(held | {"promised_at": None} | LATER)
    told(sessions, book, *ours[40:])
    told(sessions, book, *theirs, source="land")
    told(sessions, book, *ours[:40])

    query = select(dossier.c.limit_id, dossier.c.due_on).order_by(dossier.c.code)
    with sessions() as session:
        found = session.execute(query).all()
    assert len({row.limit_id for row in found[40:]}) > 1
    assert found[:40] == found[40:]


def states(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(quarantine.c.state).order_by(quarantine.c.id)))


WRONG = {"promised_at": "2026-11-27"}


def test_a_refused_record_mended_in_the_same_batch_is_mended(sessions: Sessions, book: RuleBook):
    told(sessions, book, record(1, **WRONG), record(1, **LATER))

    assert states(sessions) == ["mended"]


def test_sending_all_again_brings_back_nothing_that_was_mended(sessions: Sessions, book: RuleBook):
    told(sessions, book, record(1, **WRONG))
    told(sessions, book, record(1, **LATER))
    assert states(sessions) == ["mended"]

    told(sessions, book, record(1, **WRONG))
    told(sessions, book, record(1, **LATER))

    assert set(states(sessions)) == {"mended"}


def test_a_rival_under_the_same_stamp_waits_for_a_later_one(sessions: Sessions, book: RuleBook):
    told(sessions, book, record(1), record(1, commune="30001"))
    assert states(sessions) == ["open"]

    told(sessions, book, record(1))
    told(sessions, book, record(1, commune="30001"))
    assert states(sessions) == ["open"]

    told(sessions, book, record(1, **LATER))
    assert states(sessions) == ["mended"]


def test_the_name_the_record_tells_stays_when_another_tells_the_same(
    sessions: Sessions, book: RuleBook
):
    with sessions.begin() as session:
        access.put_source(session, "one-stop", "Một cửa", rank=10)
        access.put_source(session, "land", "VBDLIS", rank=20)
    told(sessions, book, record(1, applicant={"name": "An"}))
    told(sessions, book, record(1, applicant={"name": "Bình"}), source="land")

    with sessions() as session:
        names = select(applicant.c.details).where(applicant.c.subject == record(1)["code"])
        assert session.scalars(names).all() == [{"name": "An"}]


def test_another_branch_settles_nothing_of_ours(sessions: Sessions, book: RuleBook):
    told(sessions, book, record(1, **WRONG))

    theirs = replace(caller(book, sessions), branches=frozenset({"H20.16.01"}))
    with sessions.begin() as session:
        one = record(1, branch="H20.16.01", **LATER)
        assert take_in(session, lines([one]), theirs, book, UNTIL)[0].outcome == "created"

    assert states(sessions) == ["open"]
