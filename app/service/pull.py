"""A source is asked page by page; where a page ended is kept together with its records."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import random
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.core.retry import backoff
from app.db import feeds, pulls, quarantine
from app.db.engine import Sessions, again_if_deadlocked
from app.outbound import portal
from app.outbound.portal import Credential, Door, PortalError
from app.service import paging
from app.service.intake import CHUNK, take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.paging import Page, PagingError, Place
from app.service.records import MAX_RECORD_BYTES
from app.service.refusals import stored_problem
from app.service.rules import RuleBook, Rules
from app.service.shape import Kind, Shape

LEASE = timedelta(minutes=10)
"""How long nobody else asks a source; renewed with each page, longer than any answer may take."""
RUN_FOR = 45.0
"""Seconds of one run: what is left comes with the next tick, so that no source keeps a worker."""

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Told:
    """What came of a run. `drained`: the source had nothing more; `problem`: why it ended early.

    A problem beside `drained` is of single items; the rest was taken in.
    """

    source: str
    pages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    drained: bool = False
    problem: Problem | None = None

    @property
    def done(self) -> int:
        """How many records were new."""
        return sum(self.outcomes[kind] for kind in ("created", "updated", "quarantined"))


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run works with: the row it has claimed, the way out, the way in, the time."""

    row: RowMapping
    lease: str
    shape: Shape
    caller: Caller
    sessions: Sessions
    book: RuleBook
    door: Door
    clock: Clock


class _LeaseLostError(Exception):
    """Somebody else reads on, or the pull was changed: what this run would write is not wanted."""


def claim(sessions: Sessions, now: datetime, code: str | None = None) -> RowMapping | None:
    """A pull that is due (or that of `code`), ours alone for now; None if there is none."""
    with sessions.begin() as session:
        return pulls.claim(session, now, uuid4().hex, now + LEASE, code=code)


def run(row: RowMapping, sessions: Sessions, book: RuleBook, door: Door, clock: Clock) -> Told:
    """Ask a claimed source until it has nothing more, 45 seconds are over, or something is wrong.

    No transaction is open while we wait for an answer. Each page is one transaction: its records,
    and where it ended. So a crash loses nothing and repeats at most one page, which is harmless.
    """
    told = Told(row["source"])
    try:
        with sessions() as session:
            caller = _caller(row, book.in_force(session))
        shape = Shape.model_validate(row["shape"])
        at = _Run(row, row["lease"], shape, caller, sessions, book, door, clock)
        heard_at = _pages(at, told)
    except _LeaseLostError:
        told.problem = Problem("", "the pull was changed while it ran, or another process runs it")
        return told
    except PortalError as fault:
        told.problem = fault.problem
        _failed(row, sessions, clock(), told.problem, fault.retry_after)
        return told
    except PagingError as fault:
        told.problem = fault.problem
        _failed(row, sessions, clock(), told.problem)
        return told
    except Exception:
        _failed(
            row, sessions, clock(), Problem("", "something went wrong on our side; it is logged")
        )
        raise
    _ended(at, told, heard_at)
    return told


def _pages(at: _Run, told: Told) -> datetime:
    """Read page after page; the moment up to which the source has told all, once it is drained.

    Raises:
        PortalError, PagingError: there is no answer, or none that leads on.
    """
    place = Place(at.row["cursor"], at.row["watermark"])
    seen = {place.cursor}
    stop = time.monotonic() + RUN_FOR
    token = _token(at)
    renewed = False
    while True:
        asked_at = at.clock()
        try:
            body = portal.get(
                at.door, at.row["url"], paging.question(at.shape, place), token, asked_at
            )
        except PortalError as fault:
            if not fault.refused or renewed or told.pages == 0:
                raise
            token, renewed = _token(at), True  # it may have run out on the way
            continue
        page = paging.read(at.shape, body, place, asked_at)
        _save(at, page, told)
        if page.fault is not None:
            raise PagingError(page.fault)
        place = page.place
        if not page.more:
            told.drained = True
            return asked_at
        if at.shape.kind is Kind.CURSOR and place.cursor in seen:
            raise PagingError(
                Problem("shape.next", "a next cursor came a second time; it would never end")
            )
        seen.add(place.cursor)
        if time.monotonic() > stop:
            return asked_at


