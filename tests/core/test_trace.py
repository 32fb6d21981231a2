"""An explanation: every day once, in order, and its figures add up."""

from datetime import date, timedelta

import pytest
from hypothesis import given

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit, deadline
from app.core.office_hours import CalendarSpec, hours
from app.core.trace import Line, explain
from tests.core import naive
from tests.core.ground import at, day, official, stop, week_of, working_days, working_hours
from tests.core.worlds import DAY_UNITS, World, worlds

GROUND = "QĐ 138/2025 Đ30"
RESUME, RESTART = SupplementPolicy.RESUME, SupplementPolicy.RESTART
AGAIN = "complete on this day: the limit starts again ({reason})"


def lines(
    received: str,
    limit: Limit,
    *stops: Suspension,
    policy: SupplementPolicy = RESUME,
    calendar: WorkingCalendar | None = None,
) -> list[Line]:
    calendar = calendar or official()
    clock = deadline(at(received), limit, stops, calendar, policy)
    return explain(clock, limit, calendar, GROUND)


def told(found: list[Line]) -> list[tuple[str, float | None, str]]:
    return [(f"{line.on:%d/%m}", line.counted, line.why.format(**line.params)) for line in found]


def test_a_plain_limit_names_each_day_and_ends_with_its_ground():
    found = lines("2026-11-18T09:00", working_days(5))  # E17: 24 November is a holiday

    assert told(found) == [
        ("18/11", None, "day of receipt: not counted"),
        ("19/11", 1, "working day"),
        ("20/11", 2, "working day"),
        ("21/11", None, "day of rest"),
        ("22/11", None, "day of rest"),
        ("23/11", 3, "working day"),
        ("24/11", None, "day off: Ngày Văn hóa Việt Nam"),
        ("25/11", 4, "working day"),
        ("26/11", 5, "working day"),
    ]
    assert [line.ground for line in found] == ["BLDS 2015 Đ147 k2", *[None] * 7, GROUND]


def test_a_saturday_worked_in_exchange_is_counted_by_its_name():
    found = told(lines("2024-04-24T09:00", working_days(5)))  # E5

    assert found[-1][:2] == ("04/05", 5)
    assert found[-1][2].startswith("worked day: ")


def test_a_suspension_is_told_day_by_day_with_its_ground():
    asked = stop("2026-04-24T15:00", "2026-04-29T10:00", ground="Phiếu 12/YCBS")

    found = lines("2026-04-16T09:00", working_days(8), asked)  # P1

    stood = [line for line in found if line.why.startswith("clock stopped")]
    assert [f"{line.on:%d/%m}" for line in stood] == ["25/04", "26/04", "27/04", "28/04", "29/04"]
    assert {line.ground for line in stood} == {"Phiếu 12/YCBS"}
    assert told(found)[-1] == ("05/05", 8, "working day")


def test_a_restart_says_that_the_limit_starts_again():
    asked = stop("2026-04-24T15:00", "2026-04-29T10:00")

    found = told(lines("2026-04-16T09:00", working_days(8), asked, policy=RESTART))  # P2

    assert ("29/04", None, "complete on this day: the limit starts again (supplement)") in found
    assert found[-1] == ("13/05", 8, "working day")


def test_a_restart_within_one_day_is_told_too():
    asked = stop("2026-07-08T08:00", "2026-07-08T16:00")

    found = told(lines("2026-07-06T09:00", working_days(2), asked, policy=RESTART))

    assert found == [
        ("06/07", None, "day of receipt: not counted"),
        ("07/07", 1, "working day"),
        ("08/07", 2, "working day"),
        ("08/07", None, "complete on this day: the limit starts again (supplement)"),
        ("09/07", 1, "working day"),
        ("10/07", 2, "working day"),
    ]


def test_an_open_suspension_ends_the_explanation_where_the_clock_stands():
    found = lines("2026-07-06T09:15", working_days(8), stop("2026-07-08T15:00", None))

    assert told(found)[-2:] == [
        ("08/07", 2, "working day"),
        ("08/07", None, "clock stopped and not yet resumed: supplement"),
    ]
    assert found[-1].ground is None


