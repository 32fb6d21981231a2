"""Procedures, branches and communes by their code or their name, as clerks write them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from app.adapters.sheets.lexicon import composed, plain

_SHORTER = (("vanphongdangkydatdai", "vpdkdd"), ("chinhanh", "cn"), ("cnvpdkdd", "cnvpdk"))
_COMMUNE = re.compile(r"^(?:xã|phường|thị trấn|đặc khu|x\.|p\.|tt\.)\s*", re.IGNORECASE)
_PROCEDURE = re.compile(r"\d\.\d{6}(?:\.[0-9A-Za-z]+)*", re.ASCII)
# Excel takes a code for a number: it drops the zero at its end, and may write a comma.
_NUMBER = re.compile(r"(\d)[.,](\d{1,6})", re.ASCII)
_COMMUNE_DIGITS = 5


class InForce(Protocol):
    """Whether a procedure has a limit for a receipt of that day."""

    def __call__(self, procedure: str, on: date) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Names:
    """Codes by name: as it is written, else without accents; a name may belong to several."""

    codes: frozenset[str]
    exact: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bare: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, named: Iterable[tuple[str, str]]) -> "Names":
        """From pairs of code and name; a code may come with several names."""
        codes: set[str] = set()
        exact: dict[str, set[str]] = {}
        bare: dict[str, set[str]] = {}
        for code, name in named:
            codes.add(code)
            exact.setdefault(composed(name).casefold(), set()).add(code)
            bare.setdefault(shortened(name), set()).add(code)
        return cls(
            frozenset(codes),
            {name: frozenset(held) for name, held in exact.items()},
            {name: frozenset(held) for name, held in bare.items()},
        )

    def find(self, text: str) -> frozenset[str]:
        """The codes a text may mean: a code itself, else those of that name; empty if none."""
        text = composed(text)
        if text.upper() in self.codes:
            return frozenset({text.upper()})
        found = self.exact.get(text.casefold())
        if found is not None and len(found) == 1:
            return found
        return found or self.bare.get(shortened(text), frozenset())


def shortened(name: str) -> str:
    """A name for comparing: plain, with the long words of the trade cut short."""
    bare = plain(name)
    for long, short in _SHORTER:
        bare = bare.replace(long, short)
    return bare


@dataclass(frozen=True, slots=True)
class Places:
    """What the catalogue calls procedures, branches and communes."""

    procedures: Names
    branches: Names
    communes: Names
    of_branch: Mapping[str, str]
    in_force: InForce

    def procedure(self, text: str, on: date | None) -> frozenset[str]:
        """The codes of a procedure; of several of one name those in force on the receipt.

        A text in the shape of a code is one, also where the catalogue does not know it.
        """
        text = composed(text)
        head = text.split(" ", 1)[0].rstrip(":-–")  # "1.012783 - Cấp đổi Giấy chứng nhận"
        if _PROCEDURE.fullmatch(head):
            return frozenset({head})
        number = _NUMBER.fullmatch(text)
        if number is not None:
            return frozenset({f"{number[1]}.{number[2]:0<6}"})
        found = self.procedures.find(text)
        if len(found) > 1 and on is not None:
            now = frozenset(code for code in found if self.in_force(code, on))
            return now or found
        return found

    def commune(self, text: str, branch: str | None) -> frozenset[str]:
        """The codes of a commune; of several of one name those of the branch."""
        text = composed(text)
        if text.isdecimal() and len(text) <= _COMMUNE_DIGITS:
            return frozenset({text.zfill(_COMMUNE_DIGITS)})
        found = self.communes.find(text) or self.communes.find(without_kind(text))
        if len(found) > 1 and branch is not None:
            ours = frozenset(code for code in found if self.of_branch.get(code) == branch)
            return ours or found
        return found


def without_kind(commune: str) -> str:
    """`Xã Tân Hồng` is also called `Tân Hồng`."""
    return _COMMUNE.sub("", composed(commune))
