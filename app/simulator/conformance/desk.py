"""Where the script is sent from: its codes, its records, and how an answer is judged."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.simulator.window import NDJSON, PlayError, Window

Json = dict[str, Any]

PROCEDURE: Final = "9.999901"
OTHER_PROCEDURE: Final = "9.999902"
"""In no catalogue: without a limit nothing falls due."""
DAY: Final = "250903"
RECEIVED: Final = "2025-09-03T08:10:00+07:00"
NAME: Final = "Người Kiểm Thử"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer judged."""

    name: str
    passed: bool
    expected: str
    got: str


def judged(name: str, expected: object, got: object) -> Check:
    """Return a check that passes where the two are equal."""
    return Check(name, expected == got, _text(expected), _text(got))


def _text(value: object) -> str:
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return told[:1_000]


def at(day: int, time: str = "09:00:00") -> str:
    """Return a moment of September 2025."""
    return f"2025-09-{day:02}T{time}+07:00"


class Desk:
    """A window with an agency of its own."""

    def __init__(self, window: Window, branch: str, agency: str) -> None:
        self.window, self.branch, self.agency = window, branch, agency
        self.used: dict[str, str] = {}
        """Codes that were sent, with the day of receipt they are held with."""
        self._number = 0

    def code(self) -> str:
        """Return a code that was not used yet."""
        self._number += 1
        return f"{self.agency}-{DAY}-{self._number:04}"

    def record(self, code: str | None = None, **changes: Any) -> Json:  # noqa: ANN401 JSON
        """Return a sound record, received on 3 September 2025 and sent at once."""
        code = code or self.code()
        self.used.setdefault(code.strip().upper(), RECEIVED)
        held: Json = {
            "code": code,
            "procedure": PROCEDURE,
            "branch": self.branch,
            "applicant": {"kind": "citizen", "name": NAME},
            "status": 4,
            "received_at": RECEIVED,
            "updated_at": at(3, "08:10:05"),
        }
        return held | changes

    def put(self, held: Json, **headers: str) -> httpx.Response:
        """PUT a record at the address of its code."""
        return self.window.once("PUT", f"/v1/dossiers/{held['code']}", json=held, headers=headers)

    def outcome(self, held: Json) -> str:
        """PUT a record and return the outcome, or the status with the fields that are wrong."""
        answer = self.put(held)
        return str(answer.json()["outcome"]) if answer.is_success else refusal(answer)

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 JSON
        """Return the JSON of a GET that succeeds."""
        return self.window.call("GET", path, params=parameters).json()

    def facts(self, code: str) -> Json:
        """Return what is held of a dossier, but for what its code and its time of arrival say."""
        held: Json = self.get(f"/v1/dossiers/{code}")
        return {name: value for name, value in held.items() if name in _FACTS}

    def batch(self, body: bytes, **headers: str) -> list[Json]:
        """Return the lines of the answer to NDJSON, the last one in."""
        answer = self.window.call(
            "POST",
            "/v1/dossiers/batch",
            parts=[body],
            headers={"Content-Type": NDJSON} | headers,
        )
        return [json.loads(line) for line in answer.text.splitlines()]

    def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        """POST bytes and return any answer."""
        return self.window.once("POST", path, content=body, headers=headers)


_FACTS: Final = frozenset(
    {
        *("procedure", "branch", "channel", "applicant", "status", "received_at", "suspensions"),
        *("finished_at", "ended_at", "outcome", "handed_over_at", "updated_at", "state"),
    }
)


def refusal(answer: httpx.Response) -> str:
    """Return an error as `422 updated_at`: its status, and the fields it names."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if kind != "application/problem+json":
        return f"{answer.status_code} as {kind}"
    fields = [error["field"] for error in answer.json().get("errors", ())]
    return " ".join([str(answer.status_code), *sorted(set(filter(None, fields)))])


def ndjson(records: Iterable[Json | bytes]) -> bytes:
    """Return records as lines; bytes stand for themselves."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode()) + b"\n"
        for one in records
    )


def opened(window: Window, branch: str | None) -> Desk:
    """Return a desk for a branch, the first in scope if none is named, under unused codes.

    Raises:
        PlayError: there is no such branch, or the codes are taken.
    """
    branches = [item["code"] for item in window.items("/v1/branches")]
    chosen = branch or next(iter(branches), None)
    if chosen is None or chosen not in branches:
        raise PlayError(f"{branch or 'any branch'} is none this client may send for: {branches}")
    agency = f"{chosen}.KIEMTRA.{secrets.token_hex(3).upper()}"
    held = window.call("GET", "/v1/dossiers", params={"q": agency}).json()["items"]
    if held:
        raise PlayError(f"there are dossiers under {agency}; run again for other codes")
    return Desk(window, chosen, agency)
