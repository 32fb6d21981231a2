"""The summary of a week before it is a mail: figures and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.service.document import Document


@dataclass(frozen=True, slots=True)
class WeekLine:
    """One branch over the week; `judged` ended with a verdict, `before_…` in the week before."""

    code: str
    name: str
    received: int
    on_time: int
    judged: int
    before_on_time: int
    before_judged: int
    overdue: int
    apologies_owed: int
    apologies_sent: int

    @property
    def rate(self) -> float | None:
        """On time over all with a verdict; None is no data."""
        return self.on_time / self.judged if self.judged else None

    @property
    def before(self) -> float | None:
        """The same of the week before."""
        return self.before_on_time / self.before_judged if self.before_judged else None


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure and how many of its dossiers ended late, of all that have a verdict."""

    code: str
    name: str | None
    late: int
    judged: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """A week of an office, or of some of its branches (`unit` is empty where of several).

    `overdue` of a line is as of the end of the week; `causes` are counts by cause, most first.
    """

    unit: str
    whole: bool
    first: date
    last: date
    as_of: datetime
    lines: Sequence[WeekLine]
    causes: Sequence[tuple[str, int]]
    worst: Sequence[Procedure]
    table: Document

    @property
    def number(self) -> int:
        """The number of the week in its year, by ISO 8601."""
        return self.first.isocalendar().week

    @property
    def total(self) -> WeekLine:
        """All branches together."""
        names = (
            *("received", "on_time", "judged", "before_on_time", "before_judged"),
            *("overdue", "apologies_owed", "apologies_sent"),
        )
        sums = {name: sum(getattr(line, name) for line in self.lines) for name in names}
        return WeekLine(code="", name="", **sums)
