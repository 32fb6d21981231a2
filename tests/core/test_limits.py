"""Which limit applies: dated data, chosen by the day of receipt."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.core.clock import Limit, SupplementPolicy, Suspension, Unit
from app.core.limits import Choice, Law, LimitRule, NoLimit, SupplementRule, choose, in_force
from tests.core.ground import at, day, official, stop, working_days

FIVE = LimitRule(
    id=1,
    procedure="1.012783",
    case="đổi tên",
    province=None,
    valid_from=day("2025-07-01"),
    valid_until=None,
    limit=working_days(5),
)
TEN = replace(FIVE, id=2, case="đo đạc lại", limit=working_days(10))
RULES = (FIVE, TEN)
RECEIVED = "2026-07-06T09:15"  # 5 working days: 13 July; 10: 20 July


def chosen(rules: tuple[LimitRule, ...] | None = RULES, **given: Any) -> Choice | NoLimit:  # noqa: ANN401 fields of any type
    asked: dict[str, Any] = {
        "case": None,
        "received_at": at(RECEIVED),
        "province": "H20",
        "difficult": False,
        "promised_at": None,
        "suspensions": (),
        "calendar": official(),
    }
    return choose(rules, **(asked | given))


def choice(*rules: LimitRule, **given: Any) -> Choice:  # noqa: ANN401 fields of any type
    found = chosen(rules or RULES, **given)
    assert isinstance(found, Choice)
    return found


@pytest.mark.parametrize(
    ("rules", "given", "why"),
    [
        (None, {}, NoLimit.PROCEDURE),
        ((), {}, NoLimit.PROCEDURE),
        (RULES, {"case": "tặng cho"}, NoLimit.CASE),
        (RULES, {"difficult": None}, NoLimit.COMMUNE),
        (RULES, {"received_at": at("2025-06-30T23:59")}, NoLimit.DAY),
        ((replace(FIVE, province="H19"),), {}, NoLimit.DAY),
        (
            (FIVE, replace(TEN, valid_until=day("2025-12-31"))),
            {"case": "đo đạc lại"},
            NoLimit.DAY,  # known, but no longer in force
        ),
    ],
)
def test_where_no_limit_can_be_chosen_it_says_why(
    rules: tuple[LimitRule, ...] | None, given: dict[str, Any], why: NoLimit
):
    assert chosen(rules, **given) is why


@pytest.mark.parametrize("on", ["2025-07-01T00:00", "2025-12-31T23:59:59"])
def test_a_rule_holds_on_its_first_day_and_on_its_last(on: str):
    dated = replace(FIVE, valid_until=day("2025-12-31"))

    assert choice(dated, received_at=at(on)).rule is dated


@pytest.mark.parametrize("on", ["2025-06-30T23:59:59", "2026-01-01T00:00"])
def test_a_rule_does_not_hold_a_day_before_or_after(on: str):
    dated = replace(FIVE, valid_until=day("2025-12-31"))

    assert chosen((dated,), received_at=at(on)) is NoLimit.DAY


def test_the_day_of_receipt_is_a_day_in_viet_nam():
    dated = replace(FIVE, valid_from=day("2026-07-06"))

    assert choice(dated, received_at=at("2026-07-05T17:00:00+00:00")).rule is dated


def test_each_receipt_has_the_rule_of_its_day():
    old = replace(FIVE, id=3, valid_until=day("2026-07-05"), limit=working_days(8))
    new = replace(FIVE, id=4, valid_from=day("2026-07-06"))

    limits = [
        choice(old, new, received_at=at(received)).limit.amount
        for received in ("2026-07-05T09:00", "2026-07-06T09:00")
    ]

    assert limits == [8, 5]


@pytest.mark.parametrize("order", [1, -1])
def test_a_provinces_own_row_wins_while_it_is_in_force(order: int):
    own = replace(FIVE, id=3, province="H20", limit=working_days(4), valid_from=day("2026-07-01"))
    rules = (FIVE, own)[::order]

    assert choice(*rules).rule is own
    assert choice(*rules, province="H19").rule is FIVE
    assert choice(*rules, received_at=at("2026-06-30T09:00")).rule is FIVE
    assert in_force(rules, date(2026, 7, 6), "H20") == {"đổi tên": own}


def test_a_difficult_commune_has_its_own_limit_and_stages_where_the_law_gives_one():
    longer = replace(
        FIVE, difficult=working_days(15), difficult_stages=(working_days(10), working_days(5))
    )

    there, here = choice(longer, difficult=True), choice(longer, difficult=False)

    assert (there.limit.amount, there.difficult) == (15, True)
    assert [stage.amount for stage in there.stages] == [10, 5]
    assert (here.limit.amount, here.difficult, here.stages) == (5, False, ())
    assert choice(FIVE, difficult=True).difficult is False


def test_one_case_alone_is_not_assumed():
    assert not choice(FIVE).case_assumed
    assert not choice(case="đổi tên").case_assumed


@pytest.mark.parametrize(
    ("promised", "case"),
    [
        (None, "đo đạc lại"),  # the longest: never accuse wrongly
        ("2026-07-13T17:00", "đổi tên"),
        ("2026-07-20T07:00", "đo đạc lại"),
        ("2026-07-15T17:00", "đo đạc lại"),  # a promise no case gives
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_without_a_case_the_promise_tells_it_else_the_longest(
    promised: str | None, case: str, order: int
):
    found = choice(*RULES[::order], promised_at=at(promised) if promised else None)

    assert found.rule.case == case
    assert found.case_assumed


def test_the_promise_may_be_of_the_first_appointment():
    staged = replace(TEN, stages=(working_days(7), working_days(3)))

    assert choice(staged, FIVE, promised_at=at("2026-07-15T17:00")).rule is staged


def test_the_promise_may_be_the_one_moved_by_a_suspension():
    stops: tuple[Suspension, ...] = (stop("2026-07-08T09:00", "2026-07-10T09:00"),)

    found = choice(promised_at=at("2026-07-15T17:00"), suspensions=stops)

    assert found.rule is FIVE


def test_an_open_suspension_hides_no_case():
    stops = (stop("2026-07-08T09:00", None),)

    assert choice(promised_at=at("2026-07-13T17:00"), suspensions=stops).rule is FIVE
    assert choice(suspensions=stops).rule is TEN


@pytest.mark.parametrize(
    ("received", "own", "later", "policy"),
    [
        ("2025-06-30T16:00", None, "resume", "restart"),  # NĐ 61/2018 Đ19 k4
        ("2025-07-01T08:00", None, "resume", "resume"),
        ("2025-07-01T08:00", None, "restart", "restart"),  # a setting per regime
        ("2025-06-30T16:00", "resume", "restart", "resume"),  # the row's own word comes first
        ("2026-07-01T08:00", "restart", "resume", "restart"),
    ],
)
def test_a_supplement_restarts_by_the_row_else_by_the_day_of_receipt(
    received: str, own: str | None, later: str, policy: str
):
    rule = replace(
        FIVE, valid_from=day("2025-01-01"), policy=SupplementPolicy(own) if own else None
    )
    supplements = (
        SupplementRule(SupplementPolicy.RESTART, None, day("2025-06-30")),
        SupplementRule(SupplementPolicy(later), day("2025-07-01"), None),
    )

    found = choice(rule, received_at=at(received), supplements=supplements)

    assert found.policy == policy


def test_units_are_compared_by_the_due_day_they_give():
    fortnight = replace(FIVE, id=5, case="hoà giải", limit=Limit(16, Unit.CALENDAR_DAYS))

    assert choice(TEN, fortnight).rule is fortnight  # 22 July against 20 July


def test_a_figure_for_a_difficult_commune_brings_its_own_doubt_along():
    rule = replace(RULES[0], doubt="chưa rõ", difficult=working_days(18), difficult_note="suy ra")

    assert choice(rule, difficult=False).doubts == ("chưa rõ",)
    assert choice(rule, difficult=True).doubts == ("chưa rõ", "suy ra")
    assert choice(replace(rule, doubt=None), difficult=False).doubts == ()


def test_the_doubt_of_a_procedure_stands_before_that_of_its_limit():
    rule = replace(RULES[0], procedure_doubt="mã theo trí nhớ", doubt="chưa rõ")

    assert choice(rule, difficult=False).doubts == ("mã theo trí nhớ", "chưa rõ")


def test_what_may_apply_on_a_day_is_worked_out_once(monkeypatch: pytest.MonkeyPatch):
    law, on = Law(RULES), date(2026, 7, 6)

    first = law.choices(on, "H20", None, difficult=False)

    assert law.choices(on, "H20", None, difficult=False) is first
    assert law.choices(on, "H20", "không có", difficult=False) is NoLimit.CASE
    monkeypatch.setattr("app.core.limits._REMEMBERED", 1)
    law.choices(date(2026, 7, 7), "H20", None, difficult=False)  # too many: forgotten, not wrong
    again = law.choices(on, "H20", None, difficult=False)
    assert again == first
    assert again is not first
