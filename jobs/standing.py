"""Every five minutes: silent feeds, open calendars and much that is refused become alerts, once."""

from datetime import datetime

from app.service.standing_alerts import raise_standing as raise_all
from jobs import Context


def raise_standing(context: Context, now: datetime) -> int:
    """Raise what is wrong with no dossier in particular; returns how many are new."""
    with context.sessions.begin() as session:
        rules = context.book.in_force(session)
        return raise_all(session, rules, now, silence_days=context.settings.silence_days)
