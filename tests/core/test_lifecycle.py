"""What can never be true of a dossier, and what its facts mean."""

import pytest

from app.core.clock import Limit, Reason, Unit
from app.core.lifecycle import (
    Apology,
    Extension,
    Facts,
    Outcome,
    Status,
    closed_suspensions,
    extended,
    problems,
    supplements,
)
from app.core.stages import StageFact
from tests.core.ground import at, stop, working_days
from tests.core.records import RECEIVED, ended, facts

NOW = at("2026-12-01T08:00")
OPEN = stop("2026-07-08T15:00", None)


def fields(told: Facts) -> list[str]:
    return [problem.field for problem in problems(told, NOW)]


@pytest.mark.parametrize(
    "told",
    [
        facts(status=Status.SUBMITTED, received_at=None, submitted_at="2026-07-06T08:00"),
        facts(status=Status.RECEIVED, submitted_at="2026-07-05T20:00"),
        facts(),
        facts(land_office_received_at="2026-07-07T08:00", promised_at="2026-07-16T17:00"),
        facts(suspensions=(stop("2026-07-08T15:00", "2026-07-10T09:00"),)),
        facts(status=Status.AWAITING_SUPPLEMENT, suspensions=(OPEN,)),
        facts(
            status=Status.AWAITING_PAYMENT,
            stages=(StageFact(1, at(RECEIVED), at("2026-07-13T15:00")),),
        ),
        facts(status=Status.STOPPED, suspensions=(OPEN,)),
        facts(status=Status.STOPPED, ended_at="2026-07-10T09:00"),
        facts(status=Status.NOT_ACCEPTED, received_at=None, ended_at="2026-07-06T10:00"),
        ended(Status.NOT_ACCEPTED, "2026-07-08T10:00"),
        ended(Status.WITHDRAWN, "2026-07-08T10:00"),
        ended(Status.FINISHED, "2026-07-16T16:00"),
        ended(Status.HANDED_OVER, "2026-07-16T16:00", handed_over_at="2026-07-17T08:00"),
        ended(Status.FINISHED, RECEIVED),  # a result at once
        facts(
            stages=(
                StageFact(1, at(RECEIVED), at("2026-07-13T15:00")),
                StageFact(2, at("2026-08-03T09:00")),
            )
        ),
        facts(stages=(StageFact(1, None), StageFact(2, at("2026-08-03T09:00")))),
        facts(updated_at="2026-12-01T08:05"),  # a sender's clock may run five minutes ahead
        ended(Status.FINISHED, "2026-12-01T08:05"),
    ],
)
def test_a_sound_record_has_no_problem(told: Facts):
    assert fields(told) == []


