"""Names of applicants and officers, put together out of word lists: nobody's in particular."""

from random import Random
from typing import Final

# The commoner, the more often listed.
FAMILIES: Final = (
    *("Nguyễn",) * 12,
    *("Trần",) * 5,
    *("Lê",) * 4,
    *("Phạm",) * 3,
    *("Huỳnh",) * 3,
    *("Võ",) * 2,
    *("Phan",) * 2,
    *("Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Trương", "Đinh", "Lâm", "Mai", "Cao"),
    *("Tô", "Châu", "Hà", "Thạch", "Lương", "Tạ", "Quách"),
)
MEN_MIDDLES: Final = ("Văn", "Văn", "Hữu", "Minh", "Quốc", "Thành", "Công", "Đức", "Hoàng", "Ngọc")
WOMEN_MIDDLES: Final = ("Thị", "Thị", "Thị", "Ngọc", "Kim", "Thanh", "Mỹ", "Hồng", "Thu", "Bích")
MEN: Final = (
    *("An", "Bình", "Chiến", "Cường", "Dũng", "Đạt", "Hải", "Hậu", "Hiếu", "Hòa", "Hùng", "Khang"),
    *("Khoa", "Kiệt", "Lộc", "Long", "Lực", "Mẫn", "Nam", "Nghĩa", "Nhân", "Phát", "Phong", "Phú"),
    *(
        "Phước",
        "Quân",
        "Sang",
        "Sơn",
        "Tài",
        "Tâm",
        "Thắng",
        "Thịnh",
        "Toàn",
        "Trí",
        "Tuấn",
        "Vinh",
    ),
)
WOMEN: Final = (
    *("Ánh", "Chi", "Cúc", "Diễm", "Dung", "Duyên", "Đào", "Giang", "Hạnh", "Hằng", "Hiền", "Hoa"),
    *("Huệ", "Hương", "Lan", "Liên", "Linh", "Loan", "Mai", "Nga", "Ngân", "Nhàn", "Nhung", "Oanh"),
    *(
        "Phượng",
        "Quyên",
        "Sen",
        "Thảo",
        "Thơ",
        "Thủy",
        "Trang",
        "Trinh",
        "Tuyết",
        "Uyên",
        "Xuân",
        "Yến",
    ),
)
TRADES: Final = (
    *("Xây dựng", "Thương mại Dịch vụ", "Đầu tư Địa ốc", "Chế biến Thủy sản", "Lương thực"),
    *("Vận tải", "Cơ khí", "Nông sản", "Vật liệu Xây dựng", "May mặc"),
)
BRANDS: Final = (
    *("Sen Hồng", "Tân Phát", "Đồng Xanh", "Phù Sa", "Cửu Long", "Hưng Thịnh", "An Bình"),
    *("Phú Cường", "Sông Tiền", "Minh Quang", "Thành Đạt", "Hòa Lợi"),
)
BODIES: Final = ("Ủy ban nhân dân", "Trạm Y tế", "Trường Tiểu học", "Trường Mầm non", "Công an")
UNIONS: Final = (
    "Hợp tác xã Nông nghiệp",
    "Hội Nông dân",
    "Chùa",
    "Giáo xứ",
    "Quỹ tín dụng nhân dân",
)

CITIZENS: Final = 0.92
ENTERPRISES: Final = 0.97
STATE_BODIES: Final = 0.985


def person(rng: Random) -> str:
    """Return a person's full name: family, middle and given."""
    chance = rng.random
    family = FAMILIES[int(chance() * len(FAMILIES))]
    if chance() < 0.5:  # noqa: PLR2004 - half
        middles, givens = MEN_MIDDLES, MEN
    else:
        middles, givens = WOMEN_MIDDLES, WOMEN
    middle = middles[int(chance() * len(middles))]
    return f"{family} {middle} {givens[int(chance() * len(givens))]}"


def applicant(rng: Random, commune: str) -> tuple[str, str]:
    """Return the kind of an applicant and a name to match; bodies and unions are a commune's."""
    chance = rng.random
    lot = chance()
    if lot < CITIZENS:
        return "citizen", person(rng)
    if lot < ENTERPRISES:
        trade, brand = TRADES[int(chance() * len(TRADES))], BRANDS[int(chance() * len(BRANDS))]
        return "enterprise", f"Công ty TNHH {trade} {brand}"
    if lot < STATE_BODIES:
        return "state_body", f"{BODIES[int(chance() * len(BODIES))]} {commune}"
    return "organisation", f"{UNIONS[int(chance() * len(UNIONS))]} {commune}"
