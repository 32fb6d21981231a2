"""Four regimes follow each other: which limit the published catalogue gives, by the day of receipt.

A: NĐ 43/2014, to 31/07/2024. B: NĐ 101/2024, to 30/06/2025. C: NĐ 151/2025. D: a province's own.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import deadline
from app.core.codes import procedure_code
from app.core.limits import Choice, LimitRule, NoLimit, choose
from app.service.limits import limit_rule
from tests.core.ground import at, day, official, stop

PROCEDURES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "app/catalogue/procedures.json").read_text(encoding="utf-8")
)
SUBDIVISION_A, SUBDIVISION = "1.004203", "1.012784"
RENEWAL_A, RENEWAL = "1.004199", "1.012783"
DATED = ("valid_from", "valid_until")


@cache
def rules(code: str) -> tuple[LimitRule, ...]:
    """The published rows of a procedure, as the core reads them."""
    found: list[LimitRule] = []
    for procedure in PROCEDURES:
        if procedure["code"] != code:
            continue
        for case in procedure["cases"]:
            for limit in case["limits"]:
                dates = {name: day(limit[name]) if limit[name] else None for name in DATED}
                row = {"id": len(found), "procedure": code, "case": case["case"], "rule": limit}
                found.append(limit_rule(row | dates | {"province": limit["province"]}))
    return tuple(found)


def chosen(
    code: str,
    received: str,
    *,
    case: str | None = "default",
    province: str = "H20",
    difficult: bool = False,
) -> Choice | NoLimit:
    return choose(
        rules(procedure_code(code)),
        case=case,
        received_at=at(received),
        province=province,
        difficult=difficult,
        promised_at=None,
        suspensions=(),
        calendar=official(),
    )


def choice(code: str, received: str, **given: Any) -> Choice:  # noqa: ANN401 fields of any type
    found = chosen(code, received, **given)
    assert isinstance(found, Choice)
    return found


@pytest.mark.parametrize(
    ("code", "received", "province", "days", "ground"),
    [
        (SUBDIVISION_A, "2024-07-31T16:59", "H20", 15, "NĐ 43/2014"),
        (SUBDIVISION, "2024-08-01T07:00", "H20", 15, "NĐ 101/2024"),
        (SUBDIVISION, "2025-06-30T16:59", "H20", 15, "NĐ 101/2024"),
        (SUBDIVISION, "2025-07-01T07:00", "H20", 12, "NĐ 151/2025"),
        (SUBDIVISION, "2025-12-04T16:59", "H20", 12, "NĐ 151/2025"),
        (SUBDIVISION, "2025-12-05T07:00", "H20", 12, "QĐ 138/2025/QĐ-UBND Đồng Tháp Đ16"),
        (SUBDIVISION, "2025-12-05T07:00", "H19", 12, "NĐ 151/2025"),
        (RENEWAL_A, "2024-07-31T16:59", "H20", 7, "NĐ 43/2014"),
        (RENEWAL, "2024-08-01T07:00", "H20", 5, "NĐ 101/2024"),
        (RENEWAL, "2025-12-05T07:00", "H20", 5, "QĐ 138/2025/QĐ-UBND Đồng Tháp Đ15.1"),
    ],
)
def test_the_day_of_receipt_chooses_the_regime(
    code: str, received: str, province: str, days: int, ground: str
):
    found = choice(code, received, province=province)

    assert found.limit.quantity == days
    assert found.rule.ground.startswith(ground)


@pytest.mark.parametrize(
    ("code", "received"),
    [(SUBDIVISION_A, "2024-08-01T07:00"), (SUBDIVISION, "2024-07-31T16:59")],
)
def test_a_code_outside_its_regime_has_no_limit(code: str, received: str):
    assert chosen(code, received) is NoLimit.DAY


def test_the_edge_is_midnight_in_viet_nam_whatever_the_zone_of_the_sender():
    last, first = "2025-06-30T16:59:59+00:00", "2025-06-30T17:00:00+00:00"

    assert choice(SUBDIVISION, last).limit.quantity == 15
    assert choice(SUBDIVISION, first).limit.quantity == 12


def test_a_provinces_own_row_brings_its_two_appointments():
    before, after = choice("1.013831", "2025-12-04T16:59"), choice("1.013831", "2025-12-05T07:00")

    assert (before.limit, before.stages) == (after.limit, ())
    assert [stage.quantity for stage in after.stages] == [5, 3]
    assert choice("1.013831", "2025-12-05T07:00", province="H19").stages == ()


@pytest.mark.parametrize(
    ("code", "received", "plain", "difficult"),
    [
        (SUBDIVISION_A, "2024-07-31T09:00", 15, 25),
        (SUBDIVISION, "2024-08-01T09:00", 15, 25),
        (SUBDIVISION, "2025-07-01T09:00", 12, 22),
        (SUBDIVISION, "2025-12-05T09:00", 12, 22),
        ("1.013967", "2025-07-01T09:00", 45, 60),  # no formula: 45 → 60 and 7 → 25 days
        ("1.013988", "2025-07-01T09:00", 0, 0),  # the same day everywhere
    ],
)
def test_a_difficult_commune_has_its_own_figure_in_each_regime(
    code: str, received: str, plain: int, difficult: int
):
    figures = [choice(code, received, difficult=which).limit.quantity for which in (False, True)]

    assert figures == [plain, difficult]


@pytest.mark.parametrize("received", ["2024-07-31T09:00", "2024-08-01T09:00", "2025-06-30T09:00"])
def test_until_june_2025_a_supplement_starts_the_limit_again(received: str):
    code = SUBDIVISION_A if received < "2024-08-01" else SUBDIVISION

    assert choice(code, received).policy == "restart"
    assert choice(SUBDIVISION, "2025-07-01T09:00").policy == "resume"


def test_the_same_facts_a_day_apart_in_two_regimes_are_due_by_two_laws():
    due = []
    for received in ("2025-06-30T09:00", "2025-07-01T09:00"):
        found = choice(SUBDIVISION, received)
        stops = [stop("2025-07-03T09:00", "2025-07-10T09:00")]
        due.append(deadline(at(received), found.limit, stops, official(), found.policy).due_on)

    # B: 15 days anew after 10/7. C: 2 of 12 used by 3/7, 10 left after 10/7.
    assert due == [day("2025-07-31"), day("2025-07-24")]


@pytest.mark.parametrize(
    "code",
    [
        "1.012784",
        "1.012784.H19",
        "1.012784.h20",
        "1.012784.000.00.00.H01",
        "1.012784.000.00.00.H20",
        " 1.012784.H19\n",
    ],
)
def test_a_suffix_names_the_sender_and_not_the_law(code: str):
    found = choice(code, "2025-12-05T07:00")

    assert (found.rule.procedure, found.rule.province) == (SUBDIVISION, "H20")


@pytest.mark.parametrize(
    ("group", "before", "after"),
    [
        ("first_registration", "1.005398", "1.012753"),
        ("transfer", "2.000889", "1.013831"),
        ("renewal", RENEWAL_A, RENEWAL),
        ("reissue", "1.005194", "1.012786"),
        ("subdivision", SUBDIVISION_A, SUBDIVISION),
        ("correction", "1.004193", "1.012790"),
        ("name_change", "1.004227", "1.013833"),
        ("revocation", "1.004177", "1.012791"),
        ("allocation", "1.013949", "1.115428"),
        ("allocation", "1.013949", "1.115438"),
    ],
)
def test_a_group_survives_re_coding(group: str, before: str, after: str):
    groups = {procedure["code"]: procedure["group"] for procedure in PROCEDURES}

    assert (groups[before], groups[after]) == (group, group)


def test_what_is_not_confirmed_travels_with_the_limit():
    rule = choice("1.012784", "2024-08-01T07:00").rule

    assert rule.source.startswith("collected table of time limits under NĐ 101/2024")
    assert rule.confidence == "memory_medium"
    assert rule.doubt == "that this code was in use from 2024-08-01 to 2025-06-30 is not confirmed"


def test_every_limit_has_a_source_and_a_confidence_and_what_was_not_found_a_doubt():
    held = [rule for procedure in PROCEDURES for rule in rules(procedure["code"])]

    assert len(held) > 100
    assert [rule.ground for rule in held if not (rule.source and rule.confidence)] == []
    assert [rule.ground for rule in held if rule.confidence != "found" and not rule.doubt] == []
