"""The forms a document can be had in as a file, and what such a file is called."""

import re
import unicodedata
from enum import StrEnum

from app.printed.saying import ZONE
from app.service.document import Document

_LONGEST = 80


class Format(StrEnum):
    """A form that programs or people take away."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def name(document: Document, form: Format) -> str:
    """Report, unit and period in plain ASCII: `ii-06a_H20.16.03_2026-RQ3.xlsx`.

    Where the period is not told to its end, the last day that is told follows.
    """
    last = document.as_of.astimezone(ZONE).date()
    parts = [document.name, document.branch or document.unit, document.period.name]
    if last < document.period.last:
        parts.append(f"as-of-{last}")
    return "_".join(_plain(part) or "unit" for part in parts) + f".{form}"


def spoken_name(document: Document, form: Format) -> str:
    """The same for people, with the name of the unit as it is written."""
    unit = "".join(one if one.isprintable() else " " for one in document.unit)
    unit = " ".join(re.sub(r'[/\\:*?"<>|]', " ", unit).split())
    report, _, rest = name(document, form).split("_", 2)
    return f"{report} {unit[:_LONGEST]} {rest.replace('_', ' ')}"


def _plain(text: str) -> str:
    """Letters without their marks; anything else but digits, dots and dashes is a dash."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    ascii_only = "".join(one for one in bare if not unicodedata.combining(one))
    return re.sub(r"[^A-Za-z0-9.]+", "-", ascii_only).strip("-.")[:_LONGEST]
