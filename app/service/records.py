"""The native dossier record: its one shape on the wire, and the way from bytes to facts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any

import msgspec

from app.core import lifecycle
from app.core.clock import Reason, Suspension
from app.core.codes import dossier_code
from app.core.lifecycle import (
    Apology,
    ApplicantKind,
    Channel,
    Extension,
    Facts,
    Outcome,
    Status,
    Step,
)
from app.core.problems import Problem
from app.core.stages import StageFact

MAX_RECORD_BYTES = 256 * 1024

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Note = Annotated[str, msgspec.Meta(max_length=2_000)]
_Few = 50  # more of one kind than any dossier has; a bound on what one record may cost


class _Wire(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    pass


class Applicant(_Wire):
    """Who filed it; the name goes into the one table that holds names."""

    kind: ApplicantKind = ApplicantKind.CITIZEN
    name: _Short | None = None


class SuspensionRecord(_Wire, rename={"from_at": "from", "until_at": "until"}):
    """A lawful stop; `until` null while open."""

    reason: Reason
    from_at: _Instant
    until_at: _Instant | None = None
    ground: _Note | None = None


class StageRecord(_Wire):
    """When an appointment's stage began and ended."""

    stage: Annotated[int, msgspec.Meta(ge=1, le=9)]
    started_at: _Instant | None = None
    ended_at: _Instant | None = None


class ExtensionRecord(_Wire):
    """A longer limit granted (mortgage registration, NĐ 99/2022 Đ16 k1)."""

    granted_at: _Instant
    reason: _Note = ""


class ApologyRecord(_Wire):
    """A letter of apology and re-appointment (Mẫu 04)."""

    sent_at: _Instant
    reason: _Note = ""
    promised_at: _Instant | None = None


class StepRecord(_Wire):
    """A step of the internal process."""

    name: _Short
    unit: _Short | None = None
    officer: _Short | None = None
    started_at: _Instant | None = None
    due_at: _Instant | None = None
    finished_at: _Instant | None = None


class DossierRecord(_Wire):
    """A dossier's whole snapshot at `updated_at`; what is absent is empty.

    `status_told` is the status as the source has it where it means another one; `aliases` are the
    dossier's other names there (SoBienNhan, MaHoSoMotCua).
    """

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    procedure: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    branch: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    status: Status
    updated_at: _Instant
    case: _Short | None = None
    commune: _Short | None = None
    channel: Channel = Channel.COUNTER
    applicant: Applicant | None = None
    submitted_at: _Instant | None = None
    received_at: _Instant | None = None
    land_office_received_at: _Instant | None = None
    promised_at: _Instant | None = None
    suspensions: Annotated[list[SuspensionRecord], msgspec.Meta(max_length=_Few)] = []
    stages: Annotated[list[StageRecord], msgspec.Meta(max_length=_Few)] = []
    extensions: Annotated[list[ExtensionRecord], msgspec.Meta(max_length=_Few)] = []
    apologies: Annotated[list[ApologyRecord], msgspec.Meta(max_length=_Few)] = []
    steps: Annotated[list[StepRecord], msgspec.Meta(max_length=200)] = []
    finished_at: _Instant | None = None
    ended_at: _Instant | None = None
    outcome: Outcome | None = None
    handed_over_at: _Instant | None = None
    online_payment: bool | None = None
    status_told: Status | None = None
    suspensions_inferred: bool = False
    aliases: Annotated[list[_Reference], msgspec.Meta(max_length=10)] = []


# Of the years 1 and 9999 some hours exist in no other zone; they are the "no date" of machines.
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

_FAR = re.compile(rb'"(?:0001|9999)-')

_KNOWN = frozenset(DossierRecord.__struct_encode_fields__)
_NESTED = {
    "suspensions": frozenset(SuspensionRecord.__struct_encode_fields__),
    "stages": frozenset(StageRecord.__struct_encode_fields__),
    "extensions": frozenset(ExtensionRecord.__struct_encode_fields__),
    "apologies": frozenset(ApologyRecord.__struct_encode_fields__),
    "steps": frozenset(StepRecord.__struct_encode_fields__),
}
_decoder = msgspec.json.Decoder(DossierRecord)


class Head(msgspec.Struct, gc=False):
    """What is read of a record to know whether it was sent before."""

    code: str
    branch: str
    updated_at: _Instant


