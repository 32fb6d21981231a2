"""What was refused, as it is kept: without what may identify a citizen, which goes apart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.core.codes import dossier_code
from app.core.problems import Problem
from app.db import quarantine
from app.service import records
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import Rules


def keep(
    session: Session,
    lines: Sequence[Line],
    outcomes: Mapping[int, Outcome],
    caller: Caller,
    rules: Rules,
    now: datetime,
) -> None:
    """Put what was refused into quarantine, unless there is nothing to keep of it."""
    raw = {line.number: line.raw for line in lines}
    found = [
        refused(outcome, raw[outcome.line], caller, rules)
        for outcome in outcomes.values()
        if outcome.outcome == "quarantined" and outcome.kept
    ]
    quarantine.keep(session, found, caller.source, caller.office, now)


def refused(outcome: Outcome, raw: bytes, caller: Caller, rules: Rules) -> quarantine.Refused:
    """A refused record as it is kept: without what may identify a citizen, which goes apart."""
    record = records.loose(raw)
    kept, personal = records.without_personal(record)
    branch = record.get("branch")
    known = isinstance(branch, str) and branch in rules.branches and branch in caller.branches
    return quarantine.Refused(
        line=outcome.line,
        code=dossier_code(outcome.code or "") or outcome.code,
        conflict=outcome.conflict,
        branch=branch if known else None,
        problems=[stored_problem(problem) for problem in outcome.problems],
        record=kept,
        personal=personal,
        record_hash=sha256(msgspec.json.encode(record, order="deterministic")).hexdigest(),
        import_id=caller.import_id,
    )


def stored_problem(problem: Problem) -> dict[str, Any]:
    """A problem as it is kept: its message stays a key, so it can be told in either language."""
    return {
        "field": problem.field,
        "message": problem.message,
        "params": {name: str(value) for name, value in problem.params.items()},
    }


def code_of(raw: bytes) -> str | None:
    """The code a record that cannot be read as one bears, if any."""
    code = records.loose(raw).get("code")
    return code[:60] if isinstance(code, str) else None
