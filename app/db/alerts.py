"""Alerts: take what is due off the watch list, and say each fact once."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.alarms import Level

# One statement, so a row leaves the watch list if and only if its alert and the deliveries of that
# alert exist. Held by the branch's clock: only the OVERDUE moment, which accuses; warnings do not
# wait. SKIP LOCKED: two sweeps share the work, and a dossier just being written waits a minute.
_RAISE_DUE = text("""
WITH clock AS (
    SELECT branch, clock_at
    FROM unnest(CAST(:branches AS text[]), CAST(:clocks AS timestamptz[])) AS c (branch, clock_at)
), due AS (
    SELECT w.code, w.branch, w.due_at, w.moments, w.levels,
           least(:now, coalesce(c.clock_at, :now)) AS clock_at
    FROM watch w
    LEFT JOIN clock c ON c.branch = w.branch COLLATE "C"
    WHERE w.next_at <= :now
      AND (w.next_level < :overdue OR w.next_at <= coalesce(c.clock_at, :now))
    ORDER BY w.next_at
    LIMIT :limit
    FOR UPDATE OF w SKIP LOCKED
), said AS (
    SELECT due.code, due.branch, due.due_at, m.level,
           due.moments[m.later] AS next_at, due.levels[m.later] AS next_level
    FROM due
    CROSS JOIN LATERAL (
        SELECT max(passing.level) FILTER (WHERE passing.passed) AS level,
               min(passing.n) FILTER (WHERE NOT passing.passed) AS later
        FROM (
            SELECT u.level, u.n,
                   u.at <= CASE WHEN u.level < :overdue THEN :now ELSE due.clock_at END AS passed
            FROM unnest(due.moments, due.levels) WITH ORDINALITY AS u (at, level, n)
        ) AS passing
    ) AS m
), advanced AS (
    UPDATE watch
    SET next_at = said.next_at, next_level = said.next_level
    FROM said
    WHERE watch.code = said.code
    RETURNING watch.code
), raised AS (
    INSERT INTO alert (code, branch, level, due_at, raised_at)
    SELECT code, branch, level, due_at, :now FROM said WHERE level IS NOT NULL ORDER BY code
    ON CONFLICT (code, level, due_at) DO NOTHING
    RETURNING id, code, branch, level, due_at
), queued AS (
    INSERT INTO delivery (key, channel, address, branch, body, created_at, next_attempt_at)
    SELECT 'alert:' || raised.id || ':' || webhook.id, 'webhook', webhook.id, raised.branch,
           jsonb_build_object(
               'type', 'alert.' || (CAST(:names AS text[]))[raised.level],
               'timestamp', CAST(:now AS timestamptz),
               'data', jsonb_build_object(
                   'code', raised.code, 'branch', raised.branch,
                   'level', (CAST(:names AS text[]))[raised.level], 'due_at', raised.due_at
               )
           ), :now, :now
    FROM raised
    JOIN branch ON branch.code = raised.branch
    JOIN webhook ON webhook.office = branch.office AND webhook.active
        AND (webhook.branches IS NULL OR raised.branch = ANY (webhook.branches))
    ON CONFLICT (key) DO NOTHING
)
SELECT count(*) FROM advanced
""")
_NAMES = [level.name.lower() for level in sorted(Level)]  # position = level, as in a SQL array


def raise_due(session: Session, now: datetime, clocks: Mapping[str, datetime], limit: int) -> int:
    """Raise what is due, queue its deliveries to webhooks, and move the watch list on.

    Of several moments passed at once only the highest level is raised. OVERDUE waits for the clock
    of the branch (`service.silence`); a branch without one is judged by now.

    Returns how many rows were taken off the list: ask again while it equals `limit`. A row whose
    fact was announced before is taken off too, without a second alert.
    """
    taken = session.scalar(
        _RAISE_DUE,
        {
            "now": now,
            "branches": list(clocks),
            "clocks": list(clocks.values()),
            "overdue": int(Level.OVERDUE),
            "names": _NAMES,
            "limit": limit,
        },
    )
    return int(taken or 0)
