"""The tax office's leg of a dossier: shown beside the branch's clock, never charged to it.

From the slip sent to the tax office to the proof of payment two spend their time: the tax office,
which owes its notice within a limit of its own, and the citizen, who pays after it. When the notice
was given nobody tells us, so a leg is only ever "longer than N days", never late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Reason, Suspension, deadline
from app.core.office_hours import CalendarEndsError
from app.core.stages import Stage, StageFact, joined


@dataclass(frozen=True, slots=True)
class TaxLimit:
    """What the tax office has for its notice, and by which article (ĐT138 Đ59 k4 lists them)."""

    limit: Limit
    ground: str


class Gap(NamedTuple):
    """From the slip sent to the tax office to the proof of payment; None while it is awaited."""

    sent_at: datetime
    paid_at: datetime | None


class TaxLeg(NamedTuple):
    """One leg, as it stands at a moment.

    Attributes:
        gap: When the slip was sent, and when payment was proved.
        tax: The tax office's own limit; None where the catalogue gives none.
        due_on: The last day for its notice by that limit; None without one.
        days: Working days the leg has lasted: the day of the slip does not count, the last does.
        longer_by: How many of them lie beyond `due_on`: the tax office's or the citizen's; None
            without a limit.
    """

    gap: Gap
    tax: TaxLimit | None
    due_on: date | None
    days: int
    longer_by: int | None


def gaps(suspensions: Sequence[Suspension], stages: Sequence[Stage | StageFact]) -> tuple[Gap, ...]:
    """The legs of a dossier, in order.

    Between two stages, what the stages say comes first, as it does for the clock. A
    `financial_obligation` suspension that is no such gap is a leg too.
    """
    between = [
        Gap(earlier.ended_at, later.started_at)
        for earlier, later in pairwise(stages)
        if earlier.ended_at is not None
    ]
    legs = joined(stop for stop in suspensions if stop.reason is Reason.FINANCIAL_OBLIGATION)
    taxes = [Gap(leg.from_at, leg.until_at) for leg in legs]
    # The first few are the gaps between stages themselves (`core.stages.stages`).
    others = taxes[max(0, len(stages) - 1) :]
    return tuple(sorted([*between, *others], key=lambda gap: gap.sent_at))


def legs(
    found: Sequence[Gap], tax: TaxLimit | None, calendar: WorkingCalendar, until: datetime
) -> tuple[TaxLeg, ...]:
    """Each leg by the tax office's own clock; one still open has lasted `until` now or the end.

    A leg on days no calendar covers is left out.
    """
    told: list[TaxLeg] = []
    for gap in found:
        try:
            told.append(_leg(gap, tax, calendar, until))
        except CalendarEndsError:
            continue
    return tuple(told)


def _leg(gap: Gap, tax: TaxLimit | None, calendar: WorkingCalendar, until: datetime) -> TaxLeg:
    last = calendar.local_day(gap.paid_at or until)
    days = calendar.worked_days(calendar.local_day(gap.sent_at), last)
    due_on = None
    if tax is not None:
        due_on = deadline(gap.sent_at, tax.limit, (), calendar).due_on
    longer_by = None if due_on is None else calendar.worked_days(due_on.toordinal(), last)
    return TaxLeg(gap, tax, due_on, days, longer_by)
