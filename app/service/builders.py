"""The documents of the yardsticks and of index 766, as they are asked for."""

from sqlalchemy.orm import Session

from app.core.index766 import Population, Scale
from app.db import differences
from app.service import index766
from app.service.asked import Asked
from app.service.differences import by_reason, side_by_side
from app.service.document import Document
from app.service.index766 import PAR, Figures, Scales
from app.service.side_by_side import About, reasons_document, side_by_side_document


def yardsticks(session: Session, asked: Asked) -> Document:
    """The yardsticks side by side: all in scope together, then each branch."""
    total, branches = side_by_side(session, asked.clocks, asked.over)
    found = side_by_side_document(_about(asked), total, branches, asked.active)
    return _partly(found, asked)


def reasons(session: Session, asked: Asked) -> Document:
    """Why two yardsticks differ, and on how many dossiers."""
    counted = by_reason(session, asked.rules, asked.clocks, asked.over)
    rows = differences.not_handed_over(session, asked.clocks, asked.over)
    found = reasons_document(_about(asked), counted, sum(row["n"] for row in rows))
    return _partly(found, asked)


def index_766(
    session: Session,
    asked: Asked,
    *,
    population: Population = Population.IN_HAND,
    by_branch: bool = False,
    online_points: float | None = None,
    online_threshold: float | None = None,
    payment_points: float | None = None,
    payment_threshold: float | None = None,
    par_points: float | None = None,
) -> Document:
    """Index 766, with rows of each branch where they are asked for."""
    total, found = index766.count(session, asked.rules, asked.clocks, asked.over, population)
    branches = {}
    if by_branch and asked.about is None:
        codes = sorted({*found, *asked.active})
        branches = {code: found.get(code, Figures()) for code in codes}
    scales = Scales(
        Scale(online_points, online_threshold),
        Scale(payment_points, payment_threshold),
        PAR._replace(points=par_points),
    )
    made = index766.document(_about(asked), total, branches, population=population, scales=scales)
    return _partly(made, asked)


def _about(asked: Asked) -> About:
    return About(
        asked.rules,
        asked.period,
        asked.over,
        asked.caller.office,
        asked.about,
        asked.data_as_of,
    )


def _partly(made: Document, asked: Asked) -> Document:
    made.notes += asked.partly
    return made
