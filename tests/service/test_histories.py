"""Whatever is told of dossiers, in whatever order: what is stored is what its facts give."""

import json
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.db.engine import Sessions
from app.db.tables import watch
from app.db.tables.dossiers import FACTS, FINDINGS
from app.service.rows import to_row
from app.service.rules import RuleBook
from app.service.stored import facts_of
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, as_written, send, stored
from tests.web.wire import Record, record

# Every kind of limit the catalogue has: one and several cases, two appointments, the same day with
# its cut-off and extension, calendar days, several regimes, an old code, none yet, an unknown one.
PROCEDURES = (
    *(("1.012790", None), ("1.012783", None), ("1.012783", "with_survey"), ("1.012784", "default")),
    *(("1.013831", None), ("1.013831", "default"), ("1.013831", "lease"), ("1.012782", None)),
    *(("1.011441", None), ("1.012789", "in_database"), ("1.012789", None), ("1.013823", None)),
    *(("1.013827", None), ("1.013967", "default"), ("1.012753", "with_certificate")),
    *(("1.004199", None), ("1.115428", None), ("9.876543", None), ("1.013831", "no such case")),
)
COMMUNES = (None, "28249", "29926", "29926", "00001")
REASONS = (*["supplement"] * 3, *["financial_obligation"] * 3, "public_posting", "force_majeure")
RECEIVED = tuple(vn(f"{day} 00:00") for day in ("2024-06-02", "2025-05-16", "2026-04-16"))
EVENTS = (
    "stop",
    "stop",
    "go on",
    "go on",
    "stage",
    "stage",
    "promise",
    "extend",
    "sorry",
    "commune",
    "end",
)
PAUSED = {"supplement": 5, "financial_obligation": 6}
KEPT = [column.name for column in FINDINGS]
_codes = count(1)
MINUTE = timedelta(minutes=1)


@st.composite
def lives(draw: st.DrawFn) -> list[Record]:
    """A dossier as it is told from day to day, each time whole."""
    day = draw(st.sampled_from(RECEIVED)) + timedelta(days=draw(st.integers(0, 120)))
    at = day + MINUTE * draw(st.sampled_from([420, 810, 900, 901, 1020]) | st.integers(0, 1_439))
    procedure, case = draw(st.sampled_from(PROCEDURES))
    held: Record = record(
        code=f"H20.16.03-{at:%y%m%d}-{next(_codes):06}",
        procedure=procedure,
        case=case,
        commune=draw(st.sampled_from(COMMUNES)),
        received_at=at.isoformat(),
        promised_at=None,
        suspensions=[],
    )
    if draw(st.booleans()):
        held["land_office_received_at"] = (at + MINUTE * draw(st.integers(0, 4_000))).isoformat()
        at += 4_000 * MINUTE
    told = [held | {"updated_at": at.isoformat()}]
    for happens in draw(st.lists(st.sampled_from(EVENTS), max_size=8)):
        at += MINUTE * draw(st.integers(1, 600) | st.integers(1, 20_000))
        if at > UNTIL or held.get("finished_at") or held.get("ended_at"):
            break
        held = held | _change(draw, held, happens, at)
        told.append(_with_status(held) | {"updated_at": at.isoformat()})
    return told


def _change(draw: st.DrawFn, held: Record, happens: str, at: datetime) -> Record:
    now, ahead = at.isoformat(), (at + timedelta(days=draw(st.integers(0, 20)))).isoformat()
    stop = {"reason": draw(st.sampled_from(REASONS)), "from": now, "until": None}
    letter = {"sent_at": now, "reason": "quá tải", "promised_at": ahead}
    changes: dict[str, Record] = {
        "stop": {"suspensions": [*held["suspensions"], stop]},
        "go on": {"suspensions": [one | _ended(one, now) for one in held["suspensions"]]},
        "stage": {"stages": _next_stage(held.get("stages", []), held["received_at"], now)},
        "promise": {"promised_at": ahead},
        "extend": {"extensions": [{"granted_at": now, "reason": "phức tạp"}]},
        "sorry": {"apologies": [*held.get("apologies", []), letter], "promised_at": ahead},
        "commune": {"commune": draw(st.sampled_from(COMMUNES))},
        "end": draw(st.sampled_from(_ends(now))),
    }
    return changes[happens]


