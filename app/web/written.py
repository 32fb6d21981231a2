"""How values are written in answers: instants with the office's offset, days as dates, limits."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.clock import Limit

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def instant(at: datetime | None) -> str | None:
    """An instant with the offset of Viet Nam."""
    return None if at is None else at.astimezone(ZONE).isoformat()


def value(held: Any) -> Any:  # noqa: ANN401 a column of any type
    """A column as JSON has it."""
    if isinstance(held, datetime):
        return instant(held)
    if isinstance(held, date):
        return held.isoformat()
    if isinstance(held, (bytes, memoryview)):
        return bytes(held).hex()
    if isinstance(held, list):
        return [_item(one) for one in held]
    return held


def _item(held: Any) -> Any:  # noqa: ANN401 a member of a list of any type
    """A suspension, stage, step… as it was sent: the same names, the office's offset."""
    if not isinstance(held, dict):
        return held
    told = {}
    for name, one in held.items():
        at = isinstance(one, str) and name.endswith("_at")
        sent = {"from_at": "from", "until_at": "until"}.get(name, name)
        told[sent] = instant(datetime.fromisoformat(one)) if at else one
    return told


def limit(held: Limit) -> dict[str, Any]:
    """A limit as people write it."""
    figure = held.quantity
    return {
        "quantity": int(figure) if figure == int(figure) else figure,
        "unit": held.unit.value,
        "cutoff": held.cutoff.isoformat("minutes") if held.cutoff else None,
    }
