"""The reports there are: one entry each, by which the terminal, mails and files find it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from app.core import periods
from app.core.index766 import Population
from app.core.periods import Kind, Period
from app.core.yardsticks import Yardstick
from app.db.in_hand import Group
from app.service import (
    backlog,
    causes,
    durations,
    ii06a,
    ii06a_report,
    index766,
    on_time_document,
    side_by_side,
    stage_verdicts,
    steps,
)
from app.service.document import Document


def last_quarter(today: date) -> Period:
    """The reporting quarter that closed last."""
    return next(periods.latest(Kind.REPORTING_QUARTER, today))


def this_year(today: date) -> Period:
    """From New Year to today."""
    return periods.free(today.replace(month=1, day=1), today)


def groups(text: str) -> list[Group]:
    """The splits of a comma-separated list, each once.

    Raises:
        ValueError: one of them is none.
    """
    return list(dict.fromkeys(Group(word.strip()) for word in text.split(",")))


def yes(text: str) -> bool:
    """Whether a word says yes.

    Raises:
        ValueError: it says neither.
    """
    return {"true": True, "yes": True, "false": False, "no": False}[text.strip().lower()]


def points(text: str) -> float:
    """A number of points, from 0 to 100.

    Raises:
        ValueError: it is none.
    """
    found = float(text)
    if not 0 <= found <= 100:  # noqa: PLR2004 not a number is neither
        raise ValueError(text)
    return found


def share(text: str) -> float:
    """A share, above 0 and up to 1.

    Raises:
        ValueError: it is none.
    """
    found = float(text)
    if not 0 < found <= 1:
        raise ValueError(text)
    return found


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it is had by its name.

    Attributes:
        build: The document of what is asked for; it reads the database in the session, and takes
            its own options by name.
        period: What it is for where no period is named, by today.
        options: What it can be told besides, each with what reads it from a word; a word that is
            none raises ValueError or KeyError.
    """

    build: Callable[..., Document]
    period: Callable[[date], Period] = last_quarter
    options: Mapping[str, Callable[[str], object]] = field(default_factory=dict)


_SCALES = {
    "online_points": points,
    "online_threshold": share,
    "payment_points": points,
    "payment_threshold": share,
    "par_points": points,
}

REPORTS: Mapping[str, Report] = {
    ii06a.NAME: Report(ii06a_report.report, options={"per_branch": yes, "live": yes}),
    on_time_document.NAME: Report(
        on_time_document.report, this_year, {"group_by": groups, "yardstick": Yardstick}
    ),
    side_by_side.NAME: Report(side_by_side.report),
    side_by_side.REASONS_NAME: Report(side_by_side.reasons),
    index766.NAME: Report(
        index766.report, options={"population": Population, "by_branch": yes, **_SCALES}
    ),
    durations.NAME: Report(durations.report, options={"by": durations.By}),
    stage_verdicts.NAME: Report(stage_verdicts.report),
    backlog.NAME: Report(backlog.report),
    backlog.OLDEST: Report(backlog.oldest),
    steps.NAME: Report(steps.report),
    steps.BOTTLENECKS: Report(steps.bottlenecks),
    causes.NAME: Report(causes.report),
}
