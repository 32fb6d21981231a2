"""Once a day: what has run its course goes."""

from datetime import UTC, datetime, timedelta

from app.db import housekeeping, imports, job_runs
from jobs import Context

_KEEP_RUNS = timedelta(days=14)
_KEEP_WAITING = timedelta(days=1)


def sweep_out(context: Context, now: datetime) -> int:
    """Delete expired tokens and sign-ins, old runs of jobs, and files nobody confirmed, once a day.

    Returns how many went.
    """
    with context.sessions.begin() as session:
        day = now.astimezone(UTC).date()
        run = job_runs.once(session, "housekeeping", f"housekeeping:{day}", now)
        if run is None:
            return 0
        gone = housekeeping.purge_expired(session, now) + job_runs.purge(session, now - _KEEP_RUNS)
        gone += imports.forget_waiting(session, now - _KEEP_WAITING)
        job_runs.finish(session, run, now, done=gone)
    return gone
