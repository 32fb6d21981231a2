"""When each branch was last heard of, by source, and how often each source should speak."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from app.db.tables import branch, client, feed, pull, source

# A source nobody has registered (the pages) stands behind those that were: the default rank.
_RANK: ColumnElement[int] = func.coalesce(source.c.rank, 100)


def heard_at(session: Session) -> dict[str, datetime]:
    """The newest moment told of each branch by its leading source; absent if never heard of.

    Leading is the highest-ranked source that has ever told of the branch, the system of record of
    its dossiers. A chatty witness below it proves nothing: it would not have told of the end of a
    dossier. Of several with the same rank the one heard last counts.
    """
    query = (
        select(feed.c.branch, feed.c.heard_at)
        .ext(distinct_on(feed.c.branch))
        .outerjoin(source, source.c.code == feed.c.source)
        .order_by(feed.c.branch, _RANK, feed.c.heard_at.desc())
    )
    return {row[0]: row[1] for row in session.execute(query)}


def listing(session: Session, branches: Collection[str]) -> Sequence[RowMapping]:
    """Every source that has told of some branches, the leading one of each branch first.

    Columns: branch, source, name, rank, expected_minutes, heard_at.
    """
    query = (
        select(
            feed.c.branch,
            feed.c.source,
            func.coalesce(source.c.name, feed.c.source).label("name"),
            _RANK.label("rank"),
            source.c.expected_minutes,
            feed.c.heard_at,
        )
        .outerjoin(source, source.c.code == feed.c.source)
        .where(feed.c.branch.in_(sorted(branches)))
        .order_by(feed.c.branch, _RANK, feed.c.heard_at.desc(), feed.c.source)
    )
    return session.execute(query).mappings().all()


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


def offices_of(session: Session, code: str) -> set[str]:
    """The offices whose clients, pulls or branches use a source; empty for one nobody knows."""
    users = (
        select(client.c.office)
        .where(client.c.source == code)
        .union(
            select(pull.c.office).where(pull.c.source == code),
            select(branch.c.office)
            .join(feed, feed.c.branch == branch.c.code)
            .where(feed.c.source == code),
        )
    )
    return set(session.scalars(users))


def expect(session: Session, code: str, minutes: int | None) -> bool:
    """Set how long a source may be silent while offices are open; False if it is not known."""
    changed = session.execute(
        update(source)
        .where(source.c.code == code)
        .values(expected_minutes=minutes)
        .returning(source.c.code)
    )
    return changed.first() is not None


def forget(session: Session, code: str, branches: Collection[str]) -> int:
    """Forget that a source has told of some branches: it will not tell of them again.

    Returns how many. If it speaks after all, it is there again.
    """
    gone = session.execute(
        delete(feed)
        .where(feed.c.source == code, feed.c.branch.in_(sorted(branches)))
        .returning(feed.c.branch)
    )
    return len(gone.all())
