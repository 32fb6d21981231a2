"""A simulated year, taken in without HTTP."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql.ranges import MultiRange

import app
from app.core.standing import Days, written
from app.db.engine import Sessions
from app.db.tables import dossier
from app.service.intake import take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import RuleBook
from app.simulator import year
from app.simulator.province import Province, province
from tests.jobs.rows import vn

UNTIL = vn("2026-11-20 10:15")
CATALOGUE = Path(app.__file__).parent / "catalogue"


@cache
def dong_thap() -> Province:
    def read(name: str) -> Any:  # noqa: ANN401 JSON
        return json.loads((CATALOGUE / name).read_text(encoding="utf-8"))

    office = read("dong_thap.json")
    return province(
        office["branches"],
        office["communes"],
        read("procedures.json"),
        read("calendar_vn.json"),
    )


@cache
def lines(dossiers: int, seed: int = 7) -> Sequence[bytes]:
    """The records of a year, re-sends, disorder and wrong ones in."""
    return list(year.lines(seed, dossiers, dong_thap(), UNTIL))


def caller(book: RuleBook, sessions: Sessions) -> Caller:
    """The one-stop-shop of the whole office."""
    with sessions() as session:
        branches = book.in_force(session).branches
    mine = frozenset(code for code, held in branches.items() if held.office == "H20.16")
    return Caller("one-stop", "client:one-stop", "H20.16", mine)


def send(sessions: Sessions, book: RuleBook, records: Sequence[bytes]) -> list[Outcome]:
    """Take records in, 5,000 at a time."""
    who = caller(book, sessions)
    outcomes: list[Outcome] = []
    for start in range(0, len(records), 5_000):
        part = [Line(at, raw) for at, raw in enumerate(records[start : start + 5_000], start + 1)]
        with sessions.begin() as session:
            outcomes += take_in(session, part, who, book, UNTIL)
    return outcomes


def stored(sessions: Sessions) -> list[Any]:
    """Every dossier, by code."""
    with sessions() as session:
        return list(session.execute(select(dossier).order_by(dossier.c.code)).mappings())


def as_written(held: Any) -> Any:  # noqa: ANN401 a column
    """Days as they are written; any other value as it is."""
    if not isinstance(held, MultiRange):
        return held
    return written([Days(one.lower, one.upper) for one in held if one.lower])
