"""What has run its course and may go."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.tables import access_token, attachment, delivery
from app.db.tables import session as sign_in


def purge_expired(session: Session, now: datetime) -> int:
    """Delete access tokens and sign-ins that have expired; return how many."""
    gone = 0
    for table in (access_token, sign_in):
        expired = delete(table).where(table.c.expires_at <= now).returning(table.c.token_hash)
        gone += len(session.execute(expired).all())
    return gone


def purge_deliveries(session: Session, settled_before: datetime, files_before: datetime) -> int:
    """Delete what was sent or dropped of the log, and earlier the files of it; how many deliveries.

    What is dead stays until somebody has looked: sent again or not, it was lost on somebody.
    """
    settled = delivery.c.state.in_(("sent", "dropped"))
    session.execute(
        delete(attachment).where(
            attachment.c.delivery_id.in_(
                select(delivery.c.id).where(settled, delivery.c.created_at < files_before)
            )
        )
    )
    gone = delete(delivery).where(settled, delivery.c.created_at < settled_before)
    counted = gone.returning(delivery.c.id).cte()
    return int(session.scalar(select(func.count()).select_from(counted)) or 0)
