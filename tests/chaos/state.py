"""Everything that stands in a database, so that two ways to it can be compared."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, text

from app.db.engine import Sessions
from app.db.tables import (
    alias,
    applicant,
    divergence,
    dossier,
    quarantine,
    revision,
    watch,
    witness,
)
from app.db.tables.dossiers import FACTS, FINDINGS
from app.service import verify
from app.service.rules import RuleBook

State = Mapping[str, Counter[str]]
_STANDING = ("code", "source", "updated_at", "content_hash", "witnessed")
_DIFFERS = ("code", "source", "field", "held", "told")
_FOUND = [*_STANDING, *(column.name for column in (*FACTS, *FINDINGS))]
# Not `at`, nor the heads: they say when it was taken in.
_HISTORY = (
    *("code", "revision_no", "by", "source", "why", "updated_at"),
    *("changes", "old_due_on", "new_due_on", "content_hash"),
)
# Not the state, nor the hash, which is salted: what was mended and is sent again opens anew.
_REFUSED = ("source", "office", "branch", "code", "conflict", "problems", "record")


def state(opened: Sessions, *, history: bool = True) -> State:
    """Rows of each table as texts; with the way there, too, where that was the same."""
    queries: dict[str, Select[Any]] = {
        "dossier": select(*(dossier.c[name] for name in _FOUND)),
        "divergence": select(*(divergence.c[name] for name in _DIFFERS)).where(
            divergence.c.settled_at.is_(None)
        ),
        "watch": select(watch.c.code, watch.c.branch, watch.c.due_at, watch.c.moments),
        "name": select(applicant).where(~applicant.c.subject.startswith("quarantine/")),
        "witness": select(witness),
        "alias": select(alias.c.reference, alias.c.code),
    }
    if history:
        queries["revision"] = select(*(revision.c[name] for name in _HISTORY))
        queries["promises"] = select(dossier.c.code, dossier.c.promises)
        queries["quarantine"] = select(*(quarantine.c[name] for name in _REFUSED)).distinct()
    with opened() as session:
        return {
            name: Counter(str(tuple(row)) for row in session.execute(query))
            for name, query in queries.items()
        }


def differences(one: State, other: State) -> Iterator[str]:
    """How many rows of which table only one of two has, with an example of each."""
    for name in one:
        for side, only in (
            ("missing", other[name] - one[name]),
            ("too much", one[name] - other[name]),
        ):
            if only:
                yield f"{name}: {only.total()} {side}, such as {next(iter(only))[:600]}"


def broken_promises(opened: Sessions, told: Mapping[str, set[datetime]]) -> Iterator[str]:
    """Dossiers whose promises are not of those told, not in order, or lack the one that stands."""
    query = select(dossier.c.code, dossier.c.promised_at, dossier.c.promises)
    with opened() as session:
        for code, stands, promises in session.execute(query):
            kept = [datetime.fromisoformat(one["promised_at"]) for one in promises]
            if not told[code].issuperset(kept) or (stands is not None and stands not in kept):
                yield f"{code} stands with {stands}, promises {promises}"


def faults(opened: Sessions) -> Iterator[str]:
    """What is double, or does not hold by `dunghan verify`."""
    with opened() as session:
        doubles = session.execute(text(_DOUBLE)).all()
    yield from (f"double: {row}" for row in doubles)
    for fault in verify.dossiers(opened, RuleBook(), verify.Checked()):
        yield f"{fault.code} {fault.revision_no} {fault.what}: {fault.detail}"


# The primary keys forbid both; asked through no index, so that a broken index would show.
_DOUBLE = """
SELECT 'dossier', code || '', count(*) FROM dossier GROUP BY 2 HAVING count(*) > 1
UNION ALL
SELECT 'revision', code || '/' || revision_no, count(*) FROM revision
GROUP BY 2 HAVING count(*) > 1
UNION ALL
SELECT 'content', code || '/' || revision_no, 1 FROM (
  SELECT code, revision_no,
    content_hash = lag(content_hash) OVER (PARTITION BY code ORDER BY revision_no) AS same
  FROM revision
) AS twice WHERE same
"""
