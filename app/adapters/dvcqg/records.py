"""Native records of a dossier: as it stands, and as it stood under an older promise."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.adapters.dvcqg.pauses import Mark, Pause, inferred, meaning, together, track
from app.adapters.dvcqg.telling import Held, Sighting, Supplement, Told
from app.adapters.dvcqg.values import ZONE, first
from app.core.clock import Reason
from app.core.lifecycle import Outcome, Status
from app.core.problems import Problem

Record = dict[str, Any]

_RUNNING = frozenset({Status.RECEIVED, Status.IN_PROGRESS})
_PAUSED = frozenset({Status.AWAITING_SUPPLEMENT, Status.AWAITING_PAYMENT, Status.STOPPED})
_MOST_STEPS = 200
_MOST_PROMISES = 6  # intake makes history of eight snapshots of one dossier at once


@dataclass(frozen=True, slots=True)
class Standing:
    """How a dossier stands: its status as meant, and its end."""

    status: Status | None
    told: Status | None = None
    finished_at: datetime | None = None
    ended_at: datetime | None = None
    handed_over_at: datetime | None = None
    outcome: Outcome | None = None
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a dossier.

    Attributes:
        record: The native record, without `updated_at` and without the applicant's name.
        earlier: Records of what was promised before, oldest first, to be stamped before it.
        promises: Every promise they name.
        places: Of each told suspension, its index in DanhSachHoSoBoSung.
        notes: What the sender should mend though the record can be taken in.
    """

    record: Record
    earlier: tuple[Record, ...]
    promises: tuple[str, ...]
    places: tuple[int, ...]
    notes: tuple[Problem, ...]


def made(held: Held, promised: Collection[str]) -> Made | None:
    """The records of a dossier; None while nothing but its progress is known.

    `promised` are the promises that were made records of before.
    """
    told = held.told
    if told is None:
        return None
    marks = track(held.seen, told.received_at) if told.received_at else []
    stands = _standing(told, held.seen, marks)
    blocks = _blocks(told, stands)
    pauses: Sequence[Pause] = ()
    if stands.status is not Status.SUBMITTED and told.received_at is not None:
        end = first(stands.finished_at, stands.ended_at)
        running = stands.status in _RUNNING
        found = inferred(marks, told.received_at, end)
        pauses = together(blocks, found, marks, running=running)
    chain = _promises(told)
    record = _record(told, stands, pauses, held.seen, chain[-1] if chain else told.promised_at)
    before = [at for at in chain[:-1] if _iso(at) not in promised][-_MOST_PROMISES:]
    return Made(
        record=record,
        earlier=tuple(_before(told, at, chain) for at in before) if not told.wrong else (),
        promises=tuple(map(_iso, chain)),
        places=tuple(block.place for block in blocks),
        notes=stands.notes,
    )


def _standing(told: Told, seen: Sequence[Sighting], marks: Sequence[Mark]) -> Standing:
    status = told.status
    ended = first(told.finished_at, told.handed_over_at)
    match status:
        case Status.FINISHED:
            found = _finished(told, seen, marks)
        case Status.HANDED_OVER:
            found = _handed_over(told)
        case Status.NOT_ACCEPTED:
            found = Standing(status, ended_at=first(told.refused_at, ended))
        case Status.WITHDRAWN:
            found = Standing(status, ended_at=first(ended, told.refused_at))
        case Status.STOPPED if ended is not None:
            found = Standing(status, ended_at=ended)
        case Status.SUBMITTED | None:
            found = Standing(status, finished_at=ended)
        case _:
            found = replace(_open(status, marks), finished_at=ended)
    return found  # an open dossier with an end contradicts itself: intake says so


def _open(status: Status, marks: Sequence[Mark]) -> Standing:
    """The newest of what was seen, whoever told it."""
    if marks and marks[-1].status in _RUNNING | _PAUSED:
        newest = marks[-1]
        return Standing(newest.status, newest.told if newest.told is not newest.status else None)
    return Standing(status)


def _finished(told: Told, seen: Sequence[Sighting], marks: Sequence[Mark]) -> Standing:
    """A 9 may be disguised; a plain one needs an instant, and is not believed without."""
    meant = told.meant
    tellings = [one for one in seen if one.step is None]
    if meant is Status.FINISHED and tellings and told.received_at is not None:
        newest = replace(tellings[-1], ended_at=first(told.handed_over_at, told.finished_at))
        meant = meaning(newest, seen, told.received_at).status
    if meant is not None and meant is not Status.FINISHED:
        return replace(_open(meant, marks), told=Status.FINISHED)
    ended = first(told.finished_at, told.handed_over_at, _ended_by_progress(told, seen))
    if ended is not None:
        outcome = Outcome.REFUSED if told.refused_at else None
        return Standing(
            Status.FINISHED,
            finished_at=ended,
            handed_over_at=told.handed_over_at,
            outcome=outcome,
        )
    note = Problem(
        "NgayKetThucXuLy",
        "status 9 without the moment of its end is not believed; the dossier counts as being "
        "handled until NgayKetThucXuLy is sent",
    )
    running = replace(_open(Status.IN_PROGRESS, marks), told=Status.FINISHED)
    return replace(running, notes=(note,))


