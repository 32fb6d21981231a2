"""Stored limit rows as the core reads them."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from app.core.clock import Limit, SupplementPolicy, Unit
from app.core.limits import LimitRule, Start


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
        extension=_extension(rule.get("extension")),
        start=Start(rule.get("start") or Start.RECEIPT),
        policy=SupplementPolicy(rule["supplement"]) if rule.get("supplement") else None,
        ground=rule.get("ground", ""),
        source=rule.get("source", ""),
        confidence=rule.get("confidence", ""),
        doubt=rule.get("doubt"),
        difficult_note=rule.get("difficult_note"),
    )


def _stages(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Limit, ...]:
    return tuple(Limit.of(row["quantity"], Unit(row["unit"])) for row in rows or ())


def _extension(row: Mapping[Any, Any] | None) -> Limit | None:
    return Limit.of(row["quantity"], Unit(row["unit"])) if row else None
