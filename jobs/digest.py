"""Every minute: whoever's branch has opened and who has no digest of the day yet gets one."""

from datetime import datetime

from app.service.digest import write_digests as write
from jobs import Context


def write_digests(context: Context, now: datetime) -> int:
    """Queue the digests owed now; return how many."""
    settings = context.settings
    with context.sessions.begin() as session:
        return write(
            session,
            context.book.in_force(session),
            now,
            silence_days=settings.silence_days,
            soon_days=settings.soon_days,
            public_url=settings.public_url,
        )
