"""Periods of a report, against the days the law prints."""

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.periods import Kind, PeriodError, before, free, latest, named, of_day
from tests.core.ground import day

NAMED = {
    "2026-09": ("2026-09-01", "2026-09-30"),
    "2024-02": ("2024-02-01", "2024-02-29"),
    "2026-Q3": ("2026-07-01", "2026-09-30"),
    "2026-H1": ("2026-01-01", "2026-06-30"),
    "2026-H2": ("2026-07-01", "2026-12-31"),
    "2026": ("2026-01-01", "2026-12-31"),
    # closed on the 14th of the last month (NĐ 09/2019 Đ12)
    "2026-RQ1": ("2025-12-15", "2026-03-14"),
    "2026-RQ2": ("2026-03-15", "2026-06-14"),
    "2026-RQ3": ("2026-06-15", "2026-09-14"),
    "2026-RQ4": ("2026-09-15", "2026-12-14"),
    "2026-RH1": ("2025-12-15", "2026-06-14"),
    "2026-RH2": ("2026-06-15", "2026-12-14"),
    "2026-RY": ("2025-12-15", "2026-12-14"),
}
_kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.FREE])
_days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(("name", "days"), NAMED.items())
def test_the_days_of_a_named_period(name: str, days: tuple[str, str]):
    found = named(name)

    assert (found.first, found.last) == (day(days[0]), day(days[1]))
    assert found.name == name
    assert free(found.first, found.last) == found


@pytest.mark.parametrize(
    "name", ["", "26", "2026-13", "2026-00", "2026-Q5", "2026-H3", "2026-RQ0", "2026-R1", "0001",
             "9999", "2026-9-1", "quý 3", "\u0662026-09"]
)  # fmt: skip
def test_what_is_no_period_is_refused_with_the_forms(name: str):
    with pytest.raises(PeriodError, match="2026-RQ3"):
        named(name)


def test_a_name_may_be_written_small():
    assert named(" 2026-rq3 ") == named("2026-RQ3")


def test_free_days_have_a_name_of_their_own():
    found = free(day("2026-07-02"), day("2026-08-15"))

    assert (found.kind, found.name) == (Kind.FREE, "2026-07-02..2026-08-15")
    earlier = before(found)
    assert (earlier.first, earlier.last) == (day("2026-05-18"), day("2026-07-01"))


def test_days_the_wrong_way_round_are_no_period():
    with pytest.raises(PeriodError):
        free(day("2026-07-02"), day("2026-07-01"))


def test_a_day_alone_names_no_free_period():
    with pytest.raises(PeriodError):
        of_day(Kind.FREE, day("2026-07-02"))


@given(_kinds, _days)
def test_each_day_is_in_just_one_period_of_a_kind(kind: Kind, on: date):
    found = of_day(kind, on)

    assert found.first <= on <= found.last
    assert before(found).last == found.first - timedelta(days=1)
    assert of_day(kind, found.last + timedelta(days=1)).first == found.last + timedelta(days=1)
    assert named(found.name) == found


def test_the_periods_that_are_over():
    found = islice(latest(Kind.REPORTING_QUARTER, day("2026-11-22")), 3)

    assert [one.name for one in found] == ["2026-RQ3", "2026-RQ2", "2026-RQ1"]
    assert next(latest(Kind.MONTH, day("2026-09-30"))).name == "2026-08"
