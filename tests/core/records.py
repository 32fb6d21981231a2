"""Dossiers as a source tells them, for the tests of what is derived from them."""

from typing import Any

from app.core.lifecycle import Facts, Status
from tests.core.ground import at

RECEIVED = "2026-07-06T09:15"


def facts(**told: Any) -> Facts:  # noqa: ANN401 fields of any type
    """A sound dossier in progress, with what is told of it; texts of instants are read."""
    given: dict[str, Any] = {
        "code": "H20.16-260706-0001",
        "procedure": "1.012783",
        "branch": "H20.16.03",
        "status": Status.IN_PROGRESS,
        "received_at": RECEIVED,
        "updated_at": "2026-12-01T08:00",
    }
    given |= told
    for name, value in given.items():
        if name.endswith("_at") and value is not None:
            given[name] = at(value)
    return Facts(**given)


def ended(status: Status, on: str, **told: Any) -> Facts:  # noqa: ANN401 (the same)
    """A dossier that ended: with a result where the status says there is one."""
    given: dict[str, Any] = {"status": status, "ended_at": on}
    if status in (Status.FINISHED, Status.HANDED_OVER):
        given["finished_at"] = on
    if status is Status.HANDED_OVER:
        given["handed_over_at"] = on
    return facts(**(given | told))
