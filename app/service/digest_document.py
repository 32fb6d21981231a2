"""A digest before it is a mail: what is to be done, with the figures around it, and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core.ladder import Told
from app.service.document import Document


class Part(StrEnum):
    """The sections, in the order of what must be done as the day begins."""

    APOLOGY_TODAY = "apology_today"
    DUE_TODAY = "due_today"
    DUE_TOMORROW = "due_tomorrow"
    NEWLY_OVERDUE = "newly_overdue"
    OVERDUE_REMINDED = "overdue_reminded"
    OVERDUE_LONG = "overdue_long"
    OVERDUE_VERY_LONG = "overdue_very_long"
    HANDLING_OVER = "handling_over"
    OVERDUE = "overdue"
    UNVERIFIED = "unverified"
    WAITING_TAX = "waiting_tax"
    WAITING_CITIZEN = "waiting_citizen"
    ACCEPTANCE_LATE = "acceptance_late"
    SUPPLEMENT_NOTICE_LATE = "supplement_notice_late"
    HAND_OVER_LATE = "hand_over_late"
    SHARE_USED = "share_used"


NEWS = frozenset(
    {
        Part.NEWLY_OVERDUE,
        Part.OVERDUE_REMINDED,
        Part.OVERDUE_LONG,
        Part.OVERDUE_VERY_LONG,
        Part.ACCEPTANCE_LATE,
        Part.SUPPLEMENT_NOTICE_LATE,
        Part.HAND_OVER_LATE,
        Part.SHARE_USED,
    }
)
"""What is told once, as it comes to pass; the others for as long as they are so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A dossier of a section: when it is due or was, or since which day it waits.

    `procedure` is its name.
    """

    code: str
    due_at: datetime | None = None
    since: date | None = None
    procedure: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Dossiers of which the same is to be done: how many, and the first of them.

    Attributes:
        count: All of them, those that somebody is on and those named further up among them.
        above: How many are named in an earlier section.
        handled: How many somebody has said to be on; they are not named.
        days: The working days of its heading: past due for more than these, waiting for more.
        share: Of `SHARE_USED`: the part of the limit that is used, from 0 to 1.
    """

    part: Part
    count: int
    entries: tuple[Entry, ...]
    above: int = 0
    handled: int = 0
    days: int | None = None
    share: float | None = None

    @property
    def unnamed(self) -> int:
        """How many are neither named here or above, nor in anybody's hands."""
        return self.count - self.above - self.handled - len(self.entries)


@dataclass(frozen=True, slots=True)
class Line:
    """One branch in figures; `judged` ended yesterday with a verdict, `on_time` of them in time."""

    code: str
    name: str
    overdue: int
    due_today: int
    due_tomorrow: int
    due_soon: int
    unverified: int
    on_time: int
    judged: int

    @property
    def rate(self) -> float | None:
        """On time over all with a verdict; None is no data."""
        return self.on_time / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Silent:
    """A source of a branch that should have been heard; None was never heard."""

    branch: str
    source: str | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Records refused since the last working day began, and all that lie open; of a branch."""

    branch: str
    fresh: int
    open: int


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """From which day on nobody has confirmed the calendar; `branches` is empty where of all."""

    first: date
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handled:
    """A dossier somebody is on, and until when."""

    code: str
    by: str
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """What one recipient, or several who may see the same, is to know as the day begins.

    Attributes:
        unit: The name of the branch, or of the office; empty where it is several branches.
        whole: Whether it is all of the office.
        yesterday, tomorrow: The last and the next working day.
        lines: A line a branch, in the order of their codes.
        handled: The first of those somebody is on, those that end first before; `in_hand` are all.
        ahead: How many fall due on each of the next working days.
        table: Every dossier of the sections and what is due soon, without names.
    """

    told: Told
    unit: str
    whole: bool
    day: date
    as_of: datetime
    yesterday: date
    tomorrow: date
    lines: Sequence[Line]
    sections: Sequence[Section]
    silent: Sequence[Silent]
    refused: Sequence[Refused]
    unconfirmed: Sequence[Unconfirmed]
    handled: Sequence[Handled]
    in_hand: int
    ahead: Sequence[tuple[date, int]]
    table: Document

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do and nothing to warn of."""
        return not (self.sections or self.silent or self.refused or self.unconfirmed)

    @property
    def total(self) -> Line:
        """All branches together."""
        return Line(
            code="",
            name="",
            overdue=sum(line.overdue for line in self.lines),
            due_today=sum(line.due_today for line in self.lines),
            due_tomorrow=sum(line.due_tomorrow for line in self.lines),
            due_soon=sum(line.due_soon for line in self.lines),
            unverified=sum(line.unverified for line in self.lines),
            on_time=sum(line.on_time for line in self.lines),
            judged=sum(line.judged for line in self.lines),
        )

    def count(self, part: Part) -> int:
        """How many dossiers a section has."""
        return sum(section.count for section in self.sections if section.part is part)
