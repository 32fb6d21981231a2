"""Whether what is stored is what was accepted: chains, contents, findings, and what was sealed.

Nothing here trusts a column it can work out from others. What a forger would have to change
together, up to all roots since the day he touched, is said in `docs/history.md`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.core.limits import LimitRule
from app.core.office_hours import CalendarError
from app.db import chain, publications
from app.db.calendars import NATIONAL
from app.db.chain import Link
from app.db.derived import FOUND
from app.db.engine import Sessions, at_one_moment
from app.service.contents import UNREADABLE, Wrong, as_hashed, walk_back
from app.service.rows import found, stored_findings
from app.service.rules import NoCalendarError, RuleBook, Rules
from app.service.stored import facts_of
from app.service.used import Used, used

CHUNK = 5_000
_BESIDE = ("catalogue_version", "calendar_id")  # what findings were made with, not what they say


class What(StrEnum):
    """Kinds of faults."""

    DOSSIER = "dossier"
    REVISION = "revision"
    HEAD = "head"
    CHANGES = "changes"
    DUE_DAY = "due_day"
    FINDING = "finding"
    ROOT = "root"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold: of which dossier and revision, sealed day or closed period."""

    what: What
    detail: str
    code: str | None = None
    revision_no: int | None = None
    day: date | None = None
    closing: str | None = None


@dataclass(slots=True)
class Checked:
    """How much was verified so far, of about how much.

    `waiting` are dossiers without a limit that a publication not yet followed may concern: they
    are not judged. `days` are sealed days, of `of_days`; None if they were not looked at; so are
    `closings`, which are closed periods.
    """

    dossiers: int = 0
    of: int = 0
    revisions: int = 0
    waiting: int = 0
    faults: int = 0
    days: int | None = None
    of_days: int | None = None
    sealed_until: date | None = None
    closings: int | None = None
    of_closings: int | None = None


@dataclass(frozen=True, slots=True)
class _Law:
    """By what the findings of a chunk are judged."""

    session: Session
    book: RuleBook
    rules: Rules
    pending: bool


def dossiers(
    sessions: Sessions,
    book: RuleBook,
    checked: Checked,
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Fault]:
    """Verify every dossier, by code, in chunks of constant memory.

    Each chunk is seen as of one moment, so what arrives meanwhile is no fault.
    """
    with sessions() as session:
        checked.of = chain.about(session)
    after = ""
    while True:
        with _at_one_moment(sessions) as session:
            held = chain.standing(session, after, CHUNK)
            until = held[-1]["code"] if len(held) == CHUNK else None
            links = chain.links(session, after, until)
            yield from _chunk(session, book, held, links, checked)
        on_progress()
        if until is None:
            return
        after = until


def some(
    sessions: Sessions,
    book: RuleBook,
    checked: Checked,
    codes: Sequence[str],
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Fault]:
    """Verify some dossiers; one that is not there, and has no revision either, is a fault too."""
    checked.of = len(codes)
    ordered = sorted(set(codes))
    for start in range(0, len(ordered), CHUNK):
        part = ordered[start : start + CHUNK]
        with _at_one_moment(sessions) as session:
            held = chain.standing_of(session, part)
            told = set[str]()
            for fault in _chunk(session, book, held, chain.links_of(session, part), checked):
                told.add(fault.code or "")
                yield fault
            gone = set(part) - {row["code"] for row in held} - told
            checked.faults += len(gone)
            yield from (Fault(What.DOSSIER, "there is no such dossier", one) for one in gone)
        on_progress()


@contextmanager
def _at_one_moment(sessions: Sessions) -> Iterator[Session]:
    with sessions() as session:
        at_one_moment(session)
        yield session


def _chunk(
    session: Session,
    book: RuleBook,
    held: Sequence[Mapping[Any, Any]],
    links: Iterator[Link],
    checked: Checked,
) -> Iterator[Fault]:
    law = _Law(
        session, book, book.in_force(session), publications.next_underived(session) is not None
    )
    waiting = {row["code"]: row for row in held}
    for code, group in groupby(links, key=attrgetter("code")):
        revisions = list(group)
        checked.revisions += len(revisions)
        row = waiting.pop(code, None)
        if row is None:
            checked.faults += 1
            detail = f"the dossier is gone; {len(revisions)} revisions tell of it"
            yield Fault(What.DOSSIER, detail, code)
            continue
        for fault in _dossier(row, revisions, law, checked):
            checked.faults += 1
            yield fault
        checked.dossiers += 1
    for code in waiting:
        checked.dossiers += 1
        checked.faults += 1
        yield Fault(What.REVISION, "it has no revision at all", code)


