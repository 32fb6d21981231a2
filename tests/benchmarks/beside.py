"""What runs beside the reports: intake without end, 500 records at a time, or a sweep a second."""

import sys
from datetime import datetime, timedelta
from itertools import count
from random import choices
from string import ascii_uppercase
from time import monotonic, sleep

import msgspec

from app.db import alerts
from app.db.engine import connect, sessions
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.rules import RuleBook
from app.service.silence import branch_clocks
from tests.benchmarks.bench_intake import newest_snapshots
from tests.benchmarks.filled import NOW
from tests.service.simulated import UNTIL, caller

CHUNK = 500
BATCH = 2_000


def intake(url: str) -> None:
    """Take in new dossiers, and each once more as an update; print how many, chunk by chunk."""
    opened, book = sessions(connect(url, "bench intake")), RuleBook()
    who = caller(book, opened)
    records = [msgspec.json.decode(line) for line in newest_snapshots()[: 10 * CHUNK]]
    # two letters, so that the codes of each run are its own
    run = "".join(choices(ascii_uppercase, k=2))  # noqa: S311
    print("ready", flush=True)
    for turn in count(1):
        for start in range(0, len(records), CHUNK):
            part = [
                one | {"code": f"{one['code'][:-4]}{run}{turn * 5_000 + start + at:08}"}
                for at, one in enumerate(records[start : start + CHUNK])
            ]
            for sent in (part, [_a_second_later(one) for one in part]):
                lines = [Line(at, msgspec.json.encode(one)) for at, one in enumerate(sent, 1)]
                with opened.begin() as session:
                    taken = take_in(session, lines, who, book, UNTIL)
                done = sum(one.outcome in ("created", "updated") for one in taken)
                print(done, flush=True)


def _a_second_later(record: dict[str, object]) -> dict[str, object]:
    at = datetime.fromisoformat(str(record["updated_at"])) + timedelta(seconds=1)
    return record | {"updated_at": at.isoformat(), "online_payment": True}


def sweep(url: str) -> None:
    """Raise what is due each second, as the job does each minute; print how many."""
    opened, book = sessions(connect(url, "bench sweep")), RuleBook()
    begun = monotonic()
    print("ready", flush=True)
    while True:
        now = NOW + timedelta(seconds=monotonic() - begun)
        with opened() as session:
            found = branch_clocks(session, book.in_force(session), now, silence_days=3, soon_days=2)
        clocks = {code: clock.clock_at for code, clock in found.items()}
        with opened.begin() as session:
            print(alerts.raise_due(session, now, clocks, BATCH), flush=True)
        sleep(1)


if __name__ == "__main__":
    {"intake": intake, "sweep": sweep}[sys.argv[1]](sys.argv[2])
