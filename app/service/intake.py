"""A record comes in: read, check, derive, save; what cannot be is told and kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core.lifecycle import Facts
from app.core.office_hours import CalendarError
from app.core.problems import Problem
from app.db import aliases, derived, feeds, publications, quarantine, snapshots
from app.db.snapshots import Author, Held, Row
from app.service import records, refusals, witnesses
from app.service.outcomes import Caller, Line, Outcome, Ready
from app.service.rows import BRANCH_AT, PROCEDURE_AT, RECEIVED_AT, to_row
from app.service.rules import RuleBook, Rules
from app.service.sent_before import sent_before
from app.service.used import all_used, keeps
from app.service.waves import waves
from app.service.witnesses import Word

CHUNK = 5_000
_SOUND = frozenset({"created", "updated", "unchanged"})
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def take_in(
    session: Session,
    lines: Sequence[Line],
    caller: Caller,
    book: RuleBook,
    now: datetime,
    *,
    keep: bool = True,
) -> list[Outcome]:
    """Take in up to 5,000 records in one transaction; one outcome a line, in the order of lines.

    Steps: 1. hold the catalogue still; 2. pass over what was sent before, byte for byte; 3. read,
    check and derive each other record, those closed before with what they were closed with;
    4. part those that share a code; 5. save; 6. tell apart what was not written; 7. keep what was
    refused (unless the caller does), and settle what of it is held in a sound record.
    """
    rules = book.in_force(session, publications.hold(session))
    heads = sent_before(session, lines, caller, rules)
    outcomes = {number: Outcome(number, head.code, "unchanged") for number, head in heads.items()}
    ready: list[Ready] = []
    for line in lines:
        if line.number in outcomes:
            continue
        found = _prepare(line, caller, rules, now)
        if isinstance(found, Outcome):
            outcomes[line.number] = found
        else:
            ready.append(found)
    ready += _by_other_names(session, lines, outcomes, caller, rules, now)
    ready = _as_closed(session, ready, book, rules)

    author = Author(caller.source, caller.by, sorted(caller.branches), caller.historical)
    for wave in waves(ready, outcomes):
        _save(session, wave, outcomes, author, caller, book, rules, now)

    sound = [item for item in ready if outcomes[item.line].outcome in _SOUND]
    names = [(name, item.row.code) for item in sound for name in item.facts.aliases]
    if names:
        aliases.call(session, names, caller.source)
    _hear(session, ready, outcomes, heads.values(), caller, now)
    if keep:
        refusals.keep(session, lines, outcomes, caller, rules, now)
    stands = {head.code: head.updated_at for head in heads.values()}
    stands |= {item.row.code: item.row.updated_at for item in sound}
    quarantine.settle_mended(session, stands, caller.source, author.branches, caller.by, now)
    return [outcomes[line.number] for line in lines]


def _save(
    session: Session,
    wave: Sequence[Ready],
    outcomes: dict[int, Outcome],
    author: Author,
    caller: Caller,
    book: RuleBook,
    rules: Rules,
    now: datetime,
) -> None:
    by_code = {item.row.code: item for item in wave}
    saved, held = snapshots.save(session, [item.row for item in wave], author, now)
    for written in saved:
        kind = "created" if written.created else "updated" if written.changed else "unchanged"
        _told(outcomes, Outcome(by_code[written.code].line, written.code, kind))
    others: list[Held] = []
    earlier: list[str] = []
    for standing in held:
        outcome = _not_written(by_code[standing.code], standing, caller)
        if outcome is None:
            others.append(standing)
            continue
        _told(outcomes, outcome)
        if by_code[standing.code].row.updated_at < standing.updated_at and not outcome.conflict:
            earlier.append(standing.code)
    telling = [*earlier, *(one.code for one in others)]
    if telling:
        snapshots.promise_too(session, telling, caller.source)
    if others:
        words = [Word(by_code[one.code].facts, by_code[one.code].row) for one in others]
        for code, kind in witnesses.settle(session, words, author, book, rules, now).items():
            _told(outcomes, _by_word(by_code[code], kind))


def _by_word(item: Ready, kind: str) -> Outcome:
    return _rival(item) if kind == "rival" else Outcome(item.line, item.row.code, kind)


def _told(outcomes: dict[int, Outcome], outcome: Outcome) -> None:
    """Set an outcome, keeping what was already said of its line."""
    said = outcomes.get(outcome.line)
    if said is not None:
        outcome = outcome._replace(problems=(*said.problems, *outcome.problems))
    outcomes[outcome.line] = outcome


def _by_other_names(
    session: Session,
    lines: Sequence[Line],
    outcomes: dict[int, Outcome],
    caller: Caller,
    rules: Rules,
    now: datetime,
) -> list[Ready]:
    """What was refused only for its code, and names a dossier otherwise (SoBienNhan): ready."""
    told = {
        number: outcome.code
        for number, outcome in outcomes.items()
        if outcome.code and [problem.field for problem in outcome.problems] == ["code"]
    }
    if not told:
        return []
    codes = aliases.codes_of(session, list(told.values()), sorted(caller.branches))
    ready = []
    for line in lines:
        code = codes.get(told.get(line.number, ""))
        if code is not None:
            found = _prepare(line, caller, rules, now, code)
            if isinstance(found, Outcome):
                outcomes[line.number] = found
            else:
                del outcomes[line.number]
                ready.append(found)
    return ready


def _prepare(
    line: Line, caller: Caller, rules: Rules, now: datetime, code: str | None = None
) -> Ready | Outcome:
    try:
        record = records.decode(line.raw)
    except records.Unreadable as fault:
        return Outcome(line.number, None, "quarantined", (fault.problem,), kept=False)
    if isinstance(record, Problem):
        return Outcome(line.number, refusals.code_of(line.raw), "quarantined", (record,))
    record.code = code or record.code
    if records.may_be_beyond(line.raw) and (beyond := records.beyond(record)):
        return Outcome(line.number, record.code, "quarantined", tuple(beyond))
    facts = records.facts(record)
    found = [*_strangers(facts, caller, rules), *records.problems(record, facts, now)]
    if found:
        return Outcome(line.number, record.code, "quarantined", tuple(found))
    try:
        name = record.applicant.name if record.applicant else None
        row = to_row(facts, rules, name, records.raw_hash(line.raw))
    except CalendarError as ends:
        told = Problem("received_at", "{why}; correct the date", {"why": str(ends)})
        return Outcome(line.number, record.code, "quarantined", (told,))
    return Ready(line.number, line.raw, facts, row)


def _as_closed(session: Session, ready: list[Ready], book: RuleBook, rules: Rules) -> list[Ready]:
    """What was closed under an older catalogue keeps its limit and calendar (design §5).

    A hand-over, told months after the result, must not be judged by a holiday published since.
    """
    ended = [item.row.code for item in ready if item.facts.end is not None]
    held = (
        {row["code"]: row for row in derived.closed_before(session, ended, rules.version)}
        if ended
        else {}
    )
    for item in ready:  # reopened in this very batch: what closes it again is judged by the newest
        stands = held.get(item.row.code)
        if stands and item.facts.end is None and item.row.updated_at > stands["updated_at"]:
            del held[item.row.code]
    if not held:
        return ready
    laws = all_used(session, list(held.values()), book, rules)
    return [
        item._replace(
            row=to_row(item.facts, rules, item.row.name, item.row.raw_hash, laws[item.row.code])
        )
        if item.row.code in laws
        and item.facts.end is not None
        and keeps(item.facts, held[item.row.code])
        else item
        for item in ready
    ]


def _strangers(facts: Facts, caller: Caller, rules: Rules) -> list[Problem]:
    if facts.branch in caller.branches and facts.branch in rules.branches:
        return []
    return [
        Problem(
            "branch",
            "{branch} is no branch you may send for; GET /v1/branches lists them",
            {"branch": facts.branch},
        )
    ]


def _not_written(item: Ready, held: Held, caller: Caller) -> Outcome | None:
    """Why a row was left alone; None if because several sources tell of its dossier."""
    row, code = item.row, item.row.code
    if held.branch not in caller.branches:
        told = Problem("code", "{code} is held by a branch you may not send for", {"code": code})
        return Outcome(item.line, code, "quarantined", (told,), conflict=True)
    if _conflicts(row, held):
        told = Problem(
            "procedure",
            "{code} is held with procedure {procedure} and another day of receipt; a code names "
            "one dossier for ever: correct the code, or the procedure and received_at",
            {"code": code, "procedure": held.procedure_code},
        )
        return Outcome(item.line, code, "quarantined", (told,), conflict=True)
    if held.witnessed or held.source != caller.source:
        return None
    if row.content_hash == bytes(held.content_hash):
        return Outcome(item.line, code, "unchanged")
    return _rival(item) if row.updated_at == held.updated_at else Outcome(item.line, code, "stale")


def _rival(item: Ready) -> Outcome:
    told = Problem(
        "updated_at",
        "another content of {code} with the same updated_at is held; send a later updated_at",
        {"code": item.row.code},
    )
    return Outcome(item.line, item.row.code, "quarantined", (told,))


def _conflicts(row: Row, held: Held) -> bool:
    received: datetime | None = row.facts[RECEIVED_AT]
    if row.facts[PROCEDURE_AT] == held.procedure_code:
        return False
    if received is None or held.received_at is None:
        return False
    return _vietnamese_day(received) != _vietnamese_day(held.received_at)


def _vietnamese_day(at: datetime) -> int:
    return at.astimezone(_ZONE).toordinal()


def _hear(
    session: Session,
    ready: Sequence[Ready],
    outcomes: dict[int, Outcome],
    heads: Iterable[records.Head],
    caller: Caller,
    now: datetime,
) -> None:
    """A record tells of its branch up to its stamp: the clock takes its time from the data."""
    heard: dict[str, datetime] = {}
    for head in heads:
        at = min(head.updated_at, now)
        if head.branch not in heard or at > heard[head.branch]:
            heard[head.branch] = at
    for item in ready:
        if outcomes[item.line].outcome == "quarantined":
            continue
        branch = item.row.facts[BRANCH_AT]
        at = min(item.row.updated_at, now)
        if branch not in heard or at > heard[branch]:
            heard[branch] = at
    feeds.hear(session, caller.source, heard)
