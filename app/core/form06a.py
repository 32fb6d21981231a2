"""The figures of Biểu II.06a/VPCP/KSTT and the sums they must hold.

Source: Thông tư 01/2020/TT-VPCP (21/10/2020), columns (3) to (13).
"""

from dataclasses import dataclass, fields
from operator import add, attrgetter, sub


class UnbalancedError(ArithmeticError):
    """What came in is not what was settled and what is left: such a form must not be printed."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Dossiers by the columns that are counted; the other columns are sums of them.

    Each dossier in hand stands in one column of what came in (`online` 4, `direct` 5,
    `carried_over` 6) and in one of where it is now (`early` 8, `on_time` 9, `late` 10, `in_time`
    12, `overdue` 13). A line of adjustments takes back what was received once too often, so parts
    may be negative; what must hold holds all the same.
    """

    online: int = 0
    direct: int = 0
    carried_over: int = 0
    early: int = 0
    on_time: int = 0
    late: int = 0
    in_time: int = 0
    overdue: int = 0

    @property
    def received(self) -> int:
        """(3) = (4) + (5) + (6)."""
        return self.online + self.direct + self.carried_over

    @property
    def settled(self) -> int:
        """(7) = (8) + (9) + (10)."""
        return self.early + self.on_time + self.late

    @property
    def open(self) -> int:
        """(11) = (12) + (13)."""
        return self.in_time + self.overdue

    def __add__(self, other: "Counts") -> "Counts":
        """Two groups together."""
        return Counts(*map(add, _COLUMNS(self), _COLUMNS(other)))

    def __sub__(self, other: "Counts") -> "Counts":
        """A group without some of it; what was received may so become less than nothing."""
        return Counts(*map(sub, _COLUMNS(self), _COLUMNS(other)))

    def columns(self) -> dict[str, int]:
        """Columns (3) to (13) in the order they are printed.

        Raises:
            UnbalancedError: (3) is not (7) + (11).
        """
        if self.received != self.settled + self.open:
            raise UnbalancedError(
                f"(3) = {self.received}, but (7) + (11) = {self.settled} + {self.open}"
            )
        return {
            "received": self.received,
            "online": self.online,
            "direct": self.direct,
            "carried_over": self.carried_over,
            "settled": self.settled,
            "early": self.early,
            "on_time": self.on_time,
            "late": self.late,
            "open": self.open,
            "in_time": self.in_time,
            "overdue": self.overdue,
        }


_COLUMNS = attrgetter(*(field.name for field in fields(Counts)))
