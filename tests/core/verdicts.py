"""What each yardstick says of a dossier at the close of a day, from its inputs, by hand."""

from datetime import date

from app.core.differences import Side
from app.core.findings import Findings
from app.core.lifecycle import Facts
from app.core.rating import Verdict, verdict
from app.core.standing import day, stood
from app.core.yardsticks import Inputs, Yardstick
from tests.core.ground import HANOI

_SIDES = {
    Verdict.EARLY: Side.EARLY,
    Verdict.ON_TIME: Side.IN_TIME,
    Verdict.LATE: Side.LATE,
    Verdict.NO_LIMIT: Side.NONE,
}


def inputs_of(findings: Findings, yardstick: Yardstick) -> Inputs:
    held: Inputs = getattr(findings, yardstick.value)
    return held


def side(facts: Facts, findings: Findings, yardstick: Yardstick, last: date) -> Side:
    """What the yardstick says; of what is open, as if the branch had been heard of."""
    inputs = inputs_of(findings, yardstick)
    end_on = None if facts.end is None else day(facts.end, HANOI)
    if end_on is None or end_on > last:
        if yardstick is Yardstick.LEGAL and findings.no_limit is not None:
            return Side.NONE
        past = stood(inputs.overdue, inputs.due_on, end_on, last)
        return Side.LATE if past else Side.IN_TIME
    if yardstick is Yardstick.LEGAL and inputs.end_on is None:
        return Side.NONE
    due_on, counted_on = inputs.due_on, inputs.end_on or end_on
    if yardstick is Yardstick.FORM:  # without a promise it is on time
        due_on, counted_on = due_on or end_on, end_on
    return _SIDES[verdict(due_on, counted_on, forced_late=inputs.forced_late)]
