"""Two appointments and the tax leg between them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import Limit, Reason, Suspension
from app.core.stages import Stage, StageFact, between, joined, last_begun, stages
from tests.core import naive
from tests.core.ground import (
    at,
    cases,
    limit_of,
    official,
    stop,
    working_days,
    working_hours,
)
from tests.core.worlds import World, worlds

STAGED = [case for case in cases("due_dates")["cases"] if "stages" in case]
FIVE_AND_THREE = (working_days(5), working_days(3))
RECEIVED = "2026-10-05T08:10"
TAX = Reason.FINANCIAL_OBLIGATION


def found(*facts: StageFact, stops: tuple[Suspension, ...] = ()) -> tuple[Stage, ...]:
    return stages(at(RECEIVED), FIVE_AND_THREE, facts, stops, official())


def due(stage: Stage) -> str | None:
    clock = stage.deadline
    return None if clock is None or clock.due_on is None else clock.due_on.isoformat()


@pytest.mark.parametrize("case", STAGED, ids=lambda case: case["id"])
def test_every_worked_example_of_two_appointments_is_met(case: dict[str, Any]):
    limits = [limit_of(stage) for stage in case["stages"]]
    facts = [
        StageFact(number, at(stage["started_at"]))
        for number, stage in enumerate(case["stages"], start=1)
    ]

    told = stages(at(case["received_at"]), limits, facts, (), official())

    assert [due(stage) for stage in told] == case["expected_stage_due_on"]


def test_the_tax_leg_is_waiting_and_nobodys_delay():
    told = found(stops=(stop("2026-10-12T16:00", None, TAX),))

    assert [due(stage) for stage in told] == ["2026-10-12", None]
    assert between(told)
    assert last_begun(told) is told[0]
    assert not told[0].late


def test_the_second_appointment_counts_from_the_proof_of_payment():
    told = found(stops=(stop("2026-10-12T16:00", "2026-11-19T09:00", TAX),))

    assert [due(stage) for stage in told] == ["2026-10-12", "2026-11-25"]
    assert not between(told)
    assert last_begun(told) is told[1]


def test_what_the_sender_says_of_a_stage_comes_before_the_gap():
    told = found(
        StageFact(1, None, at("2026-10-09T10:00")),
        StageFact(2, at("2026-11-18T08:00")),
        stops=(stop("2026-10-12T16:00", "2026-11-19T09:00", TAX),),
    )

    assert told[0].ended_at == at("2026-10-09T10:00")
    assert due(told[1]) == "2026-11-23"


def test_a_gap_that_lasts_to_the_end_of_the_dossier_starts_no_stage():
    end = at("2026-11-02T09:00")
    gap = stop("2026-10-12T16:00", "2026-11-02T09:00", TAX)

    told = stages(at(RECEIVED), FIVE_AND_THREE, (), (gap,), official(), closed_at=end)

    assert [due(stage) for stage in told] == ["2026-10-12", None]
    assert between(told)


def test_a_second_tax_leg_where_the_law_has_one_gap_stops_the_clock():
    told = found(
        stops=(
            stop("2026-10-12T16:00", "2026-10-19T09:00", TAX),
            stop("2026-10-20T16:00", "2026-10-22T09:00", TAX),
        )
    )

    assert due(told[1]) == "2026-10-26"  # 20, 23, 26 October


def test_a_suspension_touches_only_the_stage_it_falls_in():
    told = found(
        StageFact(1, None, at("2026-10-12T16:00")),
        StageFact(2, at("2026-11-19T09:00")),
        stops=(
            stop("2026-10-07T09:00", "2026-10-08T09:00"),  # of the first
            stop("2026-10-20T09:00", "2026-10-28T09:00"),  # between the two
            stop("2026-11-20T09:00", "2026-11-23T09:00"),  # of the second
        ),
    )

    assert [due(stage) for stage in told] == ["2026-10-13", "2026-11-26"]


@pytest.mark.parametrize(
    ("limit", "ended", "late"),
    [
        (working_days(5), "2026-10-12T19:00", False),  # by date: until 24:00 (Đ148 k6)
        (working_days(5), "2026-10-12T23:59:59", False),
        (working_days(5), "2026-10-13T00:00", True),
        (working_hours(8), "2026-10-06T08:10", False),
        (working_hours(8), "2026-10-06T08:10:01", True),
        (working_hours(8), None, False),
    ],
)
def test_a_stage_is_late_by_date_or_by_the_hour_as_its_limit_says(
    limit: Limit, ended: str | None, *, late: bool
):
    fact = StageFact(1, None, at(ended) if ended else None)

    told = stages(at(RECEIVED), (limit,), (fact,), (), official())

    assert told[0].late is late


def test_a_stage_not_begun_or_standing_still_is_not_late():
    begun, waiting = found(stops=(stop("2026-10-06T09:00", None),))

    assert not begun.late
    assert not waiting.late
    assert not begun._replace(ended_at=at("2026-12-31T09:00")).late


def test_of_no_stages_none_has_begun():
    assert last_begun(()) is None
    assert not between(())


@given(st.data(), worlds(most_stops=2))
def test_a_tax_suspension_is_the_same_gap_as_told_by_the_stages(data: st.DataObject, world: World):
    quarters = st.integers(0, 30 * 96)
    slip_sent = world.received_at + data.draw(quarters) * naive.QUARTER
    paid = data.draw(st.none() | quarters.map(lambda more: slip_sent + more * naive.QUARTER))
    limits = (world.limit, working_days(3))

    def told(facts: tuple[StageFact, ...], *more: Suspension) -> tuple[Stage, ...]:
        stops = (*world.stops, *more)
        return stages(world.received_at, limits, facts, stops, world.calendar, world.policy)

    as_gap = told((), Suspension(TAX, slip_sent, paid))
    as_stages = told((StageFact(1, None, slip_sent), StageFact(2, paid)))

    assert as_gap == as_stages


@given(worlds())
def test_a_limit_of_one_stage_is_a_plain_limit(world: World):
    told = stages(world.received_at, (world.limit,), (), world.stops, world.calendar, world.policy)

    assert told[0].deadline == world.clock()


def test_an_open_tax_leg_takes_in_what_is_told_after_it():
    legs = [
        stop("2026-07-10T09:00", None, TAX),
        stop("2026-07-15T09:00", "2026-07-16T09:00", TAX),
    ]

    assert joined(legs) == legs[:1]
