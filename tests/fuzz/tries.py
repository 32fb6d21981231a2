"""Send what is unsound among what is sound, and look at what became of both."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select

from app import wallclock
from app.core import lifecycle
from app.db.engine import Sessions
from app.db.tables import dossier, quarantine
from app.service.stored import facts_of
from tests.chaos.state import faults
from tests.fuzz.mutate import Record, body, mutated

Post = Callable[[str, bytes, dict[str, str]], tuple[int, bytes]]
BATCH = "/v1/dossiers/batch"
PORTAL = ("/v1/dvcqg/DongBoHoSoMC", "/v1/dvcqg/CapNhatTienDoHoSoMC")
NDJSON = {"Content-Type": "application/x-ndjson"}
_TAKEN = {"created", "updated", "unchanged", "stale"}
_CODE = "H20.16.03-251103-{:05}"


@dataclass
class Tried:
    """What was sent, what became of it, and what should not have."""

    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    kept: int = 0
    wrong: list[str] = field(default_factory=list)


def batch(post: Post, dice: Random, sound: Sequence[Record], size: int, tried: Tried) -> None:
    """`size` mutated records in one NDJSON body, each beside a sound one."""
    lines: list[bytes] = []
    good: set[int] = set()
    for _ in range(size):
        lines.append(mutated(dice, dice.choice(sound)) or b"-")
        lines.append(json.dumps(_neighbour(tried)).encode())
        good.add(len(lines))
    status, answer = post(BATCH, b"\n".join(lines), NDJSON)
    tried.statuses[status] += 1
    if status != 200:
        tried.wrong.append(f"a batch was answered {status}: {answer[:300]!r}")
        return
    *outcomes, done = [json.loads(line) for line in answer.splitlines()]
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()}
    if done.get("done") is not True or len(outcomes) != len(lines) - len(blank):
        tried.wrong.append(f"not whole: {done}")
    for told in outcomes:
        raw = lines[told["line"] - 1]
        if told["line"] in good:
            if told["outcome"] != "created":
                tried.wrong.append(f"a sound neighbour: {told} {raw!r}")
            continue
        tried.outcomes[told["outcome"] + (" not kept" if told.get("kept") is False else "")] += 1
        if told["outcome"] == "quarantined":
            tried.kept += told.get("kept", True)
            if not told.get("problems"):
                tried.wrong.append(f"refused without a reason: {told} {raw!r}")
        elif told["outcome"] not in _TAKEN:
            tried.wrong.append(f"an outcome that is none: {told}")


_next = iter(range(1, 10**9))


def _neighbour(_: Tried) -> Record:
    return {
        "code": _CODE.format(next(_next)),
        "procedure": "1.012790",
        "branch": "H20.16.03",
        "status": 4,
        "applicant": {"kind": "citizen", "name": "Nguyễn Văn A"},
        "received_at": "2025-11-03T08:10:00+07:00",
        "updated_at": "2025-11-03T08:10:05+07:00",
    }


def bodies(post: Post, dice: Random, sound: Sequence[Record], count: int, tried: Tried) -> None:
    """Whole bodies that are put together wrongly."""
    for _ in range(count):
        some = [dice.choice(sound) for _ in range(dice.choice((0, 1, 3, 40)))]
        lines = [
            json.dumps(one).encode() if dice.random() < 0.7 else mutated(dice, one) for one in some
        ]
        raw, headers = body(dice, lines)
        _post(post, BATCH, raw, headers, tried)


def portal(post: Post, dice: Random, sound: Sequence[Record], count: int, tried: Tried) -> None:
    """The national portal's two calls, with envelopes and items mutated alike."""
    for _ in range(count):
        path = dice.choice(PORTAL)
        items: list[Any] = [dice.choice(sound) for _ in range(dice.choice((1, 1, 3)))]
        whole = {"service": path.rsplit("/", 1)[1], "madonvi": "H20.16", "data": items}
        raw = mutated(dice, whole)
        headers = {"Content-Type": dice.choice(("application/json", "application/json", "", "x"))}
        _post(post, path, raw, headers, tried)


def _post(post: Post, path: str, raw: bytes, headers: dict[str, str], tried: Tried) -> None:
    status, answer = post(path, raw, headers)
    tried.statuses[status] += 1
    if status >= 500:
        tried.wrong.append(f"{path} {status} {answer[:200]!r} for {headers} {raw[:2_000]!r}")
    if status == 200 and answer and headers["Content-Type"].endswith("ndjson"):
        done = json.loads(answer.splitlines()[-1])
        if done.get("done") is not True:
            tried.wrong.append(f"a 200 without a receipt: {answer[-300:]!r}")


def stored(opened: Sessions) -> Iterator[str]:
    """What was taken in and cannot be, or was derived wrongly."""
    with opened() as session:
        rows = session.execute(select(dossier)).mappings().yield_per(2_000)
        later = wallclock.now() + timedelta(minutes=1)
        for row in rows:
            for problem in lifecycle.problems(facts_of(row), later):
                yield f"{row['code']} was taken in with {problem}"
    yield from faults(opened)


def kept(opened: Sessions) -> int:
    """How many times something was put into quarantine."""
    with opened() as session:
        return session.scalar(select(func.coalesce(func.sum(quarantine.c.times), 0))) or 0
