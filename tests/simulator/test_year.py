import json
import tracemalloc
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator import year
from app.simulator.load import Load, parts
from app.simulator.plan import Plan
from app.simulator.province import Province
from app.simulator.snapshot import Snapshot
from tests.simulator.rules import broken

Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def good(dong_thap: Province, until: datetime) -> Records:
    """A year of 12,000 dossiers without faults, as sent."""
    lines = year.lines(7, 12_000, dong_thap, until, faults=False)
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def last(good: Records) -> Records:
    """The newest record of each dossier."""
    newest: dict[str, dict[str, Any]] = {}
    for record in good:
        held = newest.get(record["code"])
        if held is None or held["updated_at"] <= record["updated_at"]:
            newest[record["code"]] = record
    return list(newest.values())


def test_the_same_seed_gives_the_same_bytes(dong_thap: Province, until: datetime):
    one, two = (b"".join(year.lines(3, 500, dong_thap, until)) for _ in range(2))

    assert one == two


def test_another_seed_gives_another_year(dong_thap: Province, until: datetime):
    one, two = (b"".join(year.lines(seed, 500, dong_thap, until)) for seed in (3, 4))

    assert one != two


def test_a_dossier_needs_no_other_dossier(dong_thap: Province, until: datetime):
    plan = Plan(3, 500, dong_thap, until)
    alone = year.dossier(3, 321, plan)
    sent = [
        record
        for record in year.stream(3, 500, dong_thap, until, faults=False)
        if isinstance(record, Snapshot) and record.code == alone[0].code
    ]

    assert {msgspec.json.encode(record) for record in sent} == set(map(msgspec.json.encode, alone))


def test_every_good_record_keeps_the_rules(good: Records):
    wrong = [(record["code"], rules) for record in good if (rules := broken(record))]

    assert wrong == []


