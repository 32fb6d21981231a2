"""Single PUTs over HTTP, open loop: a hundred a second whatever the answers take."""

import asyncio
import json
import os
from time import perf_counter

import httpx
from sqlalchemy import Engine

from app.db.engine import Sessions
from tests.benchmarks.bench_intake import newest_snapshots, send, served, signed_in

RATE = 100
SECONDS = int(os.environ.get("SECONDS", "30"))


async def put_all(address: str, token: str, records: list[bytes]) -> list[float]:
    """How long each took, from the moment it was due to be sent."""
    headers = {"Authorization": token, "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        begun = perf_counter()

        async def one(number: int, raw: bytes) -> float:
            due = begun + number / RATE
            await asyncio.sleep(max(0, due - perf_counter()))
            code = json.loads(raw)["code"]
            answer = await client.put(f"/v1/dossiers/{code}", content=raw)
            assert answer.status_code == 201, answer.text
            return perf_counter() - due

        return await asyncio.gather(*(one(at, raw) for at, raw in enumerate(records)))


def test_a_put_under_an_open_loop_of_a_hundred_a_second(engine: Engine, sessions: Sessions):
    lines = newest_snapshots()
    mine = RATE * SECONDS
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with served(url) as address, signed_in(sessions, address) as client:
        send(client, lines[mine:])
        token = client.headers["Authorization"]
        taken = sorted(asyncio.run(put_all(address, token, lines[:mine])))
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    print(f"\n{mine} PUTs at {RATE}/s: median {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
