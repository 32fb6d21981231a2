"""Several sources about one dossier: who is believed, what is filled in, what does not agree."""

from itertools import permutations

import pytest

from app.core.clock import Reason
from app.core.lifecycle import Apology, Facts, Outcome, Status
from app.core.sources import OURS, Divergence, together
from app.core.stages import StageFact
from tests.core.ground import at, stop
from tests.core.records import ended, facts

RANKS = {"one-stop": 10, "land": 20, "excel": 90}
PAUSED = stop("2026-07-08T09:00", "2026-07-10T09:00")
OPEN = stop("2026-07-08T09:00", None)


def stands(one_stop: Facts, land: Facts) -> Facts:
    return together({"land": land, "one-stop": one_stop}, RANKS).facts


def test_the_source_with_the_lowest_rank_is_the_record():
    found = together({"land": facts(commune="30001"), "one-stop": facts(commune="30002")}, RANKS)

    assert found.record == "one-stop"
    assert found.facts.commune == "30002"


def test_of_equal_ranks_the_first_by_code_and_an_unranked_one_is_100():
    assert together({"b": facts(), "a": facts()}, {}).record == "a"
    assert together({"b": facts(), "a": facts()}, {"b": 99}).record == "b"
    assert together({"b": facts(), "a": facts()}, {"b": 101}).record == "a"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("case", "lease"),
        ("commune", "30001"),
        ("submitted_at", "2026-07-05T08:00"),
        ("land_office_received_at", "2026-07-07T08:00"),
        ("promised_at", "2026-07-20T17:00"),
        ("suspensions", (PAUSED,)),
        ("stages", (StageFact(1, None, at("2026-07-09T08:00")),)),
        ("apologies", (Apology(at("2026-07-19T08:00"), "quá tải", None),)),
        ("online_payment", True),
        ("online_payment", False),
    ],
)
def test_what_the_record_leaves_empty_is_filled(field: str, value: object):
    told = facts(**{field: value})

    assert getattr(stands(facts(), told), field) == getattr(told, field)


def test_the_next_source_fills_before_the_one_after():
    told = {"excel": facts(commune="3"), "land": facts(commune="2"), "one-stop": facts()}

    assert together(told, RANKS).facts.commune == "2"


def test_what_the_record_says_is_never_overwritten():
    found = stands(facts(promised_at="2026-07-20T17:00"), facts(promised_at="2026-07-27T17:00"))

    assert found.promised_at == at("2026-07-20T17:00")


def test_an_end_does_not_fill_a_dossier_the_record_has_open():
    found = stands(facts(), ended(Status.FINISHED, "2026-07-15T09:00"))

    assert (found.finished_at, found.ended_at, found.status) == (None, None, Status.IN_PROGRESS)


def test_a_hand_over_fills_a_finished_one():
    found = stands(
        ended(Status.FINISHED, "2026-07-15T09:00"), ended(Status.HANDED_OVER, "2026-07-15T09:00")
    )

    assert found.handed_over_at == at("2026-07-15T09:00")
    assert found.status is Status.FINISHED


def test_an_open_pause_does_not_stop_a_clock_the_record_says_runs():
    assert stands(facts(), facts(suspensions=(PAUSED, OPEN))).suspensions == (PAUSED,)
    assert stands(facts(), facts(suspensions=(OPEN,))).suspensions == ()


def test_an_open_pause_fills_a_record_that_says_the_clock_stands():
    tax = stop("2026-07-08T09:00", None, Reason.FINANCIAL_OBLIGATION)
    between = (StageFact(1, None, at("2026-07-08T09:00")),)
    record = facts(status=Status.AWAITING_PAYMENT, stages=between)

    assert stands(record, facts(suspensions=(tax,))).suspensions == (tax,)


def test_pauses_inferred_elsewhere_are_marked_here():
    assert stands(facts(), facts(suspensions=(PAUSED,), suspensions_inferred=True)) == facts(
        suspensions=(PAUSED,), suspensions_inferred=True
    )


def test_other_names_are_those_of_all_sources():
    assert stands(facts(aliases=("B2",)), facts(aliases=("A1", "B2"))).aliases == ("A1", "B2")


def test_the_stamp_is_the_newest():
    found = stands(facts(), facts(updated_at="2026-12-02T08:00"))

    assert found.updated_at == at("2026-12-02T08:00")


def test_promises_that_differ_by_a_day_are_told():
    found = together(
        {
            "land": facts(promised_at="2026-07-27T17:00", commune="30001"),
            "one-stop": facts(promised_at="2026-07-20T17:00", commune="30001"),
        },
        RANKS,
    )

    assert found.divergences == (Divergence("land", "promised_at", "2026-07-20", "2026-07-27"),)


def test_hours_of_one_day_and_what_one_leaves_empty_do_not_differ():
    one, other = facts(promised_at="2026-07-20T17:00"), facts(promised_at="2026-07-20T11:30")

    assert together({"a": one, "b": other._replace(case="lease")}, {}).divergences == ()


def test_codes_differ_as_they_are_compared():
    one = facts(procedure="1.012783.H19", outcome=Outcome.RESULT)
    other = facts(procedure="1.012783", branch="H20.16.05", outcome=Outcome.RETURNED)

    found = {each.field for each in together({"a": one, "b": other}, {}).divergences}
    assert found == {"branch", "outcome"}


def test_it_is_the_same_in_any_order():
    told = {
        "excel": facts(commune="3", promised_at="2026-07-21T17:00", updated_at="2026-12-03T08:00"),
        "land": facts(case="lease", suspensions=(PAUSED,)),
        "one-stop": facts(aliases=("SBN-1",)),
    }
    found = [together(dict(order), RANKS) for order in permutations(told.items())]

    assert all(one == found[0] for one in found)


LETTER = Apology(at("2026-07-15T09:00"), "quá tải", at("2026-07-21T17:00"))


def test_what_is_recorded_here_is_last_whatever_its_rank_and_contradicts_nobody():
    ours = facts(procedure="1.0", branch="elsewhere", apologies=(LETTER,))
    told = {OURS: ours, "one-stop": facts(), "excel": facts()}

    found = together(told, {OURS: 0, "one-stop": 9_999, "excel": 10_000})

    assert found.record == "one-stop"
    assert found.facts.branch == facts().branch
    assert found.facts.apologies == (LETTER,)
    assert found.divergences == ()


def test_a_record_that_tells_of_letters_keeps_its_own():
    own = Apology(at("2026-07-14T09:00"), "của một cửa", None)
    told = {OURS: facts(apologies=(LETTER,)), "one-stop": facts(apologies=(own,))}

    assert together(told, {}).facts.apologies == (own,)


def test_a_letter_of_ours_stays_when_the_dossier_ends():
    told = {
        OURS: facts(apologies=(LETTER,)),
        "one-stop": ended(Status.FINISHED, "2026-07-20T10:00"),
    }

    assert together(told, {}).facts.apologies == (LETTER,)
