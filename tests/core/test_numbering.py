"""Running numbers: how a code is taken apart, and what is missing between numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.numbering import Issued, Span, issued, missing, spans


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("H20.16-261005-0001", Issued("H20.16", "", "261005", 1)),
        ("000.00.16.H24-230608-0112", Issued("000.00.16.H24", "", "230608", 112)),
        ("H26.103.25.7-250908-12345", Issued("H26.103.25.7", "", "250908", 12345)),
        ("H20.16-261005-000123", Issued("H20.16", "", "261005", 123)),
        ("H20.16-261005-070123", Issued("H20.16", "07", "261005", 123)),
        ("H20.16-261005-AB0123", Issued("H20.16", "AB", "261005", 123)),
    ],
)
def test_a_code_is_taken_apart(code: str, parts: Issued):
    assert issued(code) == parts


@pytest.mark.parametrize("code", ["", "H20.16", "H20.16-261005-", "H20.16-2610-0001", "x-٠٠٠٠٠٠-1"])  # noqa: RUF001
def test_what_is_no_code_has_no_number(code: str):
    assert issued(code) is None


def test_numbers_are_told_as_spans():
    assert spans([7, 1, 3, 2, 9, 9]) == [Span(1, 3), Span(7, 7), Span(9, 9)]
    assert spans([]) == []


def test_what_is_missing_is_counted_from_one():
    assert list(missing([3, 4, 8], 8)) == [Span(1, 2), Span(5, 7)]
    assert list(missing([1, 2, 3], 3)) == []
    assert list(missing([], 0)) == []
    assert list(missing([1, 99_999_999], 99_999_999)) == [Span(2, 99_999_998)]


@given(st.sets(st.integers(1, 60), min_size=1))
def test_held_and_missing_together_are_every_number_once(numbers: set[int]):
    last = max(numbers)
    gone = [n for span in missing(numbers, last) for n in range(span.first, span.last + 1)]

    assert sorted([*gone, *numbers]) == list(range(1, last + 1))
    assert sum(span.size for span in spans(gone)) == len(gone)
