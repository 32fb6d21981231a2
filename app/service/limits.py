"""Stored limit rows as the core reads them."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from app.core.clock import Limit, SupplementPolicy, Unit
from app.core.limits import LimitRule, Start
from app.core.steps import StepLimit, StepUnit, half_days
from app.core.taxes import TaxLimit


def limit_rule(row: Mapping[Any, Any]) -> LimitRule:
    """A stored limit row as the core reads it."""
    rule = row["rule"]
    cutoff = time.fromisoformat(rule["cutoff"]) if rule.get("cutoff") else None
    difficult = rule.get("difficult") or {}
    return LimitRule(
        id=row["id"],
        procedure=row["procedure"],
        case=row["case"],
        province=row["province"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        limit=Limit.of(rule["quantity"], Unit(rule["unit"]), cutoff),
        stages=_stages(rule.get("stages")),
        difficult=Limit.of(difficult["quantity"], Unit(rule["unit"]), cutoff)
        if difficult
        else None,
        difficult_stages=_stages(difficult.get("stages")),
        extension=_figure(rule.get("extension")),
        start=Start(rule.get("start") or Start.RECEIPT),
        policy=SupplementPolicy(rule["supplement"]) if rule.get("supplement") else None,
        ground=rule.get("ground", ""),
        source=rule.get("source", ""),
        confidence=rule.get("confidence", ""),
        doubt=rule.get("doubt"),
        procedure_doubt=rule.get("procedure_doubt"),
        difficult_note=rule.get("difficult_note"),
        tax=_tax(rule.get("tax")),
        steps=_steps(rule.get("steps")),
    )


def _stages(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Limit, ...]:
    return tuple(Limit.of(row["quantity"], Unit(row["unit"])) for row in rows or ())


def _figure(row: Mapping[Any, Any] | None) -> Limit | None:
    return Limit.of(row["quantity"], Unit(row["unit"])) if row else None


def _tax(row: Mapping[Any, Any] | None) -> TaxLimit | None:
    limit = _figure(row)
    return TaxLimit(limit, row.get("ground", "")) if row and limit else None


def _steps(rows: Sequence[Mapping[str, Any]] | None) -> tuple[StepLimit, ...]:
    """A step is stored in half days; a row of the catalogue's own file may give days."""
    return tuple(
        StepLimit(
            StepUnit(row["unit"]),
            half_days(row["quantity"]) if row.get("quantity") else row.get("half_days"),
            row.get("name"),
        )
        for row in rows or ()
    )
