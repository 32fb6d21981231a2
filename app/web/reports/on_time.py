"""On-time rates over HTTP: figures with their numerator, denominator and definition."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.core import periods
from app.core.problems import Problem
from app.core.yardsticks import Yardstick
from app.db.in_hand import BY_END, Group
from app.service.on_time import NOW_COLUMNS, OPEN_COLUMNS, Line, Report, on_time
from app.service.rules import Rules
from app.web import shown
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.language import tell
from app.web.problems import ProblemError, language_of
from app.web.reports.asked import PeriodAsked, asked

router = APIRouter()

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
    "data. Open, overdue and unverified are as of the close of the period, or now where it is not "
    "over; due soon, suspended and waiting as of now. Carried over was received before the period "
    "and had not ended. Uncounted ended in a way this yardstick leaves out."
)
_FELL_DUE = (
    "Fell due: the last day by law lay in the period. rate = met / (met + missed); met ended early "
    "or on time, missed ended late or was open past its due day, ahead is open and not yet due."
)


@router.get("/on-time", summary="On-time rates by branch, procedure, month and more")
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
) -> dict[str, Any]:
    """The period is this year to today unless it is given; every active branch has a row."""
    today = now.astimezone(shown.ZONE).date()
    wanted = period or periods.free(today.replace(month=1, day=1), today)
    found = asked(session, caller, held, now, wanted, branch, as_of)
    report = on_time(
        session,
        found.rules,
        found.clocks,
        found.heard,
        now,
        office=caller.office,
        whole_office=found.whole_office,
        first=found.over.first,
        last=found.over.last,
        groups=groups(group_by),
        yardstick=yardstick,
        cohort=True,
    )
    language = language_of(request)
    return {
        "rows": [row(line, report, found.rules) for line in report.rows],
        "totals": row(report.total, report, found.rules),
        "definition": {
            "yardstick": yardstick.value,
            "period": wanted.name,
            "from": wanted.first.isoformat(),
            "to": wanted.last.isoformat(),
            "text": tell(DEFINITIONS[yardstick], language),
            "columns": tell(_BESIDE, language),
            "fell_due": tell(_FELL_DUE, language),
        },
        "as_of": shown.instant(report.as_of),
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
