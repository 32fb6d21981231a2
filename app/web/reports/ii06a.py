"""Biểu II.06a over HTTP, and what of it differs from the list its period opened with."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.db import closings, openings
from app.printed.files import Format
from app.service import ii06a_report
from app.service.closings import is_whole
from app.web import shown
from app.web.deps import TEXT, Transaction
from app.web.reports.answer import FILES, FormAsked, answer
from app.web.reports.asked import Asked, ListAsked, ReportAsked

router = APIRouter()

Live = Annotated[
    bool, Query(description="count a closed period anew from today's facts, as if it were open")
]


@router.get("/ii-06a", summary="Form II.06a/VPCP/KSTT by field and procedure", responses=FILES)
def get_ii06a(
    request: Request,
    session: Transaction,
    asked: ReportAsked,
    form: FormAsked,
    *,
    per_branch: Annotated[
        bool, Query(description="a row for each branch above its own; no form to sign")
    ] = False,
    live: Live = False,
) -> Response:
    """The form of a branch, or of all in scope; by default of the last reporting quarter.

    As a workbook, that of all in scope has a sheet for each branch besides. A closed period answers
    as it was frozen, and names its `closing`. A period that begins the day after a closing opens
    with its list: rows with `adjusts` hold what changed of it since.
    """
    parts = form is Format.XLSX or per_branch
    document = ii06a_report.report(session, asked, per_branch=per_branch, live=live, parts=parts)
    return answer(request, document)


@router.get("/ii-06a/corrections", summary="What differs from the list a period opened with")
def get_corrections(
    session: Transaction,
    asked: ListAsked,
    *,
    live: Live = False,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before", pattern=TEXT, max_length=100)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Each dossier behind the lines of adjustments, by code, with its reason.

    `was` is where the closing before listed it as open; null if it did not. `now` is where it is
    by the facts; null if nowhere, or where the caller may not see.
    """
    branches = [clock.branch for clock in asked.clocks]
    held = closings.named(session, asked.caller.office, asked.period.name)
    opening = openings.opening(session, asked.caller.office, asked.period.first, asked.period.kind)
    if held is not None and is_whole(asked.period, asked.over) and not live:
        opened_with = held["previous_id"]
        counts = openings.frozen_counts(session, held["id"], branches)
        rows = openings.frozen(session, held["id"], branches, after=cursor or "", limit=limit + 1)
    elif opening is not None:
        held, opened_with = None, opening.closing
        counts = openings.counted(session, asked.clocks, asked.over, opening.closing)
        rows = openings.page(
            session, asked.clocks, asked.over, opening.closing, after=cursor or "", limit=limit + 1
        )
    else:
        held, opened_with, counts, rows = None, None, [], []
    told = dict.fromkeys(openings.Reason, 0)
    for row in counts:
        told[openings.Reason(row["reason"])] += row["n"]
    return {
        "items": [item(row, asked) for row in rows[:limit]],
        "next": rows[limit - 1]["code"] if len(rows) > limit else None,
        "counts": {reason.value: n for reason, n in told.items()},
        "closing": held["id"] if held else None,
        "opened_with": opened_with,
    }


def item(row: Any, asked: Asked) -> dict[str, Any]:  # noqa: ANN401 a row
    """One adjustment within the scope of who asks."""
    mine = {clock.branch for clock in asked.clocks}
    told: dict[str, Any] = {"code": row["code"], "reason": row["reason"], "was": None, "now": None}
    if row["was_branch"] in mine:
        told["was"] = {"branch": row["was_branch"], "procedure": row["was_procedure"]}
    if row["branch"] in mine:
        told["now"] = {
            "branch": row["branch"],
            "procedure": row["procedure"],
            "standing": shown.value(row["standing"]),
        }
    return told
