"""What is kept of a dossier's moments, and what becomes of a row that was there before."""

from datetime import datetime
from typing import NamedTuple


class Watched(NamedTuple):
    """When something is said of a dossier, and the ladder that says so."""

    moments: list[datetime] | None
    levels: list[int] | None
    ladder: int | None


NOTHING = Watched(None, None, None)
"""No clock runs."""

# The same moments keep what has been said of them, and a moved due date is armed anew. Where only
# the ladder or the calendar moved, what has passed stays as it was, said or (of a file of the past)
# not: armed is what lies ahead, what was waiting, and another clock that was not there before.
# Intake and recompute share this, or one would say again what the other has kept.
_SAME = "(watch.moments, watch.levels) = (excluded.moments, excluded.levels)"
_ARMED = """(SELECT {what} FROM unnest(excluded.moments, excluded.levels) AS u (at, level)
    WHERE u.at >= least(watch.next_at, CAST(:now AS timestamptz))
       OR u.level >= 100 AND u.level <> ALL (watch.levels)
    ORDER BY u.at, u.level LIMIT 1)"""


def _kept(column: str, what: str) -> str:
    return f"""{column} = CASE WHEN {_SAME} THEN watch.{column}
    WHEN watch.due_at IS NOT DISTINCT FROM excluded.due_at THEN {_ARMED.format(what=what)}
    ELSE excluded.{column} END"""


WATCHED_BEFORE = f"""
  ON CONFLICT (code) DO UPDATE SET branch = excluded.branch, due_at = excluded.due_at,
    moments = excluded.moments, levels = excluded.levels, ladder = excluded.ladder,
    {_kept("next_at", "u.at")},
    {_kept("next_level", "u.level")}
  WHERE (watch.branch, watch.due_at, watch.moments, watch.levels, watch.ladder) IS DISTINCT FROM
    (excluded.branch, excluded.due_at, excluded.moments, excluded.levels, excluded.ladder)
"""
