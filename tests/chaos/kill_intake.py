"""Kill the server at random moments of a long load, restart, send again: is anything lost?

`python -m tests.chaos.kill_intake [--rounds 50] [--records 200000] [--seed 1] [--database URL]`

A simulated year is sent in as many slices as there are rounds, in the order of its stamps. Each
round sends its slice, in one stream or in several, and kills the server (SIGKILL) somewhere in
between; in every fourth round one of its intake processes first, in another fourth PostgreSQL
ends its connections first. Then the server starts anew, and the slice is sent again behind the two
before it. It must be answered whole, each record taken in or passed over, and no process may be
left of the one that was killed. At the end everything must be as after one load that nothing
disturbed: facts, findings, names, watch, what was refused, and the history, revision by revision.
"""

import argparse
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from time import monotonic, sleep

import httpx
from sqlalchemy import func, select, text

from app import wallclock
from app.db.engine import Sessions, connect, sessions
from app.db.tables import dossier, revision
from app.service.intake import CHUNK, take_in
from app.service.outcomes import Caller, Line
from app.service.rules import RuleBook
from app.simulator import year
from tests.chaos.stand import Served, database_server, databases, left_over, sign_up
from tests.chaos.state import differences, faults, state
from tests.service.simulated import UNTIL, dong_thap

SOURCE = "one-stop"
HARMLESS = {"created", "updated", "unchanged", "stale"}
_PER_DOSSIER = 3.31  # lines a dossier of the simulator has
_BEHIND = 2  # slices sent again before each


@dataclass
class Tally:
    """What happened."""

    cut: int = 0
    late: int = 0
    hands_killed: int = 0
    connections_ended: int = 0
    wrong: list[str] = field(default_factory=list)
    first: Counter[str] = field(default_factory=Counter)
    longest: float = 2.0


def the_year(seed: int, records: int) -> list[bytes]:
    """About so many lines, ordered by stamp so that any parting of them makes the same history."""
    made = year.lines(seed, round(records / _PER_DOSSIER), dong_thap(), UNTIL)
    stamped: list[tuple[str, bytes]] = []
    at = ""
    for raw in made:
        with suppress(ValueError, KeyError):  # of what is wrong, the place it came in
            at = str(json.loads(raw)["updated_at"])
        stamped.append((at, raw))
    stamped.sort(key=lambda one: one[0])
    return [raw for _, raw in stamped]


def undisturbed(opened: Sessions, book: RuleBook, lines: Sequence[bytes]) -> set[bytes]:
    """Take lines in without a server; returns those that are refused."""
    with opened() as session:
        branches = book.in_force(session).branches
    mine = frozenset(code for code, held in branches.items() if held.office == "H20.16")
    who = Caller(SOURCE, f"client:{SOURCE}", "H20.16", mine)
    refused: set[bytes] = set()
    for start in range(0, len(lines), CHUNK):
        part = [Line(at, raw) for at, raw in enumerate(lines[start : start + CHUNK])]
        with opened.begin() as session:
            for told in take_in(session, part, who, book, wallclock.now()):
                if told.outcome == "quarantined":
                    refused.add(lines[start + told.line])
    return refused


def send(client: httpx.Client, lines: Sequence[bytes]) -> list[dict[str, object]]:
    """The answer's lines; an httpx.HTTPError or ValueError if it is not whole."""
    answer = client.post("/v1/dossiers/batch", content=b"".join(lines))
    answer.raise_for_status()
    told = [json.loads(line) for line in answer.content.splitlines()]
    if not told or told[-1].get("done") is not True:
        raise ValueError("an answer without its last line")
    return told


def disturb(served: Served, opened: Sessions, how: str, tally: Tally, dice: Random) -> None:
    """Kill an intake process, or have PostgreSQL end all connections."""
    if how == "hand":
        hands = served.hands()
        if hands:
            dice.choice(hands).kill()
            tally.hands_killed += 1
    elif how == "connections":
        with opened.begin() as session:
            ended = session.execute(text(_END)).scalars().all()
        tally.connections_ended += len(ended)


_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE 'dunghan%'"
)


def killed(
    served: Served, token: str, opened: Sessions, window: list[bytes], how: str, t: Tally, d: Random
) -> str:
    """Send in one stream or in several, kill meanwhile; returns what became of the answer."""
    answer: list[str] = []
    size = d.choice((500, 1_000, len(window)))

    def run() -> None:
        try:
            with served.client(token) as client:
                for first in range(0, len(window), size):
                    send(client, window[first : first + size])
            answer.append("whole")
        except httpx.HTTPStatusError as wrong:
            answer.append(str(wrong.response.status_code))
        except (httpx.HTTPError, ValueError):
            answer.append("cut")

    begun = monotonic()
    sending = Thread(target=run)
    sending.start()
    until = d.uniform(0.2, 1.1) * t.longest
    if how != "server":
        sleep(until * d.random())
        disturb(served, opened, how, t, d)
    sleep(max(0.0, until - (monotonic() - begun)))
    family = served.family()
    served.kill()
    sending.join(60)
    if left := left_over(family):
        t.wrong.append(f"processes outlive the server: {left}")
    return answer[0] if answer else "hangs"


