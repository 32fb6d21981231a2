"""Letters of apology: drafted with a number, recorded as sent, or taken back.

What was sent is a fact of its dossier. It is kept as the word of a source of our own
(`core.sources.OURS`), so that no snapshot of another source can erase it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import causes
from app.core import letters as law
from app.core.causes import Cause
from app.core.codes import dossier_code
from app.core.letters import Due
from app.core.lifecycle import Apology, Facts, State, Status
from app.core.problems import Problem
from app.core.sources import OURS
from app.db import causes as causes_db
from app.db import dossiers, letters, publications
from app.db.engine import Sessions, again_if_deadlocked
from app.db.letters import Draft, LetterState
from app.db.snapshots import Author
from app.service.rows import to_row
from app.service.rules import RuleBook, Rules
from app.service.witnesses import Word, settle

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What letters are to say: the coded cause, the reason people read, the new appointment."""

    cause: Cause
    reason: str
    promised_at: datetime


class Outcome(NamedTuple):
    """What became of one dossier: its letter, or why it has none.

    `conflict` where the dossier stands against it, not what was asked; `unknown` where there is no
    such dossier in scope.
    """

    code: str
    letter: RowMapping | None = None
    problem: Problem | None = None
    conflict: bool = False
    unknown: bool = False


class LetterError(Exception):
    """A letter cannot become what was asked; `conflict` where its own state stands against it."""

    def __init__(self, problem: Problem, *, conflict: bool) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.conflict = conflict


def draft(
    opened: Sessions,
    codes: Sequence[str],
    wanted: Wanted,
    branches: Sequence[str],
    book: RuleBook,
    by: str,
    now: datetime,
) -> list[Outcome]:
    """Draft a letter for each dossier that may have one, all in one transaction.

    One outcome a code, in the order of codes. Numbers count on within branch and year without a
    gap. The cause is recorded with each dossier whose last said cause is another.
    """
    for _ in range(_TRIES):
        try:
            return again_if_deadlocked(
                opened, lambda session: _draft(session, codes, wanted, branches, book, by, now)
            )
        except IntegrityError:  # another letter of one of them came first: it is seen next time
            continue
    raise AssertionError("each try loses to another letter, and a dossier has but one")


def _draft(
    session: Session,
    codes: Sequence[str],
    wanted: Wanted,
    branches: Sequence[str],
    book: RuleBook,
    by: str,
    now: datetime,
) -> list[Outcome]:
    rules = book.in_force(session)
    named = [dossier_code(code) for code in codes]
    rows = dossiers.several(session, [code for code in named if code is not None], branches)
    held = {row["code"]: row for row in rows}
    letters.hold_numbers(session, (row["branch"] for row in rows))
    standing = letters.standing(session, list(held))
    outcomes: dict[int, Outcome] = {}
    chosen: dict[str, int] = {}
    for at, code in enumerate(named):
        row = held.get(code or "")
        refused = _refusal(codes[at], row, standing | chosen.keys(), wanted, rules, now)
        if refused is None and row is not None:
            chosen[row["code"]] = at
        elif refused is not None:
            outcomes[at] = refused
    if chosen:
        drafts = [Draft(code, held[code]["branch"], held[code]["due_on"]) for code in chosen]
        for made in letters.add(
            session, drafts, now.astimezone(_ZONE).year, _said(wanted, by, now)
        ):
            outcomes[chosen[made["code"]]] = Outcome(made["code"], made)
        _tell_cause(session, list(chosen), wanted, by, now)
    return [outcomes[at] for at in range(len(codes))]


def _said(wanted: Wanted, by: str, now: datetime) -> dict[str, Any]:
    return {
        "drafted_at": now,
        "drafted_by": by,
        "cause": wanted.cause.value,
        "reason": wanted.reason,
        "promised_at": wanted.promised_at,
    }


