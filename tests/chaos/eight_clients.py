"""Eight clients of two sources send overlapping sets at once, in different orders.

`python -m tests.chaos.eight_clients [--records 40000] [--clients 8] [--seed 1] [--database URL]`

Each client goes over its own choice of the year's snapshots in its own order: as NDJSON, as JSON,
one by one with PUT. No answer may be an error, and what stands at the end must be what one client
after another leaves: facts, findings, watch, names, other names, what each source said and where
they differ. The way there is another each time, so of the promises made to citizens only this can
be asked: each was told by somebody, and the one that stands is among them.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from random import Random
from time import monotonic
from typing import Any, NamedTuple
from zlib import crc32

import httpx

from app import wallclock
from app.db import access as accounts
from app.db.engine import Sessions, connect, sessions
from app.service.intake import CHUNK, take_in
from app.service.outcomes import Caller, Line
from app.service.rules import RuleBook
from app.simulator import year
from tests.chaos.stand import Served, database_server, databases, sign_up
from tests.chaos.state import broken_promises, differences, faults, state
from tests.service.simulated import UNTIL, dong_thap

RANKS = {"one-stop": 10, "land": 20}
HARMLESS = {"created", "updated", "unchanged", "stale"}
_PER_DOSSIER = 3.31


class Told(NamedTuple):
    """A snapshot that a source tells."""

    source: str
    record: dict[str, Any]


def snapshots(seed: int, records: int) -> list[Told]:
    """A year as the one-stop-shop tells it, and of every third dossier as the land office does.

    The land office leaves things out, promises other days, knows other names and writes some
    minutes later.
    """
    made: list[Told] = []
    for raw in year.lines(seed, round(records / _PER_DOSSIER), dong_thap(), UNTIL, faults=False):
        record = json.loads(raw)
        made.append(Told("one-stop", record))
        dice = crc32(record["code"].encode())
        if dice % 3 == 0:
            minute = record["updated_at"][14:16]
            later = record["updated_at"][:14] + f"{int(minute) // 2 + 30:02}"
            other = record | {
                "updated_at": later + record["updated_at"][16:],
                "commune": None if dice % 2 else record["commune"],
                "aliases": [f"BN-{dice % 5000}"],
                "applicant": {"kind": "citizen", "name": f"Trần Văn {dice % 97}"},
            }
            if later >= record["updated_at"][:16]:
                made.append(Told("land", other))
    return made


def serially(opened: Sessions, told: Sequence[Told]) -> None:
    """One source after another, each in order, without a server."""
    book = RuleBook()
    with opened.begin() as session:
        for source, rank in RANKS.items():
            accounts.put_source(session, source, source, rank)
    with opened() as session:
        branches = book.in_force(session).branches
    mine = frozenset(code for code, held in branches.items() if held.office == "H20.16")
    for source in RANKS:
        own = [json.dumps(one.record).encode() for one in told if one.source == source]
        who = Caller(source, f"client:{source}", "H20.16", mine)
        for start in range(0, len(own), CHUNK):
            part = [Line(at, raw) for at, raw in enumerate(own[start : start + CHUNK], 1)]
            with opened.begin() as session:
                take_in(session, part, who, book, wallclock.now())


def one_client(
    served: Served, token: str, own: list[dict[str, Any]], dice: Random
) -> Iterator[str]:
    """Send all of it, in an order and in ways of its own; what should not have been answered."""
    dice.shuffle(own)
    with served.client(token) as client:
        at = 0
        while at < len(own):
            part = own[at : at + dice.choice((1, 1, 30, 400, 3_000))]
            at += len(part)
            answer = _send(client, part)
            if answer.status_code != 200 + (answer.status_code == 201):
                yield f"{answer.status_code}: {answer.text[:300]}"
            else:
                yield from _wrong(answer, len(part))


def _send(client: httpx.Client, part: list[dict[str, Any]]) -> httpx.Response:
    as_json = {"Content-Type": "application/json"}
    if len(part) == 1:
        return client.put(f"/v1/dossiers/{part[0]['code']}", json=part[0], headers=as_json)
    if len(part) == 30:
        return client.post("/v1/dossiers/batch", json={"dossiers": part}, headers=as_json)
    return client.post(
        "/v1/dossiers/batch", content=b"".join(json.dumps(one).encode() + b"\n" for one in part)
    )


def _wrong(answer: httpx.Response, sent: int) -> Iterator[str]:
    """Records that were refused, and receipts that are not whole."""
    if answer.headers["content-type"].startswith("application/x-ndjson"):
        *outcomes, done = [json.loads(line) for line in answer.content.splitlines()]
        if not (done.get("done") and done["received"] == sent == len(outcomes)):
            yield f"not whole: {done}"
        yield from (f"{one}" for one in outcomes if one["outcome"] not in HARMLESS)
    elif "received" in (counts := answer.json()):
        if counts["quarantined"] or counts["received"] != sent:
            yield f"refused: {counts}"
    elif counts["outcome"] not in HARMLESS:
        yield f"{counts}"


def together(
    url: str, plain_url: str, records: int, clients: int, seed: int, processes: int = 2
) -> list[str]:
    """All clients at once on one database, one after another on the other; what is wrong."""
    told = snapshots(seed, records)
    promised: dict[str, set[datetime]] = defaultdict(set)
    for one in told:
        if one.record["promised_at"]:
            promised[one.record["code"]].add(datetime.fromisoformat(one.record["promised_at"]))
    engines = [connect(url, "chaos"), connect(plain_url, "chaos")]
    opened, plain = (sessions(engine) for engine in engines)
    try:
        serially(plain, told)
        with Served(url, processes) as served:
            tokens = {name: sign_up(opened, served, name, rank) for name, rank in RANKS.items()}

            def go(number: int) -> list[str]:
                dice = Random(seed * 100 + number)  # noqa: S311 dice, not secrets
                source = list(RANKS)[number % len(RANKS)]
                mine = [one.record for one in told if one.source == source]
                # The first of each source sends all, so that all is sent; the others a half.
                own = mine if number < len(RANKS) else dice.sample(mine, len(mine) // 2)
                return list(one_client(served, tokens[source], own, dice))

            with ThreadPoolExecutor(clients) as pool:
                wrong = [fault for found in pool.map(go, range(clients)) for fault in found]
        return [
            *wrong,
            *differences(state(opened, history=False), state(plain, history=False)),
            *broken_promises(opened, promised),
            *faults(opened),
        ]
    finally:
        for engine in engines:
            engine.dispose()


def run(
    records: int, clients: int, seed: int, url: str | None, say: Callable[[str], object]
) -> int:
    """The whole, on databases of its own; the number of faults."""
    begun = monotonic()
    with (
        database_server(url) as server,
        databases(server, "chaos_together", "chaos_serial") as (one, other),
    ):
        wrong = together(one, other, records, clients, seed)
    for fault in wrong[:50]:
        say(f"WRONG: {fault}")
    verdict = f"{len(wrong)} FAULTS" if wrong else "no error, and as one after another"
    say(f"{clients} clients, about {records} records, {monotonic() - begun:.0f} s: {verdict}")
    return len(wrong)


def main() -> int:
    """Run from the command line; the exit status is 0 if nothing is wrong."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--records", type=int, default=40_000)
    asked.add_argument("--clients", type=int, default=8)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--database", help="a PostgreSQL 18 to make two databases on")
    told = asked.parse_args()
    return min(1, run(told.records, told.clients, told.seed, told.database, print))


if __name__ == "__main__":
    sys.exit(main())
