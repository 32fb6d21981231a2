"""The weekly summary of an office: how the week before went, against the one before that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core import periods
from app.core.rating import Tally
from app.core.yardsticks import Yardstick
from app.db import in_hand, weeks
from app.db.in_hand import ZONE, Group, Standing
from app.db.lists import Clock
from app.service import on_time_document
from app.service.access import Principal
from app.service.asked import Asked
from app.service.document import Document
from app.service.on_time import Line, Report, on_time
from app.service.rules import Rules
from app.service.silence import BranchClock, branch_clocks
from app.service.week_document import Procedure, WeekLine, Weekly

_WORST = 5
_WEEK = timedelta(days=7)
_NOBODY = "jobs"


@dataclass(frozen=True, slots=True)
class Scope:
    """The branches of an office a summary is for; None is all of them."""

    office: str
    branches: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one office."""

    clocks: Mapping[str, BranchClock]
    last: Report
    before: Report
    procedures: Sequence[Mapping[Any, Any]]
    received: Mapping[str, int]
    apologies: Mapping[str, tuple[int, int]]
    causes: Sequence[Mapping[Any, Any]] = field(default=())


def week_before(day: date) -> tuple[date, date]:
    """Monday and Sunday of the week before that of a day."""
    monday = day - timedelta(days=day.weekday()) - _WEEK
    return monday, monday + _WEEK - timedelta(days=1)


def summaries(
    session: Session,
    rules: Rules,
    now: datetime,
    scopes: Collection[Scope],
    *,
    silence_days: int,
    soon_days: int,
) -> dict[Scope, Weekly]:
    """The summary of each scope; the number of statements goes by the offices alone."""
    if not scopes:
        return {}
    heard = branch_clocks(session, rules, now, silence_days=silence_days, soon_days=soon_days)
    found = {}
    for office in sorted({scope.office for scope in scopes}):
        clocks = {code: clock for code, clock in heard.items()
                  if rules.branches[code].office == office}  # fmt: skip
        read = _read(session, rules, now, office, clocks)
        for scope in scopes:
            if scope.office == office:
                found[scope] = _summary(rules, now, scope, read)
    return found


def _read(
    session: Session, rules: Rules, now: datetime, office: str, heard: Mapping[str, BranchClock]
) -> _Read:
    first, last = week_before(now.astimezone(ZONE).date())
    clocks = [Clock(code, one.clock_at, one.soon_until) for code, one in heard.items()]
    branches = list(heard)
    since, until = _midnight(first), _midnight(last + timedelta(days=1))

    def report(first: date, last: date, *, whole: bool) -> Report:
        return on_time(
            session,
            rules,
            clocks,
            heard,
            now,
            office=office,
            whole_office=True,
            first=first,
            last=last,
            groups=[Group.BRANCH],
            yardstick=Yardstick.LEGAL,
            beside=whole,
            cohort=whole,
        )

    over = in_hand.span(first, last, now)
    split = [Group.BRANCH, Group.PROCEDURE]
    return _Read(
        clocks=heard,
        last=report(first, last, whole=True),
        before=report(first - _WEEK, last - _WEEK, whole=False),
        procedures=in_hand.counted(session, clocks, over, split, Yardstick.LEGAL, with_open=False),
        received=weeks.received(session, branches, first, last),
        apologies=weeks.apologies(session, branches, since, until),
        causes=weeks.causes(session, branches, since, until),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def _summary(rules: Rules, now: datetime, scope: Scope, read: _Read) -> Weekly:
    first, last = week_before(now.astimezone(ZONE).date())
    mine = [
        code
        for code in read.clocks
        if (scope.branches is None or code in scope.branches)
        and rules.branches[code].is_active(last)
    ]
    before = {line.key[0]: line.tally for line in read.before.rows}
    rows = [line for line in read.last.rows if line.key[0] in mine]
    causes: dict[str, int] = {}
    for row in read.causes:
        if row["branch"] in mine:
            causes[row["cause"]] = causes.get(row["cause"], 0) + row["n"]
    return Weekly(
        unit=_unit(rules, scope, mine),
        whole=scope.branches is None,
        first=first,
        last=last,
        as_of=now.astimezone(ZONE),
        lines=[_line(rules, line, before.get(line.key[0], Tally()), read) for line in rows],
        causes=sorted(causes.items(), key=lambda one: (-one[1], one[0])),
        worst=_worst(rules, read.procedures, mine),
        table=_table(rules, now, scope, read, rows),
    )


def _unit(rules: Rules, scope: Scope, mine: Sequence[str]) -> str:
    if scope.branches is None:
        return rules.offices.get(scope.office, scope.office)
    return rules.branches[mine[0]].short_name if len(mine) == 1 else ""


def _line(rules: Rules, line: Line, before: Tally, read: _Read) -> WeekLine:
    code = line.key[0]
    owed, sent = read.apologies.get(code, (0, 0))
    return WeekLine(
        code=code,
        name=rules.branches[code].short_name,
        received=read.received.get(code, 0),
        on_time=line.tally.numerator,
        judged=line.tally.denominator,
        before_on_time=before.numerator,
        before_judged=before.denominator,
        overdue=line.beside.get("overdue", 0),
        apologies_owed=owed,
        apologies_sent=sent,
    )


def _worst(
    rules: Rules, rows: Sequence[Mapping[Any, Any]], mine: Collection[str]
) -> list[Procedure]:
    """The procedures with the most dossiers ended late; of as many, the lower rate is worse."""
    late: dict[str, int] = {}
    judged: dict[str, int] = {}
    for row in rows:
        what = Standing(row["standing"])
        if row["branch"] in mine and what in (Standing.EARLY, Standing.ON_TIME, Standing.LATE):
            code = row["procedure"]
            judged[code] = judged.get(code, 0) + row["n"]
            late[code] = late.get(code, 0) + row["n"] * (what is Standing.LATE)
    worst = sorted(
        (code for code, count in late.items() if count),
        key=lambda code: (-late[code], judged[code], code),
    )
    return [
        Procedure(code, rules.procedures.get(code), late[code], judged[code])
        for code in worst[:_WORST]
    ]


def _table(rules: Rules, now: datetime, scope: Scope, read: _Read, rows: list[Line]) -> Document:
    """The on-time report of the week, of these branches."""
    first, last = week_before(now.astimezone(ZONE).date())
    mine = frozenset(line.key[0] for line in rows)
    whole = scope.branches is None
    found = Report(
        groups=read.last.groups,
        rows=rows,
        total=read.last.total if whole else _sum(rows),
        as_of=read.last.as_of,
        current=read.last.current,
        data_as_of=min(
            (one.heard_at for code, one in read.clocks.items() if code in mine and one.heard_at),
            default=None,
        ),
    )
    asked = Asked(
        caller=Principal(_NOBODY, _NOBODY, scope.office, mine, whole, frozenset()),
        rules=rules,
        period=periods.free(first, last),
        over=in_hand.span(first, last, now),
        branch=next(iter(mine)) if len(mine) == 1 and not whole else None,
        clocks=(),
        heard=read.clocks,
        now=now,
    )
    return on_time_document.document(found, asked, Yardstick.LEGAL)


def _sum(rows: Sequence[Line]) -> Line:
    total = Line(())
    for line in rows:
        total.tally += line.tally
        total.no_limit += line.no_limit
        total.uncounted += line.uncounted
        for mine, theirs in ((total.beside, line.beside), (total.fell_due, line.fell_due)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
    return total
