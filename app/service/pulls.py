"""What is kept of a source that is asked: checked, and shown without its secrets."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import feeds, pulls
from app.service.shape import PullBody, origin


class NotKeepableError(Exception):
    """What is asked for cannot be; `problem` names the field."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def keep(
    session: Session,
    source: str,
    body: PullBody,
    office: str,
    branches: Collection[str],
    now: datetime,
) -> None:
    """Add the pull of a source, or change it; it is asked at once, by nobody who asks it now.

    It goes on where it stopped, unless address, parameters or kind of paging are others than
    before: then it begins anew, and what it has told already is unchanged.

    Raises:
        NotKeepableError: a branch or a source of others, or a secret that would go elsewhere.
    """
    strange = sorted(set(body.branches or ()) - set(branches))
    if strange:
        named: dict[str, object] = {"branch": strange[0][:60]}
        raise NotKeepableError(Problem("branches", "{branch} is no branch of the office", named))
    if feeds.offices_of(session, source) - {office}:
        raise NotKeepableError(
            Problem("source", "another office uses a source of that name; choose another name")
        )
    held = pulls.find(session, source)
    if held and body.keeps_credential and held["credential"]:
        if origin(held["url"]) != origin(body.url):
            why = "the address is at another place; give the credential for it, or null"
            raise NotKeepableError(Problem("credential", why))
        credential = held["credential"]
    else:
        credential = body.stored_credential()
    goes_on = held is not None and _reads(held) == _reads(_asked(body))
    pulls.put(
        session,
        source=source,
        office=office,
        branches=None if body.branches is None else sorted(set(body.branches)),
        url=body.url,
        credential=credential,
        shape=body.shape.model_dump(mode="json"),
        cursor=held["cursor"] if held and goes_on else None,
        watermark=body.since or (held["watermark"] if held and goes_on else None),
        every_seconds=body.every_seconds,
        next_at=now,
        lease=None,
        leased_until=None,
        failures=0,
        error=None,
        active=body.active,
    )


def _asked(body: PullBody) -> dict[str, Any]:
    return {"url": body.url, "shape": body.shape.model_dump(mode="json")}


def _reads(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What a place in the source's list depends on."""
    shape = row["shape"]
    return row["url"], shape["kind"], shape["adapter"], shape["parameters"]
