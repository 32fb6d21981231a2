"""Limits with several appointments, judged appointment by appointment."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from app.core.rating import Tally
from app.db import stages
from app.db.in_hand import Span
from app.db.lists import Clock
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word

NAME = "stages"
_TITLE = "On-time rate by appointment"
_COLUMNS: tuple[Column, ...] = (
    Column("stage", "Appointment", Kind.CODE),
    Column("branch", "Code", Kind.CODE),
    Column("name", "Branch", Kind.TEXT),
    Column("ended", "Ended"),
    Column("early", "Early", note=1),
    Column("on_time", "On time", note=1),
    Column("late", "Late", late=True, note=1),
    Column("no_verdict", "No due day"),
    Column("rate", "On-time rate", Kind.RATE, note=1),
)
_DEFINITION = (
    Note(
        "Each appointment of a limit with several that ended in the period: the first when the "
        "slip went to the tax office, the last when the dossier ended, however it did. The wait "
        "between two belongs to none."
    ),
    Note(
        "Each is judged by its own due day, suspensions taken out: early before it, on time on "
        "it, late after it. rate = (early + on time) / (early + on time + late); null is no data."
    ),
    Note("A dossier with one late appointment is late by law, so these rates may lie above its."),
)
_ALL = word("All branches")

Judged = tuple[Tally, int]
"""The verdicts, and how many have none."""


def judged(session: Session, clocks: Sequence[Clock], over: Span) -> dict[tuple[int, str], Judged]:
    """The stages that ended in a period, by number of the stage and branch."""
    return {
        (row["stage"], row["branch"]): (
            Tally(row["early"], row["on_time"], row["late"]),
            row["no_verdict"],
        )
        for row in stages.ended(session, clocks, over)
    }


def report(session: Session, asked: Asked) -> Document:
    """A row a stage, and under it a row for every active branch."""
    found = judged(session, asked.clocks, asked.over)
    total = _row({"stage": word("Total")}, _sum(found.values()))
    total.translate = frozenset({"stage"})
    return Document(
        name=NAME,
        title=_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=_COLUMNS,
        rows=list(_rows(found, asked)),
        total=total,
        definition=_DEFINITION,
        data_as_of=asked.data_as_of,
        notes=asked.partly,
        chart=Bars("name", ("early", "on_time", "late"), rate="rate", level=1),
    )


def _rows(found: Mapping[tuple[int, str], Judged], asked: Asked) -> Iterator[Row]:
    for stage in sorted({1, 2} | {stage for stage, _ in found}):
        of_stage = {code: held for (number, code), held in found.items() if number == stage}
        whole = _row({"stage": str(stage), "name": _ALL}, _sum(of_stage.values()))
        whole.heading, whole.translate = True, frozenset({"name"})
        yield whole
        for code in sorted({*asked.active, *of_stage}):
            held = of_stage.get(code, (Tally(), 0))
            name = asked.rules.branches[code].short_name
            row = _row({"stage": str(stage), "branch": code, "name": name}, held)
            row.level = 1
            yield row


def _sum(found: Collection[Judged]) -> Judged:
    return sum((tally for tally, _ in found), Tally()), sum(none for _, none in found)


def _row(cells: dict[str, Value], held: Judged) -> Row:
    tally, none = held
    return Row(
        cells
        | {
            "ended": tally.denominator + none,
            "early": tally.early,
            "on_time": tally.on_time,
            "late": tally.late,
            "no_verdict": none,
            "rate": tally.rate,
        }
    )
