"""Points by their formulas, with the examples of the portal's description."""

import pytest

from app.core.index766 import PAR_THRESHOLD, Scale, Share, par_points, points


@pytest.mark.parametrize(
    ("rate", "scale", "told"),
    [
        (0.9, Scale(20), 18),  # 2.1: rate × 20
        (1.0, Scale(20), 20),
        (0.0, Scale(20), 0),
        (None, Scale(20), None),  # no data is neither 0 nor 20
        (0.8, Scale(6, 0.8), 6),  # at the threshold: full points
        (0.95, Scale(6, 0.8), 6),
        (0.4, Scale(6, 0.8), 3),  # below it: rate × max / threshold
        (0.4, Scale(None, 0.8), None),  # no text prints the maximum
        (0.4, Scale(), None),
    ],
)
def test_at_a_threshold_full_points_below_it_in_proportion(
    rate: float | None, scale: Scale, told: float | None
):
    assert points(rate, scale) == pytest.approx(told)


@pytest.mark.parametrize(
    ("rate", "told"), [(1.0, 2), (0.97, 1.94), (0.95, 1.9), (0.9499, 0), (0.0, 0), (None, None)]
)
def test_par_index_gives_nothing_below_95_percent(rate: float | None, told: float | None):
    assert par_points(rate, Scale(2, PAR_THRESHOLD)) == pytest.approx(told)
    assert par_points(rate, Scale(None, PAR_THRESHOLD)) is None


def test_a_share_of_nothing_is_no_data():
    assert Share().rate is None
    assert Share(left_out=3).rate is None
    assert Share(0, 4).rate == 0
    assert Share(1, 2, 1).with_(Share(2, 2)) == Share(3, 4, 1)