def _dossier(
    row: Mapping[Any, Any], links: Sequence[Link], law: _Law, checked: Checked
) -> Iterator[Fault]:
    code = row["code"]
    yield from _chain(code, links)
    yield from _end(row, links[-1])
    try:
        wrong = walk_back(as_hashed(row), links)
    except UNREADABLE as fault:
        wrong = Wrong(links[-1].revision_no, f"the facts that stand cannot be read: {fault}")
    if wrong is not None:
        yield Fault(What.CHANGES, wrong.how, code, wrong.revision_no)
    for detail in _findings(row, law, checked):
        yield Fault(What.FINDING, detail, code)


def _chain(code: str, links: Sequence[Link]) -> Iterator[Fault]:
    """Every link is made of what it says and of the one before; none is missing."""
    number, due_on = 0, None
    for link in links:
        if link.revision_no != number + 1:
            first, last = number + 1, link.revision_no - 1
            missing = f"revision {first} is" if first == last else f"revisions {first}–{last} are"
            yield Fault(What.REVISION, f"{missing} missing", code, first)
        elif not link.linked:
            detail = "its head is not made of what it says and of the revision before"
            yield Fault(What.HEAD, detail, code, link.revision_no)
        elif link.old_due_on != due_on:
            detail = f"it says the due day was {link.old_due_on}, the one before left {due_on}"
            yield Fault(What.DUE_DAY, detail, code, link.revision_no)
        number, due_on = link.revision_no, link.new_due_on


def _end(row: Mapping[Any, Any], last: Link) -> Iterator[Fault]:
    """What the dossier says of its chain is what the last revision says."""
    code, number = row["code"], last.revision_no
    if row["revision_no"] != number:
        detail = f"the dossier is at revision {row['revision_no']}, the last there is is {number}"
        yield Fault(What.REVISION, detail, code, number)
        return
    for name in ("head_hash", "content_hash"):
        here, there = bytes(row[name]).hex()[:12], bytes(getattr(last, name)).hex()[:12]
        if row[name] != getattr(last, name):
            detail = f"the dossier's {name} is {here}…, that of its last revision {there}…"
            yield Fault(What.HEAD, detail, code, number)
    if row["due_on"] != last.new_due_on:
        detail = f"the dossier is due {row['due_on']}, its last revision says {last.new_due_on}"
        yield Fault(What.DUE_DAY, detail, code, number)


def _findings(row: Mapping[Any, Any], law: _Law, checked: Checked) -> Iterator[str]:
    """How the stored findings differ from those the law and calendar they name give."""
    try:
        again = _found(row, law)
        same = {name: _same(name, row[name], again[name]) for name in FOUND if name not in _BESIDE}
    except (*UNREADABLE, CalendarError, NoCalendarError) as fault:
        yield f"the findings cannot be worked out again: {type(fault).__name__}: {fault}"
        return
    wrong = [name for name, holds in same.items() if not holds]
    if wrong and row["limit_id"] is None and law.pending:
        checked.waiting += 1  # the next recomputation may give it a limit
        return
    for name in wrong:
        yield f"{name} is {_plain(row[name])}, worked out again it is {_plain(again[name])}"


def _found(row: Mapping[Any, Any], law: _Law) -> dict[str, Any]:
    """The findings of the stored facts by the limit and calendar that the row names.

    Raises:
        ValueError: it names a limit or a calendar that cannot be its own.
    """
    facts = facts_of(row)
    held = used(law.session, row, law.book, law.rules)
    if held is None:
        findings = found(facts, law.rules)
    else:
        _check_own(row, held, law.book.limits(law.session, {row["limit_id"]}), law.rules)
        findings = held.derive(facts)
    return dict(zip(FOUND, stored_findings(facts, findings, 0, 0), strict=True))


def _check_own(
    row: Mapping[Any, Any], held: Used, limits: Mapping[int, LimitRule], rules: Rules
) -> None:
    """A dossier's limit is of its procedure, case and province, its calendar of its branch."""
    rule, branch = limits[row["limit_id"]], rules.branches[row["branch"]]
    layers = {layer.scope for layer in held.published.layers}
    told = row["case"]
    for holds, what in (
        (rule.procedure == row["procedure_code"], f"of procedure {rule.procedure}"),
        (told is None or rule.case == told, f"of case {rule.case}"),
        (told is None or not held.case_assumed, "an assumed one, and the sender named the case"),
        (rule.province in (None, branch.province), f"of province {rule.province}"),
        (layers <= {NATIONAL, branch.office, branch.code}, "counted by another's calendar"),
    ):
        if not holds:
            raise ValueError(f"limit {rule.id} is {what}")


def _same(name: str, stored: Any, again: Any) -> bool:  # noqa: ANN401 of any finding
    if name == "stage_dues" and stored is not None and again is not None:
        return bool(msgspec.json.decode(stored) == msgspec.json.decode(again))
    return bool(stored == again)


def _plain(value: Any) -> str:  # noqa: ANN401 of any finding
    return "empty" if value is None else str(value)
