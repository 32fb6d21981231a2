"""The steps of what was in hand in a period, with what they are judged by, as a stream."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.in_hand import Span, arguments, parts
from app.db.lists import Clock

_AT_ONCE = 5_000
_COLUMNS = """d.branch, d.procedure_code, d.limit_id, d.difficult, d.calendar_id,
  d.steps, d.suspensions, d.stage_dues, coalesce(d.finished_at, d.ended_at) AS ended_at"""


class Told(NamedTuple):
    """One dossier with steps; lists as the text of their JSON, None where there are none."""

    branch: str
    procedure: str
    limit_id: int | None
    difficult: bool
    calendar_id: int | None
    ended_at: datetime | None
    steps: str
    suspensions: str | None
    stages: str | None


def told(session: Session, clocks: Sequence[Clock], over: Span) -> Iterator[Told]:
    """Every dossier in hand in the period of which a sender tells steps, in no order."""
    query = f"""
SELECT branch, procedure_code, limit_id, difficult, calendar_id, ended_at, steps::text,
  suspensions::text, stage_dues::text
FROM ({parts(over, _COLUMNS, _COLUMNS)}) AS held WHERE steps IS NOT NULL"""
    rows = session.execute(
        text(query), arguments(clocks, over), execution_options={"yield_per": _AT_ONCE}
    )
    return (Told(*row) for row in rows)
