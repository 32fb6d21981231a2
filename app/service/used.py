"""What a stored dossier was derived with: closed ones keep it (design §5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.core.clock import SupplementPolicy
from app.core.codes import procedure_code
from app.core.findings import Findings, Ground, derive
from app.core.lifecycle import Facts
from app.service.calendars import Published
from app.service.rules import RuleBook, Rules

# What a limit is chosen by: while these stay the same, so does the limit of a closed dossier.
CHOSEN_BY = ("case", "branch", "commune", "received_at", "land_office_received_at")


@dataclass(frozen=True, slots=True)
class Used:
    """The law and calendar of a stored dossier, as `core.findings.derive` takes them.

    `case` is the one its limit was taken from; `own_policy` whether that limit says itself what a
    supplement does; `version` the version of the catalogue it was derived with.
    """

    ground: Ground
    published: Published
    case: str
    case_assumed: bool
    own_policy: bool
    version: int

    def derive(self, facts: Facts) -> Findings:
        """The findings of some facts by this law and calendar."""
        found = derive(facts._replace(case=self.case), self.ground)
        if found.choice is None:
            return found
        return found._replace(choice=replace(found.choice, case_assumed=self.case_assumed))


def used(session: Session, row: Mapping[Any, Any], book: RuleBook, rules: Rules) -> Used | None:
    """What one stored dossier was derived with; None if it has no limit."""
    return all_used(session, [row], book, rules).get(row["code"])


def all_used(
    session: Session, rows: Sequence[Mapping[Any, Any]], book: RuleBook, rules: Rules
) -> dict[str, Used]:
    """What each stored dossier that has a limit was derived with, by code.

    Rows of the catalogue never change, so each is read once a process.
    """
    ids = {row["limit_id"] for row in rows if row["limit_id"] is not None}
    if not ids:
        return {}
    limits = book.limits(session, ids)
    found: dict[str, Used] = {}
    for row in rows:
        if row["limit_id"] is None:
            continue
        rule = limits[row["limit_id"]]
        published = book.calendar(session, row["calendar_id"])
        ground = Ground(
            rules=[replace(rule, policy=SupplementPolicy(row["policy"]))],
            province=rule.province or "",
            difficult=row["difficult"],
            calendar=published.calendar,
            supplements=rules.supplements,
            ladder=rules.ladder_of(row["branch"], rules.groups.get(row["procedure_code"])),
        )
        found[row["code"]] = Used(
            ground=ground,
            published=published,
            case=rule.case,
            case_assumed=row["case_assumed"],
            own_policy=rule.policy is not None,
            version=row["catalogue_version"],
        )
    return found


def keeps(facts: Facts, row: Mapping[Any, Any]) -> bool:
    """Whether a new snapshot of a closed dossier is judged by what the stored one was.

    It is, unless what its limit is chosen by was corrected.
    """
    same = all(getattr(facts, name) == row[name] for name in CHOSEN_BY)
    return same and procedure_code(facts.procedure) == row["procedure_code"]