def _ended(stop: Record, now: str) -> Record:
    return {"until": stop["until"] or now}


def _next_stage(stages: list[Record], received_at: str, now: str) -> list[Record]:
    if not stages:
        return [{"stage": 1, "started_at": received_at, "ended_at": now}]
    if stages[-1]["ended_at"] is None:
        return [*stages[:-1], stages[-1] | {"ended_at": now}]
    return [*stages, {"stage": len(stages) + 1, "started_at": now, "ended_at": None}]


def _ends(now: str) -> list[Record]:
    return [
        {"status": 9, "finished_at": now},
        {"status": 10, "finished_at": now, "handed_over_at": now},
        {"status": 7, "ended_at": now, "outcome": "withdrawn"},
        {"status": 3, "ended_at": now},
        {"status": 8, "ended_at": now, "outcome": "stopped"},
    ]


def _with_status(held: Record) -> Record:
    if held.get("finished_at") or held.get("ended_at"):
        return held
    open_stops = [stop for stop in held["suspensions"] if stop["until"] is None]
    return held | {"status": PAUSED.get(open_stops[-1]["reason"], 8) if open_stops else 4}


def differing(sessions: Sessions, book: RuleBook) -> list[tuple[str, str, Any, Any]]:
    """Stored findings and alarms that a recomputation from the stored facts does not give."""
    wrong = []
    rows = stored(sessions)
    with sessions() as session:
        rules = book.in_force(session)
        clocks = {one.code: one for one in session.execute(select(watch))}
    for held in rows:
        again = to_row(facts_of(held), rules, None)
        findings = dict(zip(KEPT, again.findings, strict=True))
        findings["stage_dues"] = json.loads(findings["stage_dues"] or "null")
        findings["content_hash"] = again.content_hash
        told = {name: as_written(held[name]) for name in findings}
        wrong += [
            (held["code"], name, told[name], value)
            for name, value in findings.items()
            if told[name] != value
        ]
        moments = list(clocks[held["code"]].moments) if held["code"] in clocks else []
        if moments != (again.watched.moments or []):
            wrong.append((held["code"], "moments", moments, again.watched.moments))
    return wrong


def unlike(held: Any, last: Record) -> list[str]:  # noqa: ANN401 a row
    """The facts of a stored dossier that are not those of its newest snapshot."""
    names = {column.name for column in FACTS} & last.keys()
    instants = {name for name in names if name.endswith("_at")}
    plain = ("procedure", "commune", "status", "case")
    return [name for name in plain if held[name] != last[name]] + [
        name
        for name in sorted(instants)
        if held[name] != (last[name] and datetime.fromisoformat(last[name]))
    ]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],  # a row says enough
)
@given(told=st.lists(lives(), min_size=4, max_size=12), seed=st.integers(0, 2**32))
def test_any_history_in_any_order_is_stored_as_its_facts_give(
    sessions: Sessions, book: RuleBook, told: list[list[Record]], seed: int
):
    dice = Random(seed)  # noqa: S311 dice
    records = [json.dumps(one).encode() for life in told for one in life]
    order = dice.sample(records, len(records)) + dice.choices(records, k=5)  # some arrive twice
    while order:
        size = dice.randint(1, len(order))
        outcomes = send(sessions, book, order[:size])
        refused = [(one, raw) for one, raw in zip(outcomes, order, strict=False) if not _kept(one)]
        assert refused == []
        order = order[size:]

    rows = {row["code"]: row for row in stored(sessions)}
    for life in told:
        held = rows[life[0]["code"]]
        event(f"{held['state']} {held['no_limit'] or ''}")
        assert unlike(held, life[-1]) == []
    assert differing(sessions, book) == []


def _kept(outcome: Any) -> bool:  # noqa: ANN401 an outcome
    return outcome.outcome in ("created", "updated", "unchanged", "stale")
