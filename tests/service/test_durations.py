"""Where time goes: every figure is what counting day by day over the raw facts gives."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from math import ceil
from typing import Any

import pytest
from sqlalchemy import text

from app.core.spread import Spread
from app.core.yardsticks import Yardstick
from app.db import in_hand
from app.db.engine import Sessions
from app.db.in_hand import Span
from app.db.lists import Clock
from app.service import backlog, durations, stage_verdicts
from app.service.document import Document
from app.service.durations import By
from app.service.rules import RuleBook, Rules
from app.service.stored import facts_of
from migrations.paused_0004 import PAUSED
from tests.catalogues import as_it_was
from tests.db.test_reports import GROUPS, clocks, readings
from tests.jobs.rows import vn
from tests.service.simulated import UNTIL, send, stored
from tests.service.where_time_goes import (
    asked,
    fill,
    local,
    own_days,
    spans,
    stages,
    tax_legs,
    worked,
    worked_seconds,
)
from tests.web.wire import BRANCH, OTHER, record

PERIODS = [
    (date(2025, 11, 20), date(2026, 11, 20)),
    (date(2026, 2, 1), date(2026, 3, 31)),
    (date(2026, 8, 22), date(2026, 8, 22)),
    (date(2019, 1, 1), date(2019, 12, 31)),
]
Lengths = dict[tuple[str, ...], dict[str, list[float]]]


@pytest.fixture(params=[3, 4])
def year(request: pytest.FixtureRequest, sessions: Sessions, book: RuleBook) -> Iterator[list[Any]]:
    with as_it_was(sessions):
        yield fill(sessions, book, request.param)


def measured(
    sessions: Sessions, book: RuleBook, over: Span, by: By, branches: Sequence[str] | None = None
) -> tuple[dict[tuple[str, ...], dict[str, Spread]], dict[str, Spread]]:
    with sessions() as session:
        rules = book.in_force(session)
        mine = [Clock(code, UNTIL, UNTIL) for code in branches or rules.branches]
        return durations.measured(session, mine, rules, over, by)


def of(lengths: Sequence[float]) -> Spread:
    """The nearest ranks of a list."""
    held = sorted(lengths)
    n = len(held)
    return Spread(n, held[ceil(n / 2) - 1], held[ceil(n * 9 / 10) - 1], held[-1])  # type: ignore[arg-type]


def recounted(lengths: Lengths) -> dict[tuple[str, ...], dict[str, Spread]]:
    return {
        key: {name: of(values) for name, values in held.items() if values}
        for key, held in lengths.items()
    }


def whole(lengths: Lengths) -> dict[str, Spread]:
    together: dict[str, list[float]] = defaultdict(list)
    for held in lengths.values():
        for name, values in held.items():
            together[name] += values
    return {name: of(values) for name, values in together.items() if values}


def key_of(row: Any, by: By) -> tuple[str, ...]:  # noqa: ANN401 a row
    code = row["procedure_code"]
    keys = {By.PROCEDURE: code, By.BRANCH: row["branch"], By.GROUP: GROUPS.get(code, "")}
    return (keys[by],)


def of_dossiers(rows: Sequence[Any], rules: Rules, over: Span, by: By) -> Lengths:
    found: Lengths = defaultdict(lambda: defaultdict(list))
    for row in rows:
        facts, spec = facts_of(row), rules.published(row["branch"]).spec
        if facts.received_at is None or facts.end is None:
            continue
        since, until = local(facts.received_at), local(facts.end)
        if not over.first <= until <= over.last:
            continue
        held, own = found[key_of(row, by)], own_days(row, since, until)
        held["working"].append(worked(spec, since, until))
        held["calendar"].append((until - since).days)
        held["net_working"].append(sum(bool(spec.hours_on(on)) for on in own))
        held["net_calendar"].append(len(own))
        if facts.handed_over_at is not None and facts.handed_over_at <= over.close:
            handed = local(facts.handed_over_at)
            held["hand_working"].append(worked(spec, since, handed))
            held["hand_calendar"].append((handed - since).days)
        if facts.channel == "online" and facts.submitted_at is not None:
            filed = local(facts.submitted_at)
            held["filed_working"].append(worked(spec, filed, since))
            held["filed_calendar"].append((since - filed).days)
    return found


@pytest.mark.parametrize("by", [By.PROCEDURE, By.BRANCH, By.GROUP])
def test_dossiers_take_as_long_as_their_days_counted_one_by_one(
    sessions: Sessions, book: RuleBook, year: list[Any], by: By
):
    with sessions() as session:
        rules = book.in_force(session)
    for first, last in PERIODS:
        over = in_hand.span(first, last, UNTIL)
        expected = of_dossiers(year, rules, over, by)

        found, total = measured(sessions, book, over, by)

        assert found == recounted(expected)
        assert total == whole(expected)


def test_the_year_has_all_there_is_to_count(sessions: Sessions, book: RuleBook, year: list[Any]):
    over = in_hand.span(*PERIODS[0], UNTIL)
    _, total = measured(sessions, book, over, By.BRANCH)

    assert all(held.n > 50 for held in total.values())
    medians = [total[name].median for name in ("net_working", "working", "calendar")]
    assert medians == sorted(set(filter(None, medians)))
    with sessions() as session:
        rules = book.in_force(session)
    storm = [
        rules.published(code).calendar.worked_days(739_684, 739_690) for code in (BRANCH, OTHER)
    ]
    assert storm[0] < storm[1]
    assert any(row["paused"] is not None and len(list(row["paused"])) > 1 for row in year)


def test_the_migration_fills_in_the_same_pauses(sessions: Sessions, year: list[Any]):
    with sessions.begin() as session:
        session.execute(text("UPDATE dossier SET paused = NULL"))
        session.execute(text(PAUSED))

    again = {row["code"]: row["paused"] for row in stored(sessions)}
    assert again == {row["code"]: row["paused"] for row in year}


def test_appointments_take_as_long_as_their_days_counted_one_by_one(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    with sessions() as session:
        rules = book.in_force(session)
    for first, last in PERIODS:
        over = in_hand.span(first, last, UNTIL)
        expected: Lengths = defaultdict(lambda: defaultdict(list))
        for row, number, began, stopped, _ in stopped_stages(year, over):
            spec, since, until = rules.published(row["branch"]).spec, local(began), local(stopped)
            held, own = expected[(str(number),)], own_days(row, since, until)
            held["working"].append(worked(spec, since, until))
            held["calendar"].append((until - since).days)
            held["net_working"].append(sum(bool(spec.hours_on(on)) for on in own))
            held["net_calendar"].append(len(own))

        found, total = measured(sessions, book, over, By.STAGE)

        assert found == recounted(expected)
        assert total == whole(expected)


def stopped_stages(
    rows: Sequence[Any], over: Span
) -> Iterator[tuple[Any, int, datetime, datetime, Any]]:
    """The stages that ended in a period; the last that began ends with the dossier."""
    for row in rows:
        told, end = stages(row), facts_of(row).end
        if row["received_on"] is None:
            continue
        for one, following, due in zip(
            told, [*told, None][1:], row["stage_dues"] or (), strict=True
        ):
            stopped = one.ended_at
            if stopped is None and (following is None or following.started_at is None):
                stopped = end
            if one.started_at is None or stopped is None:
                continue
            if over.first <= local(stopped) <= over.last:
                yield row, one.stage, one.started_at, stopped, due


def test_each_appointment_is_judged_by_its_own_due_day(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    for first, last in PERIODS:
        over = in_hand.span(first, last, UNTIL)
        expected: Counter[tuple[int, str, str]] = Counter()
        for row, number, _, stopped, due in stopped_stages(year, over):
            what = "no_verdict"
            if due["due_on"] is not None:
                due_on, on = date.fromisoformat(due["due_on"]), local(stopped)
                what = "late" if on > due_on else "on_time" if on == due_on else "early"
            expected[number, row["branch"], what] += 1

        with sessions() as session:
            rules = book.in_force(session)
            mine = [Clock(code, UNTIL, UNTIL) for code in rules.branches]
            judged = stage_verdicts.judged(session, mine, over)

        found: Counter[tuple[int, str, str]] = Counter()
        for (number, branch), (tally, none) in judged.items():
            found.update(
                {
                    (number, branch, "early"): tally.early,
                    (number, branch, "on_time"): tally.on_time,
                    (number, branch, "late"): tally.late,
                    (number, branch, "no_verdict"): none,
                }
            )
        assert +found == expected


def test_tax_legs_take_as_long_as_their_days_counted_one_by_one(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    with sessions() as session:
        rules = book.in_force(session)
    for first, last in PERIODS:
        over = in_hand.span(first, last, UNTIL)
        expected: Lengths = defaultdict(lambda: defaultdict(list))
        for row in year:
            spec, held = rules.published(row["branch"]).spec, expected[(row["branch"],)]
            if not in_hand_then(row, over):
                continue
            for sent_at, paid_at in tax_legs(row):
                since = local(sent_at)
                if paid_at is not None and paid_at <= over.close:
                    if local(paid_at) >= first:
                        held["working"].append(worked(spec, since, local(paid_at)))
                        held["calendar"].append((local(paid_at) - since).days)
                elif sent_at <= over.close and open_then(row, over):
                    held["waiting"].append(worked(spec, since, over.last))

        found, total = measured(sessions, book, over, By.TAX)

        assert found == {key: held for key, held in recounted(expected).items() if held}
        assert total == whole(expected)


def in_hand_then(row: Any, over: Span) -> bool:  # noqa: ANN401 a row
    came, ended = row["received_on"], row["ended_on"]
    return came is not None and came <= over.last and (ended is None or ended >= over.first)


def open_then(row: Any, over: Span) -> bool:  # noqa: ANN401 a row
    ended = row["ended_on"]
    return in_hand_then(row, over) and (ended is None or ended > over.last)


def test_steps_take_as_long_as_their_office_hours(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    with sessions() as session:
        rules = book.in_force(session)
    for first, last in PERIODS:
        over = in_hand.span(first, last, UNTIL)
        expected: Lengths = defaultdict(lambda: defaultdict(list))
        for row in year:
            spec = rules.published(row["branch"]).spec
            for one in facts_of(row).steps if in_hand_then(row, over) else ():
                since, until = one.started_at, one.finished_at
                if since is None or until is None or not first <= local(until) <= over.last:
                    continue
                held = expected[one.unit or "", one.name]
                seconds = worked_seconds(spec, since, until)
                held["working"].append(int(seconds / 288))  # a hundredth of eight hours
                held["calendar"].append((local(until) - local(since)).days)

        found, total = measured(sessions, book, over, By.STEP)

        assert found == recounted(expected)
        assert total == whole(expected)


def test_rare_steps_share_a_row_and_nothing_is_lost(
    sessions: Sessions, book: RuleBook, year: list[Any], monkeypatch: pytest.MonkeyPatch
):
    _ = year
    over = in_hand.span(*PERIODS[0], UNTIL)
    every, total = measured(sessions, book, over, By.STEP)
    monkeypatch.setattr(durations, "MOST_STEPS", 3)

    found, again = measured(sessions, book, over, By.STEP)

    assert again == total
    most = sorted(every, key=lambda key: (-every[key]["calendar"].n, key))[:3]
    assert {key: found[key] for key in most} == {key: every[key] for key in most}
    assert found.keys() - set(most) == {()}
    assert sum(held["calendar"].n for held in found.values()) == total["calendar"].n


def test_a_report_of_some_branches_knows_no_others(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    with sessions() as session:
        rules = book.in_force(session)
    over = in_hand.span(*PERIODS[0], UNTIL)
    mine = [row for row in year if row["branch"] == BRANCH]

    found, total = measured(sessions, book, over, By.PROCEDURE, [BRANCH])

    expected = of_dossiers(mine, rules, over, By.PROCEDURE)
    assert (found, total) == (recounted(expected), whole(expected))


def document(sessions: Sessions, book: RuleBook, over: Span, made: Any, **more: Any) -> Document:  # noqa: ANN401
    with sessions() as session:
        told: Document = made(session, asked(sessions, book, over), **more)
        return told


def test_nothing_is_no_data_and_every_active_branch_has_its_row(sessions: Sessions, book: RuleBook):
    over = in_hand.span(*PERIODS[0], UNTIL)
    by_branch = document(sessions, book, over, durations.report, by=By.BRANCH)

    assert len(by_branch.rows) == 10
    assert by_branch.total is not None
    for row in (*by_branch.rows, by_branch.total):
        assert {row.cells[key] for key in row.cells if key.endswith("_n")} == {0}
        figures = ("median", "p90", "longest")
        assert {row.cells[key] for key in row.cells if key.endswith(figures)} == {None}
    staged = document(sessions, book, over, stage_verdicts.report)
    assert len(staged.rows) == 22
    assert {row.cells["rate"] for row in staged.rows} == {None}
    assert len(document(sessions, book, over, backlog.report).rows) == 10
    assert document(sessions, book, over, backlog.oldest).rows == []


# ------------------------------------------------------------------------------- the backlog


def classes(row: Any, clock: Any, spec: Any, over: Span) -> tuple[str, str]:  # noqa: ANN401
    days = worked(spec, row["received_on"], over.last)
    age = next((n for n, most in enumerate((5, 10, 20, 30, 60)) if days <= most), 5)
    ages = ("age_0_5", "age_6_10", "age_11_20", "age_21_30", "age_31_60", "age_61")
    found = readings(row, clock, over.close, Yardstick.LEGAL)
    if "overdue" in found:
        since = row["due_on"]
        if row["legal_overdue"] is not None and not over.current:
            since = (
                next(one.lower for one in row["legal_overdue"] if over.last in one)
                - date.resolution
            )
        past = worked(spec, since, over.last)
        at = next((n for n, most in enumerate((3, 10, 30)) if past <= most), 3)
        return ages[age], ("past_3", "past_10", "past_30", "past_31")[at]
    for what in ("unverified", "no_limit"):
        if what in found:
            return ages[age], what
    end = facts_of(row).end
    stood = any(
        begun <= over.close and (until is None or until > over.close)
        for begun, until in ((begun, until or end) for begun, until in spans(row))
    )
    return ages[age], "still" if stood else "not_due"


@pytest.mark.parametrize("last", ["2026-02-18", "2026-03-11", "2026-06-30", "2026-11-20"])
def test_the_backlog_of_any_day_is_what_stood_open_then(
    sessions: Sessions, book: RuleBook, year: list[Any], last: str
):
    with sessions.begin() as session:
        session.execute(text("UPDATE feed SET heard_at = :at"), {"at": vn("2026-11-19 09:00")})
    over = in_hand.span(date(2026, 1, 1), date.fromisoformat(last), UNTIL)
    heard = clocks(sessions, book, UNTIL)
    with sessions() as session:
        rules = book.in_force(session)
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for row in year:
        if open_then(row, over):
            spec = rules.published(row["branch"]).spec
            expected[row["branch"]].update(
                ("open", *classes(row, heard[row["branch"]], spec, over))
            )

    told = document(sessions, book, over, backlog.report)

    found = {
        row.cells["branch"]: {key: n for key, n in row.cells.items() if isinstance(n, int) and n}
        for row in told.rows
    }
    assert {code: held for code, held in found.items() if held} == expected
    assert told.total is not None
    assert told.total.cells["open"] == sum(held["open"] for held in expected.values())
    oldest = document(sessions, book, over, backlog.oldest)
    opened = [row for row in year if open_then(row, over)]
    opened.sort(key=lambda row: (row["received_at"], row["code"]))
    assert [row.cells["code"] for row in oldest.rows] == [row["code"] for row in opened[:10]]
    for row, cells in zip(opened, (one.cells for one in oldest.rows), strict=False):
        assert cells["received_on"] == row["received_on"]
        spec = rules.published(row["branch"]).spec
        assert cells["working"] == worked(spec, row["received_on"], over.last)


def test_a_pause_within_the_period_does_not_matter_after_it(sessions: Sessions, book: RuleBook):
    """The current status must not be told of a past day."""
    stop = {"reason": "supplement", "from": "2026-11-18T09:00:00+07:00", "until": None}
    one = record(1, status=5, suspensions=[stop], updated_at="2026-11-18T09:00:00+07:00")
    send(sessions, book, [json.dumps(one).encode()])

    def stood(last: str) -> tuple[Any, Any]:
        over = in_hand.span(date(2026, 11, 1), date.fromisoformat(last), UNTIL)
        total = document(sessions, book, over, backlog.report).total
        assert total is not None
        return total.cells["not_due"], total.cells["still"]

    assert [stood(f"2026-11-{day}") for day in (15, 16, 17, 18, 19)] == [
        (0, 0),
        (1, 0),
        (1, 0),
        (0, 1),
        (0, 1),
    ]
