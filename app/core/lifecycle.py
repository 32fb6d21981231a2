"""A dossier's life: its facts, the official status codes, and what can never be true of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.core.clock import Limit, Reason, Suspension
from app.core.problems import Problem
from app.core.stages import StageFact

# How far a sender's clock may run ahead of ours before its word is refused (design §5).
CLOCK_SKEW = timedelta(minutes=5)

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Status(IntEnum):
    """TrangThaiHoSo, as the national portal numbers it."""

    SUBMITTED = 1
    RECEIVED = 2
    NOT_ACCEPTED = 3
    IN_PROGRESS = 4
    AWAITING_SUPPLEMENT = 5
    AWAITING_PAYMENT = 6
    WITHDRAWN = 7
    STOPPED = 8
    FINISHED = 9
    HANDED_OVER = 10


class Outcome(StrEnum):
    """How a dossier ended."""

    RESULT = "result"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    STOPPED = "stopped"


class State(StrEnum):
    """Where a dossier stands on whatever day it is asked; overdue is no state but a reading."""

    SUBMITTED = "submitted"
    RUNNING = "running"
    SUSPENDED = "suspended"
    WAITING = "waiting"
    NO_LIMIT = "no_limit"
    FINISHED = "finished"
    CLOSED = "closed"


class Channel(StrEnum):
    """How a dossier was filed (KenhThucHien)."""

    ONLINE = "online"
    COUNTER = "counter"
    POST = "post"


class ApplicantKind(StrEnum):
    """Who filed it (LoaiDoiTuong)."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    STATE_BODY = "state_body"
    ORGANISATION = "organisation"


# A refusal or a return is the office's own act and counts in the legal rate; a withdrawal is the
# citizen's, a stop is nobody's.
COUNTED_OUTCOMES = frozenset({Outcome.RESULT, Outcome.REFUSED, Outcome.RETURNED})

_DEFAULT_OUTCOME = {
    Status.NOT_ACCEPTED: Outcome.REFUSED,
    Status.WITHDRAWN: Outcome.WITHDRAWN,
    Status.STOPPED: Outcome.STOPPED,
    Status.FINISHED: Outcome.RESULT,
    Status.HANDED_OVER: Outcome.RESULT,
}


@dataclass(frozen=True, slots=True)
class Apology:
    """A letter of apology and re-appointment (Mẫu 04)."""

    sent_at: datetime
    reason: str
    promised_at: datetime | None


@dataclass(frozen=True, slots=True)
class Extension:
    """A longer limit granted for a stated reason, counted from the receipt (NĐ 99/2022 Đ16 k1)."""

    granted_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the internal process, as the sender's system keeps it."""

    name: str
    unit: str | None
    officer: str | None
    started_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None


class Facts(NamedTuple):
    """A dossier as its source tells it at `updated_at`: the whole truth, absent means empty."""

    code: str
    procedure: str
    branch: str
    status: Status
    updated_at: datetime
    case: str | None = None
    commune: str | None = None
    channel: Channel = Channel.COUNTER
    applicant_kind: ApplicantKind = ApplicantKind.CITIZEN
    submitted_at: datetime | None = None
    received_at: datetime | None = None
    land_office_received_at: datetime | None = None
    promised_at: datetime | None = None
    suspensions: tuple[Suspension, ...] = ()
    stages: tuple[StageFact, ...] = ()
    extensions: tuple[Extension, ...] = ()
    apologies: tuple[Apology, ...] = ()
    steps: tuple[Step, ...] = ()
    finished_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    handed_over_at: datetime | None = None
    online_payment: bool | None = None
    # The status as sent, where the source disguises the one it means (`domain`: 5, 6, 8 sent as 9).
    status_told: Status | None = None
    # Whether a pause was inferred from statuses alone (4 → 5 → 4), for want of better word.
    suspensions_inferred: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def end(self) -> datetime | None:
        """The instant the processing clock ended: the result, else the end of the dossier."""
        return self.finished_at or self.ended_at

    @property
    def how_ended(self) -> Outcome | None:
        """The outcome as sent, else what the official status means; None while open."""
        if self.end is None:
            return None
        return self.outcome or _DEFAULT_OUTCOME.get(self.status, Outcome.RESULT)


