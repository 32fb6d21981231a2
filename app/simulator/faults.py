"""Records that are wrong, as real ones are: each breaks one rule and keeps the others."""

from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from app.simulator.snapshot import Snapshot

Spoiled: TypeAlias = dict[str, Any]

NOT_JSON: Final = b'{"code": "H20.16-26\xe1\xbb\x8bb ng\xe1\xba\xaft, "status": 4'
"""A line cut in the middle, as a full disk leaves it."""

PAST: Final = "2001-01-01T08:00:00+07:00"
LONG_AGO: Final = "2000-01-01T08:00:00+07:00"


def naive_time(record: Spoiled) -> None:
    """Drop the offset: nobody can say which moment is meant."""
    record["updated_at"] = record["updated_at"].removesuffix("+07:00")


def unknown_branch(record: Spoiled) -> None:
    """Name a branch that does not exist."""
    record["branch"] = f"{record['branch']}.99"


def finished_before_receipt(record: Spoiled) -> None:
    """Finish before anybody has received the dossier."""
    record |= {"status": 9, "finished_at": PAST, "ended_at": PAST, "outcome": "result"}


def suspension_backwards(record: Spoiled) -> None:
    """End a suspension before it begins."""
    since = record["received_at"] or record["submitted_at"]
    stop = {"reason": "supplement", "from": since, "until": LONG_AGO, "ground": "Nhập sai ngày"}
    record["suspensions"] = [stop]


def impossible_code(record: Spoiled) -> None:
    """Write the code as no law has it."""
    record["code"] = f"HS/{record['code'].replace('-', '')}"


def missing_field(record: Spoiled) -> None:
    """Leave out what the dossier is about."""
    del record["procedure"]


def wrong_type(record: Spoiled) -> None:
    """Write the status in words."""
    record["status"] = "đang xử lý"


FAULTS: Final[tuple[Callable[[Spoiled], None], ...]] = (
    naive_time,
    unknown_branch,
    finished_before_receipt,
    suspension_backwards,
    impossible_code,
    missing_field,
    wrong_type,
)


def spoiled(record: Snapshot, number: int, rng: Random) -> Spoiled:
    """Return a wrong copy of a record, sent beside the right one.

    Half the copies keep the code, so that the right record mends them; the others carry a running
    number above 900,000, which no dossier reaches, and stay wrong until somebody looks.
    """
    copy: Spoiled = msgspec.to_builtins(record)
    if rng.random() < 0.5:  # noqa: PLR2004 - half
        head = copy["code"].rpartition("-")[0]
        copy["code"] = f"{head}-{900_000 + number % 100_000}"
    FAULTS[int(rng.random() * len(FAULTS))](copy)
    return copy
