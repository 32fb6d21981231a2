"""CapNhatTienDoHoSoMC: one line of a dossier's progress, a step and a status seen at an instant."""

from dataclasses import dataclass
from datetime import datetime

from app.adapters.dvcqg import faults, texts
from app.adapters.dvcqg.telling import Sighting, StepTold
from app.adapters.dvcqg.values import STATUSES, Payload, Reader, Wrong
from app.core.lifecycle import CLOCK_SKEW, Status
from app.core.problems import Problem

_LONGEST = 200
_WORDS = {
    Status.SUBMITTED: "Mới đăng ký",
    Status.RECEIVED: "Được tiếp nhận",
    Status.NOT_ACCEPTED: "Không được tiếp nhận",
    Status.IN_PROGRESS: "Đang xử lý",
    Status.AWAITING_SUPPLEMENT: "Yêu cầu bổ sung giấy tờ",
    Status.AWAITING_PAYMENT: "Yêu cầu thực hiện nghĩa vụ tài chính",
    Status.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    Status.STOPPED: "Dừng xử lý",
    Status.FINISHED: "Đã xử lý xong",
    Status.HANDED_OVER: "Đã trả kết quả",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """A line as read: the dossier's code, the sighting if it can be read, and what is wrong."""

    code: str | None
    status: Status | None
    at: datetime | None
    sighting: Sighting | None
    wrong: tuple[Wrong, ...]


def read(payload: Payload, name: str | None) -> Progress:
    """One object of `data`; `name` is the applicant's, which must not stand in a step's text."""
    reader = Reader(payload)
    code = reader.text("MaHoSo")
    status = reader.value("TrangThai", "status", STATUSES)
    at = reader.at("ThoiDiemXuLy", "at")
    started_at = reader.at("NgayBatDau", "started_at")
    due_at = reader.at("NgayKetThucTheoQuyDinh", "due_at")
    said = reader.text("NoiDungXuLy")
    sighting = None
    if status is not None and at is not None and not reader.wrong:
        meant = status
        if status is Status.FINISHED:
            meant = texts.disguised(said) or status
        step = StepTold(
            name=texts.impersonal(said or _WORDS[status], name)[:_LONGEST],
            unit=_short(reader.text("PhongBanXuLy")),
            officer=_officer(reader),
            started_at=started_at or at,
            due_at=due_at,
        )
        sighting = Sighting(at, meant, status, texts.reason(said), step=step)
    return Progress(code, status, at, sighting, tuple(reader.wrong))


def _officer(reader: Reader) -> str | None:
    """Who did it, with the office held: "Trần Văn B (Chuyên viên)"."""
    who, post = reader.text("NguoiXuLy"), reader.text("ChucDanh")
    return _short(f"{who} ({post})" if who and post else who or post)


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text else None


def problems(line: Progress, now: datetime) -> tuple[Problem, ...]:
    """Why a line cannot be laid to its dossier; none if it can."""
    found = [*faults.problems(line.wrong), *faults.no_code(line.code)]
    bad = {one.field for one in line.wrong}
    for field, held in (("TrangThai", line.status), ("ThoiDiemXuLy", line.at)):
        if held is None and field not in bad:
            found.append(faults.missing(field))
    if line.at is not None and line.at > now + CLOCK_SKEW:
        found.append(faults.ahead("ThoiDiemXuLy", line.at, now))
    return tuple(found)
