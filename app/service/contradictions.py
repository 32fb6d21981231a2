"""What is wrong with procedures and limits whose shape is right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any

from app.core.clock import LimitError
from app.core.codes import procedure_code
from app.core.problems import Problem
from app.db.calendars import NATIONAL
from app.service.catalogue_items import Case, LimitRow, Procedure
from app.service.limits import limit_rule

TWICE = "it is there twice; put all of it in one place"
_APART = {"valid_from", "valid_until", "province"}


def repeated(names: Sequence[str]) -> list[str]:
    """The names that stand there more than once."""
    return sorted(name for name, times in Counter(names).items() if times > 1)


def span(first: date | None, last: date | None) -> str:
    """The days something is in force: `2024-08-01 – 2025-06-30`, `2025-07-01 – …`."""
    return f"{first or '…'} – {last or '…'}"


def stored_limit(case: str, limit: LimitRow, doubt: str | None = None) -> dict[str, Any]:
    """A limit as it is stored: what says nothing is left out, so the same law is the same row.

    `doubt` is of the whole procedure; it stands with each of its limits, and so in explanations.
    """
    return {
        "case": case,
        "province": limit.province,
        "valid_from": limit.valid_from,
        "valid_until": limit.valid_until,
        "rule": limit.model_dump(mode="json", exclude=_APART, exclude_defaults=True)
        | ({"procedure_doubt": doubt} if doubt else {}),
    }


def of_procedure(item: Procedure) -> Iterator[Problem]:
    """What is wrong with a procedure whose shape is right."""
    plain = procedure_code(item.code)
    if item.code != plain:
        yield Problem(
            "code",
            "write {code}, without a province's suffix; a province's own limit names its province",
            {"code": plain},
        )
    for name in repeated([case.case for case in item.cases]):
        yield Problem(f"{item.code}.{name}", TWICE)
    for case in item.cases:
        wrong = [told for limit in case.limits for told in _no_limit(item.code, case.case, limit)]
        yield from wrong or _neighbours(item.code, case)


def _no_limit(procedure: str, case: str, limit: LimitRow) -> Iterator[Problem]:
    where = f"{procedure}.{case}.{limit.province or NATIONAL}"
    if limit.cutoff is not None and limit.cutoff.tzinfo is not None:
        why = "the cutoff is a local time; leave out its offset"
        yield Problem(where, "not a limit: {why}", {"why": why})
        return
    try:
        limit_rule({"id": 0, "procedure": procedure, **stored_limit(case, limit)})
    except (LimitError, ValueError, KeyError, TypeError) as wrong:
        yield Problem(where, "not a limit: {why}", {"why": str(wrong)})
    yield from _stages(where, limit)
    if limit.valid_until is None and limit.ends:
        yield Problem(where, "give valid_until, the last day of a rule that ends")
    if limit.valid_until is not None and limit.valid_until < limit.valid_from:
        yield Problem(where, "valid_until is before valid_from; correct one")


def _stages(where: str, limit: LimitRow) -> Iterator[Problem]:
    """Stages count in the unit of the whole limit and add up to it."""
    if not limit.stages:
        return
    if any(stage.unit is not limit.unit for stage in limit.stages):
        yield Problem(where, "a stage counts in another unit than the whole limit; use one unit")
        return
    told = sum(stage.quantity for stage in limit.stages)
    # Halves are rounded up stage by stage (Đồng Tháp prints 5 = 2.5 + 2.5), never more.
    if not limit.quantity <= told <= limit.quantity + len(limit.stages) / 2:
        both = {"stages": f"{told:g}", "whole": f"{limit.quantity:g}"}
        why = "the stages add up to {stages}, the whole limit is {whole}; correct one"
        yield Problem(where, why, both)


def _neighbours(procedure: str, case: Case) -> Iterator[Problem]:
    """Each day of receipt has one limit: rows that overlap, or leave a gap that is not meant."""

    def province(limit: LimitRow) -> str:
        return limit.province or ""

    ordered = sorted(case.limits, key=lambda limit: (province(limit), limit.valid_from))
    for own, rows in groupby(ordered, key=province):
        where = f"{procedure}.{case.case}.{own or NATIONAL}"
        for earlier, later in pairwise(rows):
            both = {
                "earlier": span(earlier.valid_from, earlier.valid_until),
                "later": span(later.valid_from, later.valid_until),
            }
            until = earlier.valid_until
            if until is None or until >= later.valid_from:
                yield Problem(
                    where,
                    "two limits are in force at once, {earlier} and {later}; "
                    "end the first the day before the second begins",
                    both,
                )
            elif not earlier.ends and (later.valid_from - until).days > 1:
                yield Problem(
                    where,
                    "no limit is in force between {earlier} and {later}; close the gap, "
                    "or say with ends that the first one really ended",
                    both,
                )
