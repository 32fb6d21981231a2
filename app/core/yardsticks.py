"""Three yardsticks by which one dossier is judged; each keeps inputs, never a verdict."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from app.core.clock import Reason, Suspension
from app.core.lifecycle import COUNTED_OUTCOMES, Apology, Facts, Outcome
from app.core.stages import Stage
from app.core.standing import Days, day, past_due, unless_plain

_DAY = timedelta(days=1)


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
        overdue: The days at whose close it stood open and past due; None where they are simply all
            after `due_on` until the dossier ended.
    """

    due_on: date | None
    end_on: date | None
    forced_late: bool = False
    overdue: tuple[Days, ...] | None = None


def legal(
    facts: Facts,
    due_on: date | None,
    *,
    forced_late: bool,
    zone: tzinfo,
    stages: Sequence[Stage] = (),
) -> Inputs:
    """Our clock. A refusal counts, a withdrawal does not (design §1.7).

    Of several appointments each was overdue from its own due moment until its own end, the last
    until the dossier's: what is not handed in is not done.
    """
    ended_on = _day(facts.end, zone)
    counts = facts.how_ended in COUNTED_OUTCOMES
    overdue = None
    if len(stages) > 1 and any(stage.late for stage in stages[:-1]):
        days = tuple(_days_late(stages, ended_on, zone))
        overdue = unless_plain(days, due_on, ended_on)
    return Inputs(due_on, ended_on if counts else None, forced_late, overdue)


def _days_late(stages: Sequence[Stage], ended_on: date | None, zone: tzinfo) -> Iterator[Days]:
    for stage in stages:
        due_at = stage.deadline.due_at if stage.deadline else None
        if due_at is None:
            continue
        until = ended_on
        if stage is not stages[-1]:
            until = _day(stage.ended_at, zone) or ended_on
        first = day(due_at, zone)
        if until is None or first < until:
            yield Days(first, until)


def form(facts: Facts, zone: tzinfo) -> Inputs:
    """Biểu II.06a, by date and with its leniency.

    The due day is the last one promised; without one it is on time, and so is a dossier that was
    withdrawn or returned. While its clock stood, by a suspension or between two appointments, it
    was in time ("bao gồm cả hồ sơ chờ bổ sung"). Source: TT 01/2020/TT-VPCP as provinces practise
    it; they go by the status (5, 6, 8), which of a past day nobody knows, so we go by the intervals
    that such a status needs.
    """
    end_on = _day(facts.end, zone)
    lenient = facts.how_ended in (Outcome.WITHDRAWN, Outcome.RETURNED, Outcome.STOPPED)
    due_on = None if lenient else _day(last_promise(facts), zone)
    if not (lenient or facts.apologies or facts.suspensions or facts.stages):
        return Inputs(due_on, end_on)
    promises = _promises(facts, zone)
    pauses = list(_pauses(facts, zone))
    cuts = [since for since, _ in promises]
    for pause in pauses:
        cuts.extend(edge for edge in pause if edge is not None)

    def late_from(on: date) -> date | None:
        if any(one.first <= on and (one.until is None or on < one.until) for one in pauses):
            return None
        promised = _in_force(promises, on)
        return promised + _DAY if promised is not None else None

    days = past_due(cuts, end_on, late_from)
    return Inputs(due_on, end_on, overdue=unless_plain(days, due_on, end_on))


def index766(facts: Facts, whole: Callable[[], date | None], zone: tzinfo) -> Inputs:
    """Formula 2.1 of QĐ 766/QĐ-TTg.

    The end is the first of finished, handed over, stopped, refused, withdrawn, less the time of the
    supplement; a second supplement is late. Of one not yet finished the end is the day asked about,
    or the moment of the one supplement it still waits for. Where nothing was promised the longest
    time the law gives serves, `whole()`.
    """
    asked = [stop for stop in facts.suspensions if stop.reason is Reason.SUPPLEMENT]
    promises = _promises(facts, zone)
    if promises[0][1] is None:
        promises[0] = (date.min, whole())
    due_on, end_on = promises[-1][1], _day(facts.end, zone)
    if not asked and len(promises) == 1:
        return Inputs(due_on, end_on)
    counted = None if facts.end is None else day(facts.end - _taken(asked, facts.end), zone)
    cuts = [since for since, _ in promises]
    for stop in asked:
        cuts += [day(at, zone) for at in (stop.from_at, stop.until_at) if at is not None]

    def late_from(on: date) -> date | None:
        told = [stop for stop in asked if day(stop.from_at, zone) <= on]
        return _late766(told, _in_force(promises, on), on, zone)

    overdue = unless_plain(past_due(cuts, end_on, late_from), due_on, end_on)
    return Inputs(due_on, counted, len(asked) > 1, overdue)


def _taken(asked: Sequence[Suspension], end: datetime) -> timedelta:
    taken = timedelta(0)
    for stop in asked:
        until = min(stop.until_at or end, end)
        taken += max(until - stop.from_at, timedelta(0))
    return taken


def _late766(
    told: Sequence[Suspension], due_on: date | None, on: date, zone: tzinfo
) -> date | None:
    """The first day past due, by what had been asked for and promised on a day."""
    if len(told) > 1:
        return date.min
    if due_on is None:
        return None
    if not told:
        return due_on + _DAY
    (stop,) = told
    if stop.until_at is None or day(stop.until_at, zone) > on:
        return date.min if day(stop.from_at, zone) > due_on else None
    given_back = _DAY + timedelta(days=(stop.until_at - stop.from_at).days)
    return due_on + min(given_back, date.max - due_on)


def _promises(facts: Facts, zone: tzinfo) -> list[tuple[date, date | None]]:
    """What the citizen had been told from each day on: the slip, then each re-appointment."""
    told = [(date.min, _day(facts.promised_at, zone))]
    told += [
        (day(letter.sent_at, zone), day(letter.promised_at, zone))
        for letter in sorted(facts.apologies, key=_sent_at)
        if letter.promised_at is not None
    ]
    return told


def _in_force(promises: Sequence[tuple[date, date | None]], on: date) -> date | None:
    return next((promised for since, promised in reversed(promises) if since <= on), None)


def _pauses(facts: Facts, zone: tzinfo) -> Iterator[Days]:
    """The days at whose close the clock stood: by a suspension, or between two appointments."""
    for stop in facts.suspensions:
        yield Days(day(stop.from_at, zone), _day(stop.until_at, zone))
    began = {fact.stage: fact.started_at for fact in facts.stages}
    for fact in facts.stages:
        if fact.ended_at is not None:
            yield Days(day(fact.ended_at, zone), _day(began.get(fact.stage + 1), zone))


def _sent_at(letter: Apology) -> datetime:
    return letter.sent_at


def last_promise(facts: Facts) -> datetime | None:
    """What the citizen was last told: the latest re-appointment, else the slip."""
    if not facts.apologies:
        return facts.promised_at
    letters = sorted(facts.apologies, key=_sent_at)
    told = (letter.promised_at for letter in reversed(letters) if letter.promised_at)
    return next(told, facts.promised_at)


def _day(at: datetime | None, zone: tzinfo) -> date | None:
    return None if at is None else at.astimezone(zone).date()
