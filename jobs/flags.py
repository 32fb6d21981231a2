"""Every minute: what is due leaves the watch list as an alert, once."""

from datetime import datetime

from app.db import alerts
from app.service.silence import branch_clocks
from jobs import Context

BATCH = 10_000


def raise_due(context: Context, now: datetime) -> int:
    """Raise all that is due, a transaction a batch; return how many rows were taken."""
    with context.sessions() as session:
        if not alerts.is_any_due(session, now):
            return 0
        clocks = {
            branch: clock.clock_at
            for branch, clock in branch_clocks(
                session,
                context.book.in_force(session),
                now,
                silence_days=context.settings.silence_days,
                soon_days=context.settings.soon_days,
            ).items()
        }
    done = 0
    while True:
        with context.sessions.begin() as session:
            taken = alerts.raise_due(session, now, clocks, BATCH)
        done += taken
        if taken < BATCH:
            return done
