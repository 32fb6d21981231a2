"""Random calendars and dossiers over 2014-2040, told in no program's types but the slow clock's.

The edges of the law are thrown often: receipt at the opening, at the closing, in the lunch break,
at the very cut-off, on a day off; suspensions that touch, nest, begin on a holiday, end on a worked
Saturday, are asked on the last day or just after, take no time, or are still open.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from tests.core.slow import DAY, NeverError, SlowCalendar, Spans, Stop, Week, slow_due

FIRST, LAST = date(2014, 1, 1), date(2040, 12, 31)
HOME = "Asia/Ho_Chi_Minh"
ABROAD = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"),
    *("Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu", "America/Havana", "UTC"),
)
UNITS = ("working_days", "working_hours", "calendar_days", "calendar_months")
REASONS = ("supplement", "supplement", "financial_obligation", "public_posting", "force_majeure")
OFFICE: Spans = [("07:00", "11:30"), ("13:30", "17:00")]
SECOND = timedelta(seconds=1)
_LAST_SECOND = 86_400


@dataclass(frozen=True)
class Told:
    """A suspension as the one-stop-shop tells it."""

    reason: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Case:
    """A dossier, its limit and its suspensions; hours are a length of time."""

    received: datetime
    quantity: timedelta | int
    unit: str
    cutoff: time | None
    told: tuple[Told, ...]
    restart: bool

    def stops(self) -> list[Stop]:
        """Its suspensions as the slow clock hears them."""
        return [
            Stop(one.since, one.until, self.restart and one.reason == "supplement")
            for one in self.told
        ]


# ------------------------------------------------------------------------- calendars


def calendar(dice: Random, *, seasons: bool = True) -> SlowCalendar:
    """Any week, holidays, long closures, worked days, days with other hours, summer hours."""
    zone = HOME if dice.random() < 0.6 else dice.choice(ABROAD)
    off = {_day(dice) for _ in range(dice.choice((0, 5, 100, 300)))}
    for _ in range(dice.randint(0, 12)):
        closed, lasts = _day(dice), dice.choice((3, 9, 9, 30, 90, 400))
        off |= {closed + DAY * more for more in range(lasts)}
    worked = {_day(dice) for _ in range(dice.choice((0, 10, 100)))}
    worked |= {_saturday(dice) for _ in range(dice.choice((0, 20)))}
    overrides = {_day(dice): _maybe(dice, 0.6) for _ in range(dice.choice((0, 10, 100)))}
    layers: list[tuple[date, date, Week]] = []
    for _ in range(dice.choice((0, 0, 1, 3)) if seasons else 0):
        near = layers and layers[-1][0] != date.min and dice.random() < 0.7  # so that they overlap
        first = layers[-1][0] + DAY * dice.randint(-60, 300) if near else _day(dice)
        last = first + DAY * dice.choice((0, 30, 200, 900, 4_000))
        layers.append((date.min if dice.random() < 0.1 else first, last, week(dice)))
    one, other = sorted((_day(dice), _day(dice)))
    sure = dice.choice((None, (one, other)))
    return SlowCalendar(zone, week(dice), off, worked - off, overrides, layers, sure)


def week(dice: Random) -> Week:
    """Seven days of which at least one is worked."""
    kind = dice.random()
    if kind < 0.3:
        found = [OFFICE if day < 5 else [] for day in range(7)]
    elif kind < 0.6:
        usual, open_days = spans(dice), dice.random()
        found = [usual if dice.random() < open_days else [] for _ in range(7)]
    else:
        found = [_maybe(dice, 0.7) for _ in range(7)]
    if not any(found):
        found[dice.randrange(7)] = spans(dice)
    return found


def spans(dice: Random) -> Spans:
    """One to six intervals, in any order; some touch, some end at 24:00.

    No edge lies between 00:00 and 04:00 nor after 23:00, where clocks abroad are turned.
    """
    step = dice.choice((3_600, 1_800, 900, 60, 1))
    choices = range(4 * 3_600, 23 * 3_600, step)
    edges = sorted(dice.sample(choices, 2 * dice.choice((1, 2, 2, 2, 3, 6))))
    if dice.random() < 0.15:
        edges[0] = 0
    if dice.random() < 0.15:
        edges[-1] = _LAST_SECOND
    for at in range(2, len(edges), 2):
        if dice.random() < 0.2:
            edges[at] = edges[at - 1]
    found = [
        (_written(opens), _written(closes))
        for opens, closes in zip(edges[::2], edges[1::2], strict=True)
    ]
    dice.shuffle(found)
    return found


def _maybe(dice: Random, chance: float) -> Spans:
    return spans(dice) if dice.random() < chance else []


def _written(second: int) -> str:
    if second == _LAST_SECOND:
        return "24:00"
    return f"{second // 3600:02}:{second // 60 % 60:02}" + (
        f":{second % 60:02}" if second % 60 else ""
    )


def _day(dice: Random) -> date:
    return FIRST + DAY * dice.randrange((LAST - FIRST).days)


def _saturday(dice: Random) -> date:
    day = _day(dice)
    return day + DAY * ((5 - day.weekday()) % 7)


# ------------------------------------------------------------------------- dossiers


def case(dice: Random, held: SlowCalendar) -> Case:
    """A dossier under that calendar."""
    unit = dice.choice(UNITS)
    cutoff = dice.choice((None, None, time(15), time(11, 30), time(16, 59, 59), time(23, 59)))
    received = _receipt(dice, held, cutoff)
    amount = quantity(dice, unit)
    restart = dice.random() < 0.4
    made = Case(received, amount, unit, cutoff, (), restart)
    for _ in range(dice.choice((0, 1, 1, 2, 2, 3, 4, 5))):
        made = Case(received, amount, unit, cutoff, (*made.told, _stop(dice, held, made)), restart)
    told = list(made.told)
    dice.shuffle(told)
    return Case(received, amount, unit, cutoff, tuple(told), restart)


def quantity(dice: Random, unit: str) -> timedelta | int:
    """Nothing, the usual, the long, and rarely the absurd."""
    kind = dice.random()
    if unit == "working_hours":
        if kind < 0.1:
            return timedelta(0)
        if kind < 0.9:
            return dice.choice((SECOND, 60 * SECOND, 900 * SECOND)) * dice.randint(1, 320)
        return timedelta(hours=dice.randint(80, 5_000 if kind > 0.997 else 400))
    if unit == "calendar_months":
        return dice.randint(0, 4) if kind < 0.95 else dice.randint(5, 60)
    if kind < 0.1:
        return 0
    return dice.randint(1, 40 if kind < 0.95 else 200 if kind < 0.997 else 5_000)


def _receipt(dice: Random, held: SlowCalendar, cutoff: time | None) -> datetime:
    day = FIRST + DAY * dice.randint(60, 20 * 365)
    kind = dice.random()
    if kind < 0.15 and held.days_off:
        day = min((one for one in list(held.days_off)[:8] if one > FIRST + 60 * DAY), default=day)
    at = held.midnight(day) + SECOND * dice.randrange(0, _LAST_SECOND, dice.choice((1, 60, 1800)))
    if kind < 0.3:
        return at
    if kind < 0.45 and cutoff is not None:
        sharp = datetime.combine(day, cutoff, held.tz).astimezone(UTC)
        return sharp + dice.choice((-SECOND, timedelta(0), timedelta(microseconds=1), SECOND))
    if kind < 0.5:
        return held.midnight(day)
    if kind < 0.8:
        try:
            opens, closes = dice.choice(held.hours(held.rolled(day)))
        except NeverError:
            return at
        return dice.choice((opens, closes, closes + SECOND, opens - SECOND))
    return at + timedelta(microseconds=dice.randrange(1_000_000))


def _stop(dice: Random, held: SlowCalendar, made: Case) -> Told:
    since = max(_begins(dice, held, made), held.midnight(FIRST))
    until = None if dice.random() < 0.08 else _ends(dice, held, since)
    return Told(dice.choice(REASONS), since, until)


def _begins(dice: Random, held: SlowCalendar, made: Case) -> datetime:
    kind = dice.random()
    if kind < 0.25 and made.told:
        other = dice.choice(made.told)
        return dice.choice((other.since, other.until or other.since))  # touches, or nests
    if kind < 0.5:
        due_at = _due_at(held, made)
        if due_at is not None:
            return due_at + dice.choice((-DAY, -3600 * SECOND, -SECOND, 0 * SECOND, SECOND, DAY))
    since = made.received + dice.choice(
        (
            SECOND * dice.randint(-_LAST_SECOND, 20 * _LAST_SECOND),
            900 * SECOND * dice.randint(0, 400),
            DAY * dice.randint(-2, 90),
            timedelta(0),
        )
    )
    if dice.random() < 0.2:
        since = held.midnight(_near(held.days_off, held.day_of(since)))
    return since


def _due_at(held: SlowCalendar, made: Case) -> datetime | None:
    try:
        return slow_due(made.received, made.quantity, made.unit, held, made.stops(), made.cutoff).at
    except NeverError:  # five thousand Mondays
        return None


def _ends(dice: Random, held: SlowCalendar, since: datetime) -> datetime:
    until = since + dice.choice(
        (
            timedelta(0),
            SECOND * dice.randint(1, _LAST_SECOND),
            900 * SECOND * dice.randint(1, 300),
            DAY * dice.randint(1, 20),
            DAY * dice.choice((45, 90, 400)),
        )
    )
    if dice.random() < 0.2:
        until = max(since, held.midnight(_near(held.worked, held.day_of(until))) + DAY / 3)
    return until


def _near(days: set[date], day: date) -> date:
    return next((day + DAY * more for more in range(15) if day + DAY * more in days), day)
