"""Calendar layers as they were published, and the working calendars they make up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.db.tables import calendar, working_calendar

NATIONAL = "national"


def publish(
    session: Session, scope: str, body: Mapping[str, Any], published: int, now: datetime
) -> bool:
    """Publish a new version of a scope's layer; False if it equals the newest already."""
    newest = find(session, scope)
    if newest is not None and newest["body"] == body:
        return False
    session.execute(
        insert(calendar).values(
            scope=scope,
            version=(newest["version"] if newest else 0) + 1,
            body=body,
            published_in=published,
            published_at=now,
        )
    )
    return True


def find(session: Session, scope: str, version: int | None = None) -> RowMapping | None:
    """The layer of a scope: the newest, or one version of it."""
    query = (
        select(calendar)
        .where(calendar.c.scope == scope)
        .order_by(calendar.c.version.desc())
        .limit(1)
    )
    if version is not None:
        query = query.where(calendar.c.version == version)
    return session.execute(query).mappings().first()


def newest(session: Session) -> Sequence[RowMapping]:
    """The newest layer of each scope."""
    query = (
        select(calendar)
        .ext(distinct_on(calendar.c.scope))
        .order_by(calendar.c.scope, calendar.c.version.desc())
    )
    return session.execute(query).mappings().all()


_COMPOSE = text(
    """
WITH newest AS (
  SELECT DISTINCT ON (scope) scope, id FROM calendar ORDER BY scope, version DESC
), place AS (
  SELECT NULL::text AS office, NULL::text AS branch
  UNION ALL SELECT code, NULL FROM office
  UNION ALL SELECT office, code FROM branch
), stack AS (
  SELECT DISTINCT array_remove(ARRAY[nation.id, own.id, narrow.id], NULL) AS layers
  FROM place
  LEFT JOIN newest AS nation ON nation.scope = 'national'
  LEFT JOIN newest AS own ON own.scope = place.office
  LEFT JOIN newest AS narrow ON narrow.scope = place.branch
)
INSERT INTO working_calendar (layers)
SELECT layers FROM stack WHERE layers <> '{}'
  AND NOT EXISTS (SELECT FROM working_calendar AS held WHERE held.layers = stack.layers)
"""
)


def compose(session: Session) -> None:
    """Give every stack of newest layers that some place works by an id, if it has none yet."""
    session.execute(_COMPOSE)


def stacks(session: Session, layers: Sequence[int]) -> Mapping[tuple[int, ...], int]:
    """The working calendars made of some layers: their ids by the layers they are made of."""
    query = select(working_calendar.c.layers, working_calendar.c.id).where(
        working_calendar.c.layers.contained_by(list(layers))
    )
    return {tuple(row.layers): row.id for row in session.execute(query)}


def layers_of(session: Session, calendar_id: int) -> Sequence[RowMapping]:
    """The layers of a working calendar, the widest first."""
    query = (
        select(calendar)
        .join(working_calendar, calendar.c.id == func.any(working_calendar.c.layers))
        .where(working_calendar.c.id == calendar_id)
        .order_by(func.array_position(working_calendar.c.layers, calendar.c.id))
    )
    return session.execute(query).mappings().all()
