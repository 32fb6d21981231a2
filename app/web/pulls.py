"""Sources that are asked instead of sending: kept by administrators of a whole office."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from app.db import pulls
from app.service.language import tell
from app.service.pulls import NotKeepableError, keep
from app.service.shape import PullBody
from app.web import shown
from app.web.deps import Keeper, Now, Transaction
from app.web.problems import ProblemError, language_of

router = APIRouter(prefix="/v1/pulls", tags=["pulls"])

SOURCE = r"^[A-Za-z0-9._@-]+$"
Source = Annotated[str, Path(min_length=1, max_length=60, pattern=SOURCE)]
_HIDDEN = frozenset({"lease", "office"})


@router.get("", summary="The sources that are asked")
def list_pulls(request: Request, session: Transaction, caller: Keeper) -> dict[str, Any]:
    """Each with where it stands, when it is asked next, and what went wrong; without secrets."""
    rows = pulls.listing(session, caller.office)
    return {"items": [item(row, language_of(request)) for row in rows], "next": None}


@router.put("/{source}", summary="Ask a source from now on")
def put_pull(
    request: Request, session: Transaction, source: Source, body: PullBody, caller: Keeper, now: Now
) -> dict[str, Any]:
    """Whole; a `credential` left out stays. It is asked within a quarter of a minute."""
    try:
        keep(session, source, body, caller.office, caller.branches, now)
    except NotKeepableError as wrong:
        status = (
            HTTPStatus.CONFLICT
            if wrong.problem.field == "source"
            else HTTPStatus.UNPROCESSABLE_ENTITY
        )
        raise ProblemError(status, "The request is not valid", [wrong.problem]) from None
    return _shown(request, session, source)


@router.post("/{source}/run", summary="Ask a source now", status_code=202)
def post_run(
    request: Request, session: Transaction, source: Source, caller: Keeper, now: Now
) -> dict[str, Any]:
    """At the next tick of the jobs, also one that failed and waits; a paused one is not asked."""
    _change(session, source, caller.office, next_at=now)
    return _shown(request, session, source)


@router.post("/{source}/pause", summary="Ask a source no more for a while")
def post_pause(
    request: Request, session: Transaction, source: Source, caller: Keeper
) -> dict[str, Any]:
    """It keeps its place. What falls silent by it is shown as silent."""
    _change(session, source, caller.office, active=False, lease=None, leased_until=None)
    return _shown(request, session, source)


@router.post("/{source}/resume", summary="Ask a paused source again")
def post_resume(
    request: Request, session: Transaction, source: Source, caller: Keeper, now: Now
) -> dict[str, Any]:
    """From where it stopped."""
    _change(session, source, caller.office, active=True, next_at=now)
    return _shown(request, session, source)


@router.delete("/{source}", summary="Ask a source no more", status_code=204)
def delete_pull(session: Transaction, source: Source, caller: Keeper) -> None:
    """Its place and credential are forgotten; what it told stays."""
    if not pulls.remove(session, source, caller.office):
        raise _no_pull(source)


def item(row: Mapping[Any, Any], language: str) -> dict[str, Any]:
    """A pull as it is shown: of a credential its kind and the name it goes by."""
    told = {name: shown.value(held) for name, held in row.items() if name not in _HIDDEN}
    held: Mapping[str, Any] | None = row["credential"]
    told["credential"] = (
        {name: held[name] for name in ("kind", "token_url", "client_id", "scope") if name in held}
        if held
        else None
    )
    told["running"] = row["lease"] is not None
    told["error"] = wrong(row["error"], language)
    del told["leased_until"]
    return told


def wrong(error: Mapping[str, Any] | None, language: str) -> dict[str, str] | None:
    """What went wrong, in a language, and the field of the pull it is about."""
    if error is None:
        return None
    return {
        "field": error["field"],
        "detail": tell(error["message"], language, **error["params"]),
    }


def _shown(request: Request, session: Transaction, source: str) -> dict[str, Any]:
    row = pulls.find(session, source)
    if row is None:
        raise _no_pull(source)
    return item(row, language_of(request))


def _change(session: Transaction, source: str, office: str, **values: object) -> None:
    if not pulls.change(session, source, office, **values):
        raise _no_pull(source)


def _no_pull(source: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "No pull of {source}", source=source)
