"""What is published holds together: a day of receipt has one limit, each field is one we know."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import publications
from app.db.engine import Sessions
from app.db.tables import limit_rule
from app.service import changes
from app.service.changes import NotPublishableError
from app.service.explain import explain
from app.service.publish import publish, sample
from app.service.recompute import recompute
from app.service.rules import RuleBook
from tests.catalogues import as_it_was
from tests.service.simulated import CATALOGUE, UNTIL, send, stored
from tests.web.wire import code, finished, record

LAW = "9.876543"


@pytest.fixture(autouse=True)
def _as_it_was(sessions: Sessions) -> Iterator[None]:
    with as_it_was(sessions):
        yield


def limit(since: str, until: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    held = {"valid_from": since, "valid_until": until, "quantity": 3, "unit": "working_days"}
    return held | more


def law(*limits: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    case = {"case": "default", "name": "Chung", "limits": list(limits)}
    return {"code": LAW, "name": "Thủ tục mới", "cases": [case]} | changes


def put(session: Session, *items: dict[str, Any]) -> int:
    made = publish(session, changes.procedures(items), "test", UNTIL)
    return made.changed if made else 0


def refused(session: Session, *items: dict[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with them; nothing of them is published."""
    before = publications.version(session)
    with pytest.raises(NotPublishableError) as told:
        put(session, *items)
    assert publications.version(session) == before
    assert all(problem.detail in str(told.value) for problem in told.value.problems)
    return told.value.problems


def read(name: str) -> Any:  # noqa: ANN401 JSON
    return json.loads((CATALOGUE / name).read_text(encoding="utf-8"))


def rows(session: Session, procedure: str = LAW) -> list[Any]:
    query = select(limit_rule).where(limit_rule.c.procedure == procedure).order_by(limit_rule.c.id)
    return list(session.execute(query))


# -------------------------------------------------------------------- overlaps and gaps

A = limit("2018-06-21", "2024-07-31")
B = limit("2024-08-01", "2025-06-30")
C = limit("2025-07-01")
OWN = limit("2025-12-05", province="H20")


@pytest.mark.parametrize(
    ("limits", "both"),
    [
        ([C, C], ("2025-07-01 – …", "2025-07-01 – …")),
        ([C, B | {"valid_until": "2025-07-01"}], ("2024-08-01 – 2025-07-01", "2025-07-01 – …")),
        ([B | {"valid_until": None}, C], ("2024-08-01 – …", "2025-07-01 – …")),
        ([A | {"valid_until": None}, C, B], ("2018-06-21 – …", "2024-08-01 – 2025-06-30")),
        # one day inside another row
        (
            [A, limit("2020-01-01", "2020-01-01")],
            ("2018-06-21 – 2024-07-31", "2020-01-01 – 2020-01-01"),
        ),
    ],
    ids=range(5),
)
def test_two_limits_on_one_day_are_refused_and_both_are_named(
    session: Session, limits: list[dict[str, Any]], both: tuple[str, str]
):
    problem = refused(session, law(*limits))[0]

    assert problem.field == f"{LAW}.default.national"
    assert "in force at once" in problem.detail
    assert all(row in problem.detail for row in both)


@pytest.mark.parametrize(
    ("limits", "both"),
    [
        ([A, C], ("2018-06-21 – 2024-07-31", "2025-07-01 – …")),
        ([C, A], ("2018-06-21 – 2024-07-31", "2025-07-01 – …")),
        ([A, B, limit("2025-07-02")], ("2024-08-01 – 2025-06-30", "2025-07-02 – …")),  # one day
    ],
    ids=range(3),
)
def test_a_gap_is_refused_and_both_its_sides_are_named(
    session: Session, limits: list[dict[str, Any]], both: tuple[str, str]
):
    (problem,) = refused(session, law(*limits))

    assert problem.field == f"{LAW}.default.national"
    assert "no limit is in force between" in problem.detail
    assert all(row in problem.detail for row in both)


def test_a_gap_that_is_meant_is_published(session: Session):
    assert put(session, law(A | {"ends": True}, C)) == 3
    assert [row.rule.get("ends") for row in rows(session)] == [True, None]


def test_a_rule_without_a_last_day_has_not_ended(session: Session):
    (problem,) = refused(session, law(C | {"ends": True}))

    assert problem.detail.startswith("give valid_until")


def test_provinces_and_cases_are_held_apart(session: Session):
    two = law(A, B, C, OWN, OWN | {"province": "H19"})
    two["cases"].append({"case": "other", "name": "Khác", "limits": [B]})

    assert put(session, two) == 7


def test_an_overlap_of_a_province_names_the_province(session: Session):
    (problem,) = refused(session, law(A, B, C, OWN, limit("2026-07-01", province="H20")))

    assert problem.field == f"{LAW}.default.H20"
    assert "2025-12-05 – …" in problem.detail
    assert "2026-07-01 – …" in problem.detail


def test_a_rows_last_day_may_be_the_end_of_the_procedure(session: Session):
    assert put(session, law(A)) == 2


def test_all_that_is_wrong_is_told_at_once(session: Session):
    two = law(A, C), law(B | {"valid_until": None}, C, code="9.876544")

    assert [problem.field for problem in refused(session, *two)] == [
        f"{LAW}.default.national",
        "9.876544.default.national",
    ]


