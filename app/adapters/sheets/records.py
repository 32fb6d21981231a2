"""A row of a clerk's file as a native record, with what is wrong in which cell.

An instant of which only the day is known is written as the midnight that day begins with: by date,
as day limits are judged, nothing is won or lost by it, and nobody takes 00:00 for the hour it
happened. Where an earlier event of the row has an hour on that same day, it is given that hour, so
that the order stays. A promise without an hour holds until the end of its day.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from app.adapters.sheets.dates import END_OF_DAY, ZONE, Cell, Moment
from app.adapters.sheets.lexicon import DATES
from app.adapters.sheets.row import Row, Sheet
from app.core.clock import Reason
from app.core.lifecycle import Status
from app.core.problems import Problem

OFFICER_STEP = "Cán bộ đang giữ hồ sơ"

# Which events come before each in a dossier's life, in the order in which they are given an hour.
_AFTER: Mapping[str, tuple[str, ...]] = {
    "submitted_at": (),
    "received_at": ("submitted_at",),
    "land_office_received_at": ("received_at",),
    "supplement_asked_at": ("received_at",),
    "supplement_done_at": ("received_at", "supplement_asked_at"),
    "tax_sent_at": ("received_at",),
    "tax_notice_at": ("received_at", "tax_sent_at"),
    "tax_paid_at": ("received_at", "tax_sent_at", "tax_notice_at"),
    "apology_at": ("received_at",),
    "finished_at": (
        *("received_at", "supplement_asked_at", "supplement_done_at"),
        *("tax_sent_at", "tax_notice_at", "tax_paid_at"),
    ),
    "ended_at": ("submitted_at", "received_at", "supplement_asked_at", "tax_sent_at"),
    "handed_over_at": ("received_at", "finished_at", "ended_at"),
}
# What makes a dossier due later where it happened later on its day.
_MOVES_ON = frozenset(
    {"received_at", "land_office_received_at", "supplement_done_at", "tax_paid_at"}
)
# No part of a record: of no weight for a clock, so an hour is never asked for.
_NO_CLOCK = frozenset({"submitted_at", "apology_at", "handed_over_at", "tax_notice_at"})


class Hours(StrEnum):
    """How days without an hour are read: as they are kept, or all to a dossier's harm or favour."""

    KEPT = "kept"
    WORST = "worst"
    BEST = "best"


class Native(NamedTuple):
    """A row as a native record.

    Attributes:
        record: What was understood of it; whole only where there are no problems.
        told: The days and instants it tells.
        by_day: Those of which only the day is known.
        weighs: Those of them that move a clock of hours, or a cut-off.
        reject_id: The refused row it mends.
        again: The record with its days read otherwise, to see whether the hour decides.
    """

    line: int
    record: dict[str, Any]
    problems: tuple[Problem, ...]
    told: frozenset[str]
    by_day: frozenset[str]
    weighs: frozenset[str]
    reject_id: int | None
    again: Callable[[Hours], dict[str, Any]]


def native(sheet: Sheet, line: int, cells: Sequence[Cell]) -> Native:
    """Read a row; `line` is its number in the file as people see it."""
    row = Row(sheet, line, cells)
    moments = {name: row.moment(name) for name in DATES}
    told = {name: at for name, at in moments.items() if at is not None}
    words = row.words(told.get("received_at") or told.get("submitted_at"))
    _check_pairs(row, told, words["status"])
    by_day = frozenset(name for name, at in told.items() if at.by_day)

    def written(hours: Hours) -> dict[str, Any]:
        return _record(words, _instants(told, hours), sheet, told)

    return Native(
        line,
        written(Hours.KEPT),
        tuple(row.problems),
        frozenset(told),
        by_day,
        (by_day & _AFTER.keys()) - _NO_CLOCK,
        row.reject_id(),
        written,
    )


def _check_pairs(row: Row, told: Mapping[str, Moment], status: int | None) -> None:
    """An end whose beginning is not told, and a re-appointment without its letter, say nothing."""
    pairs = (
        ("supplement_done_at", ("supplement_asked_at",)),
        ("tax_paid_at", ("tax_sent_at", "tax_notice_at")),
        ("apology_promised_at", ("apology_at",)),
    )
    for later, any_of in pairs:
        if later in told and not any(one in told for one in any_of):
            row.wrong(
                later,
                'cell {cell} ({column}) ends what the row does not begin; give "{first}" too',
                first=DATES[any_of[0]][0],
            )
    if "ended_at" in told and "received_at" in told and not status:
        row.wrong(
            "ended_at",
            "cell {cell} ({column}) is an end without a result; give the status too: 3, 7 or 8",
        )
    if not {"received_at", "submitted_at"} & told.keys():
        said = {problem.field for problem in row.problems}
        name = "received_at" if "received_at" in row.columns else "submitted_at"
        if name in row.columns and name not in said:
            row.wrong(name, "cell {cell} ({column}) is empty; every row needs it")


