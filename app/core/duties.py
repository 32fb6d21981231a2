"""The clocks beside the limit: acceptance, supplement notice, hand-over, the apology."""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, cast

from app.core.alarms import Level, moments
from app.core.calendar import CalendarEndsError, WorkingCalendar
from app.core.clock import Deadline, Limit, Reason, Unit, deadline
from app.core.lifecycle import Channel, Facts

ACCEPTANCE = Limit.of(8, Unit.WORKING_HOURS)
SUPPLEMENT_NOTICE = Limit.of(3, Unit.WORKING_DAYS)
HAND_OVER = Limit.of(3, Unit.WORKING_DAYS)


class Duty(StrEnum):
    """What the office owes besides the result."""

    ACCEPTANCE = "acceptance"
    SUPPLEMENT_NOTICE = "supplement_notice"
    APOLOGY = "apology"
    HAND_OVER = "hand_over"


class Owed(NamedTuple):
    """One duty of one dossier.

    Attributes:
        duty: Which one.
        due_on: The last day in time.
        due_at: The last moment; exclusive (24:00) for duties in days, inclusive in hours.
        by_date: Whether it is a matter of the day.
        done_at: When it was done; None while it was not.
        late: Done after the due moment, or not done and the moment asked about is past it.
        ground: The article.
    """

    duty: Duty
    due_on: date
    due_at: datetime
    by_date: bool
    done_at: datetime | None
    late: bool
    ground: str


def owed(
    facts: Facts,
    clock: Deadline | None,
    limit: Limit | None,
    calendar: WorkingCalendar,
    now: datetime,
) -> tuple[Owed, ...]:
    """The duties of a dossier, in the order of its life, as they stand at `now`.

    * acceptance: an online dossier is accepted or refused within 8 working hours (NĐ 118/2025
      Đ17-18 as reported; the article is not confirmed);
    * supplement notice: at the latest 3 working days after receipt (NĐ 61/2018 Đ19 k4);
    * apology: at the latest one working day before the due day, for limits of two days and more
      (NĐ 61/2018 Đ19 k9), owed by what is open on that day or ended late;
    * hand-over: 3 working days after the result (ĐT138 Đ3 k4b says 3 days; working days are the
      milder reading, BLDS Đ148 k5 gives the rest).
    """
    found = [_by_limit(timed, calendar, now) for timed in _timed(facts)]
    found.append(_apology(facts, clock, limit, calendar, now))
    order = list(Duty)
    return tuple(
        sorted((one for one in found if one is not None), key=lambda one: order.index(one.duty))
    )


class _Timed(NamedTuple):
    """A duty with a limit of its own: since when it runs, and when it was done."""

    duty: Duty
    since: datetime
    limit: Limit
    done_at: datetime | None
    ground: str


def _timed(facts: Facts) -> Iterator[_Timed]:
    if facts.channel is Channel.ONLINE and facts.submitted_at is not None:
        answered = facts.received_at or facts.end
        yield _Timed(
            Duty.ACCEPTANCE, facts.submitted_at, ACCEPTANCE, answered, "NĐ 118/2025 Đ17-18"
        )
    asked = [stop.from_at for stop in facts.suspensions if stop.reason is Reason.SUPPLEMENT]
    if facts.received_at is not None and asked:
        yield _Timed(
            Duty.SUPPLEMENT_NOTICE,
            facts.received_at,
            SUPPLEMENT_NOTICE,
            min(asked),
            "NĐ 61/2018 Đ19 k4",
        )
    if facts.finished_at is not None:
        yield _Timed(
            Duty.HAND_OVER, facts.finished_at, HAND_OVER, facts.handed_over_at, "ĐT138 Đ3 k4b"
        )


def _by_limit(timed: _Timed, calendar: WorkingCalendar, now: datetime) -> Owed | None:
    try:
        clock = deadline(timed.since, timed.limit, (), calendar)
    except CalendarEndsError:
        return None  # an instant of a year no calendar covers owes nothing anybody could check
    due_on, due_at = cast("tuple[date, datetime]", (clock.due_on, clock.due_at))  # never stopped
    told, by_date = timed.done_at or now, timed.limit.by_date
    late = told >= due_at if by_date else told > due_at
    return Owed(timed.duty, due_on, due_at, by_date, timed.done_at, late, timed.ground)


def _apology(
    facts: Facts,
    clock: Deadline | None,
    limit: Limit | None,
    calendar: WorkingCalendar,
    now: datetime,
) -> Owed | None:
    if clock is None or limit is None or clock.due_on is None or clock.due_at is None:
        return None
    told = moments(clock.due_on, clock.due_at, limit, calendar)
    begins = next((one.at for one in told if one.level is Level.APOLOGY_DUE), None)
    if begins is None:
        return None
    day = calendar.local_day(begins)
    due_at = calendar.midnight_after(day)
    if (facts.end or now) < due_at:
        return None  # ended before, or not yet: nothing to apologise for
    if facts.end is not None and facts.end < clock.due_at:
        return None  # on time after all
    sent = min((letter.sent_at for letter in facts.apologies), default=None)
    late = (sent or now) >= due_at
    on = date.fromordinal(day)
    return Owed(Duty.APOLOGY, on, due_at, True, sent, late, "NĐ 61/2018 Đ19 k9")  # noqa: FBT003
