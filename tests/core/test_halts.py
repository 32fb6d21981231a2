"""The law behind a stop is named only where it is known for that receipt and that limit."""

import pytest

from app.core.clock import Reason
from app.core.halts import halts
from tests.core.ground import day

ANNEX = "NĐ 151/2025/NĐ-CP Phụ lục I Phần V mục A.II"
PROVINCE = "QĐ 138/2025/QĐ-UBND Đồng Tháp"
MORTGAGE = "NĐ 99/2022/NĐ-CP Điều 16 khoản 1"
OLD = "NĐ 43/2014/NĐ-CP Điều 61"


@pytest.mark.parametrize(
    ("received", "limit", "reason", "ground"),
    [
        ("2026-10-05", f"{PROVINCE} Đ30.1", Reason.FINANCIAL_OBLIGATION,
         f"{ANNEX}; {PROVINCE} Đ5 k3"),
        ("2026-10-05", f"{PROVINCE} Đ30.1", Reason.PUBLIC_POSTING, f"{ANNEX}; {PROVINCE}"),
        ("2025-08-05", f"{ANNEX}; QĐ 2228/QĐ-UBND", Reason.EXPERT_APPRAISAL, ANNEX),
        ("2024-07-31", OLD, Reason.VIOLATION_HANDLING, "NĐ 43/2014/NĐ-CP Đ61"),
        ("2024-08-01", OLD, Reason.VIOLATION_HANDLING, None),
        ("2024-07-31", OLD, Reason.PUBLIC_POSTING, None),
        ("2025-02-01", "NĐ 101/2024/NĐ-CP Điều 22", Reason.EXPERT_APPRAISAL, None),
        ("2026-10-05", MORTGAGE, Reason.FORCE_MAJEURE, "NĐ 99/2022/NĐ-CP Đ16 k3"),
        ("2026-10-05", MORTGAGE, Reason.FINANCIAL_OBLIGATION, None),
        ("2026-10-05", PROVINCE, Reason.FORCE_MAJEURE, None),
        ("2026-10-05", PROVINCE, Reason.SUPPLEMENT, "a policy"),
    ],
)  # fmt: skip
def test_a_stop_has_the_ground_of_its_day_and_limit(
    received: str, limit: str, reason: Reason, ground: str | None
):
    assert halts(day(received), limit, "a policy").get(reason) == ground


def test_a_supplement_without_a_published_policy_has_none():
    assert halts(day("2026-10-05"), "", None) == {}
