"""What a daily digest needs: who has not had it, and how the dossiers of a branch stand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import String, exists, func, literal, select, text
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.db.tables import delivery, user_account, webhook

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone, or some machine, that is owed a digest.

    Attributes:
        key: What its delivery of that day is queued under.
        address: A mail address, or the id of a webhook.
        branches: The branches it may see; None for all of the office.
    """

    key: str
    address: str
    office: str
    branches: frozenset[str] | None


def people_without(session: Session, offices: Collection[str], day: date) -> tuple[Recipient, ...]:
    """The active accounts with a mail address that have no digest of that day yet."""
    key = literal("digest:user:", String) + func.concat(user_account.c.id, f":{day}")
    query = select(key, user_account.c.email, user_account.c.office, user_account.c.branches).where(
        user_account.c.active,
        user_account.c.email != "",
        user_account.c.office.in_(sorted(offices)),
        ~exists().where(delivery.c.key == key),
    )
    return tuple(_recipient(*row) for row in session.execute(query))


def webhooks_without(
    session: Session, offices: Collection[str], day: date
) -> tuple[Recipient, ...]:
    """The active webhooks that have no digest of that day yet."""
    key = literal("digest:webhook:", String) + func.concat(webhook.c.id, f":{day}")
    query = select(
        key, func.cast(webhook.c.id, String), webhook.c.office, webhook.c.branches
    ).where(
        webhook.c.active,
        webhook.c.office.in_(sorted(offices)),
        ~exists().where(delivery.c.key == key),
    )
    return tuple(_recipient(*row) for row in session.execute(query))


def _recipient(key: str, address: str, office: str, branches: Sequence[str] | None) -> Recipient:
    return Recipient(key, address, office, None if branches is None else frozenset(branches))


class Standing(StrEnum):
    """How a running dossier stands at the opening of a day; each is counted once."""

    OVERDUE = "overdue"  # and was when the last digest was written
    NEWLY_OVERDUE = "newly_overdue"
    UNVERIFIED = "unverified"
    DUE_TODAY = "due_today"
    APOLOGY_TODAY = "apology_today"
    DUE_SOON = "due_soon"


@dataclass(frozen=True, slots=True)
class Yard:
    """The moments one branch is asked about, in order.

    Attributes:
        day_start, day_end: Local midnights around the day of the digest (the end exclusive).
        since: The opening of the last working day, when the last digest was written.
        clock_at: What was due by then is overdue; after that, up to now, it is unverified.
    """

    branch: str
    since: datetime
    clock_at: datetime
    day_start: datetime
    day_end: datetime
    soon_until: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Dossiers of one branch that stand alike: how many, and the earliest due by code."""

    branch: str
    standing: Standing
    count: int
    first: tuple[tuple[datetime, str], ...]


# Newly overdue is what fell due since the last digest, or was said to be overdue since: where the
# clock of a branch waited for its feed, the due moment itself may be older than the last digest.
# What we first heard of since then is not new for being old: it was late before we knew it.
# The state is written out, so that the planner sees that ix_dossier_open covers it.
_STANDING = text("""
WITH yard AS (
    SELECT * FROM unnest(
        CAST(:branches AS text[]), CAST(:since AS timestamptz[]), CAST(:clock_at AS timestamptz[]),
        CAST(:day_start AS timestamptz[]), CAST(:day_end AS timestamptz[]),
        CAST(:soon_until AS timestamptz[])
    ) AS y (branch, since, clock_at, day_start, day_end, soon_until)
), standing AS (
    SELECT d.branch, d.code, d.due_at, CASE
        WHEN d.due_at <= y.clock_at THEN CASE
            WHEN d.due_at > y.since OR EXISTS (
                SELECT FROM alert AS a
                WHERE a.subject = d.code AND a.level = :overdue AND a.due_at = d.due_at
                  AND a.raised_at > y.since AND d.first_seen_at <= y.since
            ) THEN 'newly_overdue' ELSE 'overdue' END
        WHEN d.due_at <= :now THEN 'unverified'
        WHEN d.due_at <= y.day_end THEN 'due_today'
        WHEN coalesce(jsonb_array_length(d.apologies), 0) = 0 AND EXISTS (
            SELECT FROM watch AS w
            WHERE w.code = d.code
              AND w.moments[array_position(w.levels, CAST(:apology AS smallint))] >= y.day_start
              AND w.moments[array_position(w.levels, CAST(:apology AS smallint))] < y.day_end
        ) THEN 'apology_today'
        ELSE 'due_soon' END AS standing
    FROM yard AS y
    JOIN dossier AS d ON d.branch = y.branch COLLATE "C"
        AND d.state NOT IN ('finished', 'closed') AND d.state = 'running'
        AND coalesce(d.due_at, 'infinity'::timestamptz) <= greatest(y.soon_until, :now)
)
SELECT branch, standing, count(*) AS count,
       (array_agg(code ORDER BY due_at, code))[1:20] AS codes,
       (array_agg(due_at ORDER BY due_at, code))[1:20] AS dues
FROM standing
GROUP BY branch, standing
ORDER BY branch, standing
""")


def standing(session: Session, yards: Sequence[Yard], now: datetime) -> tuple[Group, ...]:
    """How the running dossiers of some branches stand, up to the end of what is due soon."""
    found = session.execute(
        _STANDING,
        {
            "branches": [yard.branch for yard in yards],
            "since": [yard.since for yard in yards],
            "clock_at": [yard.clock_at for yard in yards],
            "day_start": [yard.day_start for yard in yards],
            "day_end": [yard.day_end for yard in yards],
            "soon_until": [yard.soon_until for yard in yards],
            "now": now,
            "overdue": int(Level.OVERDUE),
            "apology": int(Level.APOLOGY_DUE),
        },
    )
    return tuple(
        Group(branch, Standing(how), count, tuple(zip(dues, codes, strict=True)))
        for branch, how, count, codes, dues in found
    )
