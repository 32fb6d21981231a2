"""Figures that no period in hand gives: what is open at this moment, and what fell due."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.db.in_hand import BY_END, EXPRESSIONS, ZONE, Group, Span
from app.db.lists import CLOCKS, DUE_SOON, OVERDUE, UNVERIFIED, Clock, clock_arguments
from app.db.tables.dossiers import MISSED_APPOINTMENT

_APPOINTMENTS = "jsonb_to_recordset(d.stage_dues) AS first (due_on date, ended_at timestamptz)"


def open_now(
    session: Session, clocks: Sequence[Clock], now: datetime, groups: Sequence[Group]
) -> Sequence[RowMapping]:
    """What is open at this moment, by the groups: counts of each reading.

    Columns: the groups, open, overdue, unverified, due_soon, suspended, waiting, no_limit. What is
    open belongs to no day of an end, so splits by one are left out.
    """
    chosen = [f'{EXPRESSIONS[group]} AS "{group.value}"' for group in groups if group not in BY_END]
    query = f"""
SELECT {"".join(f"{one}, " for one in chosen)}
  count(*) AS open,
  count(*) FILTER (WHERE {OVERDUE}) AS overdue,
  count(*) FILTER (WHERE {UNVERIFIED}) AS unverified,
  count(*) FILTER (WHERE {DUE_SOON}) AS due_soon,
  count(*) FILTER (WHERE d.state = 'suspended') AS suspended,
  count(*) FILTER (WHERE d.state = 'waiting') AS waiting,
  count(*) FILTER (WHERE d.no_limit IS NOT NULL) AS no_limit
FROM {CLOCKS} JOIN dossier AS d ON d.branch = c.branch
WHERE d.state NOT IN ('finished', 'closed')
{_group_by(len(chosen))}
"""
    return session.execute(text(query), clock_arguments(clocks, now)).mappings().all()


def fell_due(
    session: Session, branches: Sequence[str], over: Span, groups: Sequence[Group]
) -> Sequence[RowMapping]:
    """Those whose last day by law lay in a period, by the groups, as they stood at its close.

    Columns: the groups, due, met (ended early or on time), missed (ended late, or past due and
    still open), ahead (open, and not yet past due). An end that does not count by law is left out.
    Of two appointments it is the one that ran at the close. By branch and procedure it reads
    `ix_dossier_due` alone, and the few that had missed a first one by `ix_dossier_missed`.
    """
    chosen = [f'{EXPRESSIONS[group]} AS "{group.value}"' for group in groups if group not in BY_END]
    names = [f'"{group.value}"' for group in groups if group not in BY_END]
    split = "".join(f"{one}, " for one in chosen)
    ended = "coalesce(d.ended_on <= :last, false)"
    missed = (
        f"(CASE WHEN {ended} THEN d.legal_late OR d.ended_on > d.legal_due_on "
        "ELSE d.legal_due_on < :gone END)"
    )
    query = f"""
SELECT {"".join(f"{one}, " for one in names)}
  count(*) AS due,
  count(*) FILTER (WHERE ended AND NOT missed) AS met,
  count(*) FILTER (WHERE missed) AS missed,
  count(*) FILTER (WHERE NOT ended AND NOT missed) AS ahead
FROM (
SELECT {split}{ended} AS ended, {missed} AS missed
FROM dossier AS d
WHERE d.branch = ANY(:branches) AND d.legal_due_on BETWEEN :first AND :last
  AND d.received_on <= :last AND NOT ({ended} AND d.legal_end_on IS NULL)
UNION ALL
SELECT {split}false, first.due_on < :gone
FROM dossier AS d, {_APPOINTMENTS}
WHERE d.branch = ANY(:branches) AND {MISSED_APPOINTMENT}
  AND (d.ended_on > :last OR d.ended_on IS NULL)
  AND first.due_on BETWEEN :first AND :last AND first.ended_at >= :midnight
  AND first.due_on IS DISTINCT FROM d.legal_due_on
) AS held
{_group_by(len(names))}
"""
    midnight = datetime.combine(over.last + timedelta(days=1), time(), ZONE)
    told = {
        "branches": list(branches),
        "first": over.first,
        "last": over.last,
        "midnight": midnight,
        # a last day that is over was missed by what is still open; today is not over
        "gone": over.last if over.current else over.last + timedelta(days=1),
    }
    return session.execute(text(query), told).mappings().all()


def _group_by(count: int) -> str:
    return "GROUP BY " + ", ".join(str(at) for at in range(1, count + 1)) if count else ""
