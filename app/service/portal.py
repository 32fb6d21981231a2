"""The national portal's calls: what arrives is laid to what is known, and goes in as records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from app.adapters.dvcqg import faults, progress, records, telling, texts
from app.adapters.dvcqg.telling import Held, Sighting, Told
from app.adapters.dvcqg.values import ZONE, text
from app.core.codes import dossier_code
from app.core.problems import Problem
from app.db import feeds, portal
from app.service import records as native
from app.service.intake import take_in
from app.service.outcomes import Caller, Line, Outcome
from app.service.rules import RuleBook, Rules

AT_ONCE = 500
"""Records a transaction: with the promises before it, one may become seven."""

_A_MOMENT = timedelta(microseconds=1)
_KEPT_FOR_LATER = "waiting"
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one object of `data`: an outcome of intake, or `waiting` for its dossier.

    `problems` are in the portal's field names; they may come with a record that was taken in.
    `kept` tells whether what was refused is in quarantine.
    """

    code: str | None
    outcome: str
    problems: tuple[Problem, ...] = ()
    kept: bool = True

    @property
    def refused(self) -> bool:
        """Whether the sender must mend it."""
        return self.outcome == "quarantined"


@dataclass(slots=True)
class _Dossier:
    """What a source has told of a dossier, while a call is laid to it."""

    code: str
    held: Held
    promised: list[str] = field(default_factory=list)
    made: str | None = None
    stamped_at: datetime | None = None
    name: str | None = None
    name_known: bool = False

    def kept(self) -> portal.Kept:
        """As it is stored."""
        told = msgspec.to_builtins(self.held.told) if self.held.told else None
        seen = msgspec.to_builtins(self.held.seen)
        return portal.Kept(self.code, told, seen, self.promised, self.made, self.stamped_at)


class _Lead(NamedTuple):
    """A line that decides an answer: what it was made of, and what stood before it.

    `earlier` are the lines of what was promised before; `promised` those that were known.
    """

    dossier: _Dossier | None
    told: Told
    made: records.Made
    promised: Sequence[str] = ()
    earlier: Sequence[int] = ()


@dataclass(slots=True)
class _Call:
    """One call as it is worked off: the lines for intake, and whose answer each decides."""

    caller: Caller
    now: datetime
    dossiers: dict[str, _Dossier]
    was: dict[str, portal.Kept]
    lines: list[Line] = field(default_factory=list)
    lead: dict[int, _Lead] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> int:
        """A line for intake; returns its number."""
        number = len(self.lines) + 1
        self.lines.append(Line(number, msgspec.json.encode(record)))
        return number


def sync(
    session: Session,
    payloads: Sequence[object],
    unit: str | None,
    caller: Caller,
    book: RuleBook,
    now: datetime,
) -> list[Answer]:
    """DongBoHoSoMC: take in up to `AT_ONCE` dossiers in one transaction; an answer each, in order.

    `unit` is the `madonvi` of the call. The stamp of a record is its arrival; one whose content is
    what was told before keeps the stamp it had, and comes out unchanged.
    """
    rules = book.in_force(session)
    branches = _branches(rules, caller.office)
    call = _open(session, payloads, caller, now)
    waiting: list[int | Answer] = []
    for payload in payloads:
        if not isinstance(payload, dict):
            waiting.append(_no_object())
            continue
        told = telling.read(payload, branches, unit)
        name = telling.name(payload)
        dossier = call.dossiers.get(dossier_code(told.code or "") or "")
        if dossier is None:
            waiting.append(_unnamed(call, told, name))
            continue
        dossier.held = telling.without_name(telling.heard(dossier.held, told, now), name)
        waiting.append(_record(call, dossier, name))
    return _taken(session, call, waiting, book)


def advance(
    session: Session,
    payloads: Sequence[object],
    caller: Caller,
    book: RuleBook,
    now: datetime,
) -> list[Answer]:
    """CapNhatTienDoHoSoMC: lay up to `AT_ONCE` lines to their dossiers; an answer each, in order.

    A line that comes before its dossier is kept, and used when DongBoHoSoMC tells of it.
    """
    call = _open(session, payloads, caller, now)
    waiting: list[int | Answer] = []
    touched: dict[str, list[int]] = {}
    for payload in payloads:
        if not isinstance(payload, dict):
            waiting.append(_no_object())
            continue
        dossier = call.dossiers.get(_code(payload) or "")
        line = progress.read(payload, dossier.name if dossier else None)
        wrong = progress.problems(line, now)
        if wrong or dossier is None or line.sighting is None:
            waiting.append(Answer(line.code, "quarantined", wrong, kept=False))
            continue
        dossier.held = telling.progressed(dossier.held, line.sighting)
        touched.setdefault(dossier.code, []).append(len(waiting))
        waiting.append(Answer(dossier.code, _KEPT_FOR_LATER))
    for code, places in touched.items():  # one record for all lines of a dossier
        dossier = call.dossiers[code]
        if dossier.held.told is not None:
            number = _record(call, dossier, dossier.name)
            for place in places:
                waiting[place] = number
    return _taken(session, call, waiting, book)


def _open(session: Session, payloads: Sequence[object], caller: Caller, now: datetime) -> _Call:
    """Hold what is known of the dossiers a call is about."""
    codes = {_code(payload) for payload in payloads if isinstance(payload, dict)} - {None}
    wanted = sorted(code for code in codes if code)
    dossiers: dict[str, _Dossier] = {}
    if wanted:
        rows = portal.lock(session, caller.source, wanted)
        names = portal.names(session, caller.source, wanted, caller.branches)
        for code, row in rows.items():
            dossiers[code] = _Dossier(
                code,
                Held(
                    msgspec.convert(row["synced"], Told) if row["synced"] else None,
                    msgspec.convert(row["seen"], tuple[Sighting, ...]),
                ),
                list(row["promised"]),
                row["made"].hex() if row["made"] else None,
                row["stamped_at"] and row["stamped_at"].astimezone(ZONE),
                names.get(code),
                code in names,
            )
    was = {code: dossier.kept() for code, dossier in dossiers.items()}
    return _Call(caller, now.astimezone(ZONE), dossiers, was)


