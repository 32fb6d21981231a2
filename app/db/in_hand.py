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
from app.db.tables.dossiers import LONG, LONG_DAYS

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


STILL_OPEN = (Standing.IN_TIME, Standing.OVERDUE, Standing.UNVERIFIED, Standing.NO_LIMIT)
_STILL_OPEN = ", ".join(f"'{one}'" for one in STILL_OPEN)

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
# What ended between two appointments is judged by its end; `due_at` is of the one it had met.
_PAST = """CASE WHEN d.no_limit IS NOT NULL THEN 'no_limit'
  WHEN d.legal_overdue IS NULL THEN CASE
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


def _ranges(over: Span, *, with_open: bool, with_ended: bool = True) -> list[tuple[bool, str]]:
    """The rows in hand as ranges of an index each, whether these stood open at the close, and how.

    What ended is read from `ix_dossier_ended`, what is open from `ix_dossier_open`. What stood open
    then and has ended since is one of two: it ended within `LONG_DAYS` of the close, or it took
    longer than that and is in `ix_dossier_long`, which is small. So a day of long ago costs hardly
    more than one of last month.
    """
    found: list[tuple[bool, str]] = []
    if with_ended:
        found.append((False, "d.ended_on BETWEEN :first AND :last AND d.received_on IS NOT NULL"))
    if with_open and not over.current:
        soon = f"CAST(:last AS date) + {LONG_DAYS}"
        received = "d.received_on <= :last AND d.ended_on"
        found.append((True, f"{received} > :last AND d.ended_on <= {soon}"))
        found.append((True, f"{received} > {soon} AND {LONG}"))
    if with_open:
        found.append((True, "d.state NOT IN ('finished', 'closed') AND d.received_on <= :last"))
    return found


def parts(
    over: Span,
    ended: str,
    still_open: str,
    *,
    with_ended: bool = True,
    with_open: bool = True,
) -> str:
    """All that was in hand, as a union in SQL of what ended and what stood open at the close.

    `ended` and `still_open` are the lists of columns of each, of the dossier `d` and the clock `c`.
    The columns that the indexes `ix_dossier_ended`, `_open` and `_long` have are read from these
    alone; any other is looked up in the rows.
    """
    return "\nUNION ALL\n".join(
        f"SELECT {still_open if is_open else ended} {_rows(where, with_clock=is_open)}"
        for is_open, where in _ranges(over, with_open=with_open, with_ended=with_ended)
    )


def _rows(where: str, *, with_clock: bool) -> str:
    """Dossiers of the branches; without their clocks several processes may read them at once."""
    if with_clock:
        return f"FROM {CLOCKS} JOIN dossier AS d ON d.branch = c.branch WHERE {where}"
    return f"FROM dossier AS d WHERE d.branch = ANY(:branches) AND {where}"


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

    Columns: the groups, standing, open (whether that is open at the close), n, fresh (how many of
    them were received in the period), online (how many of those online). A split by the day of the
    end is null for what is open. By branch, procedure and channel all is read from indexes alone.
    """
    # By branch each is counted alone, by fewer keys. Else the clocks are left out where they decide
    # nothing, and several processes may count.
    alone = Group.BRANCH in groups
    within = [group for group in groups if group is not Group.BRANCH]
    places = ", ".join(str(place) for place in range(1, len(within) + 2))
    counts = """count(*) AS n, count(*) FILTER (WHERE d.received_on >= :first) AS fresh,
  count(*) FILTER (WHERE d.received_on >= :first AND d.channel = 'online') AS online"""
    each = []
    for is_open, where in _ranges(over, with_open=with_open):
        judged = standing(yardstick, over) if is_open else ENDED[yardstick]
        rows = _rows(where, with_clock=is_open and yardstick is Yardstick.LEGAL)
        if alone:
            rows = f"FROM dossier AS d WHERE d.branch = c.branch AND {where}"
        # Each range is counted where it is read: not a row of it is handed on.
        each.append(
            f"SELECT {_told(within, is_open=is_open)} {judged} AS standing, {counts} {rows} "
            f"GROUP BY {places}"
        )
    held = "(" + "\nUNION ALL\n".join(each) + ") AS held"
    names = "".join(f"{_quoted(group)}, " for group in groups)
    query = f"""
SELECT {names} standing, standing IN ({_STILL_OPEN}) AS open, CAST(sum(n) AS bigint) AS n,
  CAST(sum(fresh) AS bigint) AS fresh, CAST(sum(online) AS bigint) AS online
FROM {f"{CLOCKS} CROSS JOIN LATERAL {held}" if alone else held} GROUP BY {names} standing"""
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


def _told(groups: Sequence[Group], *, is_open: bool) -> str:
    return "".join(
        f"{'CAST(NULL AS text)' if is_open and group in BY_END else EXPRESSIONS[group]} AS "
        f"{_quoted(group)}, "
        for group in groups
    )


def _quoted(group: Group) -> str:
    return f'"{group.value}"'
