"""When each branch was last heard of, by source."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.tables import feed


def heard_at(session: Session) -> dict[str, datetime]:
    """The newest moment told of each branch; a branch never heard of is absent."""
    query = select(feed.c.branch, func.max(feed.c.heard_at)).group_by(feed.c.branch)
    return {row[0]: row[1] for row in session.execute(query)}


def hear(session: Session, source: str, moments: Mapping[str, datetime]) -> None:
    """Move the clocks of branches forward (never back), in one statement."""
    if not moments:
        return
    rows = [
        {"branch": branch, "source": source, "heard_at": at}
        for branch, at in sorted(moments.items())
    ]
    fresh = insert(feed).values(rows)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["branch", "source"],
            set_={"heard_at": fresh.excluded.heard_at},
            where=fresh.excluded.heard_at > feed.c.heard_at,
        )
    )
