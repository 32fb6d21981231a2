"""What was sent before, byte for byte: known without being read."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import snapshots
from app.service import records
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import Rules

_SAMPLE = 64
_WORTH_A_LOOK = 8  # one known line in so many


def sent_before(
    session: Session,
    lines: Sequence[Line],
    caller: Caller,
    rules: Rules,
    heard: dict[str, datetime],
    now: datetime,
) -> dict[int, Outcome]:
    """Outcomes of the lines that hold, byte for byte, what their dossier was last sent as.

    Nothing of them is read but code, branch and stamp. A sample tells whether a look at all of
    them pays: new records are not slowed down by it.
    """
    step = max(1, len(lines) // _SAMPLE)
    seen = _same_bytes(session, lines[::step], caller, rules)
    if step > 1 and len(seen) * _WORTH_A_LOOK >= len(lines[::step]):
        seen = _same_bytes(session, lines, caller, rules)
    for head in seen.values():
        at = min(head.updated_at, now)
        if head.branch not in heard or at > heard[head.branch]:
            heard[head.branch] = at
    return {number: Outcome(number, head.code, "unchanged") for number, head in seen.items()}


def _same_bytes(
    session: Session, lines: Sequence[Line], caller: Caller, rules: Rules
) -> dict[int, records.Head]:
    heads = {line.number: records.head(line.raw) for line in lines}
    times = Counter(head.code for head in heads.values() if head)  # one sent twice is told so
    codes = [code for code, count in times.items() if count == 1]
    sent = snapshots.last_sent(session, codes)
    found: dict[int, records.Head] = {}
    for line in lines:
        head = heads[line.number]
        last = sent.get(head.code) if head else None
        if head is None or last is None or last.source != caller.source:
            continue
        ours = last.branch in caller.branches and last.branch in rules.branches
        if ours and last.raw_hash == records.raw_hash(line.raw):
            found[line.number] = head
    return found