def _ended_by_progress(told: Told, seen: Sequence[Sighting]) -> datetime | None:
    """When a line of progress says the 9 came; one at the receipt was put in for none."""
    if told.received_at is None:
        return None
    ends = [
        one.at
        for one in seen
        if one.step is not None and one.status is Status.FINISHED and one.at > told.received_at
    ]
    return ends[-1] if ends else None


def _handed_over(told: Told) -> Standing:
    outcome = Outcome.REFUSED if told.refused_at else None
    if told.handed_over_at is not None or told.finished_at is None:
        return Standing(
            Status.HANDED_OVER,
            finished_at=first(told.finished_at, told.handed_over_at),
            handed_over_at=told.handed_over_at,
            outcome=outcome,
        )
    note = Problem("NgayTra", "status 10 without NgayTra counts as 9 (finished, not handed over)")
    return Standing(
        Status.FINISHED,
        Status.HANDED_OVER,
        finished_at=told.finished_at,
        outcome=outcome,
        notes=(note,),
    )


def _blocks(told: Told, stands: Standing) -> list[Supplement]:
    return [] if stands.status is Status.SUBMITTED else list(told.supplements)


def _promises(told: Told) -> list[datetime]:
    """Every promise, oldest first: the last is what holds.

    NgayHenTra holds unless it is one that a supplement replaced: some systems never change it.
    """
    chain: list[datetime] = []
    for block in sorted(told.supplements, key=lambda one: (one.from_at, one.place)):
        for at in (block.promised_before, block.promised_after):
            if at is not None and (not chain or chain[-1] != at):
                chain.append(at)
    if told.promised_at is not None and told.promised_at not in chain:
        chain.append(told.promised_at)
    return chain


def _record(
    told: Told,
    stands: Standing,
    pauses: Sequence[Pause],
    seen: Sequence[Sighting],
    promised_at: datetime | None,
) -> Record:
    received_at = None if stands.status is Status.SUBMITTED else told.received_at
    submitted_at = told.submitted_at
    if stands.status is Status.SUBMITTED:
        submitted_at = first(told.submitted_at, told.received_at)
    record: Record = {
        **_common(told),
        "status": None if stands.status is None else int(stands.status),
        "submitted_at": _at(submitted_at),
        "received_at": _at(received_at),
        "promised_at": _at(promised_at),
        "suspensions": [_suspension(pause) for pause in pauses],
        "suspensions_inferred": any(pause.inferred for pause in pauses),
        "steps": [_step(one) for one in seen if one.step is not None][-_MOST_STEPS:],
        "finished_at": _at(stands.finished_at),
        "ended_at": _at(stands.ended_at),
        "outcome": stands.outcome.value if stands.outcome else None,
        "handed_over_at": _at(stands.handed_over_at),
        "status_told": int(stands.told) if stands.told else None,
    }
    return _marked(record, told)


def _common(told: Told) -> Record:
    return {
        "code": told.code,
        "procedure": told.procedure,
        "branch": told.branch,
        "channel": told.channel.value if told.channel else None,
        "applicant": {"kind": told.applicant_kind.value if told.applicant_kind else None},
        "online_payment": told.online_payment,
        "aliases": list(told.aliases),
    }


def _marked(record: Record, told: Told) -> Record:
    """The record without what is absent, and with what could not be read in its place.

    A record with such a mark is refused by intake and kept for whoever mends it.
    """
    kept = {name: held for name, held in record.items() if held is not None and held != []}
    if not kept["suspensions_inferred"]:
        del kept["suspensions_inferred"]
    if kept["applicant"]["kind"] is None:
        kept["applicant"] = {}
    for one in told.wrong:
        if one.native == "applicant.kind":
            kept["applicant"] = {"kind": one.mark}
        elif one.native.startswith("suspensions"):
            kept.setdefault("suspensions", []).append({"reason": one.mark})
        else:
            kept[one.native] = one.mark
    return kept


def _before(told: Told, promised_at: datetime, chain: Sequence[datetime]) -> Record:
    """The dossier as it stood under an older promise: being handled, later supplements unknown."""
    known = chain[: chain.index(promised_at) + 1]
    done = [
        Pause(
            Reason.SUPPLEMENT,
            block.from_at,
            block.until_at,
            None,
            block.from_at,
            block.until_at,
            inferred=False,
        )
        for block in told.supplements
        if block.promised_after in known and block.until_at is not None
    ]
    record = {
        **_common(told),
        "status": int(Status.IN_PROGRESS),
        "submitted_at": _at(told.submitted_at),
        "received_at": _at(told.received_at),
        "promised_at": _at(promised_at),
        "suspensions": [_suspension(pause) for pause in done],
        "suspensions_inferred": False,
    }
    return _marked(record, told)


def _suspension(pause: Pause) -> Record:
    return {
        "reason": pause.reason.value,
        "from": _iso(pause.from_at),
        "until": _at(pause.until_at),
        "ground": pause.ground,
    }


def _step(one: Sighting) -> Record:
    step = one.step
    if step is None:
        return {}
    return {
        "name": step.name,
        "unit": step.unit,
        "officer": step.officer,
        "started_at": _at(step.started_at),
        "due_at": _at(step.due_at),
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else _iso(at)


def _iso(at: datetime) -> str:
    return at.astimezone(ZONE).isoformat()
