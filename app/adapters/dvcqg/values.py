"""The portal's values: times of 14 digits, codes, texts, and what is wrong with one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, TypeVar
from unicodedata import normalize

from app.core.lifecycle import ApplicantKind, Channel, Status

Payload = Mapping[str, Any]
T = TypeVar("T")

# Viet Nam's time has been this since 1975, without summers; what is older is no date of a dossier.
ZONE = timezone(timedelta(hours=7))

CHANNELS = {"1": Channel.COUNTER, "2": Channel.ONLINE, "3": Channel.POST}
APPLICANTS = {
    "1": ApplicantKind.CITIZEN,
    "2": ApplicantKind.ENTERPRISE,
    "3": ApplicantKind.STATE_BODY,
    "4": ApplicantKind.ORGANISATION,
}
# 1 the national gateway, 2 the province's; 3 is sent as well, for what is still to be paid there.
ONLINE_PAYMENT = {"0": False, "1": True, "2": True, "3": True}
STATUSES = {str(int(status)): status for status in Status}
FLAGS = {"0": False, "1": True, "false": False, "true": True}

_TIME = re.compile(r"\d{14}", re.ASCII)
# What systems write where there is no time: nothing, noughts, and the year 1 of .NET.
_NO_TIME = re.compile(r"0*|0001\d{10}", re.ASCII)
_HARMLESS = re.compile(r"[0-9 T:/.,+Z-]{1,30}", re.ASCII)
_LONGEST = 2_000


class Fault(StrEnum):
    """What can be wrong with one value."""

    TIME = "time"
    VALUE = "value"
    BRANCH = "branch"
    LIST = "list"
    GOES_ON = "goes_on"
    NO_BEGIN = "no_begin"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that cannot be read: the portal's field, and the native one it should have become."""

    fault: Fault
    field: str
    native: str
    value: str
    allowed: str = ""

    @property
    def mark(self) -> str:
        """What a native record carries in its place: nothing native is written so."""
        return f"{self.field}={self.value}"


class Reader:
    """Reads the fields of one object and notes what is wrong with them."""

    def __init__(self, payload: Payload, path: str = "") -> None:
        """`path` stands before the names of the fields, for objects within a list."""
        self._payload = payload
        self._path = path
        self.wrong: list[Wrong] = []

    def text(self, field: str) -> str | None:
        """A text, trimmed and in one Unicode form; None where it says nothing."""
        return text(self._payload.get(field))

    def at(self, field: str, native: str) -> datetime | None:
        """A time of 14 digits; None where there is none, or it is noted as wrong."""
        told = self.text(field)
        if told is None or _NO_TIME.fullmatch(told):
            return None
        found = _instant(told)
        if found is None:
            self._note(Fault.TIME, field, native, told)
        return found

    def value(self, field: str, native: str, meanings: Mapping[str, T]) -> T | None:
        """What a value code means; None where there is none, or it is noted as wrong."""
        told = self.text(field)
        if told is None:
            return None
        if told.lower() not in meanings:
            self._note(Fault.VALUE, field, native, told, ", ".join(meanings))
            return None
        return meanings[told.lower()]

    def objects(self, field: str, native: str) -> list[tuple[str, Payload]]:
        """The objects of a list with their paths; what is no object is noted as wrong."""
        held = self._payload.get(field)
        if held in (None, "", "[]"):
            return []
        if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
            self._note(Fault.LIST, field, native, "")
            return []
        return [(f"{self._path}{field}[{at}].", one) for at, one in enumerate(held)]

    def refuse(self, fault: Fault, field: str, native: str, value: str = "") -> None:
        """Note a value that can be read and still cannot be."""
        self.wrong.append(Wrong(fault, self._path + field, native, value[:200]))

    def _note(self, fault: Fault, field: str, native: str, told: str, allowed: str = "") -> None:
        # Without the value, unless it is figures: it may be a name in the wrong field.
        shown = told if _HARMLESS.fullmatch(told) else "…"
        self.wrong.append(Wrong(fault, self._path + field, native, shown, allowed))


def text(held: object) -> str | None:
    """A text or a whole number as a trimmed text in Unicode NFC; None for all else and for ""."""
    if isinstance(held, bool):
        return str(held).lower()
    if isinstance(held, int):
        return str(held) if abs(held) < 10**40 else None
    if not isinstance(held, str):
        return None
    return normalize("NFC", held[:_LONGEST].replace("\0", "")).strip() or None


def first(*held: T | None) -> T | None:
    """The first that is told."""
    return next((one for one in held if one is not None), None)


def day(at: datetime) -> int:
    """The day an instant falls on in Viet Nam, as a number."""
    return at.astimezone(ZONE).toordinal()


def _instant(told: str) -> datetime | None:
    if not _TIME.fullmatch(told):
        return None
    places: Sequence[tuple[int, int]] = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
    try:
        return datetime(*(int(told[start:end]) for start, end in places), tzinfo=ZONE)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
