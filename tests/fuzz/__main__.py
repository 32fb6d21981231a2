"""Run from the command line; the exit status is 0 if nothing is wrong."""

import argparse
import json
import sys
from random import Random
from time import monotonic

import httpx

from app.db.engine import connect, sessions
from app.simulator import year
from tests.chaos.stand import Served, database_server, databases, sign_up
from tests.fuzz import tries
from tests.fuzz.mutate import Record
from tests.fuzz.portal import ITEMS
from tests.service.simulated import UNTIL, dong_thap

_SIZE = 500


def sound(seed: int) -> list[Record]:
    """Some thousand records as a sender sends them."""
    made = year.lines(seed, 1_000, dong_thap(), UNTIL, faults=False)
    return [json.loads(line) for line in made]


def main() -> int:
    """Half of the number are mutated records; the rest are bodies and the portal's calls."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz")
    asked.add_argument("--records", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--database", help="a PostgreSQL 18 to make a database on")
    told = asked.parse_args()
    dice, tried, begun = Random(told.seed), tries.Tried(), monotonic()  # noqa: S311 dice
    with (
        database_server(told.database) as server,
        databases(server, "fuzz") as (url,),
        Served(url, 2) as served,
    ):
        engine = connect(url, "fuzz")
        opened = sessions(engine)
        token = sign_up(opened, served, "one-stop")
        with httpx.Client(base_url=served.address, timeout=120) as client:
            client.headers["Authorization"] = f"Bearer {token}"

            def post(path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
                answer = client.post(path, content=raw, headers=headers)
                return answer.status_code, answer.content

            records = sound(told.seed)
            for _ in range(told.records * 8 // 10 // _SIZE):
                tries.batch(post, dice, records, _SIZE, tried)
            if tried.kept != tries.kept(opened):
                tried.wrong.append(f"{tried.kept} were kept, {tries.kept(opened)} are there")
            tries.bodies(post, dice, records, told.records // 10, tried)
            tries.portal(post, dice, ITEMS, told.records // 10, tried)
        tried.wrong += tries.stored(opened)
        engine.dispose()
        if "Traceback" in (said := served.read_said()):
            tried.wrong.append(f"the server said: {said[said.index('Traceback') :][:3_000]}")
    for wrong in tried.wrong[:40]:
        print("WRONG:", wrong)
    print(f"seed {told.seed}, {monotonic() - begun:.0f} s: {dict(tried.outcomes)}")
    print(f"answers {dict(tried.statuses)}; {len(tried.wrong)} faults")
    return min(1, len(tried.wrong))


if __name__ == "__main__":
    sys.exit(main())
