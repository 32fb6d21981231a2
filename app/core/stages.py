"""A limit of two appointments (hẹn lần 1, 2): stages, and the tax leg between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, Reason, SupplementPolicy, Suspension, deadline


@dataclass(frozen=True, slots=True)
class StageFact:
    """When a stage began and ended, as the sender says; None where it has not said."""

    stage: int
    started_at: datetime | None
    ended_at: datetime | None = None


class Stage(NamedTuple):
    """A stage with its own clock; `deadline` is None until it begins."""

    stage: int
    limit: Limit
    started_at: datetime | None
    ended_at: datetime | None
    deadline: Deadline | None

    @property
    def late(self) -> bool:
        """Whether the stage ended after its due moment. An open stage is not late by this word."""
        return self.ended_at is not None and self.late_at(self.ended_at)

    def late_at(self, moment: datetime) -> bool:
        """Whether its due moment was missed by its end, or by a moment while it is open."""
        if self.deadline is None or self.deadline.due_at is None:
            return False
        until = self.ended_at or moment
        due_at = self.deadline.due_at
        return until >= due_at if self.limit.by_date else until > due_at


def stages(
    received_at: datetime,
    limits: Sequence[Limit],
    facts: Sequence[StageFact],
    suspensions: Sequence[Suspension],
    calendar: WorkingCalendar,
    policy: SupplementPolicy = SupplementPolicy.RESUME,
    *,
    closed_at: datetime | None = None,
) -> tuple[Stage, ...]:
    """Return each stage with its start, end and deadline.

    Stage 1 starts at the receipt and ends when the tax slip is sent; the next starts when proof
    of payment arrives. A `financial_obligation` suspension is that gap: its start ends a stage and
    its end starts the next, and it stops no clock besides. What a `StageFact` says comes first.
    `closed_at` is the end of the dossier: a gap that lasted until then starts no stage.

    Source: ĐT138 (QĐ 138/2025/QĐ-UBND Đồng Tháp) Đ5 k3.
    """
    said = {fact.stage: fact for fact in facts}
    taxes = joined(stop for stop in suspensions if stop.reason is Reason.FINANCIAL_OBLIGATION)
    gaps, extra = taxes[: len(limits) - 1], taxes[len(limits) - 1 :]
    stops = [stop for stop in suspensions if stop.reason is not Reason.FINANCIAL_OBLIGATION]
    stops.extend(extra)

    found: list[Stage] = []
    for number, limit in enumerate(limits, start=1):
        fact = said.get(number)
        started_at = fact.started_at if fact else None
        if started_at is None:
            if number == 1:
                started_at = received_at
            elif number - 2 < len(gaps):
                paid_at = gaps[number - 2].until_at
                before = paid_at is None or closed_at is None or paid_at < closed_at
                started_at = paid_at if before else None
        ended_at = fact.ended_at if fact else None
        if ended_at is None and number - 1 < len(gaps):
            ended_at = gaps[number - 1].from_at
        clock = None
        if started_at is not None:
            clock = deadline(
                started_at, limit, _within(stops, started_at, ended_at), calendar, policy
            )
        found.append(Stage(number, limit, started_at, ended_at, clock))
    return tuple(found)


def between(found: Sequence[Stage]) -> bool:
    """Whether the dossier stands between two stages: waiting, and nobody's delay."""
    last = last_begun(found)
    return last is not None and last.stage < len(found) and last.ended_at is not None


def last_begun(found: Sequence[Stage]) -> Stage | None:
    """The latest stage that has begun."""
    return next((stage for stage in reversed(found) if stage.started_at is not None), None)


def joined(legs: Iterable[Suspension]) -> list[Suspension]:
    """Tax legs in order; those that touch or overlap are one, in however many parts it is told."""
    found: list[Suspension] = []
    for leg in sorted(legs, key=lambda leg: leg.from_at):
        last = found[-1] if found else None
        if last is None or (last.until_at is not None and last.until_at < leg.from_at):
            found.append(leg)
        elif last.until_at is not None:
            open_end = leg.until_at is None
            until = None if open_end else max(last.until_at, leg.until_at or last.until_at)
            found[-1] = replace(last, until_at=until)
    return found


def _within(
    stops: Sequence[Suspension], started_at: datetime, ended_at: datetime | None
) -> list[Suspension]:
    """The suspensions that touch a stage: none that is over before it or begins after it."""
    return [
        stop
        for stop in stops
        if (stop.until_at is None or stop.until_at > started_at)
        and (ended_at is None or stop.from_at <= ended_at)
    ]
