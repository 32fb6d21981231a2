"""One refused record: its fields in a form, to mend it and drive it again, or to discard it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import quarantine, refusals
from app.db.engine import again_if_deadlocked
from app.service.access import Principal, Right
from app.service.redrive import redrive
from app.service.refusals import stored_problem
from app.service.rules import Rules
from app.web.deps import MAX_ID, Now, Parts, TheParts, Transaction
from app.web.pages.mended import entries, mended, strangers
from app.web.pages.quarantine import faults, may_mend
from app.web.pages.shell import PageRoute, Person, Posting, render, speech
from app.web.pages.words import SETTLED
from app.web.quarantine import not_there

router = APIRouter(route_class=PageRoute)

Id = Annotated[int, Path(ge=1, le=MAX_ID)]
_SHORTEST_REASON, _LONGEST_REASON = 3, 500


async def form_fields(request: Request) -> dict[str, str]:
    """The fields of a form, whatever their names."""
    return {name: text for name, text in (await request.form()).items() if isinstance(text, str)}


Typed = Annotated[dict[str, str], Depends(form_fields)]


@router.get("/quarantine/{quarantine_id}")
def refused_one(
    request: Request,
    session: Transaction,
    held: TheParts,
    who: Person,
    quarantine_id: Id,
    again: Annotated[bool, Query()] = False,  # noqa: FBT002 a sign in an address
) -> Response:
    """What is wrong with it, and the form for who may mend it; `again`: it was refused anew."""
    row = _find(session, quarantine_id, who)
    rules = held.book.in_force(session)
    return _page(request, session, rules, who, row, again=again)


@router.get("/quarantine/{quarantine_id}/mend")
@router.get("/quarantine/{quarantine_id}/discard")
def back(quarantine_id: Id, who: Person) -> Response:  # noqa: ARG001 access
    """To the record, for who loads the answer to a form again or in the other language."""
    return RedirectResponse(f"/quarantine/{quarantine_id}", HTTPStatus.SEE_OTHER)


@router.post("/quarantine/{quarantine_id}/mend")
def mend(
    request: Request, quarantine_id: Id, held: TheParts, now: Now, who: Posting, typed: Typed
) -> Response:
    """Drive it again with the fields of the form; refused anew it stays, mended as far as it is."""
    may_mend(who)
    with held.sessions() as session:
        row = _find(session, quarantine_id, who, state="open")
        record = _whole(session, row)
        made, problems = mended(record, typed)
        if problems:
            rules = held.book.in_force(session)
            return _page(request, session, rules, who, row, typed=typed, unread=problems)
    body = None if made == record else msgspec.json.encode(made)
    outcome = again_if_deadlocked(
        held.sessions,
        lambda session: redrive(
            session, quarantine_id, who.scope, body, who.caller, held.book, now
        ),
    )
    if outcome is None:
        raise not_there()
    if outcome.outcome != "quarantined":
        query = urlencode({"done": outcome.outcome})
        return RedirectResponse(f"/quarantine?{query}", HTTPStatus.SEE_OTHER)
    if not outcome.kept:
        return _again(request, held, who, quarantine_id, typed, outcome.problems)
    return RedirectResponse(f"/quarantine/{quarantine_id}?again=1", HTTPStatus.SEE_OTHER)


@router.post("/quarantine/{quarantine_id}/discard")
def discard(
    request: Request,
    session: Transaction,
    quarantine_id: Id,
    held: TheParts,
    now: Now,
    who: Posting,
    reason: Annotated[str, Form(max_length=4_000)] = "",
) -> Response:
    """It stays listed with who discarded it, when and why; its personal part is erased."""
    may_mend(who)
    row = refusals.hold(session, quarantine_id, who.scope)
    if row is None:
        raise not_there()
    note = reason.replace("\0", "").strip()
    if not _SHORTEST_REASON <= len(note) <= _LONGEST_REASON:
        why = Problem("reason", "say why in {least} to {most} signs", {
            "least": _SHORTEST_REASON, "most": _LONGEST_REASON,
        })  # fmt: skip
        return _page(request, session, held.book.in_force(session), who, row, unread=[why])
    quarantine.settle(session, [quarantine_id], "discarded", "discarded", who.by, now, note=note)
    return RedirectResponse("/quarantine?done=discarded", HTTPStatus.SEE_OTHER)


def _again(
    request: Request,
    held: Parts,
    who: Principal,
    quarantine_id: int,
    typed: Mapping[str, str],
    problems: Sequence[Problem],
) -> Response:
    with held.sessions() as session:
        row = _find(session, quarantine_id, who, state="open")
        rules = held.book.in_force(session)
        return _page(request, session, rules, who, row, typed=typed, unread=problems)


def _page(
    request: Request,
    session: Session,
    rules: Rules,
    who: Principal,
    row: RowMapping,
    *,
    again: bool = False,
    typed: Mapping[str, str] | None = None,
    unread: Sequence[Problem] = (),
) -> Response:
    """The record; what was typed stands in place of what is kept, if it could not be read."""
    say = speech(request)
    may = Right.INTAKE in who.rights and row["state"] == "open"
    record = _whole(session, row) if may else dict(row["record"])
    found = faults(row["problems"], say)
    unreadable = faults([stored_problem(one) for one in unread], say)
    wrong: dict[str, list[str]] = {}
    for field, _, said in [*unreadable, *found]:
        wrong.setdefault(field.partition("[")[0].partition(".")[0], []).append(said)
    names = {code: rules.branches[code].short_name for code in sorted(who.branches)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if unread else HTTPStatus.OK
    return render(
        request,
        "quarantine_record.html",
        status,
        row=row,
        branch=names.get(row["branch"], row["branch"]),
        faults=found,
        unread=unreadable,
        again=again,
        may=may,
        entries=entries(record, wrong, names) if may else [],
        strangers=strangers(record) if may else [],
        typed=typed or {},
        how=SETTLED.get(row["settled_how"] or row["state"], row["state"]),
    )


def _whole(session: Session, row: RowMapping) -> dict[str, Any]:
    return {**row["record"], **quarantine.personal(session, row["id"])}


def _find(
    session: Session, quarantine_id: int, who: Principal, state: str | None = None
) -> RowMapping:
    row = refusals.find(session, quarantine_id, who.scope, state=state)
    if row is None:
        raise not_there()
    return row
