"""A year with a storm and random dossiers in it, and how to count its days one by one."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.core import periods
from app.core.office_hours import CalendarSpec
from app.core.stages import StageFact
from app.core.taxes import Gap, gaps
from app.db.engine import Sessions
from app.db.in_hand import ZONE, Span
from app.db.lists import Clock
from app.service import calendar_changes
from app.service.access import Principal
from app.service.asked import Asked
from app.service.calendar_items import Day
from app.service.publish import publish
from app.service.rules import RuleBook
from app.service.stored import facts_of
from tests.db.test_reports import clocks
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, lines, send, stored
from tests.web.wire import BRANCH, Record, record

ONE_DAY = timedelta(days=1)
STORM = [date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12)]
PROCEDURES = (
    *(("1.013831", "default"), ("1.013831", "lease"), ("1.013831", None), ("1.012783", None)),
    *(("1.012790", None), ("1.012784", "default"), ("9.876543", None), ("1.013833", None)),
)
REASONS = ("supplement", "financial_obligation", "financial_obligation", "public_posting")
UNITS = ("Bộ phận Một cửa", "Chi nhánh khu vực III", "Cơ quan Thuế", "Chi nhánh khu vực III", None)
# Receipts gather about Tết, the storm, the worked Saturdays and the days in lieu.
BEGIN = ("2026-01-05", "2026-02-09", "2026-03-05", "2026-04-22", "2026-08-17", "2026-10-01")


def fill(sessions: Sessions, book: RuleBook, seed: int, dossiers: int = 400) -> list[Any]:
    """A simulated year, random dossiers beside it, and one branch closed for three days."""
    with sessions.begin() as session:
        for on in STORM:
            storm = calendar_changes.calendar_day(BRANCH, Day(date=on, kind="off", name="Bão"))
            assert publish(session, storm, "x", UNTIL)
    send(sessions, book, lines(dossiers, seed))
    mine = [json.dumps(one).encode() for one in random_records(seed, dossiers)]
    outcomes = {one.outcome for one in send(sessions, book, mine)}
    assert outcomes == {"created"}
    return stored(sessions)


def random_records(seed: int, many: int) -> Iterator[Record]:
    """Dossiers whose parts overlap, touch, nest and last for months, as no simulator tells them."""
    dice = Random(seed)  # noqa: S311 of tests
    for number in range(many):
        at = vn(f"{dice.choice(BEGIN)} 07:00") + timedelta(minutes=dice.randint(0, 12_000))
        procedure, case = dice.choice(PROCEDURES)
        ended_at = at + timedelta(minutes=dice.randint(0, 60_000)) if dice.random() < 0.8 else None
        ended_at = ended_at if ended_at is not None and ended_at < UNTIL else None
        latest = ended_at or UNTIL
        held = record(
            code=f"H20.16.{dice.choice(('01', '03'))}-{at:%y%m%d}-{number:06}",
            procedure=procedure,
            case=case,
            channel=dice.choice(("online", "counter")),
            submitted_at=(at - timedelta(minutes=dice.randint(0, 9_000))).isoformat(),
            received_at=at.isoformat(),
            promised_at=None,
            suspensions=list(_stops(dice, at, latest)),
            stages=_stages(dice, at, latest) if dice.random() < 0.4 else [],
            steps=list(_steps(dice, at, latest)),
            updated_at=UNTIL.isoformat(),
        )
        held["branch"] = held["code"][:9]
        yield held | _end(dice, held, ended_at)


def _moment(dice: Random, since: datetime, until: datetime) -> datetime:
    return since + timedelta(minutes=dice.randint(0, max(0, (until - since) // ONE_DAY * 1_440)))


def _stops(dice: Random, since: datetime, until: datetime) -> Iterator[Record]:
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        begun = _moment(dice, since, until)
        over = _moment(dice, begun, until) if dice.random() < 0.85 else None
        yield {
            "reason": dice.choice(REASONS),
            "from": begun.isoformat(),
            "until": over.isoformat() if over else None,
        }


def _stages(dice: Random, since: datetime, until: datetime) -> list[Record]:
    sent = _moment(dice, since, until)
    first = {"stage": 1, "started_at": since.isoformat(), "ended_at": sent.isoformat()}
    if dice.random() < 0.3:
        return [first]
    paid = _moment(dice, sent, until).isoformat()
    return [first, {"stage": 2, "started_at": paid, "ended_at": None}]


def _steps(dice: Random, since: datetime, until: datetime) -> Iterator[Record]:
    for unit in UNITS[: dice.randint(0, 5)]:
        over = _moment(dice, since, until)
        yield {
            "name": "Thẩm định" if unit is None else f"Bước của {unit}",
            "unit": unit,
            "started_at": since.isoformat(),
            "finished_at": over.isoformat() if dice.random() < 0.9 else None,
        }
        since = over


def _end(dice: Random, held: Record, ended_at: datetime | None) -> Record:
    if ended_at is None:
        open_stop = any(stop["until"] is None for stop in held["suspensions"])
        return {"status": 5 if open_stop else 4}
    if dice.random() < 0.2:
        return {"status": 7, "ended_at": ended_at.isoformat()}
    if dice.random() < 0.3:
        return {"status": 9, "finished_at": ended_at.isoformat()}
    handed = min(_moment(dice, ended_at, ended_at + 6 * ONE_DAY), UNTIL)
    return {
        "status": 10,
        "finished_at": ended_at.isoformat(),
        "handed_over_at": handed.isoformat(),
    }


# ------------------------------------------------------------------------------ one by one


def local(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def worked(spec: CalendarSpec, since: date, until: date) -> int:
    """Working days after one day, up to another."""
    days = (since + ONE_DAY * nth for nth in range(1, (until - since).days + 1))
    return sum(bool(spec.hours_on(on)) for on in days)


def worked_seconds(spec: CalendarSpec, since: datetime, until: datetime) -> float:
    """Office hours from one instant to another."""
    found, on = 0.0, local(since)
    while on <= local(until):
        midnight = datetime(on.year, on.month, on.day, tzinfo=ZONE)
        for start, end in spec.hours_on(on):
            opens = max(since, midnight + timedelta(seconds=start))
            closes = min(until, midnight + timedelta(seconds=end))
            found += max(0.0, (closes - opens).total_seconds())
        on += ONE_DAY
    return found


def spans(row: Any) -> list[tuple[datetime, datetime | None]]:  # noqa: ANN401 a row
    """When a dossier was out of the office's hands."""
    facts = facts_of(row)
    found = [
        (stop.from_at, stop.until_at)
        for stop in facts.suspensions
        if stop.reason != "financial_obligation"
    ]
    return found + [(leg.sent_at, leg.paid_at) for leg in tax_legs(row)]