def problems(facts: Facts, now: datetime) -> Iterator[Problem]:
    """Everything that cannot be true of a dossier, each with its field and its mend."""
    yield from _future(facts, now)
    yield from _status(facts)
    yield from _order(facts)
    if facts.suspensions:
        yield from _suspensions(facts)
    if facts.stages:
        yield from _stages(facts)


def _future(facts: Facts, now: datetime) -> Iterator[Problem]:
    if facts.updated_at > now + CLOCK_SKEW:
        yield Problem(
            "updated_at",
            "{at} is more than five minutes in the future; set the sender's clock",
            {"at": _shown(facts.updated_at)},
        )
        return
    known_until = facts.updated_at + CLOCK_SKEW
    if _latest(facts) <= known_until:  # nearly always: naming each instant takes four times as long
        return
    for field, at in _told(facts):
        if at is not None and at > known_until:
            yield Problem(
                field,
                "{at} is after updated_at {updated_at}; a record tells what has happened",
                {"at": _shown(at), "updated_at": _shown(facts.updated_at)},
            )


def _latest(facts: Facts) -> datetime:
    """The newest instant of `_told`, or the snapshot's own."""
    told = [
        facts.submitted_at,
        facts.received_at,
        facts.land_office_received_at,
        facts.finished_at,
        facts.ended_at,
        facts.handed_over_at,
    ]
    for stop in facts.suspensions:
        told += (stop.from_at, stop.until_at)
    for stage in facts.stages:
        told += (stage.started_at, stage.ended_at)
    for longer in facts.extensions:
        told.append(longer.granted_at)
    for letter in facts.apologies:
        told.append(letter.sent_at)
    return max([at for at in told if at is not None], default=facts.updated_at)


def _told(facts: Facts) -> Iterator[tuple[str, datetime | None]]:
    """Every instant that tells what has happened; promises and steps' due moments may lie ahead."""
    for field in (
        "submitted_at",
        "received_at",
        "land_office_received_at",
        "finished_at",
        "ended_at",
        "handed_over_at",
    ):
        yield field, getattr(facts, field)
    for at, stop in enumerate(facts.suspensions):
        yield f"suspensions[{at}].from", stop.from_at
        yield f"suspensions[{at}].until", stop.until_at
    for at, stage in enumerate(facts.stages):
        yield f"stages[{at}].started_at", stage.started_at
        yield f"stages[{at}].ended_at", stage.ended_at
    for at, longer in enumerate(facts.extensions):
        yield f"extensions[{at}].granted_at", longer.granted_at
    for at, letter in enumerate(facts.apologies):
        yield f"apologies[{at}].sent_at", letter.sent_at


def _status(facts: Facts) -> Iterator[Problem]:
    status, ended = facts.status, facts.end is not None
    if status is Status.SUBMITTED and facts.received_at is not None:
        yield Problem("received_at", "leave it null while status is 1 (submitted, not received)")
    if facts.received_at is None and not (
        status is Status.SUBMITTED or status is Status.NOT_ACCEPTED
    ):
        yield Problem(
            "received_at",
            "give the instant of receipt; status {status} says it was received",
            {"status": int(status)},
        )
    if facts.finished_at is None and status in (Status.FINISHED, Status.HANDED_OVER):
        yield Problem(
            "finished_at",
            "give the instant of the result; status {status} says there is one",
            {"status": int(status)},
        )
    if status is Status.HANDED_OVER and facts.handed_over_at is None:
        yield Problem("handed_over_at", "give the instant of hand-over; status 10 says it was")
    if not ended and status in (Status.NOT_ACCEPTED, Status.WITHDRAWN):
        yield Problem(
            "ended_at",
            "give the instant of the end; status {status} says it ended",
            {"status": int(status)},
        )
    if ended and (
        status is Status.SUBMITTED or status is Status.RECEIVED or status is Status.IN_PROGRESS
    ):
        yield Problem(
            "status",
            "status {status} is open but the record has an end; send 3, 7, 8, 9 or 10",
            {"status": int(status)},
        )
    yield from _paused_status(facts)


