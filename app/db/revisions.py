"""What was accepted of a dossier, change by change."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from app.db.tables import revision


def history(session: Session, code: str, after: int, limit: int) -> Sequence[RowMapping]:
    """The revisions of a dossier after one of them, oldest first, at most `limit`."""
    query = (
        select(revision)
        .where(revision.c.code == code, revision.c.revision_no > after)
        .order_by(revision.c.revision_no)
        .limit(limit)
    )
    return session.execute(query).mappings().all()
