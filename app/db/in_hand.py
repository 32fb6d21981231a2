"""What was in hand in a period: received by its last day, and not ended before its first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.yardsticks import Yardstick
from app.db.lists import Clock

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Group(StrEnum):
    """What figures may be split by; the months and quarters are those of the end."""

    BRANCH = "branch"
    PROCEDURE = "procedure"
    GROUP = "group"
    CASE = "case"
    COMMUNE = "commune"
    CHANNEL = "channel"
    APPLICANT_KIND = "applicant_kind"
    MONTH = "month"
    QUARTER = "quarter"
    REPORTING_QUARTER = "reporting_quarter"


class Standing(StrEnum):
    """Where a dossier stood at the close of a period, by one yardstick; it is just one of these."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    NO_VERDICT = "no_verdict"  # ended, and the yardstick knows no due day
    UNCOUNTED = "uncounted"  # ended, and the yardstick does not count such an end
    IN_TIME = "in_time"
    OVERDUE = "overdue"
    UNVERIFIED = "unverified"  # past due since after the last that was heard of the branch
    NO_LIMIT = "no_limit"  # open, and without a due day by law


BY_END = frozenset({Group.MONTH, Group.QUARTER, Group.REPORTING_QUARTER})
"""Splits that only what has ended belongs to."""

EXPRESSIONS: Mapping[Group, str] = {
    Group.BRANCH: "d.branch",
    Group.PROCEDURE: "d.procedure_code",
    Group.GROUP: 'coalesce((SELECT p."group" FROM procedure AS p WHERE p.code = d.procedure_code), '
    "'')",
    Group.CASE: "coalesce(d.case_used, '')",
    Group.COMMUNE: "coalesce(d.commune, '')",
    Group.CHANNEL: "d.channel",
    Group.APPLICANT_KIND: "d.applicant_kind",
    Group.MONTH: "to_char(d.ended_on, 'YYYY-MM')",
    Group.QUARTER: "to_char(d.ended_on, 'YYYY-\"Q\"Q')",
    # it closes on the 14th: the quarter of the month after, a fortnight earlier
    Group.REPORTING_QUARTER: "to_char(d.ended_on - 14 + interval '1 month', 'YYYY-\"RQ\"Q')",
}

_ENDED = """CASE {forced} WHEN d.{name}_due_on IS NULL THEN '{without}'
  WHEN {end} < d.{name}_due_on THEN 'early'
  WHEN {end} = d.{name}_due_on THEN 'on_time' ELSE 'late' END"""
ENDED: Mapping[Yardstick, str] = {
    Yardstick.LEGAL: _ENDED.format(
        name="legal",
        end="d.ended_on",
        forced="WHEN d.legal_end_on IS NULL THEN 'uncounted' WHEN d.legal_late THEN 'late'",
        without="no_verdict",
    ),
    # Biểu II.06a: without a promise it is on time
    Yardstick.FORM: _ENDED.format(name="form", end="d.ended_on", forced="", without="on_time"),
    Yardstick.INDEX766: _ENDED.format(
        name="index766",
        end="d.index766_end_on",
        forced="WHEN d.index766_late THEN 'late'",
        without="no_verdict",
    ),
}
"""The standing of what has ended; the classes are those of `core.rating.verdict`."""

_BY_DATE = """CASE
  WHEN coalesce(d.{name}_overdue @> CAST(:last AS date), d.{name}_due_on < :last)
  THEN 'overdue' ELSE 'in_time' END"""
_PAST = """CASE WHEN d.no_limit IS NOT NULL THEN 'no_limit'
  WHEN d.legal_overdue IS NULL THEN CASE
    -- ended between two appointments: `due_at` is of the first, which had been kept
    WHEN d.legal_due_on > :last THEN 'in_time'
    WHEN d.due_at <= least(:close, c.clock_at) THEN 'overdue'
    WHEN d.due_at <= :close THEN 'unverified' ELSE 'in_time' END
  WHEN NOT d.legal_overdue @> CAST(:last AS date) THEN 'in_time'
  WHEN d.legal_overdue @> least(:last, c.heard_on) THEN 'overdue' ELSE 'unverified' END"""
# Now the clock of the appointment that runs decides, to the minute.
_NOW = """CASE WHEN d.no_limit IS NOT NULL THEN 'no_limit'
  WHEN d.due_at <= least(:close, c.clock_at) THEN 'overdue'
  WHEN d.due_at <= :close THEN 'unverified' ELSE 'in_time' END"""
