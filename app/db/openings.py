"""Where today's facts do not agree with the frozen list a period opened with.

A dossier is *regular* if it stands in the list, and by the facts is in hand since before the
period under the same branch and procedure; or if it is not in the list and was received in the
period. Every other one is an adjustment: at what it was listed, and what it is by the facts.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.periods import Kind
from app.core.yardsticks import Yardstick
from app.db import in_hand
from app.db.in_hand import ENDED, Span
from app.db.lists import Clock


class Reason(StrEnum):
    """Why a dossier is adjusted."""

    ENDED_BEFORE = "ended_before"  # listed as open, and had ended before the period
    MOVED = "moved"  # listed under another branch
    PROCEDURE_CHANGED = "procedure_changed"  # listed under another procedure
    RECEIVED_LATER = "received_later"  # listed, and was received only in the period
    NOT_RECEIVED = "not_received"  # listed, and was not received, or not yet
    CAME_LATE = "came_late"  # not listed: nobody had told of it
    REOPENED = "reopened"  # not listed: it was counted as settled


class Opening(NamedTuple):
    """The closing whose list a period opens with."""

    closing: int
    name: str
    closed_at: Any


_COLUMNS = (
    "code, reason, was_branch, was_procedure, was_online, branch, procedure, online, fresh, held, "
    "open, standing"
)
_KEY = "reason, was_branch, was_procedure, was_online, branch, procedure, online, fresh, held"


def opening(session: Session, office: str, first: date, kind: Kind) -> Opening | None:
    """The closing that ends the day before; of several the same kind, else the last made."""
    row = session.execute(
        text(
            "SELECT id, name, closed_at FROM closing WHERE office = :office "
            "AND last_on = CAST(:first AS date) - 1 "
            "ORDER BY (kind = :kind) DESC, closed_at DESC, id DESC LIMIT 1"
        ),
        {"office": office, "first": first, "kind": kind.value},
    ).first()
    return None if row is None else Opening(*row)


def _adjusted(over: Span) -> str:
    """Every adjustment of the branches asked for, as a query.

    What is carried over by the facts and what was listed are joined by code; only where they do
    not agree is the dossier, and what the closing said of it, looked up (`OFFSET 0`: one by one).
    Columns: `_COLUMNS`. `was_…` is null if it was not listed; branch and the rest are null if it is
    received by nobody; `held` if it is in hand in the period, `fresh` if received in it.
    """
    columns = "d.code, d.branch, d.procedure_code, d.received_on"
    place = (
        f"CASE WHEN d.ended_on <= :last THEN {ENDED[Yardstick.FORM]} "
        f"ELSE {in_hand.standing(Yardstick.FORM, over)} END"
    )
    return f"""
WITH apart AS (
  SELECT coalesce(h.code, l.code) AS code
  FROM (SELECT * FROM ({in_hand.parts(over, columns, columns)}) AS p
        WHERE received_on < :first) AS h
  FULL JOIN (SELECT code, branch, procedure_code FROM closing_dossier
             WHERE closing_id = :closing AND branch = ANY(:branches) AND ended_on IS NULL) AS l
    ON l.code = h.code
  WHERE (h.branch = l.branch AND h.procedure_code = l.procedure_code) IS NOT TRUE
)
SELECT a.code,
  CASE WHEN o.code IS NULL THEN 'came_late'
    WHEN o.ended_on IS NOT NULL THEN 'reopened'
    WHEN d.code IS NULL THEN 'not_received'
    WHEN NOT d.held THEN 'ended_before'
    WHEN d.branch <> o.branch THEN 'moved'
    WHEN d.procedure_code <> o.procedure_code THEN 'procedure_changed'
    ELSE 'received_later' END AS reason,
  CASE WHEN o.ended_on IS NULL THEN o.branch END AS was_branch,
  CASE WHEN o.ended_on IS NULL THEN o.procedure_code END AS was_procedure,
  CASE WHEN o.ended_on IS NULL THEN o.online END AS was_online,
  d.branch, d.procedure_code AS procedure, d.online, d.fresh, coalesce(d.held, false) AS held,
  d.open, d.standing
FROM apart AS a
LEFT JOIN LATERAL (
  SELECT * FROM closing_dossier AS o WHERE o.code = a.code AND o.closing_id = :closing OFFSET 0
) AS o ON true
LEFT JOIN LATERAL (
  SELECT d.code, d.branch, d.procedure_code, d.channel = 'online' AS online,
    d.received_on >= :first AS fresh, coalesce(d.ended_on >= :first, true) AS held,
    (d.ended_on <= :last) IS NOT TRUE AS open, {place} AS standing
  FROM dossier AS d WHERE d.code = a.code AND d.received_on <= :last OFFSET 0
) AS d ON true
"""


def counted(
    session: Session, clocks: Sequence[Clock], over: Span, closing: int
) -> Sequence[RowMapping]:
    """How many adjustments of a kind there are, from one statement: `_KEY`, open, standing, n."""
    query = (
        f"SELECT {_KEY}, open, standing, count(*) AS n FROM ({_adjusted(over)}) AS adjusted "
        f"GROUP BY {_KEY}, open, standing"
    )
    found = session.execute(text(query), _arguments(clocks, over, closing))
    return found.mappings().all()


def page(
    session: Session,
    clocks: Sequence[Clock],
    over: Span,
    closing: int,
    *,
    after: str,
    limit: int,
) -> Sequence[RowMapping]:
    """Adjustments by code, as the facts stand."""
    query = (
        f"SELECT {_COLUMNS} FROM ({_adjusted(over)}) AS adjusted "
        'WHERE code COLLATE "C" > :after ORDER BY code COLLATE "C" LIMIT :limit'
    )
    told = _arguments(clocks, over, closing) | {"after": after, "limit": limit}
    return session.execute(text(query), told).mappings().all()


def freeze(session: Session, clocks: Sequence[Clock], over: Span, closing: int, into: int) -> None:
    """Keep the adjustments of a period that is being closed as `into`."""
    query = (
        f"INSERT INTO closing_adjustment (closing_id, {_COLUMNS}) "
        f"SELECT :into, {_COLUMNS} FROM ({_adjusted(over)}) AS adjusted ORDER BY code"
    )
    session.execute(text(query), _arguments(clocks, over, closing) | {"into": into})


def frozen(
    session: Session, closing: int, branches: Sequence[str], *, after: str, limit: int
) -> Sequence[RowMapping]:
    """Adjustments of a closed period by code, as they were, of some branches."""
    query = (
        f"SELECT {_COLUMNS} FROM closing_adjustment WHERE {_FROZEN} AND code > :after "
        "ORDER BY code LIMIT :limit"
    )
    told = {"closing": closing, "branches": list(branches), "after": after, "limit": limit}
    return session.execute(text(query), told).mappings().all()


def frozen_counts(session: Session, closing: int, branches: Sequence[str]) -> Sequence[RowMapping]:
    """How many adjustments a closed period had by reason: reason, n."""
    query = f"SELECT reason, count(*) AS n FROM closing_adjustment WHERE {_FROZEN} GROUP BY reason"
    told = {"closing": closing, "branches": list(branches)}
    return session.execute(text(query), told).mappings().all()


_FROZEN = (
    "closing_id = :closing AND (was_branch = ANY(:branches) "
    "OR (branch = ANY(:branches) AND held AND NOT fresh))"
)


def _arguments(clocks: Sequence[Clock], over: Span, closing: int) -> dict[str, Any]:
    return in_hand.arguments(clocks, over) | {"closing": closing}
