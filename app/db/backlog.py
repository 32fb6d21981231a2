"""What stood open at the close of a period: how old it was, how far past due, and the oldest."""

from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.yardsticks import Yardstick
from app.db import worked
from app.db.in_hand import Span, arguments, parts, standing
from app.db.lists import Clock

Calendars = Mapping[str, WorkingCalendar]

AGES = (5, 10, 20, 30, 60)
"""The last of each class of age, in working days since the receipt; what is older is one more."""
PAST = (3, 10, 30)
"""The last of each class of being past due, in working days since the due day; the same."""

_LAST = "CAST(:last AS date)"
# Of several appointments the one that was missed then; now it is the one that runs.
_LATE_FROM = f"""CASE WHEN d.legal_overdue IS NULL THEN d.due_on + 1
  ELSE (SELECT lower(days) FROM unnest(d.legal_overdue) AS days WHERE days @> {_LAST}) END"""


def _open(over: Span) -> str:
    """What was open: code, age, where it stood (`still`: in time, for its clock stood), past."""
    # The day after the close is one of a pause that began before it and lasted beyond it.
    stood = "d.state IN ('suspended', 'waiting')" if over.current else f"d.paused @> ({_LAST} + 1)"
    columns = f"""d.branch, d.code, d.procedure_code, d.received_on, d.received_at, d.due_on,
  {"d.due_on + 1" if over.current else _LATE_FROM} AS late_from,
  {standing(Yardstick.LEGAL, over)} AS by_law, coalesce({stood}, false) AS stood"""
    return f"""
SELECT h.branch, h.code, h.procedure_code, h.received_on, h.received_at,
  CASE WHEN by_law IN ('overdue', 'unverified') THEN h.late_from - 1 ELSE h.due_on END AS due_on,
  CASE WHEN by_law = 'in_time' AND stood THEN 'still' ELSE by_law END AS standing,
  {worked.at_least("h.received_on", _LAST)} AS age,
  {worked.at_least("(h.late_from - 1)", _LAST)} AS past
FROM ({parts(over, "", columns, with_ended=False)}) AS h
JOIN {worked.PLACES} ON place.branch = h.branch"""


def counted(
    session: Session, clocks: Sequence[Clock], over: Span, calendars: Calendars
) -> Sequence[RowMapping]:
    """How many were open, by branch, class of age, standing, and class of being past due.

    Columns: branch, age and past (from 0; past only of what is overdue, else null), standing
    (`db.in_hand.Standing`, or `still`), n.
    """
    query = f"""WITH {worked.TOLD}
SELECT branch, age, standing, past, count(*) AS n FROM (
  SELECT branch, width_bucket(age, CAST(:ages AS int[])) AS age, standing,
    CASE WHEN standing = 'overdue' THEN width_bucket(past, CAST(:pasts AS int[])) END AS past
  FROM ({_open(over)}) AS held) AS classed GROUP BY branch, age, standing, past"""
    told = {"ages": [last + 1 for last in AGES], "pasts": [last + 1 for last in PAST]}
    return session.execute(text(query), _arguments(clocks, over, calendars) | told).mappings().all()


def oldest(
    session: Session, clocks: Sequence[Clock], over: Span, calendars: Calendars, limit: int
) -> Sequence[RowMapping]:
    """Those open for longest: code, branch, procedure_code, received_on, due_on, standing, age.

    `due_on` of what was past due is the day that was missed; else as it is known today.
    """
    query = f"""WITH {worked.TOLD}
SELECT code, branch, procedure_code, received_on, due_on, standing, age,
  {_LAST} - received_on AS days
FROM ({_open(over)}) AS held ORDER BY received_at, code LIMIT :limit"""
    told = _arguments(clocks, over, calendars) | {"limit": limit}
    return session.execute(text(query), told).mappings().all()


def _arguments(clocks: Sequence[Clock], over: Span, calendars: Calendars) -> dict[str, object]:
    return arguments(clocks, over) | worked.arguments(calendars, over.last)
