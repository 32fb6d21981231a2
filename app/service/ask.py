"""When a dossier would be due by the catalogue: nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.calendar import WorkingCalendar
from app.core.clock import Deadline, Limit, Suspension, deadline
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


@dataclass(frozen=True, slots=True)
class ByProcedure:
    """The limit that applies, and its clock: of the first appointment where there are two."""

    choice: Choice
    limit: Limit
    clock: Deadline
    calendar: WorkingCalendar


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
        later_policy=rules.later_policy,
    )
    if isinstance(found, NoLimit):
        return Problem("procedure", _NO_LIMIT[found], {"procedure": code[:60]})
    return found


def by_procedure(
    rules: Rules,
    procedure: str,
    received_at: datetime,
    *,
    branch: str | None = None,
    commune: str | None = None,
    case: str | None = None,
) -> ByProcedure | Problem:
    """When a dossier received then would be due, before anything stops its clock."""
    calendar = rules.calendar_of(branch)
    choice = chosen(rules, procedure, received_at, branch=branch, commune=commune, case=case)
    if isinstance(choice, Problem):
        return choice
    limit = choice.stages[0] if choice.stages else choice.limit
    clock = deadline(received_at, limit, (), calendar, choice.policy)
    return ByProcedure(choice, limit, clock, calendar)
