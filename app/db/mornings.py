"""How the dossiers of each branch stand on a day: what its page shows and its digest tells."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.ladder import Level
from app.core.yardsticks import Yardstick
from app.db.in_hand import ENDED

SHOWN = 20
"""As many codes of a standing are named; the others are counted."""
LISTED = 1_000
"""As many dossiers of a branch are listed whole, the earliest due first."""


class Standing(StrEnum):
    """How a running dossier stands at the opening of a day; each is counted once."""

    OVERDUE = "overdue"  # and was as the last working day began
    NEWLY_OVERDUE = "newly_overdue"
    UNVERIFIED = "unverified"
    DUE_TODAY = "due_today"
    APOLOGY_TODAY = "apology_today"
    DUE_TOMORROW = "due_tomorrow"  # on the next working day
    DUE_SOON = "due_soon"


@dataclass(frozen=True, slots=True)
class Yard:
    """The moments one branch is asked about, in order.

    Attributes:
        since: The opening of the last working day.
        clock_at: What was due by then is overdue; after that, up to now, it is unverified.
        day_start, day_end: Local midnights around the day of the digest (the end exclusive).
        tomorrow_end: The midnight after the next working day.
        last_worked: The last working day before this one.
        tax_since, citizen_since: What waits since that day or earlier waits for too long.
    """

    branch: str
    office: str
    since: datetime
    clock_at: datetime
    day_start: datetime
    day_end: datetime
    tomorrow_end: datetime
    soon_until: datetime
    last_worked: date
    tax_since: date
    citizen_since: date


@dataclass(frozen=True, slots=True)
class Group:
    """Dossiers of one branch that stand alike: how many, and the earliest due by code.

    Of those `handled` somebody has said that they are on it; they are not among the `first`.
    `tomorrow` are due on the next working day, whatever else is to be done about them today.
    """

    branch: str
    standing: Standing
    count: int
    first: tuple[tuple[datetime, str], ...]
    handled: int = 0
    tomorrow: int = 0


_YARD = """yard AS (
    SELECT * FROM unnest(
        CAST(:branches AS text[]), CAST(:since AS timestamptz[]), CAST(:clock_at AS timestamptz[]),
        CAST(:day_start AS timestamptz[]), CAST(:day_end AS timestamptz[]),
        CAST(:tomorrow_end AS timestamptz[]), CAST(:soon_until AS timestamptz[])
    ) AS y (branch, since, clock_at, day_start, day_end, tomorrow_end, soon_until)
)"""
TOPMOST = """NOT EXISTS (
    SELECT FROM alert AS higher
    WHERE a.kind = 'limit' AND higher.kind = 'limit' AND higher.subject = a.subject
        AND higher.due_at = a.due_at AND higher.level > a.level
)"""
"""No higher alert of the same limit was raised than `a`: a higher one is told anew."""
# The newest word on an alert counts, and only on the highest of a dossier's limit.
_HANDLED = f"""handled AS (
    SELECT DISTINCT a.subject AS code, a.due_at
    FROM acknowledgement AS k JOIN alert AS a ON a.id = k.alert_id
    WHERE k.until_at > :now AND a.kind = 'limit' AND NOT EXISTS (
        SELECT FROM acknowledgement AS later
        WHERE later.alert_id = k.alert_id AND later.id > k.id
    ) AND {TOPMOST}
)"""
# Newly overdue is what fell due since the last working day, or was said to be overdue since: where
# the clock of a branch waited for its feed, the due moment itself may be older than that.
# What we first heard of since then is not new for being old: it was late before we knew it.
# The state is written out, so that the planner sees that ix_dossier_open covers it.
_STANDING = """standing AS (
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
        ) AND NOT EXISTS (
            SELECT FROM letter AS l
            WHERE l.code = d.code AND l.sent_at IS NOT NULL AND l.void_at IS NULL
        ) THEN 'apology_today'
        WHEN d.due_at <= y.tomorrow_end THEN 'due_tomorrow'
        ELSE 'due_soon' END AS standing,
        d.due_at > y.day_end AND d.due_at <= y.tomorrow_end AS tomorrow, h.code AS handled
    FROM yard AS y
    JOIN dossier AS d ON d.branch = y.branch COLLATE "C"
        AND d.state NOT IN ('finished', 'closed') AND d.state = 'running'
        AND coalesce(d.due_at, 'infinity'::timestamptz) <= greatest(y.soon_until, :now)
    LEFT JOIN handled AS h ON h.code = d.code AND h.due_at = d.due_at
)"""


def _arguments(yards: Sequence[Yard], now: datetime) -> dict[str, object]:
    return {
        "branches": [yard.branch for yard in yards],
        "since": [yard.since for yard in yards],
        "clock_at": [yard.clock_at for yard in yards],
        "day_start": [yard.day_start for yard in yards],
        "day_end": [yard.day_end for yard in yards],
        "tomorrow_end": [yard.tomorrow_end for yard in yards],
        "soon_until": [yard.soon_until for yard in yards],
        "now": now,
        "overdue": int(Level.OVERDUE),
        "apology": int(Level.APOLOGY_DUE),
    }


def standing(session: Session, yards: Sequence[Yard], now: datetime) -> tuple[Group, ...]:
    """How the running dossiers of some branches stand, up to the end of what is due soon."""
    found = session.execute(
        text(f"""WITH {_YARD}, {_HANDLED}, {_STANDING}
