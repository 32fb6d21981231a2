"""Medians and ninetieth percentiles: always a length that did occur, by nearest rank."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.spread import Spread, spread


def test_of_nothing_there_is_no_figure():
    assert spread({}) == spread({3: 0}) == Spread(0, None, None, None)


@pytest.mark.parametrize(
    ("lengths", "median", "p90"),
    [
        ([7], 7, 7),
        ([1, 9], 1, 9),  # of two the shorter, never 5
        ([1, 2, 9], 2, 9),
        ([0, 0, 0, 0], 0, 0),
        (range(1, 11), 5, 9),
        (range(1, 12), 6, 10),
        ([5] * 9 + [400], 5, 5),
        ([5] * 8 + [400, 500], 5, 400),
    ],
)
def test_the_percentiles_of_a_few(lengths: list[int], median: int, p90: int):
    found = spread(Counter(lengths))

    assert (found.n, found.median, found.p90, found.longest) == (
        len(lengths),
        median,
        p90,
        max(lengths),
    )


@given(st.lists(st.integers(0, 500), min_size=1, max_size=200))
def test_they_are_the_nearest_ranks(lengths: list[int]):
    ordered, found = sorted(lengths), spread(Counter(lengths))

    assert found.median == ordered[ceil(len(lengths) / 2) - 1]
    assert found.p90 == ordered[ceil(len(lengths) * 9 / 10) - 1]
    assert found.longest == ordered[-1]
