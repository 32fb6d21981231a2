"""What a person wants to hear by mail, and on which days nothing."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Subscription:
    """The wishes of one person.

    Attributes:
        daily: The digest of each working day.
        weekly: The summary of the week.
        all_clear: A short mail on a day with nothing to say.
        quiet_weekdays: Weekdays without mail, 1 Monday to 7 Sunday.
        quiet_days: Spans of days without mail, a leave; both ends inclusive.
    """

    daily: bool = True
    weekly: bool = True
    all_clear: bool = True
    quiet_weekdays: frozenset[int] = frozenset()
    quiet_days: tuple[tuple[date, date], ...] = ()

    @classmethod
    def of_role(cls, role: str | None) -> "Subscription":
        """What somebody of a role hears who never wished for anything: a director no summary."""
        return cls(weekly=role != "director")

    def quiet_on(self, day: date) -> bool:
        """Whether nothing is to be mailed on a day; what is new then is told by the next digest."""
        return day.isoweekday() in self.quiet_weekdays or any(
            first <= day <= last for first, last in self.quiet_days
        )