_OPEN = {
    Yardstick.FORM: _BY_DATE.format(name="form"),
    Yardstick.INDEX766: _BY_DATE.format(name="index766"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A period as it is asked about: its days, both included, and the instant it is judged at.

    `close` is the last instant of `last`, or now where that day is not over.
    """

    first: date
    last: date
    close: datetime
    current: bool


def span(first: date, last: date, now: datetime) -> Span:
    """The days of a period up to today; what lies ahead of today is not asked about."""
    today = now.astimezone(ZONE).date()
    if last >= today:
        return Span(first, today, now, current=True)
    midnight = datetime.combine(last + timedelta(days=1), time(), ZONE)
    return Span(first, last, midnight - timedelta(microseconds=1), current=False)


def standing(yardstick: Yardstick, over: Span) -> str:
    """The standing of an open dossier `d` under the clock `c`, as an expression of SQL."""
    if yardstick is Yardstick.LEGAL:
        return _NOW if over.current else _PAST
    return _OPEN[yardstick]


CLOCKS = (
    "unnest(CAST(:branches AS text[]), CAST(:clocks AS timestamptz[]), CAST(:heard AS date[])) "
    "AS c(branch, clock_at, heard_on)"
)


def arguments(clocks: Sequence[Clock], over: Span) -> dict[str, Any]:
    """The bound parameters every statement made of `parts` takes."""
    return {
        "branches": [clock.branch for clock in clocks],
        "clocks": [clock.clock_at for clock in clocks],
        "heard": [clock.clock_at.astimezone(ZONE).date() for clock in clocks],
        "first": over.first,
        "last": over.last,
        "close": over.close,
    }


def parts(over: Span, ended: str, still_open: str, *, with_open: bool = True) -> str:
    """All that was in hand, as a union in SQL of what ended and what stood open at the close.

    `ended` and `still_open` are the lists of columns of each; the columns of `ix_dossier_ended` are
    read from it alone. What stood open then and has ended since is found by its days.
    """
    found = [
        f"""SELECT {ended} FROM dossier AS d
WHERE d.branch = ANY(:branches) AND d.ended_on BETWEEN :first AND :last
  AND d.received_on IS NOT NULL"""
    ]
    if with_open and not over.current:
        found.append(
            f"""SELECT {still_open} FROM dossier AS d JOIN {CLOCKS} ON c.branch = d.branch
WHERE d.received_on < d.ended_on AND daterange(d.received_on, d.ended_on) @> CAST(:last AS date)
  AND d.ended_on > :last"""
        )
    if with_open:
        found.append(
            f"""SELECT {still_open} FROM dossier AS d JOIN {CLOCKS} ON c.branch = d.branch
WHERE d.state NOT IN ('finished', 'closed') AND d.received_on <= :last"""
        )
    return "\nUNION ALL\n".join(found)


def counted(
    session: Session,
    clocks: Sequence[Clock],
    over: Span,
    groups: Sequence[Group],
    yardstick: Yardstick,
    *,
    with_open: bool = True,
) -> Sequence[RowMapping]:
    """How many were in hand, of the branches of `clocks`, by the groups and where they stood.

    Columns: the groups, fresh (received in the period), online, open (at its close), standing, n.
    A split by the day of the end is null for what is open. What ended, by branch, procedure and
    channel, is read from an index alone.
    """
    chosen = [f"{EXPRESSIONS[group]} AS {_quoted(group)}" for group in groups]
    open_ones = [
        f"CAST(NULL AS text) AS {_quoted(group)}" if group in BY_END else words
        for group, words in zip(groups, chosen, strict=True)
    ]
    shared = ["d.received_on >= :first AS fresh", "d.channel = 'online' AS online"]
    ended = [*chosen, *shared, "false AS open", f"{ENDED[yardstick]} AS standing"]
    still = [*open_ones, *shared, "true AS open", f"{standing(yardstick, over)} AS standing"]
    names = [*map(_quoted, groups), "fresh", "online", "open", "standing"]
    union = parts(over, ", ".join(ended), ", ".join(still), with_open=with_open)
    query = f"SELECT {', '.join(names)}, count(*) AS n FROM ({union}) AS held GROUP BY "
    query += ", ".join(names)
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


def _quoted(group: Group) -> str:
    return f'"{group.value}"'
