"""An explanation: every day once, in order, and its figures add up."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Reason, SupplementPolicy, Suspension, Unit, deadline
from app.core.office_hours import CalendarSpec, hours
from app.core.stages import StageFact, stages
from app.core.trace import Begins, Grounds, Line, Opening, explain, explain_stages
from tests.core import naive
from tests.core.ground import at, day, official, stop, week_of, working_days, working_hours
from tests.core.worlds import DAY_UNITS, World, worlds

GROUND = "QĐ 138/2025 Đ30"
GROUNDS = Grounds(GROUND, {Reason.SUPPLEMENT: "NĐ 61/2018 Đ19 k4"})
RESUME, RESTART = SupplementPolicy.RESUME, SupplementPolicy.RESTART
AGAIN = "complete on this day: the limit starts again ({reason})"


def lines(
    received: str,
    limit: Limit,
    *stops: Suspension,
    policy: SupplementPolicy = RESUME,
    calendar: WorkingCalendar | None = None,
    opening: Opening | None = None,
) -> list[Line]:
    calendar = calendar or official()
    clock = deadline(at(received), limit, stops, calendar, policy)
    return explain(clock, limit, calendar, GROUNDS, opening or Opening())


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
    assert {line.ground for line in stood} == {"NĐ 61/2018 Đ19 k4"}
    assert {line.remark for line in stood} == {"Phiếu 12/YCBS"}
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
    assert found[-1].ground == "NĐ 61/2018 Đ19 k4"


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
            "2026-07-10T14:20",
            working_days(3, "15:00"),
            ("10/07", None, "counts as received on this day (cut-off 15:00): not counted"),
        ),
        (
            "2026-07-10T15:20",
            working_days(0),
            ("10/07", None, "day of receipt: the limit is this same working day"),
        ),
        (
            "2026-07-11T15:20",  # a Saturday: it rolls
            working_days(0),
            ("11/07", None, "day of receipt: not counted"),
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


def received_on(world: World) -> date:
    return world.received_at.astimezone(world.calendar.zone).date()


def last_count(found: list[Line]) -> float:
    """The highest figure since the limit last started again."""
    starts = [at for at, line in enumerate(found) if line.why == AGAIN]
    return max((line.counted or 0 for line in found[starts[-1] if starts else 0 :]), default=0)


@given(worlds(*DAY_UNITS, policies=(RESUME,)))
def test_every_day_from_the_receipt_to_the_due_day_appears_once_in_order(world: World):
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUNDS)

    if clock.due_on is not None:
        assert [line.on for line in found] == every_day(received_on(world), clock.due_on)
        assert found[-1].ground is not None


@given(worlds())
def test_days_are_in_order_without_a_gap_and_end_with_the_due_day(world: World):
    clock = world.clock()

    found = [line.on for line in explain(clock, world.limit, world.calendar, GROUNDS)]

    assert found == sorted(found)
    assert sorted(set(found)) == every_day(received_on(world), found[-1])
    if clock.due_on is not None:
        assert found[-1] == clock.due_on


@given(worlds(*DAY_UNITS))
def test_the_highest_count_is_the_limit_less_what_an_open_suspension_leaves(world: World):
    receipt = naive.counted_from(world.received_at, world.limit, world.spec)
    walked = naive.walk_days(receipt, world.limit, world.stops, world.spec, world.policy)
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUNDS)

    if clock.due_on is not None:
        assert last_count(found) == walked.need
    elif world.policy is RESUME:  # a restart while another reason stands may be told a day apart
        assert last_count(found) == walked.used


@given(worlds(Unit.WORKING_HOURS))
def test_the_hours_told_add_up_to_the_limit(world: World):
    clock = world.clock()

    found = explain(clock, world.limit, world.calendar, GROUNDS)

    if clock.due_on is not None:
        assert last_count(found) == world.limit.quantity
    assert last_count(found) <= world.limit.quantity


def test_a_later_stage_begins_with_an_event_and_not_with_a_receipt():
    received = at("2026-11-19T09:00")

    days, hours_ = (
        explain(
            deadline(received, limit, (), official()),
            limit,
            official(),
            GROUNDS,
            Opening(Begins.STAGE),
        )
        for limit in (working_days(3), working_hours(8))
    )

    assert days[0].why == "the stage begins: the day is not counted"
    assert days[0].ground == "BLDS 2015 Đ147 k3"
    assert hours_[0].why == "the stage begins: hours count from the instant"


def test_a_receipt_after_the_cut_off_names_every_day_until_it_counts():
    found = lines("2026-04-29T15:20", working_days(0, "15:00"))  # M3

    assert told(found) == [
        ("29/04", None, "received at 15:20, after 15:00: counts as of the next working day"),
        ("30/04", None, "day off: Ngày Chiến thắng 30/4"),
        ("01/05", None, "day off: Ngày Quốc tế Lao động 1/5"),
        ("02/05", None, "day of rest"),
        ("03/05", None, "day of rest"),
        ("04/05", None, "counts as received on this day (cut-off 15:00): due the same day"),
    ]
    assert [line.ground for line in found] == [GROUND, None, None, None, None, GROUND]


@pytest.mark.parametrize(
    ("received", "first"),
    [
        (
            "2026-05-01T09:00",
            "received at 09:00 on a day off (Ngày Quốc tế Lao động 1/5)",
        ),
        (
            "2026-05-02T09:00:07",
            "received at 09:00:07, while the office is closed",
        ),
    ],
)
def test_a_receipt_on_a_day_off_is_named(received: str, first: str):
    found = told(lines(received, working_days(3, "15:00")))

    assert found[0][2] == f"{first}: counts as of the next working day"
    at_four = ("04/05", None, "counts as received on this day (cut-off 15:00): not counted")
    assert at_four in found


def test_hours_received_after_the_cut_off_run_from_the_opening():
    found = told(lines("2026-07-10T15:20", Limit.of(8, Unit.WORKING_HOURS, time(15))))

    assert [one[0] for one in found] == ["10/07", "11/07", "12/07", "13/07", "13/07"]
    why = "counts as received when the office opens (cut-off 15:00): hours count from then"
    assert found[3][2] == why


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (working_days(0, "17:00"), " (cut-off 17:00): due the same day"),
        (working_days(3, "17:00"), " (cut-off 17:00): the day is not counted"),
        (working_days(0), ": the limit is this same working day"),
        (working_days(3), ": the day is not counted"),
        (working_hours(8), ": hours count from the instant"),
    ],
)
def test_a_receipt_by_the_land_office_is_told_as_its_own(limit: Limit, why: str):
    opening = Opening(Begins.LAND_OFFICE, at("2026-07-06T14:53"))

    found = told(lines("2026-07-08T16:10", limit, opening=opening))

    counted = 0 if limit.unit is Unit.WORKING_HOURS else None
    assert found[:3] == [
        (
            "06/07",
            None,
            "received by the one-stop shop at 14:53: the limit runs from the land office's receipt",
        ),
        ("07/07", None, "not yet received by the land office"),
        ("08/07", counted, f"received by the land office at 16:10{why}"),
    ]


def test_a_late_receipt_by_the_land_office_says_whose_it_is():
    opening = Opening(Begins.LAND_OFFICE, at("2026-07-08T14:53"))

    found = told(lines("2026-07-08T16:10", working_days(0, "15:00"), opening=opening))

    assert [one[0] for one in found] == ["08/07", "08/07", "09/07"]
    assert found[1][2].startswith("received by the land office at 16:10, after 15:00: counts")


def test_a_receipt_of_the_shop_after_that_of_the_land_office_is_left_out():
    opening = Opening(Begins.LAND_OFFICE, at("2026-07-09T14:53"))

    assert len(lines("2026-07-08T14:10", working_days(0, "15:00"), opening=opening)) == 1


def test_a_day_off_within_a_suspension_is_named():
    found = told(
        lines("2026-04-27T09:00", working_days(8), stop("2026-04-29T15:00", "2026-05-04T09:00"))
    )

    assert ("30/04", None, "clock stopped: supplement (day off: Ngày Chiến thắng 30/4)") in found
    assert ("02/05", None, "clock stopped: supplement") in found


@pytest.mark.parametrize("policy", [RESUME, RESTART])
def test_what_is_due_on_the_day_of_completion_says_so(policy: SupplementPolicy):
    asked = stop("2026-07-08T09:00", "2026-07-10T09:00")

    found = lines("2026-07-08T08:00", working_days(0, "15:00"), asked, policy=policy)

    assert told(found)[-2:] == [
        ("09/07", None, "clock stopped: supplement"),
        (
            "10/07",
            None,
            "complete on this day and nothing of the limit is left: due on this day (supplement)",
        ),
    ]


def test_what_is_complete_on_a_day_of_rest_is_due_on_the_next_working_day():
    asked = stop("2026-07-16T15:00", "2026-07-18T09:00")

    why = "complete on this day and nothing of the limit is left: due on the next working day"
    found = told(lines("2026-07-06T09:15", working_days(8), asked))
    assert found[-3] == ("18/07", None, f"{why} (supplement)")


def test_a_day_beyond_what_is_confirmed_is_marked():
    spec = CalendarSpec(week=week_of(), confirmed_until=day("2026-07-07"))
    calendar = WorkingCalendar(spec, day("2026-07-01"), day("2026-07-31"))

    found = lines("2026-07-06T09:00", working_days(2), calendar=calendar)

    assert [line.provisional for line in found] == [False, False, True]


def appointments(ended: str | None, began: str | None) -> list[tuple[int | None, str, str]]:
    found = stages(
        at("2026-10-05T08:10"),
        (working_days(5), working_days(3)),
        (
            StageFact(1, None, at(ended) if ended else None),
            StageFact(2, at(began) if began else None, None),
        ),
        (),
        official(),
    )
    grounds = Grounds(GROUND, {Reason.FINANCIAL_OBLIGATION: "ĐT138 Đ5 k3"})
    return [
        (number, f"{line.on:%d/%m}", line.why)
        for number, line in explain_stages(found, official(), grounds, Opening())
    ]


def test_the_wait_between_two_appointments_belongs_to_none():
    found = appointments("2026-10-12T16:00", "2026-10-15T09:00")

    why = "waiting for the financial obligation: in no appointment, nobody's delay"
    at_wait = next(at for at, one in enumerate(found) if one[0] is None)
    assert found[at_wait - 1] == (1, "12/10", "working day")
    assert found[at_wait : at_wait + 2] == [(None, "13/10", why), (None, "14/10", why)]
    assert found[at_wait + 2][:2] == (2, "15/10")


def test_an_appointment_that_ended_late_names_the_days_it_was_late():
    found = appointments("2026-10-14T16:00", "2026-10-15T09:00")

    assert [one[:2] for one in found if "after the due day" in one[2]] == [
        (1, "13/10"),
        (1, "14/10"),
    ]
    assert [one for one in found if one[0] is None] == []


def test_an_open_wait_has_one_line():
    found = appointments("2026-10-12T16:00", None)

    assert found[-1][:2] == (None, "12/10")
    assert found[-1][2].startswith("from this day on the financial obligation is waited for")


def test_an_open_appointment_is_told_alone():
    assert {one[0] for one in appointments(None, None)} == {1}


def test_an_appointment_that_ended_while_its_clock_stood_was_not_late():
    asked = stop("2026-10-07T08:00", None, Reason.FORCE_MAJEURE)
    facts = (StageFact(1, None, at("2026-10-08T08:00")),)
    limits = (working_days(5), working_days(3))
    found = stages(at("2026-10-05T08:10"), limits, facts, (asked,), official())

    told_ = [*explain_stages(found, official(), GROUNDS, Opening())]

    assert [number for number, _ in told_] == [1, 1, 1, 1, None]
