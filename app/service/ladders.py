"""Ladders of alerts as they are published: their shape, their checks, and the change they make."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from app.core.ladder import Kind, Level, Rung, Told, stored
from app.core.problems import Problem
from app.db import catalogue
from app.service.changes import Applied, Change, NotPublishableError, checked
from app.service.contradictions import TWICE, repeated

_NAMES = {level.word: level for level in Level}
_FIGURES = {
    Level.SHARE_USED: "share_used",
    Level.DUE_SOON: "working_days",
    Level.APOLOGY_DUE: "working_days",
    Level.OVERDUE_REMINDED: "working_days",
    Level.OVERDUE_LONG: "working_days",
    Level.OVERDUE_VERY_LONG: "working_days",
    Level.CALENDAR_UNCONFIRMED: "days",
    Level.QUARANTINE_GROWING: "records",
}
"""The one figure a level is counted by; the others have none."""
_OF_AN_OFFICE = frozenset({Kind.FEED, Kind.CALENDAR, Kind.QUARANTINE})
_NEEDED = (Level.APOLOGY_DUE, Level.OVERDUE)
# Further and further from the due moment: each must come after the one before it.
_BEFORE = (Level.DUE_SOON, Level.APOLOGY_DUE)
_AFTER = (Level.OVERDUE_REMINDED, Level.OVERDUE_LONG, Level.OVERDUE_VERY_LONG)


class RungBody(BaseModel):
    """A level, its figure, whom it tells, and whether it goes to webhooks at once."""

    model_config = ConfigDict(extra="forbid")

    level: str = Field(examples=["due_soon"], description=", ".join(_NAMES))
    tell: list[Told] = Field(min_length=1, max_length=3)
    at_once: bool
    share_used: float | None = Field(default=None, gt=0, lt=1)
    working_days: int | None = Field(default=None, ge=1, le=250)
    days: int | None = Field(default=None, ge=1, le=365)
    records: int | None = Field(default=None, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _its_figure(self) -> Self:
        level = _NAMES.get(self.level)
        if level is None:
            raise ValueError(f"there is no level {self.level[:60]}; one of {', '.join(_NAMES)}")
        wanted = _FIGURES.get(level)
        for name in ("share_used", "working_days", "days", "records"):
            if (getattr(self, name) is not None) != (name == wanted):
                said = f"needs {wanted}" if wanted else "has no figure"
                raise ValueError(f"{self.level} {said}")
        return self

    @property
    def rung(self) -> Rung:
        """As the core has it."""
        tell = tuple(told for told in Told if told in self.tell)
        figures = self.model_dump(include=set(_FIGURES.values()))
        return Rung(_NAMES[self.level], tell, at_once=self.at_once, **figures)


class LadderBody(BaseModel):
    """A whole ladder; what is left out is not said."""

    model_config = ConfigDict(extra="forbid")

    rungs: list[RungBody] = Field(min_length=1, max_length=len(Level))


def ladder(office: str, group: str | None, body: LadderBody | Mapping[str, Any] | None) -> Change:
    """The ladder of an office, for one group of procedures or for all; None takes it back.

    Raises:
        NotPublishableError: a shape that cannot be one, levels out of order, an unknown group.
    """
    rungs = None
    if body is not None:
        found = [one.rung for one in checked(LadderBody, body, "").rungs]
        wrong = list(_problems(found, group))
        if wrong:
            raise NotPublishableError(*wrong)
        rungs = stored(found)

    def apply(session: Session, version: int, _: datetime) -> Applied:
        if group is not None and rungs is not None:
            groups = sorted({row["group"] for row in catalogue.procedures(session)})
            if group not in groups:
                why = "there is no group {group}; one of {groups}"
                raise NotPublishableError(
                    Problem("group", why, {"group": group[:60], "groups": ", ".join(groups)})
                )
        changed = catalogue.replace_ladder(session, office, group, rungs, version)
        branches = [row["code"] for row in catalogue.branches(session, office)]
        return Applied(changed, {"branches": branches})

    return Change("ladder", office if group is None else f"{office}/{group}", apply)


def _problems(rungs: list[Rung], group: str | None) -> Iterator[Problem]:
    levels = [rung.level for rung in rungs]
    for word in repeated([level.word for level in levels]):
        yield Problem(f"rungs.{word}", TWICE)
    for level in _NEEDED:
        if level not in levels:
            yield Problem("rungs", "the law asks for {level}; leave it in", {"level": level.word})
    if group is not None:
        for level in levels:
            if level.kind in _OF_AN_OFFICE:
                why = "it is of no procedure; put it into the ladder of the office"
                yield Problem(f"rungs.{level.word}", why)
    days = {rung.level: rung.working_days or 0 for rung in rungs}
    for order, sign in ((_BEFORE, -1), (_AFTER, 1)):
        for first, second in pairwise(level for level in order if level in days):
            if sign * days[second] <= sign * days[first]:
                yield Problem(
                    f"rungs.{second.word}.working_days",
                    "it would not come after {level}; give another figure",
                    {"level": first.word},
                )