def test_nothing_has_happened_after_the_simulated_now(good: Records, until: datetime):
    assert max(datetime.fromisoformat(record["updated_at"]) for record in good) <= until


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    now=st.datetimes(datetime(2024, 6, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_any_now_will_do(dong_thap: Province, seed: int, now: datetime):
    sent = list(year.stream(seed, 60, dong_thap, now, faults=False))
    records: Records = [msgspec.to_builtins(record) for record in sent]

    assert len({record["code"] for record in records}) == 60
    assert [rules for record in records if (rules := broken(record))] == []
    assert max(datetime.fromisoformat(record["updated_at"]) for record in records) <= now


def test_a_naive_now_is_refused(dong_thap: Province):
    with pytest.raises(ValueError, match="naive"):
        Plan(1, 10, dong_thap, datetime(2026, 11, 20, 10, 15))  # noqa: DTZ001


def test_codes_are_unique_and_no_dossier_is_lost(last: Records):
    assert len(last) == 12_000


def test_running_numbers_of_a_branchs_day_have_no_gaps(last: Records):
    days: dict[str, set[int]] = {}
    for record in last:
        day, _, number = record["code"].rpartition("-")
        days.setdefault(day, set()).add(int(number))

    assert all(numbers == set(range(1, len(numbers) + 1)) for numbers in days.values())


def test_a_dossier_is_sent_one_to_four_times(dong_thap: Province, until: datetime):
    plan = Plan(5, 3_000, dong_thap, until)
    counts = Counter(len(year.dossier(5, number, plan)) for number in range(3_000))

    assert set(counts) == {1, 2, 3, 4}


def test_the_shares_are_those_of_a_province(last: Records):
    share = _shares(last)

    assert 0.40 <= share["online"] <= 0.60
    assert 0.90 <= share["citizen"] <= 0.94
    assert 0.32 <= share["1.013831"] <= 0.38
    assert 0.22 <= share["1.011441"] + share["1.011443"] <= 0.28
    assert 0.08 <= share["1.012783"] <= 0.12
    assert 0.05 <= share["1.012784"] <= 0.07
    assert 0.03 <= share["1.013978"] <= 0.05
    assert 0.001 <= share["unknown"] <= 0.004
    assert 0.01 <= share["suffixed"] <= 0.03
    assert 0.10 <= share["supplemented"] <= 0.14
    assert 0.005 <= share["supplemented twice"] <= 0.02
    assert 0.015 <= share["withdrawn"] <= 0.025
    assert 0.02 <= share["refused"] <= 0.04
    assert 0 < share["not received"] <= 0.01
    assert 0.005 <= share["apologised"] <= 0.05


def _shares(records: Records) -> dict[str, float]:
    tally: Counter[str] = Counter()
    for record in records:
        requests = sum(stop["reason"] == "supplement" for stop in record["suspensions"])
        procedure = record["procedure"]
        tally.update(
            (procedure[:8], record["channel"], record["applicant"]["kind"], record["outcome"])
        )
        tally["unknown"] += procedure in {"1.115428", "1.115438", "1.115402", "1.999001"}
        tally["suffixed"] += procedure.endswith(".H20")
        tally["supplemented"] += requests > 0
        tally["supplemented twice"] += requests > 1
        tally["not received"] += record["status"] == 1
        tally["apologised"] += bool(record["apologies"])
    return {name: count / len(records) for name, count in tally.items()}


def test_the_silent_branch_is_silent_for_three_weeks(
    good: Records, dong_thap: Province, until: datetime
):
    plan = Plan(7, 12_000, dong_thap, until)
    newest: dict[str, datetime] = {}
    for record in good:
        at = datetime.fromisoformat(record["updated_at"])
        newest[record["branch"]] = max(newest.get(record["branch"], at), at)
    quiet = {branch: (until - at).days for branch, at in newest.items()}

    assert plan.silent is not None
    assert quiet.pop(plan.silent) >= 20
    assert max(quiet.values()) <= 3


def test_tax_legs_come_as_stages_or_as_a_suspension_from_the_provinces_decision_on(last: Records):
    transfers = [record for record in last if record["procedure"] == "1.013831"]
    staged = [record for record in transfers if record["stages"]]
    suspended = [
        record
        for record in transfers
        if any(stop["reason"] == "financial_obligation" for stop in record["suspensions"])
    ]

    assert min(record["received_at"] for record in staged) >= "2025-12-05"
    assert len(staged) > 1_000
    assert len(suspended) > 1_000


def test_days_off_receive_nothing_and_tet_is_thin(last: Records, dong_thap: Province):
    days = Counter(record["received_at"][:10] for record in last if record["received_at"])
    off = {datetime.fromordinal(day).date().isoformat() for day in dong_thap.off}
    busy, thin = (sum(days[f"2026-{day}"] for day in which) for which in (_JANUARY, _BEFORE_TET))

    assert not off & set(days)
    assert days["2026-01-10"] > 0  # a Saturday worked in exchange
    assert thin < busy / 4


_JANUARY = ("01-26", "01-27", "01-28")
_BEFORE_TET = ("02-13", "02-23", "02-24")


def test_some_records_are_sent_twice_and_some_come_behind_newer_ones(good: Records):
    seen: dict[str, str] = {}
    again = behind = 0
    for record in good:
        held = seen.get(record["code"], "")
        again += held == record["updated_at"]
        behind += held > record["updated_at"]
        seen[record["code"]] = max(held, record["updated_at"])

    assert 0.01 <= again / len(good) <= 0.03
    assert 0.004 <= behind / len(good) <= 0.02


def test_faults_are_few_break_a_rule_each_and_leave_the_good_records_as_they_are(
    dong_thap: Province, until: datetime
):
    clean = Counter(year.lines(9, 6_000, dong_thap, until, faults=False))
    added = Counter(year.lines(9, 6_000, dong_thap, until, faults=True)) - clean
    records = [msgspec.json.decode(line) for line in added if _is_json(line)]

    assert len(added) == len(records) + 1
    assert 0.002 <= len(records) / clean.total() <= 0.004
    assert all(_is_wrong(record) for record in records)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def _is_wrong(record: dict[str, Any]) -> bool:
    try:
        return bool(broken(record)) or record["branch"].endswith(".99")
    except (KeyError, TypeError, AssertionError):
        return True


def test_memory_does_not_grow_with_the_year(dong_thap: Province, until: datetime):
    records = year.stream(1, 20_000, dong_thap, until)
    deque(islice(records, 30_000), maxlen=0)  # untraced: tracing takes four times as long
    tracemalloc.start()
    early = _peak(islice(records, 14_000))
    late = _peak(records)
    tracemalloc.stop()

    assert late < early * 1.3
    assert late < 40_000_000


def _peak(records: Iterator[year.Record]) -> int:
    tracemalloc.reset_peak()
    deque(records, maxlen=0)
    return tracemalloc.get_traced_memory()[1]


def test_the_estimate_for_the_progress_bar_is_near(good: Records):
    assert year.snapshots(12_000, year.Mix(bad=0.0)) == pytest.approx(len(good), rel=0.03)


def test_the_newest_alone_are_one_whole_record_a_dossier(
    dong_thap: Province, until: datetime, last: Records
):
    """What a benchmark of intake sends: ends, two steps, pauses."""
    load = Load(7, 12_000, dong_thap, until, year.Mix(0.0, 0.0, 0.0, newest=True))
    sent = [
        json.loads(line)
        for block in parts(load)
        for each in block
        for line in each.body.splitlines()
    ]
    share = {
        "steps": sum(len(record["steps"]) == 2 for record in sent) / len(sent),
        "paused": sum(bool(record["suspensions"]) for record in sent) / len(sent),
        "ended": sum(record["ended_at"] is not None for record in sent) / len(sent),
    }

    assert sorted(sent, key=_code) == sorted(last, key=_code)
    assert share["steps"] > 0.95
    assert 0.25 <= share["paused"] <= 0.45
    assert share["ended"] > 0.85


def _code(record: dict[str, Any]) -> str:
    return str(record["code"])
