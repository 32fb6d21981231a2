"""The running numbers of a day: what an agency issued, and which of them never came."""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

_PARTS = re.compile(r"(?P<agency>.+)-(?P<day>\d{6})-(?P<owner>[A-Z]*)(?P<digits>\d+)", re.ASCII)
# TT 03/2025 Đ13 k3 (centralised services): two digits of the owner agency, then four or more.
_WITH_OWNER = 6


class Issued(NamedTuple):
    """A dossier code taken apart: the series it was numbered in, its day `yymmdd`, its number.

    A series is an agency, and the owner agency's two characters where the code has them.
    """

    agency: str
    owner: str
    day: str
    number: int


class Span(NamedTuple):
    """Running numbers from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def issued(code: str) -> Issued | None:
    """The parts of a dossier code in its one written form; None if it has none.

    Of six digits and more the first two are the owner agency's, unless they are 00. Source:
    TT 01/2018/TT-VPCP Đ19; QĐ 20/2020/QĐ-TTg Đ4; TT 03/2025/TT-VPCP Đ13 k3.
    """
    found = _PARTS.fullmatch(code)
    if found is None:
        return None
    owner, digits = found["owner"], found["digits"]
    if not owner and len(digits) >= _WITH_OWNER and not digits.startswith("00"):
        owner, digits = digits[:2], digits[2:]
    return Issued(found["agency"], owner, found["day"], int(digits))


def spans(numbers: Collection[int]) -> list[Span]:
    """Numbers as the fewest spans, in order."""
    found: list[Span] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1].last + 1:
            found[-1] = Span(found[-1].first, number)
        else:
            found.append(Span(number, number))
    return found


def missing(numbers: Collection[int], last: int) -> Iterator[Span]:
    """What there is no number of, from 1 to `last`, as spans in order.

    Costs as much as there are numbers, not as there are gaps: a number may have eight digits.
    """
    for before, after in pairwise([0, *sorted({one for one in numbers if 0 < one <= last})]):
        if after > before + 1:
            yield Span(before + 1, after - 1)
