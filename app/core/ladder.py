"""The ladder of alerts: at what moments something is said, whom it tells, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Kind(StrEnum):
    """Whose clock an alert is of."""

    LIMIT = "limit"
    ACCEPTANCE = "acceptance"
    SUPPLEMENT_NOTICE = "supplement_notice"
    HAND_OVER = "hand_over"
    FEED = "feed"
    CALENDAR = "calendar"
    QUARANTINE = "quarantine"


class Level(IntEnum):
    """What is said; of one clock a higher level says all that a lower one says.

    The numbers are stored. From `OVERDUE` on a level accuses, and waits for the branch's clock.
    """

    SHARE_USED = 10
    DUE_SOON = 20
    APOLOGY_DUE = 30
    DUE_TODAY = 40
    OVERDUE = 50
    OVERDUE_REMINDED = 60
    OVERDUE_LONG = 70
    OVERDUE_VERY_LONG = 80
    ACCEPTANCE_LATE = 110
    SUPPLEMENT_NOTICE_LATE = 120
    HAND_OVER_LATE = 130
    FEED_SILENT = 210
    CALENDAR_UNCONFIRMED = 220
    QUARANTINE_GROWING = 230

    @property
    def kind(self) -> Kind:
        """The clock it is of."""
        return _OTHER_KINDS.get(self, Kind.LIMIT)

    @property
    def word(self) -> str:
        """Its name in the API: `due_soon`."""
        return self.name.lower()


_OTHER_KINDS = {
    Level.ACCEPTANCE_LATE: Kind.ACCEPTANCE,
    Level.SUPPLEMENT_NOTICE_LATE: Kind.SUPPLEMENT_NOTICE,
    Level.HAND_OVER_LATE: Kind.HAND_OVER,
    Level.FEED_SILENT: Kind.FEED,
    Level.CALENDAR_UNCONFIRMED: Kind.CALENDAR,
    Level.QUARANTINE_GROWING: Kind.QUARANTINE,
}


class Told(StrEnum):
    """Who is told: the directors of the branch, the office's administrators, the department."""

    BRANCH = "branch"
    OFFICE = "office"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a ladder.

    Attributes:
        level: What is said.
        tell: Whose digest and page it is on.
        at_once: Whether it goes to webhooks as it is raised; else it waits for the digest.
        share_used: Of `SHARE_USED`: the part of the limit that is used, between 0 and 1.
        working_days: Of `DUE_SOON` and `APOLOGY_DUE` how many are left, of the levels above
            `OVERDUE` by how many it is exceeded.
        days: Of `CALENDAR_UNCONFIRMED`: how many calendar days before the first open one.
        records: Of `QUARANTINE_GROWING`: how many were refused since the last working day opened.
    """

    level: Level
    tell: tuple[Told, ...]
    at_once: bool
    share_used: float | None = None
    working_days: int | None = None
    days: int | None = None
    records: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The rungs of an office or of a procedure group; compared as the one thing it is.

    `id` names the stored version.
    """

    id: int
    rungs: tuple[Rung, ...]
    by_level: Mapping[Level, Rung] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the rungs ready to be asked by their level."""
        object.__setattr__(self, "by_level", {rung.level: rung for rung in self.rungs})


def ladder(ladder_id: int, rungs: Sequence[Mapping[str, Any]]) -> Ladder:
    """A ladder from its stored rungs."""
    return Ladder(
        ladder_id,
        tuple(
            Rung(**{**rung, "level": Level(rung["level"]), "tell": tuple(map(Told, rung["tell"]))})
            for rung in rungs
        ),
    )


def stored(rungs: Sequence[Rung]) -> list[dict[str, Any]]:
    """Rungs as they are stored, the lowest level first; what does not concern a level left out."""
    return [
        {"level": int(rung.level), "tell": [told.value for told in rung.tell]}
        | {"at_once": rung.at_once}
        | {
            name: value
            for name in ("share_used", "working_days", "days", "records")
            if (value := getattr(rung, name)) is not None
        }
        for rung in sorted(rungs, key=lambda rung: rung.level)
    ]


_BRANCH = (Told.BRANCH,)
_OFFICE = (Told.BRANCH, Told.OFFICE)
_ALL = tuple(Told)

# Ours, but for the apology: "chậm nhất 01 ngày trước ngày hết hạn" (NĐ 61/2018/NĐ-CP Đ19 k9).
DEFAULT = (
    Rung(Level.SHARE_USED, _BRANCH, at_once=False, share_used=0.75),
    Rung(Level.DUE_SOON, _BRANCH, at_once=False, working_days=2),
    Rung(Level.APOLOGY_DUE, _BRANCH, at_once=True, working_days=1),
    Rung(Level.DUE_TODAY, _BRANCH, at_once=True),
    Rung(Level.OVERDUE, _OFFICE, at_once=True),
    Rung(Level.OVERDUE_REMINDED, _OFFICE, at_once=True, working_days=3),
    Rung(Level.OVERDUE_LONG, _OFFICE, at_once=True, working_days=10),
    Rung(Level.OVERDUE_VERY_LONG, _ALL, at_once=True, working_days=30),
    Rung(Level.ACCEPTANCE_LATE, _BRANCH, at_once=True),
    Rung(Level.SUPPLEMENT_NOTICE_LATE, _BRANCH, at_once=False),
    Rung(Level.HAND_OVER_LATE, _BRANCH, at_once=False),
    Rung(Level.FEED_SILENT, _OFFICE, at_once=True),
    Rung(Level.CALENDAR_UNCONFIRMED, (Told.OFFICE,), at_once=True, days=60),
    Rung(Level.QUARANTINE_GROWING, _OFFICE, at_once=True, records=10),
)
FIRST = Ladder(1, DEFAULT)
"""The ladder the database begins with."""
