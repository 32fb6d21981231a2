"""Pauses that only statuses tell of: 4 → 5 → 4, from the set of all that was seen.

The set decides, never the order in which it came: a line of progress told late finds its place.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from app.adapters.dvcqg.telling import Sighting, Supplement
from app.core.clock import Reason
from app.core.lifecycle import Status

# A telling this soon after a line of progress that says otherwise is the older word: systems are
# given ten minutes to agree (`domain` §1.3).
LAG = timedelta(minutes=10)

_PAUSED = {
    Status.AWAITING_SUPPLEMENT: Reason.SUPPLEMENT,
    Status.AWAITING_PAYMENT: Reason.FINANCIAL_OBLIGATION,
}
_RUNNING = frozenset({Status.RECEIVED, Status.IN_PROGRESS})
# What a line of progress can prove. Provinces make up a 2 at the receipt and a 9 at the end.
_PROVES = _RUNNING | {*_PAUSED, Status.STOPPED}


class Mark(NamedTuple):
    """A status at an instant, once its meaning is settled."""

    at: datetime
    status: Status
    told: Status
    why: Reason | None


class Pause(NamedTuple):
    """A stop of the clock; one that was inferred lies somewhere between `after` and `before`."""

    reason: Reason
    from_at: datetime
    until_at: datetime | None
    ground: str | None
    after: datetime
    before: datetime | None
    inferred: bool


def track(seen: Sequence[Sighting], received_at: datetime) -> list[Mark]:
    """The statuses of a dossier in the order of time, disguises off, what proves nothing left out.

    A pause dated at the receipt or before has a made-up date; it only gives its words to the
    telling it belongs to.
    """
    lines = [one for one in seen if one.step is not None and _believed(one, received_at)]
    marks: list[Mark] = []
    for one in seen:
        if one.at < received_at:
            continue
        if one.step is None:
            meant = meaning(one, seen, received_at)
            if not _lags(one, meant, lines):
                marks.append(Mark(one.at, meant.status, one.told, meant.why))
        elif one.status in _PROVES and _believed(one, received_at):
            marks.append(Mark(one.at, one.status, one.told, one.why))
    return marks


def meaning(telling: Sighting, seen: Sequence[Sighting], received_at: datetime) -> Sighting:
    """What a telling means: a 9 without an end of its own is what the last line before it says."""
    if telling.status is not Status.FINISHED:
        return telling
    lines = [one for one in seen if one.step is not None and one.at <= telling.at]
    dated = [one for one in lines if one.at > received_at]
    said = dated[-1] if dated and _disguise(dated[-1]) else None
    if said is None and not any(one.told is Status.FINISHED for one in dated):
        said = next((one for one in reversed(lines) if _disguise(one)), None)
    if said is None or (telling.ended_at is not None and telling.ended_at > said.at):
        return telling
    return replace(telling, status=said.status, why=said.why)


def _disguise(line: Sighting) -> bool:
    return line.told is Status.FINISHED and line.status is not Status.FINISHED


def _believed(line: Sighting, received_at: datetime) -> bool:
    """Whether the time of a line can be its own: one at the receipt is what is put in for none."""
    return line.at > received_at or line.status in (Status.RECEIVED, Status.IN_PROGRESS)


def _lags(telling: Sighting, meant: Sighting, lines: Sequence[Sighting]) -> bool:
    before = [one for one in lines if one.at <= telling.at and one.status in _PROVES]
    if not before or meant.status not in _PROVES or before[-1].status is meant.status:
        return False
    return telling.at - before[-1].at <= LAG and before[-1].status in _PAUSED


def inferred(
    marks: Sequence[Mark], received_at: datetime, ended_at: datetime | None
) -> list[Pause]:
    """The pauses a track tells of, the last one open if the dossier stands in it still."""
    runs: list[list[Mark]] = []
    for mark in marks:
        if runs and runs[-1][-1].status is mark.status:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    found = []
    for place, run in enumerate(runs):
        status = run[0].status
        reason = _PAUSED.get(status)
        if status is Status.STOPPED:
            reason = next((mark.why for mark in run if mark.why is not None), None)
        if reason is None:
            continue
        last = runs[place - 1][-1] if place else None
        then = runs[place + 1][0] if place + 1 < len(runs) else None
        before = then.at if then else None
        until = before if ended_at is None or (before and before < ended_at) else ended_at
        if ended_at is not None and run[0].at >= ended_at:
            continue
        path = [str(int(one.status)) for one in (last, run[0], then) if one is not None]
        ground = f"Suy ra từ trạng thái {' → '.join(path)}"
        after = last.at if last else received_at
        found.append(Pause(reason, run[0].at, until, ground, after, before, inferred=True))
    return found


def together(
    told: Sequence[Supplement], found: Sequence[Pause], marks: Sequence[Mark], *, running: bool
) -> list[Pause]:
    """Supplements as told, in their order, then what was inferred and is not one of them.

    A block wins over the inferred supplement it may be. Where it says no end, the statuses may:
    the end of that supplement, or, for a dossier that is `running`, the first that said so.
    """
    pauses: list[Pause] = []
    left = list(found)
    for block in told:
        same = [one for one in left if _may_be(one, block)]
        left = [one for one in left if one not in same]
        until = block.until_at
        if until is None:
            until = _end(block, same, marks, running=running)
        pauses.append(
            Pause(
                reason=Reason.SUPPLEMENT,
                from_at=block.from_at,
                until_at=until,
                ground=None,
                after=block.from_at,
                before=until,
                inferred=until is not block.until_at,
            )
        )
    return pauses + left


def _end(
    block: Supplement, same: Sequence[Pause], marks: Sequence[Mark], *, running: bool
) -> datetime | None:
    if same:
        until = same[-1].until_at
        return None if until is None else max(until, block.from_at)
    runs = (mark.at for mark in marks if mark.at > block.from_at and mark.status in _RUNNING)
    return next(runs, None) if running else None


def _may_be(pause: Pause, block: Supplement) -> bool:
    if pause.reason is not Reason.SUPPLEMENT:
        return False
    begins_in_time = pause.before is None or block.from_at < pause.before
    return begins_in_time and (block.until_at is None or pause.after < block.until_at)
