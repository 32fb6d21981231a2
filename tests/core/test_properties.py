"""What holds of every dossier, told of its findings: what a suspension can and cannot do."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit, deadline
from app.core.findings import Findings, Ground, derive
from app.core.lifecycle import Facts, Status
from app.core.limits import LimitRule
from tests.core import naive
from tests.core.ground import at, day, official, stop, working_days
from tests.core.records import RECEIVED, facts
from tests.core.worlds import World, limits, suspensions, worlds

NEVER = datetime.max.replace(tzinfo=UTC)
RULE = LimitRule(
    id=1,
    procedure="1.012783",
    case="đổi tên",
    province=None,
    valid_from=date(2020, 1, 1),
    valid_until=None,
    limit=working_days(8),
)
STAGED = replace(RULE, stages=(working_days(5), working_days(3)))
TAX = Reason.FINANCIAL_OBLIGATION


def found(told: Facts, rule: LimitRule, world: World | None = None) -> Findings:
    calendar = official() if world is None else world.calendar
    return derive(told, Ground((rule,), "H20", difficult=False, calendar=calendar))


def ruled(world: World) -> LimitRule:
    return replace(RULE, limit=world.limit, policy=world.policy)


def told_of(world: World, *stops: Suspension, end: datetime | None) -> Facts:
    told = facts(status=Status.IN_PROGRESS if end is None else Status.FINISHED)
    return told._replace(
        received_at=world.received_at, suspensions=(*world.stops, *stops), finished_at=end
    )


def halves(data: st.DataObject, whole: Suspension) -> tuple[Suspension, Suspension]:
    """The same stop, told in two that touch."""
    assert whole.until_at is not None
    quarters = (whole.until_at - whole.from_at) // naive.QUARTER
    middle = whole.from_at + data.draw(st.integers(0, quarters)) * naive.QUARTER
    return replace(whole, until_at=middle), replace(whole, from_at=middle)


@settings(max_examples=150)
@given(st.data(), worlds())
def test_splitting_a_suspension_changes_nothing_in_legal(data: st.DataObject, world: World):
    whole = data.draw(suspensions(world.received_at, may_be_open=False))
    later = st.integers(0, 60 * 96).map(lambda more: world.received_at + more * naive.QUARTER)
    end = data.draw(st.none() | later)

    one = found(told_of(world, whole, end=end), ruled(world), world)
    two = found(told_of(world, *halves(data, whole), end=end), ruled(world), world)

    assert two.legal == one.legal
    assert (two.due_on, two.due_at, two.state) == (one.due_on, one.due_at, one.state)


@given(st.data(), worlds(policies=(SupplementPolicy.RESTART,)))
def test_a_suspension_that_starts_days_or_hours_again_never_brings_a_date_forward(
    data: st.DataObject, world: World
):
    """A month is another matter: February is shorter than what was left of January's."""
    kinds = (Unit.WORKING_DAYS, Unit.WORKING_HOURS, Unit.CALENDAR_DAYS)
    limit: Limit = data.draw(limits(*kinds))
    one_more = data.draw(suspensions(world.received_at))

    before = world.clock(limit=limit)
    after = world.clock(limit=limit, stops=(*world.stops, one_more))

    assert (after.due_at or NEVER) >= (before.due_at or NEVER)


@settings(max_examples=150)
@given(st.data(), worlds())
def test_a_suspension_never_makes_a_dossier_late(data: st.DataObject, world: World):
    """An ended dossier that was in time stays so, whatever more is told of its clock's stops."""
    end = world.received_at + data.draw(st.integers(0, 40 * 96)) * naive.QUARTER
    world = replace(world, policy=SupplementPolicy.RESUME)
    one_more = data.draw(suspensions(world.received_at))

    before, after = (
        found(told_of(world, *stops, end=end), ruled(world), world).legal
        for stops in ((), (one_more,))
    )

    assert before.due_on is not None
    assert after.due_on is not None
    assert after.due_on >= before.due_on
    assert after.forced_late <= before.forced_late


TAX_LEG = stop("2026-07-10T09:00", "2026-07-22T09:00", TAX)


def staged(end: str | None, *stops: Suspension) -> Findings:
    status = Status.IN_PROGRESS if end is None else Status.FINISHED
    told = facts(received_at=RECEIVED, status=status, finished_at=end, suspensions=stops)
    return found(told, STAGED)


def parts(middle: str) -> tuple[Suspension, Suspension]:
    return replace(TAX_LEG, until_at=at(middle)), replace(TAX_LEG, from_at=at(middle))


@pytest.mark.parametrize("end", [None, "2026-07-24T16:00", "2026-07-30T09:00"])
@pytest.mark.parametrize("middle", ["2026-07-10T09:00", "2026-07-15T15:00", "2026-07-22T09:00"])
def test_a_tax_leg_told_in_two_is_one(middle: str, end: str | None):
    whole, split = staged(end, TAX_LEG), staged(end, *parts(middle))

    assert split.legal == whole.legal
    assert whole.legal.due_on == day("2026-07-27")


def test_a_tax_leg_told_in_two_that_the_end_cuts_short_is_one():
    end = "2026-07-17T09:00"
    first, second = parts("2026-07-15T15:00")
    unpaid = replace(TAX_LEG, until_at=None), first, replace(second, until_at=None)

    assert staged(end, *unpaid[1:]).legal == staged(end, unpaid[0]).legal


def test_a_month_started_again_may_end_sooner_than_what_was_left_of_it():
    """The one exception: a month from 1 February is shorter than what was left of January's."""
    month = Limit(1, Unit.CALENDAR_MONTHS)
    stopped = stop("2027-01-02T09:00", "2027-01-31T09:00", Reason.FORCE_MAJEURE)
    asked = stop("2027-01-31T09:00", "2027-02-01T09:00")

    resumed, restarted = (
        deadline(at("2027-01-01T09:00"), month, stops, official(), SupplementPolicy.RESTART)
        for stops in ([stopped], [stopped, asked])
    )

    assert (resumed.due_on, restarted.due_on) == (day("2027-03-02"), day("2027-03-01"))
