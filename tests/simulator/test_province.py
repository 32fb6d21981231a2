from datetime import date, datetime
from typing import Any

import pytest

from app.simulator import year
from app.simulator.plan import Plan
from app.simulator.province import Province, Terms, province

BRANCHES = [{"code": "H20.16.01", "name": "Khu vực I"}, {"code": "H20.16.02", "name": "Khu vực II"}]
COMMUNES = [
    {
        "code": "1",
        "name": "Xã A",
        "branch": "H20.16.01",
        "difficult_from": "2026-01-01",
        "difficult_until": None,
    }
]
CALENDAR = {"days": [{"date": "2026-02-16", "kind": "off", "name": "Tết Nguyên đán"}]}


def small(*limits: dict[str, Any]) -> Province:
    cases = [{"case": "default", "limits": list(limits)}]
    return province(BRANCHES, COMMUNES, [{"code": "1.013831", "cases": cases}], CALENDAR)


def terms(place: Province, on: date) -> tuple[Terms, Terms]:
    limit = place.procedures[0].cases[0].limit(on.toordinal())
    assert limit is not None
    return limit.terms, limit.difficult


@pytest.mark.parametrize(
    ("limit", "plain", "difficult"),
    [
        ({"quantity": 8, "unit": "working_days"}, Terms(8), Terms(8)),
        ({"quantity": 7, "difficult": {"quantity": 25}}, Terms(7), Terms(25)),
        ({"quantity": 7, "difficult": 25}, Terms(7), Terms(25)),
        ({"quantity": 12, "unit": "working_hours"}, Terms(2), Terms(2)),
        ({"quantity": 2, "unit": "calendar_months"}, Terms(60, calendar=True), None),
        ({"quantity": 0, "cutoff": "15:00"}, Terms(0, cutoff=21_600), None),
        ({"stages": [5, {"quantity": 3}]}, Terms(8, stages=(Terms(5), Terms(3))), None),
    ],
)
def test_a_limit_is_read_however_it_is_written(
    limit: dict[str, Any], plain: Terms, difficult: Terms | None
):
    read = terms(small(limit), date(2026, 5, 4))

    assert read == (plain, difficult or plain)


def test_the_provinces_own_limit_goes_before_the_nations_while_it_is_in_force():
    place = small(
        {"quantity": 8, "province": None},
        {"quantity": 5, "province": "H20", "valid_from": "2026-01-01", "valid_until": "2026-06-30"},
        {"quantity": 1, "province": "H26"},
    )
    days = [terms(place, date(2026, month, 30))[0].days for month in (1, 6, 7)]

    assert days == [5, 5, 8]


def test_a_commune_is_difficult_from_its_day_on():
    [commune] = small({"quantity": 8}).branches[0].communes

    assert not commune.is_difficult(date(2025, 12, 31).toordinal())
    assert commune.is_difficult(date(2026, 1, 1).toordinal())


def test_a_branch_without_communes_receives_nothing_and_one_alone_is_never_silent(until: datetime):
    place = small({"quantity": 8})
    plan = Plan(1, 50, place, until)
    branches = {record.branch for n in range(50) for record in year.dossier(1, n, plan)}

    assert branches == {"H20.16.01"}
    assert plan.silent is None


def test_a_catalogue_without_procedures_cannot_be_played():
    with pytest.raises(ValueError, match="nothing to play"):
        province(BRANCHES, COMMUNES, [], CALENDAR)
