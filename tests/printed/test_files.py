"""A file is called after its report, unit and period, in letters every system takes."""

from datetime import datetime

import pytest

from app.core.periods import free
from app.printed.files import Format, name, spoken_name
from tests.jobs.rows import vn
from tests.printed.documents import document


def test_a_branch_is_named_by_its_code():
    assert name(document(), Format.XLSX) == "on-time_H20.16.03_2026-RQ3.xlsx"
    assert spoken_name(document(), Format.CSV) == "on-time Chi nhánh khu vực III 2026-RQ3.csv"


def test_an_office_is_named_without_marks():
    held = document(branch=None, unit="Văn phòng Đăng ký đất đai tỉnh Đồng Tháp")

    assert name(held, Format.XLSX).startswith(
        "on-time_Van-phong-Dang-ky-dat-dai-tinh-Dong-Thap_2026-RQ3"
    )


@pytest.mark.parametrize("unit", ['a"; b\r\nX: y', "../../etc/passwd", "土地", "_", "x" * 500])
def test_no_name_of_a_unit_breaks_out(unit: str):
    held = document(branch=None, unit=unit)
    plain, whole = name(held, Format.CSV), spoken_name(held, Format.CSV)

    assert plain.isascii()
    assert not set(plain) & set('/\\"\r\n;')
    assert not set(whole) & set('/\\"\r\n')
    assert whole.isprintable()
    assert plain.endswith("_2026-RQ3.csv")
    assert len(plain) < 120


def test_a_period_told_in_part_says_to_which_day():
    at = vn("2026-08-31 23:59")

    assert name(document(as_of=at), Format.CSV).endswith("_2026-RQ3_as-of-2026-08-31.csv")
    days = free(datetime(2026, 1, 5).date(), datetime(2026, 2, 7).date())  # noqa: DTZ001
    assert "_2026-01-05..2026-02-07" in name(document(period=days), Format.CSV)
