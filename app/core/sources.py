"""What several sources say of one dossier, made into one: ranks, fillings, divergences."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.core.codes import procedure_code
from app.core.lifecycle import Facts, Status, problems

DEFAULT_RANK = 100
OURS = "dunghan"
"""What people record here: a source of its own, below every other. It tells letters only."""

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_RUNNING = (Status.RECEIVED, Status.IN_PROGRESS)
_FILLED = (
    *("case", "commune", "submitted_at", "land_office_received_at", "promised_at"),
    *("suspensions", "stages", "extensions", "apologies", "steps"),
    *("finished_at", "ended_at", "outcome", "handed_over_at", "online_payment"),
)
_COMPARED = (
    *("procedure", "case", "branch", "commune", "received_at", "land_office_received_at"),
    *("promised_at", "finished_at", "ended_at", "outcome", "handed_over_at"),
)


class Divergence(NamedTuple):
    """A field of which a source says otherwise than the record; days and codes as texts."""

    source: str
    field: str
    held: str
    told: str


class Together(NamedTuple):
    """What sources together say: the facts, whose they are, and what does not agree."""

    record: str
    facts: Facts
    divergences: tuple[Divergence, ...]


def together(told: Mapping[str, Facts], ranks: Mapping[str, int]) -> Together:
    """Make one dossier of the newest snapshot of each source that tells of it.

    The source with the lowest rank (of equals the first by its code) is the system of record; the
    others, in the same order, fill what it leaves empty, as long as that makes nothing that cannot
    be true. What is recorded here comes last and contradicts nobody. The stamp is the newest. The
    result does not depend on the order of arrival.
    """
    order = sorted(
        told, key=lambda source: (source == OURS, ranks.get(source, DEFAULT_RANK), source)
    )
    record = order[0]
    facts = told[record]._replace(
        updated_at=max(one.updated_at for one in told.values()),
        aliases=tuple(sorted({name for one in told.values() for name in one.aliases})),
    )
    for source in order[1:]:
        facts = _filled(facts, told[source])
    found = [
        one
        for source in order[1:]
        if source != OURS
        for one in _divergences(told[record], source, told[source])
    ]
    return Together(record, facts, tuple(found))


def _filled(facts: Facts, other: Facts) -> Facts:
    for field in _FILLED:
        if not _empty(getattr(facts, field)):
            continue
        theirs = getattr(other, field)
        more: dict[str, Any] = {field: theirs}
        if field == "suspensions":
            if facts.status in _RUNNING:  # the record says that the clock runs
                more[field] = tuple(stop for stop in theirs if stop.until_at is not None)
            more["suspensions_inferred"] = other.suspensions_inferred
        if _empty(more[field]):
            continue
        fuller = facts._replace(**more)
        if not any(problems(fuller, fuller.updated_at)):
            facts = fuller
    return facts


def _divergences(record: Facts, source: str, other: Facts) -> Iterator[Divergence]:
    for field in _COMPARED:
        held, told = _said(record, field), _said(other, field)
        if held and told and held != told:
            yield Divergence(source, field, held, told)


def _said(facts: Facts, field: str) -> str:
    """A field as it is compared: sources that keep hours and those that keep days say the same."""
    value = getattr(facts, field)
    if isinstance(value, datetime):
        return value.astimezone(_ZONE).date().isoformat()
    if field == "procedure":
        return procedure_code(value)
    return str(value) if value else ""


def _empty(value: object) -> bool:
    return value is None or value == ()
