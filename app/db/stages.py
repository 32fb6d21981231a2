"""How stages of limits with several appointments ended, counted by branch."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.db.durations import STAGE_COLUMNS, STAGES
from app.db.in_hand import Span, arguments, parts
from app.db.lists import Clock
from app.db.worked import local_day

# A limit in days is missed by the day after its last; one in hours by the moment after.
_LATE = """CASE WHEN due_at = (due_on + 1) AT TIME ZONE 'Asia/Ho_Chi_Minh'
  THEN stopped_at >= due_at ELSE stopped_at > due_at END"""


def ended(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """The stages that ended in a period, by branch and number of the stage.

    Columns: branch, stage, early, on_time, late, no_verdict (its clock never had a due day). The
    last stage that began ends with the dossier, however that ended.
    """
    query = f"""
SELECT branch, stage, count(*) FILTER (WHERE NOT late AND stopped_on < due_on) AS early,
  count(*) FILTER (WHERE NOT late AND stopped_on = due_on) AS on_time,
  count(*) FILTER (WHERE late) AS late, count(*) FILTER (WHERE late IS NULL) AS no_verdict
FROM (
  SELECT branch, number AS stage, due_on, {local_day("stopped_at")} AS stopped_on, {_LATE} AS late
  FROM (
    SELECT h.branch, CAST(s.one ->> 'stage' AS int) AS number, stage.stopped_at,
      CAST(s.one ->> 'due_on' AS date) AS due_on,
      CAST(s.one ->> 'due_at' AS timestamptz) AS due_at
    FROM ({parts(over, STAGE_COLUMNS, STAGE_COLUMNS)}) AS h
    CROSS JOIN LATERAL {STAGES}
    WHERE h.stage_dues IS NOT NULL AND stage.started_at IS NOT NULL
      AND {local_day("stage.stopped_at")} BETWEEN :first AND :last
    OFFSET 0) AS stopped
) AS judged GROUP BY branch, stage"""
    return session.execute(text(query), arguments(clocks, over)).mappings().all()
