"""The backlog at the close of a period: by age, by days past due, and the ten oldest."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.db import backlog
from app.db.in_hand import Standing
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word
from app.service.rules import Rules

NAME = "backlog"
OLDEST = "backlog-oldest"
HOW_MANY = 10
_TITLE = "Backlog by age and by days past due"
_OLDEST_TITLE = "The ten oldest dossiers in hand"
_AGE = "By age, working days since receipt"
_PAST = "Past due, working days since the due day"
_AGES = ("age_0_5", "age_6_10", "age_11_20", "age_21_30", "age_31_60", "age_61")
_PASTS = ("past_3", "past_10", "past_30", "past_31")
_STANDINGS: Mapping[str, str] = {
    Standing.IN_TIME: "not_due",
    "still": "still",
    Standing.UNVERIFIED: "unverified",
    Standing.NO_LIMIT: "no_limit",
}
_COLUMNS: tuple[Column, ...] = (
    Column("branch", "Code", Kind.CODE),
    Column("name", "Branch", Kind.TEXT),
    Column("open", "Open"),
    Column(_AGES[0], "0–5", under=(_AGE,), note=2),
    Column(_AGES[1], "6–10", under=(_AGE,), note=2),
    Column(_AGES[2], "11–20", under=(_AGE,), note=2),
    Column(_AGES[3], "21–30", under=(_AGE,), note=2),
    Column(_AGES[4], "31–60", under=(_AGE,), note=2),
    Column(_AGES[5], "over 60", under=(_AGE,), note=2),
    Column("not_due", "Not due", note=1),
    Column("still", "Standing still", note=1),
    Column(_PASTS[0], "up to 3", under=(_PAST,), late=True, note=2),
    Column(_PASTS[1], "4–10", under=(_PAST,), late=True, note=2),
    Column(_PASTS[2], "11–30", under=(_PAST,), late=True, note=2),
    Column(_PASTS[3], "over 30", under=(_PAST,), late=True, note=2),
    Column("unverified", "Unverified", note=1),
    Column("no_limit", "No limit yet", note=1),
)
_CLOSE = Note(
    "All that was received and not ended at the close of the last day, whatever has become of it "
    "since; by the law's due days as they are known today."
)
_DEFINITION = (
    _CLOSE,
    Note(
        "Each is in one class of age, and in one of: not due; standing still (suspended, or at the "
        "tax office, and not past due); past due; unverified (past due since after the last that "
        "was heard of the branch); no limit (none is known by law)."
    ),
    Note(
        "Age and days past due are working days by the calendar of each branch, the first day not "
        "counted; what was due on Friday is 0 working days past due on Sunday."
    ),
)
_OLDEST_COLUMNS: tuple[Column, ...] = (
    Column("code", "Dossier code", Kind.CODE),
    Column("branch", "Branch", Kind.TEXT),
    Column("procedure", "Procedure code", Kind.CODE),
    Column("name", "Procedure", Kind.TEXT),
    Column("received_on", "Received on", Kind.DAY),
    Column("due_on", "Due on", Kind.DAY),
    Column("working", "Working days in hand", Kind.DAYS),
    Column("calendar", "Calendar days in hand", Kind.DAYS),
    Column("state", "State", Kind.TEXT),
)
_STATES: Mapping[str, str] = {
    Standing.IN_TIME: word("Not due"),
    "still": word("Standing still"),
    Standing.OVERDUE: word("Overdue"),
    Standing.UNVERIFIED: word("Unverified"),
    Standing.NO_LIMIT: word("No limit yet"),
}


def report(session: Session, asked: Asked) -> Document:
    """A row for every active branch, and for any other with a dossier in hand."""
    found = {code: Counter[str]() for code in asked.active}
    whole, branches = Counter[str](), asked.rules.branches
    for row in backlog.counted(session, asked.clocks, asked.over, asked.calendars):
        for held in (found.setdefault(row["branch"], Counter()), whole):
            held.update(dict.fromkeys(("open", *_classes(row)), row["n"]))
    total = Row({"branch": word("Total"), **_figures(whole)}, translate=frozenset({"branch"}))
    return Document(
        name=NAME,
        title=_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=_COLUMNS,
        rows=[
            Row(
                {
                    "branch": code,
                    "name": branches[code].short_name,
                    **_figures(found[code]),
                }
            )
            for code in sorted(found)
        ],
        total=total,
        definition=_DEFINITION,
        data_as_of=asked.data_as_of,
        notes=asked.partly,
        chart=Bars("name", _AGES),
    )


def _classes(row: Mapping[Any, Any]) -> tuple[str, str]:
    """The class of age and the class of being due of some dossiers."""
    if row["standing"] == Standing.OVERDUE:
        return _AGES[row["age"]], _PASTS[row["past"]]
    return _AGES[row["age"]], _STANDINGS[row["standing"]]


def _figures(held: Counter[str]) -> dict[str, Value]:
    return {column.key: held[column.key] for column in _COLUMNS if column.kind is Kind.COUNT}


def oldest(session: Session, asked: Asked) -> Document:
    """The ten that had been in hand for longest; codes only, as everywhere."""
    return Document(
        name=OLDEST,
        title=_OLDEST_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=_OLDEST_COLUMNS,
        rows=[
            Row(_cells(row, asked.rules), translate=frozenset({"state"}))
            for row in backlog.oldest(session, asked.clocks, asked.over, asked.calendars, HOW_MANY)
        ],
        total=None,
        definition=(_CLOSE, _DEFINITION[1]),
        data_as_of=asked.data_as_of,
        notes=asked.partly,
    )


def _cells(row: Mapping[Any, Any], rules: Rules) -> dict[str, Value]:
    procedure = row["procedure_code"]
    return {
        "code": row["code"],
        "branch": rules.branches[row["branch"]].short_name,
        "procedure": procedure,
        "name": rules.procedures.get(procedure, procedure),
        "received_on": row["received_on"],
        "due_on": row["due_on"],
        "working": row["age"],
        "calendar": row["days"],
        "state": _STATES[row["standing"]],
    }
