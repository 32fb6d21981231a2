"""Everything that happens by time.

A job acts on what it finds due, so nothing depends on a tick having happened: a late one does the
same work, a second one none. That is why no job names an hour of the day. Whoever takes the lead
does everything at once, and then each job by its interval.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import Context, delivery, digest, flags, housekeeping, pull, recompute, roots, standing

Job = Callable[[Context, datetime], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A job, how long from one run to the next, what it does, and what the number it returns is."""

    act: Job
    every: timedelta
    what: str
    counts: str


TIMETABLE: dict[str, Entry] = {
    "flags": Entry(
        flags.raise_due,
        timedelta(minutes=1),
        "Takes off the watch list what has come due, and raises and queues its alerts.",
        "taken off the watch list",
    ),
    "standing": Entry(
        standing.raise_standing,
        timedelta(minutes=5),
        "Raises what is of no dossier: silent feeds, an open calendar, many refusals.",
        "alerts raised",
    ),
    "digest": Entry(
        digest.write_digests,
        timedelta(minutes=1),
        "Queues the digest of the day for everyone whose branch has opened and who has none yet.",
        "digests queued",
    ),
    "mails": Entry(
        delivery.send_mails,
        timedelta(seconds=5),
        "Sends the mails that are due.",
        "mails sent",
    ),
    "webhooks": Entry(
        delivery.send_webhooks,
        timedelta(seconds=5),
        "Sends to the webhooks what is due.",
        "messages sent",
    ),
    "pull": Entry(
        pull.ask_sources,
        timedelta(seconds=15),
        "Asks the sources whose time has come, a few at once.",
        "new records",
    ),
    "recompute": Entry(
        recompute.derive_anew,
        timedelta(minutes=1),
        "Derives anew what was derived with an older catalogue.",
        "dossiers moved",
    ),
    "roots": Entry(
        roots.seal_days,
        timedelta(minutes=10),
        "Seals the days that are over, four hours after their midnight in Viet Nam.",
        "days sealed",
    ),
    "housekeeping": Entry(
        housekeeping.sweep_out,
        timedelta(hours=1),
        "Deletes expired tokens and sign-ins, old runs of jobs and files nobody confirmed: "
        "once a day.",
        "rows deleted",
    ),
}
