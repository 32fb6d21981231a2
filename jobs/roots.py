"""Every ten minutes: a day that is over is sealed (once, some hours after midnight)."""

from datetime import datetime

from app.service.roots import seal
from jobs import Context


def seal_days(context: Context, now: datetime) -> int:
    """Seal the days owed, also those missed while nothing ran; return how many."""
    return seal(context.sessions, now)
