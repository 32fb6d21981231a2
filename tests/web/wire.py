"""Records as a one-stop-shop sends them, and a client that sends them."""

import gzip
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from app.db import access as accounts
from app.db.engine import Sessions
from app.service import access
from app.service.access import Right
from tests.jobs.rows import vn

NOW = vn("2026-11-20 10:15")  # a Friday
BRANCH = "H20.16.03"
OTHER = "H20.16.01"
NDJSON = {"Content-Type": "application/x-ndjson"}
NAME = "Nguyễn Thị Bích Hạnh"

Record = dict[str, Any]


@dataclass
class Clock:
    """What time it is."""

    now: datetime


def code(number: int, day: str = "261116") -> str:
    """A dossier code of our branch."""
    return f"{BRANCH}-{day}-{number:04}"


def record(number: int = 1, **changes: Any) -> Record:  # noqa: ANN401 JSON
    """A dossier of eight working days, received on Monday morning, as sent at once."""
    held: Record = {
        "code": code(number),
        "procedure": "1.012790",
        "branch": BRANCH,
        "commune": None,
        "channel": "counter",
        "applicant": {"kind": "citizen", "name": NAME},
        "status": 4,
        "received_at": "2026-11-16T08:10:00+07:00",
        "promised_at": "2026-11-27T17:00:00+07:00",
        "updated_at": "2026-11-16T08:10:05+07:00",
    }
    return held | changes


def finished(number: int, on: str, **changes: Any) -> Record:  # noqa: ANN401 JSON
    """The same, with its result on a day."""
    at = f"{on}T10:00:00+07:00"
    return record(number, status=9, finished_at=at, updated_at=at) | changes


def ndjson(records: Iterable[object]) -> bytes:
    """Records as lines; bytes stand for themselves."""
    lines = (
        one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode()
        for one in records
    )
    return b"".join(line + b"\n" for line in lines)


class Api:
    """A sending system at our API."""

    def __init__(self, http: TestClient) -> None:
        """With its credential in the headers."""
        self.http = http

    def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 JSON
        """The JSON of a GET that succeeds."""
        answer = self.http.get(path, params={name: str(held) for name, held in parameters.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, held: Record, **headers: str) -> Response:
        """PUT one record at the address of its code."""
        return self.http.put(f"/v1/dossiers/{held['code']}", json=held, headers=headers)

    def batch(self, records: Iterable[object], **headers: str) -> Any:  # noqa: ANN401 JSON
        """The answer to a JSON batch."""
        answer = self.http.post(
            "/v1/dossiers/batch", json={"dossiers": list(records)}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def lines(self, body: bytes, **headers: str) -> list[Any]:
        """The lines of the answer to NDJSON; the last is the receipt."""
        answer = self.http.post("/v1/dossiers/batch", content=body, headers=NDJSON | headers)
        assert answer.status_code == 200, answer.text
        told = [json.loads(line) for line in answer.text.splitlines()]
        assert told[-1]["done"] is True
        return told

    def zipped(self, body: bytes) -> Response:
        """The answer to a body with `Content-Encoding: gzip`."""
        headers = NDJSON | {"Content-Encoding": "gzip"}
        return self.http.post("/v1/dossiers/batch", content=gzip.compress(body), headers=headers)


def sign_up(
    app: FastAPI,
    sessions: Sessions,
    name: str = "one-stop",
    branches: Collection[str] | None = None,
    rights: Collection[Right] = tuple(Right),
    office_code: str = "H20.16",
) -> Api:
    """A client of the application with a credential of its own."""
    with sessions.begin() as session:
        accounts.put_source(session, name, name)
        secret = access.add_client(
            session,
            client_id=name,
            source=name,
            office=office_code,
            branches=branches,
            rights=rights,
        )
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    http = TestClient(app, raise_server_exceptions=False)
    token = http.post("/oauth/token", data=form).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return Api(http)
