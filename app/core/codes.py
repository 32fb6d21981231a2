"""Codes people type: dossier codes and procedure codes, in the shapes the law gives them."""

import re

# TT 01/2018/TT-VPCP Đ19 (agency first), QĐ 20/2020/QĐ-TTg Đ4 (province first) and TT 03/2025 Đ13 k3
# (two digits of the owner agency before the running number). Running numbers above 9999 occur.
_DOSSIER = re.compile(
    r"(?:[A-Z]\d{2}(?:\.[0-9A-Z]+)*|\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2})-\d{6}-(?:[A-Z]{2})?\d{4,8}",
    re.ASCII,
)
_PROCEDURE = re.compile(r"(\d\.\d{6})(?:\.[0-9A-Z]+)*", re.ASCII)

MAX_CODE_LENGTH = 60


def dossier_code(text: str) -> str | None:
    """Return the code in its one written form (trimmed, upper case), or None if it cannot be one.

    Source: NĐ 61/2018/NĐ-CP Đ26, QĐ 20/2020/QĐ-TTg Đ4; `H20.16-261005-0001`.
    """
    code = text.strip().upper()
    if len(code) > MAX_CODE_LENGTH or _DOSSIER.fullmatch(code) is None:
        return None
    return code


def procedure_code(text: str) -> str:
    """Return the national code without a province's suffix: `1.012783.H19` is `1.012783`.

    A text in no known shape comes back trimmed: it is an unknown procedure, not an error.
    """
    found = _PROCEDURE.fullmatch(text.strip().upper())
    return found.group(1) if found else text.strip()
