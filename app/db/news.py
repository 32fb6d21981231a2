"""What alerts tell somebody since they were last told: each alert once, and only while it is true.

Alerts that a digest tells by the state of the dossiers (due today, an apology to send) or of a feed
are not among them: they are told for as long as they are so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.ladder import Level, Told
from app.db.mornings import SHOWN, TOPMOST
from app.db.truth import still_so

TOLD_ONCE = (
    Level.SHARE_USED,
    Level.OVERDUE,
    Level.OVERDUE_REMINDED,
    Level.OVERDUE_LONG,
    Level.OVERDUE_VERY_LONG,
    Level.ACCEPTANCE_LATE,
    Level.SUPPLEMENT_NOTICE_LATE,
    Level.HAND_OVER_LATE,
)
"""The levels that are news."""


@dataclass(frozen=True, slots=True)
class View:
    """Whom alerts are new to: what they may see, and how far they have been told.

    Attributes:
        after: The newest alert they have been told of; alerts past it are new.
        since: Of who was never told anything: alerts raised from then on are new.
        back: What was acknowledged until a moment after this one, and no longer, comes back.
    """

    told: Told
    branches: tuple[str, ...]
    after: int
    since: datetime | None
    back: datetime


@dataclass(frozen=True, slots=True)
class News:
    """Alerts of one level new to one view: how many, and the earliest due by code.

    Of those `handled` somebody is on it already; they are not among the `first`.
    """

    level: Level
    count: int
    handled: int
    first: tuple[tuple[datetime, str], ...]


# What an alert says must still be so: the dossier open, its clock as it was, in the same hands.
_STILL_TRUE = f"d.code = a.subject AND d.branch = a.branch AND {still_so('a', 'd', 'false')}"
# Of one clock a higher level says all that a lower one says.
_NEW = text(f"""
WITH view AS (
    SELECT * FROM jsonb_to_recordset(CAST(:views AS jsonb))
        AS v (n int, told text, branches text[], after bigint, since timestamptz)
), new AS (
    SELECT DISTINCT ON (v.n, a.subject, a.kind)
        v.n, a.level, a.subject, a.due_at,
        coalesce(said.until_at > :now, false) AND {TOPMOST} AS handled
    FROM view AS v
    CROSS JOIN LATERAL unnest(v.branches) AS mine (branch)
    JOIN alert AS a ON a.branch = mine.branch COLLATE "C" AND a.id > v.after AND a.id <= :until
        AND (v.since IS NULL OR a.raised_at >= v.since)
        AND v.told = ANY (a.tell) AND a.level = ANY (CAST(:levels AS smallint[]))
    JOIN dossier AS d ON {_STILL_TRUE}
    LEFT JOIN LATERAL (
        SELECT k.until_at FROM acknowledgement AS k
        WHERE k.alert_id = a.id ORDER BY k.id DESC LIMIT 1
    ) AS said ON true
    ORDER BY v.n, a.subject, a.kind, a.level DESC
)
SELECT n AS view, level, count(*) AS n, count(*) FILTER (WHERE handled) AS handled,
    coalesce((array_agg(subject ORDER BY due_at, subject)
        FILTER (WHERE NOT handled))[1:{SHOWN}], '{{}}') AS codes,
    coalesce((array_agg(due_at ORDER BY due_at, subject)
        FILTER (WHERE NOT handled))[1:{SHOWN}], '{{}}') AS dues
FROM new GROUP BY n, level ORDER BY n, level
""")


def told_anew(
    session: Session, views: Sequence[View], until: int, now: datetime
) -> list[Mapping[Level, News]]:
    """What is new to each view, by level, in the order of the views; one statement."""
    told = [
        {
            "n": n,
            "told": view.told.value,
            "branches": view.branches,
            "after": view.after,
            "since": view.since,
        }
        for n, view in enumerate(views)
    ]
    rows = session.execute(
        _NEW,
        {
            "views": msgspec.json.encode(told).decode(),
            "until": until,
            "now": now,
            "levels": [int(level) for level in TOLD_ONCE],
        },
    )
    found: list[dict[Level, News]] = [{} for _ in views]
    for row in rows:
        first = tuple(zip(row.dues, row.codes, strict=True))
        level = Level(row.level)
        found[row.view][level] = News(level, row.n, row.handled, first)
    return list(found)


_HANDLED = text(f"""
SELECT a.subject AS code, a.branch, a.level, a.tell, a.due_at, k.until_at,
    coalesce(u.name, k.by) AS by
FROM acknowledgement AS k
JOIN alert AS a ON a.id = k.alert_id
JOIN dossier AS d ON {_STILL_TRUE}
LEFT JOIN user_account AS u ON k.by = 'user:' || u.login
WHERE k.until_at > :since AND a.branch = ANY (CAST(:branches AS text[]) COLLATE "C")
    AND NOT EXISTS (
        SELECT FROM acknowledgement AS later
        WHERE later.alert_id = k.alert_id AND later.id > k.id
    ) AND {TOPMOST}
ORDER BY k.until_at, a.subject
""")


def handled(session: Session, branches: Sequence[str], since: datetime) -> Sequence[RowMapping]:
    """What somebody is on, or was to be on until after `since`, and what is still so.

    Columns: code, branch, level, tell, due_at, until_at, by (the name of the account).
    """
    told: dict[str, Any] = {"branches": list(branches), "since": since}
    return session.execute(_HANDLED, told).mappings().all()
