"""Why two yardsticks differ: each reason by an example, and the order in which they come."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from app.core.clock import Reason as Stop
from app.core.differences import (
    PAIRS,
    RULES,
    Clue,
    Difference,
    Pair,
    Reason,
    Side,
    clues,
    difference,
    mask,
    reasons,
)
from app.core.findings import Findings
from app.core.lifecycle import Apology, Facts, Outcome, Status
from app.core.stages import StageFact
from app.core.standing import day as day_of
from app.core.yardsticks import Yardstick
from tests.core.ground import HANOI, at, day, official, stop, working_hours
from tests.core.records import ended, facts
from tests.core.test_findings import DUE, RULE, STAGED, found
from tests.core.verdicts import side

LAW_FORM, LAW_766, FORM_766 = PAIRS
CLOSE = day("2026-09-30")
SLIP = "2026-07-16T17:00"
OLD = replace(RULE, valid_from=day("2020-01-01"))
HOURS = replace(RULE, limit=working_hours(8))


def why(
    pair: Pair, told: Facts, findings: Findings | None = None, last: date = CLOSE, *days: str
) -> tuple[Difference | None, tuple[Reason, ...]]:
    """How a pair differs on a dossier at the close of a day, and every reason."""
    findings = findings or found(told)
    first, second = (side(told, findings, one, last) for one in pair)
    how = difference(first, second)
    promised_on = {day(one) for one in days}
    if told.promised_at is not None:
        promised_on.add(day_of(told.promised_at, HANOI))
    held = clues(told, findings, promised_on, official(), last)
    return how, reasons(pair, how, held) if how else ()


def finished(on: str, **told: Any) -> Facts:  # noqa: ANN401 fields of any type
    return ended(Status.FINISHED, on, **({"promised_at": SLIP} | told))


def letter(sent: str, promised: str) -> Apology:
    return Apology(at(sent), "quá tải", at(promised))


def test_a_withdrawal_is_counted_by_the_form_and_not_by_law():
    told = ended(Status.WITHDRAWN, "2026-07-20T08:00", promised_at=SLIP)

    for pair in (LAW_FORM, LAW_766):
        assert why(pair, told) == (Difference.SECOND_ONLY, (Reason.WITHDRAWAL_NOT_COUNTED,))
    # and where both count it, the form does not look at the day
    assert why(FORM_766, told) == (Difference.FIRST_IN_TIME, (Reason.LENIENT_OUTCOME,))


def test_without_a_limit_the_law_says_nothing():
    told = finished("2026-07-20T08:00")

    assert why(LAW_FORM, told, found(told, rules=None)) == (
        Difference.SECOND_ONLY,
        (Reason.NO_LIMIT_BY_LAW,),
    )


def test_without_a_limit_and_a_promise_index_766_says_nothing():
    told = finished("2026-07-20T08:00", promised_at=None)

    assert why(FORM_766, told, found(told, rules=None)) == (
        Difference.FIRST_ONLY,
        (Reason.NO_LIMIT_BY_LAW, Reason.NOT_PROMISED),
    )


def test_past_due_since_the_branch_was_last_heard_is_not_verified_by_law():
    told = facts(promised_at=SLIP)
    held = clues(told, found(told), (), official(), CLOSE, unverified=True)

    assert difference(Side.NONE, Side.LATE) is Difference.SECOND_ONLY
    assert reasons(LAW_FORM, Difference.SECOND_ONLY, held) == (Reason.UNVERIFIED,)


def test_what_was_returned_is_on_time_by_the_form_whatever_day_it_was():
    told = finished("2026-07-20T08:00", outcome=Outcome.RETURNED)

    assert why(LAW_FORM, told) == (Difference.SECOND_IN_TIME, (Reason.LENIENT_OUTCOME,))


def test_what_was_never_promised_is_on_time_by_the_form():
    told = finished("2026-07-20T08:00", promised_at=None)

    assert why(LAW_FORM, told) == (Difference.SECOND_IN_TIME, (Reason.NOT_PROMISED,))
    assert why(FORM_766, told) == (Difference.FIRST_IN_TIME, (Reason.NOT_PROMISED,))


LAST_DAY = (stop("2026-07-16T10:00", "2026-07-20T09:00"),)
"""The published case: "đến ngày hẹn … yêu cầu bổ sung … cũng được xem là giải quyết đúng hạn"."""


def test_a_supplement_asked_exactly_on_the_due_day_is_on_time_by_the_form_and_late_by_law():
    told = finished("2026-07-28T15:00", suspensions=LAST_DAY, promised_at="2026-07-30T17:00")
    findings = found(told)

    assert findings.legal.due_on == day("2026-07-20")  # nothing was left: due when complete
    assert why(LAW_FORM, told, findings, CLOSE, "2026-07-16") == (
        Difference.SECOND_IN_TIME,
        (Reason.SUPPLEMENT_ON_LAST_DAY,),
    )


def test_a_supplement_asked_on_the_due_day_is_in_time_by_the_form_while_the_law_has_it_overdue():
    told = facts(suspensions=LAST_DAY, promised_at="2026-07-30T17:00")

    for last, differs in (("2026-07-17", False), ("2026-07-20", False), ("2026-07-21", True)):
        how, named = why(LAW_FORM, told, None, day(last), "2026-07-16")
        assert (how is Difference.SECOND_IN_TIME) is differs
        assert (named == (Reason.SUPPLEMENT_ON_LAST_DAY,)) is differs


def test_a_second_supplement_is_late_by_index_766_only():
    twice = (
        stop("2026-07-08T15:00", "2026-07-09T09:00"),
        stop("2026-07-10T15:00", "2026-07-13T09:00"),
    )
    told = finished("2026-07-16T15:00", suspensions=twice)

    assert why(LAW_766, told)[0] is Difference.FIRST_IN_TIME
    assert why(LAW_766, told)[1][0] is Reason.SECOND_SUPPLEMENT
    assert why(FORM_766, told) == (Difference.FIRST_IN_TIME, (Reason.SECOND_SUPPLEMENT,))


def test_a_re_appointment_moves_the_promise_and_not_the_law():
    again = (letter("2026-07-15T08:00", "2026-07-24T17:00"),)
    told = finished("2026-07-24T08:00", apologies=again)

    assert why(LAW_FORM, told) == (Difference.SECOND_IN_TIME, (Reason.RE_APPOINTMENT,))
    assert why(LAW_766, told) == (Difference.SECOND_IN_TIME, (Reason.RE_APPOINTMENT,))
    assert why(FORM_766, told) == (None, ())


def test_a_letter_sent_after_the_close_explains_nothing_yet():
    again = (letter("2026-07-20T08:00", "2026-07-24T17:00"),)
    told = facts(promised_at="2026-07-21T17:00", apologies=again)

    assert why(LAW_FORM, told, None, day("2026-07-19"))[1] == (Reason.PROMISE_LONGER,)
    assert why(LAW_FORM, told, None, day("2026-07-22"))[1] == (Reason.RE_APPOINTMENT,)


def test_the_time_of_a_supplement_is_given_back_by_index_766():
    told = finished("2026-07-17T15:00", suspensions=(stop("2026-07-08T15:00", "2026-07-10T15:00"),))

    assert why(FORM_766, told) == (
        Difference.SECOND_IN_TIME,
        (Reason.SUPPLEMENT_TIME_GIVEN_BACK,),
    )
    assert why(LAW_FORM, told) == (Difference.FIRST_IN_TIME, (Reason.PAUSED,))


POSTED = Stop.PUBLIC_POSTING


def test_a_suspension_that_moved_the_day_by_law_and_not_the_promise():
    told = finished(
        "2026-07-24T15:00", suspensions=(stop("2026-07-08T15:00", "2026-07-20T15:00", POSTED),)
    )

    assert why(LAW_FORM, told) == (Difference.FIRST_IN_TIME, (Reason.PAUSED,))
    assert why(LAW_766, told) == (Difference.FIRST_IN_TIME, (Reason.PAUSED,))


def test_while_its_clock_stands_it_is_in_time_by_the_form_though_it_was_late_before():
    told = facts(promised_at=SLIP, suspensions=(stop("2026-07-17T15:00", None, POSTED),))

    assert why(LAW_FORM, told) == (Difference.SECOND_IN_TIME, (Reason.PAUSED,))
    assert why(FORM_766, told) == (Difference.FIRST_IN_TIME, (Reason.PAUSED,))
    assert why(LAW_FORM, told, None, day("2026-07-16")) == (None, ())


def test_a_missed_first_appointment_counts_by_law_only():
    two = (StageFact(1, None, at("2026-07-15T16:00")), StageFact(2, at("2026-07-20T09:00")))
    told = finished("2026-07-22T15:00", stages=two, promised_at="2026-07-23T17:00")

    assert why(LAW_FORM, told, found(told, STAGED)) == (
        Difference.SECOND_IN_TIME,
        (Reason.STAGE_MISSED,),
    )


def test_late_by_the_hour_is_on_time_by_the_date():
    told = finished("2026-07-07T16:00", promised_at="2026-07-07T17:00")

    assert why(LAW_FORM, told, found(told, HOURS)) == (
        Difference.SECOND_IN_TIME,
        (Reason.BY_THE_HOUR,),
    )


def test_a_promise_counted_without_the_worked_saturday():
    """Saturday 26/04/2025 was worked: due Monday 5 May, and the slip says Tuesday 6 May."""
    told = finished(
        "2025-05-06T15:00", received_at="2025-04-21T09:00", promised_at="2025-05-06T17:00"
    )
    findings = found(told, OLD)

    assert findings.legal.due_on == day("2025-05-05")
    assert why(LAW_FORM, told, findings) == (Difference.SECOND_IN_TIME, (Reason.WORKED_SATURDAY,))
    later = told._replace(promised_at=at("2025-05-07T17:00"))
    assert why(LAW_FORM, later, found(later, OLD))[1] == (Reason.PROMISE_LONGER,)
    elsewhere = finished("2026-07-17T15:00", promised_at="2026-07-17T17:00")
    assert why(LAW_FORM, elsewhere)[1] == (Reason.PROMISE_LONGER,)


def test_a_day_that_leans_on_a_calendar_not_yet_published():
    told = finished(
        "2027-01-12T15:00", received_at="2026-12-28T09:00", promised_at="2027-01-13T17:00"
    )
    findings = found(told)

    assert findings.provisional
    assert why(LAW_FORM, told, findings, day("2027-01-31")) == (
        Difference.SECOND_IN_TIME,
        (Reason.PROVISIONAL_CALENDAR,),
    )


def test_a_promise_longer_and_one_shorter_than_the_law():
    longer = finished("2026-07-20T08:00", promised_at="2026-07-22T17:00")
    shorter = finished("2026-07-14T08:00", promised_at="2026-07-10T17:00")

    assert why(LAW_FORM, longer) == (Difference.SECOND_IN_TIME, (Reason.PROMISE_LONGER,))
    assert why(LAW_FORM, shorter) == (Difference.FIRST_IN_TIME, (Reason.PROMISE_SHORTER,))
    assert why(LAW_766, shorter) == (Difference.FIRST_IN_TIME, (Reason.PROMISE_SHORTER,))


def test_early_by_one_and_on_time_by_another_moves_no_rate():
    told = finished("2026-07-16T08:00", promised_at="2026-07-17T17:00")

    assert why(LAW_FORM, told) == (Difference.SECOND_EARLIER, (Reason.PROMISE_LONGER,))
    returned = finished("2026-07-14T08:00", outcome=Outcome.RETURNED)
    assert why(LAW_FORM, returned) == (Difference.FIRST_EARLIER, (Reason.LENIENT_OUTCOME,))


def test_finished_by_the_due_day_of_all_nothing_differs():
    told = finished("2026-07-16T15:00")

    assert found(told).legal.due_on == DUE
    assert [why(pair, told) for pair in PAIRS] == [(None, ())] * 3


# ------------------------------------------------------------------------------- precedence


def test_of_several_reasons_the_first_in_the_order_of_precedence_counts():
    told = finished(
        "2026-07-28T15:00",
        suspensions=LAST_DAY,
        apologies=(letter("2026-07-20T08:00", "2026-07-30T17:00"),),
        outcome=Outcome.RETURNED,
    )

    _, named = why(LAW_FORM, told)
    assert named == (
        Reason.LENIENT_OUTCOME,
        Reason.SUPPLEMENT_ON_LAST_DAY,
        Reason.RE_APPOINTMENT,
    )


ALL = Clue(sum(Clue))


@pytest.mark.parametrize(("pair", "how"), RULES)
def test_reasons_come_in_the_order_they_are_written(pair: Pair, how: Difference):
    order = list(Reason)
    named = reasons(pair, how, ALL)

    assert list(named) == sorted(named, key=order.index)
    assert reasons(pair, how, Clue.NOTHING) == (RULES[pair, how].otherwise,)


@pytest.mark.parametrize(("pair", "how"), RULES)
def test_the_mask_of_a_reason_chooses_just_what_is_counted_under_it(pair: Pair, how: Difference):
    masks = {reason: held for reason in Reason if (held := mask(pair, how, reason)) is not None}
    for number in range(0, ALL + 1, 7):
        some = Clue(number)
        chosen = [
            reason
            for reason, (own, earlier) in masks.items()
            if not some & earlier and (not own or some & own)
        ]
        assert chosen == [reasons(pair, how, some)[0]]


def test_two_verdicts_differ_in_one_way_only_and_turned_round_in_the_other():
    turned = {
        Difference.FIRST_IN_TIME: Difference.SECOND_IN_TIME,
        Difference.FIRST_ONLY: Difference.SECOND_ONLY,
        Difference.FIRST_EARLIER: Difference.SECOND_EARLIER,
    }
    turned |= {other: one for one, other in turned.items()}
    for first, second in product(Side, repeat=2):
        how = difference(first, second)
        assert (how is None) == (first is second)
        if how is not None:
            assert difference(second, first) is turned[how]


def test_every_pair_of_yardsticks_has_its_reasons():
    assert {one for pair in PAIRS for one in pair} == set(Yardstick)
    assert set(RULES) == set(product(PAIRS, Difference))
    named = {reason for rule in RULES.values() for reason, _ in rule.table}
    named |= {rule.otherwise for rule in RULES.values()}
    assert named == set(Reason) - {Reason.NOT_HANDED_OVER}
