"""Why two yardsticks say two things of one dossier: the reasons, and which of them comes first."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from enum import IntFlag, StrEnum
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Reason as Stop
from app.core.findings import Findings
from app.core.lifecycle import COUNTED_OUTCOMES, Facts, Outcome
from app.core.standing import Days, day
from app.core.yardsticks import Yardstick, last_promise

LENIENT_OUTCOMES = frozenset({Outcome.WITHDRAWN, Outcome.RETURNED, Outcome.STOPPED})
"""What Biểu II.06a as practised counts on time, whatever day it was."""

LONGEST = timedelta(days=366)
"""Of a promise further away nobody can say that one Saturday made it."""

Pair = tuple[Yardstick, Yardstick]
PAIRS: tuple[Pair, ...] = (
    (Yardstick.LEGAL, Yardstick.FORM),
    (Yardstick.LEGAL, Yardstick.INDEX766),
    (Yardstick.FORM, Yardstick.INDEX766),
)


class Side(StrEnum):
    """On which side of its due day a yardstick sees a dossier; `none` is no verdict."""

    EARLY = "early"
    IN_TIME = "in_time"
    LATE = "late"
    NONE = "none"


class Difference(StrEnum):
    """How the first yardstick of a pair and the second differ on one dossier."""

    FIRST_IN_TIME = "first_in_time"  # and late by the second
    SECOND_IN_TIME = "second_in_time"
    FIRST_ONLY = "first_only"  # the second has no verdict
    SECOND_ONLY = "second_only"
    FIRST_EARLIER = "first_earlier"  # early by the first, on time by the second
    SECOND_EARLIER = "second_earlier"


VERDICTS = tuple(Difference)[:4]
"""The differences that move a rate; whether early or on time moves none."""


class Reason(StrEnum):
    """Why, in the order of precedence: a dossier counts under the first that holds of it."""

    WITHDRAWAL_NOT_COUNTED = "withdrawal_not_counted"
    NO_LIMIT_BY_LAW = "no_limit_by_law"
    UNVERIFIED = "unverified"
    LENIENT_OUTCOME = "lenient_outcome"
    NOT_PROMISED = "not_promised"
    SUPPLEMENT_ON_LAST_DAY = "supplement_on_last_day"
    SECOND_SUPPLEMENT = "second_supplement"
    RE_APPOINTMENT = "re_appointment"
    SUPPLEMENT_TIME_GIVEN_BACK = "supplement_time_given_back"
    PAUSED = "paused"
    STAGE_MISSED = "stage_missed"
    BY_THE_HOUR = "by_the_hour"
    WORKED_SATURDAY = "worked_saturday"
    PROVISIONAL_CALENDAR = "provisional_calendar"
    PROMISE_LONGER = "promise_longer"
    PROMISE_SHORTER = "promise_shorter"
    OTHER = "other"
    # Of no pair: every yardstick counts it as ended, and the citizen holds nothing yet.
    NOT_HANDED_OVER = "not_handed_over"


class Clue(IntFlag):
    """What is true of a dossier that may make yardsticks differ; the numbers stand in SQL."""

    NOTHING = 0
    WITHDRAWN = 1 << 0  # or stopped: an end the law does not count
    LENIENT = 1 << 1
    NO_LIMIT = 1 << 2
    UNVERIFIED = 1 << 3
    NOT_PROMISED = 1 << 4
    ASKED_ON_LAST_DAY = 1 << 5
    ASKED = 1 << 6
    ASKED_TWICE = 1 << 7
    RE_APPOINTED = 1 << 8
    PAUSED = 1 << 9
    STANDS = 1 << 10  # still open, and its clock stood at the close
    STAGE_LATE = 1 << 11
    HOUR_LATE = 1 << 12
    SATURDAY = 1 << 13
    PROVISIONAL = 1 << 14


class Rule(NamedTuple):
    """Which clues give which reason in one kind of difference, and what is left without any."""

    table: Sequence[tuple[Reason, Clue]]
    otherwise: Reason


def _rule(otherwise: Reason, **named: Clue) -> Rule:
    found = {Reason[name]: clue for name, clue in named.items()}
    return Rule([(reason, found[reason]) for reason in Reason if reason in found], otherwise)


_SILENT = _rule(
    Reason.OTHER,
    WITHDRAWAL_NOT_COUNTED=Clue.WITHDRAWN,
    NO_LIMIT_BY_LAW=Clue.NO_LIMIT,
    UNVERIFIED=Clue.UNVERIFIED,
)
_WITHOUT_DUE_DAY = _rule(
    Reason.OTHER, NO_LIMIT_BY_LAW=Clue.NO_LIMIT, NOT_PROMISED=Clue.NOT_PROMISED
)
# The law's day is the earlier one, or it was late besides its day.
_LAW_STRICTER = {
    "NOT_PROMISED": Clue.NOT_PROMISED,
    "SUPPLEMENT_ON_LAST_DAY": Clue.ASKED_ON_LAST_DAY,
    "RE_APPOINTMENT": Clue.RE_APPOINTED,
    "STAGE_MISSED": Clue.STAGE_LATE,
    "BY_THE_HOUR": Clue.HOUR_LATE,
    "WORKED_SATURDAY": Clue.SATURDAY,
    "PROVISIONAL_CALENDAR": Clue.PROVISIONAL,
}
# The law's day is the later one: what stopped its clock the other yardstick does not know of.
_LAW_MILDER = {
    "NOT_PROMISED": Clue.NOT_PROMISED,
    "SUPPLEMENT_ON_LAST_DAY": Clue.ASKED_ON_LAST_DAY,
    "PAUSED": Clue.PAUSED,
    "PROVISIONAL_CALENDAR": Clue.PROVISIONAL,
}


def _rules() -> Iterator[tuple[tuple[Pair, Difference], Rule]]:
    law_form, law_766, form_766 = PAIRS
    milder = {
        law_form: (
            _rule(Reason.PROMISE_SHORTER, LENIENT_OUTCOME=Clue.LENIENT, **_LAW_MILDER),
            _rule(
                Reason.PROMISE_LONGER,
                LENIENT_OUTCOME=Clue.LENIENT,
                PAUSED=Clue.STANDS,
                **_LAW_STRICTER,
            ),
        ),
        law_766: (
            _rule(Reason.PROMISE_SHORTER, SECOND_SUPPLEMENT=Clue.ASKED_TWICE, **_LAW_MILDER),
            _rule(Reason.PROMISE_LONGER, SUPPLEMENT_TIME_GIVEN_BACK=Clue.ASKED, **_LAW_STRICTER),
        ),
        form_766: (
            _rule(
                Reason.OTHER,
                LENIENT_OUTCOME=Clue.LENIENT,
                NOT_PROMISED=Clue.NOT_PROMISED,
                SECOND_SUPPLEMENT=Clue.ASKED_TWICE,
                PAUSED=Clue.STANDS,
            ),
            _rule(
                Reason.OTHER,
                LENIENT_OUTCOME=Clue.LENIENT,
                NOT_PROMISED=Clue.NOT_PROMISED,
                SUPPLEMENT_TIME_GIVEN_BACK=Clue.ASKED,
            ),
        ),
    }
    for pair, (first, second) in milder.items():
        yield (pair, Difference.FIRST_IN_TIME), first
        yield (pair, Difference.FIRST_EARLIER), first
        yield (pair, Difference.SECOND_IN_TIME), second
        yield (pair, Difference.SECOND_EARLIER), second
        yield (pair, Difference.FIRST_ONLY), _WITHOUT_DUE_DAY
        yield (pair, Difference.SECOND_ONLY), _SILENT


RULES: Mapping[tuple[Pair, Difference], Rule] = dict(_rules())


def difference(first: Side, second: Side) -> Difference | None:
    """How two verdicts on one dossier differ; None if they do not."""
    if first is second:
        return None
    if Side.NONE in (first, second):
        return Difference.SECOND_ONLY if first is Side.NONE else Difference.FIRST_ONLY
    if Side.LATE in (first, second):
        return Difference.SECOND_IN_TIME if first is Side.LATE else Difference.FIRST_IN_TIME
    return Difference.FIRST_EARLIER if first is Side.EARLY else Difference.SECOND_EARLIER


def reasons(pair: Pair, how: Difference, clues: Clue) -> tuple[Reason, ...]:
    """Every reason two yardsticks differ on a dossier, the one it is counted under first."""
    rule = RULES[pair, how]
    found = tuple(reason for reason, clue in rule.table if clues & clue)
    return found or (rule.otherwise,)


class Mask(NamedTuple):
    """The clues of which one must be there, and those of which none may be.

    `own` empty asks for nothing: it is what is left when none of the others is there.
    """

    own: Clue
    earlier: Clue


def mask(pair: Pair, how: Difference, reason: Reason) -> Mask | None:
    """Which clues make a reason the first; None where it is none of that difference."""
    earlier = Clue.NOTHING
    rule = RULES[pair, how]
    for one, clue in rule.table:
        if one is reason:
            return Mask(clue, earlier)
        earlier |= clue
    return Mask(Clue.NOTHING, earlier) if rule.otherwise is reason else None


def clues(
    facts: Facts,
    findings: Findings,
    promised_on: Collection[date],
    calendar: WorkingCalendar,
    last: date,
    *,
    unverified: bool = False,
) -> Clue:
    """What was true of a dossier at the close of `last`.

    `promised_on` are the days it was ever promised for. Suspensions that began and letters that
    were sent after `last` say nothing yet; of what had ended all is said.
    """
    zone = calendar.zone
    end_on = None if facts.end is None else day(facts.end, zone)
    ended = end_on is not None and end_on <= last
    asked = [
        stop
        for stop in facts.suspensions
        if stop.reason is Stop.SUPPLEMENT and (ended or day(stop.from_at, zone) <= last)
    ]
    due_on, promised = findings.legal.due_on, _promised(facts, last, zone, ended=ended)
    on_last_day = any(
        day(stop.from_at, zone) in promised_on
        or (stop.until_at is not None and day(stop.until_at, zone) == due_on)
        for stop in asked
    )
    stage_late = any(stage.late for stage in findings.stages)
    pauses = [one for one in _pauses(facts, zone) if one.first <= last]
    if ended and end_on is not None:
        pauses = [one for one in pauses if one.first < end_on]
    stands = any(one.until is None or last < one.until for one in pauses)
    found = {
        Clue.WITHDRAWN: ended and facts.how_ended not in COUNTED_OUTCOMES,
        Clue.LENIENT: ended and facts.how_ended in LENIENT_OUTCOMES,
        Clue.NO_LIMIT: findings.no_limit is not None,
        Clue.UNVERIFIED: unverified,
        Clue.NOT_PROMISED: promised is None,
        Clue.ASKED_ON_LAST_DAY: on_last_day,
        Clue.ASKED: bool(asked),
        Clue.ASKED_TWICE: len(asked) > 1,
        Clue.RE_APPOINTED: any(_letters(facts, last, zone, ended=ended)),
        Clue.PAUSED: bool(pauses),
        Clue.STANDS: not ended and stands,
        Clue.STAGE_LATE: stage_late if ended else bool(findings.stages),
        Clue.HOUR_LATE: ended and findings.legal.forced_late and not stage_late,
        Clue.SATURDAY: _saturday(facts, due_on, promised, calendar),
        Clue.PROVISIONAL: findings.provisional and due_on != promised,
    }
    return Clue(sum(clue for clue, holds in found.items() if holds))


def _letters(facts: Facts, last: date, zone: tzinfo, *, ended: bool) -> Iterator[bool]:
    for letter in facts.apologies:
        yield letter.promised_at is not None and (ended or day(letter.sent_at, zone) <= last)


def _promised(facts: Facts, last: date, zone: tzinfo, *, ended: bool) -> date | None:
    """The day last promised by the close of `last`."""
    letters = tuple(
        letter for letter in facts.apologies if ended or day(letter.sent_at, zone) <= last
    )
    told = last_promise(facts._replace(apologies=letters))
    return None if told is None else day(told, zone)


def _pauses(facts: Facts, zone: tzinfo) -> Iterator[Days]:
    """The days at whose close the clock stood, as the form counts them."""
    for stop in facts.suspensions:
        until = None if stop.until_at is None else day(stop.until_at, zone)
        yield Days(day(stop.from_at, zone), until)
    began = {fact.stage: fact.started_at for fact in facts.stages}
    for fact in facts.stages:
        if fact.ended_at is not None:
            again = began.get(fact.stage + 1)
            yield Days(day(fact.ended_at, zone), None if again is None else day(again, zone))


def _saturday(
    facts: Facts, due_on: date | None, promised: date | None, calendar: WorkingCalendar
) -> bool:
    """Whether the promise is just what counting without the days worked in exchange gives.

    From the receipt to the promise it has as many working days more than the limit as there are
    such days in between.
    """
    if facts.received_at is None or due_on is None or promised is None:
        return False
    received_on = day(facts.received_at, calendar.zone)
    if not received_on <= due_on < promised <= received_on + LONGEST:
        return False
    exchanged = sum(received_on < on <= promised for on in calendar.spec.worked)
    if exchanged == 0:
        return False
    return calendar.worked_days(due_on.toordinal(), promised.toordinal()) == exchanged