SELECT branch, standing, count(*) AS n, count(handled) AS handled,
    count(*) FILTER (WHERE tomorrow) AS tomorrow,
    coalesce((array_agg(code ORDER BY due_at, code)
        FILTER (WHERE handled IS NULL))[1:{SHOWN}], '{{}}') AS codes,
    coalesce((array_agg(due_at ORDER BY due_at, code)
        FILTER (WHERE handled IS NULL))[1:{SHOWN}], '{{}}') AS dues
FROM standing GROUP BY branch, standing ORDER BY branch, standing"""),
        _arguments(yards, now),
    )
    return tuple(
        Group(
            branch=row.branch,
            standing=Standing(row.standing),
            count=row.n,
            first=tuple(zip(row.dues, row.codes, strict=True)),
            handled=row.handled,
            tomorrow=row.tomorrow,
        )
        for row in found
    )


def listed(session: Session, yards: Sequence[Yard], now: datetime) -> Sequence[RowMapping]:
    """The same dossiers one by one, at most `LISTED` of a branch, the earliest due first.

    Columns: branch, code, standing, procedure_code, commune, received_on, due_on, due_at.
    """
    found = session.execute(
        text(f"""WITH {_YARD}, {_HANDLED}, {_STANDING}, numbered AS (
    SELECT s.*, row_number() OVER (PARTITION BY branch ORDER BY due_at, code) AS nth
    FROM standing AS s
)
SELECT n.branch, n.code, n.standing, d.procedure_code, d.commune, d.received_on, d.due_on, d.due_at
FROM numbered AS n JOIN dossier AS d ON d.code = n.code
WHERE n.nth <= {LISTED} ORDER BY n.due_at, n.code"""),
        _arguments(yards, now),
    )
    return found.mappings().all()


def waiting(session: Session, yards: Sequence[Yard]) -> Sequence[RowMapping]:
    """What has waited too long for the tax or for the citizen, longest first.

    It stands since the newest pause without an end. Columns: branch, code, tax (else the citizen is
    waited for), since (a day), procedure_code, commune, received_on; at most `LISTED` of a branch,
    and `count`, how many there are of that branch and kind.
    """
    found = session.execute(
        text(f"""WITH yard AS (
    SELECT * FROM unnest(
        CAST(:branches AS text[]), CAST(:tax_since AS date[]), CAST(:citizen_since AS date[])
    ) AS y (branch, tax_since, citizen_since)
), waits AS (
    SELECT d.branch, d.code, d.procedure_code, d.commune, d.received_on, lower(pause) - 1 AS since,
        d.state = 'waiting' OR stop.reason = 'financial_obligation' AS tax, stop.reason,
        y.tax_since, y.citizen_since
    FROM yard AS y
    JOIN dossier AS d ON d.branch = y.branch COLLATE "C"
        AND d.state NOT IN ('finished', 'closed') AND d.state IN ('suspended', 'waiting')
    CROSS JOIN LATERAL unnest(d.paused) AS pause
    LEFT JOIN LATERAL (
        SELECT one ->> 'reason' AS reason
        FROM jsonb_array_elements(d.suspensions) WITH ORDINALITY AS s (one, nth)
        WHERE one ->> 'until_at' IS NULL ORDER BY nth DESC LIMIT 1
    ) AS stop ON true
    WHERE upper_inf(pause)
), long AS (
    SELECT *, count(*) OVER (PARTITION BY branch, tax) AS count,
        row_number() OVER (PARTITION BY branch, tax ORDER BY since, code) AS nth
    FROM waits
    WHERE CASE WHEN tax THEN since <= tax_since
               WHEN reason = 'supplement' THEN since <= citizen_since ELSE false END
)
SELECT branch, code, tax, since, procedure_code, commune, received_on, count
FROM long WHERE nth <= {LISTED} ORDER BY since, code"""),
        {
            "branches": [yard.branch for yard in yards],
            "tax_since": [yard.tax_since for yard in yards],
            "citizen_since": [yard.citizen_since for yard in yards],
        },
    )
    return found.mappings().all()


def ended(session: Session, yards: Sequence[Yard]) -> Mapping[str, tuple[int, int]]:
    """Of what ended on each branch's last working day: how many on time, and all with a verdict.

    By the legal yardstick; a branch where nothing ended is not in it.
    """
    found = session.execute(
        text(f"""SELECT branch, count(*) FILTER (WHERE how IN ('early', 'on_time')) AS on_time,
    count(*) FILTER (WHERE how IN ('early', 'on_time', 'late')) AS judged