def _record(call: _Call, dossier: _Dossier, name: str | None) -> int:
    """Give intake the record of a dossier, and before it what it was promised for until then.

    Content that was made before keeps its stamp, so that a full sync every night changes nothing.
    """
    told, made = dossier.held.told, records.made(dossier.held, dossier.promised)
    if told is None or made is None:
        raise AssertionError("a dossier that was told has a record")
    earlier: list[int] = []
    digest = sha256(msgspec.json.encode(made.record, order="sorted")).hexdigest()
    renamed = dossier.name_known and name != dossier.name
    promised = dossier.promised
    if digest != dossier.made or renamed or dossier.stamped_at is None:
        stamp = call.now
        if dossier.stamped_at is not None:
            stamp = max(stamp, dossier.stamped_at + _A_MOMENT)
        for before in made.earlier if _sound(call, made.record, stamp) else ():
            earlier.append(call.add(_named(before, name, stamp)))
            stamp += _A_MOMENT
        dossier.made, dossier.stamped_at = digest, stamp
        dossier.promised = [*promised, *(at for at in made.promises if at not in promised)]
    dossier.name = name
    number = call.add(_named(made.record, name, dossier.stamped_at))
    call.lead[number] = _Lead(dossier, told, made, promised, earlier)
    return number


def _sound(call: _Call, record: Mapping[str, Any], stamp: datetime) -> bool:
    """Whether intake has nothing against a record: else its past would be refused beside it."""
    if record.get("branch") not in call.caller.branches:
        return False
    found = native.decode(msgspec.json.encode(_named(record, None, stamp)))
    if isinstance(found, Problem):
        return False
    try:
        return not any(native.problems(found, native.facts(found), call.now))
    except OverflowError:
        return False


def _named(record: Mapping[str, Any], name: str | None, stamp: datetime | None) -> dict[str, Any]:
    applicant = {**record["applicant"], **({"name": name} if name else {})}
    stamped = {"updated_at": stamp} if stamp else {}
    return {**record, "applicant": applicant, **stamped}


def _unnamed(call: _Call, told: Told, name: str | None) -> int:
    """A record without a usable code: it is kept in quarantine, once however often it is sent.

    It has no stamp, for a stamp of each arrival would make each a record of its own.
    """
    made = records.made(Held(told), ())
    if made is None:
        raise AssertionError("what was told has a record")
    number = call.add(_named(made.record, name, None))
    call.lead[number] = _Lead(None, told, made)
    return number


def _taken(
    session: Session, call: _Call, waiting: Sequence[int | Answer], book: RuleBook
) -> list[Answer]:
    outcomes: dict[int, Outcome] = {}
    if call.lines:
        found = take_in(session, call.lines, call.caller, book, call.now)
        outcomes = {outcome.line: outcome for outcome in found}
    for number, lead in call.lead.items():
        if outcomes[number].outcome == "quarantined" and lead.dossier is not None:
            lead.dossier.promised = list(lead.promised)
    changed = [
        dossier.kept()
        for code, dossier in call.dossiers.items()
        if dossier.kept() != call.was[code]
    ]
    portal.save(session, call.caller.source, changed)
    _hear(session, call, outcomes)
    return [
        one if isinstance(one, Answer) else _answer(one, outcomes, call.lead[one])
        for one in waiting
    ]


def _hear(session: Session, call: _Call, outcomes: Mapping[int, Outcome]) -> None:
    """What is told again unchanged has an old stamp, but was true when it arrived."""
    branches = {
        str(lead.made.record["branch"])
        for number, lead in call.lead.items()
        if outcomes[number].outcome != "quarantined"
    }
    feeds.hear(session, call.caller.source, dict.fromkeys(sorted(branches), call.now))


def _answer(number: int, outcomes: Mapping[int, Outcome], lead: _Lead) -> Answer:
    outcome, told = outcomes[number], lead.told
    kind = outcome.outcome
    if any(outcomes[line].outcome == "created" for line in lead.earlier):
        kind = "created" if kind == "updated" else kind
    if lead.dossier is None:
        problems = (*faults.no_code(told.code), *faults.problems(told.wrong))
    elif told.wrong:
        problems = faults.problems(told.wrong)
    else:
        problems = tuple(
            faults.translated(one, lead.made.places)
            for one in outcome.problems
            if "line" not in one.params  # a dossier twice in one call is two tellings here
        )
    notes = () if kind == "quarantined" else lead.made.notes
    return Answer(told.code, kind, (*problems, *notes), outcome.kept)


def _code(payload: Payload) -> str | None:
    return dossier_code(text(payload.get("MaHoSo")) or "")


def _no_object() -> Answer:
    told = Problem("", "send a JSON object for each dossier")
    return Answer(None, "quarantined", (told,), kept=False)


def _branches(rules: Rules, office: str) -> dict[str, str]:
    """The office's branches by code, and by their names where these name only one."""
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for code, branch in rules.branches.items():
        if branch.office != office:
            continue
        for name in {texts.unit(branch.name), texts.unit(branch.short_name)}:
            if found.setdefault(name, code) != code:
                doubtful.add(name)
    named = {name: code for name, code in found.items() if name not in doubtful}
    return named | {code: code for code, held in rules.branches.items() if held.office == office}