def _token(at: _Run) -> str | None:
    held: dict[str, Any] = dict(at.row["credential"] or {})
    held.pop("kind", None)
    return portal.bearer(at.door, Credential(**held), at.clock())


def _save(at: _Run, page: Page, told: Told) -> None:
    """Take the records of a page in and remember where it ended, or neither."""

    def work(session: Session) -> list[Outcome]:
        now = at.clock()
        mine = pulls.advance(
            session,
            at.row["source"],
            at.lease,
            cursor=page.place.cursor,
            watermark=page.place.watermark,
            now=now,
            until=now + LEASE,
        )
        if not mine:
            raise _LeaseLostError
        lines = [Line(number, raw) for number, raw in enumerate(page.records, start=1)]
        outcomes: list[Outcome] = []
        for first in range(0, len(lines), CHUNK):
            part = lines[first : first + CHUNK]
            outcomes += take_in(session, part, at.caller, at.book, now)
        _keep_unreadable(session, page.records, outcomes, at.caller, now)
        return outcomes

    outcomes = again_if_deadlocked(at.sessions, work)
    told.pages += 1
    told.outcomes.update(outcome.outcome for outcome in outcomes)
    strange = [outcome for outcome in outcomes if not outcome.kept]
    if strange:
        told.problem = Problem(
            "shape.items",
            "{count} items of a page are no records, the first of them number {line}; they are in "
            "quarantine",
            {"count": len(strange), "line": strange[0].line},
        )


def _keep_unreadable(
    session: Session,
    records: Sequence[bytes],
    outcomes: Sequence[Outcome],
    caller: Caller,
    now: datetime,
) -> None:
    """An item that is no record at all is kept too: asked for once, it does not come again.

    It may hold anything, so all of it is kept where names are. What is too long is only told.
    """
    found = []
    for outcome in outcomes:
        raw = records[outcome.line - 1]
        if outcome.kept or len(raw) > MAX_RECORD_BYTES:
            continue
        found.append(
            quarantine.Refused(
                line=outcome.line,
                code=None,
                conflict=False,
                branch=None,
                problems=[stored_problem(problem) for problem in outcome.problems],
                record={},
                personal={"item": raw.decode()},
                record_hash=sha256(raw).hexdigest(),
            )
        )
    quarantine.keep(session, found, caller.source, caller.office, now)


def _ended(at: _Run, told: Told, heard_at: datetime) -> None:
    """A run without failure; one that was drained has told all there is up to its last question."""
    now = at.clock()
    pause = timedelta(seconds=at.row["every_seconds"]) if told.drained else timedelta(0)
    with at.sessions.begin() as session:
        mine = pulls.settle(
            session,
            at.row["source"],
            at.lease,
            next_at=now + pause,
            failures=0,
            error=stored_problem(told.problem) if told.problem else None,
            failed_at=now if told.problem else None,
        )
        if mine and told.drained:
            feeds.hear(session, at.row["source"], dict.fromkeys(at.caller.branches, heard_at))


def _failed(
    row: RowMapping,
    sessions: Sessions,
    now: datetime,
    problem: Problem,
    retry_after: timedelta | None = None,
) -> None:
    """Wait longer each time, and never shorter than the other side asks for."""
    failures = row["failures"] + 1
    pause = backoff(failures, random())  # noqa: S311 spreads, hides nothing
    with sessions.begin() as session:
        pulls.settle(
            session,
            row["source"],
            row["lease"],
            next_at=now + max(pause, retry_after or timedelta(0)),
            failures=failures,
            error=stored_problem(problem),
            failed_at=now,
        )


def _caller(row: RowMapping, rules: Rules) -> Caller:
    ours = {code for code, held in rules.branches.items() if held.office == row["office"]}
    if row["branches"] is not None:
        ours &= set(row["branches"])
    source = row["source"]
    return Caller(source, f"pull:{source}", row["office"], frozenset(ours))
