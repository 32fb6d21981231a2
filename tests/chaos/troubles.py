"""What goes wrong in a simulated year, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from app.service.rules import Rules

VN = timezone(timedelta(hours=7))
FIRST = date(2026, 1, 2)


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, the end exclusive."""

    since: datetime
    until: datetime

    def __contains__(self, at: object) -> bool:
        """Whether an instant lies in it."""
        return isinstance(at, datetime) and self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Troubles:
    """What goes wrong, and when.

    Attributes:
        away: While no scheduler runs.
        no_mail: While no mail server answers.
        refusing: While the webhooks' receiver answers 503.
        mute: The branch that says nothing for a week.
        published: At these moments a day becomes a day off, of the nation or of a branch.
    """

    away: Sequence[Span]
    no_mail: Span
    refusing: Span
    mute: str
    mute_for: Span
    by_day: str
    published: Sequence[tuple[datetime, str, date]]


def troubles(days: int, rules: Rules) -> Troubles:
    """Spread over so many days, each on a working day."""
    calendar = rules.calendar_of(None)

    def on(share: float) -> date:
        day = FIRST.toordinal() + round(days * share)
        while not (calendar.is_working(day) and calendar.is_working(day + 1)):
            day += 1
        return date.fromordinal(day)

    def span(day: date, since: str, lasting: timedelta) -> Span:
        return Span(at(day, since), at(day, since) + lasting)

    codes = sorted(rules.branches)
    off = date.fromordinal(calendar.nth_working_day(on(0.4).toordinal(), 6))
    return Troubles(
        away=[
            span(on(0.15), "06:30", timedelta(hours=1, minutes=30)),
            span(on(0.6), "00:00", timedelta(days=2)),
        ],
        no_mail=span(on(0.7), "00:00", timedelta(days=1)),
        refusing=span(on(0.5), "07:00", timedelta(hours=3)),
        mute=codes[4],
        mute_for=span(on(0.25), "08:00", timedelta(days=7)),
        by_day=codes[5],
        published=[(at(on(0.4), "09:30"), "national", off), (at(on(0.8), "10:00"), codes[1],
                   date.fromordinal(calendar.nth_working_day(on(0.8).toordinal(), 2)))],
    )  # fmt: skip


def at(day: date, clock: str) -> datetime:
    """A local instant."""
    return datetime.combine(day, time.fromisoformat(clock), VN)
