"""Every minute: what was derived with an older catalogue is derived anew (normally nothing)."""

from datetime import datetime

from app.service.recompute import recompute
from jobs import Context


def derive_anew(context: Context, now: datetime) -> int:
    """Finish what a publication began; returns how many dossiers moved.

    A publication derives at once what it concerns, up to a number that keeps its caller waiting
    for seconds only. This does the rest, and whatever was stopped half way.
    """
    return recompute(context.sessions, context.book, now).moved
