"""Closing a period: its reports and the class of each dossier are kept, and never change again."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from app.core.periods import Period
from app.core.problems import Problem
from app.db import closings, in_hand, openings, publications, quarantine
from app.db.closings import Report
from app.db.engine import Sessions
from app.db.in_hand import Span
from app.db.lists import Clock
from app.db.openings import Opening
from app.service import ii06a
from app.service.document import Document, Note
from app.service.frozen import packed, unpacked
from app.service.rules import RuleBook, Rules
from app.service.silence import BranchClock, branch_clocks

_DAY = timedelta(days=1)
_UNHEARD = "Not heard of after the last day when the period was closed: {branches}."
_REFUSED = (
    "Refused records of {unit} that were open in quarantine when the period was closed: {count}."
)


class Despite(StrEnum):
    """What a period may be closed in spite of, if whoever closes it says so."""

    UNHEARD = "unheard"
    UNDERIVED = "underived"


class CannotCloseError(Exception):
    """A period that is not closed: what to mend; `closed` if because one was closed already."""

    def __init__(self, problem: Problem, *, closed: bool = False) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.closed = closed


@dataclass(frozen=True, slots=True)
class Making:
    """A period that is being closed: what its reports are made of."""

    session: Session
    rules: Rules
    office: str
    period: Period
    over: Span
    clocks: Sequence[Clock]
    heard: Mapping[str, BranchClock]
    opening: Opening | None

    @property
    def units(self) -> list[str | None]:
        """The office, and each of its branches."""
        return [None, *sorted(self.heard)]

    def data_as_of(self, branch: str | None) -> datetime | None:
        """The oldest last word of the branches of a report."""
        spoken = (one.heard_at for code, one in self.heard.items() if branch in (None, code))
        return min((at for at in spoken if at is not None), default=None)


def _ii06a(making: Making) -> Iterator[Document]:
    found = ii06a.count(making.session, making.clocks, making.over, making.opening)
    for branch in making.units:
        yield ii06a.document(
            found,
            making.rules,
            making.period,
            making.over,
            office=making.office,
            branch=branch,
            data_as_of=making.data_as_of(branch),
        )


FROZEN: Sequence[Callable[[Making], Iterator[Document]]] = (_ii06a,)
"""The reports a closing keeps: each makes one of the office and one of every branch."""


def close(
    sessions: Sessions,
    book: RuleBook,
    office: str,
    period: Period,
    by: str,
    now: datetime,
    *,
    despite: frozenset[Despite],
    silence_days: int,
    soon_days: int,
) -> int:
    """Close a period of an office, as of one moment; the number of the closing.

    Of two at once one waits for the other. Periods of a kind are closed in their order, so what
    one was opened with never moves.

    Raises:
        CannotCloseError: it is not over, closed already, or its facts are not all there.
    """
    with sessions() as session, session.begin():
        closings.alone(session)
        rules = book.in_force(session)
        full = branch_clocks(session, rules, now, silence_days=silence_days, soon_days=soon_days)
        heard = {one: full[one] for one, held in rules.branches.items() if held.office == office}
        making = Making(
            session,
            rules,
            office,
            period,
            in_hand.span(period.first, period.last, now),
            [Clock(one, clock.clock_at, clock.soon_until) for one, clock in heard.items()],
            heard,
            openings.opening(session, office, period.first, period.kind),
        )
        _check_period(making)
        unheard = _unheard(making)
        _check_facts(making, unheard, despite)
        return _write(making, unheard, by, now)


def _check_period(making: Making) -> None:
    period = making.period
    if making.over.current or making.over.last < period.last:
        raise CannotCloseError(
            Problem(
                "period",
                "{name} ends on {last}; it can be closed from {day} on",
                {"name": period.name, "last": period.last, "day": period.last + _DAY},
            )
        )
    held = closings.named(making.session, making.office, period.name)
    if held is not None:
        told = {"name": period.name, "at": _local(held["closed_at"]), "by": held["closed_by"]}
        sentence = "{name} was closed on {at} by {by}; a closed period stays as it is"
        raise CannotCloseError(Problem("period", sentence, told), closed=True)
    later = closings.later(making.session, making.office, period)
    if later is not None:
        raise CannotCloseError(
            Problem(
                "period",
                "{later} is closed, which comes after {name}; close periods in their order",
                {"name": period.name, "later": later["name"]},
            ),
            closed=True,
        )


def _check_facts(making: Making, unheard: Sequence[str], despite: frozenset[Despite]) -> None:
    if unheard and Despite.UNHEARD not in despite:
        raise CannotCloseError(
            Problem(
                "despite",
                "not heard of since {last} was over: {branches}; let their sources send or say "
                'POST /v1/heartbeat, or close it in spite of that with "despite": ["unheard"]',
                {"last": making.period.last, "branches": ", ".join(unheard)},
            )
        )
    pending = publications.next_underived(making.session)
    if pending is not None and Despite.UNDERIVED not in despite:
        raise CannotCloseError(
            Problem(
                "despite",
                "what version {version} of the catalogue moves is not derived yet; try again in "
                'a few minutes, or close it in spite of that with "despite": ["underived"]',
                {"version": pending["version"]},
            )
        )


def _unheard(making: Making) -> list[str]:
    """The branches at work on the last day that nobody told of since that day was over."""
    close_of_day = making.over.close
    return sorted(
        code
        for code, clock in making.heard.items()
        if making.rules.branches[code].is_active(making.period.last)
        and (clock.heard_at is None or clock.heard_at <= close_of_day)
    )


def _write(making: Making, unheard: Sequence[str], by: str, now: datetime) -> int:
    session, opening = making.session, making.opening
    number = closings.next_id(session)
    notes = dict(_notes(making, unheard, now))
    reports = []
    for build in FROZEN:
        for made in build(making):
            made.notes += notes[made.branch]
            held = packed(made)
            reports.append(Report(made.name, made.branch or "", held, sha256(held).digest()))
    closings.freeze(session, making.clocks, making.over, number)
    if opening is not None:
        openings.freeze(session, making.clocks, making.over, opening.closing, number)
    before = closings.newest(session, making.office)
    row = {
        "id": number,
        "office": making.office,
        "kind": making.period.kind.value,
        "name": making.period.name,
        "first_on": making.period.first,
        "last_on": making.period.last,
        "closed_at": now,
        "closed_by": by,
        "previous_id": opening.closing if opening else None,
        "dossiers_hash": closings.dossiers_hash(session, number),
    }
    hashed = closing_hash(row, reports, before["hash"] if before else b"")
    closings.keep(session, row | {"hash": hashed}, reports)
    return number


def _notes(
    making: Making, unheard: Sequence[str], now: datetime
) -> Iterator[tuple[str | None, list[Note]]]:
    """What the reader of each unit must know of the moment it was closed."""
    refused = quarantine.counts(
        making.session, making.office, sorted(making.heard), now, whole_office=True
    )
    for branch in making.units:
        silent = [code for code in unheard if branch in (None, code)]
        count = sum(n for code, n in refused.items() if branch in (None, code))
        rules = making.rules
        unit = rules.branches[branch].name if branch else rules.offices[making.office]
        notes = [Note(_UNHEARD, {"branches": ", ".join(silent)})] if silent else []
        notes += [Note(_REFUSED, {"unit": unit, "count": count})] if count else []
        yield branch, notes


def closing_hash(row: Mapping[Any, Any], reports: Sequence[Report], before: bytes) -> bytes:
    """One hash over all a closing says, and over the closing of the office made before it."""
    told = {
        "id": row["id"],
        "office": row["office"],
        "kind": row["kind"],
        "name": row["name"],
        "first_on": row["first_on"].isoformat(),
        "last_on": row["last_on"].isoformat(),
        "closed_at": row["closed_at"].astimezone(UTC).isoformat(timespec="microseconds"),
        "closed_by": row["closed_by"],
        "previous_id": row["previous_id"],
        "dossiers": row["dossiers_hash"].hex(),
        "reports": sorted([one.report, one.branch, one.hash.hex()] for one in reports),
        "before": before.hex(),
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()


def ii06a_report(
    session: Session,
    rules: Rules,
    clocks: Sequence[Clock],
    period: Period,
    over: Span,
    *,
    office: str,
    branch: str | None,
    whole_office: bool,
    data_as_of: datetime | None,
    live: bool = False,
) -> Document:
    """Form II.06a of a branch, or of all branches of `clocks`.

    As it was frozen if the period is closed and asked about to its end; with `live`, or of any
    other period, counted now, opened with the list of the closing before if there is one.
    """
    if not live and is_whole(period, over):
        scope = [clock.branch for clock in clocks]
        held = frozen_ii06a(session, office, period.name, branch, scope, whole_office=whole_office)
        if held is not None:
            return held
    opening = openings.opening(session, office, period.first, period.kind)
    found = ii06a.count(session, clocks, over, opening)
    return ii06a.document(
        found, rules, period, over, office=office, branch=branch, data_as_of=data_as_of
    )


def is_whole(period: Period, over: Span) -> bool:
    """Whether a period is asked about to the end of its last day, which is over."""
    return over.last == period.last and not over.current


def frozen_ii06a(
    session: Session,
    office: str,
    name: str,
    branch: str | None,
    scope: Sequence[str],
    *,
    whole_office: bool,
) -> Document | None:
    """The form as a closing keeps it; of several branches, their forms added up."""
    row = closings.named(session, office, name)
    if row is None:
        return None
    wanted = [branch] if branch else ["", *(() if whole_office else scope)]
    found = closings.documents(session, row["id"], ii06a.NAME, wanted)
    held = {code: unpacked(document, row["id"]) for code, document in found.items()}
    if branch or whole_office:
        return held.get(branch or "")
    parts = [one for code, one in sorted(held.items()) if code]
    if len(parts) > 1:
        return ii06a.together(parts, held[""].unit)
    return parts[0] if parts else None


def _local(at: datetime) -> date:
    return at.astimezone(in_hand.ZONE).date()
