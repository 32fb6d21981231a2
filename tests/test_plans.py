"""The plans PostgreSQL chooses on twenty thousand rows: the indexes are used as they are meant."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from app.core.differences import PAIRS, VERDICTS, Reason
from app.core.yardsticks import Yardstick
from app.db import (
    alerts,
    chain,
    completeness,
    derived,
    differences,
    in_hand,
    index766,
    lists,
    reports,
    revisions,
    roots,
)
from app.db.engine import Sessions
from app.db.in_hand import Group
from app.db.lists import Clock, Reading
from tests.web.wire import BRANCH, NOW

CLOCKS = [Clock(f"H20.16.{number:02}", NOW, NOW + timedelta(days=2)) for number in range(1, 11)]
ALL = [clock.branch for clock in CLOCKS]
MINE = [clock for clock in CLOCKS if clock.branch == BRANCH]
IN_HAND = ("ix_dossier_ended", "ix_dossier_long", "ix_dossier_open")

_DOSSIERS = """
INSERT INTO dossier (code, procedure, procedure_code, branch, channel, applicant_kind, status,
  received_at, finished_at, catalogue_version, state, limit_id, calendar_id, case_assumed,
  difficult, due_on, due_at, provisional, legal_due_on, legal_end_on, legal_late, form_due_on,
  received_on, ended_on, index766_due_on, index766_end_on, index766_late, updated_at, source,
  content_hash,  revision_no, head_hash, promises, first_seen_at)
SELECT branch || '-260101-' || lpad(n::text, 6, '0'), '1.012790', '1.0127' || (80 + n % 20),
  branch, 'counter', 'citizen', CASE WHEN ended THEN 9 ELSE 4 END, at,
  CASE WHEN ended THEN due END, 1, CASE WHEN ended THEN 'finished' ELSE 'running' END, 1, 1,
  false, false, due::date, due, false, due::date, ended_on, false, due::date, at::date, ended_on,
  due::date, ended_on, false, at, 'one-stop', sha256(n::text::bytea), 1,
  sha256(n::text::bytea), '[]', at
FROM (
  SELECT n, at, at + '9 days'::interval AS due, n % 20 <> 0 AS ended,
    CASE WHEN n % 20 <> 0 THEN (at + '8 days')::date END AS ended_on,
    'H20.16.' || lpad((1 + n % 10)::text, 2, '0') AS branch
  FROM generate_series(1, 20000) AS n,
    LATERAL (SELECT '2026-01-01'::timestamptz + n * '23 minutes'::interval) AS t(at)
) AS made
"""
_WATCH = """
INSERT INTO watch (code, branch, due_at, moments, levels, ladder, next_at, next_level)
SELECT code, branch, due_at, ARRAY[due_at + '400 days'], ARRAY[50::smallint], 1,
  due_at + '400 days'::interval, 50