def tax_legs(row: Any) -> Sequence[Gap]:  # noqa: ANN401 a row
    return gaps(facts_of(row).suspensions, stages(row))


def stages(row: Any) -> list[StageFact]:  # noqa: ANN401 a row
    def at(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    return [
        StageFact(one["stage"], at(one["started_at"]), at(one["ended_at"]))
        for one in row["stage_dues"] or ()
    ]


def own_days(row: Any, since: date, until: date) -> list[date]:  # noqa: ANN401 a row
    """The days after one day, up to another, that no pause took."""
    end = facts_of(row).end
    taken = []
    for begun, over in spans(row):
        last = over or end
        taken.append((local(begun), date.max if last is None else local(last)))
    days = (since + ONE_DAY * nth for nth in range(1, (until - since).days + 1))
    return [on for on in days if not any(begun < on <= over for begun, over in taken)]


def asked(sessions: Sessions, book: RuleBook, over: Span) -> Asked:
    """The question of whoever may see the whole office."""
    heard = clocks(sessions, book, UNTIL)
    with sessions() as session:
        rules = book.in_force(session)
    mine = frozenset(rules.branches)
    caller = Principal("x", "x", "H20.16", mine, whole_office=True, rights=frozenset())
    told = [Clock(code, one.clock_at, one.soon_until) for code, one in heard.items()]
    period = periods.free(over.first, over.last)
    return Asked(caller, rules, period, over, None, told, heard, UNTIL)
