"""The catalogue over HTTP: branches, communes, procedures with their limits, calendars."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import catalogue
from app.service import publish
from app.service.access import Principal, Right
from app.service.catalogue_items import OfficeBody, Procedure
from app.service.publish import NotPublishableError
from app.service.recompute import recompute
from app.service.rules import NATIONAL
from app.web import shown
from app.web.deps import Now, Publisher, Reader, TheParts, Transaction
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["catalogue"], max_body_size=16 * 1024 * 1024)

_HIDDEN = frozenset({"published_in", "superseded_in", "id", "procedure", "rule", "case"})


@router.get("/branches", summary="The branches in the caller's scope")
def get_branches(session: Transaction, caller: Reader) -> dict[str, Any]:
    """All of them; there are never more than a few hundred."""
    return _list(row for row in catalogue.branches(session) if row["code"] in caller.branches)


@router.get("/communes", summary="The communes of those branches")
def get_communes(
    session: Transaction, caller: Reader, branch: Annotated[str | None, Query()] = None
) -> dict[str, Any]:
    """With the time each counts as difficult."""
    return _list(
        row
        for row in catalogue.communes(session)
        if row["branch"] in caller.branches and branch in (None, row["branch"])
    )


@router.get("/offices/{code}", summary="The office with its branches and communes")
def get_office(session: Transaction, code: str, caller: Reader) -> dict[str, Any]:
    """As it is published; only what is in the caller's scope."""
    held = next((row for row in catalogue.offices(session) if row["code"] == code), None)
    if held is None or code != caller.office:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No office {code} of yours", code=code[:60])
    mine = [
        {name: value for name, value in row.items() if name not in ("office", "province")}
        for row in get_branches(session, caller)["items"]
    ]
    return {
        "office": dict(held),
        "branches": mine,
        "communes": get_communes(session, caller)["items"],
    }


@router.put("/offices/{code}", summary="Publish the office with its branches and communes")
def put_office(
    code: str, body: OfficeBody, caller: Publisher, held: TheParts, now: Now
) -> dict[str, Any]:
    """Only the caller's own office; what is left out stays as it is. Open dossiers are derived."""
    if code != caller.office or body.office.code != code:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No office {code} of yours", code=code[:60])
    _may_publish(caller, nation=False)
    with held.sessions.begin() as session:
        wrong = _not_ours(session, code, body)
        if wrong is not None:
            raise _refused(wrong)
        publish.office(session, body, now)
    derived, moved = recompute(held.sessions, held.book, caller.by, now, None)
    return {"dossiers_derived": derived, "dossiers_moved": moved}


def _not_ours(session: Session, office: str, body: OfficeBody) -> Problem | None:
    """A branch or commune of the body that belongs to another office, or to no branch."""
    owners = {row["code"]: row["office"] for row in catalogue.branches(session)}
    for branch in body.branches:
        if owners.get(branch.code, office) != office:
            return Problem(
                "branches", "{branch} belongs to another office", {"branch": branch.code}
            )
    ours = {code for code, owner in owners.items() if owner == office}
    ours |= {branch.code for branch in body.branches}
    held = {row["code"]: row["branch"] for row in catalogue.communes(session)}
    for commune in body.communes:
        if commune.branch not in ours:
            return Problem(
                "communes",
                "{branch} is no branch of the office; add it to branches",
                {"branch": commune.branch},
            )
        if held.get(commune.code, commune.branch) not in ours:
            return Problem(
                "communes", "{commune} belongs to another office", {"commune": commune.code}
            )
    return None


@router.get("/procedures", summary="Procedures, their cases and limits")
def get_procedures(session: Transaction, caller: Reader) -> dict[str, Any]:  # noqa: ARG001 access
    """Every procedure with the limits of every time, national and provincial."""
    limits: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in catalogue.limits(session):
        held = {name: shown.value(value) for name, value in row.items() if name not in _HIDDEN}
        limits.setdefault((row["procedure"], row["case"]), []).append(held | row["rule"])
    items = [
        dict(row)
        | {
            "cases": [
                case | {"limits": limits.get((row["code"], case["case"]), [])}
                for case in row["cases"]
            ]
        }
        for row in catalogue.procedures(session)
    ]
    return {"items": items, "next": None}


@router.put("/procedures/{code}", summary="Publish a procedure with its limits")
def put_procedure(
    code: str, body: Procedure, caller: Publisher, held: TheParts, now: Now
) -> dict[str, Any]:
    """Publish, then derive the open dossiers of the procedure and those that had no limit."""
    _may_publish(caller, nation=True)
    if body.code != code:
        raise _refused(Problem("code", "the code is not the one in the address"))
    try:
        with held.sessions.begin() as session:
            moved = publish.procedures(session, [body], now)
    except NotPublishableError as wrong:
        raise _refused(*wrong.problems) from None
    derived, changed = recompute(held.sessions, held.book, caller.by, now, [code])
    return {"limits_moved": moved, "dossiers_derived": derived, "dossiers_moved": changed}


@router.get("/calendars/{scope}", summary="The calendar in force for a scope")
def get_calendar(session: Transaction, scope: str, caller: Reader) -> dict[str, Any]:
    """`national`, an office, or a branch; 404 where a scope has none of its own."""
    mine = {NATIONAL, caller.office, *caller.branches}
    for row in catalogue.calendars(session):
        if row["scope"] == scope and scope in mine:
            return dict(row["body"]) | {"scope": scope, "version": row["version"]}
    raise ProblemError(HTTPStatus.NOT_FOUND, "No calendar {scope}", scope=scope[:60])


@router.put("/calendars/{scope}", summary="Publish a new version of a calendar")
def put_calendar(
    scope: str, body: dict[str, Any], caller: Publisher, held: TheParts, now: Now
) -> dict[str, Any]:
    """Versions are immutable; open dossiers are derived anew, closed ones keep what was used."""
    if scope not in {NATIONAL, caller.office, *caller.branches}:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No calendar {scope}", scope=scope[:60])
    if scope not in caller.branches:
        _may_publish(caller, nation=scope == NATIONAL)
    try:
        with held.sessions.begin() as session:
            changed = publish.calendar(session, scope, body, now)
    except NotPublishableError as wrong:
        raise _refused(*wrong.problems) from None
    derived, moved = recompute(held.sessions, held.book, caller.by, now, None)
    return {"changed": changed, "dossiers_derived": derived, "dossiers_moved": moved}


def _list(rows: Any) -> dict[str, Any]:  # noqa: ANN401 an iterable of rows
    items: Sequence[Mapping[str, Any]] = [
        {name: shown.value(value) for name, value in row.items()} for row in rows
    ]
    return {"items": items, "next": None}


def _refused(*problems: Problem) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "It cannot be published", problems)


def _may_publish(caller: Principal, *, nation: bool) -> None:
    """Law that concerns more than one's own branches is for who may see the whole office.

    What the whole nation counts by needs the right `admin` besides.
    """
    if not caller.whole_office:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This concerns the whole office, and you act for some branches"
        )
    if nation and Right.ADMIN not in caller.rights:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=Right.ADMIN.value
        )
