"""A letter of apology as a document to be signed: Mẫu 04, filled into a .docx template."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FILE_NAME = "mau-04.docx"
OWN = Path(__file__).parents[1] / "templates" / "letters" / FILE_NAME
"""The template that comes with the program."""

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_DOTS = "…" * 25
# What XML cannot hold; a name typed by hand may have such in it.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says.

    Attributes:
        number: As it is written: `05/PXL`.
        office: The name of the office above the branch.
        branch: The name of the branch that signs.
        written_on: The day it was drafted.
        to: The applicant; None leaves dots to write on. It is nowhere but in the document.
        procedure: The name of the procedure.
        promised_at: What the receipt slip says; None where nothing was promised.
        due_on: The last day by law, which stays.
        new_at: The new appointment.
    """

    code: str
    number: str
    office: str
    branch: str
    written_on: date
    to: str | None
    procedure: str
    received_at: datetime | None
    promised_at: datetime | None
    due_on: date
    reason: str
    new_at: datetime


class BadTemplateError(Exception):
    """The template cannot be filled: `file` names it, `why` is what is wrong with it."""

    def __init__(self, template: Path, why: str) -> None:
        super().__init__(f"{template.name}: {why}")
        self.file = template.name
        self.why = why


def template(folder: Path | None) -> Path:
    """The template to use: an operator's own where the folder has one, else ours."""
    own = None if folder is None else folder / FILE_NAME
    return own if own is not None and own.exists() else OWN


def document(letter: Letter, source: Path = OWN) -> bytes:
    """The letter as .docx.

    Raises:
        BadTemplateError: the template is no .docx, or asks for what no letter has.
    """
    # An operator's template may compute, but reaches nothing beside the letter.
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    places, made = _places(letter), BytesIO()
    try:
        filled = DocxTemplate(source)
        filled.render(places, environment, autoescape=True)
        filled.save(made)
    except Exception as fault:  # noqa: BLE001 a file of anybody's making breaks in any way
        raise BadTemplateError(source, _why(fault)) from None
    return made.getvalue()


def bundle(documents: Mapping[str, bytes]) -> bytes:
    """Documents by their dossiers' codes as one ZIP, a file each."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as opened:
        for code, content in documents.items():
            info = ZipInfo(f"{code}.docx", date_time=(2026, 1, 1, 0, 0, 0))
            info.compress_type = ZIP_DEFLATED
            opened.writestr(info, content)
    return made.getvalue()


def _places(letter: Letter) -> dict[str, str]:
    """What a template may ask for, as it is printed."""
    told = {
        "code": letter.code,
        "number": letter.number,
        "office": letter.office,
        "office_upper": letter.office.upper(),
        "branch": letter.branch,
        "branch_upper": letter.branch.upper(),
        "written_on": _day(letter.written_on),
        "to": letter.to or _DOTS,
        "procedure": letter.procedure,
        "received_on": _capital(_day(_local(letter.received_at))) or _DOTS,
        "promised": _moment(letter.promised_at) or _DOTS,
        "due_on": _day(letter.due_on),
        "reason": letter.reason,
        "new_appointment": _moment(letter.new_at),
    }
    return {name: _UNPRINTABLE.sub("", text) for name, text in told.items()}


def _local(at: datetime | None) -> date | None:
    return None if at is None else at.astimezone(_ZONE).date()


def _day(on: date | None) -> str:
    """`ngày 09 tháng 01 năm 2026`: days below 10 and months below 3 with a 0 (NĐ 30/2020)."""
    if on is None:
        return ""
    month = f"{on.month:02}" if on.month < 3 else str(on.month)  # noqa: PLR2004 as the decree says
    return f"ngày {on.day:02} tháng {month} năm {on.year}"


def _moment(at: datetime | None) -> str:
    if at is None:
        return ""
    return f"{at.astimezone(_ZONE):%H giờ %M} {_day(_local(at))}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _why(fault: Exception) -> str:
    """What went wrong, without a word of what was filled in."""
    if isinstance(fault, TemplateError):
        return f"{type(fault).__name__}: {fault.message or ''}"
    return type(fault).__name__
