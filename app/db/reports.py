"""Figures: how many ended early, on time and late, and what is open beside them."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.yardsticks import Yardstick
from app.db.lists import CLOCKS, DUE_SOON, OVERDUE, UNVERIFIED, Clock, clock_arguments


class Group(StrEnum):
    """What a report may be split by."""

    BRANCH = "branch"
    PROCEDURE = "procedure"
    MONTH = "month"


def _late(due: str, end: str, forced: str) -> str:
    return f"({forced} OR {end} > {due})"


_YARDSTICKS = {
    Yardstick.LEGAL: ("d.legal_due_on", "d.legal_end_on", "d.legal_late"),
    # Biểu II.06a: no due date is on time, so it is given its own end
    Yardstick.FORM: ("coalesce(d.form_due_on, d.form_end_on)", "d.form_end_on", "false"),
    Yardstick.INDEX766: ("d.index766_due_on", "d.index766_end_on", "d.index766_late"),
}


def ended(
    session: Session,
    branches: Sequence[str],
    first: date,
    last: date,
    groups: Sequence[Group],
    yardstick: Yardstick,
) -> Sequence[RowMapping]:
    """Dossiers that ended from `first` to `last`, both included, by verdict, one row a group.

    Columns: the groups, early, on_time, late, no_limit. The legal yardstick by branch, procedure
    and month reads the index `ix_dossier_legal` alone. The classes are those of
    `core.rating.verdict`; a test holds the two together.
    """
    due, end, forced = _YARDSTICKS[yardstick]
    expressions = {
        Group.BRANCH: "d.branch",
        Group.PROCEDURE: "d.procedure_code",
        Group.MONTH: f"to_char({end}, 'YYYY-MM')",
    }
    chosen = [f"{expressions[group]} AS {group.value}" for group in groups]
    late = _late(due, end, forced)
    query = f"""
SELECT {"".join(f"{one}, " for one in chosen)}
  count(*) FILTER (WHERE NOT {forced} AND {end} < {due}) AS early,
  count(*) FILTER (WHERE NOT {forced} AND {end} = {due}) AS on_time,
  count(*) FILTER (WHERE {late}) AS late,
  count(*) FILTER (WHERE NOT {forced} AND {due} IS NULL) AS no_limit
FROM dossier AS d
WHERE d.branch = ANY(:branches) AND {end} BETWEEN :first AND :last
{_group_by(len(chosen))}
"""
    arguments = {"branches": list(branches), "first": first, "last": last}
    return session.execute(text(query), arguments).mappings().all()


def open_now(
    session: Session, clocks: Sequence[Clock], now: datetime, groups: Sequence[Group]
) -> Sequence[RowMapping]:
    """What is open at this moment, by branch or procedure: counts of each reading.

    Columns: the groups, open, overdue, unverified, due_soon, suspended, waiting, no_limit.
    """
    chosen = [
        "d.branch AS branch" if group is Group.BRANCH else "d.procedure_code AS procedure"
        for group in groups
        if group is not Group.MONTH
    ]
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


def carried_over(
    session: Session, branches: Sequence[str], first_at: datetime, groups: Sequence[Group]
) -> Sequence[RowMapping]:
    """Dossiers received before a period and not ended before it ("từ kỳ trước")."""
    chosen = [
        "branch" if group is Group.BRANCH else "procedure_code AS procedure"
        for group in groups
        if group is not Group.MONTH
    ]
    query = f"""
SELECT {"".join(f"{one}, " for one in chosen)} count(*) AS carried_over
FROM dossier
WHERE branch = ANY(:branches) AND received_at < :first_at
  AND (coalesce(finished_at, ended_at) IS NULL OR coalesce(finished_at, ended_at) >= :first_at)
{_group_by(len(chosen))}
"""
    arguments = {"branches": list(branches), "first_at": first_at}
    return session.execute(text(query), arguments).mappings().all()


def _group_by(count: int) -> str:
    return "GROUP BY " + ", ".join(str(at) for at in range(1, count + 1)) if count else ""
