"""The stream of a year: mostly in order of time, with the re-sends and disorder of a real source.

Dossiers are made in blocks of consecutive numbers, which are neighbours in time; within a block
records go by `updated_at`. So memory holds one block, and blocks can be made anywhere, apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final, TypeAlias

import msgspec

from app.simulator.calendar import CIVIL_DAY, HOUR
from app.simulator.faults import NOT_JSON, Spoiled, spoiled
from app.simulator.handling import Handling
from app.simulator.plan import Plan
from app.simulator.province import Province
from app.simulator.receipt import receipt
from app.simulator.snapshot import Snapshot, snapshot

BLOCK: Final = 2_048
RESENT: Final = 0.02
BEHIND: Final = 0.01
BAD: Final = 0.003
RESENT_WITHIN: Final = 3 * CIVIL_DAY
PER_DOSSIER: Final = 3.34
"""Records a dossier sends over a year, re-sends in; measured over 100,000."""

Record: TypeAlias = Snapshot | Spoiled


@dataclass(frozen=True, slots=True)
class Mix:
    """How good a source is: shares of records, from 0 to 1.

    Attributes:
        resent: Sent a second time within three days.
        behind: Sent after a newer snapshot of the same dossier.
        bad: Accompanied by a wrong copy.
        newest: Only the last snapshot of each dossier, in the order of their numbers.
    """

    resent: float = RESENT
    behind: float = BEHIND
    bad: float = BAD
    newest: bool = False

    @property
    def per_dossier(self) -> float:
        """About how many records a dossier sends."""
        if self.newest:
            return 1 + self.bad
        return PER_DOSSIER / (1 + RESENT) * (1 + self.resent + self.bad)


USUAL: Final = Mix()


def dossier(seed: int, number: int, plan: Plan) -> list[Snapshot]:
    """Return what a source sends about one dossier, in order: one to four whole snapshots.

    Nothing of other dossiers is needed: the same (seed, number, plan) gives the same records.
    """
    return [record for _, record in _told(seed, number, plan)]


def stream(
    seed: int, dossiers: int, province: Province, until: datetime, *, faults: bool = True
) -> Iterator[Record]:
    """Yield the records of a year that ends at `until`, in the order they are sent."""
    plan = Plan(seed, dossiers, province, until)
    mix = USUAL if faults else replace(USUAL, bad=0.0)
    for start in range(0, dossiers, BLOCK):
        yield from block(seed, range(start, min(start + BLOCK, dossiers)), plan, mix)


def lines(
    seed: int, dossiers: int, province: Province, until: datetime, *, faults: bool = True
) -> Iterator[bytes]:
    """Yield the stream as lines of NDJSON; with faults, one line of the run is no JSON at all."""
    encoder = msgspec.json.Encoder()
    for place, record in enumerate(stream(seed, dossiers, province, until, faults=faults)):
        if faults and place == 1:
            yield NOT_JSON + b"\n"
        yield encoder.encode(record) + b"\n"


def snapshots(dossiers: int, mix: Mix = USUAL) -> int:
    """Return about how many lines a year of so many dossiers has, for a progress bar."""
    return round(dossiers * mix.per_dossier) + bool(mix.bad)


def block(seed: int, numbers: range, plan: Plan, mix: Mix) -> list[Record]:
    """Return the records of consecutive dossiers by time, some twice, some behind newer ones."""
    chance = Random((seed << 33) ^ ~numbers.start).random
    wrong = Random((seed << 34) ^ ~numbers.start)  # its own dice: the good ones stay as they are
    sent: list[tuple[int, int, Record]] = []
    for number in numbers:
        told = _told(seed, number, plan)
        if mix.newest:
            told = told[-1:]
        for turn, (at, record) in enumerate(told, 1):
            arrives = at
            if chance() < mix.behind and turn < len(told):
                arrives = told[turn][0] + 1 + int(chance() * HOUR)
            sent.append((arrives, len(sent), record))
            if chance() < mix.resent:
                sent.append((arrives + 1 + int(chance() * RESENT_WITHIN), len(sent), record))
            if mix.bad and wrong.random() < mix.bad:
                sent.append((arrives - 1, len(sent), spoiled(record, number, wrong)))
    if not mix.newest:
        sent.sort(key=_when)
    return [record for _, _, record in sent]


def _when(entry: tuple[int, int, Record]) -> tuple[int, int]:
    return entry[0], entry[1]


def _told(seed: int, number: int, plan: Plan) -> list[tuple[int, Snapshot]]:
    rng = Random((seed << 33) + number)
    place = plan.place(number, rng.random())
    life, terms = receipt(plan, place, rng)
    if life.received is not None:
        Handling(plan, place, life, terms, rng).run()
    return [(at, snapshot(life, at)) for at in life.moments(place.office.horizon, rng)]
