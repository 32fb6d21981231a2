"""How long things took: the middle, what nine in ten took at most, the longest; by whole units."""

from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple


class Spread(NamedTuple):
    """Some lengths in one unit; without any there is no figure ("no data").

    Attributes:
        n: How many there are.
        median: The smallest of them that half of them do not exceed.
        p90: The smallest of them that nine in ten do not exceed.
        longest: The greatest.
    """

    n: int = 0
    median: int | None = None
    p90: int | None = None
    longest: int | None = None


def spread(counts: Mapping[int, int]) -> Spread:
    """The spread of lengths, given how many there are of each.

    A percentile is always a length that did occur, as `percentile_disc` of SQL gives it: of two
    lengths the median is the shorter one, never a mean of both.
    """
    held = sorted((length, n) for length, n in counts.items() if n > 0)
    n = sum(count for _, count in held)
    if not n:
        return Spread()
    # whole numbers: 0.9 times a count is no exact figure to a machine
    return Spread(n, _nth(held, -(-n // 2)), _nth(held, -(-9 * n // 10)), held[-1][0])


def _nth(held: list[tuple[int, int]], nth: int) -> int:
    """The length at a place, from 1, when all stand in order."""
    passed = accumulate(count for _, count in held)
    return next(length for (length, _), until in zip(held, passed, strict=True) if until >= nth)
