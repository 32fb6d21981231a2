"""The sections of a digest: what is so now, by the dossiers, and what is new, by the alerts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.ladder import Ladder, Level, Told
from app.db.mornings import SHOWN, Standing
from app.db.news import News
from app.service.digest_document import NEWS, Entry, Handled, Part, Section
from app.service.mornings import BranchDay, Waits

_LONGEST = 3
_LONGEST_WAITING = 5  # told every day: the list is one click away
_STATES = {
    Part.APOLOGY_TODAY: Standing.APOLOGY_TODAY,
    Part.DUE_TODAY: Standing.DUE_TODAY,
    Part.UNVERIFIED: Standing.UNVERIFIED,
}
_LEVELS = {
    Part.NEWLY_OVERDUE: Level.OVERDUE,
    Part.OVERDUE_REMINDED: Level.OVERDUE_REMINDED,
    Part.OVERDUE_LONG: Level.OVERDUE_LONG,
    Part.OVERDUE_VERY_LONG: Level.OVERDUE_VERY_LONG,
    Part.ACCEPTANCE_LATE: Level.ACCEPTANCE_LATE,
    Part.SUPPLEMENT_NOTICE_LATE: Level.SUPPLEMENT_NOTICE_LATE,
    Part.HAND_OVER_LATE: Level.HAND_OVER_LATE,
    Part.SHARE_USED: Level.SHARE_USED,
}
_PAST_DUE = (
    Part.NEWLY_OVERDUE,
    Part.OVERDUE_REMINDED,
    Part.OVERDUE_LONG,
    Part.OVERDUE_VERY_LONG,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one reader may see as the day begins, of all that was read.

    Attributes:
        back: What was to be handled until a moment after this one, and is not, comes back.
        acknowledged: `db.news.handled`, of these branches and meant for this reader.
        details: The codes of the procedures of the dossiers that are named, by code.
        names: The names of procedures, by code.
    """

    told: Told
    days: Sequence[BranchDay]
    news: Mapping[Level, News]
    waiting: Sequence[Mapping[Any, Any]]
    acknowledged: Sequence[Mapping[Any, Any]]
    details: Mapping[str, str]
    names: Mapping[str, str]
    back: datetime
    now: datetime
    waits: Waits
    ladder: Ladder


def sections(seen: Seen) -> tuple[Section, ...]:
    """What there is to say, in the order of `Part`; sections without a dossier are left out.

    The department, which handles no dossier, is told the news only.
    """
    found = {section.part: section for section in _all(seen) if section.count}
    if seen.told is Told.DEPARTMENT:
        found = {part: found[part] for part in found if part in NEWS}
    return tuple(found[part] for part in Part if part in found)


def in_hand(seen: Seen) -> list[Handled]:
    """What somebody has said to be on, each dossier once, what ends first before."""
    found: dict[str, Handled] = {}
    for row in seen.acknowledged:
        if row["until_at"] > seen.now:
            found[row["code"]] = Handled(row["code"], row["by"], row["until_at"])
    return sorted(found.values(), key=lambda one: (one.until_at, one.code))


def _all(seen: Seen) -> Iterator[Section]:
    for part, standing in _STATES.items():
        yield _state(seen, part, standing)
    yield _tomorrow(seen)
    for part, level in _LEVELS.items():
        yield _new(seen, part, level)
    back = _back(seen)
    yield back
    yield _longer(seen, back)
    yield from _waits(seen)


def _state(seen: Seen, part: Part, standing: Standing) -> Section:
    groups = [day.groups[standing] for day in seen.days if standing in day.groups]
    first = sorted(entry for group in groups for entry in group.first)[:SHOWN]
    count, handled = sum(one.count for one in groups), sum(one.handled for one in groups)
    return Section(part, count, _entries(seen, first), handled=handled)


def _tomorrow(seen: Seen) -> Section:
    """All that is due on the next working day; where an apology is to leave, that stands above."""
    named = _state(seen, Part.DUE_TOMORROW, Standing.DUE_TOMORROW)
    above = sum(
        group.tomorrow
        for day in seen.days
        for standing, group in day.groups.items()
        if standing is Standing.APOLOGY_TODAY
    )
    return Section(
        Part.DUE_TOMORROW, named.count + above, named.entries, above, handled=named.handled
    )


def _new(seen: Seen, part: Part, level: Level) -> Section:
    held = seen.news.get(level)
    if held is None:
        return Section(part, 0, ())
    rung = seen.ladder.by_level.get(level)
    return Section(
        part,
        held.count,
        _entries(seen, held.first),
        handled=held.handled,
        days=rung.working_days if rung else None,
        share=rung.share_used if rung else None,
    )


def _back(seen: Seen) -> Section:
    """What was to be handled by now and still is as it was."""
    still = {one.code for one in in_hand(seen)} | _named(seen.news.values())
    over = {
        row["code"]: row["due_at"]
        for row in seen.acknowledged
        if seen.back < row["until_at"] <= seen.now and row["code"] not in still
    }
    first = sorted((due_at, code) for code, due_at in over.items())[:SHOWN]
    return Section(Part.HANDLING_OVER, len(over), _entries(seen, first))


def _longer(seen: Seen, back: Section) -> Section:
    """All the others that are past due: how many, and the three that are so for longest."""
    kinds = (Standing.OVERDUE, Standing.NEWLY_OVERDUE)
    both = [_state(seen, Part.OVERDUE, kind) for kind in kinds]
    new = [seen.news[_LEVELS[part]] for part in _PAST_DUE if _LEVELS[part] in seen.news]
    named = _named(new) | {entry.code for entry in back.entries}
    past = sum(1 for entry in back.entries if entry.due_at and entry.due_at <= seen.now)
    count = sum(one.count for one in both) - sum(one.count for one in new) - past
    handled = sum(one.handled for one in both) - sum(one.handled for one in new)
    rest = [one for section in both for one in section.entries if one.code not in named]
    rest.sort(key=lambda one: (one.due_at or seen.now, one.code))
    count, handled = max(count, 0), max(min(handled, count), 0)
    return Section(
        Part.OVERDUE, count, tuple(rest[: min(_LONGEST, count - handled)]), handled=handled
    )


def _waits(seen: Seen) -> Iterator[Section]:
    for tax, part in ((True, Part.WAITING_TAX), (False, Part.WAITING_CITIZEN)):
        rows = [row for row in seen.waiting if row["tax"] is tax]
        entries = tuple(
            Entry(row["code"], since=row["since"], procedure=_name(seen, row["procedure_code"]))
            for row in rows[:_LONGEST_WAITING]
        )
        count = sum({row["branch"]: int(row["count"]) for row in rows}.values())
        days = seen.waits.tax if tax else seen.waits.citizen
        yield Section(part, count, entries, days=days)


def _named(news: Collection[News]) -> set[str]:
    return {code for one in news for _, code in one.first}


def _entries(seen: Seen, first: Sequence[tuple[datetime, str]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(code, due_at=at, procedure=_name(seen, seen.details.get(code))) for at, code in first
    )


def _name(seen: Seen, procedure: str | None) -> str | None:
    """What a procedure is called; its code where nobody says."""
    return seen.names.get(procedure, procedure) if procedure else None
