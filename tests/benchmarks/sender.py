"""A process that takes in new records without end, and prints how many, chunk by chunk."""

import sys
from itertools import count

import msgspec

from app.db.engine import connect, sessions
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.rules import RuleBook
from tests.benchmarks.bench_intake import newest_snapshots
from tests.service.simulated import UNTIL, caller

CHUNK = 1_000


def main(url: str) -> None:
    """Send the newest snapshots of a year again and again, each time under other codes."""
    opened, book = sessions(connect(url, "bench sender")), RuleBook()
    who = caller(book, opened)
    records = [msgspec.json.decode(line) for line in newest_snapshots()[: 10 * CHUNK]]
    print("ready", flush=True)
    for turn in count(1):
        for start in range(0, len(records), CHUNK):
            part = [
                Line(at, msgspec.json.encode(one | {"code": f"{one['code'][:-4]}{turn:02}{at:04}"}))
                for at, one in enumerate(records[start : start + CHUNK])
            ]
            with opened.begin() as session:
                taken = take_in(session, part, who, book, UNTIL)
            print(sum(one.outcome == "created" for one in taken), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
