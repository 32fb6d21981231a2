"""The list that goes with a digest: every dossier it counts, without the name of anybody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core import periods
from app.core.calendar import WorkingCalendar
from app.core.ladder import Told
from app.core.office_hours import CalendarEndsError
from app.db.mornings import LISTED, Standing
from app.service.document import Column, Document, Kind, Note, Row, word
from app.service.rules import Rules

NAME = "digest"
_WORDS: Mapping[str, str] = {
    Standing.OVERDUE: word("overdue"),
    Standing.NEWLY_OVERDUE: word("newly overdue"),
    Standing.UNVERIFIED: word("unverified"),
    Standing.DUE_TODAY: word("due today"),
    Standing.APOLOGY_TODAY: word("apology to send today"),
    Standing.DUE_TOMORROW: word("due on the next working day"),
    Standing.DUE_SOON: word("due soon"),
}
_TAX, _CITIZEN = word("waiting for the tax"), word("waiting for the citizen")
_LATE = (Standing.OVERDUE, Standing.NEWLY_OVERDUE)
_COLUMNS = (
    Column("code", "Dossier code", Kind.CODE),
    Column("branch", "Branch", Kind.TEXT),
    Column("state", "State", Kind.TEXT),
    Column("due_on", "Due", Kind.DAY),
    Column("late", "Working days late", late=True),
    Column("since", "Waiting since", Kind.DAY),
    Column("received_on", "Received", Kind.DAY),
    Column("procedure", "Procedure code", Kind.CODE),
    Column("procedure_name", "Procedure", Kind.TEXT),
    Column("commune", "Commune", Kind.CODE),
    Column("link", "Page", Kind.TEXT),
)
_DEFINITION = (
    "Open dossiers that are past due, due today or soon, and those that have waited for too long. "
    "Late by as many working days as have passed since the due day; without the names of anybody."
)
_CUT = "Of a branch at most {most} dossiers are listed, the earliest due first."


@dataclass(frozen=True, slots=True)
class About:
    """Whom a table is for: the unit, its branch where it is one, and where the pages are."""

    told: Told
    unit: str
    branch: str | None
    office: str
    public_url: str | None


def table(
    about: About,
    rules: Rules,
    listed: Sequence[Mapping[Any, Any]],
    waiting: Sequence[Mapping[Any, Any]],
    now: datetime,
    data_as_of: datetime | None,
) -> Document:
    """The rows of `db.mornings.listed` and `waiting` as a document; the department's are late."""
    if about.told is Told.DEPARTMENT:
        listed, waiting = [row for row in listed if row["standing"] in _LATE], []
    day = now.astimezone(rules.calendar_of(about.branch).zone).date()
    columns = [one for one in _COLUMNS if one.key != "link" or about.public_url]
    return Document(
        name=NAME,
        title="Dossiers of the digest",
        unit=about.unit or rules.offices.get(about.office, about.office),
        branch=about.branch,
        period=periods.free(day, day),
        as_of=now,
        columns=columns,
        rows=list(_rows(about, rules, listed, waiting, day)),
        total=None,
        definition=[Note(_DEFINITION)],
        notes=[Note(_CUT, {"most": LISTED})] if _is_cut(listed) else [],
        data_as_of=data_as_of,
    )


def _is_cut(listed: Sequence[Mapping[Any, Any]]) -> bool:
    counts: dict[str, int] = {}
    for row in listed:
        counts[row["branch"]] = counts.get(row["branch"], 0) + 1
    return max(counts.values(), default=0) >= LISTED


def _rows(
    about: About,
    rules: Rules,
    listed: Sequence[Mapping[Any, Any]],
    waiting: Sequence[Mapping[Any, Any]],
    day: date,
) -> Iterator[Row]:
    for row in listed:
        calendar = rules.calendar_of(row["branch"])
        late = _late(calendar, row["due_on"], day) if row["standing"] in _LATE else None
        more = {"state": _WORDS[row["standing"]], "due_on": row["due_on"]}
        yield _row(about, rules, row, more | ({"late": late} if late is not None else {}))
    for row in waiting:
        state = _TAX if row["tax"] else _CITIZEN
        yield _row(about, rules, row, {"state": state, "since": row["since"]})


def _row(about: About, rules: Rules, row: Mapping[Any, Any], more: Mapping[str, Any]) -> Row:
    cells = {
        "code": row["code"],
        "branch": rules.branches[row["branch"]].short_name,
        "received_on": row["received_on"],
        "procedure": row["procedure_code"],
        "procedure_name": rules.procedures.get(row["procedure_code"]),
        "commune": row["commune"],
    }
    if about.public_url:
        cells["link"] = f"{about.public_url.rstrip('/')}/dossiers/{row['code']}"
    return Row(cells | dict(more), translate=frozenset({"state"}))


def _late(calendar: WorkingCalendar, due_on: date | None, day: date) -> int | None:
    if due_on is None:
        return None
    try:
        return calendar.worked_days(due_on.toordinal(), day.toordinal())
    except CalendarEndsError:
        return (day - due_on).days