def test_an_open_suspension_within_another_is_told_where_it_goes_on():
    stops = (
        stop("2026-07-08T15:00", "2026-07-10T10:00"),
        stop("2026-07-09T15:00", None, Reason.FORCE_MAJEURE),
    )

    found = told(lines("2026-07-06T09:15", working_days(8), *stops))

    assert found[-1] == ("10/07", None, "clock stopped and not yet resumed: force_majeure")


def test_asked_on_the_last_day_it_ends_on_the_day_of_completion_rolled():
    asked = stop("2026-07-16T15:00", "2026-07-18T09:00")

    found = lines("2026-07-06T09:15", working_days(8), asked)  # P6

    assert told(found)[-2:] == [
        ("19/07", None, "day of rest"),
        ("20/07", None, "the last day moves to the next working day"),
    ]
    assert found[-1].ground == "BLDS 2015 Đ148 k5"


@pytest.mark.parametrize(
    ("limit", "counted"),
    [(Limit(15, Unit.CALENDAR_DAYS), 15), (Limit(1, Unit.CALENDAR_MONTHS), 30)],
)
def test_a_last_day_off_is_counted_and_rolls_uncounted(limit: Limit, counted: int):
    received = {15: "2026-04-17T09:00", 30: "2026-04-02T09:00"}[counted]  # both end on 2 May

    found = told(lines(received, limit))

    assert found[-3:] == [
        ("02/05", counted, "calendar day"),
        ("03/05", None, "day of rest"),
        ("04/05", None, "the last day moves to the next working day"),
    ]


def test_a_month_that_stands_still_has_counted_every_day_so_far():
    found = told(
        lines("2026-07-06T09:00", Limit(1, Unit.CALENDAR_MONTHS), stop("2026-07-16T09:00", None))
    )

    assert found[-2] == ("16/07", 10, "calendar day")


@pytest.mark.parametrize(
    ("received", "limit", "first"),
    [
        (
            "2026-07-10T15:20",
            working_days(3, "15:00"),
            ("13/07", None, "counts as received on this day (cut-off 15:00): not counted"),
        ),
        (
            "2026-04-29T14:50",
            working_days(0, "15:00"),
            ("29/04", None, "counts as received on this day (cut-off 15:00): due the same day"),
        ),
        (
            "2025-11-14T16:20",
            working_hours(8),
            ("14/11", 0, "receipt: hours count from the instant"),
        ),
    ],
)
def test_the_first_line_says_how_the_receipt_counts(
    received: str, limit: Limit, first: tuple[str, float | None, str]
):
    assert told(lines(received, limit))[0] == first


def test_a_limit_of_nothing_has_its_ground_on_the_day_of_receipt():
    found = lines("2026-04-29T14:50", working_days(0, "15:00"))

    assert [line.ground for line in found] == [GROUND]


def test_a_day_closed_by_its_own_hours_is_told():
    spec = CalendarSpec(week=week_of(), overrides={day("2026-07-07"): ()})
    calendar = WorkingCalendar(spec, day("2026-07-01"), day("2026-07-31"))

    assert told(lines("2026-07-06T09:00", working_days(1), calendar=calendar))[1:] == [
        ("07/07", None, "closed on this date"),
        ("08/07", 1, "working day"),
    ]


def test_hours_are_told_by_the_day_with_what_is_used_by_its_end():
    assert told(lines("2026-02-12T15:30", working_hours(12), stop("2026-02-13T08:00", None))) == [
        ("12/02", 0, "receipt: hours count from the instant"),
        ("12/02", 1.5, "working hours"),
        ("13/02", 2.5, "working hours"),
        ("13/02", None, "clock stopped and not yet resumed: supplement"),
    ]
    assert told(
        lines("2026-07-10T15:30", working_hours(4), stop("2026-07-10T16:30", "2026-07-12T09:00"))
    ) == [
        ("10/07", 0, "receipt: hours count from the instant"),
        ("10/07", 1, "working hours"),
        ("10/07", None, "clock stopped: supplement"),
        ("11/07", None, "clock stopped: supplement"),
        ("12/07", None, "clock stopped: supplement"),
        ("12/07", None, "day of rest"),
        ("13/07", 4, "working hours"),
    ]