_head = msgspec.json.Decoder(Head)
_loose = msgspec.json.Decoder()
_AT = re.compile(r"^(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)


class Unreadable(Exception):  # noqa: N818 a fact about a line, told as a problem
    """The bytes are no record at all: nothing to keep, only to tell."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def decode(raw: bytes) -> DossierRecord | Problem:
    """Read one record; a Problem names the field and the mend.

    Raises:
        Unreadable: not UTF-8, not JSON, not an object, or over 256 KiB.
    """
    if len(raw) > MAX_RECORD_BYTES:
        raise Unreadable(
            Problem(
                "",
                "the record is longer than {limit} bytes; send one dossier a line",
                {"limit": MAX_RECORD_BYTES},
            )
        )
    try:
        if b"\\u0000" not in raw:
            return _decoder.decode(raw)
        wrong = Problem("", "a text holds the NUL character \\u0000; remove it")
    except msgspec.ValidationError as fault:
        wrong = _problem(str(fault))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Unreadable(_unreadable(raw, fault)) from None
    try:
        held = loose(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Unreadable(_unreadable(raw, fault)) from None
    if not isinstance(held, dict):
        raise Unreadable(Problem("", "send a JSON object for each dossier"))
    return wrong


def head(raw: bytes) -> Head | None:
    """The beginning of reading a record; None where it is none, or may hold what no column can."""
    if b"\\u0000" in raw:
        return None
    try:
        return _head.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def raw_hash(raw: bytes) -> bytes:
    """What tells whether bytes were sent before."""
    return blake2b(raw, digest_size=16).digest()


def loose(raw: bytes) -> Any:  # noqa: ANN401 whatever JSON holds
    """The bytes as plain JSON values, to be kept as they came."""
    return _loose.decode(raw.replace(b"\\u0000", b"\\ufffd"))


def without_personal(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a refused record into what may be kept in quarantine and what may identify a citizen.

    The name, and any field we do not know (it could hold anything), go to the personal part, also
    out of the lists; so does what is no list or no plain value where one should be. `joined` puts
    the two together again.
    """
    personal = {name: value for name, value in record.items() if name not in _KNOWN}
    kept = {}
    for name, value in record.items():
        if name in _KNOWN:
            kept[name] = _plain(value, _NESTED.get(name))
            if kept[name] != value:
                personal[name] = value
    applicant = record.get("applicant")
    if applicant is not None:
        personal["applicant"] = applicant
        kind = applicant.get("kind") if isinstance(applicant, dict) else None
        kept["applicant"] = {"kind": kind} if kind in list(ApplicantKind) else None
    return kept, personal


def _plain(value: Any, fields: frozenset[str] | None) -> Any:  # noqa: ANN401 whatever JSON holds
    """A value as our records have it: plain, or a list of objects with plain values we know."""
    if fields is None:
        return None if isinstance(value, (dict, list)) else value
    if not isinstance(value, list):
        return None
    return [
        {name: _plain(part, None) for name, part in item.items() if name in fields}
        for item in value
        if isinstance(item, dict)
    ]


def joined(kept: dict[str, Any], personal: dict[str, Any]) -> bytes:
    """A refused record as it came, to be driven again."""
    return msgspec.json.encode({**kept, **personal})


def _unreadable(raw: bytes, fault: Exception) -> Problem:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return Problem(
            "", "byte {at} is not UTF-8; save and send the data as UTF-8", {"at": wrong.start + 1}
        )
    why = str(fault).removeprefix("JSON is malformed: ")
    return Problem("", "not JSON ({why}); send one JSON object a line", {"why": why})


def _problem(fault: str) -> Problem:  # noqa: PLR0911 a sentence a kind of fault
    found = _AT.match(fault)
    why, path = (found.group("why"), found.group("path") or "") if found else (fault, "")
    if "timezone component" in why:
        return Problem(path, "a time without an offset; write it as 2026-10-05T08:10:00+07:00")
    missing = re.search(r"missing required field `(\w+)`", why)
    if missing:
        field = f"{path}.{missing.group(1)}" if path else missing.group(1)
        return Problem(field, "the field is missing; a record is the whole snapshot")
    unknown = re.search(r"unknown field `([^`]+)`", why)
    if unknown:
        field = f"{path}.{unknown.group(1)}" if path else unknown.group(1)
        return Problem(field, "no such field; see the record in the API guide, or leave it out")
    if "Invalid enum value" in why:  # without the value: it may be a name in the wrong field
        return Problem(path, "not one of the values allowed; the API guide lists them")
    if "Invalid RFC3339" in why:
        return Problem(path, "not an instant; write it as 2026-10-05T08:10:00+07:00")
    if why.endswith("of length >= 1"):
        return Problem(path, "an empty text; give a value, or null where there is none")
    kinds = re.fullmatch(r"Expected `([^`]+)`, got `([^`]+)`", why)
    if kinds:
        return Problem(
            path,
            "a value of kind {got} where {expected} is expected; correct it",
            {"expected": kinds.group(1), "got": kinds.group(2)},
        )
    return Problem(path, "{why}; correct the value", {"why": why})


def facts(record: DossierRecord) -> Facts:
    """The record as the core reads it, every instant in UTC so that equal truths are equal.

    Ask `beyond` first where `may_be_beyond` says so.
    """
    # Fourteen instants a record: the conversion stands in line, a function each would double it.
    submitted, received, land = (
        record.submitted_at,
        record.received_at,
        record.land_office_received_at,
    )
    promised, finished, ended = record.promised_at, record.finished_at, record.ended_at
    handed_over = record.handed_over_at
    return Facts(
        record.code,
        record.procedure,
        record.branch,
        record.status,
        record.updated_at.astimezone(UTC),
        record.case,
        record.commune,
        record.channel,
        record.applicant.kind if record.applicant else ApplicantKind.CITIZEN,
        submitted.astimezone(UTC) if submitted else None,
        received.astimezone(UTC) if received else None,
        land.astimezone(UTC) if land else None,
        promised.astimezone(UTC) if promised else None,
        tuple([_suspension(stop) for stop in record.suspensions]) if record.suspensions else (),
        tuple([_stage(stage) for stage in record.stages]) if record.stages else (),
        tuple(
            [
                Extension(longer.granted_at.astimezone(UTC), longer.reason)
                for longer in record.extensions
            ]
        ),
        tuple([_apology(letter) for letter in record.apologies]) if record.apologies else (),
        tuple([_step(step) for step in record.steps]) if record.steps else (),
        finished.astimezone(UTC) if finished else None,
        ended.astimezone(UTC) if ended else None,
        record.outcome,
        handed_over.astimezone(UTC) if handed_over else None,
        record.online_payment,
        record.status_told,
        record.suspensions_inferred,
        tuple(sorted(set(record.aliases))) if record.aliases else (),
    )


def _suspension(stop: SuspensionRecord) -> Suspension:
    until = stop.until_at
    return Suspension(
        stop.reason,
        stop.from_at.astimezone(UTC),
        until.astimezone(UTC) if until else None,
        stop.ground,
    )


def _stage(stage: StageRecord) -> StageFact:
    started, ended = stage.started_at, stage.ended_at
    return StageFact(
        stage.stage,
        started.astimezone(UTC) if started else None,
        ended.astimezone(UTC) if ended else None,
    )


def _apology(letter: ApologyRecord) -> Apology:
    promised = letter.promised_at
    return Apology(
        letter.sent_at.astimezone(UTC),
        letter.reason,
        promised.astimezone(UTC) if promised else None,
    )


def _step(step: StepRecord) -> Step:
    started, due, finished = step.started_at, step.due_at, step.finished_at
    return Step(
        step.name,
        step.unit,
        step.officer,
        started.astimezone(UTC) if started else None,
        due.astimezone(UTC) if due else None,
        finished.astimezone(UTC) if finished else None,
    )


def problems(record: DossierRecord, read: Facts, now: datetime) -> Iterator[Problem]:
    """What cannot be true of the record, whoever sends it."""
    if dossier_code(record.code) is None or not record.code.isascii():
        yield Problem(
            "code",
            "{code} cannot be a dossier code; write it as H20.16-261005-0001 (NĐ 61/2018 Đ26)",
            {"code": record.code[:60]},
        )
    yield from lifecycle.problems(read, now)


def beyond(record: DossierRecord) -> list[Problem]:
    """The instants no calendar reaches, by field."""
    return [
        Problem(field, "an instant is beyond the years 1 to 9999; correct it")
        for field, at in _instants(record)
        if not _EARLIEST <= at < _LATEST
    ]


def may_be_beyond(raw: bytes) -> bool:
    """Whether to look for such instants at all; a false alarm costs a look."""
    return _FAR.search(raw) is not None or (b"\\" in raw and b"\\u003" in raw)


def _instants(held: msgspec.Struct, path: str = "") -> Iterator[tuple[str, datetime]]:
    for name, wire in zip(held.__struct_fields__, held.__struct_encode_fields__, strict=True):
        value = getattr(held, name)
        if isinstance(value, datetime):
            yield f"{path}{wire}", value
        elif isinstance(value, list):
            for at, item in enumerate(value):
                if isinstance(item, msgspec.Struct):
                    yield from _instants(item, f"{path}{wire}[{at}].")
