"""One dossier, three yardsticks: their inputs, each by its own rules."""

from datetime import date

import pytest

from app.core.clock import Reason, Suspension
from app.core.lifecycle import Apology, Facts, Outcome, Status
from app.core.rating import Verdict, verdict
from app.core.yardsticks import Inputs, form, index766, last_promise, legal
from tests.core.ground import HANOI, at, day, stop
from tests.core.records import ended, facts

PROMISED = "2026-07-16T17:00"
DUE = day("2026-07-16")
ON_TIME = "2026-07-16T16:00"


def apology(promised: str | None) -> Apology:
    return Apology(at("2026-07-15T08:00"), "quá tải", at(promised) if promised else None)


def asked(*spans: tuple[str, str | None]) -> tuple[Suspension, ...]:
    return tuple(stop(since, until) for since, until in spans)


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (ended(Status.FINISHED, ON_TIME), True),
        (ended(Status.NOT_ACCEPTED, ON_TIME), True),  # a refusal is the office's own act
        (ended(Status.FINISHED, ON_TIME, outcome=Outcome.RETURNED), True),
        (ended(Status.WITHDRAWN, ON_TIME), False),
        (ended(Status.STOPPED, ON_TIME), False),
        (facts(), False),
    ],
)
def test_the_legal_yardstick_counts_what_the_office_did(told: Facts, *, counts: bool):
    found = legal(told, DUE, forced_late=False, zone=HANOI)

    assert found == Inputs(DUE, DUE if counts else None)


def test_a_day_of_the_end_is_a_day_in_viet_nam():
    told = ended(Status.FINISHED, "2026-07-16T17:30:00+00:00")

    assert legal(told, DUE, forced_late=True, zone=HANOI) == Inputs(
        DUE, day("2026-07-17"), forced_late=True
    )


@pytest.mark.parametrize(
    ("told", "due_on", "end_on"),
    [
        (facts(promised_at=PROMISED), DUE, None),
        (facts(), None, None),  # no promise: on time
        (ended(Status.FINISHED, "2026-07-17T08:00", promised_at=PROMISED), DUE, day("2026-07-17")),
        (
            ended(Status.WITHDRAWN, "2026-07-17T08:00", promised_at=PROMISED),
            None,
            day("2026-07-17"),
        ),
        (
            ended(
                Status.FINISHED,
                "2026-07-17T08:00",
                promised_at=PROMISED,
                outcome=Outcome.RETURNED,
            ),
            None,
            day("2026-07-17"),
        ),
        (ended(Status.STOPPED, "2026-07-17T08:00", promised_at=PROMISED), None, day("2026-07-17")),
        (ended(Status.NOT_ACCEPTED, ON_TIME, promised_at=PROMISED), DUE, DUE),
        (facts(status=Status.AWAITING_SUPPLEMENT, promised_at=PROMISED), DUE, None),
    ],
)
def test_the_form_is_as_lenient_as_it_is_practised(
    told: Facts, due_on: date | None, end_on: date | None
):
    found = form(told, HANOI)

    assert (found.due_on, found.end_on, found.forced_late) == (due_on, end_on, False)


@pytest.mark.parametrize(
    ("apologies", "promised"),
    [
        ((), PROMISED),
        ((apology("2026-07-20T17:00"),), "2026-07-20T17:00"),
        ((apology("2026-07-20T17:00"), apology("2026-07-24T17:00")), "2026-07-24T17:00"),
        ((apology("2026-07-20T17:00"), apology(None)), "2026-07-20T17:00"),
        ((apology(None),), PROMISED),
    ],
)
def test_the_last_promise_is_the_latest_re_appointment_else_the_slip(
    apologies: tuple[Apology, ...], promised: str
):
    told = facts(promised_at=PROMISED, apologies=apologies)

    assert last_promise(told) == at(promised)
    assert form(told, HANOI).due_on == at(promised).date()


@pytest.mark.parametrize(
    ("told", "end_on"),
    [
        (facts(promised_at=PROMISED), None),
        (ended(Status.FINISHED, ON_TIME, promised_at=PROMISED), DUE),
        (ended(Status.WITHDRAWN, "2026-07-10T08:00", promised_at=PROMISED), day("2026-07-10")),
        # a request that was answered: its time is taken off the end
        (
            ended(
                Status.FINISHED,
                "2026-07-20T16:00",
                suspensions=asked(("2026-07-08T15:00", "2026-07-10T15:00")),
                promised_at=PROMISED,
            ),
            day("2026-07-18"),
        ),
        # never answered, or only after the end
        (
            ended(
                Status.FINISHED,
                "2026-07-20T16:00",
                suspensions=asked(("2026-07-18T16:00", None)),
                promised_at=PROMISED,
            ),
            day("2026-07-18"),
        ),
        (
            ended(
                Status.FINISHED,
                "2026-07-20T16:00",
                suspensions=asked(("2026-07-21T16:00", "2026-07-22T16:00")),
                promised_at=PROMISED,
            ),
            day("2026-07-20"),
        ),
        # another reason takes nothing off
        (
            ended(
                Status.FINISHED,
                "2026-07-20T16:00",
                suspensions=(stop("2026-07-08T15:00", "2026-07-10T15:00", Reason.PUBLIC_POSTING),),
                promised_at=PROMISED,
            ),
            day("2026-07-20"),
        ),
    ],
)
def test_the_end_of_formula_2_1(told: Facts, end_on: date | None):
    assert index766(told, lambda: None, HANOI)[:3] == (DUE, end_on, False)


def test_a_second_supplement_is_late_by_formula_2_1():
    told = ended(
        Status.FINISHED,
        ON_TIME,
        suspensions=asked(("2026-07-08T15:00", "2026-07-08T16:00"), ("2026-07-09T15:00", None)),
        promised_at=PROMISED,
    )

    found = index766(told, lambda: None, HANOI)

    assert found.forced_late
    assert found.end_on is not None
    assert verdict(found.due_on, found.end_on, forced_late=found.forced_late) is Verdict.LATE


def test_a_second_supplement_still_open_is_no_end():
    told = facts(
        status=Status.AWAITING_SUPPLEMENT,
        suspensions=asked(("2026-07-08T15:00", "2026-07-08T16:00"), ("2026-07-09T15:00", None)),
    )

    assert index766(told, lambda: DUE, HANOI)[:3] == (DUE, None, True)


def test_where_nothing_was_promised_the_longest_time_of_the_law_serves():
    assert index766(facts(), lambda: DUE, HANOI).due_on == DUE
    promised = facts(promised_at="2026-07-10T17:00")
    assert index766(promised, lambda: DUE, HANOI).due_on == day("2026-07-10")
