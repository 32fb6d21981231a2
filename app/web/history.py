"""History: what was accepted of a dossier, change by change, and the roots that seal each day."""

from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from app.core.codes import dossier_code
from app.core.problems import Problem
from app.db import causes as said
from app.db import dossiers, revisions, roots
from app.db import letters as written
from app.web import causes, letters, shown, why
from app.web.deps import MAX_ID, Reader, TheParts, Transaction
from app.web.problems import ProblemError, language_of

router = APIRouter(prefix="/v1", tags=["history"])

_MOST = 2**31 - 1  # revision numbers are integers
_DIGITS = len(str(MAX_ID))
_DAYS = 366


@router.get("/dossiers/{code}/history", summary="Revisions, oldest first")
def get_history(
    request: Request,
    session: Transaction,
    code: Annotated[str, Path()],
    caller: Reader,
    held: TheParts,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Who changed what, when and why, with the old and the new due day.

    `why` is a key, `why_told` the same in the caller's language; `head_hash` chains each revision
    to the one before. Beside them all causes that were said, and all letters, void ones too.
    """
    wanted = dossier_code(code)
    row = dossiers.find(session, wanted, sorted(caller.branches)) if wanted else None
    if row is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    rows = revisions.history(session, row["code"], _number(cursor), limit + 1)
    rules, page = held.book.in_force(session), rows[:limit]
    known = why.published(session, (one["why"] for one in page), row["branch"], rules)
    language = language_of(request)
    return {
        "items": [item(one, why.told(one, known, rules, language)) for one in page],
        "next": str(page[-1]["revision_no"]) if len(rows) > limit else None,
        "causes": [causes.item(one) for one in said.of_dossier(session, row["code"])],
        "letters": [letters.item(one) for one in written.of_dossier(session, row["code"])],
    }


@router.get("/history/roots", summary="The root of each sealed day")
def get_roots(
    session: Transaction,
    caller: Reader,  # noqa: ARG001 access
    first: Annotated[date | None, Query(alias="from", description="first day included")] = None,
    last: Annotated[date | None, Query(alias="to", description="last day included")] = None,
    cursor: Annotated[date | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=_DAYS)] = _DAYS,
) -> dict[str, Any]:
    """To be written down or published: whoever has one can later prove what stood on that day.

    Of what was sealed a root tells nothing, so every caller may read all of them.
    """
    if first is not None and last is not None and last < first:
        told = Problem("to", "{last} is before from {first}", {"last": last, "first": first})
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    since = max((one for one in (first, cursor) if one is not None), default=None)
    rows = roots.page(session, since, last, limit + 1)
    return {
        "items": [
            {
                "day": one.day.isoformat(),
                "root": bytes(one.root).hex(),
                "sealed_at": shown.instant(one.sealed_at),
            }
            for one in rows[:limit]
        ],
        "next": rows[limit].day.isoformat() if len(rows) > limit else None,
    }


def item(row: Mapping[Any, Any], told: str) -> dict[str, Any]:
    """A revision as JSON has it."""
    return {name: shown.value(value) for name, value in row.items() if name != "changes"} | {
        "why_told": told,
        "changes": {
            name: [_as_read(name, one) for one in pair]
            for name, pair in (row["changes"] or {}).items()
        },
    }


def _as_read(name: str, value: Any) -> Any:  # noqa: ANN401 of any column
    """A value of the history as the rest of the API writes it; one that cannot be, as it stands."""
    try:
        if name.endswith("_at") and value is not None:
            return shown.instant(datetime.fromisoformat(value))
        return shown.value(value)
    except (ValueError, TypeError):
        return value


def _number(cursor: str | None) -> int:
    """The revision a page ended at."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < _DIGITS):
        told = Problem("cursor", "use `next` of the page before as it is")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    return min(int(cursor), _MOST)
