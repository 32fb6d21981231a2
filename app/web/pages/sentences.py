"""The due date of a dossier in sentences: the limit, whose receipt, and what was taken out."""

from datetime import date, datetime

from app.core.clock import Deadline, Limit, Unit
from app.core.findings import opening
from app.core.stages import Stage, last_begun
from app.core.trace import Begins
from app.printed.speech import Speech
from app.service.explain import Explained
from app.web.beside import Beside

_BY_THE_HOUR = {
    False: "{limit}, counted from the moment of receipt, {received}.",
    True: "{limit}, counted from the moment of the land office's receipt, {received}.",
}
_BY_THE_DAY = {
    False: "{limit}, counted from the day after the receipt, {received}.",
    True: "{limit}, counted from the day after the land office's receipt, {received}.",
}
_SAME_DAY = {
    False: "{limit}, received {received}.",
    True: "{limit}, received by the land office {received}.",
}
_MOVED = {
    False: "{limit}; received {received}, after {cutoff} or on a day off, so it counts as "
    "received on {day}.",
    True: "{limit}; received by the land office {received}, after {cutoff} or on a day off, so it "
    "counts as received on {day}.",
}
_COUNTED_FROM_STAGE = {
    True: "Appointment {stage}: {limit}, counted from the moment it began, {received}.",
    False: "Appointment {stage}: {limit}, counted from the day after it began, {received}.",
}


def sentences(told: Explained, more: Beside, say: Speech) -> list[str]:
    """The due date in words: from when it counts, what was taken out, and what stands beside."""
    return [*_due(told, say), *_longer(more, say), *_by_hours(told, more, say)]


def _due(told: Explained, say: Speech) -> list[str]:
    findings, clock = told.findings, told.findings.clock
    if clock is None or findings.limit is None or told.facts.received_at is None:
        return []
    stage = last_begun(findings.stages)
    said = [_counted(findings.limit, clock, stage, told, say)]
    working, days = _days_stood(told)
    if days:
        said.append(
            say(
                "Time for which the clock stood, not counted: {working}, of {days}.",
                working=say.quantity(working, Unit.WORKING_DAYS),
                days=say.quantity(days, Unit.CALENDAR_DAYS),
            )
        )
    if clock.heals_nothing:
        said.append(say("A suspension began after the due moment had passed and changes nothing."))
    return said


def _counted(
    limit: Limit, clock: Deadline, stage: Stage | None, told: Explained, say: Speech
) -> str:
    hours, same_day = not limit.by_date, limit.amount == 0 and limit.by_date
    began = clock.received_at
    exact = hours or same_day
    received = say.at(began) if exact else say.long_day(_day(began, told))
    if stage is not None:
        message = "Appointment {stage}: {limit}, {received}."
        if not same_day:
            message = _COUNTED_FROM_STAGE[hours]
        return say(message, stage=stage.stage, limit=say.limit(limit), received=received)
    choice = told.findings.choice
    office = choice is not None and opening(told.facts, choice.rule).begins is Begins.LAND_OFFICE
    moved = not hours and _day(began, told) != clock.counted_from
    if moved and limit.cutoff is not None:
        sentence = say(
            _MOVED[office],
            limit=say.limit(limit), received=say.at(began), cutoff=f"{limit.cutoff:%H:%M}",
            day=say.long_day(clock.counted_from),
        )  # fmt: skip
    else:
        message = (_BY_THE_HOUR if hours else _SAME_DAY if same_day else _BY_THE_DAY)[office]
        if office:
            received = say.at(began)
        sentence = say(message, limit=say.limit(limit), received=received)
    return sentence[:1].upper() + sentence[1:]


def _longer(more: Beside, say: Speech) -> list[str]:
    """What an extension gives, or gave."""
    held = more.longer
    if held is None:
        return []
    if held.in_time is None:
        if held.due_on is None:
            return []
        return [
            say(
                "For a good reason, told at once, it may be extended to {limit} from the receipt: "
                "to {day}.",
                limit=say.limit(held.limit), day=say.long_day(held.due_on),
            )
        ]  # fmt: skip
    granted = say.at(held.granted_at)
    if held.in_time:
        return [say("Extended at {at}, before it was due: {limit} from the receipt.",
                    at=granted, limit=say.limit(held.limit))]  # fmt: skip
    return [say("The extension of {at} was granted after the due moment and changes nothing.",
                at=granted)]  # fmt: skip


def _by_hours(told: Explained, more: Beside, say: Speech) -> list[str]:
    """Where systems that count hours show another date."""
    stages = told.findings.stages
    each = more.hours.stages if stages else (more.hours.now,)
    return [
        (say("Appointment {stage}", stage=at) + ": " if stages else "")
        + say(
            "Systems that count a working day as 8 hours from the moment of receipt show {at}; "
            "the law counts days, and the day of receipt is not one of them (BLDS 2015 Đ147 k2).",
            at=say.at(theirs.due_at),
        )
        for at, theirs in enumerate(each, start=1)
        if theirs is not None
    ]


def _days_stood(told: Explained) -> tuple[int, int]:
    """Working and calendar days of closed suspensions, over all appointments limited in days."""
    findings, calendar = told.findings, told.published.calendar
    clocks: list[tuple[Deadline | None, Limit | None]]
    clocks = [(one.deadline, one.limit) for one in findings.stages]
    stops = [
        (leg.since, leg.until)
        for clock, limit in clocks or [(findings.clock, findings.limit)]
        if clock is not None and limit is not None and limit.by_date
        for leg in clock.legs
        if leg.stop is not None and leg.until is not None
    ]
    working = sum(calendar.worked_days(since, until) for since, until in stops)
    return working, sum(until - since for since, until in stops)


def _day(at: datetime, told: Explained) -> date:
    return at.astimezone(told.published.calendar.zone).date()