def again(
    served: Served, token: str, window: list[bytes], refused: set[bytes], t: Tally
) -> Counter[str]:
    """Send the same again to a server that nobody disturbs, and look at each outcome."""
    begun = monotonic()
    try:
        with served.client(token) as client:
            told = send(client, window)
    except (httpx.HTTPError, ValueError) as fault:
        t.wrong.append(f"nobody disturbed it: {fault!r}; the server: {served.read_said()[-6_000:]}")
        return Counter()
    t.longest = (t.longest + monotonic() - begun) / 2
    *outcomes, done = told
    if [one["line"] for one in outcomes] != list(range(1, len(window) + 1)):
        t.wrong.append("outcomes are not one a line in the order of lines")
    kinds = Counter(str(one["outcome"]) for one in outcomes)
    for one, raw in zip(outcomes, window, strict=False):
        good = "quarantined" if raw in refused else one["outcome"]
        if one["outcome"] != good or (good != "quarantined" and good not in HARMLESS):
            t.wrong.append(f"an outcome that should not be: {one}")
    if any(done[kind] != count for kind, count in kinds.items()):
        t.wrong.append(f"the counts are not those of the lines: {done}, {kinds}")
    return kinds


def counted(opened: Sessions) -> tuple[int, int]:
    """Dossiers and revisions there are."""
    with opened() as session:
        return (
            session.scalar(select(func.count()).select_from(dossier)) or 0,
            session.scalar(select(func.count()).select_from(revision)) or 0,
        )


def rounds(
    url: str, opened: Sessions, plain: Sessions, slices: list[list[bytes]], d: Random, t: Tally
) -> Iterator[str]:
    """Go through the load; a line about each round."""
    book, refused = RuleBook(), set[bytes]()
    with Served(url) as first:
        token = sign_up(opened, first, SOURCE)
    for number, own in enumerate(slices, 1):
        refused |= undisturbed(plain, book, own)
        sent = slices[max(0, number - 1 - _BEHIND) : number]
        window = list(itertools.chain.from_iterable(sent))
        begun = monotonic()
        how = ("server", "hand", "server", "connections")[number % 4]
        processes = d.choice((2, 2, 2, 0))
        with Served(url, processes) as served:
            before = counted(opened)
            became = killed(served, token, opened, own, how, t, d)
        at = counted(opened)
        t.first[became] += 1
        if became in {"500", "hangs"}:
            t.wrong.append(f"round {number}: the disturbed sender saw {became}")
        with Served(url, d.choice((2, 2, 0))) as served:
            kinds = again(served, token, window, refused, t)
            family = served.family()
        if left := left_over(family):
            t.wrong.append(f"processes outlive the server: {left}")
        after = counted(opened)
        part = (at[1] - before[1]) / max(1, after[1] - before[1])
        t.cut += 0 < part < 1
        yield (
            f"{number:3} {how:11} {processes} processes; answer {became:5}; "
            f"{part:4.0%} of {after[1] - before[1]} revisions were in; again: "
            f"{dict(kinds)}; {monotonic() - begun:.0f} s"
        )


def run(
    records: int, count: int, seed: int, database: str | None, say: Callable[[str], object]
) -> Tally:
    """All rounds and the comparison; `wrong` of what comes back is empty if all held."""
    tally, dice = Tally(), Random(seed)  # noqa: S311 dice, not secrets
    lines = the_year(seed, records)
    size = -(-len(lines) // count)
    slices = [lines[at : at + size] for at in range(0, len(lines), size)]
    say(f"{len(lines)} records in {len(slices)} rounds, seed {seed}")
    with (
        database_server(database) as server,
        databases(server, "chaos_killed", "chaos_plain") as (url, plain_url),
    ):
        engines = [connect(one, "chaos") for one in (url, plain_url)]
        opened, plain = (sessions(one) for one in engines)
        for told in rounds(url, opened, plain, slices, dice, tally):
            say(told)
            for wrong in tally.wrong:
                say(f"    WRONG: {wrong}")
        ours, theirs = state(opened), state(plain)
        tally.wrong += [*differences(ours, theirs), *faults(opened)]
        say(f"compared {', '.join(f'{rows.total()} {name}' for name, rows in theirs.items())}")
        for engine in engines:
            engine.dispose()
    return tally


def main() -> int:
    """Run from the command line; the exit status is 0 if nothing is wrong."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--rounds", type=int, default=50)
    asked.add_argument("--records", type=int, default=200_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--database", help="a PostgreSQL 18 to make two databases on")
    told = asked.parse_args()
    begun = monotonic()
    tally = run(
        told.records, told.rounds, told.seed, told.database, lambda line: print(line, flush=True)
    )
    for wrong in tally.wrong:
        print("WRONG:", wrong)
    print(
        f"{tally.first.total()} kills in {monotonic() - begun:.0f} s: {tally.cut} between two "
        f"commits of their slice; answers {dict(tally.first)}; besides {tally.hands_killed} intake "
        f"processes killed and {tally.connections_ended} connections ended. "
        + ("NOT WHOLE" if tally.wrong else "Nothing lost, nothing double, chains whole.")
    )
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
