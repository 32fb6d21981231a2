"""What a person wants to hear."""

from datetime import date

from app.core.subscriptions import Subscription


def test_who_said_nothing_hears_everything():
    anybody = Subscription()

    assert (anybody.daily, anybody.weekly, anybody.all_clear) == (True, True, True)
    assert not any(anybody.quiet_on(date(2026, 11, day)) for day in range(1, 31))


def test_a_quiet_weekday_is_quiet_every_week():
    never_on_monday = Subscription(quiet_weekdays=frozenset({1}))

    quiet = [day for day in range(1, 31) if never_on_monday.quiet_on(date(2026, 11, day))]

    assert quiet == [2, 9, 16, 23, 30]


def test_a_leave_is_quiet_from_its_first_day_to_its_last():
    away = Subscription(quiet_days=((date(2026, 11, 3), date(2026, 11, 5)),) * 2)

    quiet = [day for day in range(1, 31) if away.quiet_on(date(2026, 11, day))]

    assert quiet == [3, 4, 5]


def test_a_director_gets_no_summary_of_the_week_unless_wished_for():
    assert not Subscription.of_role("director").weekly
    assert Subscription.of_role("administrator").weekly
    assert Subscription.of_role(None).weekly
