"""Every figure of the on-time report is what a recount by hand over the dossiers gives."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import text

from app.core.rating import Verdict, verdict
from app.core.yardsticks import Yardstick
from app.db import feeds
from app.db.engine import Sessions
from app.db.in_hand import BY_END, ZONE, Group
from app.db.lists import Clock
from app.service.on_time import OPEN_COLUMNS, Line, Report, on_time
from app.service.rules import RuleBook
from app.service.silence import BranchClock, branch_clocks
from tests.jobs.rows import vn
from tests.service.simulated import CATALOGUE, UNTIL, dong_thap, lines, send, stored
from tests.web.wire import BRANCH, OTHER, finished, record

SILENT = "H20.16.05"
ZERO = timedelta(microseconds=1)
GROUPS = {
    one["code"]: one["group"]
    for one in json.loads((CATALOGUE / "procedures.json").read_text(encoding="utf-8"))
}
PERIODS = [
    (date(2026, 1, 1), date(2026, 11, 20)),
    (date(2026, 3, 1), date(2026, 3, 31)),
    (date(2025, 11, 20), date(2026, 6, 30)),
    (date(2020, 1, 1), date(2020, 12, 31)),
]
SPLITS = [[], *([one] for one in Group)] + [
    list(some) for some in combinations((Group.BRANCH, Group.PROCEDURE, Group.MONTH), 2)
]


@pytest.fixture
def year(sessions: Sessions, book: RuleBook) -> list[Any]:
    """A simulated year of six hundred dossiers, heard of until now but for one branch."""
    send(sessions, book, lines(600))
    with sessions.begin() as session:
        session.execute(text("TRUNCATE feed"))
        for branch in dong_thap().branches:
            days = 1 if branch.code == OTHER else 0
            if branch.code != SILENT:
                feeds.hear(session, "one-stop", {branch.code: UNTIL - timedelta(days=days)})
    return stored(sessions)


def clocks(
    sessions: Sessions, book: RuleBook, now: datetime, *, silence_days: int = 3
) -> dict[str, BranchClock]:
    with sessions() as session:
        rules = book.in_force(session)
        return branch_clocks(session, rules, now, silence_days=silence_days, soon_days=2)


def reported(
    sessions: Sessions,
    book: RuleBook,
    period: tuple[date, date],
    groups: Sequence[Group] = (Group.BRANCH,),
    yardstick: Yardstick = Yardstick.LEGAL,
    *,
    now: datetime = UNTIL,
    branches: Sequence[str] | None = None,
    whole_office: bool = True,
) -> Report:
    heard = clocks(sessions, book, now)
    mine = {one: heard[one] for one in (branches or heard)}
    with sessions() as session:
        return on_time(
            session,
            book.in_force(session),
            [Clock(one, held.clock_at, held.soon_until) for one, held in mine.items()],
            mine,
            now,
            office="H20.16",
            first=period[0],
            last=period[1],
            groups=groups,
            yardstick=yardstick,
            whole_office=whole_office,
        )


def inputs(row: Any, yardstick: Yardstick) -> tuple[date | None, date | None, bool]:  # noqa: ANN401
    if yardstick is Yardstick.LEGAL:
        return row["legal_due_on"], row["legal_end_on"], row["legal_late"]
    if yardstick is Yardstick.INDEX766:
        return row["index766_due_on"], row["index766_end_on"], row["index766_late"]
    # Biểu II.06a: without a promise it is on time
    return row["form_due_on"] or row["ended_on"], row["ended_on"], False


def keys(row: Any, groups: Sequence[Group]) -> tuple[str, ...]:  # noqa: ANN401 a row
    end = row["ended_on"]
    reporting = end and (end - timedelta(days=14))
    month = reporting and reporting.month % 12 + 1
    values = {
        Group.BRANCH: row["branch"],
        Group.PROCEDURE: row["procedure_code"],
        Group.GROUP: GROUPS.get(row["procedure_code"], ""),
        Group.CASE: row["case_used"] or "",
        Group.COMMUNE: row["commune"] or "",
        Group.CHANNEL: row["channel"],
        Group.APPLICANT_KIND: row["applicant_kind"],
        Group.MONTH: end and end.strftime("%Y-%m"),
        Group.QUARTER: end and f"{end.year}-Q{(end.month + 2) // 3}",
        Group.REPORTING_QUARTER: end
        and f"{reporting.year + (reporting.month == 12)}-RQ{(month + 2) // 3}",
    }
    return tuple(values[group] for group in groups)


def within(on: date, days: Any) -> bool:  # noqa: ANN401 ranges
    return any(one.lower <= on and (one.upper is None or on < one.upper) for one in days)


def readings(row: Any, clock: BranchClock, at: datetime, yardstick: Yardstick) -> list[str]:  # noqa: ANN401
    """What an open dossier counts as at the close of a period, or now (design §1.10)."""
    found, on, now = ["open"], at.astimezone(ZONE).date(), at == UNTIL
    if now:
        found += [row["state"]] if row["state"] in ("suspended", "waiting") else []
        if row["state"] == "running" and UNTIL < row["due_at"] <= clock.soon_until:
            found.append("due_soon")
    if yardstick is not Yardstick.LEGAL:
        days, due_on = row[f"{yardstick}_overdue"], row[f"{yardstick}_due_on"]
        late = due_on is not None and due_on < on if days is None else within(on, days)
        return found + ["overdue"] * late
    if row["no_limit"] is not None:
        found.append("no_limit")
    elif row["legal_overdue"] is not None and not now:
        found += ["overdue"] * within(on, row["legal_overdue"])
    elif not now and row["legal_due_on"] is not None and row["legal_due_on"] > on:
        pass  # it ended between two appointments, and had met the one `due_at` is of
    elif row["due_at"] is not None and row["due_at"] <= at:
        found.append("overdue" if row["due_at"] <= clock.clock_at else "unverified")
    return found


def recount(
    rows: Sequence[Any],
    heard: dict[str, BranchClock],
    period: tuple[date, date],
    groups: Sequence[Group],
    yardstick: Yardstick,
) -> dict[tuple[str, ...], Counter[str]]:
    """The same figures by plain counting; the key `("*",)` is the total."""
    figures: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    first, last = period[0], min(period[1], UNTIL.astimezone(ZONE).date())
    at = min(UNTIL, datetime.combine(last + timedelta(days=1), time(), ZONE) - ZERO)
    for row in rows:
        came_on, end_on = row["received_on"], row["ended_on"]
        if came_on is None or came_on > last or (end_on is not None and end_on < first):
            continue
        ended = end_on is not None and end_on <= last
        found = ["carried_over"] * (came_on < first)
        if not ended:
            found += readings(row, heard[row["branch"]], at, yardstick)
        else:
            due_on, counted_on, forced = inputs(row, yardstick)
            found.append(
                "uncounted"
                if counted_on is None
                else verdict(due_on, counted_on, forced_late=forced).value
            )
        for what in found:
            figures[("*",)][what] += 1
            if not BY_END.intersection(groups) or (ended and what != "carried_over"):
                figures[keys(row, groups)][what] += 1
    return figures


def counted(line: Line) -> Counter[str]:
    found = Counter(
        {
            Verdict.EARLY.value: line.tally.early,
            Verdict.ON_TIME.value: line.tally.on_time,
            Verdict.LATE.value: line.tally.late,
            Verdict.NO_LIMIT.value: line.no_limit,
            "uncounted": line.uncounted,
            **{name: held for name, held in line.beside.items() if name != "quarantined"},
        }
    )
    return +found


@pytest.mark.parametrize("yardstick", Yardstick)
@pytest.mark.parametrize("period", PERIODS, ids=lambda period: str(period[0]))
def test_every_figure_is_what_counting_by_hand_gives(
    sessions: Sessions,
    book: RuleBook,
    year: list[Any],
    period: tuple[date, date],
    yardstick: Yardstick,
):
    heard = clocks(sessions, book, UNTIL)
    for groups in SPLITS:
        report = reported(sessions, book, period, groups, yardstick)
        expected = recount(year, heard, period, groups, yardstick)

        assert counted(report.total) == +expected.pop(("*",), Counter()), groups
        assert len({line.key for line in report.rows}) == len(report.rows)
        found = {line.key: counted(line) for line in report.rows if counted(line)}
        assert found == {key: +figures for key, figures in expected.items() if +figures}, groups


def test_the_year_has_something_of_every_kind(sessions: Sessions, book: RuleBook, year: list[Any]):
    _ = year
    total = counted(reported(sessions, book, PERIODS[0]).total)

    kinds = {*Verdict, *OPEN_COLUMNS, "carried_over", "uncounted"} - {"unverified"}
    assert [kind for kind in kinds if total[kind] == 0] == []


def test_totals_add_up(sessions: Sessions, book: RuleBook, year: list[Any]):
    _ = year
    for groups in SPLITS:
        report = reported(sessions, book, PERIODS[0], groups)
        tally = sum((counted(line) for line in report.rows), Counter())
        total = counted(report.total)
        if BY_END.intersection(groups):  # what is open belongs to no month of an end
            verdicts = [Verdict.EARLY, Verdict.ON_TIME, Verdict.LATE]
            assert [tally[one] for one in verdicts] == [total[one] for one in verdicts]
        else:
            assert tally == total
        assert report.total.tally.numerator + report.total.tally.late == (
            report.total.tally.denominator
        )


def test_every_active_branch_has_a_row_and_no_data_is_no_rate(sessions: Sessions, book: RuleBook):
    report = reported(sessions, book, PERIODS[0])

    assert [line.key[0] for line in report.rows] == [branch.code for branch in dong_thap().branches]
    assert {line.rate for line in report.rows} == {None}
    assert report.total.rate is None
    assert report.data_as_of is None
    before_they_opened = reported(sessions, book, (date(2025, 1, 1), date(2025, 6, 30)))
    assert before_they_opened.rows == []


def test_a_report_of_some_branches_knows_no_others(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    mine = [row for row in year if row["branch"] == BRANCH]
    report = reported(sessions, book, PERIODS[0], branches=[BRANCH])

    assert [line.key for line in report.rows] == [(BRANCH,)]
    heard = clocks(sessions, book, UNTIL)
    expected = recount(mine, heard, PERIODS[0], [Group.BRANCH], Yardstick.LEGAL)
    assert counted(report.total) == +expected[("*",)]


def test_the_first_and_the_last_day_are_included(sessions: Sessions, book: RuleBook):
    ends = ("2026-11-17", "2026-11-18", "2026-11-19")
    ended = [json.dumps(finished(at, on)).encode() for at, on in enumerate(ends, start=1)]
    send(sessions, book, ended)

    for period, expected in (
        ((date(2026, 11, 17), date(2026, 11, 19)), 3),
        ((date(2026, 11, 18), date(2026, 11, 18)), 1),
        ((date(2026, 11, 19), date(2026, 12, 31)), 1),
        ((date(2026, 11, 20), date(2026, 12, 31)), 0),
    ):
        assert reported(sessions, book, period).total.tally.denominator == expected


def test_an_end_late_in_the_evening_belongs_to_its_vietnamese_day(
    sessions: Sessions, book: RuleBook
):
    at = "2026-11-01T00:30:00+07:00"  # the evening of 31 October in UTC
    one = finished(
        1, "2026-11-01", received_at="2026-10-20T08:00:00+07:00", finished_at=at, promised_at=None
    )
    send(sessions, book, [json.dumps(one).encode()])

    report = reported(sessions, book, PERIODS[0], [Group.MONTH])
    assert [line.key for line in report.rows] == [("2026-11",)]
    carried = reported(sessions, book, (date(2026, 11, 1), date(2026, 11, 30))).total.beside
    assert carried["carried_over"] == 1


def test_carried_over_is_what_came_before_and_had_not_ended(sessions: Sessions, book: RuleBook):
    earlier = {"received_at": "2026-10-20T08:00:00+07:00"}
    records = [
        finished(1, "2026-11-18", **earlier),  # ended within
        finished(2, "2026-10-30", **earlier),  # ended before
        record(3, **earlier),  # still open
        record(4),  # received within
        record(5, status=1, received_at=None, promised_at=None),  # never received
    ]
    send(sessions, book, [json.dumps(one).encode() for one in records])

    report = reported(sessions, book, (date(2026, 11, 1), date(2026, 11, 30)))
    assert report.total.beside["carried_over"] == 2


def test_overdue_unverified_and_due_soon_depend_on_now_and_on_what_was_heard(
    sessions: Sessions, book: RuleBook
):
    """Due on Friday 27 November, so from Saturday 0:00 it has passed."""
    send(sessions, book, [json.dumps(record(1)).encode()])

    def read(now: str, heard: str) -> dict[str, int]:
        with sessions.begin() as session:
            session.execute(text("TRUNCATE feed"))
            feeds.hear(session, "one-stop", {BRANCH: vn(heard)})
        to_now = (date(2026, 1, 1), date(2026, 12, 31))
        beside = reported(sessions, book, to_now, now=vn(now)).total.beside
        names = ("overdue", "unverified", "due_soon")
        return {name: beside[name] for name in names if beside.get(name)}

    assert read("2026-11-23 10:00", "2026-11-23 10:00") == {}
    assert read("2026-11-26 10:00", "2026-11-26 10:00") == {"due_soon": 1}
    assert read("2026-11-27 23:59", "2026-11-27 23:59") == {"due_soon": 1}
    # the due moment itself has passed, and the branch has told of it
    assert read("2026-11-28 00:00", "2026-11-28 00:00") == {"overdue": 1}
    # it has passed, but the branch was last heard of before
    assert read("2026-11-28 00:00", "2026-11-27 23:59") == {"unverified": 1}
    assert read("2026-12-02 18:00", "2026-11-27 17:00") == {"unverified": 1}
    # after more than three working days of silence nobody is spared
    assert read("2026-12-03 08:00", "2026-11-27 17:00") == {"overdue": 1}
    # a clock that runs ahead accuses nobody early
    assert read("2026-11-27 12:00", "2026-12-05 00:00") == {"due_soon": 1}


def test_data_are_as_old_as_the_oldest_word_of_a_branch_in_the_report(
    sessions: Sessions, book: RuleBook, year: list[Any]
):
    _ = year
    assert reported(sessions, book, PERIODS[0]).data_as_of == UNTIL - timedelta(days=1)
    assert reported(sessions, book, PERIODS[0], branches=[BRANCH]).data_as_of == UNTIL


def test_what_lies_in_quarantine_stands_beside_the_rate(sessions: Sessions, book: RuleBook):
    wrong = [record(1, status=5), record(2, status=5), record(3, branch="H20.16.99")]
    send(sessions, book, [json.dumps(one).encode() for one in wrong])

    def quarantined(**more: Any) -> dict[str, int]:  # noqa: ANN401
        report = reported(sessions, book, PERIODS[0], **more)
        lines = {line.key[0]: line for line in (*report.rows, Line(("total",)))}
        lines["total"] = report.total
        return {
            key: line.beside["quarantined"]
            for key, line in lines.items()
            if line.beside.get("quarantined")
        }

    assert quarantined() == {BRANCH: 2, "total": 3}
    assert quarantined(whole_office=False) == {BRANCH: 2, "total": 2}
    assert quarantined(whole_office=False, branches=[OTHER]) == {}


def test_a_dossier_stopped_and_put_off_fifty_times_fits_the_indexes(
    sessions: Sessions, book: RuleBook
):
    days = [date(2026, 1, 8) + timedelta(days=4 * nth) for nth in range(50)]
    told = record(
        1,
        received_at="2026-01-05T08:00:00+07:00",
        promised_at="2026-01-06T17:00:00+07:00",
        suspensions=[
            {
                "reason": "supplement",
                "from": f"{day}T08:00:00+07:00",
                "until": f"{day + timedelta(days=1)}T08:00:00+07:00",
            }
            for day in days
        ],
        apologies=[
            {
                "sent_at": f"{day + timedelta(days=2)}T08:00:00+07:00",
                "promised_at": f"{day + timedelta(days=2)}T17:00:00+07:00",
            }
            for day in days
        ],
    )
    at = "2026-11-17T08:00:00+07:00"
    ended = told | {"finished_at": at, "updated_at": at, "status": 9}

    outcomes = [send(sessions, book, [json.dumps(one).encode()])[0] for one in (told, ended)]

    assert [one.outcome for one in outcomes] == ["created", "updated"]
    (held,) = stored(sessions)
    assert len(held["form_overdue"]) >= 100
