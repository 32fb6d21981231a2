"""The digest as it would be written now, for whoever asks; nothing is queued or remembered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app.db import digests, subscriptions
from app.service.access import Principal
from app.service.digest import Judged, morning, written
from app.service.digest_document import Digest
from app.service.rules import Rules

_ALL = 2**63 - 1


def preview(
    session: Session, rules: Rules, now: datetime, judged: Judged, caller: Principal
) -> Digest:
    """What the caller would be told now: of alerts, those since the digest they were last sent."""
    held = morning(session, rules, now, judged, {caller.office})
    name = f"user:{caller.user_id}"
    seen = digests.last_seen(session, [name]) if caller.user_id is not None else {}
    branches = None if caller.whole_office else caller.branches
    told = digests.told_to(caller.role, whole=caller.whole_office)
    reader = held.reader(caller.office, branches, told, seen.get(name))
    return written(session, held, [reader], _ALL)[reader]


class Why(StrEnum):
    """Why somebody gets no digest on a day."""

    NO_ADDRESS = "no_address"
    NOT_WANTED = "not_wanted"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Person:
    """An account and whether a digest goes to it on a day; `branches` is None for all."""

    name: str
    role: str
    branches: Sequence[str] | None
    without: Why | None


def recipients(session: Session, rules: Rules, office: str, day: date) -> list[Person]:
    """Who of an office gets a digest on a working day, and who does not."""
    return list(_people(session, rules, office, day))


def _people(session: Session, rules: Rules, office: str, day: date) -> Iterator[Person]:
    for row in subscriptions.people(session, office):
        wish = subscriptions.read(row)
        without = None
        if not row["email"]:
            without = Why.NO_ADDRESS
        elif not wish.daily:
            without = Why.NOT_WANTED
        elif wish.quiet_on(day):
            without = Why.QUIET
        branches = row["branches"]
        names = branches and [
            rules.branches[code].short_name for code in branches if code in rules.branches
        ]
        yield Person(row["name"], row["role"], names, without)