def _instants(told: Mapping[str, Moment], hours: Hours) -> dict[str, datetime]:
    """The instant of each event, those of which only the day is known as `hours` says."""
    found: dict[str, datetime] = {}
    for name, before in _AFTER.items():
        held = told.get(name)
        if held is None:
            continue
        at = held.at
        if held.by_day:
            late = hours is not Hours.KEPT and (hours is Hours.BEST) == (name in _MOVES_ON)
            at = _end_of(held) if late else held.at
            same = [found[one] for one in before if one in found and _day(found[one]) == held.on]
            at = max([at, *same])
        found[name] = at
    for name in ("promised_at", "apology_promised_at"):
        if name in told:
            found[name] = _end_of(told[name]) if told[name].by_day else told[name].at
    return found


def _end_of(held: Moment) -> datetime:
    return datetime.combine(held.on, END_OF_DAY, ZONE)


def _day(at: datetime) -> object:
    return at.astimezone(ZONE).date()


def _record(
    words: Mapping[str, Any],
    at: dict[str, datetime],
    sheet: Sheet,
    told: Mapping[str, Moment],
) -> dict[str, Any]:
    status = words["status"]
    if status is None:
        status = _status(at)
    _ends(at, status)
    officer, ended = words["officer"], "finished_at" in at or "ended_at" in at
    record: dict[str, Any] = {
        name: words[name]
        for name in ("code", "procedure", "branch", "case", "commune", "applicant")
    }
    record |= {
        "status": status,
        "updated_at": _stamp(told.get("updated_at"), sheet),
        "channel": words["channel"] or "counter",
        "suspensions": list(_suspensions(words, at, told)),
        "apologies": [
            {
                "sent_at": at["apology_at"],
                "reason": words["reason"] or "",
                "promised_at": at.get("apology_promised_at"),
            }
        ]
        if "apology_at" in at
        else [],
        "steps": [{"name": OFFICER_STEP, "officer": officer}] if officer and not ended else [],
        "aliases": words["aliases"],
    }
    for name in ("submitted_at", "received_at", "land_office_received_at", "promised_at"):
        record[name] = at.get(name)
    for name in ("finished_at", "ended_at", "handed_over_at"):
        record[name] = at.get(name)
    return {name: _written(value) for name, value in record.items() if value not in (None, [])}


def _status(at: Mapping[str, datetime]) -> int:
    """The status a row without one stands in, by what has happened (`domain`: §1.6)."""
    still = Status.IN_PROGRESS
    if "supplement_asked_at" in at and "supplement_done_at" not in at:
        still = Status.AWAITING_SUPPLEMENT
    elif {"tax_sent_at", "tax_notice_at"} & at.keys() and "tax_paid_at" not in at:
        still = Status.AWAITING_PAYMENT
    reached = (
        ("ended_at", Status.NOT_ACCEPTED),
        ("handed_over_at", Status.HANDED_OVER),
        ("finished_at", Status.FINISHED),
        ("received_at", still),
    )
    return next((status for name, status in reached if name in at), Status.SUBMITTED)


def _ends(at: dict[str, datetime], status: int) -> None:
    """Put the end of a dossier where its status has it.

    One that was handed over and tells no other end ended then; what was refused, withdrawn or
    stopped has no result, only an end.
    """
    end = at.get("finished_at") or at.get("handed_over_at")
    if end is None or "ended_at" in at:
        return
    if status in (Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED):
        at["ended_at"] = end
        at.pop("finished_at", None)
    else:
        at["finished_at"] = end


def _stamp(told: Moment | None, sheet: Sheet) -> datetime:
    """The moment the row tells of: all of its day where no hour is given, but no future."""
    if told is None:
        return sheet.as_of
    if not told.by_day:
        return told.at
    return min(_end_of(told), max(sheet.latest, told.at))


def _suspensions(
    words: Mapping[str, Any], at: Mapping[str, datetime], told: Mapping[str, Moment]
) -> Iterator[dict[str, Any]]:
    if "supplement_asked_at" in at:
        yield {
            "reason": Reason.SUPPLEMENT,
            "from": at["supplement_asked_at"],
            "until": at.get("supplement_done_at"),
            "ground": words["ground"],
        }
    sent, notice = at.get("tax_sent_at"), told.get("tax_notice_at")
    if sent is not None or notice is not None:
        # Without the day the slip was sent, only the time since the notice is shown to have passed
        # at the tax office.
        yield {
            "reason": Reason.FINANCIAL_OBLIGATION,
            "from": sent or at["tax_notice_at"],
            "until": at.get("tax_paid_at"),
            "ground": f"Thông báo thuế ngày {notice.on:%d/%m/%Y}" if notice else None,
        }


def _written(value: Any) -> Any:  # noqa: ANN401 a value as JSON has it
    if isinstance(value, datetime):
        return value.astimezone(ZONE).isoformat()
    if isinstance(value, list):
        return [_written(one) for one in value]
    if isinstance(value, dict):
        return {name: _written(one) for name, one in value.items() if one is not None}
    return value
