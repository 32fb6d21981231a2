"""The sums of Biểu II.06a."""

import pytest

from app.core.form06a import Counts, UnbalancedError

ONE = Counts(online=1, direct=4, carried_over=2, early=3, on_time=1, late=1, in_time=1, overdue=1)


def test_the_columns_are_in_the_order_they_are_printed_and_add_up():
    assert list(ONE.columns().values()) == [7, 1, 4, 2, 5, 3, 1, 1, 2, 1, 1]


def test_groups_add_up_column_by_column():
    assert (ONE + ONE).columns() == {name: 2 * count for name, count in ONE.columns().items()}
    assert ONE + Counts() == ONE


@pytest.mark.parametrize("column", ["online", "direct", "carried_over", "late", "overdue"])
def test_a_form_that_does_not_balance_is_not_printed(column: str):
    with pytest.raises(UnbalancedError, match=r"\(3\) = "):
        (ONE + Counts(**{column: 1})).columns()


def test_what_is_taken_away_may_leave_less_than_nothing_and_still_holds():
    moved = Counts(carried_over=1) - Counts(direct=1)

    assert moved + Counts(direct=1) == Counts(carried_over=1)
    assert moved.columns()["direct"] == -1
    with pytest.raises(UnbalancedError):
        (moved - Counts(online=1)).columns()
