"""Several sources tell of one dossier: ranks, witnesses, divergences, other names, in any order."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from app.core.ladder import Level
from app.db import access
from app.db.engine import Sessions
from app.db.tables import alias, applicant, divergence, dossier, revision, watch, witness
from app.db.tables.dossiers import FACTS, FINDINGS
from app.service.intake import take_in
from app.service.outcomes import Line, Outcome
from app.service.rules import RuleBook
from tests.service.simulated import UNTIL, caller
from tests.service.test_intake import broken_chains, empty
from tests.web.wire import finished, record

Record = dict[str, Any]
COLUMNS = [
    *(dossier.c[name] for name in ("code", "source", "updated_at", "content_hash", "promises")),
    *(dossier.c[column.name] for column in (*FACTS, *FINDINGS)),
]


@pytest.fixture(autouse=True)
def ranked(sessions: Sessions) -> None:
    with sessions.begin() as session:
        access.put_source(session, "one-stop", "Một cửa", rank=10)
        access.put_source(session, "land", "VBDLIS", rank=20)
        access.put_source(session, "excel", "Excel", rank=90)


def told(
    sessions: Sessions,
    book: RuleBook,
    source: str,
    *records: Record,
    historical: bool = False,
) -> list[Outcome]:
    who = replace(caller(book, sessions), source=source, by=f"client:{source}")
    who = replace(who, historical=historical)
    lines = [Line(at, json.dumps(one).encode()) for at, one in enumerate(records, start=1)]
    with sessions.begin() as session:
        return take_in(session, lines, who, book, UNTIL)


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.outcome for one in outcomes]


def held(sessions: Sessions) -> Any:  # noqa: ANN401 JSON
    """All that stands, but for what tells of the way there (revisions, when it differed)."""
    with sessions() as session:
        differing = select(divergence).where(divergence.c.settled_at.is_(None))
        return {
            "dossiers": [tuple(row) for row in session.execute(select(*COLUMNS))],
            "witnesses": sorted(tuple(row) for row in session.execute(select(witness))),
            "names": sorted(map(str, session.execute(select(applicant)))),
            "watch": sorted(map(str, session.execute(select(watch)))),
            "differ": sorted(
                (row.code, row.source, row.field, row.held, row.told)
                for row in session.execute(differing)
            ),
        }


def test_a_second_source_fills_and_differs_and_overwrites_nothing(
    sessions: Sessions, book: RuleBook
):
    told(sessions, book, "one-stop", record(1))
    other = record(
        1,
        promised_at="2026-11-30T17:00:00+07:00",
        land_office_received_at="2026-11-17T08:00:00+07:00",
        updated_at="2026-11-18T08:00:00+07:00",
        applicant={"name": "Tên khác"},
    )

    assert kinds(told(sessions, book, "land", other)) == ["updated"]

    with sessions() as session:
        row = session.execute(select(dossier)).mappings().one()
        differs = session.execute(select(divergence)).mappings().one()
        witnesses = session.scalars(select(witness.c.source).order_by(witness.c.source)).all()
        names = dict(session.execute(select(applicant.c.subject, applicant.c.details)).all())
        sources = session.scalars(select(revision.c.source).order_by(revision.c.revision_no)).all()
    assert (row["source"], row["witnessed"]) == ("one-stop", True)
    assert row["promised_at"].day == 27
    assert row["land_office_received_at"].day == 17
    assert (differs["source"], differs["field"]) == ("land", "promised_at")
    assert (differs["held"], differs["told"]) == ("2026-11-27", "2026-11-30")
    assert witnesses == ["land", "one-stop"]
    assert names[row["code"]]["name"] == record(1)["applicant"]["name"]
    assert names[f"witness/land/{row['code']}"]["name"] == "Tên khác"
    assert sources == ["one-stop", "land"]
    assert broken_chains(sessions) == []


def test_the_higher_ranked_takes_over_whenever_it_comes(sessions: Sessions, book: RuleBook):
    told(sessions, book, "excel", record(1, case=None, updated_at="2026-11-19T08:00:00+07:00"))

    told(sessions, book, "one-stop", record(1, promised_at="2026-11-26T17:00:00+07:00"))

    with sessions() as session:
        row = session.execute(select(dossier)).mappings().one()
    assert row["source"] == "one-stop"
    assert row["promised_at"].day == 26


def test_each_source_has_its_own_newest(sessions: Sessions, book: RuleBook):
    told(sessions, book, "one-stop", record(1, updated_at="2026-11-18T08:00:00+07:00"))
    told(sessions, book, "land", record(1, updated_at="2026-11-19T08:00:00+07:00"))

    newer = record(1, commune="30001", updated_at="2026-11-18T09:00:00+07:00")
    assert kinds(told(sessions, book, "one-stop", newer)) == ["updated"]
    assert kinds(told(sessions, book, "one-stop", newer)) == ["unchanged"]
    assert kinds(told(sessions, book, "one-stop", record(1))) == ["stale"]
    rival = record(1, commune="30002", updated_at="2026-11-18T09:00:00+07:00")
    assert set(kinds(told(sessions, book, "one-stop", rival))) <= {"updated", "quarantined"}
    same_later = record(1, updated_at="2026-11-20T08:00:00+07:00")
    assert kinds(told(sessions, book, "land", same_later)) == ["unchanged"]


def test_what_agrees_again_is_settled_not_forgotten(sessions: Sessions, book: RuleBook):
    told(sessions, book, "one-stop", record(1))
    told(sessions, book, "land", record(1, promised_at="2026-11-30T17:00:00+07:00"))

    told(sessions, book, "land", record(1, updated_at="2026-11-18T08:00:00+07:00"))

    with sessions() as session:
        differs = session.execute(select(divergence)).mappings().one()
    assert differs["settled_at"] == UNTIL


def test_the_result_is_the_same_in_whatever_order_they_speak(sessions: Sessions, book: RuleBook):
    words = [
        ("one-stop", record(1)),
        ("one-stop", finished(1, "2026-11-19")),
        ("land", record(1, promised_at="2026-11-30T17:00:00+07:00", aliases=["SBN-7"])),
        ("land", record(1, commune="30001", updated_at="2026-11-18T08:00:00+07:00")),
        ("excel", record(1, applicant=None, case="lease")),
    ]
    orders = list(permutations(words))
    first: Any = None
    for order in Random(4).sample(orders, 24):  # noqa: S311 dice
        empty(sessions)
        for source, one in order:
            told(sessions, book, source, one)
        stands = held(sessions)
        first = first or stands
        assert stands == first
        assert broken_chains(sessions) == []


def test_a_dossier_is_found_by_its_other_name(sessions: Sessions, book: RuleBook):
    told(sessions, book, "one-stop", record(1, aliases=["SBN-2026-7"]))

    outcomes = told(
        sessions, book, "land", record(1, code="SBN-2026-7", commune="30001"), record(2, code="X-9")
    )

    assert [(one.outcome, one.code) for one in outcomes] == [
        ("updated", record(1)["code"]),
        ("quarantined", "X-9"),
    ]


def test_a_name_that_two_dossiers_bear_names_neither(sessions: Sessions, book: RuleBook):
    told(sessions, book, "one-stop", record(1, aliases=["SBN"]), record(2, aliases=["SBN"]))

    assert kinds(told(sessions, book, "land", record(1, code="SBN"))) == ["quarantined"]
    with sessions() as session:
        assert len(session.execute(select(alias)).all()) == 2


def test_another_procedure_and_day_is_a_conflict_for_a_second_source_too(
    sessions: Sessions, book: RuleBook
):
    told(sessions, book, "one-stop", record(1))
    other = record(1, procedure="1.013831", received_at="2026-11-17T08:00:00+07:00")
    other["updated_at"] = "2026-11-18T08:00:00+07:00"

    (outcome,) = told(sessions, book, "land", other)

    assert (outcome.outcome, outcome.conflict) == ("quarantined", True)


def test_a_file_of_the_past_raises_no_alarm(sessions: Sessions, book: RuleBook):
    old = record(1, received_at="2026-10-01T08:00:00+07:00", promised_at=None)
    old["updated_at"] = "2026-11-16T08:00:00+07:00"
    coming = record(2)

    told(sessions, book, "excel", old, coming, historical=True)

    with sessions() as session:
        watched = {row.code: row for row in session.execute(select(watch))}
    assert watched[old["code"]].due_at < UNTIL
    assert (watched[old["code"]].next_at, watched[old["code"]].next_level) > (UNTIL, Level.OVERDUE)
    assert watched[coming["code"]].next_at > UNTIL
    at = watched[coming["code"]].moments.index(watched[coming["code"]].next_at)
    assert watched[coming["code"]].next_level == watched[coming["code"]].levels[at]


def test_promises_are_the_same_in_any_order(sessions: Sessions, book: RuleBook):
    snapshots = [
        record(1, promised_at=f"2026-11-{day}T17:00:00+07:00", updated_at=f"2026-11-{at}T08:11:00Z")
        for day, at in (("27", "16"), ("30", "17"), ("27", "18"), ("26", "19"))
    ]
    found = []
    for order in permutations(snapshots):
        empty(sessions)
        for one in order:
            told(sessions, book, "one-stop", one)
        with sessions() as session:
            found.append(session.scalars(select(dossier.c.promises)).one())

    assert [one["promised_at"][8:10] for one in found[0]] == ["27", "30", "26"]
    assert [one["at"][8:10] for one in found[0]] == ["16", "17", "19"]
    assert all(one == found[0] for one in found)
