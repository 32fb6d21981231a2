"""Reports over HTTP: figures with their numerator, denominator and definition."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.core.problems import Problem
from app.core.yardsticks import Yardstick
from app.db.reports import Group
from app.service.on_time import OPEN_COLUMNS, Line, Report, on_time
from app.service.rules import Rules
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction, clocks_of, visible
from app.web.language import tell
from app.web.problems import ProblemError, language_of

router = APIRouter(prefix="/v1/reports", tags=["reports"])

DEFINITIONS = {
    Yardstick.LEGAL: "Our clock, by law. Ended by a result, a refusal or a return, on a day of the "
    "period; on time if on or before the last day of the limit, suspensions taken out, and no "
    "stage late. A withdrawal does not count.",
    Yardstick.FORM: "Form II.06a (TT 01/2020/TT-VPCP) as practised. Ended on a day of the period; "
    "on time if on or before the day last promised, or if none was promised; withdrawn and "
    "returned dossiers are on time.",
    Yardstick.INDEX766: "Formula 2.1 of QĐ 766/QĐ-TTg. The end less the time of the supplement, on "
    "or before the day promised; a second supplement request is late.",
}
_BESIDE = (
    "rate = numerator / denominator = (early + on time) / (early + on time + late); null is no "
    "data. Open, overdue, unverified, due soon, suspended and waiting are as of now; carried over "
    "was received before the period and had not ended."
)


@router.get("/on-time", summary="On-time rates by branch, procedure and month")
def get_on_time(
    request: Request,
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    first: Annotated[date | None, Query(alias="from", description="first day included")] = None,
    last: Annotated[date | None, Query(alias="to", description="last day included")] = None,
    group_by: Annotated[str, Query(description="comma-separated: branch, procedure, month")] = (
        Group.BRANCH
    ),
    yardstick: Yardstick = Yardstick.LEGAL,
    branch: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    """The period is this year to today unless it is given; every active branch has a row."""
    today = now.astimezone(shown.ZONE).date()
    first, last = first or today.replace(month=1, day=1), last or today
    if last < first:
        told = Problem("to", "{last} is before from {first}", {"last": last, "first": first})
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    rules = held.book.in_force(session)
    clocks, full = clocks_of(session, held, rules, now, visible(caller, branch))
    report = on_time(
        session,
        rules,
        clocks,
        full,
        now,
        office=caller.office,
        whole_office=caller.whole_office and branch is None,
        first=first,
        last=last,
        groups=groups(group_by),
        yardstick=yardstick,
    )
    language = language_of(request)
    return {
        "rows": [row(line, report, rules) for line in report.rows],
        "totals": row(report.total, report, rules),
        "definition": {
            "yardstick": yardstick.value,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "text": tell(DEFINITIONS[yardstick], language),
            "columns": tell(_BESIDE, language),
        },
        "data_as_of": shown.instant(report.data_as_of),
    }


def groups(text: str) -> list[Group]:
    """The groups of a comma-separated list, each once."""
    try:
        return list(dict.fromkeys(Group(word.strip()) for word in text.split(",")))
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
    }
    if line is report.total or Group.MONTH not in report.groups:
        told |= {column: line.beside.get(column, 0) for column in (*OPEN_COLUMNS, "carried_over")}
    if line is report.total or report.groups == (Group.BRANCH,):
        told["quarantined"] = line.beside.get("quarantined", 0)
    return told
