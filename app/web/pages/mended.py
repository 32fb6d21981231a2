"""A record as a form: each field as a person reads it, and the form back as a record."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app.core.problems import Problem
from app.web.pages.words import APPLICANTS, CHANNELS, FIELDS, FLAGS, OUTCOMES, STATUSES
from app.web.written import ZONE

LONG = frozenset({"suspensions", "stages", "extensions", "apologies", "steps", "aliases"})
"""Fields that are lists, written as JSON."""
_MOMENTS = (
    "submitted_at",
    "received_at",
    "land_office_received_at",
    "promised_at",
    "finished_at",
    "ended_at",
    "handed_over_at",
    "updated_at",
)
_PLAIN = ("code", "procedure", "case", "branch", "commune", "channel", "status", "outcome")
_NAME, _KIND = "applicant.name", "applicant.kind"
_ORDER = (
    *_PLAIN[:5],
    _NAME,
    _KIND,
    *_PLAIN[5:],
    *_MOMENTS,
    *sorted(LONG),
    "online_payment",
    "status_told",
    "suspensions_inferred",
)
_KNOWN = frozenset(one for one in _ORDER if "." not in one) | {"applicant"}
_STATUS: Mapping[str, str] = {str(number): word for number, word in STATUSES.items()}
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "channel": CHANNELS,
    "status": _STATUS,
    "status_told": _STATUS,
    "outcome": OUTCOMES,
    _KIND: APPLICANTS,
    "online_payment": FLAGS,
    "suspensions_inferred": FLAGS,
}
_HOUR = r"(?P<hour>\d{1,2})[:h](?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
_DAY = r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
_MOMENT = re.compile(rf"{_HOUR}\s+{_DAY}"), re.compile(rf"{_DAY}\s+{_HOUR}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the form.

    `choices` are the values there are with the keys of their words; a value that is none of them is
    offered too, as it came.
    """

    field: str
    label: str
    text: str
    choices: Mapping[str, str] | None = None
    long: bool = False
    moment: bool = False
    wrong: Sequence[str] = ()


def entries(
    record: Mapping[str, Any],
    wrong: Mapping[str, list[str]],
    branches: Mapping[str, str],
) -> list[Entry]:
    """Every field a record may have, those with something wrong first.

    `wrong` has what is said of each field of the record; `branches` the names of those there are.
    """
    made = [
        Entry(
            field=name,
            label=FIELDS[name.partition(".")[0] if name != _KIND else "applicant_kind"],
            text=text_of(record, name),
            choices=branches if name == "branch" else _CHOICES.get(name),
            long=name in LONG,
            moment=name in _MOMENTS,
            wrong=wrong.get(name.partition(".")[0], ()),
        )
        for name in _ORDER
    ]
    return sorted(made, key=lambda one: not one.wrong)


def strangers(record: Mapping[str, Any]) -> list[str]:
    """The fields we do not know: a record with one is never taken in."""
    return sorted(set(record) - _KNOWN)


def text_of(record: Mapping[str, Any], name: str) -> str:
    """A field as it stands in the form; empty for none."""
    value = _value(record, name)
    if value is None:
        return ""
    if name in _MOMENTS and isinstance(value, str):
        return _said(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def mended(
    record: Mapping[str, Any], typed: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The record with what was typed in place of what stood there, and what cannot be read.

    What was not touched stays as it came, to the last sign. A field we do not know is left out if
    it is ticked.
    """
    made = dict(record)
    problems: list[Problem] = []
    for name in _ORDER:
        text = typed.get(name, "").replace("\r\n", "\n").strip()
        if name not in typed or text == text_of(record, name).strip():
            continue
        try:
            _put(made, name, _read(name, text))
        except ValueError as fault:
            why = "not JSON ({why}); see the record in the API guide"
            problems.append(Problem(name, why, {"why": str(fault)[:100]}))
    for name in strangers(record):
        if typed.get(f"leave_out.{name}"):
            del made[name]
    return made, problems


def _value(record: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 whatever JSON holds
    top, _, part = name.partition(".")
    value = record.get(top)
    if not part:
        return value
    return value.get(part) if isinstance(value, dict) else None


def _put(record: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 whatever JSON holds
    top, _, part = name.partition(".")
    if not part:
        if value is None:
            record.pop(top, None)
        else:
            record[top] = value
        return
    held = record.get(top)
    kept = (
        {one: held[one] for one in ("kind", "name") if one in held}
        if isinstance(held, dict)
        else {}
    )
    kept[part] = value
    record[top] = {one: said for one, said in kept.items() if said is not None} or None


def _read(name: str, text: str) -> Any:  # noqa: ANN401 whatever JSON holds
    """What a person typed, as JSON has it; None for nothing. ValueError where it is no JSON."""
    if not text:
        return None
    if name in LONG:
        try:
            return msgspec.json.decode(text)
        except RecursionError:
            raise ValueError("too deep") from None
    if name in ("status", "status_told") and text.isascii() and text.isdecimal():
        return int(text[:4])
    if name in ("online_payment", "suspensions_inferred"):
        return {"true": True, "false": False}.get(text, text)
    return _moment(text) if name in _MOMENTS else text


def _said(value: str) -> str:
    """An instant by the clock of Viet Nam, as people write it; what is none as it came."""
    try:
        at = datetime.fromisoformat(value)
        return value if at.tzinfo is None else f"{at.astimezone(ZONE):%H:%M:%S %d/%m/%Y}"
    except (ValueError, OverflowError):
        return value


def _moment(text: str) -> str:
    """`8:10 16/11/2026` or `16/11/2026 08:10:05` as an instant; anything else as it was typed."""
    for shape in _MOMENT:
        found = shape.fullmatch(text)
        if found is None:
            continue
        told = {name: int(figure or 0) for name, figure in found.groupdict().items()}
        try:
            return datetime(**told, tzinfo=ZONE).isoformat()
        except ValueError:
            return text
    return text