@pytest.mark.parametrize(
    ("field", "told"),
    [
        # the future
        ("updated_at", facts(updated_at="2026-12-01T08:05:01")),
        (
            "submitted_at",
            facts(status=Status.SUBMITTED, received_at=None, submitted_at="2026-12-01T08:06"),
        ),
        ("received_at", facts(received_at="2026-12-01T08:06")),
        ("finished_at", ended(Status.FINISHED, "2026-12-01T08:06", ended_at=None)),
        ("ended_at", ended(Status.WITHDRAWN, "2026-12-01T08:06")),
        (
            "handed_over_at",
            ended(Status.HANDED_OVER, "2026-12-01T08:00", handed_over_at="2026-12-01T08:06"),
        ),
        # the status
        ("received_at", facts(status=Status.SUBMITTED)),
        ("received_at", facts(received_at=None)),
        ("finished_at", facts(status=Status.FINISHED)),
        ("finished_at", facts(status=Status.HANDED_OVER, handed_over_at="2026-07-17T08:00")),
        ("handed_over_at", ended(Status.HANDED_OVER, "2026-07-16T16:00", handed_over_at=None)),
        ("ended_at", facts(status=Status.NOT_ACCEPTED)),
        ("ended_at", facts(status=Status.WITHDRAWN)),
        ("status", facts(finished_at="2026-07-16T16:00")),
        ("status", facts(status=Status.RECEIVED, ended_at="2026-07-16T16:00")),
        (
            "status",
            facts(status=Status.SUBMITTED, received_at=None, ended_at="2026-07-16T16:00"),
        ),
        ("suspensions", facts(status=Status.AWAITING_SUPPLEMENT)),
        (
            "suspensions",
            facts(status=Status.AWAITING_PAYMENT, stages=(StageFact(1, at(RECEIVED)),)),
        ),
        ("suspensions", facts(status=Status.STOPPED)),
        (
            "suspensions",
            facts(
                status=Status.AWAITING_SUPPLEMENT,
                suspensions=(stop("2026-07-08T15:00", "2026-07-10T09:00"),),
            ),
        ),
        # the order
        ("received_at", facts(submitted_at="2026-07-06T09:16")),
        ("finished_at", ended(Status.FINISHED, "2026-07-06T09:14", ended_at=None)),
        ("ended_at", ended(Status.WITHDRAWN, "2026-07-06T09:14")),
        ("land_office_received_at", facts(land_office_received_at="2026-07-06T09:14")),
        ("promised_at", facts(promised_at="2026-07-06T09:14")),
        (
            "handed_over_at",
            ended(Status.HANDED_OVER, "2026-07-16T16:00", handed_over_at="2026-07-16T15:59"),
        ),
        # suspensions
        (
            "suspensions[1].until",
            facts(suspensions=(OPEN, stop("2026-07-10T09:00", "2026-07-10T08:59"))),
        ),
        ("suspensions[0].from", facts(suspensions=(stop("2026-07-06T09:14", None),))),
        # stages
        ("stages[0].stage", facts(stages=(StageFact(2, at(RECEIVED)),))),
        ("stages[1].stage", facts(stages=(StageFact(1, at(RECEIVED)), StageFact(1, None)))),
        ("stages[0].started_at", facts(stages=(StageFact(1, at("2026-07-06T09:14")),))),
        (
            "stages[0].ended_at",
            facts(stages=(StageFact(1, at("2026-07-07T09:00"), at("2026-07-07T08:59")),)),
        ),
        (
            "stages[1].started_at",
            facts(
                stages=(
                    StageFact(1, at(RECEIVED), at("2026-07-13T15:00")),
                    StageFact(2, at("2026-07-13T14:59")),
                )
            ),
        ),
    ],
)
def test_what_cannot_be_true_is_told_by_its_field(field: str, told: Facts):
    assert fields(told) == [field]


def test_every_problem_says_what_to_do_with_figures_in_viet_nams_time():
    told = facts(suspensions=(stop("2026-07-06T02:00:00+00:00", None),))

    (problem,) = problems(told, NOW)

    assert problem.detail == (
        "the clock cannot stop at 2026-07-06T09:00:00+07:00, before the receipt "
        "2026-07-06T09:15:00+07:00"
    )


def test_a_record_from_the_future_is_told_once_however_wrong_it_is():
    told = facts(updated_at="2027-01-01T08:00", received_at="2027-01-01T09:00")

    assert fields(told) == ["updated_at"]


def test_stages_without_a_receipt_are_ordered_among_themselves():
    told = facts(
        status=Status.SUBMITTED,
        received_at=None,
        suspensions=(OPEN,),
        stages=(StageFact(1, at("2026-07-07T09:00"), at("2026-07-07T08:00")),),
    )

    assert fields(told) == ["stages[0].ended_at"]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (facts(), None),
        (facts(outcome=Outcome.REFUSED), None),  # nothing ended yet
        (ended(Status.FINISHED, "2026-07-16T16:00"), Outcome.RESULT),
        (ended(Status.HANDED_OVER, "2026-07-16T16:00"), Outcome.RESULT),
        (ended(Status.FINISHED, "2026-07-16T16:00", outcome=Outcome.REFUSED), Outcome.REFUSED),
        (ended(Status.NOT_ACCEPTED, "2026-07-08T10:00"), Outcome.REFUSED),
        (ended(Status.WITHDRAWN, "2026-07-08T10:00"), Outcome.WITHDRAWN),
        (ended(Status.STOPPED, "2026-07-08T10:00"), Outcome.STOPPED),
        (ended(Status.AWAITING_SUPPLEMENT, "2026-07-08T10:00"), Outcome.RESULT),
    ],
)
def test_how_it_ended_is_what_was_sent_else_what_the_status_means(
    told: Facts, outcome: Outcome | None
):
    assert told.how_ended is outcome


