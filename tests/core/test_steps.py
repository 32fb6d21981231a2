"""Steps in half days, and the step of the law that a sent step is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.core.clock import LimitError, SupplementPolicy, Suspension, Unit
from app.core.lifecycle import Step
from app.core.limits import Choice, LimitRule
from app.core.steps import JudgedStep, StepLimit, StepUnit, half_days, judged, matches
from app.core.taxes import Gap
from tests.core.ground import at, day, official, stop, working_days

NOW = at("2026-10-30T09:00")
ONE_STOP, BRANCH = StepUnit.ONE_STOP, StepUnit.BRANCH
TRANSFER = (  # ĐT138 Đ30.1: 0.5 / 4.5 / the tax office / 3
    StepLimit(ONE_STOP, 1),
    StepLimit(BRANCH, 9),
    StepLimit(StepUnit.TAX),
    StepLimit(BRANCH, 6),
)
COUNTER = "Bộ phận Một cửa"
HOUSE = "Chi nhánh Văn phòng đăng ký đất đai Cai Lậy"
LEG = Gap(at("2026-10-12T10:00"), at("2026-10-19T09:00"))


def sent(
    unit: str | None,
    started: str | None = "2026-10-05T08:10",
    finished: str | None = None,
) -> Step:
    return Step(
        "x", unit, None, at(started) if started else None, None, at(finished) if finished else None
    )


def matched(
    *units: str | None,
    law: Sequence[StepLimit] = TRANSFER,
) -> list[StepLimit | None]:
    return list(matches([sent(unit) for unit in units], law, ()))


@pytest.mark.parametrize(("days", "halves"), [(0.5, 1), (1, 2), (4.5, 9), (17.5, 35)])
def test_days_are_counted_in_halves(days: float, halves: int):
    assert half_days(days) == halves


@pytest.mark.parametrize("days", [0.3, 0, -0.5, 1.25])
def test_a_third_of_a_day_is_refused(days: float):
    with pytest.raises(LimitError, match="a step takes"):
        half_days(days)


def test_half_a_day_is_four_working_hours():
    limit = StepLimit(BRANCH, 9).limit

    assert limit is not None
    assert (limit.quantity, limit.unit) == (36, Unit.WORKING_HOURS)
    assert StepLimit(StepUnit.TAX).limit is None


def test_the_steps_of_a_row_are_not_those_of_a_difficult_commune():
    rule = LimitRule(
        1, "1.013831", "default", "H20", day("2025-12-05"), None, working_days(8), steps=TRANSFER
    )
    plain = Choice(
        rule, rule.limit, (), SupplementPolicy.RESUME, difficult=False, case_assumed=False
    )

    assert plain.steps == TRANSFER
    assert replace(plain, difficult=True).steps == ()


def test_only_the_land_office_is_charged():
    charged = {unit for unit in StepUnit if StepLimit(unit, 1).charged}

    assert charged == {StepUnit.BRANCH, StepUnit.OFFICE}


def test_steps_in_the_order_of_the_law_are_matched_by_their_unit():
    assert matched(COUNTER) == [TRANSFER[0]]
    assert matched(COUNTER, HOUSE) == [TRANSFER[0], TRANSFER[1]]
    assert matched(COUNTER, HOUSE, "Cơ quan Thuế", HOUSE) == list(TRANSFER)
    assert matched("one_stop", "office") == [TRANSFER[0], TRANSFER[1]]


def test_a_step_the_sender_splits_has_no_match_and_the_others_keep_theirs():
    assert matched(COUNTER, HOUSE, HOUSE) == [TRANSFER[0], None, None]
    assert matched(COUNTER, HOUSE, HOUSE, "Chi cục Thuế", HOUSE) == [
        TRANSFER[0],
        None,
        None,
        TRANSFER[2],
        TRANSFER[3],
    ]


def test_what_follows_an_unknown_unit_is_not_guessed():
    assert matched(COUNTER, None, HOUSE) == [TRANSFER[0], None, None]
    assert matched("Phòng Văn thư", HOUSE) == [None, None]


def test_a_unit_the_law_does_not_name_there_is_not_guessed():
    assert matched(HOUSE) == [None]
    assert matched(COUNTER, HOUSE, "Thuế", HOUSE, "Một cửa") == [*TRANSFER, None]


def test_the_law_prints_two_steps_of_one_unit_and_the_sender_one():
    commune = (StepLimit(StepUnit.COMMUNE, 27), StepLimit(StepUnit.COMMUNE, 2))

    assert matched("UBND xã Tân Phú", law=commune) == [None]
    assert matched(COUNTER, law=()) == [None]


def test_a_leg_at_the_tax_office_parts_two_steps_of_one_unit():
    steps = [
        sent(COUNTER, finished="2026-10-05T12:00"),
        sent(HOUSE, "2026-10-05T12:00", "2026-10-12T10:00"),
        sent(HOUSE, "2026-10-19T09:00"),
        sent(HOUSE, None),
    ]

    assert matches(steps[:3], TRANSFER, [LEG]) == (TRANSFER[0], TRANSFER[1], TRANSFER[3])
    assert matches(steps[:3], TRANSFER, [LEG._replace(paid_at=None)])[1:] == (None, None)
    assert matches(steps, TRANSFER, [LEG])[3] is None  # it has not begun


@pytest.mark.parametrize("ended", [None, "2026-10-22T09:00"])
def test_a_step_from_one_appointment_into_the_next_is_no_step_of_the_law(ended: str | None):
    whole = sent(HOUSE, "2026-10-05T12:00", ended)

    assert matches([sent(COUNTER, finished="2026-10-05T12:00"), whole], TRANSFER, [LEG]) == (
        TRANSFER[0],
        None,
    )


def test_a_step_that_ends_while_the_tax_is_awaited_keeps_its_match():
    ended = sent(HOUSE, "2026-10-05T12:00", "2026-10-12T10:05")
    tax = sent("Thuế", "2026-10-12T10:00", "2026-10-19T09:00")

    for leg in (LEG, LEG._replace(paid_at=None)):
        steps = [sent(COUNTER, finished="2026-10-05T12:00"), ended, tax]
        assert matches(steps, TRANSFER, [leg]) == TRANSFER[:3]


@pytest.mark.parametrize(
    ("unit", "kind"),
    [
        ("Trung tâm Phục vụ hành chính công xã Tân Phú", ONE_STOP),
        ("Chi nhánh VPĐKĐĐ thị xã Cai Lậy", BRANCH),
        ("VPĐKĐĐ tỉnh", BRANCH),
        ("Sở Nông nghiệp và Môi trường", StepUnit.DEPARTMENT),
        ("Ủy ban nhân dân phường Mỹ Tho", StepUnit.COMMUNE),
        ("Chi cục Thuế khu vực", StepUnit.TAX),
        ("applicant", StepUnit.APPLICANT),
    ],
)
def test_units_are_told_from_the_words_senders_use(unit: str, kind: StepUnit):
    law = (StepLimit(kind, 3),)

    assert matched(unit, law=law) == list(law)


def judge(step: Step, *stops: Suspension, law: Sequence[StepLimit] = TRANSFER) -> JudgedStep:
    (found,) = judged([step], law, (), stops, official(), NOW)
    return found


def test_the_half_day_before_tet_ends_after_it():
    found = judge(sent(COUNTER, "2026-02-13T15:30", "2026-02-23T09:30"))  # H7

    assert (found.due_at, found.late) == (at("2026-02-23T09:30"), False)
    assert judge(sent(COUNTER, "2026-02-13T15:30", "2026-02-23T09:31")).late


def test_an_open_step_is_late_by_now():
    assert judge(sent(COUNTER)).late
    assert not judge(sent(COUNTER, "2026-10-30T08:00")).late


def test_a_suspension_stops_the_step_it_falls_into():
    pause = stop("2026-10-05T09:10", "2026-10-07T09:10")

    assert judge(sent(COUNTER), pause).due_at == at("2026-10-07T14:10")
    ended = sent(COUNTER, finished="2026-10-05T09:00")
    assert judge(ended, pause).due_at == at("2026-10-05T14:10")
    standing = judge(sent(COUNTER), stop("2026-10-05T09:10", None))
    assert (standing.due_at, standing.late) == (None, None)


def test_a_step_without_a_match_a_limit_or_a_start_has_no_due_moment():
    for step, law in (
        (sent(HOUSE), TRANSFER),
        (sent("Thuế"), TRANSFER[2:3]),
        (sent(COUNTER, None), TRANSFER),
        (sent(COUNTER, "1990-01-01T08:00"), TRANSFER),
    ):
        found = judge(step, law=law)
        assert (found.due_at, found.late) == (None, None)