def _refusal(
    code: str,
    row: RowMapping | None,
    taken: frozenset[str] | set[str],
    wanted: Wanted,
    rules: Rules,
    now: datetime,
) -> Outcome | None:
    """Why a dossier gets no letter."""
    if row is None:
        told = Problem("code", "no dossier {code} that you may see", {"code": code[:60]})
        return Outcome(code[:60], problem=told, unknown=True)
    due = Due(State(row["state"]), row["due_at"], len(row["apologies"] or ()))
    wrong = law.once() if row["code"] in taken else law.second(due) or law.not_late(due)
    if wrong is not None:
        return Outcome(row["code"], problem=wrong, conflict=True)
    calendar = rules.calendar_of(row["branch"])
    wrong = law.promise(wanted.promised_at, row["due_at"], calendar, now)
    return Outcome(row["code"], problem=wrong) if wrong is not None else None


def _tell_cause(
    session: Session, codes: Sequence[str], wanted: Wanted, by: str, now: datetime
) -> None:
    said = causes_db.newest(session, codes)
    note = wanted.reason if any(causes.problems(wanted.cause, None)) else None
    for code in codes:
        if said.get(code) != wanted.cause:
            causes_db.add(session, code, wanted.cause.value, note, now, by)


def send(
    session: Session,
    letter_id: int,
    sent_at: datetime,
    branches: Sequence[str],
    book: RuleBook,
    by: str,
    now: datetime,
) -> RowMapping | None:
    """Record that a letter was sent; from then on it is a fact of its dossier.

    The same instant again changes nothing. Returns the letter, or None if there is none in scope,
    or its dossier is not.

    Raises:
        LetterError: it is void, was sent at another instant, or cannot have been sent then.
    """
    rules = book.in_force(session, publications.hold(session))
    seen = letters.find(session, letter_id, branches)
    # The dossier first, as everywhere: who has its row waits for nobody.
    row = seen and dossiers.find(session, seen["code"], branches, lock=True)
    held = letters.find(session, letter_id, branches, lock=True)
    if row is None or held is None:
        return None
    if held["sent_at"] == sent_at and held["void_at"] is None:
        return held
    wrong = _unsent(held) or law.sent(
        sent_at, held["drafted_at"], held["promised_at"], row["finished_at"] or row["ended_at"], now
    )
    if wrong is not None:
        raise LetterError(wrong, conflict=wrong.field != "sent_at")
    made = letters.set_sent(session, letter_id, sent_at, by)
    letter = Apology(sent_at, held["reason"], held["promised_at"])
    _tell(session, row, letter, by, book, rules, now)
    letters.promise(session, row["code"], OURS, held["promised_at"], sent_at)
    return made


def void(
    session: Session, letter_id: int, reason: str, branches: Sequence[str], by: str, now: datetime
) -> RowMapping | None:
    """Take a draft back, so that its dossier may have another letter; its number stays used.

    Returns the letter, or None if there is none in scope.

    Raises:
        LetterError: it was sent, or is void already.
    """
    held = letters.find(session, letter_id, branches, lock=True)
    if held is None:
        return None
    wrong = _unsent(held)
    if wrong is not None:
        raise LetterError(wrong, conflict=True)
    return letters.set_void(session, letter_id, now, by, reason)


def _unsent(held: RowMapping) -> Problem | None:
    match letters.state(held):
        case LetterState.SENT:
            told = {"at": held["sent_at"].astimezone(_ZONE).isoformat(timespec="seconds")}
            return Problem("letter", "the letter was sent at {at}; that stays", told)
        case LetterState.VOID:
            return Problem("letter", "the letter is void; draft another")
        case LetterState.DRAFT:
            return None


def _tell(
    session: Session,
    row: Mapping[Any, Any],
    letter: Apology,
    by: str,
    book: RuleBook,
    rules: Rules,
    now: datetime,
) -> None:
    """Say of a dossier that the letter was sent, as the source of what is recorded here.

    Of the rest it says only what a row must have, and nothing of it is ever believed: it is the
    last of the sources, and a record that tells of letters itself keeps its own.
    """
    told = Facts(
        code=row["code"],
        procedure=row["procedure"],
        branch=row["branch"],
        status=Status(row["status"]),
        updated_at=max(now, letter.sent_at),
        apologies=(letter,),
    )
    author = Author(OURS, by, [told.branch])
    settle(session, [Word(told, to_row(told, rules, None))], author, book, rules, now, why="letter")
