"""The law that lets a clock stop, by reason: named only where it is known for that receipt."""

from datetime import date

from app.core.clock import Reason

_MORTGAGE = "NĐ 99/2022"
_DECREE_43 = "NĐ 43/2014"
_DECREE_151 = "NĐ 151/2025"
_DONG_THAP = "QĐ 138/2025/QĐ-UBND Đồng Tháp"
_DECREE_151_FROM = date(2025, 7, 1)
_DECREE_43_UNTIL = date(2024, 7, 31)

_LAND = (Reason.FINANCIAL_OBLIGATION, Reason.VIOLATION_HANDLING, Reason.EXPERT_APPRAISAL)


def halts(received_on: date, limit_ground: str, supplement_ground: str | None) -> dict[Reason, str]:
    """The ground of each reason for a receipt of that day under a limit; none where not known.

    `limit_ground` is the article of the limit and tells which text rules the procedure;
    `supplement_ground` that of the policy in force, if any was published.

    Source: NĐ 43/2014 Đ61; NĐ 151/2025 Phụ lục I Phần V mục A.II; ĐT138 Đ5 k3; NĐ 99/2022 Đ16 k3.
    """
    found: dict[Reason, str] = {}
    if supplement_ground:
        found[Reason.SUPPLEMENT] = supplement_ground
    if limit_ground.startswith(_MORTGAGE):
        found[Reason.FORCE_MAJEURE] = "NĐ 99/2022/NĐ-CP Đ16 k3"
    elif received_on <= _DECREE_43_UNTIL and limit_ground.startswith(_DECREE_43):
        found |= dict.fromkeys(_LAND, "NĐ 43/2014/NĐ-CP Đ61")
    elif received_on >= _DECREE_151_FROM and limit_ground.startswith((_DECREE_151, _DONG_THAP)):
        annex = "NĐ 151/2025/NĐ-CP Phụ lục I Phần V mục A.II"
        by_province = limit_ground.startswith(_DONG_THAP)
        whole = f"{annex}; {_DONG_THAP}" if by_province else annex
        found |= dict.fromkeys((*_LAND, Reason.PUBLIC_POSTING), whole)
        if by_province:
            found[Reason.FINANCIAL_OBLIGATION] = f"{annex}; {_DONG_THAP} Đ5 k3"
    return found
