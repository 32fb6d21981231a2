"""The catalogue over HTTP but for its calendars: branches, communes, procedures, policies."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import catalogue, publications
from app.db.calendars import NATIONAL
from app.service import changes
from app.service.catalogue_items import OfficeBody, Procedure, SupplementBody
from app.web import shown
from app.web.deps import MAX_ID, Reader, Transaction
from app.web.problems import ProblemError
from app.web.publishing import Publishing, may_publish, publication, refused

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
    code: str, body: OfficeBody, publishing: Annotated[Publishing, Depends()]
) -> dict[str, Any]:
    """Only the caller's own office; what is left out stays as it is. Open dossiers are derived."""
    if code != publishing.caller.office or body.office.code != code:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No office {code} of yours", code=code[:60])
    may_publish(publishing.caller, nation=False)
    return publishing.make(
        lambda: changes.office(body), lambda session: _not_ours(session, code, body)
    )


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
    doubts: dict[str, str] = {}
    for row in catalogue.limits(session):
        held = {name: shown.value(value) for name, value in row.items() if name not in _HIDDEN}
        rule = dict(row["rule"])
        if "procedure_doubt" in rule:  # published with the procedure, stored with its limits
            doubts[row["procedure"]] = rule.pop("procedure_doubt")
        limits.setdefault((row["procedure"], row["case"]), []).append(held | rule)
    items = [
        dict(row)
        | {
            "doubt": doubts.get(row["code"]),
            "cases": [
                case | {"limits": limits.get((row["code"], case["case"]), [])}
                for case in row["cases"]
            ],
        }
        for row in catalogue.procedures(session)
    ]
    return {"items": items, "next": None}


@router.put("/procedures/{code}", summary="Publish a procedure with its limits")
def put_procedure(
    code: str, body: Procedure, publishing: Annotated[Publishing, Depends()]
) -> dict[str, Any]:
    """Publish, then derive the open dossiers of the procedure and those that had no limit."""
    may_publish(publishing.caller, nation=True)
    if body.code != code:
        raise refused(Problem("code", "the code is not the one in the address"))
    return publishing.make(lambda: changes.procedures([body]))


@router.get("/policies/supplement", summary="What a completed supplement does to a limit")
def get_supplement(session: Transaction, caller: Reader) -> dict[str, Any]:  # noqa: ARG001 access
    """By day of receipt, for limits that do not say so themselves."""
    named = ("valid_from", "valid_until", "policy", "ground", "doubt")
    rows = catalogue.supplements(session)
    return {"rows": [{name: shown.value(row[name]) for name in named} for row in rows]}


@router.put("/policies/supplement", summary="Publish what a completed supplement does")
def put_supplement(
    body: SupplementBody, publishing: Annotated[Publishing, Depends()]
) -> dict[str, Any]:
    """Law that is not sure is a setting: here with its ground, its doubt and who set it."""
    may_publish(publishing.caller, nation=True)
    return publishing.make(lambda: changes.supplement(body))


@router.get("/publications", summary="Who changed the catalogue, when, and what it moved")
def get_publications(
    session: Transaction,
    caller: Reader,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Newest first; those of other offices and branches are left out."""
    mine = sorted({caller.office, NATIONAL, *caller.branches})
    rows = publications.newest(session, mine, limit + 1, cursor)
    items = [publication(row) for row in rows[:limit]]
    return {"items": items, "next": str(items[-1]["version"]) if len(rows) > limit else None}


def _list(rows: Any) -> dict[str, Any]:  # noqa: ANN401 an iterable of rows
    items: Sequence[Mapping[str, Any]] = [
        {name: shown.value(value) for name, value in row.items()} for row in rows
    ]
    return {"items": items, "next": None}
