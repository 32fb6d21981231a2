"""Biểu II.06a/VPCP/KSTT: what was received, settled and is being settled in a period.

Source: Thông tư 01/2020/TT-VPCP (21/10/2020), annex; columns and identities as printed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.form06a import Counts
from app.core.periods import Period
from app.core.yardsticks import Yardstick
from app.db import in_hand
from app.db.in_hand import Group, Span, Standing
from app.db.lists import Clock
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Form, Kind, Note, Row, Value, word
from app.service.rules import Rules

NAME = "ii-06a"
_TITLE = "State and results of the settlement of administrative procedures"
_RECEIVED = "Dossiers received"
_SETTLED = "Dossiers settled"
_OPEN = "Dossiers being settled"
_IN_PERIOD = "In the period"
_UNKNOWN = word("Procedures that the catalogue does not know")
PRINTED: tuple[Column, ...] = (
    Column("no", "Ordinal", Kind.TEXT, number=1),
    Column("name", "Field, work settled by level", Kind.TEXT, number=2),
    Column("received", "Total", under=(_RECEIVED,), number=3, note=3),
    Column("online", "Online", under=(_RECEIVED, _IN_PERIOD), number=4, note=3),
    Column("direct", "In person, by post", under=(_RECEIVED, _IN_PERIOD), number=5, note=3),
    Column("carried_over", "From the period before", under=(_RECEIVED,), number=6, note=3),
    Column("settled", "Total", under=(_SETTLED,), number=7, note=1),
    Column("early", "Early", under=(_SETTLED,), number=8, note=1),
    Column("on_time", "On time", under=(_SETTLED,), number=9, note=1),
    Column("late", "Past due", under=(_SETTLED,), number=10, late=True, note=1),
    Column("open", "Total", under=(_OPEN,), number=11, note=2),
    Column("in_time", "In time", under=(_OPEN,), number=12, note=2),
    Column("overdue", "Overdue", under=(_OPEN,), number=13, late=True, note=2),
)
_BRANCHES: tuple[Column, ...] = (
    Column("branch", "Branch code", Kind.CODE),
    Column("branch_name", "Branch", Kind.TEXT),
)
_DEFINITION = (
    Note("Form II.06a of TT 01/2020/TT-VPCP, unit: dossiers. (3) = (4) + (5) + (6) = (7) + (11)."),
    Note(
        "Settled: ended in the period, early, on or after the day last promised; with no promised "
        "day on time, and so is what was withdrawn, returned or stopped."
    ),
    Note(
        "Being settled: received by the last day and not ended by then; overdue if the day last "
        "promised by then was past, in time also while the clock stood."
    ),
    Note("Received: by the day of receipt; dossiers not accepted were not received."),
)
_PLACES: Mapping[tuple[bool, Standing], str] = {
    (False, Standing.EARLY): "early",
    (False, Standing.ON_TIME): "on_time",
    (False, Standing.LATE): "late",
    (True, Standing.IN_TIME): "in_time",
    (True, Standing.OVERDUE): "overdue",
}


def report(session: Session, asked: Asked, *, per_branch: bool = False) -> Document:
    """The form of the branch that is asked about, or of all together with that of each as a part.

    `per_branch` puts the parts into one table instead, a row a branch above its own.
    """
    found = count(session, asked.clocks, asked.over)

    def form(branch: str | None) -> Document:
        return document(
            found,
            asked.rules,
            asked.period,
            asked.over,
            office=asked.caller.office,
            branch=branch,
            data_as_of=asked.data_as_of if branch == asked.about else _heard(asked, branch),
        )

    whole = form(asked.about)
    whole.notes += asked.partly
    if asked.about is None:
        active = {
            clock.branch
            for clock in asked.clocks
            if asked.rules.branches[clock.branch].is_active(asked.over.last)
        }
        whole.parts = [form(branch) for branch in sorted(active | {code for code, _ in found})]
    return by_branch(whole) if per_branch else whole


def _heard(asked: Asked, branch: str | None) -> datetime | None:
    clock = asked.heard.get(branch or "")
    return clock.heard_at if clock else None


def by_branch(whole: Document) -> Document:
    """The parts of a form under each other, each row with its branch, and the total of all.

    It is no form any more, and is not printed as one.
    """
    parts = whole.parts or ([whole] if whole.branch else [])
    rows = []
    for part in parts:
        mine: dict[str, Value] = {"branch": part.branch, "branch_name": part.unit}
        if part.total is not None:
            rows.append(replace(part.total, cells=mine | part.total.cells, heading=True))
        rows += [replace(row, cells=mine | row.cells, level=row.level + 1) for row in part.rows]
    return replace(
        whole,
        columns=(*_BRANCHES, *whole.columns),
        rows=rows,
        parts=(),
        form=None,
        chart=Bars("branch_name", ("early", "on_time", "late")),
    )


def count(session: Session, clocks: Sequence[Clock], over: Span) -> dict[tuple[str, str], Counts]:
    """The figures of each branch and procedure that had a dossier in hand, in one statement."""
    found: dict[tuple[str, str], Counts] = {}
    groups = (Group.BRANCH, Group.PROCEDURE)
    for row in in_hand.counted(session, clocks, over, groups, Yardstick.FORM):
        key = row["branch"], row["procedure"]
        found[key] = found.get(key, Counts()) + counts_of(row)
    return found


def counts_of(row: Mapping[Any, Any]) -> Counts:
    """Some dossiers of one kind, as `db.in_hand.counted` tells of them, in the form's columns."""
    n: int = row["n"]
    received = ("online" if row["online"] else "direct") if row["fresh"] else "carried_over"
    place = _PLACES[row["open"], Standing(row["standing"])]
    return Counts(**{received: n, place: n})


