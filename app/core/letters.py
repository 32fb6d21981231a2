"""Letters of apology and re-appointment (Mẫu 04): of what one may be written, what it may promise.

NĐ 61/2018/NĐ-CP Đ19 k9: the letter says the reason and the new date, it leaves at the latest one
day before the due day, and a dossier is re-appointed once at most.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.core.calendar import WorkingCalendar, micros
from app.core.lifecycle import CLOCK_SKEW, State
from app.core.office_hours import CalendarEndsError
from app.core.problems import Problem

GROUND = "NĐ 61/2018 Đ19 k9"
LONGEST_REASON = 500

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_ENDED = "the dossier has ended; there is nothing to re-appoint"
_NO_DUE_DATE = {
    State.SUBMITTED: "the dossier is not received yet; no due date runs that could be missed",
    State.SUSPENDED: "the clock stands still; there is no due date to miss until it goes on",
    State.WAITING: "the dossier waits for the tax; there is no due date until the next appointment",
    State.NO_LIMIT: "no limit is known by law; without a due date there is none to re-appoint",
    State.FINISHED: _ENDED,
    State.CLOSED: _ENDED,
}


class Due(NamedTuple):
    """Where a dossier stands, as a letter asks: its state and due moment, and letters told of."""

    state: State
    due_at: datetime | None
    apologies: int


def second(due: Due) -> Problem | None:
    """Why no other letter may be written: the record tells of one already."""
    if due.apologies == 0:
        return None
    return once()


def once() -> Problem:
    """A dossier is re-appointed once."""
    return Problem(
        "code",
        "a letter of apology was written already; a dossier is re-appointed once at most "
        "({ground})",
        {"ground": GROUND},
    )


def not_late(due: Due) -> Problem | None:
    """Why a dossier is not late, nor can become so as it stands; None if it is or can."""
    if due.state is State.RUNNING and due.due_at is not None:
        return None
    return Problem("code", _NO_DUE_DATE.get(due.state, _NO_DUE_DATE[State.NO_LIMIT]))


def promise(
    promised_at: datetime, due_at: datetime, calendar: WorkingCalendar, now: datetime
) -> Problem | None:
    """What is wrong with a new appointment: in the future, after the due moment, at work."""
    if promised_at <= now:
        return Problem("promised_at", "the new appointment must lie in the future")
    if promised_at < due_at:
        return Problem(
            "promised_at",
            "the new appointment must come after the due date {due_on}",
            {"due_on": f"{last_day(due_at):%d/%m/%Y}"},
        )
    if not at_work(promised_at, calendar):
        return Problem(
            "promised_at",
            "{at} is no working moment of the branch; name one within its office hours",
            {"at": _shown(promised_at)},
        )
    return None


def at_work(at: datetime, calendar: WorkingCalendar) -> bool:
    """Whether the office is open at an instant, its closing moment included."""
    try:
        return calendar.worked_time(micros(at) - 1, micros(at) + 1) > 0
    except CalendarEndsError:
        return False


def sent(
    sent_at: datetime,
    drafted_at: datetime,
    promised_at: datetime,
    end: datetime | None,
    now: datetime,
) -> Problem | None:
    """What is wrong with the moment a letter is said to have been sent at."""
    if sent_at > now + CLOCK_SKEW:
        return Problem("sent_at", "it lies in the future; tell what has happened")
    if sent_at.astimezone(_ZONE).date() < drafted_at.astimezone(_ZONE).date():
        return Problem(
            "sent_at",
            "it lies before {day}, when the letter was drafted",
            {"day": f"{drafted_at.astimezone(_ZONE):%d/%m/%Y}"},
        )
    if sent_at >= promised_at:
        return Problem(
            "sent_at", "the new appointment had passed by then; void the letter and draft another"
        )
    if end is not None and sent_at > end:
        return Problem(
            "sent_at",
            "the dossier had ended by then ({end}); void the letter",
            {"end": _shown(end)},
        )
    return None


def last_day(due_at: datetime) -> date:
    """The last day in time: the end of a day limit is the midnight after."""
    return (due_at - timedelta(microseconds=1)).astimezone(_ZONE).date()


def _shown(at: datetime) -> str:
    return at.astimezone(_ZONE).isoformat(timespec="seconds")
