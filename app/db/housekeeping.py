"""What has run its course and may go."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db.tables import access_token
from app.db.tables import session as sign_in


def purge_expired(session: Session, now: datetime) -> int:
    """Delete access tokens and sign-ins that have expired; return how many."""
    gone = 0
    for table in (access_token, sign_in):
        expired = delete(table).where(table.c.expires_at <= now).returning(table.c.token_hash)
        gone += len(session.execute(expired).all())
    return gone
