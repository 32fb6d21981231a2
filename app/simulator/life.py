"""One dossier's life: facts with their instants, drawn to the end however far away.

Whoever looks at a life sees what is past at that moment (`snapshot`); nothing in it is hidden here.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

MOST: Final = 4
"""A source sends a dossier at most so often, re-sends apart."""
SENT_AT_SUBMISSION: Final = 0.05
SENT_AT_RECEIPT: Final = 0.85


class Pause(NamedTuple):
    """A stop of the clock; `until` may be far away, `since` is the instant it was asked."""

    reason: str
    since: int
    until: int
    ground: str


class Step(NamedTuple):
    """A step of the process; `end` is None where the dossier left it unfinished."""

    name: str
    unit: str
    officer: str
    start: int
    due: int
    end: int | None


@dataclass(slots=True)
class Life:
    """Facts about a dossier.

    `received` is None while nobody has taken it in. `promises` are (made at, promised for), in
    order; `stages` are (start, end) and empty where the gap is told as a suspension, or is none.
    """

    code: str
    procedure: str
    case: str | None
    branch: str
    commune: str
    applicant: tuple[str, str]
    channel: str
    online_payment: bool
    submitted: int
    received: int | None = None
    land_office: int | None = None
    promises: list[tuple[int, int]] = field(default_factory=list)
    suspensions: list[Pause] = field(default_factory=list)
    stages: list[tuple[int, int | None]] = field(default_factory=list)
    apologies: list[tuple[int, str, int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    finished: int | None = None
    ended: int | None = None
    outcome: str = "result"
    handed_over: int | None = None

    def moments(self, horizon: int, rng: Random) -> list[int]:
        """Return the instants up to `horizon` at which the source speaks: one to four, in order.

        The last thing that happened is always told; what is between the receipt and it may not be.
        """
        if self.received is None:
            return [self.submitted]
        between = {moment for moment in self._turns() if moment <= horizon}
        between.discard(self.received)
        if not between:
            return [self.received]
        last = max(between)
        between.discard(last)
        kept = sorted(between)
        while len(kept) > MOST - 2:
            del kept[int(rng.random() * len(kept))]
        lot = rng.random()
        if lot < SENT_AT_SUBMISSION and self.channel == "online":
            return [self.submitted, *kept, last]
        return [self.received, *kept, last] if lot < SENT_AT_RECEIPT else [*kept, last]

    def _turns(self) -> list[int]:
        turns = [moment for pause in self.suspensions for moment in (pause.since, pause.until)]
        turns += [sent for sent, _, _ in self.apologies]
        if len(self.stages) > 1:
            turns += [self.stages[1][0], self.stages[0][1] or 0]
        turns += [moment for moment in (self.ended, self.handed_over) if moment is not None]
        return turns
