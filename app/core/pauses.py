"""The days a dossier was out of the office's hands: what durations "net of pauses" leave out."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from app.core.clock import Reason, Suspension
from app.core.standing import Days, day
from app.core.taxes import Gap

_DAY = timedelta(days=1)


def paused(
    suspensions: Sequence[Suspension], gaps: Sequence[Gap], end: datetime | None, zone: tzinfo
) -> tuple[Days, ...]:
    """The days of suspensions and of tax legs (`core.taxes.gaps`), in order, apart from each other.

    The day on which a pause begins is the office's still, the day on which it ends is not (design
    §6). One still open lasts until the dossier's `end`, or without end while there is none. Unlike
    for the clock, it does not matter whether the due moment had passed.
    """
    spans = [
        (stop.from_at, stop.until_at or end)
        for stop in suspensions
        if stop.reason is not Reason.FINANCIAL_OBLIGATION
    ]
    spans += [(gap.sent_at, gap.paid_at or end) for gap in gaps]
    found: list[Days] = []
    for since, until in sorted((day(since, zone), _last(until, zone)) for since, until in spans):
        first, beyond = since + _DAY, until if until == date.max else until + _DAY
        if found and (found[-1].until is None or first <= found[-1].until):
            begun = found.pop()
            first, beyond = begun.first, max(begun.until or date.max, beyond)
        if first < beyond:
            found.append(Days(first, None if beyond == date.max else beyond))
    return tuple(found)


def _last(until: datetime | None, zone: tzinfo) -> date:
    return date.max if until is None else day(until, zone)