FROM dossier
"""


_ENDS = """
UPDATE dossier SET state = 'finished', ended_on = '2026-11-19', legal_end_on = '2026-11-19'
WHERE state = 'running' AND code LIKE '%0'
"""
_HAND_OVERS = """
UPDATE dossier SET handed_over_at = updated_at, updated_at = updated_at + interval '1 day'
WHERE state = 'finished' AND code LIKE '%77'
"""


@pytest.fixture
def full(engine: Engine, sessions: Sessions) -> Iterator[Session]:
    """Twenty thousand dossiers of ten branches, one in twenty open; vacuumed, as at night."""
    with sessions.begin() as session:
        session.execute(text(_DOSSIERS))
        session.execute(text(_WATCH))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) dossier, watch"))
    with sessions() as session:
        yield session


def explained(session: Session, query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 a call
    """The nodes of the plan of the one statement a function sends, with what they really did."""
    sent: list[Any] = []

    def note(*args: Any) -> None:  # noqa: ANN401
        sent.append(args[2:4])

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    query()
    event.remove(bind, "before_cursor_execute", note)
    ((statement, parameters),) = sent
    plan = session.connection().exec_driver_sql(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
    )
    found = plan.scalar_one()
    if isinstance(found, str):
        found = json.loads(found)
    return list(nodes(found[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def rows_of(node: dict[str, Any]) -> tuple[float, float]:
    """What a node gave, and what it read in vain."""
    loops = node["Actual Loops"]
    return node["Actual Rows"] * loops, node.get("Rows Removed by Filter", 0) * loops


def scans(found: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    """How each table was read: the kind of scan and the index."""
    return {
        (node["Node Type"], node.get("Index Name"))
        for node in found
        if "Relation Name" in node or "Index Name" in node
    }


@pytest.mark.parametrize("yardstick", Yardstick)
@pytest.mark.parametrize("groups", [[Group.BRANCH], [Group.BRANCH, Group.PROCEDURE, Group.MONTH]])
def test_what_ended_in_a_quarter_reads_its_index_and_no_row(
    full: Session, groups: list[Group], yardstick: Yardstick
):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    found = explained(
        full,
        lambda: in_hand.counted(full, CLOCKS, over, groups, yardstick, with_open=False),
    )

    assert scans(found) == {("Index Only Scan", "ix_dossier_ended")}
    assert sum(node.get("Heap Fetches", 0) for node in found) == 0


@pytest.mark.parametrize("yardstick", Yardstick)
@pytest.mark.parametrize("some", [MINE, CLOCKS], ids=["a branch", "an office"])
def test_what_was_in_hand_in_a_past_quarter_reads_ranges_of_indexes_and_no_row(
    full: Session, some: list[Clock], yardstick: Yardstick
):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    groups = [Group.BRANCH, Group.PROCEDURE]
    found = explained(full, lambda: in_hand.counted(full, some, over, groups, yardstick))

    assert scans(found) == {("Index Only Scan", index) for index in IN_HAND}
    assert sum(node.get("Heap Fetches", 0) for node in found) == 0
    ended = [node for node in found if node.get("Index Name") == "ix_dossier_ended"]
    read = sum(sum(rows_of(node)) for node in ended)
    # 91 days end in the period, 45 are looked through for what stood open at its close
    assert 0 < read <= len(some) * (91 + 45) * 24 * 60 / 23 / 10 * 1.05


def test_the_close_of_a_day_long_ago_costs_no_more_than_that_of_last_month(full: Session):
    def spent(last: date) -> int:
        over = in_hand.span(last - timedelta(days=30), last, NOW)
        found = explained(
            full, lambda: in_hand.counted(full, MINE, over, [Group.BRANCH], Yardstick.FORM)
        )
        return max(int(node["Shared Hit Blocks"]) for node in found)

    assert spent(date(2026, 2, 1)) <= spent(date(2026, 8, 1)) * 1.5


def test_what_is_open_now_reads_its_index_and_no_row(full: Session):
    over = in_hand.span(date(2026, 10, 1), date(2026, 11, 20), NOW)
    found = explained(
        full, lambda: in_hand.counted(full, CLOCKS, over, [Group.BRANCH], Yardstick.LEGAL)
    )
    now = explained(full, lambda: reports.open_now(full, CLOCKS, NOW, [Group.BRANCH]))

    assert ("Index Only Scan", "ix_dossier_open") in scans(found)
    assert scans(now) == {("Index Only Scan", "ix_dossier_open")}
    assert sum(node.get("Heap Fetches", 0) for node in found + now) == 0


def test_a_day_of_updates_is_read_from_indexes_once_it_is_vacuumed(full: Session, engine: Engine):
    """Vacuum by the settings of the table: pages with few dead rows become visible again, too."""
    full.execute(text(_ENDS))
    full.execute(text(_HAND_OVERS))
    full.commit()
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)

    def fetched() -> int:
        found = explained(
            full, lambda: in_hand.counted(full, CLOCKS, over, [Group.BRANCH], Yardstick.FORM)
        )
        assert scans(found) == {("Index Only Scan", index) for index in IN_HAND}
        full.commit()
        return sum(node.get("Heap Fetches", 0) * node["Actual Loops"] for node in found)

    assert fetched() > 0
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM dossier"))
    assert fetched() == 0


def test_the_yardsticks_side_by_side_read_no_row_of_what_ended(full: Session):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    found = explained(full, lambda: differences.standings(full, CLOCKS, over))

    assert ("Index Only Scan", "ix_dossier_ended") in scans(found)
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}
    assert sum(node.get("Heap Fetches", 0) for node in found) == 0


def test_the_dossiers_behind_a_difference_are_found_among_those_of_the_period(full: Session):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    table = differences.Exchanged(ALL, [1] * len(ALL), date(2026, 1, 1), [], [])
    found = explained(
        full,
        lambda: differences.page(
            full,
            CLOCKS,
            over,
            table,
            pair=PAIRS[0],
            wanted=VERDICTS,
            reason=Reason.PROMISE_LONGER,
            after="",
            limit=50,
        ),
    )

    used = {index for _, index in scans(found) if index}
    assert "ix_dossier_ended" in used
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}


def test_how_long_what_ended_took_is_read_from_its_index_alone(full: Session):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    found = explained(full, lambda: index766.durations(full, CLOCKS, over))

    assert scans(found) == {("Index Only Scan", "ix_dossier_ended")}
    assert sum(node.get("Heap Fetches", 0) for node in found) == 0


def test_what_fell_due_in_a_quarter_reads_its_index_and_rows_of_missed_appointments_only(
    full: Session,
):
    over = in_hand.span(date(2026, 4, 1), date(2026, 6, 30), NOW)
    found = explained(full, lambda: reports.fell_due(full, ALL, over, [Group.BRANCH]))

    assert {index for _, index in scans(found) if index} == {"ix_dossier_due", "ix_dossier_missed"}
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}
    assert ("Index Only Scan", "ix_dossier_due") in scans(found)
    assert sum(node.get("Heap Fetches", 0) for node in found) == 0


def test_the_overdue_of_a_branch_come_from_the_index_of_the_open_in_order(full: Session):
    found = explained(
        full, lambda: lists.page(full, MINE, NOW, readings=[Reading.OVERDUE], limit=50)
    )

    assert scans(found) == {("Index Only Scan", "ix_dossier_open"), ("Index Scan", "pk_dossier")}
    for scan in (node for node in found if "Index Name" in node):
        assert scan["Actual Rows"] * scan["Actual Loops"] <= 51


def test_the_last_page_of_the_overdue_looks_through_nothing_that_is_due_later(full: Session):
    # all that is open is of the first branch; a part of it was due by then
    clocks = [Clock(CLOCKS[0].branch, NOW - timedelta(days=200), NOW)]
    found = explained(
        full, lambda: lists.page(full, clocks, NOW, readings=[Reading.OVERDUE], limit=500)
    )

    (read,) = [node for node in found if node.get("Index Name") == "ix_dossier_open"]
    assert 0 < read["Actual Rows"] < 500
    assert read.get("Rows Removed by Filter", 0) == 0


def test_a_page_of_all_branches_reads_a_page_of_each(full: Session):
    found = explained(full, lambda: lists.page(full, CLOCKS, NOW, limit=50))

    assert scans(found) == {("Index Scan", "ix_dossier_all"), ("Index Scan", "pk_dossier")}
    read = sum(
        node["Actual Rows"] * node["Actual Loops"]
        for node in found
        if node.get("Index Name") == "ix_dossier_all"
    )
    assert read <= 50 * len(CLOCKS)


def test_a_page_in_the_middle_costs_what_the_first_costs(full: Session):
    first = lists.page(full, MINE, NOW, limit=1_000)
    where = lists.Place(first[-1]["due_at"].isoformat(), first[-1]["code"])

    found = explained(full, lambda: lists.page(full, MINE, NOW, after=where, limit=50))

    scan = next(node for node in found if node.get("Index Name") == "ix_dossier_all")
    assert scan["Actual Rows"] * scan["Actual Loops"] <= 51
    assert scan.get("Rows Removed by Filter", 0) == 0


def test_an_idle_sweep_reads_the_index_of_moments_and_no_row(full: Session):
    found = explained(full, lambda: alerts.is_any_due(full, NOW))

    watched = [node for node in found if node.get("Relation Name") == "watch"]
    assert ("ix_watch_next_at", 0) in {
        (node.get("Index Name"), node["Actual Rows"]) for node in watched
    }
    assert not any(node["Node Type"] == "Seq Scan" and node["Actual Loops"] for node in watched)


def test_one_dossier_and_its_history_are_found_by_their_keys(full: Session):
    plan = full.scalar(text("EXPLAIN (FORMAT JSON) SELECT * FROM dossier WHERE code = 'x'"))

    assert scans(list(nodes(plan[0]["Plan"]))) == {("Index Scan", "pk_dossier")}


@pytest.mark.parametrize(
    "reach",
    [None, {"branches": [BRANCH], "days": ["2026-11-25", "2026-11-25"]}, {"procedures": ["1.0"]}],
    ids=["everything", "a storm", "a limit"],
)
def test_what_a_change_may_move_is_found_among_the_open_ones(
    full: Session, reach: dict[str, list[str]] | None
):
    found = explained(full, lambda: derived.open_ones(full, 9, reach, "", 100))

    # of one branch, an index that begins with the branch may thin them out further
    used = {index for _, index in scans(found) if index}
    assert (
        {"ix_dossier_movable"}
        <= used - {"pk_watch"}
        <= {"ix_dossier_movable", "ix_dossier_received"}
    )
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}


# ------------------------------------------------------------- history, sealed days, completeness

_REVISIONS = """
INSERT INTO revision (code, revision_no, at, by, source, why, updated_at, content_hash, head_hash)
SELECT 'H20.16.03-260101-' || lpad(n::text, 6, '0'), 1, at, 'x', 'x', 'record', at, '',
  sha256(n::text::bytea)
