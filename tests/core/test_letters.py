"""Letters of apology: of which dossiers, promising which moments, sent when; and coded causes."""

from datetime import timedelta

import pytest

from app.core import causes
from app.core import letters as law
from app.core.causes import Cause
from app.core.letters import Due
from app.core.lifecycle import State
from tests.core.ground import at, official

DUE = at("2026-07-17T00:00")  # the end of Thursday the 16th
NOW = at("2026-07-15T09:00")
DRAFTED = at("2026-07-15T08:00")
NEW = at("2026-07-21T17:00")


def test_a_running_dossier_with_a_due_date_may_have_a_letter():
    due = Due(State.RUNNING, DUE, 0)

    assert law.not_late(due) is None
    assert law.second(due) is None


@pytest.mark.parametrize("state", [state for state in State if state is not State.RUNNING])
def test_what_cannot_become_late_as_it_stands_has_none(state: State):
    wrong = law.not_late(Due(state, DUE, 0))

    assert wrong is not None
    assert wrong.field == "code"


def test_without_a_due_moment_nothing_is_missed():
    wrong = law.not_late(Due(State.RUNNING, None, 0))

    assert wrong is not None
    assert "no limit" in wrong.detail


def test_a_second_letter_is_refused_by_its_article():
    wrong = law.second(Due(State.RUNNING, DUE, 1))

    assert wrong == law.once()
    assert wrong.detail.endswith("(NĐ 61/2018 Đ19 k9)")


@pytest.mark.parametrize(
    "moment",
    [
        "2026-07-17T07:00",  # the office opens, on the first day after the due day
        "2026-07-21T17:00",  # it closes: people come until then
        "2026-07-21T11:30",  # it closes for noon
    ],
)
def test_a_new_appointment_is_a_working_moment_after_the_due_day(moment: str):
    assert law.promise(at(moment), DUE, official(), NOW) is None


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-07-15T09:00", "future"),
        ("2026-07-14T09:00", "future"),
        ("2026-07-16T17:00", "after the due date 16/07/2026"),
        ("2026-07-19T09:00", "2026-07-19T09:00:00+07:00 is no working moment"),  # a Sunday
        ("2026-07-21T12:00", "no working moment"),
        ("2026-07-21T17:00:01", "no working moment"),
        ("2026-07-21T06:59:59", "no working moment"),
        ("2190-07-21T09:00", "no working moment"),  # beyond every calendar
    ],
)
def test_any_other_is_refused_by_its_field(moment: str, told: str):
    wrong = law.promise(at(moment), DUE, official(), NOW)

    assert wrong is not None
    assert wrong.field == "promised_at"
    assert told in wrong.detail


def test_what_is_overdue_is_re_appointed_into_the_future():
    later = at("2026-07-20T09:00")

    assert law.promise(NEW, DUE, official(), later) is None
    wrong = law.promise(at("2026-07-17T09:00"), DUE, official(), later)
    assert wrong is not None
    assert "future" in wrong.detail


@pytest.mark.parametrize("moment", ["2026-07-15T00:00", "2026-07-15T09:00", "2026-07-15T09:05"])
def test_a_letter_was_sent_on_the_day_it_was_drafted_or_later(moment: str):
    assert law.sent(at(moment), DRAFTED, NEW, None, NOW) is None


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-07-15T09:05:01", "in the future"),
        ("2026-07-14T23:59:59", "before 15/07/2026"),
    ],
)
def test_not_before_and_not_ahead_of_now(moment: str, told: str):
    wrong = law.sent(at(moment), DRAFTED, NEW, None, NOW)

    assert wrong is not None
    assert wrong.field == "sent_at"
    assert told in wrong.detail


def test_a_letter_whose_new_date_has_passed_was_not_sent():
    wrong = law.sent(NEW, DRAFTED, NEW, None, NEW)

    assert wrong is not None
    assert "had passed" in wrong.detail


def test_nor_one_of_a_dossier_that_had_ended():
    end = at("2026-07-16T10:00")

    assert law.sent(end, DRAFTED, NEW, end, NEW) is None
    wrong = law.sent(end + timedelta(seconds=1), DRAFTED, NEW, end, NEW)
    assert wrong is not None
    assert "had ended" in wrong.detail


@pytest.mark.parametrize("cause", list(Cause))
def test_a_coded_cause_speaks_for_itself_but_other_needs_a_note(cause: Cause):
    for note in (None, "", "  "):
        told = [one.field for one in causes.problems(cause, note)]
        assert told == (["note"] if cause is Cause.OTHER else [])
    assert list(causes.problems(cause, "mất điện")) == []
