"""The daily digest: what it tells each of those who are owed one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.ladder import Level, Told
from app.db import digests, mornings, news
from app.db.mornings import Standing
from app.db.news import News, View
from app.service import digest_table
from app.service.digest_document import Digest, Line, Refused, Silent, Unconfirmed
from app.service.digest_sections import Seen, in_hand, sections
from app.service.mornings import (
    BranchDay,
    Waits,
    branch_days,
    opened_before,
    unconfirmed,
    working_days_ahead,
)
from app.service.rules import Rules
from app.service.silence import Feed, branch_clocks, feeds_of, today

AHEAD = 10
"""Working days of which the chart tells how much falls due, today the first of them."""
_HANDLED = 5


@dataclass(frozen=True, slots=True)
class Reader:
    """Recipients who may see the same and have been told the same: they get the same digest."""

    office: str
    whole: bool
    view: View


@dataclass(frozen=True, slots=True)
class Judged:
    """By what settings a digest is written; spans in working days."""

    silence_days: int
    soon_days: int
    waits: Waits
    public_url: str | None


@dataclass(frozen=True, slots=True)
class Morning:
    """All that was read for the digests of a moment, from a fixed number of statements."""

    rules: Rules
    now: datetime
    judged: Judged
    days: Mapping[str, BranchDay]
    listed: Mapping[str, Sequence[Mapping[Any, Any]]]
    waiting: Mapping[str, Sequence[Mapping[Any, Any]]]
    ended: Mapping[str, tuple[int, int]]
    ahead: Mapping[str, Mapping[date, int]]
    refused: Mapping[str, tuple[int, int]]
    feeds: Mapping[str, Sequence[Feed]]

    def covered(self, office: str, branches: Collection[str] | None) -> tuple[str, ...]:
        """The branches at work today that somebody may see."""
        return tuple(
            code
            for code, day in self.days.items()
            if day.branch.office == office and (branches is None or code in branches)
        )

    def reader(
        self,
        office: str,
        branches: Collection[str] | None,
        told: Told,
        seen: digests.Seen | None,
    ) -> Reader:
        """Somebody with what they were told last.

        Who never was is told what was raised since the last working day opened, before the first
        digest that was written for them or, without any, before this one.
        """
        mine = self.covered(office, branches)
        if seen is not None and seen.first_on is None:
            return Reader(office, branches is None, View(told, mine, seen.until, None, seen.at))
        since = min((self.days[code].yard.since for code in mine), default=self.now)
        if seen is not None and seen.first_on is not None:
            calendars = [self.rules.calendar_of(code) for code in mine]
            since = min((opened_before(one, seen.first_on) for one in calendars), default=since)
        view = View(told, mine, 0, since, since)
        return Reader(office, branches is None, view)


def morning(
    session: Session, rules: Rules, now: datetime, judged: Judged, offices: Collection[str]
) -> Morning:
    """Read how every branch of some offices stands."""
    clocks = branch_clocks(
        session, rules, now, silence_days=judged.silence_days, soon_days=judged.soon_days
    )
    mine = {code: clock for code, clock in clocks.items() if rules.branches[code].office in offices}
    days = {one.branch.code: one for one in branch_days(session, rules, mine, now, judged.waits)}
    yards = [one.yard for one in days.values()]
    until = max((_last_ahead(rules, one, now) for one in days), default=now)
    heard = feeds_of(session, rules, days, now, silence_days=judged.silence_days)
    return Morning(
        rules=rules,
        now=now,
        judged=judged,
        days=days,
        listed=_by_branch(mornings.listed(session, yards, now)),
        waiting=_by_branch(mornings.waiting(session, yards)),
        ended=mornings.ended(session, yards),
        ahead=mornings.ahead(session, yards, now, until),
        refused=mornings.refused(session, yards),
        feeds=_by_branch([{"branch": one.branch, "feed": one} for one in heard], "feed"),
    )


def _last_ahead(rules: Rules, branch: str, now: datetime) -> datetime:
    calendar = rules.calendar_of(branch)
    day = today(calendar, now)
    last = working_days_ahead(calendar, day, AHEAD - 1)[-1:] or [day]
    return calendar.midnight_after(last[0].toordinal())


def _by_branch(rows: Sequence[Mapping[Any, Any]], of: str | None = None) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["branch"], []).append(row[of] if of else row)
    return found


def written(
    session: Session, held: Morning, readers: Sequence[Reader], until: int
) -> dict[Reader, Digest]:
    """The digest of each reader, of alerts up to `until`; three statements for all of them."""
    if not readers:
        return {}
    told = news.told_anew(session, [one.view for one in readers], until, held.now)
    everywhere = sorted({code for one in readers for code in one.view.branches})
    back = min(one.view.back for one in readers)
    acknowledged = news.handled(session, everywhere, back)
    shown = {code for day in held.days.values() for group in day.groups.values()
             for _, code in group.first}  # fmt: skip
    shown |= {code for levels in told for one in levels.values() for _, code in one.first}
    shown |= {row["code"] for row in acknowledged}
    procedures = mornings.procedures(session, shown)
    return {
        one: _digest(held, one, levels, acknowledged, procedures)
        for one, levels in zip(readers, told, strict=True)
    }


def _digest(
    held: Morning,
    reader: Reader,
    levels: Mapping[Level, News],
    acknowledged: Sequence[Mapping[Any, Any]],
    procedures: Mapping[str, str],
) -> Digest:
    view, rules = reader.view, held.rules
    days = [held.days[code] for code in view.branches]
    calendar = rules.calendar_of(view.branches[0] if view.branches else None)
    seen = Seen(
        told=view.told,
        days=days,
        news=levels,
        waiting=_of(held.waiting, view.branches, "since"),
        acknowledged=[
            row
            for row in acknowledged
            if row["branch"] in view.branches and view.told.value in row["tell"]
        ],
        details=procedures,
        names=rules.procedures,
        back=view.back,
        now=held.now,
        waits=held.judged.waits,
        ladder=rules.office_ladder(reader.office),
    )
    on_it = in_hand(seen)
    day = today(calendar, held.now)
    about = digest_table.About(
        view.told, _unit(held, reader), _only(view), reader.office, held.judged.public_url
    )
    handles = view.told is not Told.DEPARTMENT
    return Digest(
        told=view.told,
        unit=about.unit,
        whole=reader.whole,
        day=day,
        as_of=held.now.astimezone(calendar.zone),
        yesterday=max((one.yard.last_worked for one in days), default=day),
        tomorrow=(working_days_ahead(calendar, day, 1) or [day])[0],
        lines=[_line(held, one) for one in days],
        sections=sections(seen),
        silent=list(_silent(held, view)) if handles else [],
        refused=list(_refused(held, reader)) if handles else [],
        unconfirmed=_unconfirmed(rules, reader, day) if view.told is Told.OFFICE else [],
        handled=on_it[:_HANDLED],
        in_hand=len(on_it),
        ahead=_ahead(held, view, day),
        table=digest_table.table(
            about,
            rules,
            _of(held.listed, view.branches, "due_at"),
            seen.waiting,
            held.now,
            min((one.clock.heard_at for one in days if one.clock.heard_at), default=None),
        ),
    )


def _of(
    rows: Mapping[str, Sequence[Mapping[Any, Any]]], branches: Collection[str], by: str
) -> list[Mapping[Any, Any]]:
    """The rows of some branches, in one order."""
    found = [row for code in branches for row in rows.get(code, ())]
    return sorted(found, key=lambda row: (row[by], row["code"]))


def _only(view: View) -> str | None:
    return view.branches[0] if len(view.branches) == 1 else None


def _unit(held: Morning, reader: Reader) -> str:
    only = _only(reader.view)
    if only is not None and not reader.whole:
        return held.rules.branches[only].short_name
    return held.rules.offices.get(reader.office, reader.office) if reader.whole else ""


def _line(held: Morning, day: BranchDay) -> Line:
    on_time, judged = held.ended.get(day.branch.code, (0, 0))
    letters = day.groups.get(Standing.APOLOGY_TODAY)
    return Line(
        code=day.branch.code,
        name=day.branch.short_name,
        overdue=day.count(Standing.OVERDUE, Standing.NEWLY_OVERDUE),
        due_today=day.count(Standing.DUE_TODAY),
        due_tomorrow=day.count(Standing.DUE_TOMORROW) + (letters.tomorrow if letters else 0),
        due_soon=day.count(
            *(Standing.DUE_TODAY, Standing.APOLOGY_TODAY),
            *(Standing.DUE_TOMORROW, Standing.DUE_SOON),
        ),
        unverified=day.count(Standing.UNVERIFIED),
        on_time=on_time,
        judged=judged,
    )


def _silent(held: Morning, view: View) -> list[Silent]:
    return [
        Silent(held.rules.branches[code].short_name, one.name, one.heard_at)
        for code in view.branches
        for one in held.feeds.get(code, ())
        if one.silent
    ]


def _refused(held: Morning, reader: Reader) -> list[Refused]:
    """Where as many records were refused as the ladder calls growing."""
    rung = held.rules.office_ladder(reader.office).by_level.get(Level.QUARANTINE_GROWING)
    bound = rung.records if rung and rung.records else 1
    return [
        Refused(held.rules.branches[code].short_name, *held.refused[code])
        for code in reader.view.branches
        if code in held.refused and held.refused[code][0] >= bound
    ]


def _unconfirmed(rules: Rules, reader: Reader, day: date) -> list[Unconfirmed]:
    mine = reader.view.branches
    if not reader.whole:
        return []
    return [
        Unconfirmed(
            first,
            ()
            if len(codes) == len(mine)
            else tuple(rules.branches[code].short_name for code in codes),
        )
        for first, codes in unconfirmed(rules, mine, day).items()
    ]


def _ahead(held: Morning, view: View, day: date) -> list[tuple[date, int]]:
    calendar = held.rules.calendar_of(view.branches[0] if view.branches else None)
    counts = dict.fromkeys([day, *working_days_ahead(calendar, day, AHEAD - 1)], 0)
    for code in view.branches:
        for on, count in held.ahead.get(code, {}).items():
            counts[on] = counts.get(on, 0) + count
    return sorted(counts.items())[:AHEAD]


def message(held: Morning, reader: Reader) -> dict[str, Any]:
    """The event `digest.daily`: figures that add up, and the first codes of each standing."""
    days = [held.days[code] for code in reader.view.branches]
    day = min((one.yard.day_start for one in days), default=held.now).date()
    return {
        "type": "digest.daily",
        "timestamp": held.now.isoformat(),
        "data": {"day": day.isoformat(), "branches": [figures(one) for one in days]},
    }


def figures(day: BranchDay) -> dict[str, Any]:
    """One branch for machines: each running dossier stands in one place."""
    heard_at = day.clock.heard_at
    return {
        "branch": day.branch.code,
        "heard_at": heard_at.isoformat() if heard_at else None,
        "silent": day.clock.silent,
        "counts": {standing.value: day.count(standing) for standing in Standing},
        "codes": {
            standing.value: [code for _, code in group.first]
            for standing, group in day.groups.items()
        },
    }
