"""The clocks beside the limit: acceptance, supplement, apology, hand-over, a longer limit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from app.core.alarms import Moment, apology_day
from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, Reason, Suspension, Unit, deadline
from app.core.ladder import Ladder, Level
from app.core.lifecycle import Channel, Extension, Facts
from app.core.limits import Choice
from app.core.office_hours import CalendarEndsError

ACCEPTANCE = Limit.of(8, Unit.WORKING_HOURS)
SUPPLEMENT_NOTICE = Limit.of(3, Unit.WORKING_DAYS)
HAND_OVER = Limit.of(3, Unit.WORKING_DAYS)

# NĐ 61/2018/NĐ-CP gave way to NĐ 118/2025/NĐ-CP, in force from the day after.
DECREE_61_UNTIL = date(2025, 6, 30)


class Duty(StrEnum):
    """What the office owes besides the result."""

    ACCEPTANCE = "acceptance"
    SUPPLEMENT_NOTICE = "supplement_notice"
    ONE_SUPPLEMENT = "one_supplement"
    APOLOGY = "apology"
    HAND_OVER = "hand_over"


class Doubt(NamedTuple):
    """Where our reading of a duty is unsure: an English sentence, the key of its translation."""

    sentence: str


class Ground(NamedTuple):
    """The article of a duty, and what is not certain of it."""

    article: str
    doubt: Doubt | None = None


_ACCEPTANCE = Ground(
    "NĐ 118/2025 Đ17-18",
    Doubt("8 working hours are as the press reports the decree; the article is not confirmed"),
)
_ACCEPTANCE_BEFORE = Ground(
    "NĐ 118/2025 Đ17-18",
    Doubt("filed before the decree was in force (01/07/2025): shown for comparison only"),
)
_NOTICE_BEFORE = Ground("NĐ 61/2018 Đ19 k4")
_NOTICE = Ground(
    "NĐ 102/2024 Đ12 k3; NĐ 61/2018 Đ19 k4",
    Doubt(
        "NĐ 61/2018 is no longer in force for receipts after 30/06/2025; the same 3 working days "
        "of NĐ 102/2024 were read in a provincial quotation only"
    ),
)
_ONE_SUPPLEMENT_BEFORE = Ground(
    "NĐ 61/2018 Đ15 k3",
    Doubt("each suspension for a supplement counts as one request; one request sent in two counts "
          "as two"),
)  # fmt: skip
_ONE_SUPPLEMENT = Ground("NĐ 118/2025 Đ11", _ONE_SUPPLEMENT_BEFORE.doubt)
_APOLOGY_BEFORE = Ground("NĐ 61/2018 Đ19 k9")
_APOLOGY = Ground(
    "ĐT138 Đ3 k6; NĐ 61/2018 Đ19 k9",
    Doubt(
        "NĐ 61/2018 is no longer in force for receipts after 30/06/2025; provinces repeat the "
        "rule, the article of NĐ 118/2025 was not found"
    ),
)
_HAND_OVER = Ground(
    "ĐT138 Đ3 k4b",
    Doubt(
        'printed "03 days"; read as working days, the milder reading; the rule was read in the '
        "decision of Đồng Tháp, not in a national text"
    ),
)


class Owed(NamedTuple):
    """One duty of one dossier.

    Attributes:
        duty: Which one.
        due_on: The last day in time; None for what is forbidden at any time.
        due_at: The last moment; exclusive (24:00) for duties in days, inclusive in hours.
        by_date: Whether it is a matter of the day.
        done_at: When it was done; None while it was not.
        late: Done after the due moment, or not done and the moment asked about is past it.
        ground: The article, and what is not certain of it.
        breach: Not kept: late, or done though it is forbidden.
    """

    duty: Duty
    due_on: date | None
    due_at: datetime | None
    by_date: bool
    done_at: datetime | None
    late: bool
    ground: Ground
    breach: bool


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
    * supplement notice: at the latest 3 working days after receipt (NĐ 61/2018 Đ19 k4; later
      NĐ 102/2024 Đ12 k3);
    * one supplement: a second request is a breach (NĐ 61/2018 Đ15 k3; NĐ 118/2025 Đ11);
    * apology: at the latest one working day before the due day, for limits of two days and more
      (NĐ 61/2018 Đ19 k9; ĐT138 Đ3 k6), owed by what is open on that day or ended late;
    * hand-over: 3 working days after the result, the time of an open financial obligation not
      counted (ĐT138 Đ3 k4b says 3 days; working days are the milder reading).
    """
    found = [_by_limit(timed, calendar, now) for timed in _timed(facts, calendar)]
    found.append(_one_supplement(facts, calendar))
    found.append(_apology(facts, clock, limit, calendar, now))
    order = list(Duty)
    return tuple(
        sorted((one for one in found if one is not None), key=lambda one: order.index(one.duty))
    )


_ALARMS = {
    Duty.ACCEPTANCE: Level.ACCEPTANCE_LATE,
    Duty.SUPPLEMENT_NOTICE: Level.SUPPLEMENT_NOTICE_LATE,
    Duty.HAND_OVER: Level.HAND_OVER_LATE,
}


def moments(facts: Facts, calendar: WorkingCalendar, ladder: Ladder) -> Iterator[Moment]:
    """When the duties that run beside the limit are late, as far as a ladder has them.

    Acceptance and hand-over while they are still to be done; a notice of the supplement that was
    sent too late while the dossier is open.
    """
    for timed in _timed(facts, calendar):
        told_late = timed.duty is Duty.SUPPLEMENT_NOTICE
        pending = facts.end is None if told_late else timed.done_at is None
        if not pending or _ALARMS[timed.duty] not in ladder.by_level:
            continue
        owes = _by_limit(timed, calendar, timed.done_at or timed.since)
        if owes is not None and owes.due_at is not None and (owes.late or not told_late):
            yield Moment(owes.due_at, _ALARMS[timed.duty])


