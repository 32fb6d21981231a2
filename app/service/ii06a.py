"""Biểu II.06a/VPCP/KSTT: what was received, settled and is being settled in a period.

Source: Thông tư 01/2020/TT-VPCP (21/10/2020), annex; columns and identities as printed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.core.form06a import Counts
from app.core.periods import Period
from app.core.yardsticks import Yardstick
from app.db import in_hand, openings
from app.db.in_hand import Group, Span, Standing
from app.db.lists import Clock
from app.db.openings import Opening, Reason
from app.service.document import Bars, Column, Document, Form, Kind, Note, Row, Value, word
from app.service.rules import Rules

NAME = "ii-06a"
_TITLE = "State and results of the settlement of administrative procedures"
_RECEIVED = "Dossiers received"
_SETTLED = "Dossiers settled"
_OPEN = "Dossiers being settled"
_IN_PERIOD = "In the period"
_UNKNOWN = word("Procedures that the catalogue does not know")
_ADJUSTMENTS = word("Adjustments of the period before")
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
_PLACES: Mapping[Standing, str] = {
    Standing.EARLY: "early",
    Standing.ON_TIME: "on_time",
    Standing.LATE: "late",
    Standing.IN_TIME: "in_time",
    Standing.OVERDUE: "overdue",
}


_OPENED = (
    "Column (6) is the list that {name} was closed with on {on}; what changed of it since stands "
    "in lines of its own, adjustments of the period before."
)
_REASONS: Mapping[Reason, str] = {
    Reason.ENDED_BEFORE: "{count} listed as open had ended before the period",
    Reason.MOVED: "{count} listed under one branch are another's",
    Reason.PROCEDURE_CHANGED: "{count} listed under one procedure are of another",
    Reason.RECEIVED_LATER: "{count} listed were received only in the period",
    Reason.NOT_RECEIVED: "{count} listed were not received, or not yet",
    Reason.CAME_LATE: "{count} received before the period were told of too late to be listed",
    Reason.REOPENED: "{count} counted as settled before the period were not",
}

Key = tuple[str, str]
"""A branch and a procedure."""


@dataclass(slots=True)
class Figures:
    """What is printed, by branch and procedure.

    `adjusted` holds what does not agree with the list the period opened with, which is part of
    columns (4) to (13) and may be negative in (4) and (5); `reasons` how many dossiers that are by
    the branches they touch.
    """

    regular: dict[Key, Counts] = field(default_factory=dict)
    adjusted: dict[Key, Counts] = field(default_factory=dict)
    reasons: Counter[tuple[frozenset[str], Reason]] = field(default_factory=Counter)
    opening: Opening | None = None

    def of(self, branch: str | None) -> tuple[dict[str, Counts], dict[str, Counts]]:
        """The regular figures and the adjusted ones of a branch, or of all, by procedure."""
        return _by_procedure(self.regular, branch), _by_procedure(self.adjusted, branch)


class Names(NamedTuple):
    """What procedures and their fields are called, by procedure code."""

    procedures: Mapping[str, str]
    fields: Mapping[str, str]


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


def count(
    session: Session,
    clocks: Sequence[Clock],
    over: Span,
    opening: Opening | None = None,
    *,
    each_branch: bool = True,
) -> Figures:
    """The figures of each branch and procedure that had a dossier in hand.

    One statement; with an opening a second one, which finds where the facts and the list differ.
    Not `each_branch` and without an opening, all are together under the branch "": an office asks
    for some hundreds of figures instead of tens of thousands.
    """
    found = Figures(opening=opening)
    each = each_branch or opening is not None
    groups = [Group.BRANCH, Group.PROCEDURE][not each :]
    for row in in_hand.counted(session, clocks, over, groups, Yardstick.FORM):
        _add(found.regular, (row["branch"] if each else "", row["procedure"]), counts_of(row))
    if opening is not None:
        branches = {clock.branch for clock in clocks}
        for row in openings.counted(session, clocks, over, opening.closing):
            _adjust(found, row, branches)
    return found


def counts_of(row: Mapping[Any, Any]) -> Counts:
    """Some dossiers that stood alike, as `db.in_hand.counted` tells of them, in columns."""
    n, fresh, online = row["n"], row["fresh"], row["online"]
    place = {_PLACES[Standing(row["standing"])]: n}
    return Counts(online=online, direct=fresh - online, carried_over=n - fresh, **place)


def _as_facts(row: Mapping[Any, Any]) -> Counts:
    """Some dossiers that stood alike, as `db.openings.counted` tells of them."""
    n: int = row["n"]
    came = _came(n, online=row["online"]) if row["fresh"] else Counts(carried_over=n)
    return came + _place(row)


def _place(row: Mapping[Any, Any]) -> Counts:
    return Counts(**{_PLACES[Standing(row["standing"])]: row["n"]})


def _came(n: int, *, online: bool) -> Counts:
    return Counts(online=n) if online else Counts(direct=n)


def _add(found: dict[Key, Counts], key: Key, counts: Counts) -> None:
    found[key] = found.get(key, Counts()) + counts


def _adjust(found: Figures, row: Mapping[Any, Any], branches: Collection[str]) -> None:
    """Take adjustments of one kind out of the regular figures and into their own lines.

    What was listed stays in column (6) where it was listed; what is not there any more was
    received there once less; what is somewhere else was received there once more. So each line and
    each column holds by itself.
    """
    n, reason = row["n"], Reason(row["reason"])
    was, now = (row["was_branch"], row["was_procedure"]), (row["branch"], row["procedure"])
    parts: list[tuple[Key, Counts]] = []
    if was[0] is not None:
        left = Counts(carried_over=n)
        if reason in (Reason.ENDED_BEFORE, Reason.RECEIVED_LATER):
            left += _place(row)
        else:
            left += _came(-n, online=row["was_online"])
        parts.append((was, left))
    # received in the period and elsewhere than it was listed, it is regular where it is
    elsewhere = row["held"] and was != now and not row["fresh"]
    if elsewhere:
        parts.append((now, _came(n, online=row["online"]) + _place(row)))
    if (elsewhere or reason is Reason.RECEIVED_LATER) and now[0] in branches:
        found.regular[now] -= _as_facts(row)
    touched = [(key, counts) for key, counts in parts if key[0] in branches]
    for key, counts in touched:
        _add(found.adjusted, key, counts)
    if touched:
        found.reasons[frozenset(key[0] for key, _ in touched), reason] += n


def document(
    found: Figures,
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
    made = _document(
        *found.of(branch),
        Names(rules.procedures, rules.fields),
        found.opening.name if found.opening else None,
        Document(
            name=NAME,
            title=_TITLE,
            unit=unit,
            branch=branch,
            period=period,
            as_of=over.close,
            columns=PRINTED,
            rows=[],
            total=None,
            definition=_DEFINITION,
            data_as_of=data_as_of,
            chart=Bars("name", ("early", "on_time", "late"), level=1),
            form=_form(unit, rules.offices[office] if branch else None),
        ),
    )
    made.notes += _opened(found, branch)
    return made


def _form(unit: str, receiver: str | None) -> Form:
    return Form(
        "II.06a/VPCP/KSTT",
        Note(
            "STATE AND RESULTS OF THE SETTLEMENT OF ADMINISTRATIVE PROCEDURES AT {unit}",
            {"unit": unit.upper()},
        ),
        receiver,
        Note("Unit of measure: number of dossiers"),
    )


def together(parts: Sequence[Document], unit: str) -> Document:
    """Several forms of one period as one, as they were printed: for who may see some branches."""
    regular: dict[str, Counts] = {}
    adjusted: dict[str, Counts] = {}
    procedures: dict[str, str] = {}
    fields: dict[str, str] = {}
    opened, field_name = None, ""
    for one in parts:
        for row in one.rows:
            if row.level == 0:
                field_name = str(row.cells["name"])
                continue
            code = str(row.cells["procedure"])
            procedures[code] = str(row.cells["name"])
            counts = Counts(**{name: row.cells[name] for name in Counts.__slots__})  # type: ignore[arg-type]
            if "adjusts" in row.cells:
                opened = str(row.cells["adjusts"])
                adjusted[code] = adjusted.get(code, Counts()) + counts
            else:
                fields[code] = field_name
                regular[code] = regular.get(code, Counts()) + counts
    spoken = [one.data_as_of for one in parts if one.data_as_of is not None]
    notes = list({str(note): note for one in parts for note in one.notes}.values())
    whole = replace(
        parts[0],
        unit=unit,
        branch=None,
        data_as_of=min(spoken, default=None),
        notes=notes,
        form=_form(unit, None),
    )
    return _document(regular, adjusted, Names(procedures, fields), opened, whole)


def _document(
    regular: Mapping[str, Counts],
    adjusted: Mapping[str, Counts],
    names: Names,
    opened: str | None,
    made: Document,
) -> Document:
    """A form with its rows and its total."""
    made.rows = list(_rows(regular, names))
    if adjusted and opened is not None:
        nth = 1 + sum(row.level == 0 for row in made.rows)
        made.rows += _adjustments(nth, adjusted, names, opened)
    total = sum((*regular.values(), *adjusted.values()), Counts())
    made.total = _row(None, word("Total"), total, translate=True)
    return made


def _opened(found: Figures, branch: str | None) -> Iterator[Note]:
    """With what the period was opened, and how many adjustments there are of each reason."""
    if found.opening is None:
        return
    on = found.opening.closed_at.astimezone(in_hand.ZONE).date()
    yield Note(_OPENED, {"name": found.opening.name, "on": on})
    counts: Counter[Reason] = Counter()
    for (touched, reason), n in found.reasons.items():
        counts[reason] += n * (branch is None or branch in touched)
    for reason in Reason:
        if counts[reason]:
            yield Note(_REASONS[reason], {"count": counts[reason]})


def _by_procedure(found: Mapping[Key, Counts], branch: str | None) -> dict[str, Counts]:
    summed: dict[str, Counts] = {}
    for (code, procedure), counts in found.items():
        if branch in (None, code) and counts != Counts():
            summed[procedure] = summed.get(procedure, Counts()) + counts
    return summed


def _rows(by_procedure: Mapping[str, Counts], names: Names) -> Iterator[Row]:
    """A row a field with its sum, and under it a row a procedure, by name."""
    fields: dict[str, list[str]] = {}
    for code in by_procedure:
        fields.setdefault(names.fields.get(code, _UNKNOWN), []).append(code)
    for nth, name in enumerate(sorted(fields), start=1):
        counts = sum((by_procedure[code] for code in fields[name]), Counts())
        row = _row(str(nth), name, counts, translate=name == _UNKNOWN)
        row.heading = True
        yield row
        for at, code in enumerate(sorted(fields[name], key=_by_name(names)), start=1):
            row = _row(f"{nth}.{at}", names.procedures.get(code, code), by_procedure[code])
            row.cells["procedure"], row.level = code, 1
            yield row


def _adjustments(
    nth: int, by_procedure: Mapping[str, Counts], names: Names, opened: str
) -> Iterator[Row]:
    """A row with the sum, and under it a row a procedure; a level deeper, for no chart shows it."""
    row = _row(str(nth), _ADJUSTMENTS, sum(by_procedure.values(), Counts()), translate=True)
    row.cells["adjusts"], row.heading = opened, True
    yield row
    for at, code in enumerate(sorted(by_procedure, key=_by_name(names)), start=1):
        row = _row(f"{nth}.{at}", names.procedures.get(code, code), by_procedure[code])
        row.cells |= {"procedure": code, "adjusts": opened}
        row.level = 2
        yield row


def _by_name(names: Names) -> Callable[[str], tuple[str, str]]:
    return lambda code: (names.procedures.get(code, code), code)


def _row(no: str | None, name: str, counts: Counts, *, translate: bool = False) -> Row:
    cells: dict[str, Value] = {"no": no, "name": name, **counts.columns()}
    return Row(cells, translate=frozenset({"name"}) if translate else frozenset())
