"""On-time rates over HTTP: figures with their numerator, denominator and definition."""

from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.core.problems import Problem
from app.core.yardsticks import Yardstick
from app.db.in_hand import BY_END, Group
from app.service import on_time_document, reporting
from app.service.asked import Asked
from app.service.language import tell
from app.service.on_time import NOW_COLUMNS, OPEN_COLUMNS, Line, Report
from app.service.reporting import this_year
from app.service.rules import Rules
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.problems import ProblemError
from app.web.reports.answer import FILES, FormAsked, answer
from app.web.reports.asked import PeriodAsked, asked

router = APIRouter()


@router.get(
    "/on-time",
    summary="On-time rates by branch, procedure, month and more",
    response_model=dict[str, Any],
    responses=FILES,
)
def get_on_time(
    request: Request,
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    period: PeriodAsked,
    group_by: Annotated[str, Query(description="comma-separated: " + ", ".join(Group))] = (
        Group.BRANCH
    ),
    yardstick: Yardstick = Yardstick.LEGAL,
    branch: Annotated[str | None, Query()] = None,
    as_of: Annotated[
        date | None,
        Query(description="as it stood at the close of this day; else at the end of the period"),
    ] = None,
    *,
    form: FormAsked,  # noqa: ARG001 what `answer` makes of the document
) -> Response:
    """The period is this year to today unless it is given; every active branch has a row."""
    wanted = period or this_year(now.astimezone(shown.ZONE).date())
    found = asked(session, caller, held, now, wanted, branch, as_of)
    figures = on_time_document.figures(session, found, groups(group_by), yardstick)
    document = on_time_document.document(figures, found, yardstick)
    return answer(request, document, partial(told, figures, found, yardstick))


def told(report: Report, asked: Asked, yardstick: Yardstick, language: str) -> dict[str, Any]:
    """The report as JSON of its own: a row has just the figures that belong to it."""
    return {
        "rows": [row(line, report, asked.rules) for line in report.rows],
        "totals": row(report.total, report, asked.rules),
        "definition": {
            "yardstick": yardstick.value,
            "period": asked.period.name,
            "from": asked.period.first.isoformat(),
            "to": asked.period.last.isoformat(),
            "text": tell(on_time_document.DEFINITIONS[yardstick], language),
            "columns": tell(on_time_document.BESIDE, language),
            "fell_due": tell(on_time_document.FELL_DUE, language),
        },
        "as_of": shown.instant(report.as_of),
        "data_as_of": shown.instant(report.data_as_of),
    }


def groups(text: str) -> list[Group]:
    """The groups of a comma-separated list, each once."""
    try:
        return reporting.groups(text)
    except ValueError:
        told = Problem("group_by", "use one or more of {words}", {"words": ", ".join(Group)})
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told]
        ) from None


def row(line: Line, report: Report, rules: Rules) -> dict[str, Any]:
    """One row as JSON; what does not belong to the split is left out, not zero."""
    told: dict[str, Any] = {}
    if line is not report.total:
        told = {group.value: part for group, part in zip(report.groups, line.key, strict=True)}
        if Group.BRANCH in report.groups:
            held = rules.branches.get(told["branch"])
            told["branch_name"] = held.short_name if held else told["branch"]
        if Group.PROCEDURE in report.groups:
            told["procedure_name"] = rules.procedures.get(told["procedure"])
    tally = line.tally
    told |= {
        "early": tally.early,
        "on_time": tally.on_time,
        "late": tally.late,
        "numerator": tally.numerator,
        "denominator": tally.denominator,
        "rate": tally.rate,
        "no_limit": line.no_limit,
        "uncounted": line.uncounted,
    }
    if line is report.total or not BY_END.intersection(report.groups):
        columns = [*OPEN_COLUMNS, "carried_over"]
        if not report.current:
            columns = [column for column in columns if column not in NOW_COLUMNS]
        told |= {column: line.beside.get(column, 0) for column in columns}
        names = ("due", "met", "missed", "ahead")
        told["fell_due"] = {name: line.fell_due.get(name, 0) for name in names}
        told["fell_due"]["rate"] = line.due_rate
    if line is report.total or report.groups == (Group.BRANCH,):
        told["quarantined"] = line.beside.get("quarantined", 0)
    return told
