"""The tax office's leg: its own clock, longer than so many days, never late and never charged."""

from datetime import date

import pytest

from app.core.clock import Limit, Reason, Suspension, Unit
from app.core.stages import StageFact, stages
from app.core.taxes import Gap, TaxLeg, TaxLimit, gaps, legs
from tests.core.ground import at, day, official, stop, working_days

FIVE = TaxLimit(working_days(5), "NĐ 126/2020/NĐ-CP Đ13 k6")
TAX = Reason.FINANCIAL_OBLIGATION
NOW = at("2026-12-01T09:00")


def leg(sent: str, paid: str | None, tax: TaxLimit | None = FIVE, now: str | None = None) -> TaxLeg:
    gap = Gap(at(sent), None if paid is None else at(paid))
    (found,) = legs([gap], tax, official(), at(now) if now else NOW)
    return found


def test_the_notice_is_due_by_the_tax_offices_own_limit():
    found = leg("2026-10-12T16:00", "2026-11-19T09:00")  # S1

    assert found.due_on == day("2026-10-19")
    assert (found.days, found.longer_by) == (28, 23)


@pytest.mark.parametrize(
    ("paid", "days", "longer"),
    [("2026-10-12T17:00", 0, 0), ("2026-10-19T16:59", 5, 0), ("2026-10-20T07:00", 6, 1)],
)
def test_a_leg_is_longer_only_after_the_day_of_the_notice(paid: str, days: int, longer: int):
    found = leg("2026-10-12T16:00", paid)

    assert (found.days, found.longer_by) == (days, longer)


def test_a_leg_still_open_has_lasted_until_now():
    found = leg("2026-10-12T16:00", None, now="2026-10-21T09:00")

    assert (found.gap.paid_at, found.days, found.longer_by) == (None, 7, 2)


def test_seven_days_of_an_organisation_and_hours_of_another_province():
    seven = TaxLimit(working_days(7), "NĐ 103/2024/NĐ-CP Đ21 k1")
    hours = TaxLimit(Limit.of(56, Unit.WORKING_HOURS), "")  # H6, across a worked Saturday

    assert leg("2025-04-24T09:00", None, seven).due_on == day("2025-05-07")
    assert leg("2025-04-24T09:00", None, hours).due_on == day("2025-05-07")


def test_without_a_limit_of_the_catalogue_the_leg_is_told_and_not_measured():
    found = leg("2026-10-12T16:00", "2026-10-21T09:00", None)

    assert (found.due_on, found.days, found.longer_by) == (None, 7, None)


def test_days_no_calendar_covers_are_left_out():
    assert legs([Gap(at("1990-01-01T08:00"), None)], FIVE, official(), NOW) == ()


def test_each_financial_obligation_of_a_plain_limit_is_a_leg():
    second = stop("2026-10-20T08:00", None, TAX)
    first = stop("2026-10-12T16:00", "2026-10-14T09:00", TAX)

    found = gaps([second, stop("2026-10-08T08:00", "2026-10-09T08:00"), first], ())

    assert found == (
        Gap(at("2026-10-12T16:00"), at("2026-10-14T09:00")),
        Gap(at("2026-10-20T08:00"), None),
    )


def staged(
    facts: tuple[StageFact, ...] = (), stops: tuple[Suspension, ...] = ()
) -> tuple[Gap, ...]:
    limits = (working_days(5), working_days(3))
    found = stages(at("2026-10-05T08:10"), limits, facts, stops, official())
    return gaps(stops, found)


def test_between_two_appointments_the_leg_is_the_gap_however_it_was_told():
    whole = Gap(at("2026-10-12T16:00"), at("2026-11-19T09:00"))

    assert staged(stops=(Suspension(TAX, *whole),)) == (whole,)
    assert staged((StageFact(1, None, whole.sent_at), StageFact(2, whole.paid_at))) == (whole,)
    assert staged() == ()
    more = Gap(at("2026-11-20T08:00"), None)
    assert staged(stops=(Suspension(TAX, *more), Suspension(TAX, *whole))) == (whole, more)


def test_what_a_stage_says_comes_before_a_suspension():
    told = StageFact(1, None, at("2026-10-12T10:00"))
    tax = stop("2026-10-12T16:00", "2026-11-19T09:00", TAX)

    assert staged((told,), (tax,)) == (Gap(at("2026-10-12T10:00"), at("2026-11-19T09:00")),)


def test_a_year_has_a_worked_saturday_in_a_leg():
    found = leg("2026-08-20T09:00", "2026-08-25T09:00")

    assert found.due_on == date(2026, 8, 26)
    assert found.days == 4  # Friday, the worked Saturday of 22/8, Monday, Tuesday