# -------------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (law(C | {"valid_untill": "2026-01-01"}), f"{LAW}.cases.0.limits.0.valid_untill"),
        (law(A, B, C | {"quantity": -1}), f"{LAW}.cases.0.limits.2.quantity"),
        (law(C | {"quantity": 10**9}), f"{LAW}.cases.0.limits.0.quantity"),
        (law(C | {"quantity": float("nan")}), f"{LAW}.cases.0.limits.0.quantity"),
        (law(C | {"unit": "weeks"}), f"{LAW}.cases.0.limits.0.unit"),
        (law(C | {"province": "Đồng Tháp"}), f"{LAW}.cases.0.limits.0.province"),
        (law(C | {"province": "h20"}), f"{LAW}.cases.0.limits.0.province"),
        (law(limit("1/7/2025")), f"{LAW}.cases.0.limits.0.valid_from"),
        (law(C | {"difficult": 13}), f"{LAW}.cases.0.limits.0.difficult"),
        (law(C | {"stages": [{"quantity": 2}]}), f"{LAW}.cases.0.limits.0.stages.0.unit"),
        (law(C | {"cutoff": "15:00+07:00"}), f"{LAW}.default.national"),
        (law(C | {"valid_until": "2025-06-30"}), f"{LAW}.default.national"),
        (law(C, hạn=3), f"{LAW}.hạn"),
        (law(C, cases=[]), f"{LAW}.cases"),
        (law(C, code="9.876543.H20"), "code"),
        (law(C, code="9.876543.000.00.00.H01"), "code"),
        ({}, "code"),
    ],
    ids=range(17),
)
def test_a_wrong_shape_is_refused_and_its_field_is_named(
    session: Session, item: dict[str, Any], field: str
):
    told = refused(session, item)

    assert field in [problem.field for problem in told]


def test_what_is_said_twice_is_refused(session: Session):
    twice = law(C)
    twice["cases"] *= 2

    assert [one.field for one in refused(session, twice)] == [f"{LAW}.default"]
    assert [one.field for one in refused(session, law(C), law(B))] == [LAW]


def test_an_unknown_member_of_an_office_is_refused():
    office = read("dong_thap.json")
    office["communes"][3]["difficult_form"] = "2026-01-01"

    with pytest.raises(NotPublishableError) as told:
        changes.office(office)
    assert [one.field for one in told.value.problems] == ["communes.3.difficult_form"]


# -------------------------------------------------------------------- versions


def test_the_catalogue_of_the_program_is_published_already_and_moves_nothing(session: Session):
    before = [row.id for row in session.execute(select(limit_rule).order_by(limit_rule.c.id))]

    version = publications.version(session)
    sample(session, "test", UNTIL)

    assert publications.version(session) == version

    after = [row.id for row in session.execute(select(limit_rule).order_by(limit_rule.c.id))]
    assert after == before


@pytest.mark.parametrize(
    "same",
    [
        {"quantity": 3.0},
        {"cutoff": None, "doubt": None, "ground": "", "ends": False},
        {"valid_from": "2025-07-01T00:00:00"},
    ],
    ids=range(3),
)
def test_the_same_law_in_other_words_is_the_same_row(session: Session, same: dict[str, Any]):
    assert put(session, law(C)) == 2

    assert put(session, law(C | same)) == 0
    assert len(rows(session)) == 1


def test_a_changed_row_is_superseded_and_the_others_keep_their_ids(session: Session):
    put(session, law(A, B, C))
    first = rows(session)

    assert put(session, law(A, B, C | {"quantity": 2})) == 1

    again = rows(session)
    assert [row.id for row in again[:3]] == [row.id for row in first]
    assert [row.superseded_in is None for row in again] == [True, True, False, True]
    assert again[2].superseded_in == again[3].published_in == publications.version(session)


def test_a_row_left_out_is_superseded(session: Session):
    put(session, law(A, B, C))

    assert put(session, law(B, C)) == 1
    assert [row.superseded_in is None for row in rows(session)] == [False, True, True]


def test_a_closed_dossier_keeps_the_superseded_row_it_was_judged_by(
    sessions: Sessions, book: RuleBook
):
    eight = law(limit("2026-01-01", quantity=8, ground="luật cũ", doubt="chưa rõ"))
    with sessions.begin() as session:
        put(session, eight)
    assert recompute(sessions, book, UNTIL) == (0, 0, True)
    lines = [record(1, procedure=LAW), finished(2, "2026-11-18", procedure=LAW)]
    send(sessions, book, [json.dumps(one).encode() for one in lines])
    old = {held["code"]: held for held in stored(sessions)}

    five = deepcopy(eight)
    five["cases"][0]["limits"][0] |= {"quantity": 5, "ground": "luật mới", "doubt": None}
    with sessions.begin() as session:
        assert put(session, five) == 1
    assert recompute(sessions, book, UNTIL) == (1, 1, True)

    new = {held["code"]: held for held in stored(sessions)}
    assert new[code(2)] == old[code(2)]
    assert [str(held["due_on"]) for held in (old[code(1)], new[code(1)])] == [
        "2026-11-27",
        "2026-11-23",
    ]
    with sessions() as session:
        told = {
            one: explain(session, new[code(one)], book, book.in_force(session)).findings.choice
            for one in (1, 2)
        }
    open_one, closed = told[1], told[2]
    assert open_one is not None
    assert closed is not None
    assert (open_one.rule.ground, open_one.rule.doubt) == ("luật mới", None)
    assert (closed.rule.ground, closed.rule.doubt) == ("luật cũ", "chưa rõ")
