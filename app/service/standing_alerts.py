"""What is wrong with no dossier in particular: silent feeds, open calendars, many refusals."""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.ladder import Level
from app.core.layers import unconfirmed_soon
from app.core.office_hours import CalendarEndsError
from app.db import alerts, refusals
from app.db.alerts import Raised
from app.service.rules import Branch, Rules
from app.service.silence import feeds_of, today


def raise_standing(session: Session, rules: Rules, now: datetime, *, silence_days: int) -> int:
    """Raise what is not known yet, by the ladder of each office; returns how many.

    * feed silent: the leading source of a branch was to be heard by now (once a silence);
    * calendar unconfirmed: so many days before the first day nobody has confirmed, once for the
      office, or for a branch whose calendar ends earlier;
    * quarantine growing: so many records refused since the last working day opened and not mended,
      once a day.
    """
    active = _active(rules, now)
    told = [
        *_silent(session, rules, active, now, silence_days),
        *_unconfirmed(rules, active, now),
        *_growing(session, rules, active, now),
    ]
    return alerts.raise_these(session, told, now)


def unconfirmed(rules: Rules, now: datetime) -> set[str]:
    """The subjects of the alerts of calendars that nobody has confirmed yet."""
    return {one.subject for one in _unconfirmed(rules, _active(rules, now), now)}


def _active(rules: Rules, now: datetime) -> list[Branch]:
    return [
        branch
        for branch in rules.branches.values()
        if branch.is_active(today(rules.calendar_of(branch.code), now))
    ]


def _silent(
    session: Session, rules: Rules, active: list[Branch], now: datetime, silence_days: int
) -> Iterator[Raised]:
    codes = [branch.code for branch in active]
    for feed in feeds_of(session, rules, codes, now, silence_days=silence_days):
        office = rules.branches[feed.branch].office
        rung = rules.office_ladder(office).by_level.get(Level.FEED_SILENT)
        if rung is None or not (feed.leads and feed.silent) or feed.expected_by is None:
            continue
        heard_at = feed.heard_at.isoformat() if feed.heard_at else None
        subject = f"{feed.branch}/{feed.source}"
        details = {"source": feed.source, "heard_at": heard_at}
        yield Raised(office, feed.branch, subject, feed.expected_by, rung, details)


def _unconfirmed(rules: Rules, active: list[Branch], now: datetime) -> Iterator[Raised]:
    found: dict[tuple[str, date], list[Branch]] = {}
    for branch in active:
        rung = rules.office_ladder(branch.office).by_level.get(Level.CALENDAR_UNCONFIRMED)
        if rung is None:
            continue
        held = rules.published(branch.code)
        first = unconfirmed_soon(held.spec, today(held.calendar, now), rung.days)
        if first is not None:
            found.setdefault((branch.office, first), []).append(branch)
    for (office, first), branches in found.items():
        rung = rules.office_ladder(office).by_level[Level.CALENDAR_UNCONFIRMED]
        whole = len(branches) == sum(one.office == office for one in active)
        due_at = rules.calendar_of(branches[0].code).midnight_after(first.toordinal() - 1)
        for code in (None,) if whole else [branch.code for branch in branches]:
            details = {"first": first.isoformat()}
            yield Raised(office, code, f"{code or office}/{first}", due_at, rung, details)


def _growing(
    session: Session, rules: Rules, active: list[Branch], now: datetime
) -> Iterator[Raised]:
    opened = {
        branch.code: times
        for branch in active
        if (times := _openings(rules.calendar_of(branch.code), now)) is not None
    }
    since = {code: before for code, (before, _) in opened.items()}
    for row in refusals.arrived(session, since):
        branch = rules.branches[row["branch"]]
        rung = rules.office_ladder(branch.office).by_level.get(Level.QUARANTINE_GROWING)
        if rung is None or row["count"] < (rung.records or 0):
            continue
        subject = f"{branch.code}/{row['source']}"
        details = {"source": row["source"], "records": row["count"]}
        due_at = opened[branch.code][1]
        yield Raised(branch.office, branch.code, subject, due_at, rung, details)


def _openings(calendar: WorkingCalendar, now: datetime) -> tuple[datetime, datetime] | None:
    """When the last two working days opened, the one under way counted; None before there are."""
    try:
        day = calendar.local_day(now)
        if not calendar.is_working(day) or calendar.opening(day) > now:
            day = calendar.last_working_day_before(day)
        return calendar.opening(calendar.last_working_day_before(day)), calendar.opening(day)
    except CalendarEndsError:
        return None
