"""Why a stored dossier is due when it is: derived again from its facts with the law it names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.core.clock import SupplementPolicy
from app.core.findings import Findings, Ground, derive
from app.core.lifecycle import Facts
from app.db import catalogue
from app.service.calendars import working_calendar
from app.service.limits import limit_rule
from app.service.recompute import facts_of
from app.service.rules import Published, Rules


@dataclass(frozen=True, slots=True)
class Explained:
    """A dossier's facts and findings, and the calendar version they lean on."""

    facts: Facts
    findings: Findings
    published: Published


def explain(session: Session, row: Mapping[Any, Any], rules: Rules) -> Explained:
    """Derive a stored dossier again with the very limit and calendar rows it was derived with."""
    facts = facts_of(row)
    published = rules.published(row["branch"])
    if published.id != row["calendar_id"]:
        held = catalogue.calendar_by_id(session, row["calendar_id"])
        if held is not None:
            published = Published(held["id"], held["version"], working_calendar(held["body"]))
    ground = Ground(
        rules=None,
        province=rules.branches[row["branch"]].province,
        difficult=row["difficult"],
        calendar=published.calendar,
        later_policy=rules.later_policy,
    )
    used = catalogue.limit(session, row["limit_id"]) if row["limit_id"] else None
    if used is not None:
        rule = replace(limit_rule(used), policy=SupplementPolicy(row["policy"]))
        ground = replace(ground, rules=[rule], province=used["province"] or "")
        facts = replace(facts, case=used["case"])
    else:
        ground = replace(ground, rules=rules.limits.get(row["procedure_code"]), difficult=None)
    return Explained(facts, derive(facts, ground), published)
