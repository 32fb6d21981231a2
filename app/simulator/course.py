"""The course of a clock: where a dossier stands, when it is due, and how its end is drawn."""

from dataclasses import dataclass
from random import Random
from typing import Final

from app.simulator.calendar import CIVIL_DAY, DAY, WorkingDays
from app.simulator.province import Terms

ON_THE_DAY: Final = 0.3
LONGEST: Final = 240
"""Working days; the tail of lateness is cut there."""


@dataclass(slots=True)
class Course:
    """One appointment under way: where it stands, and the days it is counted from and due on.

    `at` is a working second; `counted` and `due` are indexes of days. The day `counted` itself is
    not counted; a receipt after the cut-off has the next one.
    """

    at: int
    counted: int
    due: int

    def pause(self, until: int) -> None:
        """Stop at `at` and go on at `until`; a stop after the due day heals nothing.

        The day of the stop is used, the day of going on is not, so stopped on the last day the
        dossier is due on the day it goes on.
        """
        if self.at // DAY <= self.due:
            self.due += max(until // DAY - max(self.at // DAY, self.counted), 0)
        self.at = until

    def end(self, rng: Random, *, late: bool) -> int:
        """Return the working second at which the appointment is kept, always after `at`."""
        today = self.at // DAY
        if late:
            tail = min(int(rng.lognormvariate(1.0, 1.5)), LONGEST)
            day = max(self.due, today) + 1 + tail
            return day * DAY + int(rng.random() * DAY)
        if self.due <= today or rng.random() < ON_THE_DAY:
            day = self.due
        else:
            day = today + int((self.due - today) * rng.random() ** 0.6)
        drawn = max(day * DAY + int(rng.random() * DAY), self.at + 300)
        return max(min(drawn, (self.due + 1) * DAY - 1), self.at + 1)


def counting_day(start: int, terms: Terms) -> int:
    """Return the index of the day from which a limit that starts at a working second is counted."""
    index, second = divmod(start, DAY)
    return index + 1 if terms.cutoff is not None and second > terms.cutoff else index


def due_day(days: WorkingDays, counted: int, terms: Terms) -> int:
    """Return the index of the last day of a limit counted from a day."""
    if terms.calendar:
        return days.on_or_after(days.ordinal(counted) + terms.days)
    return counted + terms.days


def gap_end(days: WorkingDays, since: int, gap: int, second: int) -> int:
    """Return the working second reached `gap` calendar days after another, a later day at least."""
    index = since // DAY
    later = max(days.on_or_after(days.ordinal(index) + gap), index + 1)
    return later * DAY + second


def slip_day(slips: WorkingDays, instant: int, due: int) -> int:
    """Return the index on a calendar without worked Saturdays, `due` working days after a day."""
    return slips.index(instant // CIVIL_DAY) + due
