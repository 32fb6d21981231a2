"""Every figure counted again, dossier by dossier, from the records as they were sent.

Written from the law (QĐ 766, TT 01/2020, the design's §5 and §6) and apart from the product: a past
day is judged by cutting off of each record what had not happened by then and looking at the rest.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from tests.service.recount_law import (
    ZONE,
    Clocks,
    Leg,
    Rule,
    Told,
    calendar,
    clocks,
    no_tax_leg,
    working_days,
)

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
SILENCE = 3
SOON = 2
MEANT = {3: "refused", 7: "withdrawn", 8: "stopped", 9: "result", 10: "result"}
OURS = ("result", "refused", "returned")
FILLS = ("promised_at", "commune")
"""Of what a second source may fill, what the histories let it fill."""


def at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def on(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def told_by(record: Mapping[str, Any]) -> Told:
    """A raw record, its instants read."""
    end = at(record.get("finished_at")) or at(record.get("ended_at"))
    kind = (record.get("applicant") or {}).get("kind")
    return Told(
        code=record["code"],
        procedure=".".join(record["procedure"].split(".")[:2]),
        case=record.get("case"),
        branch=record["branch"],
        commune=record.get("commune"),
        channel=record.get("channel") or "counter",
        kind=kind or "citizen",
        received=at(record.get("received_at")),
        at_land_office=at(record.get("land_office_received_at")),
        slip=at(record.get("promised_at")),
        legs=tuple(
            Leg(one["reason"], datetime.fromisoformat(one["from"]), at(one.get("until")))
            for one in record.get("suspensions") or ()
        ),
        stages={
            one["stage"]: (at(one.get("started_at")), at(one.get("ended_at")))
            for one in record.get("stages") or ()
        },
        extended=tuple(
            datetime.fromisoformat(one["granted_at"]) for one in record.get("extensions") or ()
        ),
        letters=tuple(
            (datetime.fromisoformat(one["sent_at"]), at(one.get("promised_at")))
            for one in record.get("apologies") or ()
        ),
        end=end,
        outcome=(record.get("outcome") or MEANT.get(record["status"], "result")) if end else None,
    )


def standing(records: Iterable[tuple[str, bytes]], ranks: Mapping[str, int]) -> list[Told]:
    """The dossiers as they stand: of each source the newest, the highest-ranked leading.

    `records` are those that were not refused, with their source, in whatever order they came.
    """
    newest: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for source, raw in records:
        record = json.loads(raw)
        held = newest[record["code"]].get(source)
        if held is None or at(record["updated_at"]) > at(held["updated_at"]):  # type: ignore[operator]
            newest[record["code"]][source] = record
    found = []
    for told in newest.values():
        leading, *others = sorted(told, key=lambda source: (ranks.get(source, 100), source))
        record = dict(told[leading])
        for other in others:
            record |= {name: told[other].get(name) for name in FILLS if not record.get(name)}
        found.append(told_by(record))
    return found


def heard(
    records: Iterable[tuple[str, bytes]], now: datetime, ranks: Mapping[str, int]
) -> dict[str, datetime]:
    """The newest moment that each branch's leading source has told of."""
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    for source, raw in records:
        record = json.loads(raw)
        moment = min(datetime.fromisoformat(record["updated_at"]), now)
        mine = found[record["branch"]]
        mine[source] = max(mine.get(source, moment), moment)
    return {
        branch: mine[min(mine, key=lambda source: (ranks.get(source, 100), source))]
        for branch, mine in found.items()
    }


def by_then(told: Told, close: datetime) -> Told:
    """What had happened by an instant, and nothing else; the slip stands as it does today."""
    told = replace(told, close=close)
    end = told.past(told.end)
    return replace(
        told,
        legs=tuple(
            replace(leg, until=told.past(leg.until)) for leg in told.legs if leg.since <= close
        ),
        extended=tuple(moment for moment in told.extended if moment <= close),
        letters=tuple(one for one in told.letters if one[0] <= close),
        end=end,
        outcome=told.outcome if end else None,
    )


@dataclass(frozen=True)
class Asked:
    """A period up to the day it is judged at, by the clocks of the branches."""

    first: date
    last: date
    now: datetime
    heard: Mapping[str, datetime]

    @property
    def current(self) -> bool:
        return self.last >= on(self.now)

    @property
    def close(self) -> datetime:
        if self.current:
            return self.now
        return datetime.combine(self.last + DAY, time(), ZONE) - TICK

    def clock(self, branch: str) -> datetime:
        """Until when lateness is proved: the branch's last word, unless it is silent for long."""
        last_word = self.heard.get(branch)
        if last_word is None or working_days(on(last_word), on(self.now)) > SILENCE:
            return self.now
        return last_word

    @cached_property
    def soon_until(self) -> date:
        day, left = on(self.now), SOON
        while left:
            day += DAY
            left -= calendar().works(day)
        return day


