"""Alerts are raised here: what is due leaves the watch list, and webhooks are told at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from app.core.ladder import Level, Rung
from app.db import locks
from app.db.locks import AdvisoryLock
from app.db.tables import watch

_LIMIT_ENDS = 100
"""Levels below it are all of the limit; each other level has a clock of its own."""

# The deliveries to webhooks of the alerts `raised` that go at once.
_QUEUED = """
queued AS (
    INSERT INTO delivery (key, channel, address, office, branch, alert_id, body, created_at,
                          next_attempt_at)
    SELECT 'alert:' || raised.id || ':' || webhook.id, 'webhook', webhook.id, raised.office,
           raised.branch, raised.id,
           jsonb_build_object(
               'type', 'alert.' || word.word,
               'timestamp', CAST(:now AS timestamptz),
               'data', jsonb_build_object(
                   'id', raised.id, 'kind', raised.kind, 'subject', raised.subject,
                   'code', CASE WHEN raised.level < 200 THEN raised.subject END,
                   'office', raised.office, 'branch', raised.branch,
                   'level', word.word, 'due_at', raised.due_at, 'details', raised.details
               )
           ), :now, :now
    FROM raised
    JOIN word ON word.level = raised.level
    JOIN webhook ON webhook.office = raised.office AND webhook.active
        AND (webhook.branches IS NULL OR raised.branch = ANY (webhook.branches))
        AND (webhook.events IS NULL OR 'alert.' || word.word = ANY (webhook.events))
    WHERE raised.at_once
    ON CONFLICT (key) DO NOTHING
)"""
_WORDS = """word AS (
    SELECT * FROM unnest(
        CAST(:levels AS smallint[]), CAST(:words AS text[]), CAST(:kinds AS text[])
    ) AS w (level, word, kind)
)"""

# One statement, so a row leaves the watch list if and only if its alert and the deliveries of that
# alert exist. What accuses is held by the branch's clock; warnings do not wait. What was passed
# before `next_at` has been said, or is of a file of the past. SKIP LOCKED: two sweeps share the
# work, and a dossier just being written waits a minute.
_RAISE_DUE = text(f"""
WITH clock AS (
    SELECT branch, clock_at
    FROM unnest(CAST(:branches AS text[]), CAST(:clocks AS timestamptz[])) AS c (branch, clock_at)
), due AS (
    SELECT w.*, least(:now, coalesce(c.clock_at, :now)) AS clock_at
    FROM watch w
    LEFT JOIN clock c ON c.branch = w.branch COLLATE "C"
    WHERE w.next_at <= :now
      AND (w.next_level < :overdue OR w.next_at <= coalesce(c.clock_at, :now))
    ORDER BY w.next_at
    LIMIT :limit
    FOR UPDATE OF w SKIP LOCKED
), moment AS (
    SELECT due.code, u.n, u.at, u.level,
           CASE WHEN u.level < {_LIMIT_ENDS} THEN 0 ELSE u.level END AS clock,
           u.at >= due.next_at AS unsaid,
           u.at <= CASE WHEN u.level < :overdue THEN :now ELSE due.clock_at END AS passed
    FROM due, unnest(due.moments, due.levels) WITH ORDINALITY AS u (at, level, n)
), highest AS (
    SELECT DISTINCT ON (code, clock) code, level, at
    FROM moment WHERE passed AND unsaid
    ORDER BY code, clock, level DESC
), advanced AS (
    UPDATE watch
    SET next_at = due.moments[later.n], next_level = due.levels[later.n]
    FROM due
    LEFT JOIN (SELECT code, min(n) AS n FROM moment WHERE NOT passed GROUP BY code) AS later
        ON later.code = due.code
    WHERE watch.code = due.code
    RETURNING watch.code
), {_WORDS}, rung AS (
    SELECT ladder.id AS ladder, r.level, word.kind, r.tell, r.at_once
    FROM ladder
    CROSS JOIN jsonb_to_recordset(ladder.rungs) AS r (level smallint, tell text[], at_once boolean)
    JOIN word ON word.level = r.level
), raised AS (
    INSERT INTO alert (office, branch, subject, kind, level, due_at, raised_at, tell, at_once)
    SELECT branch.office, due.branch, due.code, rung.kind, rung.level,
           CASE WHEN rung.level < {_LIMIT_ENDS} THEN due.due_at ELSE highest.at END,
           :now, rung.tell, rung.at_once
    FROM highest
    JOIN due ON due.code = highest.code
    JOIN rung ON rung.ladder = due.ladder AND rung.level = highest.level
    JOIN branch ON branch.code = due.branch
    ORDER BY due.code
    ON CONFLICT (subject, level, due_at) DO NOTHING
    RETURNING *
), {_QUEUED}
SELECT count(*) FROM advanced
""")

_RAISE = text(f"""
WITH {_WORDS}, told AS (
    SELECT * FROM jsonb_to_recordset(CAST(:told AS jsonb)) AS t (
        office text, branch text, subject text, level smallint, due_at timestamptz, tell text[],
        at_once boolean, details jsonb)
), raised AS (
    INSERT INTO alert (office, branch, subject, kind, level, due_at, raised_at, tell, at_once,
                       details)
    SELECT told.office, told.branch, told.subject, word.kind, told.level, told.due_at, :now,
           told.tell, told.at_once, told.details
    FROM told JOIN word ON word.level = told.level
    WHERE NOT EXISTS (
        SELECT FROM alert WHERE alert.subject = told.subject COLLATE "C"
            AND alert.level = told.level AND alert.due_at = told.due_at
    )
    ORDER BY told.subject
    ON CONFLICT (subject, level, due_at) DO NOTHING
    RETURNING *
), {_QUEUED}
SELECT count(*) FROM raised
""")
_LEVELS = {
    "levels": [int(level) for level in Level],
    "words": [level.word for level in Level],
    "kinds": [level.kind.value for level in Level],
}


class Raised(NamedTuple):
    """Something to say that is of no dossier: its subject, when it was due, what more there is."""

    office: str
    branch: str | None
    subject: str
    due_at: datetime
    rung: Rung
    details: Mapping[str, Any]


def is_any_due(session: Session, now: datetime) -> bool:
    """Whether a moment of the watch list has passed: what an idle minute costs."""
    return bool(session.scalar(select(exists().where(watch.c.next_at <= now))))


def raise_due(session: Session, now: datetime, clocks: Mapping[str, datetime], limit: int) -> int:
    """Raise what is due, queue its deliveries to webhooks, and move the watch list on.

    Of several moments of one clock passed at once only the highest level is raised. From OVERDUE on
    a level waits for the clock of the branch (`service.silence`); a branch without one is judged by
    now. Whom an alert tells, and whether it goes at once, is as the dossier's ladder says.

    Returns how many rows were taken off the list: ask again while it equals `limit`. A row whose
    fact was announced before is taken off too, without a second alert.
    """
    _hold(session)
    taken = session.scalar(
        _RAISE_DUE,
        {
            "now": now,
            "branches": list(clocks),
            "clocks": list(clocks.values()),
            "overdue": int(Level.OVERDUE),
            "limit": limit,
            **_LEVELS,
        },
    )
    return int(taken or 0)


def raise_these(session: Session, told: Sequence[Raised], now: datetime) -> int:
    """Raise what is not of a dossier's clock; returns how many were not known yet."""
    if not told:
        return 0
    _hold(session)
    rows = [
        {
            "office": one.office,
            "branch": one.branch,
            "subject": one.subject,
            "level": int(one.rung.level),
            "due_at": one.due_at,
            "tell": one.rung.tell,
            "at_once": one.rung.at_once,
            "details": one.details,
        }
        for one in told
    ]
    asked = {"told": msgspec.json.encode(rows).decode(), "now": now, **_LEVELS}
    return int(session.scalar(_RAISE, asked) or 0)


def _hold(session: Session) -> None:
    """Ids are given before they are seen: who reads how far they go must find none under way."""
    locks.shared(session, AdvisoryLock.ALERT_IDS)