def _paused_status(facts: Facts) -> Iterator[Problem]:
    paused = (Status.AWAITING_SUPPLEMENT, Status.AWAITING_PAYMENT, Status.STOPPED)
    if facts.end is not None or facts.status not in paused:
        return
    if any(stop.until_at is None for stop in facts.suspensions) or _between_stages(facts):
        return
    yield Problem(
        "suspensions",
        "status {status} says the clock stands; send the open suspension (until null) that says "
        "why and since when, or the end of the dossier",
        {"status": int(facts.status)},
    )


def _between_stages(facts: Facts) -> bool:
    begun = [fact for fact in facts.stages if fact.started_at is not None]
    return bool(begun) and max(begun, key=lambda fact: fact.stage).ended_at is not None


def _order(facts: Facts) -> Iterator[Problem]:
    received_at, handed_over_at = facts.received_at, facts.handed_over_at
    before = "ended_at" if facts.finished_at is None else "finished_at"
    for first, earlier, second, later in (
        ("submitted_at", facts.submitted_at, "received_at", received_at),
        ("received_at", received_at, "finished_at", facts.finished_at),
        ("received_at", received_at, "ended_at", facts.ended_at),
        ("received_at", received_at, "land_office_received_at", facts.land_office_received_at),
        (before, facts.end, "handed_over_at", handed_over_at),
        ("received_at", received_at, "promised_at", facts.promised_at),
    ):
        if earlier is not None and later is not None and later < earlier:
            yield Problem(
                second,
                "{later} is before {first} {earlier}; correct one of the two",
                {"first": first, "later": _shown(later), "earlier": _shown(earlier)},
            )


def _suspensions(facts: Facts) -> Iterator[Problem]:
    for at, stop in enumerate(facts.suspensions):
        if stop.until_at is not None and stop.until_at < stop.from_at:
            yield Problem(
                f"suspensions[{at}].until",
                "the suspension ends {until} before it begins {since}; correct one of the two",
                {"until": _shown(stop.until_at), "since": _shown(stop.from_at)},
            )
        if facts.received_at is not None and stop.from_at < facts.received_at:
            yield Problem(
                f"suspensions[{at}].from",
                "the clock cannot stop at {since}, before the receipt {received}",
                {"since": _shown(stop.from_at), "received": _shown(facts.received_at)},
            )


def _stages(facts: Facts) -> Iterator[Problem]:
    seen: set[int] = set()
    previous: datetime | None = facts.received_at
    for at, fact in enumerate(facts.stages):
        where = f"stages[{at}]"
        if fact.stage in seen or fact.stage != len(seen) + 1:
            yield Problem(f"{where}.stage", "number the stages 1, 2, … in order, each once")
        seen.add(fact.stage)
        for name, moment in (("started_at", fact.started_at), ("ended_at", fact.ended_at)):
            if moment is not None and previous is not None and moment < previous:
                yield Problem(
                    f"{where}.{name}",
                    "{moment} is before {previous}; stages follow one another in time",
                    {"moment": _shown(moment), "previous": _shown(previous)},
                )
            previous = moment or previous


def extended(facts: Facts, granted: Limit | None, due_at: datetime | None) -> Limit | None:
    """The longer limit an extension gives, without a cut-off; None if granted too late."""
    if granted is None or due_at is None:
        return None
    in_time = any(extension.granted_at < due_at for extension in facts.extensions)
    return replace(granted, cutoff=None) if in_time else None


def closed_suspensions(facts: Facts) -> tuple[Suspension, ...]:
    """The suspensions, those still open closed at the end of the dossier if it has ended."""
    end = facts.end
    if end is None or all(stop.until_at is not None for stop in facts.suspensions):
        return facts.suspensions
    return tuple(
        Suspension(stop.reason, stop.from_at, stop.until_at or max(end, stop.from_at), stop.ground)
        for stop in facts.suspensions
    )


def supplements(facts: Facts) -> int:
    """How many times the citizen was asked for more; the law allows one (NĐ 61/2018 Đ15 k3)."""
    return sum(stop.reason is Reason.SUPPLEMENT for stop in facts.suspensions)


def _shown(at: datetime) -> str:
    return at.astimezone(_ZONE).isoformat(timespec="seconds")
