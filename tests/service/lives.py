"""Dossiers as they are told from day to day, with what makes counting hard."""

from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from tests.jobs.rows import vn
from tests.service.recount import told_by
from tests.service.recount_law import ZONE, due, rule_of
from tests.service.simulated import UNTIL
from tests.web.wire import Record, record

BRANCHES = ("H20.16.03", "H20.16.03", "H20.16.01", "H20.16.07")
# one and several cases, two appointments, the same day with its cut-off and extension, calendar
# days, a law that restarts, an old code, none yet, an unknown one
PROCEDURES = (
    *(("1.012790", None), ("1.012790", "default"), ("1.012783", None), ("1.012783", "with_survey")),
    *(("1.013831", None), ("1.013831", "default"), ("1.013831", "default"), ("1.013831", "lease")),
    *(("1.011441", None), ("1.012789", "in_database"), ("1.012784", "default")),
    *(("1.004199", None), ("9.876543", None), ("1.012782", None), ("1.013823", None)),
)
COMMUNES = (None, None, "28249", "29926", "00001")
REASONS = ("supplement", "supplement", "supplement", "financial_obligation", "public_posting")
PAUSED = {"supplement": 5, "financial_obligation": 6}
FIRST, LAST = date(2026, 7, 1), date(2026, 11, 16)
HOURS = (
    *(time(0), time(0, 0, 1), time(7, 30), time(14, 59), time(15), time(15, 0, 1)),
    *(time(17), time(19, 30), time(23, 59, 59), time(23, 59, 59, 999999)),
)
EVENTS = (
    *("stop", "stop", "stop", "go on", "go on", "go on", "go on", "stage", "stage", "stage"),
    *("letter", "letter", "slip", "extend", "commune", "move", "correct", "end", "end", "again"),
)
ENDS = ("result", "result", "result", "handed over", "refused", "withdrawn", "returned", "stopped")
_numbers = count(1)


def life(dice: Random) -> list[Record]:
    """The records of one dossier in order, each the whole truth of its moment."""
    on = FIRST + timedelta(days=dice.randrange((LAST - FIRST).days))
    if dice.random() < 0.1:
        on = date(2025, 5, 5) + timedelta(days=dice.randrange(50))  # the law that restarts
    at = _at(dice, on)
    procedure, case = dice.choice(PROCEDURES)
    held: Record = record(
        code=f"H20.16.03-{at:%y%m%d}-{next(_numbers):06}",
        procedure=procedure,
        case=case,
        branch=dice.choice(BRANCHES),
        commune=dice.choice(COMMUNES),
        channel=dice.choice(["online", "counter", "post"]),
        applicant={"kind": dice.choice(["citizen", "enterprise", "organisation"]), "name": "An"},
        received_at=at.isoformat(),
        promised_at=None,
        suspensions=[],
        apologies=[],
        stages=[],
        extensions=[],
    )
    if dice.random() < 0.05:
        return [held | {"status": 1, "received_at": None, "updated_at": at.isoformat()}]
    last_day = _last_day(held)
    held["promised_at"] = dice.choice([None, _end_of(last_day), _end_of(last_day), at.isoformat()])
    told = [held | {"updated_at": at.isoformat()}]
    for _ in range(dice.randrange(10)):
        at = _later(dice, at, last_day)
        if at > UNTIL:
            break
        held = held | _change(dice, held, dice.choice(EVENTS), at)
        told.append(_with_status(held) | {"updated_at": at.isoformat()})
    return told


def _at(dice: Random, day: date) -> datetime:
    return datetime.combine(day, dice.choice(HOURS), ZONE)


def _last_day(held: Record) -> date:
    """The last day by law as it is received; a week later where there is none."""
    told = told_by(held)
    rule = rule_of(told)
    assert told.received
    found = due(told.received, rule, rule.quantity).on if rule else None
    return found or told.received.astimezone(ZONE).date() + timedelta(days=7)


