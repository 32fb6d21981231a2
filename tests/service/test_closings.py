"""Random histories, cut by closings at random moments: every identity holds, and a recount agrees.

Records arrive in disorder between the closings: back-dated receipts and ends, moves to another
branch, other procedures, receipts taken back. What must come out is counted again here in plain
Python from the lists that were frozen and the dossiers that stand.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from app.core import periods
from app.core.form06a import Counts
from app.core.periods import Period
from app.db import feeds, in_hand, openings
from app.db.engine import Sessions
from app.db.in_hand import ZONE
from app.db.lists import Clock
from app.service import ii06a, intake
from app.service.closed_periods import closed
from app.service.closings import Despite, close, frozen_ii06a, ii06a_report
from app.service.document import Document
from app.service.outcomes import Line
from app.service.rules import RuleBook, Rules
from app.service.silence import branch_clocks
from app.service.verify import Checked, Fault, What
from tests.jobs.rows import vn
from tests.service.simulated import caller, stored
from tests.web.wire import BRANCH, OTHER, Record, record

OFFICE = "H20.16"
BRANCHES = (BRANCH, OTHER, "H20.16.05")
PROCEDURES = ("1.012790", "1.012784", "1.013831")
MONTHS = [periods.named(f"2026-{month:02}") for month in range(2, 8)]
Key = tuple[str, str]


def at(on: date, hour: int = 9) -> str:
    return datetime(on.year, on.month, on.day, hour, tzinfo=ZONE).isoformat()


def born(dice: Random, number: int, on: date) -> Record:
    """A dossier received on a day."""
    return record(
        number,
        branch=dice.choice(BRANCHES),
        procedure=dice.choice(PROCEDURES),
        channel=dice.choice(("online", "counter", "post")),
        received_at=at(on),
        promised_at=dice.choice((None, at(on + timedelta(days=dice.randint(1, 40))))),
        updated_at=at(on),
    )


def twisted(dice: Random, held: Record, today: date) -> Record:
    """The same dossier, told of again today, perhaps otherwise than it was."""
    told = held | {"updated_at": at(today, dice.randint(10, 17))}
    received = date.fromisoformat((held["received_at"] or at(today))[:10])
    match dice.choice(("end", "end", "end", "move", "procedure", "receipt", "reopen", "void", "")):
        case "end":
            on = min(today, received + timedelta(days=dice.randint(0, 70)))
            told |= {"status": 9, "finished_at": at(on, 16), "received_at": at(received)}
        case "move":
            told["branch"] = dice.choice(BRANCHES)
        case "procedure":
            told["procedure"] = dice.choice(PROCEDURES)
        case "receipt":
            on = min(today, received + timedelta(days=dice.randint(-40, 40)))
            told |= {"status": 4, "received_at": at(on), "finished_at": None}
        case "reopen":
            told |= {"status": 4, "received_at": at(received), "finished_at": None}
        case "void":
            told |= {"status": 1, "received_at": None, "submitted_at": at(received, 8)}
            told |= {"finished_at": None}
        case _:
            pass
    return told


def send(sessions: Sessions, book: RuleBook, records: Sequence[Record], now: datetime) -> None:
    """Take records in; a few are refused, for one dossier cannot become just any other."""
    who = caller(book, sessions)
    lines = [Line(n, json.dumps(one).encode()) for n, one in enumerate(records, 1)]
    with sessions.begin() as session:
        found = intake.take_in(session, lines, who, book, now)
        feeds.hear(session, "one-stop", dict.fromkeys(who.branches, now))
    assert sum(one.outcome == "quarantined" for one in found) <= len(found) // 2


def report(
    sessions: Sessions, book: RuleBook, period: Period, branch: str | None, now: datetime
) -> Document:
    with sessions() as session:
        rules = book.in_force(session)
        mine = [branch] if branch else ours(rules)
        full = branch_clocks(session, rules, now, silence_days=3, soon_days=2)
        return ii06a_report(
            session,
            rules,
            [Clock(one, full[one].clock_at, full[one].soon_until) for one in mine],
            period,
            in_hand.span(period.first, period.last, now),
            office=OFFICE,
            branch=branch,
            whole_office=True,
            data_as_of=None,
        )


def ours(rules: Rules) -> list[str]:
    return [code for code, one in rules.branches.items() if one.office == OFFICE]


def shut(sessions: Sessions, book: RuleBook, period: Period, now: datetime) -> int:
    return close(
        sessions,
        book,
        OFFICE,
        period,
        "tests",
        now,
        despite=frozenset(Despite),
        silence_days=3,
        soon_days=2,
    )


# -------------------------------------------------------------------------------- counted by hand


def place(row: Mapping[str, Any], last: date) -> str:
    """Column (8) to (13) of a dossier by the form's rule, on the last day of a period."""
    end, due = row["ended_on"], row["form_due_on"]
    if end is not None and end <= last:
        return "on_time" if due is None or end == due else "early" if end < due else "late"
    days = row["form_overdue"]
    if days is None:
        return "overdue" if due is not None and due < last else "in_time"
    within = any(one.lower <= last and (one.upper is None or last < one.upper) for one in days)
    return "overdue" if within else "in_time"