def document(
    found: Mapping[tuple[str, str], Counts],
    rules: Rules,
    period: Period,
    over: Span,
    *,
    office: str,
    branch: str | None,
    data_as_of: datetime | None,
) -> Document:
    """The form of one branch, or of all together (`branch` None): by field, then by procedure."""
    unit = rules.branches[branch].name if branch else rules.offices[office]
    by_procedure: dict[str, Counts] = {}
    for (code, procedure), counts in found.items():
        if branch in (None, code):
            by_procedure[procedure] = by_procedure.get(procedure, Counts()) + counts
    return Document(
        name=NAME,
        title=_TITLE,
        unit=unit,
        branch=branch,
        period=period,
        as_of=over.close,
        columns=PRINTED,
        rows=list(_rows(by_procedure, rules)),
        total=_row(None, word("Total"), sum(by_procedure.values(), Counts()), translate=True),
        definition=_DEFINITION,
        data_as_of=data_as_of,
        chart=Bars("name", ("early", "on_time", "late"), level=1),
        form=Form(
            "II.06a/VPCP/KSTT",
            Note(
                "STATE AND RESULTS OF THE SETTLEMENT OF ADMINISTRATIVE PROCEDURES AT {unit}",
                {"unit": unit.upper()},
            ),
            receiver=rules.offices[office] if branch else None,
            measure=Note("Unit of measure: number of dossiers"),
        ),
    )


def _rows(by_procedure: Mapping[str, Counts], rules: Rules) -> Iterator[Row]:
    """A row a field with its sum, and under it a row a procedure, by name."""
    fields: dict[str, list[str]] = {}
    for code in by_procedure:
        fields.setdefault(rules.fields.get(code, _UNKNOWN), []).append(code)
    for nth, name in enumerate(sorted(fields), start=1):
        codes = sorted(fields[name], key=lambda code: (rules.procedures.get(code, code), code))
        counts = sum((by_procedure[code] for code in codes), Counts())
        row = _row(str(nth), name, counts, translate=name == _UNKNOWN)
        row.heading = True
        yield row
        for at, code in enumerate(codes, start=1):
            row = _row(f"{nth}.{at}", rules.procedures.get(code, code), by_procedure[code])
            row.cells["procedure"], row.level = code, 1
            yield row


def _row(no: str | None, name: str, counts: Counts, *, translate: bool = False) -> Row:
    cells: dict[str, Value] = {"no": no, "name": name, **counts.columns()}
    return Row(cells, translate=frozenset({"name"}) if translate else frozenset())
