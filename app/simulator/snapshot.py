"""The record that is sent: a dossier as its source sees it at one moment of its life."""

import msgspec

from app.simulator.calendar import text
from app.simulator.life import Life


class Applicant(msgspec.Struct, frozen=True, gc=False):
    """Who asks."""

    kind: str
    name: str


class Suspension(msgspec.Struct, frozen=True, gc=False):
    """A stop of the clock; `until` is null while it is open."""

    reason: str
    since: str = msgspec.field(name="from")
    until: str | None
    ground: str


class Stage(msgspec.Struct, frozen=True, gc=False):
    """One of two appointments; null ends of a stage lie in the future."""

    stage: int
    started_at: str
    ended_at: str | None


class Apology(msgspec.Struct, frozen=True, gc=False):
    """A letter of apology with the day it names instead."""

    sent_at: str
    reason: str
    promised_at: str


class Step(msgspec.Struct, frozen=True, gc=False):
    """A step of the process, listed from its start on."""

    name: str
    unit: str
    officer: str
    started_at: str
    due_at: str
    finished_at: str | None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A whole record, its keys in the order of the contract; times are text with an offset."""

    code: str
    procedure: str
    case: str | None
    branch: str
    commune: str
    channel: str
    applicant: Applicant
    status: int
    submitted_at: str
    received_at: str | None
    land_office_received_at: str | None
    promised_at: str | None
    suspensions: list[Suspension]
    stages: list[Stage]
    extensions: list[str]
    apologies: list[Apology]
    steps: list[Step]
    finished_at: str | None
    ended_at: str | None
    outcome: str | None
    handed_over_at: str | None
    online_payment: bool
    updated_at: str


def snapshot(life: Life, at: int) -> Snapshot:
    """Return a life as known at an instant: what comes later has not happened."""
    received = _past(life.received, at)
    ended = _past(life.ended, at)
    return Snapshot(
        code=life.code,
        procedure=life.procedure,
        case=life.case,
        branch=life.branch,
        commune=life.commune,
        channel=life.channel,
        applicant=Applicant(life.applicant[0], life.applicant[1]),
        status=_status(life, at),
        submitted_at=text(life.submitted),
        received_at=received,
        land_office_received_at=_past(life.land_office, at),
        promised_at=_promise(life, at),
        suspensions=[
            Suspension(reason, text(since), _past(until, at), ground)
            for reason, since, until, ground in life.suspensions
            if since <= at
        ],
        stages=[
            Stage(number, text(start), _past(end, at))
            for number, (start, end) in enumerate(life.stages, 1)
            if start <= at
        ],
        extensions=[],
        apologies=[
            Apology(text(sent), reason, text(promised))
            for sent, reason, promised in life.apologies
            if sent <= at
        ],
        steps=[
            Step(name, unit, officer, text(start), text(due), _past(end, at))
            for name, unit, officer, start, due, end in life.steps
            if start <= at
        ],
        finished_at=_past(life.finished, at),
        ended_at=ended,
        outcome=life.outcome if ended else None,
        handed_over_at=_past(life.handed_over, at),
        online_payment=life.online_payment,
        updated_at=text(at),
    )


def _past(instant: int | None, at: int) -> str | None:
    return text(instant) if instant is not None and instant <= at else None


def _promise(life: Life, at: int) -> str | None:
    """Return the newest promise made by then: a slip is written anew after each pause."""
    made = [promised for since, promised in life.promises if since <= at]
    return text(made[-1]) if made else None


def _status(life: Life, at: int) -> int:
    """Return the official status, 1 to 10, at an instant."""
    if life.received is None or at < life.received:
        return 1
    if life.ended is not None and life.ended <= at:
        if life.outcome == "withdrawn":
            return 7
        return 10 if life.handed_over is not None and life.handed_over <= at else 9
    return _open_status(life, at)


def _open_status(life: Life, at: int) -> int:
    for reason, since, until, _ground in life.suspensions:
        if since <= at < until:
            if reason == "supplement":
                return 5
            if reason == "financial_obligation":
                return 6
    if len(life.stages) > 1:
        (_, sent), (proof, _) = life.stages
        if sent is not None and sent <= at < proof:
            return 6
    return 2 if at == life.received else 4