def test_the_end_is_the_result_else_the_end_of_the_dossier():
    told = ended(Status.FINISHED, "2026-07-16T16:00", ended_at="2026-07-17T08:00")

    assert told.end == at("2026-07-16T16:00")
    assert ended(Status.WITHDRAWN, "2026-07-08T10:00").end == at("2026-07-08T10:00")
    assert facts().end is None


@pytest.mark.parametrize(
    ("limit", "granted", "due", "longer"),
    [
        (working_days(3), "2026-04-29T16:00", "2026-04-30T00:00", True),
        (working_days(3), "2026-04-30T00:00", "2026-04-30T00:00", False),  # too late
        (working_days(3), None, "2026-04-30T00:00", False),
        (working_days(3), "2026-04-29T16:00", None, False),  # nothing is due while it stands
        (None, "2026-04-29T16:00", "2026-04-30T00:00", False),  # the law gives none
    ],
)
def test_an_extension_is_granted_before_the_due_moment(
    limit: Limit | None, granted: str | None, due: str | None, *, longer: bool
):
    extensions = (Extension(at(granted), "mất điện"),) if granted else ()

    found = extended(facts(extensions=extensions), limit, at(due) if due else None)

    assert found == (limit if longer else None)


def test_an_extension_has_no_cut_off():
    granted = facts(extensions=(Extension(at("2026-04-29T16:00"), "mất điện"),))

    found = extended(granted, working_days(3, "15:00"), at("2026-05-05T00:00"))

    assert found == Limit(3, Unit.WORKING_DAYS)


def test_what_stood_open_stands_no_longer_than_the_dossier():
    closed = stop("2026-07-07T09:00", "2026-07-07T10:00")
    after = stop("2026-07-21T09:00", None)
    told = ended(Status.FINISHED, "2026-07-20T09:00", suspensions=(closed, OPEN, after))

    assert closed_suspensions(told) == (
        closed,
        stop("2026-07-08T15:00", "2026-07-20T09:00"),
        stop("2026-07-21T09:00", "2026-07-21T09:00"),
    )


@pytest.mark.parametrize(
    "told", [facts(suspensions=(OPEN,)), ended(Status.FINISHED, "2026-07-16T16:00")]
)
def test_suspensions_of_an_open_dossier_and_closed_ones_stay_as_they_are(told: Facts):
    assert closed_suspensions(told) is told.suspensions


def test_supplements_are_counted_whatever_else_stopped_the_clock():
    stops = (OPEN, stop("2026-07-09T09:00", None, Reason.FORCE_MAJEURE), OPEN)

    assert supplements(facts(suspensions=stops)) == 2


AHEAD = "2026-12-01T08:06"  # six minutes after the record's own stamp


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("land_office_received_at", facts(land_office_received_at=AHEAD)),
        ("suspensions[0].from", facts(suspensions=(stop(AHEAD, None),))),
        ("suspensions[0].until", facts(suspensions=(stop("2026-07-08T09:00", AHEAD),))),
        ("stages[0].ended_at", facts(stages=(StageFact(1, None, at(AHEAD)),))),
        ("extensions[0].granted_at", facts(extensions=(Extension(at(AHEAD), ""),))),
        ("apologies[0].sent_at", facts(apologies=(Apology(at(AHEAD), "", None),))),
    ],
)
def test_nothing_that_has_not_happened_yet_is_told(field: str, told: Facts):
    assert fields(told) == [field]
