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

# The same moments keep what has been said of them; moved ones are armed anew. An intake and a
# recompute share this, or one would say again what the other has kept.
WATCHED_BEFORE = """
  ON CONFLICT (code) DO UPDATE SET branch = excluded.branch, due_at = excluded.due_at,
    moments = excluded.moments, levels = excluded.levels, ladder = excluded.ladder,
    next_at = CASE WHEN (watch.moments, watch.levels) = (excluded.moments, excluded.levels)
              THEN watch.next_at ELSE excluded.next_at END,
    next_level = CASE WHEN (watch.moments, watch.levels) = (excluded.moments, excluded.levels)
                 THEN watch.next_level ELSE excluded.next_level END
  WHERE (watch.branch, watch.due_at, watch.moments, watch.levels, watch.ladder) IS DISTINCT FROM
    (excluded.branch, excluded.due_at, excluded.moments, excluded.levels, excluded.ladder)
"""
