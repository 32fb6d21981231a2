"""Several sources tell of one dossier: each keeps its word, and together they make one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.core.lifecycle import Facts
from app.core.sources import DEFAULT_RANK, together
from app.db import publications, snapshots, witnesses
from app.db.engine import Sessions
from app.db.snapshots import Author, Row
from app.db.witnesses import Differs, Telling
from app.service.rows import stored_facts, to_row
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_of
from app.service.used import all_used, keeps

_CHUNK = 1_000


class Word(NamedTuple):
    """What a source says anew of a dossier that another one tells of, or told of first."""

    facts: Facts
    row: Row


class _Said(NamedTuple):
    facts: Facts
    telling: Telling


def settle(
    session: Session,
    words: Sequence[Word],
    author: Author,
    book: RuleBook,
    rules: Rules,
    now: datetime,
    *,
    why: str = "record",
) -> dict[str, str]:
    """Take in what one source says of dossiers that `snapshots.save` has left alone and locked.

    Returns by code: `updated`, `unchanged`, `stale`, or `rival` for another content under the same
    stamp. The dossiers stand as all their sources together say (`core.sources.together`), in
    whatever order they spoke. `why` is what the revisions say.
    """
    codes = [word.row.code for word in words]
    held = {row["code"]: row for row in witnesses.dossiers_of(session, codes)}
    said = _said(session, held)
    outcomes = {word.row.code: _outcome(said[word.row.code], word.row, author) for word in words}
    taken = [word for word in words if outcomes[word.row.code] in ("updated", "confirmed")]
    if not taken:
        return outcomes
    for word in taken:
        row = word.row
        telling = Telling(
            row.code, author.source, row.facts, row.updated_at, row.content_hash, row.name
        )
        said[row.code][author.source] = _Said(word.facts, telling)
    mine = {word.row.code: said[word.row.code] for word in taken}
    witnesses.keep(session, [one.telling for told in mine.values() for one in told.values()])
    _stand(session, mine, held, author, book, rules, now, why)
    return {
        code: "unchanged" if outcome == "confirmed" else outcome
        for code, outcome in outcomes.items()
    }


def stand_anew(
    sessions: Sessions, source: str, by: str, branches: Sequence[str], book: RuleBook, now: datetime
) -> int:
    """Put together anew what a source is a witness of, after its rank has changed.

    In chunks, each a transaction; doing it again does no harm. Returns how many dossiers it read.
    """
    author = Author(source, by, branches)
    done, after = 0, ""
    while True:
        with sessions.begin() as session:
            codes = witnesses.locked(session, source, after, _CHUNK)
            if not codes:
                return done
            rules = book.in_force(session, publications.hold(session))
            held = {row["code"]: row for row in witnesses.dossiers_of(session, codes)}
            _stand(session, _said(session, held), held, author, book, rules, now)
        done, after = done + len(codes), codes[-1]


def _said(session: Session, held: Mapping[str, Mapping[Any, Any]]) -> dict[str, dict[str, _Said]]:
    """What each source has said of each dossier; of one that was told of by one, its own facts."""
    codes = list(held)
    named = witnesses.names(session, codes)
    found: dict[str, dict[str, _Said]] = {code: {} for code in codes}
    for row in witnesses.of(session, codes):
        name = named.get(witnesses.subject(row["source"], row["code"]))
        found[row["code"]][row["source"]] = _of(row, name)
    for code, stands in held.items():
        if not stands["witnessed"]:
            found[code][stands["source"]] = _of(stands, named.get(code))
    return found


def _of(row: Mapping[Any, Any], name: str | None) -> _Said:
    facts = facts_of(row)
    stored = stored_facts(facts, row["procedure_code"])
    telling = Telling(
        row["code"], row["source"], stored, row["updated_at"], bytes(row["content_hash"]), name
    )
    return _Said(facts, telling)


def _outcome(said: Mapping[str, _Said], row: Row, author: Author) -> str:
    mine = said.get(author.source)
    if mine is None:
        return "updated"
    stands = mine.telling
    same = row.content_hash == stands.content_hash
    if (row.updated_at, row.content_hash) > (stands.updated_at, stands.content_hash):
        return "confirmed" if same else "updated"
    if same:
        # Of two names under one stamp and content the greater stays, as with a single source.
        greater = (row.name or "") > (stands.name or "") and row.updated_at == stands.updated_at
        return "confirmed" if greater else "unchanged"
    return "rival" if row.updated_at == stands.updated_at else "stale"


def _stand(
    session: Session,
    said: Mapping[str, Mapping[str, _Said]],
    held: Mapping[str, Mapping[Any, Any]],
    author: Author,
    book: RuleBook,
    rules: Rules,
    now: datetime,
    why: str = "record",
) -> None:
    """Write the dossiers as their sources together say, and what does not agree."""
    ranks = witnesses.ranks(session)
    made = {
        code: together({source: one.facts for source, one in told.items()}, ranks)
        for code, told in said.items()
    }
    laws = all_used(session, [held[code] for code in made], book, rules)
    rows: dict[str, list[Row]] = {}
    for code, one in made.items():
        # Only what an older catalogue closed keeps it, as with a single source.
        older = held[code]["catalogue_version"] < rules.version
        closed = held[code]["state"] in ("finished", "closed") and one.facts.end is not None
        closed = closed and older
        law = laws.get(code) if closed and keeps(one.facts, held[code]) else None
        name = _name(said[code], ranks)
        rows.setdefault(one.record, []).append(to_row(one.facts, rules, name, held=law))
    for record, some in sorted(rows.items()):
        snapshots.rewrite(session, some, replace(author, record=record), now, why=why)
    differing = [
        Differs(code, found.source, found.field, one.facts.branch, found.held, found.told)
        for code, one in made.items()
        for found in one.divergences
    ]
    witnesses.diverge(session, list(made), differing, now)


def _name(said: Mapping[str, _Said], ranks: Mapping[str, int]) -> str | None:
    """The name the highest-ranked source tells that tells one."""
    order = sorted(said, key=lambda source: (ranks.get(source, DEFAULT_RANK), source))
    return next((name for source in order if (name := said[source].telling.name)), None)