def channel(online: bool) -> str:  # noqa: FBT001 a column
    return "online" if online else "direct"


def recount(
    rows: Sequence[Mapping[str, Any]], listed: Mapping[str, Any], period: Period, *, opened: bool
) -> tuple[dict[Key, Counter[str]], dict[Key, Counter[str]]]:
    """Regular figures and adjustments by branch and procedure, dossier by dossier."""
    regular: dict[Key, Counter[str]] = defaultdict(Counter)
    adjusted: dict[Key, Counter[str]] = defaultdict(Counter)
    facts = {row["code"]: row for row in rows}
    for code in facts.keys() | listed.keys():
        row, was = facts.get(code), listed.get(code)
        came: date | None = row["received_on"] if row else None
        key = (was["branch"], was["procedure_code"]) if was else None
        if row is None or came is None or came > period.last:  # by the facts it is nowhere
            if was and key:
                adjusted[key].update({"carried_over": 1, channel(was["online"]): -1})
            continue
        now = (row["branch"], row["procedure_code"])
        ended = row["ended_on"] is not None and row["ended_on"] < period.first
        fresh = came >= period.first
        here = {channel(row["channel"] == "online"): 1, place(row, period.last): 1}
        carried = {"carried_over": 1, place(row, period.last): 1}
        if was is None or key is None:
            if not ended and not opened and not fresh:
                regular[now].update(carried)
            elif not ended:
                (regular if fresh else adjusted)[now].update(here)
        elif ended or (key == now and fresh):
            adjusted[key].update(carried)
        elif key == now:
            regular[key].update(carried)
        else:
            adjusted[key].update({"carried_over": 1, channel(was["online"]): -1})
            (regular if fresh else adjusted)[now].update(here)
    return regular, adjusted


def frozen_list(sessions: Sessions, closing: int | None) -> dict[str, Any]:
    with sessions() as session:
        rows = session.execute(
            text("SELECT * FROM closing_dossier WHERE closing_id = :id AND ended_on IS NULL"),
            {"id": closing or 0},
        )
        return {row["code"]: row for row in rows.mappings()}


def plain(found: Mapping[Key, Any]) -> dict[Key, dict[str, int]]:
    """Figures without their zeros, whatever they are kept in."""
    told = {}
    for key, one in found.items():
        parts = (
            dict(zip(Counts.__slots__, astuple(one), strict=True))
            if isinstance(one, Counts)
            else dict(one)
        )
        told[key] = {name: n for name, n in parts.items() if n}
    return {key: parts for key, parts in told.items() if parts}


