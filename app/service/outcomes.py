"""Who sends what, and what becomes of it: the words of intake."""

from dataclasses import dataclass
from typing import NamedTuple

from app.core.lifecycle import Facts
from app.core.problems import Problem
from app.db.snapshots import Row


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends: its source, its name, and the branches it may speak for.

    `historical` records raise no alarm for what has passed; `import_id` names the file they are of.
    """

    source: str
    by: str
    office: str
    branches: frozenset[str]
    historical: bool = False
    import_id: int | None = None


class Line(NamedTuple):
    """One record as it arrived; lines count from 1."""

    number: int
    raw: bytes


class Outcome(NamedTuple):
    """What became of one record: created, updated, unchanged, stale or quarantined.

    `problems` may also come with a record that was taken in, or was harmless: they say what the
    sender should mend all the same. `kept` tells whether a refused record is in quarantine.
    """

    line: int
    code: str | None
    outcome: str
    problems: tuple[Problem, ...] = ()
    kept: bool = True
    conflict: bool = False


class Ready(NamedTuple):
    """A record read, checked and derived, ready to be saved."""

    line: int
    raw: bytes
    facts: Facts
    row: Row
