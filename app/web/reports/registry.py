"""The reports as people find them: a sentence each, and what they may choose besides the period.

A report of `service.reporting.REPORTS` has its page and its chart by its name alone; an entry here
gives it its place in the index, its sentence, and the choices of its page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.service import reporting
from app.service.asked import Asked
from app.service.document import Document
from app.service.reporting import Report
from app.web.pages.words import PARTS, POPULATIONS, SPLITS, YARDSTICKS, YES
from app.web.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a report that its page offers: its name, and the words of each value."""

    name: str
    heading: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """How a report stands in the index: its heading and a sentence on what it tells."""

    title: str
    about: str
    choices: tuple[Choice, ...] = ()


LISTED: Mapping[str, Listed] = {
    "on-time": Listed(
        title="Dossiers settled on time",
        about="How many of the dossiers that ended were early, on time or late, with what is open "
        "beside them; by branch, procedure, month and more.",
        choices=(
            Choice("group_by", "Split by", SPLITS),
            Choice("yardstick", "Yardstick", YARDSTICKS),
        ),
    ),
    "ii-06a": Listed(
        title="Form II.06a/VPCP/KSTT",
        about="The form of TT 01/2020/TT-VPCP as it is handed in: what was received, settled and "
        "is being settled, by field and procedure.",
        choices=(Choice("per_branch", "Each branch", YES), Choice("live", "Counted anew", YES)),
    ),
    "index-766": Listed(
        title="Index 766",
        about="Progress and results by formula 2.1 of QĐ 766/QĐ-TTg with its points, and what else "
        "of the index dossiers can tell.",
        choices=(
            Choice("population", "Dossiers counted", POPULATIONS),
            Choice("by_branch", "Each branch", YES),
        ),
    ),
    "yardsticks": Listed(
        title="The three yardsticks side by side",
        about="The same dossiers by law, by form II.06a and by index 766.",
    ),
    "yardstick-reasons": Listed(
        title="Why the yardsticks differ",
        about="On how many dossiers two yardsticks say different things, and for which reason.",
    ),
    "durations": Listed(
        title="How long it took",
        about="Median and 90th percentile in working and calendar days, by procedure, branch, "
        "appointment, step and tax leg.",
        choices=(Choice("by", "Split by", PARTS),),
    ),
    "stages": Listed(
        title="On time, appointment by appointment",
        about="Where the law gives two appointments: each judged by itself.",
    ),
    "backlog": Listed(
        title="The backlog by age",
        about="What stood open at the close, by working days since its receipt and past its due "
        "day.",
    ),
    "backlog-oldest": Listed(
        title="The ten oldest",
        about="The dossiers longest in hand, with their due days.",
    ),
    "steps": Listed(
        title="Steps against their time",
        about="The steps of the internal process against the half days the law gives them.",
    ),
    "bottlenecks": Listed(
        title="The bottleneck of each branch",
        about="The step of its own in which each branch loses most time.",
    ),
    "causes": Listed(
        title="Why dossiers were late",
        about="What ended late or is overdue, by the cause that was said, and what nobody said.",
    ),
}


def known(name: str) -> Report:
    """The report of a name.

    Raises:
        ProblemError: there is none.
    """
    found = reporting.REPORTS.get(name)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No report {name}", name=name[:60])
    return found


def options_of(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What a report is told besides, read from what was given; blank is not given.

    Raises:
        ProblemError: a word that is none.
    """
    found: dict[str, Any] = {}
    for option, read in known(name).options.items():
        word = given.get(option, "").strip()
        if not word:
            continue
        try:
            found[option] = read(word)
        except (ValueError, KeyError):
            raise _refused(name, option, word) from None
    return found


def _refused(name: str, option: str, word: str) -> ProblemError:
    listed = LISTED.get(name)
    choices = listed.choices if listed else ()
    values = next((one.values for one in choices if one.name == option), ())
    told = Problem(option, "{value} is not understood", {"value": word[:60]})
    if values:
        allowed = {"value": word[:60], "allowed": ", ".join(values)}
        told = Problem(option, "{value} is none of {allowed}; send one of them", allowed)
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])


def document_of(name: str, session: Session, asked: Asked, given: Mapping[str, str]) -> Document:
    """The document of a report, as it is asked for.

    Raises:
        ProblemError: there is no such report, or an option is not understood.
    """
    return known(name).build(session, asked, **options_of(name, given))
