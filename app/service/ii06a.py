"""Biểu II.06a/VPCP/KSTT: what was received, settled and is being settled in a period.

Source: Thông tư 01/2020/TT-VPCP (21/10/2020), annex; columns and identities as printed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.form06a import Counts
from app.core.periods import Period
from app.core.yardsticks import Yardstick
from app.db import in_hand
from app.db.in_hand import Group, Span, Standing
from app.db.lists import Clock
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word
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
    Column("received", "Total", under=(_RECEIVED,), number=3),
    Column("online", "Online", under=(_RECEIVED, _IN_PERIOD), number=4),
    Column("direct", "In person, by post", under=(_RECEIVED, _IN_PERIOD), number=5),
    Column("carried_over", "From the period before", under=(_RECEIVED,), number=6),
    Column("settled", "Total", under=(_SETTLED,), number=7),
    Column("early", "Early", under=(_SETTLED,), number=8),
    Column("on_time", "On time", under=(_SETTLED,), number=9),
    Column("late", "Late", under=(_SETTLED,), number=10),
    Column("open", "Total", under=(_OPEN,), number=11),
    Column("in_time", "In time", under=(_OPEN,), number=12),
    Column("overdue", "Overdue", under=(_OPEN,), number=13),
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
_PLACES: Mapping[Standing, str] = {
    Standing.EARLY: "early",
    Standing.ON_TIME: "on_time",
    Standing.LATE: "late",
    Standing.IN_TIME: "in_time",
    Standing.OVERDUE: "overdue",
}


def count(
    session: Session, clocks: Sequence[Clock], over: Span, *, each_branch: bool = True
) -> dict[tuple[str, str], Counts]:
    """The figures of each branch and procedure that had a dossier in hand, in one statement.

    Not `each_branch`, all are together under the branch "": an office asks for some hundreds of
    figures instead of tens of thousands.
    """
    found: dict[tuple[str, str], Counts] = {}
    groups = [Group.BRANCH, Group.PROCEDURE][not each_branch :]
    for row in in_hand.counted(session, clocks, over, groups, Yardstick.FORM):
        key = row["branch"] if each_branch else "", row["procedure"]
        found[key] = found.get(key, Counts()) + counts_of(row)
    return found


def counts_of(row: Mapping[Any, Any]) -> Counts:
    """Some dossiers that stood alike, as `db.in_hand.counted` tells of them, in columns."""
    n, fresh, online = row["n"], row["fresh"], row["online"]
    place = {_PLACES[Standing(row["standing"])]: n}
    return Counts(online=online, direct=fresh - online, carried_over=n - fresh, **place)


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
    by_procedure: dict[str, Counts] = {}
    for (code, procedure), counts in found.items():
        if branch in (None, code):
            by_procedure[procedure] = by_procedure.get(procedure, Counts()) + counts
    return Document(
        name=NAME,
        title=_TITLE,
        unit=rules.branches[branch].name if branch else rules.offices[office],
        branch=branch,
        period=period,
        as_of=over.close,
        columns=PRINTED,
        rows=list(_rows(by_procedure, rules)),
        total=_row(None, word("Total"), sum(by_procedure.values(), Counts()), translate=True),
        definition=_DEFINITION,
        data_as_of=data_as_of,
        chart=Bars("name", ("early", "on_time", "late"), level=1),
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
