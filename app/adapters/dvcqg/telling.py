"""DongBoHoSoMC: one dossier as the portal's field names tell it, and what is known of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.adapters.dvcqg import texts
from app.adapters.dvcqg.values import (
    APPLICANTS,
    CHANNELS,
    FLAGS,
    ONLINE_PAYMENT,
    STATUSES,
    Fault,
    Payload,
    Reader,
    Wrong,
    day,
    first,
)
from app.core.clock import Reason
from app.core.lifecycle import ApplicantKind, Channel, Status

_GOES_ON = frozenset({Status.AWAITING_SUPPLEMENT, Status.AWAITING_PAYMENT})
_OPEN = frozenset({Status.RECEIVED, Status.IN_PROGRESS, Status.STOPPED}) | _GOES_ON
_ALIASES = ("SoBienNhan", "MaHoSoMotCua", "MaHoSoKhac")
_LONGEST_ALIAS = 60
_FIRST_AND_LAST = 2
_MOST_SEEN = 1_000
_MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Supplement:
    """A block of DanhSachHoSoBoSung: the pause, and the promises before and after it.

    `place` is its index in the list as it was sent.
    """

    place: int
    from_at: datetime
    until_at: datetime | None
    promised_before: datetime | None
    promised_after: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """A dossier as it was last told, in native words; no name, number or address is in it.

    `status` is as sent, `meant` what its own texts say it means, `why` the reason they give for
    standing. `wrong` is what could not be read.
    """

    code: str | None = None
    procedure: str | None = None
    branch: str | None = None
    channel: Channel | None = None
    applicant_kind: ApplicantKind | None = None
    status: Status | None = None
    meant: Status | None = None
    why: Reason | None = None
    submitted_at: datetime | None = None
    received_at: datetime | None = None
    promised_at: datetime | None = None
    finished_at: datetime | None = None
    handed_over_at: datetime | None = None
    refused_at: datetime | None = None
    online_payment: bool | None = None
    supplements: tuple[Supplement, ...] = ()
    aliases: tuple[str, ...] = ()
    wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True, slots=True)
class StepTold:
    """What a line of progress says beside its status."""

    name: str
    unit: str | None
    officer: str | None
    started_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A status seen at an instant: by DongBoHoSoMC at its arrival, by a line at ThoiDiemXuLy.

    `status` is what is meant, `told` what was sent. `ended_at` is the end a 9 named; `step` is
    there for lines of progress only.
    """

    at: datetime
    status: Status
    told: Status
    why: Reason | None = None
    ended_at: datetime | None = None
    step: StepTold | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """All that is known of a dossier: how it was last told, and every sighting, oldest first."""

    told: Told | None = None
    seen: tuple[Sighting, ...] = field(default=())


def read(payload: Payload, branches: Mapping[str, str], unit: str | None) -> Told:
    """One object of `data`; `branches` has the code of each branch by code and by `texts.unit`.

    `unit` (madonvi) stands in for DonViXuLy where that is empty. Fields we do not know are the
    portal's own, and are left where they are.
    """
    reader = Reader(payload)
    status = reader.value("TrangThaiHoSo", "status", STATUSES)
    finished_at = reader.at("NgayKetThucXuLy", "finished_at")
    handed_over_at = reader.at("NgayTra", "handed_over_at")
    remarks = (reader.text("GhiChu"), reader.text("ThongTinTra"))
    meant = status
    if status is Status.FINISHED and handed_over_at is None:
        meant = texts.disguised(*remarks) or status
    if status in _GOES_ON and (finished_at or handed_over_at):
        reader.refuse(Fault.GOES_ON, "TrangThaiHoSo", "status", str(int(status or 0)))
    told = Told(
        code=reader.text("MaHoSo"),
        procedure=reader.text("MaTTHC"),
        branch=_branch(reader, branches, unit),
        channel=reader.value("KenhThucHien", "channel", CHANNELS),
        applicant_kind=reader.value("LoaiDoiTuong", "applicant.kind", APPLICANTS),
        status=status,
        meant=meant,
        why=texts.reason(*remarks),
        submitted_at=reader.at("NgayNopHoSo", "submitted_at"),
        received_at=reader.at("NgayTiepNhan", "received_at"),
        promised_at=reader.at("NgayHenTra", "promised_at"),
        finished_at=finished_at,
        handed_over_at=handed_over_at,
        refused_at=reader.at("NgayTuChoi", "ended_at"),
        online_payment=reader.value("DuocThanhToanTrucTuyen", "online_payment", ONLINE_PAYMENT),
        supplements=_supplements(reader),
        aliases=_aliases(reader),
    )
    return replace(told, wrong=tuple(reader.wrong))


