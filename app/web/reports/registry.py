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
from app.web.pages.words import PARTS, SPLITS, YARDSTICKS
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
    ),
    "stages": Listed(
        title="On-time rate by appointment",
        about="Where a limit has two appointments: how many of each were kept, by branch.",
    ),
    "durations": Listed(
        title="Where time goes",
        about="How long dossiers, appointments, steps and the tax office took: median and 90th "
        "percentile, in working and calendar days, with and without suspensions.",
        choices=(Choice("by", "Split by", PARTS),),
    ),
    "backlog": Listed(
        title="Backlog by age and by days past due",
        about="What was in hand at the close of a day: how old it was, how far past due, and what "
        "stood still.",
    ),
    "backlog-oldest": Listed(
        title="The ten oldest dossiers in hand",
        about="The dossiers that had waited longest at the close of a day, by their codes.",
    ),
    "steps": Listed(
        title="Steps against the time the law gives them",
        about="How many steps of the process were done within their half days, and how much time "
        "the others took beyond.",
    ),
    "bottlenecks": Listed(
        title="The bottleneck step of each branch",
        about="The step of its own in which each branch loses most time.",
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
