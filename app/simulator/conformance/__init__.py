"""Whether a server does as the API guide says: a script of records whose right outcome is known.

Codes. Everything is sent under an agency below the branch's own, `{branch}.KIEMTRA.{six signs}`.
An agency's code is given out by the agency above it (QĐ 20/2020/QĐ-TTg Đ4), so below a branch only
its own office could ever issue one, and KIEMTRA ("check") is none; the signs are drawn for each run
and the server is asked first that it holds nothing there. Every stamp lies in 2025, so no branch's
clock moves, and the procedure is one no catalogue has, so nothing falls due and no alarm rings. In
the end all of it is withdrawn (which counts in no rate) and what was refused is discarded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import httpx

from app.simulator.conformance import errors, held, law, lines, snapshots
from app.simulator.conformance.desk import Check, Desk, opened
from app.simulator.play import Server
from app.simulator.window import PlayError

__all__ = ["Check", "Run", "run"]

_Group = Callable[[Desk], Iterator[Check]]
GROUPS: Final[tuple[_Group, ...]] = (
    snapshots.checks,
    errors.checks,
    lines.checks,
    law.checks,
    held.checks,
)
_GOING_ON: Final = ("and ", "which ", "is ", "with ", "mended, ", "driven ")
"""Names that go on from the check before, which is put before them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was found: checks in order, and where the records of the script stand."""

    agency: str
    branch: str
    checks: list[Check]


def run(
    server: Server, branch: str | None = None, on_check: Callable[[], None] = lambda: None
) -> Run:
    """Send the script for a branch (the first the client may send for) and judge each answer.

    Raises:
        PlayError: the server cannot be reached, refuses the credential, or knows no such branch.
    """
    found: list[Check] = []
    with server.connection() as connection:
        desk = opened(server.window(connection), branch)
        try:
            for group in (*GROUPS, held.cleared):
                for check in _judged(group, desk):
                    found.append(check)
                    on_check()
        except httpx.TransportError as error:
            raise PlayError(f"the connection broke: {error!r}") from error
    return Run(desk.agency, desk.branch, found)


def _judged(group: _Group, desk: Desk) -> Iterator[Check]:
    """The checks of a group; an answer of another shape than promised is a failed check."""
    about = ""
    try:
        for check in group(desk):
            goes_on = check.name.startswith(_GOING_ON)
            yield replace(check, name=f"{about}, {check.name}") if goes_on else check
            about = about if goes_on else check.name
    except (KeyError, IndexError, TypeError, ValueError, PlayError) as error:
        name = f"{group.__module__.rpartition('.')[2]}: the rest can be asked"
        yield Check(name, passed=False, expected="the answers of the API guide", got=repr(error))