def holds(told: Document) -> None:
    assert told.total is not None
    for cells in (*(row.cells for row in told.rows), told.total.cells):
        assert cells["received"] == cells["settled"] + cells["open"], cells  # type: ignore[operator]
    for name in ("received", "carried_over", "settled", "open", "online", "direct"):
        summed = sum(row.cells[name] for row in told.rows if row.level == 0)  # type: ignore[misc]
        assert summed == told.total.cells[name]


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_cut_by_closings(sessions: Sessions, book: RuleBook, seed: int):
    dice = Random(seed)  # noqa: S311 dice
    alive: dict[str, Record] = {}
    number, before, closing, reasons = 0, None, None, Counter[str]()
    for period in MONTHS:
        told: list[Record] = []
        for _ in range(dice.randint(50, 80)):
            number += 1
            one = born(dice, number, period.first + timedelta(days=dice.randint(-25, 27)))
            alive[one["code"]] = one
            told.append(one)
        # not over until some days after its end; by then some of the past is told otherwise
        now = datetime.combine(
            period.last + timedelta(days=dice.randint(1, 20)), datetime.min.time(), ZONE
        ) + timedelta(hours=18)
        send(sessions, book, told, now)
        again = [
            twisted(dice, twisted(dice, one, now.date()), now.date())
            for one in dice.sample(list(alive.values()), len(alive) // 2)
        ]
        alive.update({one["code"]: one for one in again})
        send(sessions, book, again, now)

        reasons += check(sessions, book, period, now, before, closing)
        closing, before = shut(sessions, book, period, now), period
        last = report(sessions, book, period, None, now)
        assert last.closing == closing
    assert set(reasons) == set(openings.Reason)  # the dice did throw each of them


def check(
    sessions: Sessions,
    book: RuleBook,
    period: Period,
    now: datetime,
    before: Period | None,
    closing: int | None,
) -> Counter[str]:
    """Whether a period counts as it should, before it is closed; its adjustments by reason."""
    regular, adjusted = recount(
        stored(sessions), frozen_list(sessions, closing), period, opened=before is not None
    )
    with sessions() as session:
        rules = book.in_force(session)
        full = branch_clocks(session, rules, now, silence_days=3, soon_days=2)
        clocks = [Clock(one, full[one].clock_at, full[one].soon_until) for one in ours(rules)]
        over = in_hand.span(period.first, period.last, now)
        opening = openings.opening(session, OFFICE, period.first, period.kind)
        assert (opening and opening.closing) == closing
        figures = ii06a.count(session, clocks, over, opening)
        # and one branch alone counts what it counts among all
        for clock in clocks:
            alone = ii06a.count(session, [clock], over, opening)
            for mine, whole in (
                (alone.regular, figures.regular),
                (alone.adjusted, figures.adjusted),
            ):
                assert plain(mine) == {
                    key: parts for key, parts in plain(whole).items() if key[0] == clock.branch
                }
    assert plain(figures.regular) == plain(regular)
    assert plain(figures.adjusted) == plain(adjusted)
    for branch in (None, *BRANCHES):
        told = report(sessions, book, period, branch, now)
        holds(told)
        if before is not None:
            held = report(sessions, book, before, branch, now)
            assert held.closing == closing
            assert held.total is not None
            assert told.total is not None
            assert told.total.cells["carried_over"] == held.total.cells["open"]
    found: Counter[str] = Counter()
    for (_, reason), n in figures.reasons.items():
        found[reason] += n
    return found


# ------------------------------------------------------------------------------------- tampering


@pytest.fixture
def two_closed(sessions: Sessions, book: RuleBook) -> None:
    dice = Random(7)  # noqa: S311 dice
    send(
        sessions,
        book,
        [born(dice, n, date(2026, 2, 1 + n % 27)) for n in range(1, 60)],
        vn("2026-03-02 08:00"),
    )
    shut(sessions, book, MONTHS[0], vn("2026-03-02 08:00"))
    late = [born(dice, n, date(2026, 2, 20)) for n in range(60, 70)]
    send(sessions, book, late, vn("2026-04-02 08:00"))
    shut(sessions, book, MONTHS[1], vn("2026-04-02 08:00"))


def faults(sessions: Sessions) -> list[Fault]:
    return list(closed(sessions, Checked()))


@pytest.mark.usefixtures("two_closed")
def test_what_is_whole_is_left_in_peace(sessions: Sessions):
    checked = Checked()

    assert list(closed(sessions, checked)) == []
    assert (checked.closings, checked.of_closings) == (2, 2)


FORGERIES = {
    "UPDATE closing_dossier SET legal = 1 WHERE code = (SELECT max(code) FROM closing_dossier)": (
        "its dossiers"
    ),
    "UPDATE closing_dossier SET ended_on = received_on WHERE ended_on IS NULL": "its dossiers",
    "DELETE FROM closing_dossier WHERE closing_id = 1 AND branch = 'H20.16.03'": "its dossiers",
    "INSERT INTO closing_dossier SELECT 'x', closing_id, branch, procedure_code, received_on, "
    "ended_on, carried_over, online, legal, form, index766 FROM closing_dossier LIMIT 1": (
        "its dossiers"
    ),
    "DELETE FROM closing_adjustment": "its dossiers",
    "UPDATE closing_adjustment SET reason = 'moved'": "its dossiers",
    "UPDATE closing_report SET document = replace(convert_from(document, 'UTF8'), '\"unit\":\"', "
    "'\"unit\":\"x')::bytea WHERE branch = ''": "report ii-06a of the office",
    "DELETE FROM closing_report WHERE branch = 'H20.16.03'": "it has the hash",
    "UPDATE closing SET closed_by = 'nobody'": "it has the hash",
    "UPDATE closing SET closed_at = closed_at - interval '1 second'": "it has the hash",
    "UPDATE closing SET last_on = last_on + 1": "it has the hash",
    "UPDATE closing SET previous_id = NULL": "it has the hash",
    "UPDATE closing SET hash = sha256('x') WHERE id = 1": "it has the hash",
    "DELETE FROM closing WHERE id = 1": "it has the hash",
}


@pytest.mark.usefixtures("two_closed")
@pytest.mark.parametrize("statement", FORGERIES)
def test_whatever_is_forged_is_found(sessions: Sessions, statement: str):
    with sessions.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert session.execute(text(statement)).rowcount  # type: ignore[attr-defined]

    found = faults(sessions)

    assert found
    assert {fault.what for fault in found} == {What.CLOSING}
    assert any(fault.detail.startswith(FORGERIES[statement]) for fault in found)
    assert all(fault.closing in ("H20.16 2026-02", "H20.16 2026-03") for fault in found)


@pytest.mark.usefixtures("two_closed")
def test_a_report_rewritten_with_its_own_hash_is_found_by_the_closing(sessions: Sessions):
    with sessions.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE closing_report SET document = '{}', hash = sha256('{}') WHERE branch = ''")
        )

    assert [fault.detail[:15] for fault in faults(sessions)] == ["it has the hash"] * 2


@pytest.mark.usefixtures("two_closed")
def test_the_first_frozen_form_reads_as_it_was_made(sessions: Sessions):
    with sessions() as session:
        held = frozen_ii06a(session, OFFICE, "2026-02", None, [], whole_office=True)

    assert held is not None
    assert held.closing == 1
    assert tuple(held.columns) == ii06a.PRINTED
    assert held.period == MONTHS[0]
    holds(held)


def test_nothing_is_half_closed(
    sessions: Sessions, book: RuleBook, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("app.service.closings.closings.keep", broken)
        with pytest.raises(RuntimeError):
            shut(sessions, book, MONTHS[0], vn("2026-03-02 08:00"))

    with sessions() as session:
        for table in ("closing", "closing_report", "closing_dossier"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608
    assert shut(sessions, book, MONTHS[0], vn("2026-03-02 08:00"))
