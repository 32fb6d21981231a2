"""The alerts that were raised, for people: listed, and who is on which."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, bindparam, insert, text
from sqlalchemy.orm import Session

from app.db.tables import acknowledgement
from app.db.truth import still_so


class Scope(NamedTuple):
    """Whose alerts are looked at; those of the office as a whole only by who may see all of it."""

    office: str
    branches: Sequence[str]
    whole_office: bool


class Which(NamedTuple):
    """Which of them: kinds and levels (None is all), and whether only what still is so."""

    kinds: Collection[str] | None = None
    levels: Collection[int] | None = None
    tell: str | None = None
    standing: bool = False


# Read again, not remembered: what was closed, moved or mended since is no longer so. Of one clock
# only the newest alert stands, for a higher level says all that a lower one says.
_OF_NO_DOSSIER = """CASE alert.kind
    WHEN 'feed' THEN NOT EXISTS (
        SELECT FROM feed WHERE feed.branch = alert.branch
            AND feed.source = alert.details ->> 'source' COLLATE "C"
            AND feed.heard_at > CAST(alert.details ->> 'heard_at' AS timestamptz))
    WHEN 'calendar' THEN alert.subject = ANY(:unconfirmed)
    WHEN 'quarantine' THEN EXISTS (
        SELECT FROM quarantine WHERE quarantine.office = alert.office
            AND quarantine.branch = alert.branch AND quarantine.state = 'open'
            AND quarantine.source = alert.details ->> 'source' COLLATE "C"
        ) AND NOT EXISTS (
            SELECT FROM alert AS later WHERE later.subject = alert.subject
                AND later.level = alert.level AND later.due_at > alert.due_at)
    ELSE false END"""
_STANDING = f"""{still_so("alert", "dossier", _OF_NO_DOSSIER)} AND NOT (
    alert.kind = 'limit' AND EXISTS (
        SELECT FROM alert AS higher WHERE higher.subject = alert.subject
            AND higher.kind = 'limit' AND higher.due_at = alert.due_at
            AND higher.level > alert.level))"""
# Whatever still is so of a dossier has a clock that runs and of which something was said: thousands
# of rows, where the alerts ever raised are millions.
_STANDING_ONES = """(
    SELECT said.* FROM watch JOIN alert AS said ON said.subject = watch.code
    WHERE watch.branch = ANY(:branches)
      AND (watch.next_at IS NULL OR watch.next_at > watch.moments[1])
    UNION ALL
    SELECT said.* FROM alert AS said WHERE said.office = :office AND said.level >= 200
) AS alert"""

_PAGE = """
SELECT alert.id, alert.office, alert.branch, alert.subject, alert.kind, alert.level, alert.due_at,
       alert.raised_at, alert.tell, alert.at_once, alert.details,
       coalesce({standing}, false) AS standing,
       dossier.procedure_code, dossier.due_on,
       ack.by AS ack_by, ack.at AS ack_at, ack.until_at AS ack_until_at, ack.note AS ack_note
FROM {alerts}
LEFT JOIN dossier ON dossier.code = alert.subject AND alert.level < 200
LEFT JOIN LATERAL (
    SELECT * FROM acknowledgement WHERE alert_id = alert.id ORDER BY id DESC LIMIT 1
) AS ack ON true
WHERE {where}
ORDER BY alert.id DESC
LIMIT :limit
"""


def page(
    session: Session,
    scope: Scope,
    which: Which,
    unconfirmed: Collection[str],
    *,
    before: int | None = None,
    limit: int,
) -> Sequence[RowMapping]:
    """Alerts of a scope, newest first; each with whether it still is so, and who is on it.

    `unconfirmed` are the subjects of calendar alerts that still are so.
    """
    where = ["alert.office = :office"]
    told: dict[str, Any] = {"office": scope.office, "limit": limit, "unconfirmed": [*unconfirmed]}
    mine = "alert.branch = ANY(:branches)"
    where.append(f"({mine} OR alert.branch IS NULL)" if scope.whole_office else mine)
    told["branches"] = list(scope.branches)
    if before is not None:
        where.append("alert.id < :before")
        told["before"] = before
    if which.kinds is not None:
        where.append("alert.kind = ANY(:kinds)")
        told["kinds"] = sorted(which.kinds)
    if which.levels is not None:
        where.append("alert.level = ANY(:levels)")
        told["levels"] = sorted(which.levels)
    if which.tell is not None:
        where.append(":tell = ANY(alert.tell)")
        told["tell"] = which.tell
    if which.standing:
        where.append(_STANDING)
    alerts = _STANDING_ONES if which.standing else "alert"
    query = text(_PAGE.format(standing=_STANDING, alerts=alerts, where=" AND ".join(where)))
    return session.execute(query, told).mappings().all()


_FIND = text(
    _PAGE.format(
        standing=_STANDING,
        alerts="alert",
        where="alert.id = :id AND alert.office = :office "
        "AND (alert.branch = ANY(:branches) OR :whole AND alert.branch IS NULL)",
    )
).bindparams(bindparam("limit", 1))


def find(
    session: Session, alert_id: int, scope: Scope, unconfirmed: Collection[str]
) -> RowMapping | None:
    """One alert of a scope."""
    told = {
        "id": alert_id,
        "office": scope.office,
        "branches": list(scope.branches),
        "whole": scope.whole_office,
        "unconfirmed": [*unconfirmed],
    }
    return session.execute(_FIND, told).mappings().one_or_none()


def acknowledge(
    session: Session, alert_id: int, by: str, now: datetime, until: datetime, note: str | None
) -> None:
    """Somebody is on it until a moment; said again, the newer word counts."""
    row = {"alert_id": alert_id, "by": by, "at": now, "until_at": until, "note": note}
    session.execute(insert(acknowledgement).values(row))
