"""The days a dossier is out of the office's hands, against a walk over every day."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from app.core.clock import Reason, Suspension
from app.core.pauses import paused
from app.core.standing import Days
from app.core.taxes import Gap
from tests.core.ground import HANOI, at, day

FIRST = date(2026, 2, 2)


def asked(since: str, until: str | None) -> Suspension:
    return Suspension(Reason.SUPPLEMENT, at(since), at(until) if until else None)


def test_the_day_it_begins_is_the_offices_and_the_day_it_ends_is_not():
    (one,) = paused([asked("2026-04-24T15:00", "2026-04-29T10:00")], (), None, HANOI)

    assert one == Days(day("2026-04-25"), day("2026-04-30"))


def test_a_pause_within_a_day_takes_none():
    assert paused([asked("2026-04-24T08:00", "2026-04-24T16:00")], (), None, HANOI) == ()


@pytest.mark.parametrize(("end", "until"), [(None, None), ("2026-05-04T09:00", "2026-05-05")])
def test_what_is_still_open_lasts_until_the_end(end: str | None, until: str | None):
    found = paused([asked("2026-04-24T15:00", None)], (), at(end) if end else None, HANOI)

    assert found == (Days(day("2026-04-25"), day(until) if until else None),)


def test_a_financial_obligation_counts_as_the_leg_it_makes():
    stop = Suspension(Reason.FINANCIAL_OBLIGATION, at("2026-04-01T08:00"), at("2026-04-20T08:00"))
    leg = Gap(at("2026-04-03T08:00"), at("2026-04-10T08:00"))

    assert paused([stop], [leg], None, HANOI) == (Days(day("2026-04-04"), day("2026-04-11")),)


@pytest.mark.parametrize("seed", range(300))
def test_they_are_the_union_of_all(seed: int):
    dice = Random(seed)  # noqa: S311 of tests
    end = moment(dice) if dice.random() < 0.5 else None
    spans = [(moment(dice), moment(dice)) for _ in range(dice.randint(0, 5))]
    told = [(since, until if until >= since else None) for since, until in spans]
    half = dice.randint(0, len(told))
    stops = [Suspension(Reason.PUBLIC_POSTING, *one) for one in told[:half]]
    found = paused(stops, [Gap(*one) for one in told[half:]], end, HANOI)

    for on in (FIRST + timedelta(days=nth) for nth in range(-3, 80)):
        expected = any(
            since.date() < on and ((until or end) is None or on <= (until or end).date())  # type: ignore[union-attr]
            for since, until in told
        )
        assert any(one.first <= on and (one.until is None or on < one.until) for one in found) == (
            expected
        )
    for one, following in pairwise(found):
        assert one.until is not None
        assert one.until < following.first  # in order and apart, as they are stored


def moment(dice: Random) -> datetime:
    minutes = dice.randint(0, 60 * 24 * 60) if dice.random() < 0.8 else 1_440 * dice.randint(0, 60)
    return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=HANOI) + timedelta(minutes=minutes)
