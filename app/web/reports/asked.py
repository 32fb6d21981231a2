"""What every report is asked for: a period by name or by days, a branch, and as of which day."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy.orm import Session

from app.core import periods
from app.core.periods import Kind, Period, PeriodError
from app.core.problems import Problem
from app.db import in_hand
from app.db.engine import at_one_moment
from app.service.access import Principal
from app.service.asked import Asked
from app.web.deps import Judging, Now, Reader, TheParts, Transaction, clocks_of, visible
from app.web.problems import ProblemError
from app.web.reports.answer import FormAsked

__all__ = [
    "Asked",
    "ListAsked",
    "PeriodAsked",
    "ReportAsked",
    "asked",
    "find_asked",
    "find_period",
    "over_last",
]

_TITLE = "The request is not valid"
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
"""Days a period may have: those a workbook can hold and a calendar may come to know."""


def find_period(
    now: Now,
    period: Annotated[
        str | None,
        Query(description=f"a named period instead of from and to: {periods.FORMS}", max_length=20),
    ] = None,
    first: Annotated[date | None, Query(alias="from", description="first day included")] = None,
    last: Annotated[date | None, Query(alias="to", description="last day included")] = None,
) -> Period | None:
    """The period asked for; None if nothing was said of it."""
    if period is not None:
        if first is not None or last is not None:
            raise _refused("period", "give either period or from and to")
        try:
            found = periods.named(period)
        except PeriodError:
            raise _refused("period", "write it as one of {forms}", forms=periods.FORMS) from None
        _within("period", found.first, found.last)
        return found
    if first is None and last is None:
        return None
    today = now.astimezone(in_hand.ZONE).date()
    last = last or today
    first = first or last.replace(month=1, day=1)
    if last < first:
        raise _refused("to", "{last} is before from {first}", last=last, first=first)
    _within("from", first)
    _within("to", last)
    return periods.free(first, last)


def _within(field: str, *days: date) -> None:
    if not all(EARLIEST <= day <= LATEST for day in days):
        raise _refused(field, "name a day from {first} to {last}", first=EARLIEST, last=LATEST)


PeriodAsked = Annotated[Period | None, Depends(find_period)]


def find_asked(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    period: PeriodAsked,
    branch: Annotated[str | None, Query(description="one branch; else all in scope")] = None,
    as_of: Annotated[
        date | None,
        Query(description="as it stood at the close of this day; else at the end of the period"),
    ] = None,
) -> Asked:
    """The report asked for; where no period is named, the reporting quarter that closed last."""
    return asked(
        session, caller, held, now, period or over_last(Kind.REPORTING_QUARTER, now), branch, as_of
    )


ListAsked = Annotated[Asked, Depends(find_asked, scope="function")]
"""What a list behind a report is asked for: it answers as JSON only."""


def find_report(asked: ListAsked, form: FormAsked) -> Asked:  # noqa: ARG001 `answer` has it
    """The report asked for, in the form that `answer` makes of it."""
    return asked


ReportAsked = Annotated[Asked, Depends(find_report, scope="function")]


def asked(
    session: Session,
    caller: Principal,
    held: Judging,
    now: datetime,
    period: Period,
    branch: str | None,
    as_of: date | None = None,
) -> Asked:
    """The report of a caller, a period and perhaps one branch.

    From here on the session reads one moment: a report makes several statements, and what arrives
    between two of them would make figures that do not agree.
    """
    at_one_moment(session)
    if as_of is not None and not period.first <= as_of <= period.last:
        raise _refused(
            "as_of",
            "{as_of} is not within the period, {first} to {last}",
            as_of=as_of,
            first=period.first,
            last=period.last,
        )
    rules = held.book.in_force(session)
    clocks, heard = clocks_of(session, held, rules, now, visible(caller, branch))
    over = in_hand.span(period.first, as_of or period.last, now)
    if over.last < over.first:
        raise _refused("from", "{first} lies ahead; nothing can be said of it", first=over.first)
    return Asked(caller, rules, period, over, branch, clocks, heard, now)


def over_last(kind: Kind, now: datetime) -> Period:
    """The newest period of a kind that is over."""
    return next(periods.latest(kind, now.astimezone(in_hand.ZONE).date()))


def _refused(field: str, sentence: str, **figures: object) -> ProblemError:
    told = Problem(field, sentence, figures)
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, _TITLE, [told])
