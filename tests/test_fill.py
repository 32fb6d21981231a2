"""0004 fills its new columns as the service would have, and takes them back as they were."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db import schema
from app.db.engine import sessions as open_sessions
from app.db.tables.dossiers import FACTS, FINDINGS
from app.service import publish, verify
from app.service.rules import RuleBook
from app.service.verify import Checked
from tests.conftest import PUBLISHED_AT
from tests.service import lives, simulated
from tests.test_schema import shape
from tests.web.wire import Record, record

KEPT = ", ".join(f'"{column.name}"::text' for column in (*FACTS, *FINDINGS))
MOVED = ("received_on", "legal_overdue", "form_overdue", "index766_overdue")
OLD = """
SELECT code, form_due_on, form_end_on, index766_due_on, index766_end_on, index766_late
FROM dossier ORDER BY code
"""
# by the rules of 0003: parked is in time, and one supplement that is out is the end
BEFORE = """
SELECT code, CASE WHEN ended_on IS NOT NULL OR status NOT IN (5, 6, 8) THEN form_due_on END,
  ended_on, index766_due_on, CASE WHEN ended_on IS NOT NULL THEN index766_end_on
  WHEN status = 5 AND asked = 1 THEN since END, index766_late
FROM dossier, LATERAL (
  SELECT count(*) AS asked,
    min((one ->> 'from_at')::timestamptz + interval '7 hours')::date AS since
  FROM jsonb_array_elements(suspensions) AS told (one) WHERE one ->> 'reason' = 'supplement'
) AS supplements ORDER BY code
"""


def rows(engine: Engine, query: str) -> Sequence[Any]:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL timezone = 'UTC'"))
        return connection.execute(text(query)).all()


def letters_without_a_slip() -> list[Record]:
    """Before the first letter the whole limit counts for 766, which 0003 had not stored."""
    letter = {"sent_at": "2026-11-18T08:00:00+07:00", "reason": "", "promised_at": None}
    named = letter | {"promised_at": "2026-11-19T17:00:00+07:00"}
    told = []
    procedures = ("1.012790", "1.013831", "1.011441", "1.012784", "1.012782", "9.876543")
    for nth, procedure in enumerate(procedures * 2):
        told.append(
            record(
                nth,
                procedure=procedure,
                commune="29926" if nth < len(procedures) else None,
                received_at="2026-08-20T15:30:00+07:00",  # before a worked Saturday, after 15:00
                promised_at=None,
                apologies=[named, letter],
                updated_at="2026-11-18T09:00:00+07:00",
            )
        )
    return told


def stored(engine: Engine) -> RuleBook:
    """A simulated year, histories of every kind, and letters without a slip."""
    with Session(engine) as session, session.begin():
        publish.sample(session, "tests", PUBLISHED_AT)
    book, sessions = RuleBook(), open_sessions(engine)
    dice = Random(4)  # noqa: S311 dice
    wild = [one for _ in range(400) for one in lives.life(dice)]
    told = [json.dumps(one).encode() for one in (*wild, *letters_without_a_slip())]
    simulated.send(sessions, book, [*simulated.lines(800), *told])
    return book


def test_0004_fills_what_was_stored_before_as_it_would_be_stored_now(empty: Engine):
    schema.migrate(empty)
    book = stored(empty)
    query = f"SELECT {KEPT} FROM dossier ORDER BY code"  # noqa: S608 our own columns
    now, before = rows(empty, query), rows(empty, BEFORE)
    shaped = shape(empty)
    for column in MOVED:
        count = f"SELECT count(*) FROM dossier WHERE {column} IS NOT NULL"  # noqa: S608
        assert rows(empty, count)[0][0] > 30, column

    schema.downgrade(empty, "0003")
    old = rows(empty, OLD)
    schema.migrate(empty)

    assert old == before
    assert [
        (this, that) for this, that in zip(now, rows(empty, query), strict=True) if this != that
    ] == []
    assert shape(empty) == shaped
    checked = Checked()
    assert list(verify.dossiers(open_sessions(empty), book, checked)) == []
    assert checked.dossiers > 1_000


def test_what_0004_fills_with_stands_apart_from_the_service():
    """A migration must do next year what it does today."""
    source = (Path(__file__).parents[1] / "migrations" / "fill_0004.py").read_text(encoding="utf-8")

    assert "app." not in source.replace("`", "").replace("core.yardsticks", "")
