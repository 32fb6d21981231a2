"""Layers of a calendar: the narrowest that speaks of a day, or of the hours, decides."""

from datetime import date

import pytest

from app.core.calendar import WorkingCalendar
from app.core.layers import Layer, days_between, merged, unconfirmed_soon
from app.core.office_hours import BadCalendarError, Season, hours

OFFICE = hours([("07:00", "11:30"), ("13:30", "17:00")], "office")
SHORT = hours([("07:30", "11:30")], "short")
WEEK = (OFFICE,) * 5 + ((), ())
SIX_DAYS = (*(SHORT,) * 6, ())
TET, STORM, SATURDAY = date(2026, 2, 17), date(2026, 10, 7), date(2026, 10, 10)

NATION = Layer(
    week=WEEK,
    days_off={TET: "Tết", STORM: "nghỉ"},
    worked={SATURDAY: "làm bù"},
    confirmed_from=date(2023, 1, 1),
    confirmed_until=date(2026, 12, 31),
)


def on(day: date, *layers: Layer) -> object:
    return merged(layers).hours_on(day)


def test_what_a_narrow_layer_leaves_out_is_as_the_wide_one_has_it():
    spec = merged([NATION, Layer(days_off={date(2026, 10, 8): "Bão số 5"})])

    assert spec.days_off == {TET: "Tết", STORM: "nghỉ", date(2026, 10, 8): "Bão số 5"}
    assert spec.hours_on(date(2026, 10, 9)) == OFFICE
    assert (spec.confirmed_from, spec.confirmed_until) == (date(2023, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("narrow", "expected"),
    [
        (Layer(days_off={SATURDAY: "không làm bù"}), ()),
        (Layer(worked={SATURDAY: "trực"}, overrides={SATURDAY: SHORT}), SHORT),
        (Layer(), OFFICE),
    ],
    ids=["off", "short", "silent"],
)
def test_the_narrowest_word_on_a_day_decides(narrow: Layer, expected: object):
    assert on(SATURDAY, NATION, narrow) == expected


def test_a_day_worked_by_one_branch_only():
    assert on(STORM, NATION, Layer(worked={STORM: "vẫn làm"})) == OFFICE


def test_an_override_of_a_wide_layer_falls_with_a_narrow_day_off():
    wide = Layer(week=WEEK, worked={STORM: "nửa buổi"}, overrides={STORM: SHORT})

    assert on(STORM, wide) == SHORT
    assert on(STORM, wide, Layer(days_off={STORM: "Bão"})) == ()


def test_a_week_of_ones_own_wins_over_wider_seasons_and_keeps_the_days():
    summer = Season(date(2026, 5, 1), date(2026, 9, 30), (SHORT,) * 5 + ((), ()))
    nation = Layer(week=WEEK, seasons=(summer,), days_off={TET: "Tết"})
    branch = Layer(week=SIX_DAYS)

    assert on(date(2026, 7, 1), nation) == SHORT
    assert on(date(2026, 7, 4), nation, branch) == SHORT  # a Saturday
    assert on(TET, nation, branch) == ()
    assert on(date(2026, 12, 5), nation, branch) == SHORT


def test_a_season_of_ones_own_ends_and_the_wider_hours_are_back():
    winter = Season(date(2026, 11, 1), None, (SHORT,) * 5 + ((), ()))

    assert on(date(2026, 10, 30), NATION, Layer(seasons=(winter,))) == OFFICE
    assert on(date(2026, 11, 2), NATION, Layer(seasons=(winter,))) == SHORT


def test_only_what_every_layer_confirms_is_confirmed():
    office = Layer(confirmed_from=date(2024, 1, 1), confirmed_until=date(2026, 6, 30))
    spec = merged([NATION, office])

    assert (spec.confirmed_from, spec.confirmed_until) == (date(2024, 1, 1), date(2026, 6, 30))
    assert merged([Layer(week=WEEK), Layer()]).confirmed_until is None


def test_the_narrowest_zone_is_the_calendars():
    assert merged([NATION]).zone == "Asia/Ho_Chi_Minh"
    assert merged([NATION, Layer(zone="Asia/Bangkok")]).zone == "Asia/Bangkok"


def test_layers_without_a_week_are_no_calendar():
    with pytest.raises(BadCalendarError) as told:
        merged([Layer(days_off={TET: "Tết"})])
    assert told.value.where == "week"


def test_a_week_that_closes_a_branch_for_good_is_refused():
    with pytest.raises(BadCalendarError):
        merged([Layer(week=((),) * 7)])


def test_a_merged_calendar_counts_like_any_other():
    calendar = WorkingCalendar(
        merged([NATION, Layer(days_off={date(2026, 10, 8): "Bão"})]),
        date(2026, 10, 1),
        date(2026, 10, 31),
    )

    # 5, 6, 9 and Saturday the 10th; 7 is off for all, 8 for this branch
    assert calendar.worked_days(date(2026, 10, 4).toordinal(), SATURDAY.toordinal()) == 4


@pytest.mark.parametrize(
    ("today", "warned"),
    [("2026-11-01", False), ("2026-11-02", True), ("2027-03-01", True)],
)
def test_an_unconfirmed_year_is_told_sixty_days_before(today: str, warned: bool):  # noqa: FBT001
    told = unconfirmed_soon(merged([NATION]), date.fromisoformat(today))

    assert told == (date(2027, 1, 1) if warned else None)


@pytest.mark.parametrize("until", [None, date.max])
def test_a_calendar_without_end_warns_nobody(until: date | None):
    spec = merged([Layer(week=WEEK, confirmed_until=until)])

    assert unconfirmed_soon(spec, date(2026, 11, 22)) is None


def test_a_day_the_nation_has_off_and_a_branch_works_has_its_own_weekdays_hours():
    friday = date(2026, 11, 27)
    week = (*(OFFICE,) * 4, SHORT, (), ())
    nation = Layer(week=week, days_off={friday: "nghỉ"})

    assert on(friday, nation, Layer(worked={friday: "vẫn làm"})) == SHORT
    assert on(date(2026, 11, 28), nation, Layer(worked={date(2026, 11, 28): "làm bù"})) == OFFICE


def test_a_day_worked_in_a_season_without_hours_is_worked_like_the_usual_week():
    closed = Season(date(2026, 7, 1), date(2026, 7, 31), ((),) * 7)
    layer = Layer(week=WEEK, seasons=(closed,), worked={date(2026, 7, 6): "trực"})

    assert on(date(2026, 7, 6), layer) == OFFICE
    assert on(date(2026, 7, 7), layer) == ()


@pytest.mark.parametrize(
    ("old", "new", "days"),
    [
        (NATION, NATION, None),
        (Layer(), Layer(week=WEEK), ("0001-01-01", "9999-12-31")),
        (Layer(), Layer(zone="Asia/Bangkok"), ("0001-01-01", "9999-12-31")),
        (Layer(), Layer(days_off={STORM: "Bão"}), ("2026-10-07", "2026-10-07")),
        (Layer(days_off={STORM: "Bão"}), Layer(worked={STORM: "làm"}), ("2026-10-07",) * 2),
        (
            Layer(days_off={STORM: "Bão"}),
            Layer(worked={SATURDAY: "làm"}),
            ("2026-10-07", "2026-10-10"),
        ),
        (
            Layer(worked={SATURDAY: "làm"}),
            Layer(worked={SATURDAY: "làm"}, overrides={SATURDAY: SHORT}),
            ("2026-10-10", "2026-10-10"),
        ),
        (
            Layer(confirmed_until=date(2026, 12, 31)),
            Layer(confirmed_until=date(2027, 12, 31)),
            ("2026-12-31", "2027-12-31"),
        ),
        (Layer(), Layer(confirmed_from=date(2024, 1, 1)), ("0001-01-01", "2024-01-01")),
    ],
    ids=range(9),
)
def test_the_days_on_which_two_versions_may_differ(
    old: Layer, new: Layer, days: tuple[str, str] | None
):
    assert days_between(old, new) == (days and tuple(map(date.fromisoformat, days)))
    assert days_between(new, old) == days_between(old, new)


@pytest.mark.parametrize(
    ("layer", "where"),
    [
        (
            Layer(week=WEEK, confirmed_from=date(2027, 1, 1), confirmed_until=date(2026, 1, 1)),
            "confirmed_until",
        ),
        (Layer(week=WEEK, zone="localtime"), "zone"),
        (Layer(week=WEEK, zone="Mars/Olympus"), "zone"),
    ],
    ids=["backwards", "the machine's own", "no place"],
)
def test_a_layer_that_cannot_be_names_what_to_mend(layer: Layer, where: str):
    with pytest.raises(BadCalendarError) as told:
        WorkingCalendar(merged([layer]), date(2026, 1, 1), date(2026, 1, 31))
    assert told.value.where == where


def test_hours_are_local_and_have_no_offset():
    with pytest.raises(BadCalendarError):
        hours([("07:00+09:00", "11:30")], "week.mon")


def test_the_last_day_anybody_works():
    closed = Season(date(2026, 10, 6), None, ((),) * 7)
    year = date(2026, 1, 1), date(2026, 12, 31)

    assert (
        WorkingCalendar(merged([Layer(week=WEEK)]), *year).last_worked
        == date(2026, 12, 31).toordinal()
    )
    ends = WorkingCalendar(merged([Layer(week=WEEK, seasons=(closed,))]), *year)
    assert ends.last_worked == date(2026, 10, 5).toordinal()
