"""Whether a day came whole: what a sender compares, and what a director asks about."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.core.numbering import Span
from app.core.problems import Problem
from app.service.completeness import Day, Scope, Series, completeness_of
from app.service.language import tell
from app.web import shown
from app.web.asked import unprocessable
from app.web.deps import Now, Reader, TheParts, Transaction, visible
from app.web.problems import language_of

router = APIRouter(prefix="/v1/completeness", tags=["intake"])

_DAYS = 31
_SPANS = 50
_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 1, 1)
_DEFINITION = (
    "Dossiers received on a local day. digest: SHA-256 in hex over one line a dossier, in the "
    "order of codes byte by byte: the code, a space, its updated_at in UTC cut to milliseconds "
    "(2026-10-05T01:10:05.000Z), a line feed. missing: running numbers from 1 to the last one of "
    "yours that no branch of the office holds and nobody has refused; an agency that also serves "
    "other fields has gaps by nature."
)


@router.get("", summary="Counts, digest and gaps in the running numbers, day by day")
def get_completeness(
    request: Request,
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    branch: Annotated[
        str | None, Query(description="one branch; all in scope together if absent")
    ] = None,
    day: Annotated[date | None, Query(description="one day of receipt, with its series")] = None,
    first: Annotated[date | None, Query(alias="from", description="first day included")] = None,
    last: Annotated[date | None, Query(alias="to", description="last day included")] = None,
) -> dict[str, Any]:
    """One row a day; today if no day is given. The series are told only where one day is asked."""
    today = now.astimezone(shown.ZONE).date()
    first, last = _period(day, first, last, today)
    branches = visible(caller, branch)
    rules = held.book.in_force(session)
    scope = Scope(
        office=caller.office,
        branches=frozenset(branches),
        all_branches=frozenset(
            code for code, one in rules.branches.items() if one.office == caller.office
        ),
        whole=caller.whole_office and branch is None,
    )
    days = completeness_of(session, scope, first, last)
    return {
        "branch": branch,
        "rows": [row(one, with_series=first == last) for one in days],
        "totals": {
            "dossiers": sum(one.dossiers for one in days),
            "code_of_another_day": sum(one.other_day for one in days),
            "quarantined": sum(one.quarantined for one in days),
            "missing_total": sum(one.missing_total for one in days),
        },
        "definition": tell(_DEFINITION, language_of(request)),
        "data_as_of": shown.instant(now),
    }


def row(one: Day, *, with_series: bool) -> dict[str, Any]:
    """A day as JSON has it."""
    told = {
        "day": one.day.isoformat(),
        "dossiers": one.dossiers,
        "digest": one.digest,
        "by_state": one.by_state,
        "by_source": [part._asdict() for part in one.sources],
        "code_of_another_day": one.other_day,
        "quarantined": one.quarantined,
        "missing_total": one.missing_total,
    }
    return told | ({"series": [series(part) for part in one.series]} if with_series else {})


def series(one: Series) -> dict[str, Any]:
    """A series as JSON has it; of very many spans the first ones, the total counts all."""
    return {
        "agency": one.agency,
        "owner": one.owner or None,
        "first": one.first or None,
        "last": one.last or None,
        "held": one.held,
        "missing_total": one.missing_total,
        "missing": _spans(one.missing),
        "in_quarantine": _spans(one.in_quarantine),
        "outside": one.outside,
        "cut": max(len(one.missing), len(one.in_quarantine)) > _SPANS,
    }


def _spans(found: Sequence[Span]) -> list[str]:
    """`0007`, `0012–0015`: as they stand in the codes."""
    return [
        f"{one.first:04}" if one.size == 1 else f"{one.first:04}–{one.last:04}"
        for one in found[:_SPANS]
    ]


def _period(
    day: date | None, first: date | None, last: date | None, today: date
) -> tuple[date, date]:
    """The days asked for, checked."""
    if day is not None:
        if first is not None or last is not None:
            raise unprocessable(Problem("day", "give day, or from and to, not both"))
        first = last = day
    first = first or last or today
    last = last or first
    if last < first:
        told = Problem("to", "{last} is before from {first}", {"last": last, "first": first})
        raise unprocessable(told)
    if last - first >= timedelta(days=_DAYS):
        told = Problem("to", "at most {days} days at once; ask for fewer", {"days": _DAYS})
        raise unprocessable(told)
    if first < _EARLIEST or last > _LATEST:
        field = "from" if day is None else "day"
        raise unprocessable(Problem(field, "no day of a dossier; correct the year"))
    return first, last
