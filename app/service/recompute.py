"""When the law changes: derive anew what a publication may concern, chunk by chunk."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from app.core.findings import Findings
from app.db import derived, publications
from app.db.derived import FOUND, Found, Stored
from app.db.engine import Sessions, again_if_deadlocked
from app.service.rows import BRANCH_AT, found, stored_findings, watched
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_told

CHUNK = 2_000
_VERSION, _STAGES = FOUND.index("catalogue_version"), FOUND.index("stage_dues")


class Work(NamedTuple):
    """A publication whose dossiers are not all derived yet, and the code reached so far."""

    version: int
    by: str
    reach: Mapping[str, list[str]] | None
    after: str


class Chunk(NamedTuple):
    """Dossiers derived with one version of the catalogue, not yet written.

    `rows` are those whose findings differ from what is stored; `read` counts all of them, `last`
    is the greatest code among them.
    """

    work: Work
    version: int
    rows: list[Found]
    read: int
    last: str


class Done(NamedTuple):
    """How many dossiers were derived, and how many of them moved; `whole` if nothing is left."""

    derived: int
    moved: int
    whole: bool


class GoneError(Exception):
    """The chunk cannot be written: the catalogue moved on, or another process is at it."""

    def __init__(self, *, elsewhere: bool) -> None:
        super().__init__()
        self.elsewhere = elsewhere


def recompute(
    sessions: Sessions,
    book: RuleBook,
    now: datetime,
    *,
    at_most: int | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Done:
    """Derive the open dossiers that publications not yet followed may concern.

    The next chunk is derived while the one before is being written. Each is a transaction of its
    own that notes how far it came, so it can be stopped and started again, by another process too;
    it skips rows that changed meanwhile (those were derived with the newest anyway), and a chunk
    derived with a catalogue no longer the newest is thrown away. Stops after about `at_most`
    dossiers, or when another process is at it.
    """
    with ThreadPoolExecutor(1, "recompute") as writer:
        run = _Run(sessions, book, now, writer, on_progress)
        while (work := _next(sessions)) is not None:
            if at_most is not None and run.derived >= at_most:
                return Done(run.derived, run.moved, whole=False)
            try:
                run.follow(work, at_most)
            except GoneError as why:
                if why.elsewhere:
                    return Done(run.derived, run.moved, whole=False)
    return Done(run.derived, run.moved, whole=True)


def _next(sessions: Sessions) -> Work | None:
    with sessions() as session:
        row = publications.next_underived(session)
    return None if row is None else _work(row)


def _work(row: Mapping[Any, Any]) -> Work:
    return Work(row["version"], row["by"], row["reach"], row["derived_until"])


@dataclass(slots=True)
class _Run:
    sessions: Sessions
    book: RuleBook
    now: datetime
    writer: ThreadPoolExecutor
    on_progress: Callable[[int], None]
    derived: int = 0
    moved: int = 0

    def follow(self, work: Work, at_most: int | None) -> None:
        """Follow one publication to its end, or until about `at_most` dossiers were derived."""
        writing: Future[int] | None = None
        while True:
            chunk = derive(self.sessions, self.book, work)
            if writing is not None:
                self.moved += writing.result()
            if at_most is not None and self.derived >= at_most:
                return
            writing = self.writer.submit(
                again_if_deadlocked, self.sessions, partial(write, chunk=chunk, now=self.now)
            )
            self.derived += chunk.read
            self.on_progress(self.derived)
            if not chunk.read:
                self.moved += writing.result()
                return
            work = work._replace(after=chunk.last)


def derive(sessions: Sessions, book: RuleBook, work: Work) -> Chunk:
    """The next chunk of a publication's dossiers, derived and not yet written."""
    with sessions() as session:
        rules = book.in_force(session)
        held = derived.open_ones(session, rules.version, work.reach, work.after, CHUNK)
    news = (refound(one, rules) for one in held if one.facts[BRANCH_AT] in rules.branches)
    rows = [new for new in news if new is not None]
    return Chunk(work, rules.version, rows, len(held), held[-1].code if held else work.after)


def write(session: Session, chunk: Chunk, now: datetime) -> int:
    """Write a chunk and note how far it came; returns how many dossiers moved.

    Raises:
        GoneError: the catalogue it was derived with is no longer the newest, or another process
            came first.
    """
    if publications.hold(session) != chunk.version:
        raise GoneError(elsewhere=False)
    row = publications.next_underived(session, lock=True)
    if row is None or _work(row) != chunk.work:
        raise GoneError(elsewhere=True)
    followed = chunk.work.version
    # With several publications waiting a move may be due to any of them: all are named.
    span = f"{followed}" if followed == chunk.version else f"{followed}–{chunk.version}"
    why = f"catalogue {span}"
    moved = 0
    if chunk.rows:
        moved = sum(derived.refind(session, chunk.rows, chunk.work.by, why, now).values())
    publications.note_progress(
        session,
        chunk.work.version,
        until=chunk.last,
        derived=chunk.read,
        moved=moved,
        done_at=None if chunk.read else now,
    )
    return moved


def refound(held: Stored, rules: Rules) -> Found | None:
    """What the newest catalogue makes of a stored dossier; None if that is what is stored."""
    facts = facts_told(held.code, held.facts, held.updated_at)
    findings = found(facts, rules)
    new = stored_findings(facts, findings, rules.version, rules.published(facts.branch).id)
    again = told_anew(held, findings, new)
    if again.watched == held.watched and _same(held.findings, new):
        return None
    return again


def told_anew(held: Stored, findings: Findings, new: tuple[Any, ...]) -> Found:
    """New findings of a stored dossier, with the moments at which something must be said."""
    return Found(held.code, new, held.updated_at, bytes(held.content_hash), watched(findings))


def _same(stored: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether findings are as they stand; the version alone makes no difference."""
    for place, (was, will) in enumerate(zip(stored, new, strict=True)):
        if was == will or place == _VERSION:
            continue
        if place != _STAGES or was is None or will is None:
            return False
        if msgspec.json.decode(was) != msgspec.json.decode(will):
            return False
    return True
