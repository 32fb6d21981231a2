"""How a dossier comes in: who brings it, which procedure, by which channel, on which day."""

from datetime import date
from functools import lru_cache
from random import Random
from typing import Final

from app.simulator.calendar import CIVIL_DAY, CLOSES, DAY, HOUR, OPENS
from app.simulator.life import Life
from app.simulator.people import applicant
from app.simulator.plan import Place, Plan
from app.simulator.province import Procedure, Terms

UNKNOWN: Final = 0.002
SUFFIXED: Final = 0.02
CASE_TOLD: Final = {True: 0.95, False: 0.5}
"""Whether there are several to choose from; where there are, leaving it out is a mistake."""
USUAL_CASE: Final = 0.6
POSTED: Final = 0.05

AFTER_HOURS: Final = 0.7
"""Of what is taken in online in the first two hours, so much came at night or on a day off."""
EARLY: Final = 2 * HOUR
LATE_ACCEPTANCE: Final = 0.03
FORGOTTEN: Final = 0.012
WAITING: Final = 0.3

AT_LAND_OFFICE: Final = 0.2
NO_LIMIT: Final = Terms(8)
"""What a slip says when the catalogue is silent."""


def receipt(plan: Plan, place: Place, rng: Random) -> tuple[Life, Terms]:
    """Return a life up to its receipt, and the terms its slip is printed by."""
    chance = rng.random
    branch = place.office.branch
    commune = branch.communes[int(chance() * len(branch.communes))]
    procedure = _procedure(plan, place, rng)
    case, terms = _terms(
        procedure, place.ordinal, rng, difficult=commune.is_difficult(place.ordinal)
    )
    suffixed = chance() < SUFFIXED and procedure.cases
    online = chance() < place.office.online
    life = Life(
        code=f"{branch.code}-{_digits(place.ordinal)}-{place.running:04d}",
        procedure=f"{procedure.code}.{plan.province.code}" if suffixed else procedure.code,
        case=case if chance() < CASE_TOLD[len(procedure.cases) > 1] else None,
        branch=branch.code,
        commune=commune.code,
        applicant=applicant(rng, commune.name),
        channel="online" if online else "post" if chance() < POSTED else "counter",
        online_payment=chance() < (0.8 if online else 0.15),
        submitted=plan.days.instant(place.working),
    )
    if online and _unaccepted(plan, place, chance()):
        return life, terms
    life.received = life.submitted
    life.submitted = _submission(plan, place, life, rng)
    if chance() < AT_LAND_OFFICE:
        rest = DAY - 1 - place.working % DAY
        later = min(600 + int(chance() * 2 * HOUR), rest)
        life.land_office = plan.days.instant(place.working + later)
    return life, terms


def _procedure(plan: Plan, place: Place, rng: Random) -> Procedure:
    if rng.random() < UNKNOWN:
        return plan.unknown[int(rng.random() * len(plan.unknown))]
    return plan.offer(place.ordinal, rng.random())


def _terms(
    procedure: Procedure, ordinal: int, rng: Random, *, difficult: bool
) -> tuple[str | None, Terms]:
    """Return a case in force with its terms; the first case is the usual one."""
    cases = [(case.code, limit) for case in procedure.cases if (limit := case.limit(ordinal))]
    if not cases:
        return None, NO_LIMIT
    usual = rng.random() < USUAL_CASE
    code, limit = cases[0 if usual else int(rng.random() * len(cases))]
    return code, limit.difficult if difficult else limit.terms


def _unaccepted(plan: Plan, place: Place, lot: float) -> bool:
    """Say whether an online dossier still waits to be taken in: the newest, and a few forgotten."""
    days = plan.days.index(place.office.horizon // CIVIL_DAY) - place.working // DAY
    if days <= 1:
        return lot < WAITING
    return lot < FORGOTTEN and days <= 10  # noqa: PLR2004 - nobody is forgotten for longer


def _submission(plan: Plan, place: Place, life: Life, rng: Random) -> int:
    """Return when a received dossier was submitted, at the receipt or before it."""
    received = plan.days.instant(place.working)
    if life.channel == "counter":
        return received
    if life.channel == "post":
        return received - CIVIL_DAY - int(rng.random() * 2 * CIVIL_DAY)
    if rng.random() < LATE_ACCEPTANCE:
        return plan.days.instant(place.working - int((9 + rng.random() * 40) * HOUR))
    index, second = divmod(place.working, DAY)
    if second < EARLY and rng.random() < AFTER_HOURS:
        opened = place.ordinal * CIVIL_DAY + OPENS
        closed = plan.days.ordinal(index - 1) * CIVIL_DAY + CLOSES
        return closed + int(rng.random() * (opened - closed))
    return plan.days.instant(place.working - 300 - int(rng.random() * 7 * HOUR))


@lru_cache(maxsize=4_096)
def _digits(ordinal: int) -> str:
    """Return the day as dossier codes write it: 261005."""
    return date.fromordinal(ordinal).strftime("%y%m%d")