def test_hours_asked_for_at_the_last_moment_end_with_the_day_of_the_next_opening():
    asked = stop("2026-07-10T09:00", "2026-07-11T09:00")

    found = told(lines("2026-07-10T08:00", working_hours(1), asked))

    assert found[-3:] == [
        ("11/07", None, "day of rest"),
        ("12/07", None, "day of rest"),
        ("13/07", 1, "working hours"),
    ]


def test_hours_used_up_at_midnight_end_the_explanation_on_their_day():
    spec = CalendarSpec(week=week_of(hours([("00:00", "24:00")], "week")))
    calendar = WorkingCalendar(spec, day("2026-07-01"), day("2026-07-31"))

    found = told(lines("2026-07-10T12:00", working_hours(12), calendar=calendar))

    assert found[-1] == ("10/07", 12, "working hours")


def test_what_nobody_would_read_to_the_end_is_cut_and_ends_with_no_ground():
    calendar = WorkingCalendar(CalendarSpec(week=week_of()), day("2026-01-01"), day("2036-01-01"))

    found = lines("2026-07-06T09:00", Limit(3_000, Unit.CALENDAR_DAYS), calendar=calendar)

    assert len(found) == 1_501
    assert found[-1].ground is None


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=more) for more in range((last - first).days + 1)]


def last_count(found: list[Line]) -> float:
    """The highest figure since the limit last started again."""
    starts = [at for at, line in enumerate(found) if line.why == AGAIN]
    return max((line.counted or 0 for line in found[starts[-1] if starts else 0 :]), default=0)


@given(worlds(*DAY_UNITS, policies=(RESUME,)))
def test_every_day_from_the_receipt_to_the_due_day_appears_once_in_order(world: World):
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUND)

    if clock.due_on is not None:
        assert [line.on for line in found] == every_day(clock.counted_from, clock.due_on)
        assert found[-1].ground is not None


@given(worlds())
def test_days_are_in_order_without_a_gap_and_end_with_the_due_day(world: World):
    clock = world.clock()

    found = [line.on for line in explain(clock, world.limit, world.calendar, GROUND)]

    assert found == sorted(found)
    assert sorted(set(found)) == every_day(clock.counted_from, found[-1])
    if clock.due_on is not None:
        assert found[-1] == clock.due_on


@given(worlds(*DAY_UNITS))
def test_the_highest_count_is_the_limit_less_what_an_open_suspension_leaves(world: World):
    receipt = naive.counted_from(world.received_at, world.limit, world.spec)
    walked = naive.walk_days(receipt, world.limit, world.stops, world.spec, world.policy)
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUND)

    if clock.due_on is not None:
        assert last_count(found) == walked.need
    elif world.policy is RESUME:  # a restart while another reason stands may be told a day apart
        assert last_count(found) == walked.used


@given(worlds(Unit.WORKING_HOURS))
def test_the_hours_told_add_up_to_the_limit(world: World):
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUND)

    if clock.due_on is not None:
        assert last_count(found) == world.limit.quantity
    assert last_count(found) <= world.limit.quantity


def test_a_later_stage_begins_with_an_event_and_not_with_a_receipt():
    received = at("2026-11-19T09:00")

    days, hours_ = (
        explain(
            deadline(received, limit, (), official()), limit, official(), GROUND, later_stage=True
        )
        for limit in (working_days(3), working_hours(8))
    )

    assert days[0].why == "the stage begins: the day is not counted"
    assert days[0].ground == "BLDS 2015 Đ147 k3"
    assert hours_[0].why == "the stage begins: hours count from the instant"
