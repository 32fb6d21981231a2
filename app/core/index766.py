"""Points of index 766 and of PAR INDEX, as far as dossiers alone give them.

Source: QĐ 766/QĐ-TTg (23/6/2022) with the portal's description of its formulas. Where no source we
have prints a maximum or a threshold for certain, whoever asks must give it.
"""

from enum import StrEnum
from typing import NamedTuple

PROGRESS_POINTS = 20.0
"""The maximum of group 2, all of it on criterion 2.1: score = rate × 20."""

PAR_THRESHOLD = 0.95
"""On-time dossiers of PAR INDEX: from here on in proportion, below it nothing (not confirmed)."""


class Population(StrEnum):
    """What "received and handled in the period" may mean."""

    IN_HAND = "in_hand"  # in hand in the period, whenever received
    RECEIVED = "received"  # received in the period
    ENDED = "ended"  # ended in the period


class Scale(NamedTuple):
    """A criterion's maximum and the rate that gives all of it; None is not known."""

    points: float | None = None
    threshold: float | None = None


class Share(NamedTuple):
    """A numerator and its denominator; `left_out` of the same dossiers tell nothing of it."""

    numerator: int = 0
    denominator: int = 0
    left_out: int = 0

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None ("no data") of nothing."""
        return self.numerator / self.denominator if self.denominator else None

    def with_(self, other: "Share") -> "Share":
        """Two groups together."""
        return Share(*map(sum, zip(self, other, strict=True)))


def points(rate: float | None, scale: Scale) -> float | None:
    """Full points at or above the threshold, below it rate × max / threshold.

    Without a threshold in proportion to the rate. None where there are no data, or no maximum is
    known.
    """
    if rate is None or scale.points is None:
        return None
    if scale.threshold is None:
        return rate * scale.points
    if rate >= scale.threshold:
        return scale.points
    return rate * scale.points / scale.threshold


def par_points(rate: float | None, scale: Scale) -> float | None:
    """Rate × max from the threshold on, nothing below it; None as in `points`."""
    if rate is None or scale.points is None:
        return None
    if scale.threshold is not None and rate < scale.threshold:
        return 0.0
    return rate * scale.points
