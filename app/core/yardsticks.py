"""Three yardsticks by which one dossier is judged; each keeps inputs, never a verdict."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from app.core.clock import Reason
from app.core.lifecycle import COUNTED_OUTCOMES, Facts, Outcome, Status


class Yardstick(StrEnum):
    """Which rule a figure follows."""

    LEGAL = "legal"
    FORM = "form"
    INDEX766 = "index766"


class Inputs(NamedTuple):
    """What a verdict is made of on any day one asks.

    Attributes:
        due_on: The last day in time; None where the yardstick knows none.
        end_on: The day that counts as the end; None while open, or where it does not count.
        forced_late: Late whatever the dates say (a stage, an hour, a second supplement).
    """

    due_on: date | None
    end_on: date | None
    forced_late: bool = False


def legal(facts: Facts, due_on: date | None, *, forced_late: bool, zone: tzinfo) -> Inputs:
    """Our clock. A refusal counts, a withdrawal does not (design §1.7)."""
    counts = facts.how_ended in COUNTED_OUTCOMES
    return Inputs(due_on, _day(facts.end, zone) if counts else None, forced_late)


def form(facts: Facts, zone: tzinfo) -> Inputs:
    """Biểu II.06a, by date and with its leniency.

    The due day is the last one promised; without one it is on time, and so is a dossier that was
    withdrawn or returned; one parked in status 5, 6 or 8 is in time. Source: TT 01/2020/TT-VPCP
    as provinces practise it.
    """
    end_on = _day(facts.end, zone)
    lenient = facts.how_ended in (Outcome.WITHDRAWN, Outcome.RETURNED, Outcome.STOPPED)
    parked = end_on is None and facts.status in (
        Status.AWAITING_SUPPLEMENT,
        Status.AWAITING_PAYMENT,
        Status.STOPPED,
    )
    return Inputs(None if lenient or parked else _day(last_promise(facts), zone), end_on)


def index766(facts: Facts, whole: Callable[[], date | None], zone: tzinfo) -> Inputs:
    """Formula 2.1 of QĐ 766/QĐ-TTg.

    The end is the first of finished, handed over, stopped, refused, withdrawn; a single supplement
    request and nothing else is itself the end; a second one is late. Supplement time is taken off
    the end. Where nothing was promised the longest time the law gives serves, `whole()`.
    """
    asked = [stop for stop in facts.suspensions if stop.reason is Reason.SUPPLEMENT]
    end = facts.end
    if end is None and len(asked) == 1 and facts.status is Status.AWAITING_SUPPLEMENT:
        end = asked[0].from_at
    if end is not None:
        taken = timedelta(0)
        for stop in asked:
            until = min(stop.until_at or end, end)
            taken += max(until - stop.from_at, timedelta(0))
        end -= taken
    due_on = _day(last_promise(facts), zone) or whole()
    return Inputs(due_on, _day(end, zone), len(asked) > 1)


def last_promise(facts: Facts) -> datetime | None:
    """What the citizen was last told: the latest re-appointment, else the slip."""
    if not facts.apologies:
        return facts.promised_at
    letters = sorted(facts.apologies, key=lambda letter: letter.sent_at)
    told = (letter.promised_at for letter in reversed(letters) if letter.promised_at)
    return next(told, facts.promised_at)


def _day(at: datetime | None, zone: tzinfo) -> date | None:
    return None if at is None else at.astimezone(zone).date()
