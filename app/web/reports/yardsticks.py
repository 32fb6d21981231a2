"""The difference between the yardsticks over HTTP: the figures, the reasons, the dossiers."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.core.codes import dossier_code
from app.core.differences import PAIRS, VERDICTS, Clue, Difference, Pair, Reason, reasons
from app.core.problems import Problem
from app.core.yardsticks import Yardstick
from app.db import differences
from app.service import side_by_side
from app.service.differences import apart, exchanged, stand
from app.service.language import tell
from app.service.side_by_side import SENTENCES
from app.web import shown
from app.web.deps import Transaction
from app.web.problems import ProblemError, language_of
from app.web.reports.answer import FILES, answer
from app.web.reports.asked import ListAsked, ReportAsked

router = APIRouter()
_DAYS = (
    *("received_on", "ended_on", "legal_due_on", "form_due_on"),
    *("index766_due_on", "index766_end_on"),
)
_BETWEEN = "two of " + ", ".join(Yardstick)


@router.get(
    "/yardsticks",
    summary="The same dossiers by law, by form II.06a and by index 766",
    responses=FILES,
)
def get_yardsticks(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """All in scope together, then each branch: a line a yardstick, and on how many two differ."""
    return answer(request, side_by_side.report(session, asked))


@router.get(
    "/yardstick-reasons",
    summary="Why the yardsticks differ, and on how many dossiers",
    responses=FILES,
)
def get_reasons(request: Request, session: Transaction, asked: ReportAsked) -> Response:
    """For each pair the reasons in their order of precedence; a dossier counts under its first."""
    return answer(request, side_by_side.reasons(session, asked))


@router.get("/yardsticks/dossiers", summary="The dossiers on which two yardsticks differ")
def get_dossiers(
    request: Request,
    session: Transaction,
    asked: ListAsked,
    between: Annotated[str | None, Query(description=_BETWEEN, max_length=40)] = None,
    reason: Annotated[
        Reason | None, Query(description="those counted under it; all if absent")
    ] = None,
    difference: Annotated[
        Difference | None,
        Query(description="one kind of difference; if absent all in which the verdicts differ"),
    ] = None,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before", max_length=200)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """A page by code; `reasons` names all, the one it is counted under first."""
    after = _place(cursor) if cursor else ""
    if reason is Reason.NOT_HANDED_OVER:
        pair = None
        rows = differences.page_not_handed_over(
            session, asked.clocks, asked.over, after=after, limit=limit + 1
        )
    else:
        pair = _pair(between)
        rows = differences.page(
            session,
            asked.clocks,
            asked.over,
            exchanged(asked.rules, [clock.branch for clock in asked.clocks]),
            pair=pair,
            wanted=(difference,) if difference else VERDICTS,
            reason=reason,
            after=after,
            limit=limit + 1,
        )
    language = language_of(request)
    return {
        "between": [one.value for one in pair] if pair else None,
        "items": [_item(row, pair, language) for row in rows[:limit]],
        "next": _cursor(rows[limit - 1]["code"]) if len(rows) > limit else None,
        "as_of": shown.instant(asked.over.close),
        "data_as_of": shown.instant(asked.data_as_of),
    }


def _item(row: Any, pair: Pair | None, language: str) -> dict[str, Any]:  # noqa: ANN401 a row
    found = stand(row)
    how = apart(pair, found) if pair else None
    why = reasons(pair, how, Clue(row["clues"])) if pair and how else (Reason.NOT_HANDED_OVER,)
    return {
        "code": row["code"],
        "branch": row["branch"],
        **{one.value: standing.value for one, standing in found.items()},
        "difference": how.value if how else None,
        "reasons": [{"reason": one.value, "text": tell(SENTENCES[one], language)} for one in why],
        **{name: shown.value(row[name]) for name in _DAYS},
    }


def _pair(between: str | None) -> Pair:
    named = {word.strip() for word in (between or "").split(",")}
    found = next((pair for pair in PAIRS if named == set(pair)), None)
    if found is None:
        pairs = "; ".join(",".join(pair) for pair in PAIRS)
        raise _refused(Problem("between", "name two yardsticks: {pairs}", {"pairs": pairs}))
    return found


def _cursor(code: str) -> str:
    return urlsafe_b64encode(code.encode()).decode().rstrip("=")


def _place(word: str) -> str:
    """The code after which the next page begins."""
    try:
        code = dossier_code(urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode())
    except ValueError:
        code = None
    if code is None:
        raise _refused(Problem("cursor", "use `next` of the page before as it is"))
    return code


def _refused(told: Problem) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
