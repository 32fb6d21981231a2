"""The lists people work from: dossiers of the branches in scope, most urgent first."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session


class Reading(StrEnum):
    """What a list may ask for: stored states, and readings that depend on the moment asked."""

    OPEN = "open"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    UNVERIFIED = "unverified"
    SUSPENDED = "suspended"
    WAITING = "waiting"
    NO_LIMIT = "no_limit"
    SUBMITTED = "submitted"
    FINISHED = "finished"
    LATE = "late"
    CLOSED = "closed"


class Clock(NamedTuple):
    """What "now" means for one branch: see `service.silence.BranchClock`."""

    branch: str
    clock_at: datetime
    soon_until: datetime


class Place(NamedTuple):
    """Where a page ended; `due_at` is `infinity` for dossiers without a due moment."""

    due_at: str
    code: str


_PLACE = "coalesce(d.due_at, 'infinity'::timestamptz)"
OPEN_STATES = "d.state NOT IN ('finished', 'closed')"
OVERDUE = "(d.state = 'running' AND d.due_at <= c.clock_at)"
UNVERIFIED = "(d.state = 'running' AND d.due_at > c.clock_at AND d.due_at <= :now)"
DUE_SOON = "(d.state = 'running' AND d.due_at > :now AND d.due_at <= c.soon_until)"

_WHERE = {
    Reading.OPEN: OPEN_STATES,
    Reading.OVERDUE: OVERDUE,
    Reading.UNVERIFIED: UNVERIFIED,
    Reading.DUE_SOON: DUE_SOON,
    Reading.FINISHED: "d.state = 'finished'",
    # finished late, by the legal yardstick: the dossiers behind a branch's rate
    Reading.LATE: "d.state = 'finished' AND (d.legal_late OR d.legal_end_on > d.legal_due_on)",
    Reading.CLOSED: "d.state = 'closed'",
    Reading.SUSPENDED: "d.state = 'suspended'",
    Reading.WAITING: "d.state = 'waiting'",
    Reading.SUBMITTED: "d.state = 'submitted'",
    # also an ended dossier may lack a limit; it counts beside the rate and must be findable
    Reading.NO_LIMIT: "d.no_limit IS NOT NULL",
}
# Between which moments of the index such dossiers lie: else a page that is not full, like the last,
# would look through all that is open and due later.
_SINCE = {Reading.UNVERIFIED: "c.clock_at", Reading.DUE_SOON: ":now"}
_UNTIL = {
    Reading.OVERDUE: "c.clock_at",
    Reading.UNVERIFIED: ":now",
    Reading.DUE_SOON: "c.soon_until",
}
_ENDED = {Reading.FINISHED, Reading.LATE, Reading.CLOSED, Reading.NO_LIMIT}

CLOCKS = (
    "unnest(CAST(:branches AS text[]), CAST(:clocks AS timestamptz[]), "
    "CAST(:soons AS timestamptz[])) AS c(branch, clock_at, soon_until)"
)

_COLUMNS = """
d.code, d.procedure, d.procedure_code, d.branch, d.commune, d.channel, d.applicant_kind, d.status,
d.state, d.no_limit, d.received_at, d.due_on, d.due_at, d.provisional, d.case_used, d.case_assumed,
d.promised_at, d.finished_at, d.how_ended, d.handed_over_at, d.updated_at, d.legal_due_on,
d.legal_end_on, d.legal_late
"""


def clock_arguments(clocks: Sequence[Clock], now: datetime) -> dict[str, object]:
    """The bound parameters every statement with `CLOCKS` takes."""
    return {
        "branches": [clock.branch for clock in clocks],
        "clocks": [clock.clock_at for clock in clocks],
        "soons": [clock.soon_until for clock in clocks],
        "now": now,
    }


def page(
    session: Session,
    clocks: Sequence[Clock],
    now: datetime,
    *,
    readings: Sequence[Reading] = (),
    procedure: str | None = None,
    code_prefix: str | None = None,
    after: Place | None = None,
    limit: int = 100,
) -> Sequence[RowMapping]:
    """One page of the branches of `clocks`, by due moment and code; several readings are joined.

    Each branch gives its first `limit` places from its own index in order, so a page costs the same
    wherever it lies and however many dossiers there are; rows are read of those on the page only.
    """
    where = _where(readings, procedure, code_prefix, after)
    query = f"""
SELECT {_COLUMNS}, place.reading FROM (
  SELECT f.* FROM {CLOCKS}
  CROSS JOIN LATERAL (
    SELECT d.code, {_PLACE} AS at,
      CASE WHEN {OVERDUE} THEN 'overdue' WHEN {UNVERIFIED} THEN 'unverified'
           WHEN {DUE_SOON} THEN 'due_soon' ELSE d.state END AS reading
    FROM dossier AS d WHERE {" AND ".join(where)}
    ORDER BY {_PLACE}, d.code LIMIT :limit
  ) AS f
  ORDER BY f.at, f.code LIMIT :limit
) AS place
JOIN dossier AS d ON d.code = place.code ORDER BY place.at, place.code
"""
    arguments = clock_arguments(clocks, now) | {
        "limit": limit,
        "procedure": procedure,
        "prefix": code_prefix,
        "after_due": after.due_at if after else None,
        "after_code": after.code if after else None,
    }
    return session.execute(text(query), arguments).mappings().all()


def _where(
    readings: Sequence[Reading],
    procedure: str | None,
    code_prefix: str | None,
    after: Place | None,
) -> list[str]:
    """What a dossier on the page must be, all of it."""
    wanted = [f"({_WHERE[reading]})" for reading in readings]
    where = ["d.branch = c.branch"]
    if wanted:
        where.append(f"({' OR '.join(wanted)})")
    if wanted and not _ENDED.intersection(readings):
        where.append(OPEN_STATES)  # lets the partial index answer
    where += _bounds(readings)
    if procedure is not None:
        where.append("d.procedure_code = :procedure")
    if code_prefix:
        where.append("starts_with(d.code, :prefix)")
    if after is not None:
        where.append(
            f'({_PLACE}, d.code) > (CAST(:after_due AS timestamptz), :after_code COLLATE "C")'
        )
    return where


def _bounds(readings: Sequence[Reading]) -> list[str]:
    """From when until when the dossiers of all these readings are due, as far as that is known."""
    found = []
    if readings and _SINCE.keys() >= set(readings):
        found.append(f"{_PLACE} > least({', '.join(_SINCE[one] for one in readings)})")
    if readings and _UNTIL.keys() >= set(readings):
        found.append(f"{_PLACE} <= greatest({', '.join(_UNTIL[one] for one in readings)})")
    return found
