"""Steps against their half days as documents: by step of the law, and each branch's bottleneck."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.core.steps import StepUnit
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word
from app.service.rules import Rules
from app.service.step_times import (
    DAY,
    Judgement,
    Judgements,
    LawStep,
    bottleneck,
    judgements,
)

NAME = "steps"
BOTTLENECKS = "bottlenecks"
_TITLE = "Steps against the time the law gives them"
_BOTTLENECKS_TITLE = "The bottleneck step of each branch"
UNITS: Mapping[StepUnit, str] = {
    StepUnit.ONE_STOP: word("one-stop shop"),
    StepUnit.BRANCH: word("land registration branch"),
    StepUnit.OFFICE: word("land registration office"),
    StepUnit.COMMUNE: word("commune"),
    StepUnit.DEPARTMENT: word("provincial department"),
    StepUnit.TAX: word("tax office"),
    StepUnit.APPLICANT: word("applicant"),
}
_STEP: tuple[Column, ...] = (
    Column("procedure", "Procedure code", Kind.CODE),
    Column("name", "Procedure", Kind.TEXT),
    Column("case", "Case", Kind.CODE),
    Column("step", "Step", Kind.CODE),
    Column("unit", "Done by", Kind.TEXT),
    Column("limit", "Time by law, days", Kind.DAYS),
)
_FIGURES: tuple[Column, ...] = (
    Column("steps", "Steps"),
    Column("on_time", "Ended on time"),
    Column("late", "Ended late", late=True, note=1),
    Column("open", "Open"),
    Column("open_late", "Open and late", late=True, note=1),
    Column("share_late", "Share late", Kind.RATE, late=True, note=1),
    Column("late_days", "Time beyond, days of 8 hours", Kind.DAYS),
)
_OWN: tuple[Column, ...] = (
    Column("own_steps", "Own steps judged"),
    Column("own_late", "Own steps late", late=True),
    Column("own_late_days", "Time beyond, days of 8 hours", Kind.DAYS),
)
_JUDGED = (
    Note(
        "Steps that ended in the period, or had begun and were open at its close (an ended dossier "
        "has no open step), as they stood then; half a day is 4 working hours, suspensions taken "
        "out. Which step of the law one is must be certain from order and unit; else it is not "
        "judged. For a difficult commune the law prints no steps."
    ),
    Note(
        "Late: ended after its due moment, or open past it. Share late = late / all judged. Time "
        "beyond: working time from the due moment to the end, or to the close."
    ),
)
_BOTTLENECK = Note(
    "Bottleneck: of the steps charged to the land office (its branch's and its own; not the "
    "one-stop shop's, the commune's, the tax office's) the step of the law with the most time "
    "beyond in all; of equal ones that with the greater share late. None where none was late."
)
_LEFT_OUT = (
    "Not judged: {unmatched} steps that no step of the law could be told to be for certain, and "
    "{untimed} to which the law gives no time or whose clock stood."
)


def report(session: Session, asked: Asked) -> Document:
    """A row for each step of the law that was judged, over all branches in scope."""
    held = judgements(session, asked.clocks, asked.rules, asked.over)
    found: dict[LawStep, Judgement] = {}
    whole = Judgement()
    for of_branch in held.judged.values():
        for step, one in of_branch.items():
            found.setdefault(step, Judgement()).add(one)
            whole.add(one)
    return Document(
        name=NAME,
        title=_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=(*_STEP, *_FIGURES),
        rows=[
            Row(
                {**_step(step, asked.rules), **_figures(found[step])},
                translate=frozenset({"unit"}),
            )
            for step in sorted(found, key=lambda step: step[:3])
        ],
        total=Row(
            {"procedure": word("Total"), **_figures(whole)}, translate=frozenset({"procedure"})
        ),
        definition=_JUDGED,
        data_as_of=asked.data_as_of,
        notes=[_left_out(held), *asked.partly],
        chart=Bars("name", ("on_time", "late")),
    )


def bottlenecks(session: Session, asked: Asked) -> Document:
    """A row for every active branch: its own steps together, and the one that loses most time."""
    held = judgements(session, asked.clocks, asked.rules, asked.over)
    return Document(
        name=BOTTLENECKS,
        title=_BOTTLENECKS_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=(
            Column("branch", "Code", Kind.CODE),
            Column("branch_name", "Branch", Kind.TEXT),
            *_OWN,
            *_STEP,
            *_FIGURES,
        ),
        rows=[
            _of_branch(code, held.judged.get(code, {}), asked.rules)
            for code in sorted({*asked.active, *held.judged})
        ],
        total=None,
        definition=(_BOTTLENECK, *_JUDGED),
        data_as_of=asked.data_as_of,
        notes=[_left_out(held), *asked.partly],
        chart=Bars("branch_name", ("own_late",)),
    )


def _of_branch(code: str, found: Mapping[LawStep, Judgement], rules: Rules) -> Row:
    own = Judgement()
    for step, one in found.items():
        if step.law.charged:
            own.add(one)
    cells: dict[str, Value] = {
        "branch": code,
        "branch_name": rules.branches[code].short_name,
        "own_steps": own.all,
        "own_late": own.all_late,
        "own_late_days": _days(own.late_time),
    }
    worst = bottleneck(found)
    if worst is None:
        return Row({**cells, **{column.key: None for column in (*_STEP, *_FIGURES)}})
    cells |= _step(worst.step, rules) | _figures(worst.judgement)
    return Row(cells, translate=frozenset({"unit"}))


def _step(step: LawStep, rules: Rules) -> dict[str, Value]:
    halves = step.law.half_days
    return {
        "procedure": step.procedure,
        "name": rules.procedures.get(step.procedure, step.procedure),
        "case": step.case,
        "step": str(step.nth),
        "unit": UNITS[step.law.unit],
        "limit": None if halves is None else halves / 2,
    }


def _figures(one: Judgement) -> dict[str, Value]:
    return {
        "steps": one.all,
        "on_time": one.on_time,
        "late": one.late,
        "open": one.open,
        "open_late": one.open_late,
        "share_late": one.all_late / one.all if one.all else None,
        "late_days": _days(one.late_time),
    }


def _days(late_time: int) -> float:
    return round(late_time / DAY, 2)


def _left_out(held: Judgements) -> Note:
    return Note(_LEFT_OUT, {"unmatched": held.unmatched, "untimed": held.untimed})
