"""Long uploads go through processes beside the server, seen from outside: a real server process."""

import json
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select

from app.db.engine import Sessions
from app.db.tables import dossier, revision
from tests.chaos.stand import Served, left_over, sign_up
from tests.web.wire import BRANCH

LINES = 3_000
CODES = 1_000
SNAPSHOTS = LINES // CODES


@pytest.fixture(scope="module")
def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


@pytest.fixture(scope="module")
def lasting(url: str) -> Iterator[Served]:
    """One server for all tests that leave it alive."""
    with Served(url, processes=2) as server:
        yield server


@pytest.fixture
def served(lasting: Served, sessions: Sessions) -> Served:
    _ = sessions
    return lasting


@pytest.fixture
def mortal(url: str, sessions: Sessions) -> Iterator[Served]:
    """A server of the test's own, to be ended."""
    _ = sessions
    with Served(url, processes=2) as server:
        yield server


@pytest.fixture
def token(sessions: Sessions, lasting: Served) -> str:
    return sign_up(sessions, lasting, "one-stop")


def snapshot(number: int, turn: int) -> bytes:
    """A dossier's snapshot of some day, in which its commune is another."""
    held = {
        "code": f"{BRANCH}-251103-{number:04}",
        "procedure": "1.012790",
        "branch": BRANCH,
        "status": 4,
        "case": None,
        "applicant": {"kind": "citizen", "name": f"Nguyễn Văn {number}"},
        "received_at": "2025-11-03T08:10:00+07:00",
        "promised_at": f"2025-11-{13 + turn}T17:00:00+07:00",
        "updated_at": f"2025-11-{3 + turn:02}T08:30:00+07:00",
    }
    return json.dumps(held).encode() + b"\n"


