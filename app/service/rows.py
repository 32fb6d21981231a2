"""A snapshot and its findings as a row of the database."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from app.core.clock import Reason
from app.core.codes import procedure_code
from app.core.findings import Findings, derive
from app.core.lifecycle import Facts
from app.core.standing import written
from app.db.snapshots import Row
from app.db.watched import NOTHING, Watched
from app.service.rules import Rules
from app.service.used import Used

PROCEDURE_AT, BRANCH_AT, RECEIVED_AT = 1, 3, 9
"""Places in `stored_facts`."""
FEW_AT = 22
"""From here on stands what few sources tell."""

_COMPLETED = {Reason.SUPPLEMENT: "supplement", Reason.FINANCIAL_OBLIGATION: "tax"}


def to_row(
    facts: Facts,
    rules: Rules,
    name: str | None,
    raw_hash: bytes | None = None,
    held: Used | None = None,
) -> Row:
    """A snapshot with its findings, ready for `db.snapshots.save`.

    `raw_hash` is of the bytes it came in. With `held` it is judged by the law and calendar named
    there instead of the newest.
    """
    procedure = procedure_code(facts.procedure)
    if held is None:
        findings = found(facts, rules)
        named = (rules.version, rules.published(facts.branch).id)
    else:
        findings = held.derive(facts)
        named = (held.version, held.published.id)
    stored = stored_facts(facts, procedure)
    return Row(
        code=facts.code.strip().upper(),
        facts=stored,
        findings=stored_findings(facts, findings, *named),
        updated_at=facts.updated_at,
        content_hash=content_hash(stored),
        raw_hash=raw_hash,
        promise=why_promised(facts) if facts.promised_at else None,
        name=name,
        watched=watched(findings),
    )


def watched(findings: Findings) -> Watched:
    """When something must be said, as it is kept; nothing while no clock runs."""
    if not findings.moments:
        return NOTHING
    return Watched(
        [moment.at for moment in findings.moments],
        [int(moment.level) for moment in findings.moments],
        findings.ladder,
    )


def found(facts: Facts, rules: Rules) -> Findings:
    """The findings of a snapshot by the newest law and calendar."""
    received_on = None
    if facts.received_at is not None:
        zone = rules.calendar_of(facts.branch).zone
        received_on = facts.received_at.astimezone(zone).date()
    procedure = procedure_code(facts.procedure)
    return derive(facts, rules.ground(procedure, facts.branch, facts.commune, received_on))


def stored_facts(facts: Facts, procedure: str) -> tuple[Any, ...]:
    """The facts in the order of `db.tables.dossiers.FACTS`; their hash is the content's."""
    return (
        facts.procedure,
        procedure,
        facts.case,
        facts.branch,
        facts.commune,
        str(facts.channel),
        str(facts.applicant_kind),
        int(facts.status),
        facts.submitted_at,
        facts.received_at,
        facts.land_office_received_at,
        facts.promised_at,
        _json(facts.suspensions),
        _json(facts.stages),
        _json(facts.extensions),
        _json(facts.apologies),
        _json(facts.steps),
        facts.finished_at,
        facts.ended_at,
        facts.outcome.value if facts.outcome else None,
        facts.handed_over_at,
        facts.online_payment,
        int(facts.status_told) if facts.status_told is not None else None,
        facts.suspensions_inferred or None,
        _json(facts.aliases),
    )


def content_hash(stored: tuple[Any, ...]) -> bytes:
    """What tells two contents apart; what few sources tell counts only where it is told."""
    rare = stored[FEW_AT:]
    return sha256(msgspec.json.encode(stored if any(rare) else stored[:FEW_AT])).digest()


def stored_findings(
    facts: Facts, findings: Findings, version: int, calendar_id: int
) -> tuple[Any, ...]:
    """The findings in the order of `db.tables.dossiers.FINDINGS`.

    `version` and `calendar_id` name the catalogue and the working calendar they were made with.
    """
    choice = findings.choice
    ended = facts.how_ended
    return (
        version,
        findings.state.value,
        findings.no_limit.value if findings.no_limit else None,
        ended.value if ended else None,
        choice.rule.id if choice else None,
        calendar_id,
        choice.rule.case if choice else None,
        choice.case_assumed if choice else False,
        choice.difficult if choice else False,
        choice.policy.value if choice else None,
        _json(
            [
                {
                    "stage": stage.stage,
                    "started_at": stage.started_at,
                    "ended_at": stage.ended_at,
                    "due_on": stage.deadline.due_on if stage.deadline else None,
                    "due_at": stage.deadline.due_at if stage.deadline else None,
                    "late": stage.late,
                }
                for stage in findings.stages
            ]
        ),
        findings.due_on,
        findings.due_at,
        findings.provisional,
        findings.received_on,
        findings.form.end_on,
        written(findings.paused or None),
        findings.legal.due_on,
        findings.legal.end_on,
        findings.legal.forced_late,
        written(findings.legal.overdue),
        findings.form.due_on,
        written(findings.form.overdue),
        findings.index766.due_on,
        findings.index766.end_on,
        findings.index766.forced_late,
        written(findings.index766.overdue),
    )


def _json(rows: Sequence[object]) -> str | None:
    return msgspec.json.encode(rows).decode() if rows else None


def why_promised(facts: Facts) -> str:
    """Why the citizen was promised this date: what was completed last before this record.

    The proof of payment is told by a suspension's end or by the start of a later appointment.
    """
    if any(letter.promised_at == facts.promised_at for letter in facts.apologies):
        return "apology"
    done = [
        (stop.until_at, _COMPLETED.get(stop.reason, "suspension"))
        for stop in facts.suspensions
        if stop.until_at is not None and stop.until_at <= facts.updated_at
    ]
    done += [
        (stage.started_at, "tax")
        for stage in facts.stages
        if stage.stage > 1 and stage.started_at is not None
        if stage.started_at <= facts.updated_at
    ]
    return max(done, key=lambda one: one[0], default=(None, "slip"))[1]
