"""Why a dossier is late: coded reasons, so that causes can be counted and not only told."""

from collections.abc import Iterator
from enum import StrEnum

from app.core.problems import Problem

LONGEST_NOTE = 500


class Cause(StrEnum):
    """What made a dossier late, as provinces code it (`domain` §6.3)."""

    STAFF = "staff"
    TAX = "tax"
    COMMUNE_POSTING = "commune_posting"
    MEASURING = "measuring"
    SYSTEM = "system"
    APPLICANT = "applicant"
    OTHER = "other"


def problems(cause: Cause, note: str | None) -> Iterator[Problem]:
    """What is missing of a cause: "other" alone tells nobody anything."""
    if cause is Cause.OTHER and not (note or "").strip():
        yield Problem("note", "the cause is 'other': say in the note what it is")
