"""Days as they stand in cells: every usual shape, its precision, and no guess."""

from datetime import date, datetime, time, timedelta

import pytest

from app.adapters.sheets.dates import Cell, NoMomentError, moment

DAY = "2026-11-16T00:00:00+07:00"
MINUTE = "2026-11-16T08:10:00+07:00"


@pytest.mark.parametrize(
    ("cell", "written", "by_day"),
    [
        ("16/11/2026", DAY, True),
        ("16-11-2026", DAY, True),
        ("16.11.2026", DAY, True),
        (" 16 / 11 / 2026 ", DAY, True),
        ("2026-11-16", DAY, True),
        ("16/11/2026 00:00:00", DAY, True),
        ("20261116", DAY, True),
        (20261116.0, DAY, True),
        (46342, DAY, True),
        (46342.0, DAY, True),
        (date(2026, 11, 16), DAY, True),
        (datetime.fromisoformat("2026-11-16"), DAY, True),
        ("16/11/2026 08:10", MINUTE, False),
        ("16/11/2026 8:10:00", MINUTE, False),
        ("16/11/2026, 8h10", MINUTE, False),
        ("08:10 16/11/2026", MINUTE, False),
        ("8 giờ 10 16/11/2026".replace(" giờ ", "g"), MINUTE, False),
        ("8h10 ngày 16/11/2026", MINUTE, False),
        ("16/11/2026 8:10 AM", MINUTE, False),
        ("16/11/2026 8:10 SA", MINUTE, False),
        ("2026-11-16 08:10", MINUTE, False),
        ("2026-11-16T08:10:00", MINUTE, False),
        ("2026-11-16T08:10:00+07:00", MINUTE, False),
        ("2026-11-16T01:10:00.000Z", MINUTE, False),
        ("20261116081000", MINUTE, False),
        (46342.340277777778, MINUTE, False),
        (datetime.fromisoformat("2026-11-16T08:09:59.999600"), MINUTE, False),
    ],
)  # fmt: skip
def test_a_day_and_its_precision(cell: Cell, written: str, *, by_day: bool):
    found = moment(cell)

    assert found is not None
    assert found.at == datetime.fromisoformat(written)
    assert found.by_day is by_day


def test_afternoon_by_the_half_day():
    for text in ("16/11/2026 2:30 PM", "16/11/2026 02:30 CH", "16/11/2026 14h30"):
        found = moment(text)
        assert found is not None
        assert found.at.isoformat() == "2026-11-16T14:30:00+07:00"
    noon = moment("16/11/2026 12:05 AM")
    assert noon is not None
    assert noon.at.isoformat() == "2026-11-16T00:05:00+07:00"


@pytest.mark.parametrize("cell", [None, ""])
def test_an_empty_cell_says_nothing(cell: Cell):
    assert moment(cell) is None


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("09/25/2026", "month first"),
        ("13/25/2026", "does not exist"),
        ("31/11/2026", "does not exist"),
        ("16/11/2026 25:00", "does not exist"),
        ("16/11/2026 13:00 PM", "does not exist"),
        ("16/11/26", "two digits"),
        ("16/11/0026", "not in the years"),
        ("16/11/1900", "not in the years"),
        (12.0, "not in the years"),
        (5e9, "no day"),
        (float("nan"), "no day"),
        ("hôm qua", "no day"),
        ("16/11", "no day"),
        ("Nguyễn Văn A 16/11/2026", "no day"),
        (True, "no day"),
        (time(8, 10), "no day"),
        (timedelta(days=3), "no day"),
    ],
)
def test_what_is_no_day_says_why(cell: Cell, why: str):
    with pytest.raises(NoMomentError, match=why):
        moment(cell)


def test_a_number_in_a_file_that_counts_from_1904_is_no_day():
    with pytest.raises(NoMomentError, match="format the column as a date"):
        moment(46342.0, since_1904=True)
