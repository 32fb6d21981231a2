"""The steps of a procedure: half days by law, set against the steps a sender tells of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import normalize

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, LimitError, Suspension, Unit, deadline
from app.core.lifecycle import Step
from app.core.office_hours import CalendarEndsError
from app.core.taxes import Gap

HOURS_A_HALF_DAY = 4
_HOUR = 3_600_000_000


class StepUnit(StrEnum):
    """Who does a step."""

    ONE_STOP = "one_stop"
    BRANCH = "branch"
    OFFICE = "office"
    COMMUNE = "commune"
    DEPARTMENT = "department"
    TAX = "tax"
    APPLICANT = "applicant"


# The land office answers for its own steps only, wherever it does them.
_OWN = frozenset({StepUnit.BRANCH, StepUnit.OFFICE})

# How senders name them, as words to look for; the first that is found says it. A one-stop shop is
# often named with the commune or branch it sits in, a branch with the town it is called after.
_NAMED: tuple[tuple[StepUnit, tuple[str, ...]], ...] = (
    (StepUnit.TAX, ("thuế",)),
    (StepUnit.ONE_STOP, ("một cửa", "hành chính công", "pvhcc")),
    (StepUnit.BRANCH, ("chi nhánh",)),
    (StepUnit.OFFICE, ("văn phòng đăng ký", "vpđk")),
    (StepUnit.DEPARTMENT, ("sở ",)),
    (StepUnit.COMMUNE, ("ubnd", "ủy ban", "uỷ ban", "cấp xã", "phòng kinh tế")),
)


@dataclass(frozen=True, slots=True)
class StepLimit:
    """A step as the law prints it; `half_days` None has no time of its own (tax, posting)."""

    unit: StepUnit
    half_days: int | None = None
    name: str | None = None

    @property
    def limit(self) -> Limit | None:
        """Its time in working hours, four to the half day (H7: 0.5 day is 4 hours)."""
        if self.half_days is None:
            return None
        return Limit(self.half_days * HOURS_A_HALF_DAY * _HOUR, Unit.WORKING_HOURS)

    @property
    def charged(self) -> bool:
        """Whether it is the land office's own time."""
        return self.unit in _OWN


def half_days(quantity: float) -> int:
    """How many half days a figure in days is: 4.5 days are 9.

    Raises:
        LimitError: it is no positive multiple of half a day.
    """
    doubled = quantity * 2
    if doubled != int(doubled) or doubled < 1:
        raise LimitError("quantity", f"a step takes 0.5, 1, 1.5 … days, not {quantity:g}")
    return int(doubled)


class JudgedStep(NamedTuple):
    """A step as it was sent, by the law's own limit of it.

    Attributes:
        step: As the sender keeps it.
        law: The step of the law it is; None where that is not certain.
        due_at: When the law's time for it ends; None without a limit, a start, or while it stands.
        late: Ended after that, or still open past it; None where nothing is due.
    """

    step: Step
    law: StepLimit | None
    due_at: datetime | None
    late: bool | None


def judged(
    steps: Sequence[Step],
    law: Sequence[StepLimit],
    gaps: Sequence[Gap],
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    now: datetime,
) -> tuple[JudgedStep, ...]:
    """Each step with the due moment the law gives it, as it stands at `now`.

    `gaps` are the legs at the tax office, which part two steps of one unit. A suspension stops the
    clock of the step it falls into.
    """
    found: list[JudgedStep] = []
    for step, its_law in zip(steps, matches(steps, law, gaps), strict=True):
        due_at = _due_at(step, its_law, suspensions, calendar)
        late = None if due_at is None else (step.finished_at or now) > due_at
        found.append(JudgedStep(step, its_law, due_at, late))
    return tuple(found)


def matches(
    steps: Sequence[Step], law: Sequence[StepLimit], gaps: Sequence[Gap]
) -> tuple[StepLimit | None, ...]:
    """The step of the law each sent step is; None where order and unit do not make it certain.

    Both lists are read in order, a unit at a time. A sender that splits a step of the law into
    several of its own, or leaves one out, has no match there: a guess would accuse somebody.
    """
    printed = [
        (unit, list(group)) for unit, group in groupby(law, key=lambda one: _party(one.unit))
    ]
    found: list[StepLimit | None] = []
    place, lost = 0, False
    for (unit, _), run in groupby(_placed(steps, gaps), key=lambda one: one[:2]):
        count = len(list(run))
        at = _next(printed, place, unit)
        if at is None or lost:
            lost = True  # what follows one that is not understood is not understood either
            found.extend([None] * count)
            continue
        group = printed[at][1]
        found.extend(group if count == len(group) == 1 else [None] * count)
        place = at + 1
    return tuple(found)


def _placed(
    steps: Sequence[Step], gaps: Sequence[Gap]
) -> Iterator[tuple[StepUnit | None, int, Step]]:
    """Each step with who does it, and how many legs at the tax office were over when it began."""
    for step in steps:
        unit, began = unit_of(step.unit), step.started_at
        over = 0
        if began is not None:
            over = sum(gap.paid_at is not None and gap.paid_at <= began for gap in gaps)
            if unit is not StepUnit.TAX and any(_spans(began, step, gap) for gap in gaps):
                unit = None  # the law has no step from one appointment into the next
        yield unit, over, step


def _spans(began: datetime, step: Step, gap: Gap) -> bool:
    """Whether a step goes on through a whole leg at the tax office."""
    if began > gap.sent_at:
        return False
    ended = step.finished_at
    return ended is None or (gap.paid_at is not None and ended >= gap.paid_at)


def _next(
    printed: Sequence[tuple[StepUnit, list[StepLimit]]], place: int, unit: StepUnit | None
) -> int | None:
    """Where the unit comes next; what has no time of its own may be passed over."""
    for at in range(place, len(printed)):
        printed_unit, group = printed[at]
        if printed_unit is unit:
            return at
        if any(one.half_days is not None for one in group):
            return None
    return None


@lru_cache(maxsize=4_096)  # a province has some hundred units, and a dossier several steps
def unit_of(told: str | None) -> StepUnit | None:
    """Who does a step, by the name a sender gives the unit; None where it names none we know.

    The office and its branch are one here: the law often says "the office or its branch".
    """
    said = normalize("NFC", told or "").casefold().strip()
    if said in {unit.value for unit in StepUnit}:
        return _party(StepUnit(said))
    for unit, words in _NAMED:
        if any(word in said for word in words):
            return _party(unit)
    return None


def _party(unit: StepUnit) -> StepUnit:
    """The office and its branch are one here: the law often says "the office or its branch"."""
    return StepUnit.BRANCH if unit is StepUnit.OFFICE else unit


def _due_at(
    step: Step,
    law: StepLimit | None,
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
) -> datetime | None:
    limit = law.limit if law is not None else None
    if limit is None or step.started_at is None:
        return None
    until = step.finished_at
    stops = [stop for stop in suspensions if until is None or stop.from_at <= until]
    try:
        return deadline(step.started_at, limit, stops, calendar).due_at
    except CalendarEndsError:
        return None
