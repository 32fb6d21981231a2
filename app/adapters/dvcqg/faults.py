"""What is wrong, told in the portal's own field names to who knows no others."""

import re
from collections.abc import Sequence
from datetime import datetime

from app.adapters.dvcqg import texts
from app.adapters.dvcqg.values import ZONE, Fault, Wrong
from app.core.codes import dossier_code
from app.core.problems import Problem

_FIELDS = {
    "code": "MaHoSo",
    "procedure": "MaTTHC",
    "branch": "DonViXuLy",
    "channel": "KenhThucHien",
    "applicant": "ChuHoSo",
    "applicant.kind": "LoaiDoiTuong",
    "applicant.name": "ChuHoSo",
    "status": "TrangThaiHoSo",
    "submitted_at": "NgayNopHoSo",
    "received_at": "NgayTiepNhan",
    "promised_at": "NgayHenTra",
    "finished_at": "NgayKetThucXuLy",
    "ended_at": "NgayKetThucXuLy",
    "handed_over_at": "NgayTra",
    "outcome": "NgayTuChoi",
    "online_payment": "DuocThanhToanTrucTuyen",
    "suspensions": "TrangThaiHoSo",
    "aliases": "SoBienNhan",
    "steps": "NoiDungXuLy",
}
_BLOCK = re.compile(r"suspensions\[(\d+)\]\.?(\w*)")
_BLOCK_FIELDS = {"from": "NgayBoSung", "until": "NgayTiepNhanBoSung"}

_MISSING = "the field is missing; the portal's protocol asks for it"
_AHEAD = "{at} lies ahead of {updated_at}, when it arrived; send what has happened"

# What intake says of native records, where a sender of the portal's would not know what is meant.
_IN_PORTAL_WORDS = {
    "the field is missing; a record is the whole snapshot": _MISSING,
    "{at} is after updated_at {updated_at}; a record tells what has happened": _AHEAD,
    "status {status} says the clock stands; send the open suspension (until null) that says "
    "why and since when, or the end of the dossier": (
        "status {status} says the clock stands, but not why or since when; fill "
        "DanhSachHoSoBoSung, write the reason in GhiChu, or send NgayKetThucXuLy if it has ended"
    ),
}


def problems(wrong: Sequence[Wrong]) -> tuple[Problem, ...]:
    """What could not be read, each with its field, the form that is expected, and the mend."""
    return tuple(_problem(one) for one in wrong)


def _problem(one: Wrong) -> Problem:
    match one.fault:
        case Fault.TIME:
            return Problem(
                one.field,
                "{value} is no time of 14 digits; write yyyyMMddHHmmss in Viet Nam's time, as "
                "20261116081000",
                {"value": one.value},
            )
        case Fault.VALUE:
            return Problem(
                one.field,
                "{value} is none of {allowed}; send one of them",
                {"value": one.value, "allowed": one.allowed},
            )
        case Fault.BRANCH:
            return Problem(
                one.field,
                "{value} is no branch of your office; write its code, or its name as "
                "GET /v1/branches has it",
                {"value": one.value},
            )
        case Fault.LIST:
            return Problem(one.field, "not a list of objects; send one, or leave it empty")
        case Fault.GOES_ON:
            return Problem(
                one.field,
                "status {value} says it goes on, but NgayKetThucXuLy or NgayTra says it ended; "
                "leave these empty, or send 3, 7, 8, 9 or 10",
                {"value": one.value},
            )
        case Fault.NO_BEGIN:
            return Problem(one.field, "a supplement without its day of request; send NgayBoSung")


def missing(field: str) -> Problem:
    """A field that is not there and has to be."""
    return Problem(field, _MISSING)


def no_code(code: str | None) -> tuple[Problem, ...]:
    """Why a code names no dossier; nothing if it does."""
    if code is None:
        return (missing("MaHoSo"),)
    if dossier_code(code) is not None:
        return ()
    return (
        Problem(
            "MaHoSo",
            "{code} cannot be a dossier code; write it as H20.16-261005-0001 (NĐ 61/2018 Đ26)",
            {"code": texts.impersonal(code)[:60]},
        ),
    )


def ahead(field: str, at: datetime, now: datetime) -> Problem:
    """A moment that has not come yet."""
    told = {"at": at.isoformat(), "updated_at": now.astimezone(ZONE).isoformat(timespec="seconds")}
    return Problem(field, _AHEAD, told)


def translated(problem: Problem, places: Sequence[int] = ()) -> Problem:
    """A problem of a native record in the portal's field names.

    `places` are the indexes in DanhSachHoSoBoSung of the record's first suspensions; those behind
    them were inferred from TrangThaiHoSo.
    """
    params = {
        name: _FIELDS.get(held, held) if name == "first" and isinstance(held, str) else held
        for name, held in problem.params.items()
    }
    message = problem.message
    return Problem(_field(problem.field, places), _IN_PORTAL_WORDS.get(message, message), params)


def _field(native: str, places: Sequence[int]) -> str:
    found = _BLOCK.match(native)
    if found:
        at = int(found.group(1))
        if at >= len(places):
            return _FIELDS["suspensions"]
        field = _BLOCK_FIELDS.get(found.group(2), found.group(2))
        return f"DanhSachHoSoBoSung[{places[at]}].{field}".rstrip(".")
    return _FIELDS.get(native) or _FIELDS.get(native.partition("[")[0], native)
