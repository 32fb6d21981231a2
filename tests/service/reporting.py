"""The reports over HTTP, and a way to tell them of dossiers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from app.db.engine import Sessions
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.rules import RuleBook
from tests.service.simulated import UNTIL, caller
from tests.web.wire import Api


class World(NamedTuple):
    """The service at `UNTIL`, over HTTP, and what is needed to send to it."""

    api: Api
    sessions: Sessions
    book: RuleBook


def send(world: World, records: Sequence[bytes], source: str = "one-stop") -> list[bytes]:
    """Take records in; those that were not refused."""
    who = replace(caller(world.book, world.sessions), source=source)
    kept: list[bytes] = []
    for start in range(0, len(records), 5_000):
        lines = [Line(nth, raw) for nth, raw in enumerate(records[start : start + 5_000])]
        with world.sessions.begin() as session:
            outcomes = take_in(session, lines, who, world.book, UNTIL)
        kept += [lines[one.line].raw for one in outcomes if one.outcome != "quarantined"]
    return kept


COLUMNS = ("received", "online", "direct", "carried_over", "settled", "early", "on_time", "late",
           "open", "in_time", "overdue")  # fmt: skip


def printed(row: Mapping[str, Any]) -> Counter[str]:
    """The figures of a row of Biểu II.06a, its identities checked."""
    three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen = (
        row[name] for name in COLUMNS
    )
    assert three == four + five + six == seven + eleven
    assert seven == eight + nine + ten
    assert eleven == twelve + thirteen
    return Counter({name: row[name] for name in COLUMNS})


def form(world: World, first: date, last: date, **more: object) -> dict[str, Counter[str]]:
    """The form by procedure; its fields add up to the total."""
    answer = world.api.get("/v1/reports/ii-06a", **{"from": first, "to": last}, **more)
    figures = {row["procedure"]: printed(row) for row in answer["rows"] if row["level"] == 1}
    figures["*"] = printed(answer["totals"])
    fields = [printed(row) for row in answer["rows"] if row["level"] == 0]
    procedures = [row for name, row in figures.items() if name != "*"]
    for parts in (fields, procedures):
        assert sum(parts, Counter()) == +figures["*"]
    return {name: +row for name, row in figures.items() if +row}
