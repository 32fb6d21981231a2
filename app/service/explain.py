"""Why a stored dossier is due when it is: derived again from its facts with the law it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.clock import SupplementPolicy
from app.core.findings import Findings, Ground, derive
from app.core.lifecycle import Facts
from app.core.limits import SupplementRule
from app.service.calendars import Published
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_of
from app.service.used import Used, used


@dataclass(frozen=True, slots=True)
class Explained:
    """A dossier's facts and findings, and the very calendar and policy they lean on.

    `newest` is the branch's calendar of today, by which what still runs is counted: a dossier that
    a later holiday did not reach keeps naming the calendar it was derived with. `supplement` is
    the general rule its supplement policy comes from; None where the limit says
    itself what a supplement does, or that rule is no longer in force.
    """

    facts: Facts
    findings: Findings
    published: Published
    newest: WorkingCalendar
    supplement: SupplementRule | None


def explain(session: Session, row: Mapping[Any, Any], book: RuleBook, rules: Rules) -> Explained:
    """Derive a stored dossier again with the very limit and calendar rows it was derived with."""
    facts, newest = facts_of(row), rules.calendar_of(row["branch"])
    held = used(session, row, book, rules)
    if held is None:
        published = rules.published(row["branch"])
        ground = Ground(
            rules=rules.limits.get(row["procedure_code"]),
            province=rules.branches[row["branch"]].province,
            difficult=None,
            calendar=published.calendar,
        )
        return Explained(facts, derive(facts, ground), published, newest, None)
    findings = held.derive(facts)
    general = _general(findings, held, facts, rules)
    return Explained(facts, findings, held.published, newest, general)


def _general(findings: Findings, held: Used, facts: Facts, rules: Rules) -> SupplementRule | None:
    if held.own_policy or findings.choice is None or facts.received_at is None:
        return None
    on = facts.received_at.astimezone(held.published.calendar.zone).date()
    policy = SupplementPolicy(findings.choice.policy)
    covering = (rule for rule in rules.supplements if rule.covers(on))
    return next((rule for rule in covering if rule.policy is policy), None)
