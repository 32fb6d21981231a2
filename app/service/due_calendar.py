"""The due dates of a branch as a calendar (RFC 5545): an event a day, codes and no names."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from app.db import due_calendars
from app.db.due_calendars import DueDay
from app.service.rules import Branch, Rules

PAST = timedelta(days=30)
COMING = timedelta(days=60)
REFRESHED = timedelta(hours=1)


def calendar(session: Session, rules: Rules, branch: Branch, now: datetime) -> bytes:
    """The running dossiers of a branch due from 30 days ago until 60 days ahead.

    An event a day, not one a dossier: a phone shows a day with thousands as one line, and the
    identity of an event stays while its dossiers come and go.
    """
    since, until = now - PAST, now + COMING
    today = date.fromordinal(rules.calendar_of(branch.code).local_day(now))
    days = due_calendars.due_days(session, branch.code, since, until)
    return written(branch, days, today, now)


def written(branch: Branch, days: Sequence[DueDay], today: date, now: datetime) -> bytes:
    """The calendar as text; within an hour the same days are the same text."""
    made = Calendar()
    made.add("prodid", "-//Đúng Hạn//due dates//VI")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", f"Hạn trả hồ sơ: {branch.short_name}")
    made.add("refresh-interval", REFRESHED, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    stamp = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for day in days:
        made.add_component(_event(branch, day, today, stamp))
    return bytes(made.to_ical())


def _event(branch: Branch, day: DueDay, today: date, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"due-{branch.code}-{day.on.isoformat()}@dunghan")
    event.add("dtstamp", stamp)
    event.add("dtstart", day.on)
    event.add("dtend", day.on + timedelta(days=1))
    standing = "đã qua hạn, chưa có kết quả" if day.on < today else "đến hạn"
    event.add("summary", f"{day.count} hồ sơ {standing} ({branch.short_name})")
    lines = list(day.codes)
    if day.count > len(lines):
        lines.append(f"… và {day.count - len(lines)} hồ sơ khác")
    event.add("description", "\n".join(lines))
    event.add("transp", "TRANSPARENT")  # a due date makes nobody busy
    return event