class _Timed(NamedTuple):
    """A duty with a limit of its own: since when it runs, what stops it, when it was done."""

    duty: Duty
    since: datetime
    limit: Limit
    done_at: datetime | None
    ground: Ground
    stops: tuple[Suspension, ...] = ()


def _timed(facts: Facts, calendar: WorkingCalendar) -> Iterator[_Timed]:
    if facts.channel is Channel.ONLINE and facts.submitted_at is not None:
        answered = facts.received_at or facts.end
        ground = _ACCEPTANCE_BEFORE if _old(facts.submitted_at, calendar) else _ACCEPTANCE
        yield _Timed(Duty.ACCEPTANCE, facts.submitted_at, ACCEPTANCE, answered, ground)
    asked = _requests(facts)
    if facts.received_at is not None and asked:
        ground = _NOTICE_BEFORE if _old(facts.received_at, calendar) else _NOTICE
        yield _Timed(Duty.SUPPLEMENT_NOTICE, facts.received_at, SUPPLEMENT_NOTICE, asked[0], ground)
    if facts.finished_at is not None:
        yield _Timed(
            Duty.HAND_OVER,
            facts.finished_at,
            HAND_OVER,
            facts.handed_over_at,
            _HAND_OVER,
            _unpaid(facts),
        )


def _requests(facts: Facts) -> list[datetime]:
    """When the citizen was asked for more, in order of time."""
    return sorted(stop.from_at for stop in facts.suspensions if stop.reason is Reason.SUPPLEMENT)


def _unpaid(facts: Facts) -> tuple[Suspension, ...]:
    """The time of the financial obligation; what was handed over no longer waits for it."""
    handed = facts.handed_over_at
    return tuple(
        replace(stop, until_at=max(stop.from_at, handed))
        if handed is not None and stop.until_at is None
        else stop
        for stop in facts.suspensions
        if stop.reason is Reason.FINANCIAL_OBLIGATION
    )


def _old(at: datetime, calendar: WorkingCalendar) -> bool:
    return at.astimezone(calendar.zone).date() <= DECREE_61_UNTIL


def _by_limit(timed: _Timed, calendar: WorkingCalendar, now: datetime) -> Owed | None:
    try:
        clock = deadline(timed.since, timed.limit, timed.stops, calendar)
    except CalendarEndsError:
        return None  # an instant of a year no calendar covers owes nothing anybody could check
    if clock.due_on is None or clock.due_at is None:
        return None  # the result waits for the payment
    told, by_date = timed.done_at or now, timed.limit.by_date
    late = told >= clock.due_at if by_date else told > clock.due_at
    return Owed(
        timed.duty, clock.due_on, clock.due_at, by_date, timed.done_at, late, timed.ground, late
    )


def _one_supplement(facts: Facts, calendar: WorkingCalendar) -> Owed | None:
    asked = _requests(facts)
    if facts.received_at is None or len(asked) < 2:  # noqa: PLR2004 one is allowed
        return None
    ground = _ONE_SUPPLEMENT_BEFORE if _old(facts.received_at, calendar) else _ONE_SUPPLEMENT
    return Owed(
        Duty.ONE_SUPPLEMENT,
        due_on=None,
        due_at=None,
        by_date=False,
        done_at=asked[1],
        late=False,
        ground=ground,
        breach=True,
    )


def _apology(
    facts: Facts,
    clock: Deadline | None,
    limit: Limit | None,
    calendar: WorkingCalendar,
    now: datetime,
) -> Owed | None:
    if clock is None or limit is None or clock.due_on is None or clock.due_at is None:
        return None
    day = apology_day(clock.due_on, limit, calendar)
    if day is None:
        return None
    due_at = calendar.midnight_after(day)
    if (facts.end or now) < due_at:
        return None  # ended before, or not yet: nothing to apologise for
    if facts.end is not None and facts.end < clock.due_at:
        return None  # on time after all
    sent = min((letter.sent_at for letter in facts.apologies), default=None)
    late = (sent or now) >= due_at
    return Owed(
        Duty.APOLOGY,
        due_on=date.fromordinal(day),
        due_at=due_at,
        by_date=True,
        done_at=sent,
        late=late,
        ground=_APOLOGY_BEFORE if _old(facts.received_at or due_at, calendar) else _APOLOGY,
        breach=late,
    )


class Longer(NamedTuple):
    """The longer limit an extension gives for a stated reason (mortgages: NĐ 99/2022 Đ16 k1).

    Attributes:
        limit: Counted from the same receipt, without the cut-off.
        due_on: The last day by it; None while the clock stands.
        granted_at: When it was first granted; None if it never was.
        in_time: Whether that was before the due moment of the plain limit; None if never granted.
    """

    limit: Limit
    due_on: date | None
    granted_at: datetime | None
    in_time: bool | None


def longer(
    start: datetime,
    choice: Choice,
    suspensions: Sequence[Suspension],
    extensions: Sequence[Extension],
    calendar: WorkingCalendar,
) -> Longer | None:
    """The longer limit of a dossier whose clock starts at `start`; None where the law has none."""
    if choice.rule.extension is None:
        return None
    limit = replace(choice.rule.extension, cutoff=None)
    try:
        plain, extended = (
            deadline(start, one, suspensions, calendar, choice.policy)
            for one in (choice.limit, limit)
        )
    except CalendarEndsError:
        return None
    granted_at = min((one.granted_at for one in extensions), default=None)
    in_time = None
    if granted_at is not None:
        in_time = plain.due_at is not None and granted_at < plain.due_at
    return Longer(limit, extended.due_on, granted_at, in_time)