@dataclass(frozen=True)
class Dossier:
    """One dossier in hand, as it stood at the close."""

    told: Told
    rule: Rule | None
    then: Told
    clocks: Clocks | None
    asked: Asked

    @property
    def ended_on(self) -> date | None:
        return on(self.then.end) if self.then.end else None

    @property
    def in_hand(self) -> bool:
        return self.ended_on is None or self.ended_on >= self.asked.first

    @property
    def fresh(self) -> bool:
        assert self.told.received
        return on(self.told.received) >= self.asked.first

    def promised(self) -> datetime | None:
        """What the citizen was told last: the newest letter that names a day, else the slip."""
        letters = sorted(self.then.letters, key=lambda one: one[0])
        return next((named for _, named in reversed(letters) if named), self.then.slip)

    @property
    def stands_still(self) -> bool:
        """Whether its clock stood at the close: stopped, or between two appointments."""
        if any(leg.until is None for leg in self.then.legs):
            return True
        past, stages = self.then.past, self.then.stages
        begun = {nth for nth, (start, _) in stages.items() if past(start)}
        return any(past(end) and nth + 1 not in begun for nth, (_, end) in stages.items())

    def by_form(self) -> str:
        promised = self.promised()
        if self.ended_on is None:
            late = promised is not None and on(promised) < self.asked_on and not self.stands_still
            return "overdue" if late else "in_time"
        if promised is None or self.then.outcome in ("withdrawn", "returned", "stopped"):
            return "on_time"
        return compared(self.ended_on, on(promised))

    def by_766(self) -> str:
        asked = [leg for leg in self.then.legs if leg.reason == "supplement"]
        promised = self.promised()
        whole = self.clocks.whole if self.clocks else None
        limit = on(promised) if promised else whole
        end = self.then.end or (datetime.combine(self.asked_on + DAY, time(), ZONE) - TICK)
        if len(asked) > 1:
            return "late" if self.then.end else "overdue"
        if limit is None:
            return "no_limit" if self.then.end else "in_time"
        for leg in asked:
            if self.then.end is None and leg.until is None:
                end = leg.since  # one supplement and nothing else: that moment is the end
            else:
                end -= max(min(leg.until or end, end) - leg.since, timedelta(0))
        if self.then.end:
            return compared(on(end), limit)
        return "overdue" if on(end) > limit else "in_time"

    @property
    def asked_on(self) -> date:
        return on(self.asked.close)

    @property
    def missed(self) -> bool:
        """Whether an appointment was missed, or the last by the time it ended."""
        assert self.clocks
        return any(one.missed for one in self.clocks.appointments)

    def by_law(self) -> str:
        if self.then.end and self.then.outcome not in OURS:
            return "uncounted"
        if self.rule is None or self.clocks is None:
            return "no_limit"
        return self._ended_by_law(self.clocks) if self.then.end else self._open_by_law(self.clocks)

    def _ended_by_law(self, clocks: Clocks) -> str:
        if self.missed:
            return "late"
        held = clocks.running
        if clocks.waits or held is None or held.on is None or self.ended_on is None:
            return "on_time"
        return compared(self.ended_on, held.on)

    def _open_by_law(self, clocks: Clocks) -> str:
        held = None if clocks.waits else clocks.running
        if held is None or held.at is None or held.at > self.asked.close:
            return "in_time"
        clock = self.asked.clock(self.told.branch)
        return "overdue" if held.at <= min(clock, self.asked.close) else "unverified"

    def stood(self, yardstick: str) -> str:
        """Its one class: early, on_time, late, no_limit, uncounted, in_time, overdue, …"""
        return {"legal": self.by_law, "form": self.by_form, "index766": self.by_766}[yardstick]()

    def fell_due(self) -> str | None:
        """Of those whose last day by law lay in the period: met, missed or ahead."""
        held = self.clocks.running if self.clocks else None
        last_day = held.on if held else None
        if self.clocks and self.clocks.waits:
            last_day = self.ended_on  # nobody's delay; ended so, it ended on its last day
        if last_day is None or not self.asked.first <= last_day <= self.asked.last:
            return None
        if self.then.end:
            stood = self.by_law()
            return None if stood == "uncounted" else "missed" if stood == "late" else "met"
        over = last_day < self.asked.last or not self.asked.current
        return "missed" if over else "ahead"

    def of_this_moment(self) -> list[str]:
        """What is only known of now: due soon, suspended, waiting."""
        if self.then.end or self.clocks is None or not self.asked.current:
            return []
        if self.clocks.waits:
            return ["waiting"]
        held = self.clocks.running
        if held is None or held.at is None or held.on is None:
            return ["suspended"]
        if self.asked.now < held.at and held.at <= _midnight(self.asked.soon_until + DAY):
            return ["due_soon"]
        return []


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def compared(ended: date, last_day: date) -> str:
    """By date (BLDS Đ148 k6)."""
    if ended == last_day:
        return "on_time"
    return "early" if ended < last_day else "late"


def received(dossiers: Sequence[tuple[Told, Rule | None]], asked: Asked) -> list[Dossier]:
    """What was received by the last day; what had ended before the first is not in hand."""
    found = []
    for told, rule in dossiers:
        if told.received is None or on(told.received) > asked.last:
            continue
        then = by_then(told, asked.close)
        known = clocks(then, rule, one_appointment=no_tax_leg(told)) if rule else None
        found.append(Dossier(told, rule, then, known, asked))
    return found
