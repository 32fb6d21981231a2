"""When a dossier would be due by the catalogue: nothing is stored."""

from collections.abc import Sequence
from datetime import datetime

from app.core.calendar import WorkingCalendar
from app.core.clock import Suspension
from app.core.codes import procedure_code
from app.core.limits import Choice, NoLimit, choose
from app.core.problems import Problem
from app.service.rules import Rules

_NO_LIMIT = {
    NoLimit.PROCEDURE: "{procedure} is not in the catalogue, or has no limit there",
    NoLimit.CASE: "{procedure} has no such case; GET /v1/procedures lists them",
    NoLimit.COMMUNE: "the commune is not in the catalogue",
    NoLimit.DAY: "{procedure} has no limit in force on the day of receipt",
}
_FIELDS = {
    NoLimit.PROCEDURE: "procedure",
    NoLimit.CASE: "case",
    NoLimit.COMMUNE: "commune",
    NoLimit.DAY: "received_at",
}


def chosen(
    rules: Rules,
    procedure: str,
    received_at: datetime,
    *,
    branch: str | None,
    commune: str | None,
    case: str | None,
    suspensions: Sequence[Suspension] = (),
    calendar: WorkingCalendar | None = None,
) -> Choice | Problem:
    """The limit of a procedure for a receipt, or why there is none."""
    where = branch or next(iter(rules.branches), None)
    if where is None:
        return Problem("branch", "the catalogue has no branch yet")
    calendar = calendar or rules.calendar_of(branch)
    code = procedure_code(procedure)
    on = received_at.astimezone(calendar.zone).date()
    ground = rules.ground(code, where, commune, on)
    found = choose(
        ground.rules,
        case=case,
        received_at=received_at,
        province=ground.province,
        difficult=ground.difficult,
        promised_at=None,
        suspensions=suspensions,
        calendar=calendar,
    )
    if isinstance(found, NoLimit):
        return Problem(_FIELDS[found], _NO_LIMIT[found], {"procedure": code[:60]})
    return found
