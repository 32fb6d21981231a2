"""The result of intake does not depend on the order in which records arrive."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from random import Random
from typing import Any

import pytest
from sqlalchemy import Row, select, text

from app.db.engine import Sessions
from app.db.tables import applicant, dossier, revision, watch
from app.db.tables.dossiers import FACTS, FINDINGS
from app.service.rules import RuleBook
from tests.service.simulated import lines, send
from tests.web.wire import NAME, record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STORED = ("code", *(column.name for column in (*FACTS, *FINDINGS)), "updated_at", "content_hash")


def empty(sessions: Sessions) -> None:
    with sessions.begin() as session:
        held = "dossier, applicant, revision, watch, quarantine, feed, witness, divergence, alias"
        session.execute(text(f"TRUNCATE {held}"))


def found(sessions: Sessions) -> dict[str, Any]:
    """What is held: the facts, the findings, the names, what is to be said, and what was heard."""
    columns = [dossier.c[name] for name in STORED]
    with sessions() as session:
        return {
            "dossiers": session.execute(select(*columns).order_by(dossier.c.code)).all(),
            "names": session.execute(
                select(applicant)
                .where(applicant.c.subject.not_like("quarantine/%"))
                .order_by(applicant.c.subject)
            ).all(),
            "watch": session.execute(select(watch).order_by(watch.c.code)).all(),
        }


def said(row: Row[Any]) -> str:
    """What a revision says, as PostgreSQL writes it as JSON."""
    epoch = [
        f"{(at - EPOCH) // timedelta(microseconds=1) / 10**6:.6f}"
        for at in (row.at, row.updated_at)
    ]
    days = [
        "null" if day is None else str((day - date(2000, 1, 1)).days)
        for day in (row.old_due_on, row.new_due_on)
    ]
    texts = [json.dumps(text, ensure_ascii=False) for text in (row.by, row.source, row.why)]
    parts = [json.dumps(row.code), str(row.revision_no), epoch[0], *texts, epoch[1], *days]
    return f"[{', '.join(parts)}]"


def broken_chains(sessions: Sessions) -> list[str]:
    """The codes whose history does not lead to their head."""
    wrong = []
    with sessions() as session:
        rows = session.execute(
            select(revision).order_by(revision.c.code, revision.c.revision_no)
        ).all()
        heads = {
            row.code: (row.revision_no, bytes(row.head_hash), bytes(row.content_hash))
            for row in session.execute(select(dossier))
        }
    for code, revisions in groupby(rows, key=lambda row: row.code):
        head, last = b"", b""
        for number, row in enumerate(revisions, start=1):
            last = bytes(row.content_hash)
            head = sha256(head + last + said(row).encode()).digest()
            if (row.revision_no, bytes(row.head_hash)) != (number, head):
                wrong.append(code)
        if heads.pop(code) != (number, head, last):
            wrong.append(code)
    return wrong + sorted(heads)


def snapshots(dice: Random) -> list[bytes]:
    """Some snapshots of three dossiers; few stamps and few contents, so that they meet."""
    made = []
    for _ in range(dice.randint(8, 20)):
        day = dice.randint(17, 19)
        at = f"2026-11-{day}T{dice.choice((8, 9))}:00:00+07:00".replace("T8", "T08").replace(
            "T9", "T09"
        )
        change: dict[str, Any] = {
            "updated_at": at,
            "applicant": dice.choice(
                [None, {"name": NAME}, {"name": "Ông Ấm"}, {"kind": "citizen", "name": NAME}]
            ),
            "commune": dice.choice([None, "29926", "28249", "1"]),
        }
        fate = dice.randrange(6)
        if fate == 0:
            change |= {"status": 9, "finished_at": at}
        elif fate == 1:
            stop = {"reason": "supplement", "from": "2026-11-16T10:00:00+07:00", "until": None}
            change |= {"status": 5, "suspensions": [stop]}
        elif fate == 2:
            change |= {"status": 1, "received_at": None, "promised_at": None}
        elif fate == 3:
            change |= {"promised_at": "2026-11-28T17:00:00+07:00", "procedure": "1.012784"}
        elif fate == 4:
            change |= {"status": 7, "ended_at": at, "outcome": "withdrawn"}
        made.append(json.dumps(record(dice.randint(1, 3), **change)).encode())
    return made


def in_any_order(
    sessions: Sessions, book: RuleBook, dice: Random, records: list[bytes]
) -> dict[str, Any]:
    """Send records in an order and in batches that dice choose."""
    empty(sessions)
    order = dice.sample(records, len(records))
    while order:
        size = dice.randint(1, len(order))
        send(sessions, book, order[:size])
        order = order[size:]
    return found(sessions)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_snapshots_in_any_order_and_any_batches_give_the_same(
    sessions: Sessions, book: RuleBook, seed: int
):
    dice = Random(seed)  # noqa: S311 dice
    records = snapshots(dice)
    first = in_any_order(sessions, book, dice, records)

    assert first["dossiers"]
    for _ in range(5):
        again = dice.sample(records, dice.randint(0, 5))  # some arrive twice
        assert in_any_order(sessions, book, dice, records + again) == first
        assert broken_chains(sessions) == []


def test_a_year_in_disorder_is_the_year_in_order(sessions: Sessions, book: RuleBook):
    records = list(lines(150))
    send(sessions, book, records)
    first = found(sessions)

    assert len(first["dossiers"]) > 140
    assert broken_chains(sessions) == []
    for seed in range(2):
        dice = Random(seed)  # noqa: S311 dice
        assert in_any_order(sessions, book, dice, records) == first
        assert broken_chains(sessions) == []


def test_sending_a_year_again_changes_nothing(sessions: Sessions, book: RuleBook):
    records = list(lines(150))
    send(sessions, book, records)
    first = found(sessions)
    with sessions() as session:
        told = len(session.execute(select(revision)).all())

    outcomes = send(sessions, book, records)

    assert {outcome.outcome for outcome in outcomes} <= {"unchanged", "stale", "quarantined"}
    assert found(sessions) == first
    with sessions() as session:
        assert len(session.execute(select(revision)).all()) == told


def test_a_newer_snapshot_without_a_name_leaves_none(sessions: Sessions, book: RuleBook):
    newer = record(1, applicant=None, updated_at="2026-11-17T08:00:00+07:00")
    for order in ([record(1), newer], [newer, record(1)]):
        empty(sessions)
        for one in order:
            send(sessions, book, [json.dumps(one).encode()])
        with sessions() as session:
            names = session.execute(select(applicant.c.details)).scalars().all()
        assert names == []
