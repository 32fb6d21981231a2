"""Rates and verdicts."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rating import Tally, Verdict, verdict

DUE = date(2026, 7, 16)
_days = st.integers(-400, 400).map(lambda days: DUE + timedelta(days=days))


@pytest.mark.parametrize(
    ("due_on", "end_on", "told"),
    [
        (DUE, date(2026, 7, 15), Verdict.EARLY),
        (DUE, DUE, Verdict.ON_TIME),
        (DUE, date(2026, 7, 17), Verdict.LATE),
        (None, DUE, Verdict.NO_LIMIT),
    ],
)
def test_a_verdict_compares_by_date(due_on: date | None, end_on: date, told: Verdict):
    assert verdict(due_on, end_on, forced_late=False) is told


@given(st.none() | _days, _days)
def test_what_a_date_cannot_say_is_late_all_the_same(due_on: date | None, end_on: date):
    assert verdict(due_on, end_on, forced_late=True) is Verdict.LATE


@given(st.lists(st.tuples(st.none() | _days, _days, st.booleans())))
def test_every_finished_dossier_has_one_of_four_verdicts(
    dossiers: list[tuple[date | None, date, bool]],
):
    told = Counter(verdict(due, end, forced_late=forced) for due, end, forced in dossiers)

    tally = Tally(told[Verdict.EARLY], told[Verdict.ON_TIME], told[Verdict.LATE])

    assert tally.denominator + told[Verdict.NO_LIMIT] == len(dossiers)
    assert tally.numerator + tally.late == tally.denominator


def test_a_group_without_verdicts_has_no_rate():
    assert Tally().rate is None


def test_a_rate_is_early_and_on_time_over_all():
    assert Tally(early=1, on_time=2, late=1).rate == 0.75


@given(*[st.builds(Tally, *[st.integers(0, 10**7)] * 3)] * 2)
def test_two_groups_together_are_the_sum_and_their_rate_lies_between(one: Tally, other: Tally):
    both = one + other

    assert both.denominator == one.denominator + other.denominator
    rates = [group.rate for group in (one, other) if group.rate is not None]
    if both.rate is not None:
        assert min(rates) - 1e-12 <= both.rate <= max(rates) + 1e-12
