"""How much waits to be said: figures for machines that watch, within bounds."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

AT_MOST = 100_000
"""Rows looked at for one figure, so that a flood makes the figure stop and not the database."""


class Waiting(NamedTuple):
    """Deliveries that wait for their turn, and for how long the oldest has; those given up."""

    queued: int
    oldest_at: datetime | None
    dead: int


_DELIVERIES = text("""
SELECT * FROM (
    SELECT count(*) AS queued, min(created_at) AS oldest_at
    FROM (
        SELECT office, branch, created_at FROM delivery
        WHERE state = 'queued' ORDER BY next_attempt_at LIMIT :most
    ) AS first
    WHERE office = :office AND (:whole OR branch = ANY (CAST(:branches AS text[])))
) AS queue, (
    SELECT count(*) AS dead
    FROM (
        SELECT branch FROM delivery
        WHERE state = 'dead' AND office = :office ORDER BY office, id LIMIT :most
    ) AS first
    WHERE :whole OR branch = ANY (CAST(:branches AS text[]))
) AS given_up
""")
_ALERTS = text("""
SELECT count(*)
FROM (SELECT branch FROM watch WHERE next_at <= :now ORDER BY next_at LIMIT :most) AS first
WHERE branch = ANY (CAST(:branches AS text[]))
""")


def deliveries(
    session: Session, office: str, branches: Collection[str], *, whole_office: bool
) -> Waiting:
    """The deliveries of an office, or of some of its branches, that were not sent."""
    asked = {
        "office": office,
        "branches": list(branches),
        "whole": whole_office,
        "most": AT_MOST,
    }
    return Waiting(*session.execute(_DELIVERIES, asked).one())


def alerts(session: Session, branches: Collection[str], now: datetime) -> int:
    """Dossiers of some branches with a moment that has passed and was not raised.

    Up to a minute they wait for the sweep; what would accuse a branch that has not been heard of
    since waits for its word.
    """
    asked = {"branches": list(branches), "now": now, "most": AT_MOST}
    return int(session.scalar(_ALERTS, asked) or 0)
