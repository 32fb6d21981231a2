"""What was sent before, byte for byte: known without being read."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import snapshots
from app.service import records
from app.service.outcomes import Caller, Line
from app.service.rules import Rules

_SAMPLE = 64
_WORTH_A_LOOK = 8  # one known line in so many


def sent_before(
    session: Session, lines: Sequence[Line], caller: Caller, rules: Rules
) -> dict[int, records.Head]:
    """The lines, by number, that hold byte for byte what their dossier was last sent as.

    Nothing of them is read but code, branch and stamp. A sample tells whether a look at all of
    them pays: new records are not slowed down by it.
    """
    step = max(1, len(lines) // _SAMPLE)
    seen = _same_bytes(session, lines[::step], caller, rules)
    if step == 1:
        return seen
    worth = len(seen) * _WORTH_A_LOOK >= len(lines[::step])
    return _same_bytes(session, lines, caller, rules) if worth else {}


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