def name(payload: Payload) -> str | None:
    """The applicant's name, which is kept apart from everything else."""
    return Reader(payload).text("ChuHoSo")


def _branch(reader: Reader, branches: Mapping[str, str], unit: str | None) -> str | None:
    told = first(reader.text("DonViXuLy"), unit)
    if told is None:
        return None
    found = branches.get(told.upper()) or branches.get(texts.unit(told))
    if found is None:
        reader.refuse(Fault.BRANCH, "DonViXuLy", "branch", texts.impersonal(told))
    return found


def _aliases(reader: Reader) -> tuple[str, ...]:
    told = {reader.text(field) for field in _ALIASES} - {None, reader.text("MaHoSo")}
    return tuple(sorted(one for one in told if one and len(one) <= _LONGEST_ALIAS))


def _supplements(reader: Reader) -> tuple[Supplement, ...]:
    found: list[Supplement] = []
    for place, (path, payload) in enumerate(reader.objects("DanhSachHoSoBoSung", "suspensions")):
        block = Reader(payload, path)
        here = f"suspensions[{place}]"
        begun = block.at("NgayBoSung", f"{here}.from")
        until = block.at("NgayTiepNhanBoSung", f"{here}.until")
        before = block.at("NgayHenTraTruoc", "promised_at")
        after = block.at("NgayHenTraMoi", "promised_at")
        block.value("TrangThaiBoSung", here, FLAGS)
        if begun is not None:
            found.append(Supplement(place, begun, until, before, after))
        elif not block.wrong and (until or before or after):
            block.refuse(Fault.NO_BEGIN, "NgayBoSung", f"{here}.from")
        reader.wrong += block.wrong
    return tuple(found)


def heard(held: Held, told: Told, at: datetime) -> Held:
    """What is known once a dossier has been told again, at its arrival.

    Each telling is a sighting: it may be the first to say that a pause is over. Of one status on
    one day the first and the last are kept, of one that has ended only the first.
    """
    if told.status is None or told.meant is None:
        return replace(held, told=told)
    new = Sighting(at, told.meant, told.status, told.why, first(told.finished_at))
    lines = [one for one in held.seen if one.step is not None]
    tellings = [one for one in held.seen if one.step is None]
    same = [one for one in tellings[-2:] if replace(one, at=at) == new]
    if same and same[-1] is tellings[-1]:
        if new.status not in _OPEN and new.told not in _OPEN:
            return replace(held, told=told)
        if len(same) == _FIRST_AND_LAST and day(same[0].at) == day(at):
            tellings.pop()
    return Held(told, _ordered([*lines, *tellings[-_MOST_SEEN + 1 :], new]))


def progressed(held: Held, line: Sighting) -> Held:
    """What is known once a line of progress has come, of whatever time; doubles are one."""
    lines = _ordered({line, *(one for one in held.seen if one.step is not None)})
    tellings = (one for one in held.seen if one.step is None)
    return replace(held, seen=_ordered([*tellings, *lines[-_MOST_LINES:]]))


def _ordered(seen: "list[Sighting] | set[Sighting]") -> tuple[Sighting, ...]:
    """By time; of one instant what is disguised comes after what is plain, tellings after lines."""
    return tuple(
        sorted(
            seen,
            key=lambda one: (one.at, one.step is None, one.status != one.told, repr(one)),
        )
    )


def without_name(held: Held, name: str | None) -> Held:
    """The same, the applicant's name taken out of the texts of steps that came before it."""
    if name is None or not any(one.step for one in held.seen):
        return held

    def scrubbed(one: Sighting) -> Sighting:
        if one.step is None:
            return one
        return replace(one, step=replace(one.step, name=texts.impersonal(one.step.name, name)))

    return replace(held, seen=_ordered({scrubbed(one) for one in held.seen}))
