"""Every minute: what was derived with an older catalogue is derived anew (normally nothing)."""

from datetime import datetime

from app.db import catalogue
from app.service.recompute import recompute
from jobs import Context


def derive_anew(context: Context, now: datetime) -> int:
    """Finish what a publication began; returns how many dossiers moved.

    A publication derives at once what it concerns. This catches what it did not reach: it was
    stopped half way, or an intake committed just before it.
    """
    with context.sessions() as session:
        if catalogue.is_derived(session):
            return 0
    _, moved = recompute(context.sessions, context.book, "job:recompute", now, None)
    return moved
