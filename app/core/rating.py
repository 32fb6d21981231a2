"""Rates: early, on time, late; never a figure where there are no data."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Verdict(StrEnum):
    """How a finished dossier did: trước hạn, đúng hạn, quá hạn; or that nothing can be said."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    NO_LIMIT = "no_limit"


def verdict(due_on: date | None, end_on: date, *, forced_late: bool) -> Verdict:
    """Compare by date (Biểu II.06a, BLDS Đ148 k6); `forced_late` carries what a date cannot say."""
    if forced_late:
        return Verdict.LATE
    if due_on is None:
        return Verdict.NO_LIMIT
    if end_on < due_on:
        return Verdict.EARLY
    return Verdict.ON_TIME if end_on == due_on else Verdict.LATE


@dataclass(frozen=True, slots=True)
class Tally:
    """Finished dossiers of one group by verdict; the three classes exhaust the denominator."""

    early: int = 0
    on_time: int = 0
    late: int = 0

    @property
    def numerator(self) -> int:
        """Early and on time."""
        return self.early + self.on_time

    @property
    def denominator(self) -> int:
        """Every dossier that has a verdict."""
        return self.early + self.on_time + self.late

    @property
    def rate(self) -> float | None:
        """Numerator over denominator, from 0 to 1; None ("no data") when nothing has a verdict."""
        return self.numerator / self.denominator if self.denominator else None

    def __add__(self, other: "Tally") -> "Tally":
        """Two groups together."""
        return Tally(self.early + other.early, self.on_time + other.on_time, self.late + other.late)
