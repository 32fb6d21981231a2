"""Waiting before the next attempt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.retry import MAX_ATTEMPTS, backoff, wait_before


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 30), (2, 30), (3, 60), (4, 120), (5, 240), (11, 15_360), (12, 21_600), (10**6, 21_600)],
)
def test_the_pause_doubles_up_to_six_hours(attempt: int, seconds: int):
    assert wait_before(attempt) == timedelta(seconds=seconds)


@given(st.integers(0, 100), st.floats(0, 1))
def test_jitter_shortens_a_pause_by_a_fifth_at_most(attempt: int, jitter: float):
    whole = wait_before(attempt)

    assert 0.8 * whole <= wait_before(attempt, jitter) <= whole


def test_all_attempts_together_take_more_than_half_a_day():
    waits = [wait_before(attempt) for attempt in range(2, MAX_ATTEMPTS + 1)]

    assert timedelta(hours=12) < sum(waits, timedelta()) < timedelta(days=1)


@given(st.integers(1, 1_000), st.floats(0, 1))
def test_a_backoff_is_any_part_of_a_doubling_span_up_to_an_hour(failures: int, chance: float):
    pause = backoff(failures, chance)

    assert timedelta(seconds=1) <= pause <= timedelta(hours=1)
    assert (
        backoff(failures, 1)
        <= backoff(failures + 1, 1)
        == min(timedelta(seconds=30 * 2.0 ** min(failures, 20)), timedelta(hours=1))
    )
