"""A day of updates: ends, hand-overs and re-sends of what is there, saved as intake does."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, text

from app.db.bulk import TOLD_AS_TEXT
from app.db.engine import sessions
from app.db.tables import dossier
from app.db.upsert import COPIED, INCOMING, SAVE

_ENDED = {
    "state": "'finished'",
    "how_ended": "'result'",
    "outcome": "'result'",
    "status": "9",
    "finished_at": ":now",
    "no_limit": "NULL",
    "ended_on": "CAST(:now AS date)",
    "legal_due_on": "coalesce(legal_due_on, CAST(:now AS date))",
    "legal_end_on": "CAST(:now AS date)",
    "index766_end_on": "CAST(:now AS date)",
}
_HANDED_OVER = {"handed_over_at": ":now", "status": "10"}
_SENT_AGAIN = {
    "steps": "(steps || jsonb_build_array(jsonb_build_object('name', 'Trình ký')))::text"
}
# What is worked on today came in lately: of all, the newest that are in such a state.
_WAYS: tuple[tuple[int, dict[str, str], str], ...] = (
    (8_000, _ENDED, "state NOT IN ('finished', 'closed') AND received_on < :today"),
    (8_000, _HANDED_OVER, "ended_on BETWEEN CAST(:today AS date) - 7 AND :today"),
    (4_000, _SENT_AGAIN, "state NOT IN ('finished', 'closed')"),
)
_SOURCE = "one-stop"
_CHUNK = 4_000


def a_day(engine: Engine, now: datetime, tell: Callable[[str], None] = print) -> None:
    """Twenty thousand updates through the statement intake saves with, 4,000 at a time."""
    opened = sessions(engine)
    done = 0
    for count, changes, where in _WAYS:
        with opened() as session:
            query = text(f"SELECT code FROM dossier WHERE {where} ORDER BY md5(code) LIMIT :count")
            told = {"count": count} | ({"today": now.date()} if ":today" in where else {})
            codes = list(session.scalars(query, told))
        for start in range(0, len(codes), _CHUNK):
            with opened.begin() as session:
                session.execute(text("SET LOCAL work_mem = '64MB'"))
                session.execute(INCOMING)
                session.execute(
                    text(_incoming(changes)), {"codes": codes[start : start + _CHUNK], "now": now}
                )
                arguments = {
                    "source": _SOURCE,
                    "record": _SOURCE,
                    "by": "bench",
                    "why": "record",
                    "historical": False,
                    "now": now,
                }
                branches = list(session.scalars(text("SELECT code FROM branch")))
                found = session.execute(SAVE, arguments | {"branches": branches}).all()
                session.execute(
                    text("DELETE FROM watch WHERE code = ANY(:codes)"),
                    {"codes": [row.code for row in found]},
                )
                done += len(found)
    tell(f"a day of updates: {done:,} dossiers")


def _incoming(changes: dict[str, str]) -> str:
    beside = {
        "promise": "NULL",
        "name": "NULL",
        "watch_moments": "NULL",
        "watch_levels": "NULL",
        "updated_at": "greatest(updated_at, :now) + interval '1 second'",
        "content_hash": "sha256(content_hash || 'day')",
        "raw_hash": "sha256(raw_hash || 'day')",
    }
    told = beside | changes
    values = []
    for quoted in COPIED:
        name = quoted.strip('"')
        as_text = name in dossier.c and type(dossier.c[name].type) in TOLD_AS_TEXT
        values.append(told.get(name, f"{quoted}::text" if as_text else quoted))
    return (
        f"INSERT INTO incoming ({', '.join(COPIED)}) SELECT {', '.join(values)} "
        "FROM dossier WHERE code = ANY(:codes)"
    )