def _end_of(day: date) -> str:
    return datetime.combine(day, time(17), ZONE).isoformat()


def _later(dice: Random, at: datetime, last_day: date) -> datetime:
    """Often soon, often on the last day or the first or the last of a month, else some day."""
    day = at.astimezone(ZONE).date()
    month = day.replace(day=1) + timedelta(days=31)
    days = [day, day + timedelta(days=1), last_day, last_day + timedelta(days=1)]
    days += [month.replace(day=1), month.replace(day=1) - timedelta(days=1)]
    days += [day + timedelta(days=dice.randrange(1, 12)) for _ in range(4)]
    found = _at(dice, dice.choice([one for one in days if one >= day]))
    return found if found > at else at + timedelta(minutes=1)


def _change(dice: Random, held: Record, happens: str, at: datetime) -> Record:
    now, ahead = at.isoformat(), _at(dice, at.date() + timedelta(days=dice.randrange(12)))
    ended = bool(held.get("finished_at") or held.get("ended_at"))
    named = max(at, ahead).isoformat()
    if ended and happens not in ("again", "correct", "end"):
        return {}
    letter = {"sent_at": now, "reason": "quá tải", "promised_at": dice.choice([named, named, None])}
    stop = {"reason": dice.choice(REASONS), "from": now, "until": None}
    again = dict.fromkeys(("finished_at", "ended_at", "outcome", "handed_over_at"))
    changes: dict[str, Record] = {
        "stop": {"suspensions": [*held["suspensions"], stop]},
        "go on": {
            "suspensions": [one | {"until": one["until"] or now} for one in held["suspensions"]]
        },
        "stage": {"stages": _next_stage(held["stages"], held["received_at"], now)},
        "letter": {"apologies": [*held["apologies"], letter]},
        "slip": {"promised_at": named},
        "extend": {"extensions": [{"granted_at": now, "reason": "phức tạp"}]},
        "commune": {"commune": dice.choice(COMMUNES)},
        "move": {"branch": dice.choice(BRANCHES)},
        # the last stop did not happen, nor the last letter
        "correct": {"suspensions": held["suspensions"][:-1], "apologies": held["apologies"][:-1]},
        "again": again | {"status": 4},  # its end was a mistake
        "end": {} if ended else _end(dice.choice(ENDS), now),
    }
    return changes[happens]


def _next_stage(stages: list[Record], received_at: str, now: str) -> list[Record]:
    if not stages:
        return [{"stage": 1, "started_at": received_at, "ended_at": now}]
    if stages[-1]["ended_at"] is None:
        return [*stages[:-1], stages[-1] | {"ended_at": now}]
    if len(stages) == 2:
        return stages
    return [*stages, {"stage": len(stages) + 1, "started_at": now, "ended_at": None}]


def _end(how: str, now: str) -> Record:
    return {
        "result": {"status": 9, "finished_at": now},
        "handed over": {"status": 10, "finished_at": now, "handed_over_at": now},
        "refused": {"status": 3, "ended_at": now},
        "withdrawn": {"status": 7, "ended_at": now},
        "returned": {"status": 9, "finished_at": now, "outcome": "returned"},
        "stopped": {"status": 8, "ended_at": now, "outcome": "stopped"},
    }[how]


def _with_status(held: Record) -> Record:
    if held.get("finished_at") or held.get("ended_at"):
        return held
    standing = [stop for stop in held["suspensions"] if stop["until"] is None]
    return held | {"status": PAUSED.get(standing[-1]["reason"], 8) if standing else 4}


def days(dice: Random, some: int) -> list[date]:
    """Days to ask about: edges of months and any others."""
    now = UNTIL.astimezone(ZONE).date()
    found: list[Any] = [now - timedelta(days=dice.randrange(140)) for _ in range(some)]
    return [*found, vn("2026-09-30 00:00").date(), vn("2026-09-14 00:00").date(), now]
