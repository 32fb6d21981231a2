"""On which days an open dossier stood past due: what a report of any past day is made of."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

_DAY = timedelta(days=1)


class Days(NamedTuple):
    """Days from `first` on; `until` is the first that is no longer meant, None is without end."""

    first: date
    until: date | None


def past_due(
    cuts: Iterable[date], end_on: date | None, late_from: Callable[[date], date | None]
) -> tuple[Days, ...]:
    """The days at whose close a dossier stood open and past due, in order, apart from each other.

    Between two `cuts` nothing changes: `late_from(day)` gives, for what holds from that day on, the
    first day past due (None: none is). A dossier is not open at the close of the day it ended.
    """
    edges = sorted({date.min, *cuts})
    found: list[Days] = []
    for first, following in zip(edges, [*edges[1:], None], strict=True):
        late = late_from(first)
        until = _earlier(following, end_on)
        if late is None:
            continue
        begin = max(first, late)
        if until is not None and begin >= until:
            continue
        if found and found[-1].until == begin:
            begin = found.pop().first
        found.append(Days(begin, until))
    return tuple(found)


def unless_plain(
    days: Sequence[Days], due_on: date | None, end_on: date | None
) -> tuple[Days, ...] | None:
    """The days, or None where they are simply all after the due day until the end.

    Nearly always they are, and what is None takes no room in millions of rows.
    """
    plain: tuple[Days, ...] = ()
    if due_on is not None and (end_on is None or due_on + _DAY < end_on):
        plain = (Days(due_on + _DAY, end_on),)
    return None if tuple(days) == plain else tuple(days)


def stood(
    days: Sequence[Days] | None, due_on: date | None, end_on: date | None, on: date
) -> bool | None:
    """Whether it stood past due at the close of a day; None if it was not open then.

    `days` None is the plain rule of `unless_plain`. Whoever asks knows that it had been received.
    """
    if end_on is not None and end_on <= on:
        return None
    if days is None:
        return due_on is not None and due_on < on
    return any(one.first <= on and (one.until is None or on < one.until) for one in days)


def written(days: Sequence[Days] | None) -> str | None:
    """The days as PostgreSQL writes a `datemultirange`."""
    if days is None:
        return None
    spans = (f"[{one.first},{one.until or ''})" for one in days)
    return "{" + ",".join(spans) + "}"


def day(at: datetime, zone: tzinfo) -> date:
    """The local day of an instant."""
    return at.astimezone(zone).date()


def _earlier(one: date | None, other: date | None) -> date | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