def upload() -> bytes:
    """Three snapshots of each of a thousand dossiers, mingled, each dossier's in order."""
    return b"".join(snapshot(at % CODES, at // CODES) for at in range(LINES))


def sent(served: Served, token: str, body: bytes) -> list[Any]:
    with served.client(token) as client:
        answer = client.post("/v1/dossiers/batch", content=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()]


def histories(sessions: Sessions) -> dict[str, list[tuple[int, str]]]:
    """Number and stamp of the revisions of each dossier."""
    found: dict[str, list[tuple[int, str]]] = {}
    query = select(revision.c.code, revision.c.revision_no, revision.c.updated_at)
    with sessions() as session:
        for code, number, at in session.execute(query.order_by(revision.c.revision_no)):
            found.setdefault(code, []).append((number, at.date().isoformat()))
    return found


WHOLE = [(turn + 1, f"2025-11-{3 + turn:02}") for turn in range(SNAPSHOTS)]


def assert_whole(told: list[Any], sessions: Sessions) -> None:
    *outcomes, done = told
    assert [one["line"] for one in outcomes] == list(range(1, LINES + 1))
    codes = [one["code"] for one in outcomes[:CODES]]
    assert [one["code"] for one in outcomes] == codes * SNAPSHOTS
    assert done["done"] is True
    assert done["received"] == LINES
    assert done["quarantined"] == 0
    found = histories(sessions)
    assert set(found) == set(codes)
    assert all(history == WHOLE for history in found.values())


def test_outcomes_stand_in_the_order_of_lines_and_each_snapshot_becomes_history(
    served: Served, token: str, sessions: Sessions
):
    told = sent(served, token, upload())

    assert len(served.hands()) == 2
    assert_whole(told, sessions)
    assert [one["outcome"] for one in told[:-1:CODES]] == ["created", "updated", "updated"]
    assert told[-1] == {
        "done": True,
        "received": LINES,
        "created": CODES,
        "updated": 2 * CODES,
        "unchanged": 0,
        "stale": 0,
        "quarantined": 0,
    }


def test_a_blank_and_a_broken_line_keep_their_numbers(served: Served, token: str):
    lines = upload().splitlines(keepends=True)
    lines[10:10] = [b"\n", b"{broken\n"]

    *outcomes, done = sent(served, token, b"".join(lines))

    assert [one["line"] for one in outcomes] == [*range(1, 11), *range(12, LINES + 3)]
    assert (outcomes[10]["outcome"], outcomes[10]["kept"]) == ("quarantined", False)
    assert done["received"] == LINES + 1


@pytest.mark.parametrize("after", [0.0, 0.4])
def test_a_hand_that_is_killed_is_replaced_and_nothing_is_lost(
    served: Served, token: str, sessions: Sessions, after: float
):
    sent(served, token, b"".join(snapshot(5_000 + at, 0) for at in range(1_000)))
    hands = served.hands()
    told: list[Any] = []
    sending = Thread(target=lambda: told.extend(sent(served, token, upload())))
    sending.start()
    sleep(after)
    hands[0].kill()
    sending.join(60)

    *outcomes, done = told
    assert done["done"] is True
    assert len(outcomes) == LINES
    assert {one["outcome"] for one in outcomes} <= {"created", "updated", "unchanged", "stale"}
    found = histories(sessions)
    assert len(found) == CODES + 1_000
    assert all(found[one["code"]] == WHOLE for one in outcomes)
    sent(served, token, upload())
    assert len({one.pid for one in served.hands()} - {hands[0].pid}) == 2


def test_no_hand_outlives_a_server_that_is_killed(mortal: Served, token: str):
    sent(mortal, token, upload())
    family = mortal.family()
    assert len(mortal.hands()) == 2

    mortal.kill()

    assert left_over(family) == []


def test_ctrl_c_ends_all_of_it_without_a_traceback(mortal: Served, token: str):
    sent(mortal, token, upload())
    family = mortal.family()

    mortal.interrupt()

    assert left_over(family) == []
    assert "Traceback" not in mortal.read_said()


@pytest.mark.parametrize("after", [0.0, 2.0])  # seconds: hands still begin; they are at work
def test_ctrl_c_in_the_middle_of_an_upload_ends_within_seconds(
    mortal: Served, token: str, after: float
):
    body = upload()

    def go() -> None:
        with mortal.client(token) as client, suppress(httpx.HTTPError):
            client.post("/v1/dossiers/batch", content=body * 20)

    sending = Thread(target=go)
    sending.start()
    until = monotonic() + 10
    while not mortal.hands() and monotonic() < until:
        sleep(0.02)
    assert mortal.hands()
    sleep(after)
    family = mortal.family()

    begun = monotonic()
    mortal.interrupt()

    assert monotonic() - begun < 15
    assert left_over(family) == []
    sending.join(30)
    said = mortal.read_said()
    assert "KeyboardInterrupt" not in said
    assert "takes over" not in said


def test_without_hands_the_server_answers_the_same(
    url: str, served: Served, token: str, sessions: Sessions
):
    beside = sent(served, token, upload())
    with sessions() as session:
        held = session.execute(select(dossier.c.code, dossier.c.content_hash)).all()
    again = sent(served, token, upload())
    with Served(url, processes=0) as alone:
        assert sent(alone, token, upload()) == again
        assert alone.hands() == []
        fresh = b"".join(
            line.replace(b"-251103-", b"-251104-") for line in upload().splitlines(keepends=True)
        )
        told = sent(alone, token, fresh)
    assert [one | {"code": ""} for one in told if "problems" not in one] == [
        one | {"code": ""} for one in beside if "problems" not in one
    ]
    assert len(held) == CODES


def test_memory_stays_flat_over_a_long_stream(served: Served, token: str):
    sizes: list[int] = []

    def stream(lines: int) -> Iterator[bytes]:
        for at in range(lines):
            if at % 1_000 == 0:
                sizes.append(served.memory())
            yield snapshot(at % CODES, 0)

    def upto(lines: int) -> int:
        sizes.clear()
        with served.client(token) as client:
            answer = client.post("/v1/dossiers/batch", content=stream(lines))
        assert json.loads(answer.content.splitlines()[-1])["received"] == lines
        return max(sizes)

    upto(20_000)  # hands started, caches filled
    few, many = upto(20_000), upto(60_000)
    assert many < few + 60 * 2**20, (few, many)
