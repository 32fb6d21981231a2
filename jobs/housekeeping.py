"""Once a day: what has run its course goes."""

from datetime import UTC, datetime, timedelta

from app.db import housekeeping, imports, job_runs
from jobs import Context

_KEEP_RUNS = timedelta(days=14)
_KEEP_WAITING = timedelta(days=1)
# A quarter: whoever asks whether something was said asks within one. Its charts and files, which
# are what takes room, can be had from the pages.
_KEEP_DELIVERIES = timedelta(days=90)
_KEEP_FILES = timedelta(days=14)


def sweep_out(context: Context, now: datetime) -> int:
    """Delete what has expired, once a day: sign-ins, runs, unconfirmed files, old deliveries.

    Returns how many went.
    """
    with context.sessions.begin() as session:
        day = now.astimezone(UTC).date()
        run = job_runs.once(session, "housekeeping", f"housekeeping:{day}", now)
        if run is None:
            return 0
        gone = housekeeping.purge_expired(session, now) + job_runs.purge(session, now - _KEEP_RUNS)
        gone += imports.forget_waiting(session, now - _KEEP_WAITING)
        gone += housekeeping.purge_deliveries(session, now - _KEEP_DELIVERIES, now - _KEEP_FILES)
        job_runs.finish(session, run, now, done=gone)
    return gone