FROM generate_series(1, 100000) AS n,
  LATERAL (SELECT '2026-01-01'::timestamptz + n * '4 minutes'::interval) AS t(at)
"""


@pytest.fixture
def told(engine: Engine, sessions: Sessions) -> Iterator[Session]:
    """A hundred thousand revisions of 278 days, in the order they were accepted."""
    with sessions.begin() as session:
        session.execute(text(_REVISIONS))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) revision"))
    with sessions() as session:
        yield session


def test_the_heads_of_a_day_are_found_by_the_range_of_its_pages(told: Session):
    found = explained(told, lambda: list(roots.heads(told, date(2026, 6, 1))))

    assert ("Bitmap Index Scan", "ix_revision_at") in scans(found)
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}
    heap = next(node for node in found if node["Node Type"] == "Bitmap Heap Scan")
    assert heap["Actual Rows"] == 360
    assert heap["Exact Heap Blocks"] + heap["Lossy Heap Blocks"] <= 256  # of some 2,000


def test_revisions_are_read_and_judged_in_the_order_of_their_key(told: Session):
    first, last = "H20.16.03-260101-050000", "H20.16.03-260101-051000"
    found = explained(told, lambda: list(chain.links(told, first, last)))

    # by the key alone, in its order or (as the sample of its statistics fell out) sorted after
    assert {index for _, index in scans(found) if index} == {"pk_revision"}
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}
    assert {node["Actual Rows"] for node in found} == {1_000}


def test_a_page_of_a_history_is_found_by_its_key(told: Session):
    found = explained(told, lambda: revisions.history(told, "H20.16.03-260101-050000", 0, 101))

    assert scans(found) == {("Index Scan", "pk_revision")}


def test_the_next_dossiers_to_verify_come_by_their_key(full: Session):
    found = explained(full, lambda: chain.standing(full, "H20.16.05", 1_000))

    assert scans(found) == {("Index Scan", "pk_dossier")}
    assert max(node["Actual Rows"] for node in found) == 1_000


@pytest.mark.parametrize("last", [date(2026, 6, 1), date(2026, 7, 1)], ids=["a day", "31 days"])
def test_what_a_branch_received_on_a_day_is_found_by_its_index(full: Session, last: date):
    first = date(2026, 6, 1)
    found = explained(full, lambda: completeness.received(full, [BRANCH], first, last))

    assert {index for _, index in scans(found) if index} == {"ix_dossier_received"}
    assert "Seq Scan" not in {kind for kind, _ in scans(found)}
    read = next(node for node in found if node.get("Index Name") == "ix_dossier_received")
    assert read["Actual Rows"] == (6 if last == first else 194)
    assert sum(node.get("Rows Removed by Filter", 0) for node in found) == 0


def test_the_numbers_of_a_series_are_one_range_of_the_key(full: Session):
    series = [f"{BRANCH}-260101-", "H20.16-261005-"]
    found = explained(full, lambda: list(completeness.numbers(full, series, [BRANCH])))

    assert ("Seq Scan", None) not in scans(found)
    assert {index for _, index in scans(found) if index} == {"pk_dossier"}
    read = [node for node in found if node.get("Index Name") == "pk_dossier"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) == 2_000
