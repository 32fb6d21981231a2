"""What a report is asked for: by whom, of which branches, for which days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.calendar import WorkingCalendar
from app.core.periods import Period
from app.db.in_hand import Span
from app.db.lists import Clock
from app.service.access import Principal
from app.service.document import Note
from app.service.rules import Rules
from app.service.silence import BranchClock


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that is asked for, within the scope of who asks.

    `over` is the period as far as it is asked about: up to `as_of`, or today; `now` is the instant
    of the question.
    """

    caller: Principal
    rules: Rules
    period: Period
    over: Span
    branch: str | None
    clocks: Sequence[Clock]
    heard: Mapping[str, BranchClock]
    now: datetime

    @property
    def data_as_of(self) -> datetime | None:
        """The oldest last word of any branch; None if none was ever heard."""
        spoken = [clock.heard_at for clock in self.heard.values() if clock.heard_at is not None]
        return min(spoken, default=None)

    @property
    def whole_office(self) -> bool:
        """Whether it is for all of the office, of which the caller may see all."""
        return self.caller.whole_office and self.branch is None

    @property
    def about(self) -> str | None:
        """The one branch it is about: the one asked for, or the only one the caller may see."""
        if self.branch is not None or self.caller.whole_office or len(self.clocks) != 1:
            return self.branch
        return self.clocks[0].branch

    @property
    def unit(self) -> str:
        """Whom it is about: the name of that branch, or of the office."""
        if self.about is not None:
            return self.rules.branches[self.about].name
        return self.rules.offices[self.caller.office]

    @property
    def calendars(self) -> Mapping[str, WorkingCalendar]:
        """The working calendar of each branch as it is published now."""
        return {clock.branch: self.rules.calendar_of(clock.branch) for clock in self.clocks}

    @property
    def active(self) -> list[str]:
        """The branches at work on the last day, by code: each has its row."""
        return sorted(
            clock.branch
            for clock in self.clocks
            if self.rules.branches[clock.branch].is_active(self.over.last)
        )

    @property
    def partly(self) -> list[Note]:
        """A note for figures under the name of the office that are not of all its branches."""
        if self.caller.whole_office or self.about is not None:
            return []
        codes = ", ".join(sorted(clock.branch for clock in self.clocks)) or "–"
        return [Note("Only of the branches you may see: {branches}.", {"branches": codes})]
