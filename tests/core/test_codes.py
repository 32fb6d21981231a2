"""Codes in the shapes the law gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.codes import MAX_CODE_LENGTH, dossier_code, procedure_code


@pytest.mark.parametrize(
    "code",
    [
        "000.00.16.H24-230608-0001",  # TT 01/2018 Đ19
        "H24.16-230608-0001",  # QĐ 20/2020 Đ4
        "H26.103.25.7-250908-0112",  # a real one of Hà Nội
        "H20.16-261005-0001",
        "H20-261005-0001",  # the province itself
        "H20.16-261005-12345",  # more than 9,999 in a day
        "G09.001.02-260125-010001",  # TT 03/2025 Đ13 k3: two digits of the owner agency
        "G09.001.02-260125-01123456",
    ],
)
def test_a_code_of_each_period_is_known_however_it_is_typed(code: str):
    assert dossier_code(code) == code
    assert dossier_code(f" {code.lower()}\n") == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "H20.16",
        "H20.16-261005",
        "H20.16-261005-001",
        "H20.16-26100-0001",
        "H20..16-261005-0001",
        "20.16-261005-0001",
        "H20.16-261005-0001; drop",
        "H20.16-261005-\u0660\u0660\u0660\u0661",  # Arabic digits: a second name of one dossier
        "H20." + "1" * MAX_CODE_LENGTH + "-261005-0001",
    ],
)
def test_what_cannot_be_a_dossier_code_is_none(text: str):
    assert dossier_code(text) is None


@given(st.text() | st.from_regex(r"h20\.16-26\d{4}-\d{4}", fullmatch=True))
def test_a_code_has_one_written_form(text: str):
    code = dossier_code(text)

    assert code is None or dossier_code(code) == code == code.strip().upper()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.012783", "1.012783"),
        (" 1.012783.H19 ", "1.012783"),
        ("1.012783.000.00.00.h20", "1.012783"),
        ("2.000488.H56.1", "2.000488"),
        (" DD-17 ", "DD-17"),  # unknown, no error
        ("", ""),
    ],
)
def test_a_procedure_code_loses_its_provinces_suffix(text: str, code: str):
    assert procedure_code(text) == code
