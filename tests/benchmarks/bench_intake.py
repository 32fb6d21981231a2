"""Intake over HTTP beside raw COPY and upsert of the same rows into the same tables, in one run."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep

import httpx
import psycopg
from sqlalchemy import Engine

import app
from app.db import access as accounts
from app.db.engine import Sessions
from app.service import access
from app.service.access import Right
from app.simulator import year
from app.simulator.province import province

RECORDS = int(os.environ.get("RECORDS", "20000"))
CHUNK = 5_000
UNTIL = datetime(2026, 11, 20, 10, tzinfo=UTC)
TABLES = ("dossier", "revision", "watch", "applicant")
CATALOGUE = Path(app.__file__).parent / "catalogue"


def newest_snapshots() -> list[bytes]:
    """The last snapshot of each dossier of a simulated year, in the order they are sent."""
    read = {
        name: json.loads((CATALOGUE / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("dong_thap", "procedures", "calendar_vn")
    }
    place = province(
        read["dong_thap"]["branches"],
        read["dong_thap"]["communes"],
        read["procedures"],
        read["calendar_vn"],
    )
    newest: dict[str, bytes] = {}
    for line in year.lines(7, RECORDS, place, UNTIL, faults=False):
        newest[json.loads(line)["code"]] = line
    return list(newest.values())


@contextmanager
def served(url: str) -> Iterator[str]:
    """A web server of its own process on the database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        env=os.environ | {"DUNGHAN_DATABASE_URL": url, "PORT": str(port)},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/readyz")
                break
            except httpx.TransportError:
                sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def signed_in(sessions: Sessions, address: str) -> httpx.Client:
    with sessions.begin() as session:
        accounts.put_source(session, "bench", "bench")
        secret = access.add_client(
            session, client_id="bench", source="bench", office="H20.16", branches=None, rights=Right
        )
    form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": secret}
    token = httpx.post(f"{address}/oauth/token", data=form).json()["access_token"]
    return httpx.Client(
        base_url=address,
        timeout=300,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
    )


def send(client: httpx.Client, lines: list[bytes]) -> tuple[float, dict[str, int]]:
    body = b"".join(lines)
    begun = perf_counter()
    answer = client.post("/v1/dossiers/batch", content=body)
    spent = perf_counter() - begun
    answer.raise_for_status()
    return spent, json.loads(answer.content.splitlines()[-1])


def rows_of(connection: psycopg.Connection, table: str) -> list[bytes]:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy).splitlines(keepends=True)


def raw_load(connection: psycopg.Connection, rows: dict[str, list[bytes]]) -> float:
    """COPY each chunk to a temporary table and upsert it, with nothing else around it."""
    begun = perf_counter()
    for first in range(0, len(rows["dossier"]), CHUNK):
        for table in TABLES:
            share = len(rows[table]) * CHUNK // max(1, len(rows["dossier"]))
            part = rows[table][first * share // CHUNK : (first + CHUNK) * share // CHUNK]
            key = {"revision": "code, revision_no", "applicant": "subject"}.get(table, "code")
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE TEMP TABLE raw (LIKE {table}) ON COMMIT DROP")
                with cursor.copy("COPY raw FROM STDIN") as copy:
                    copy.write(b"".join(part))
                cursor.execute(
                    "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute "
                    "WHERE attrelid = 'raw'::regclass AND attnum > 0"
                )
                (columns,) = cursor.fetchone() or ("",)
                sets = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", "))
                cursor.execute(
                    f"INSERT INTO {table} SELECT * FROM raw ORDER BY {key} "
                    f"ON CONFLICT ({key}) DO UPDATE SET {sets}"
                )
                cursor.execute("DROP TABLE raw")
        connection.commit()
    return perf_counter() - begun


def test_intake_over_http_against_raw_copy_and_upsert(engine: Engine, sessions: Sessions):
    lines = newest_snapshots()
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with served(url) as address, signed_in(sessions, address) as client:
        send(client, [line.replace(b'"code":"', b'"code":"X') for line in lines[:2_000]])  # warm
        spent, counts = send(client, lines)
        again, same = send(client, lines)
    assert counts["created"] == len(lines)
    assert same["unchanged"] == len(lines)
    with psycopg.connect(url) as connection:
        rows = {table: rows_of(connection, table) for table in TABLES}
        connection.execute(f"TRUNCATE {', '.join(TABLES)}")
        connection.commit()
        raw = raw_load(connection, rows)
    new, unchanged, floor = (len(lines) / seconds for seconds in (spent, again, raw))
    print(
        f"\n{len(lines)} records over HTTP: new {new:,.0f}/s, unchanged {unchanged:,.0f}/s; "
        f"raw COPY and upsert {floor:,.0f}/s; new is {new / floor:.0%} of raw, "
        f"unchanged {unchanged / new:.2f} times new"
    )