FROM (
    SELECT d.branch, {ENDED[Yardstick.LEGAL]} AS how
    FROM unnest(CAST(:branches AS text[]), CAST(:days AS date[])) AS y (branch, day)
    JOIN dossier AS d ON d.branch = y.branch COLLATE "C" AND d.ended_on = y.day
) AS verdict GROUP BY branch"""),
        {
            "branches": [yard.branch for yard in yards],
            "days": [yard.last_worked for yard in yards],
        },
    )
    return {row.branch: (row.on_time, row.judged) for row in found if row.judged}


def ahead(
    session: Session, yards: Sequence[Yard], now: datetime, until: datetime
) -> Mapping[str, Mapping[date, int]]:
    """How many running dossiers of each branch fall due after now on each day, up to an instant."""
    found = session.execute(
        text("""SELECT branch, day, count(*) AS n FROM (
    SELECT d.branch, CAST(
        (d.due_at - interval '1 microsecond') AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date) AS day
    FROM unnest(CAST(:branches AS text[])) AS y (branch)
    JOIN dossier AS d ON d.branch = y.branch COLLATE "C"
        AND d.state NOT IN ('finished', 'closed') AND d.state = 'running'
        AND coalesce(d.due_at, 'infinity'::timestamptz) > :now
        AND coalesce(d.due_at, 'infinity'::timestamptz) <= :until
) AS due GROUP BY branch, day"""),
        {"branches": [yard.branch for yard in yards], "now": now, "until": until},
    )
    days: dict[str, dict[date, int]] = {}
    for row in found:
        days.setdefault(row.branch, {})[row.day] = row.n
    return days


def procedures(session: Session, codes: Collection[str]) -> Mapping[str, str]:
    """The procedure of each of some dossiers, by code."""
    found = session.execute(
        text("""SELECT code, procedure_code
FROM dossier WHERE code = ANY (CAST(:codes AS text[]) COLLATE "C")"""),
        {"codes": sorted(codes)},
    )
    return {row.code: row.procedure_code for row in found}


def refused(session: Session, yards: Sequence[Yard]) -> Mapping[str, tuple[int, int]]:
    """Refused records of each branch: those since the last working day opened, all that lie open.

    A branch without any is not in it.
    """
    found = session.execute(
        text("""SELECT y.branch, count(*) FILTER (WHERE q.arrived_at >= y.since) AS fresh,
    count(*) AS open
FROM unnest(CAST(:branches AS text[]), CAST(:offices AS text[]), CAST(:since AS timestamptz[]))
    AS y (branch, office, since)
JOIN quarantine AS q ON q.office = y.office COLLATE "C" AND q.branch = y.branch COLLATE "C"
    AND q.state = 'open'
GROUP BY y.branch"""),
        {
            "branches": [yard.branch for yard in yards],
            "offices": [yard.office for yard in yards],
            "since": [yard.since for yard in yards],
        },
    )
    return {row.branch: (row.fresh, row.open) for row in found}
