"""What was refused: which field, what is wrong and how to mend it; all driven again at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy import RowMapping

from app.db import refusals
from app.db.refusals import Scope
from app.printed.speech import Speech
from app.service.access import Principal, Right
from app.service.rules import Rules
from app.web.deps import MAX_ID, TEXT, Now, Parts, TheParts, Transaction
from app.web.pages.shell import PageRoute, Person, Posting, render, speech
from app.web.pages.words import DRIVEN, FIELDS
from app.web.problems import ProblemError
from app.web.quarantine import KINDS, drive_on, narrowed, wanted

router = APIRouter(route_class=PageRoute)

PAGE = 50
_HERE = "<!--progress-->"
_log = structlog.get_logger()
_Word = Annotated[str, Query(max_length=60, pattern=TEXT)]
_Typed = Annotated[str, Form(max_length=60, pattern=TEXT)]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused record without anything that names a citizen."""

    id: int
    code: str | None
    branch: str | None
    source: str
    faults: list[tuple[str, str | None, str]]
    times: int
    arrived_at: datetime
    last_sent_at: datetime
    settled: RowMapping | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; an empty word narrows nothing."""

    branch: str = ""
    source: str = ""
    field: str = ""
    code: str = ""
    state: str = "open"

    def query(self, **more: object) -> str:
        """As the query of an address, without what is as usual."""
        said = {
            "branch": self.branch,
            "source": self.source,
            "field": self.field,
            "code": self.code,
            "state": "" if self.state == "open" else self.state,
        }
        return urlencode({name: held for name, held in (said | more).items() if held})


def asked(
    branch: _Word = "",
    source: _Word = "",
    field: _Word = "",
    code: _Word = "",
    state: Annotated[str, Query(pattern="^(open|mended|discarded)$")] = "open",
) -> Filter:
    """The filter in an address."""
    return Filter(branch, source, field, code.strip(), state)


def typed(
    branch: _Typed = "", source: _Typed = "", field: _Typed = "", code: _Typed = ""
) -> Filter:
    """The filter in a form."""
    return Filter(branch, source, field, code.strip())


@router.get("/quarantine")
def refused(
    request: Request,
    session: Transaction,
    held: TheParts,
    who: Person,
    which: Annotated[Filter, Depends(asked)],
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Records of the branches in scope, oldest first; `done` is what became of one just driven."""
    scope = narrowed(who, which.branch or None)
    narrow = wanted(which.source, which.field, which.code, which.state)
    rows = refusals.page(session, scope, after=after, limit=PAGE + 1, wanted=narrow)
    rules, say = held.book.in_force(session), speech(request)
    places = refusals.tally(session, who.scope)
    fields = {row["field"] for row in refusals.tally_of_fields(session, who.scope)}
    return render(
        request,
        "quarantine.html",
        rows=[_shown(row, rules, say) for row in rows[:PAGE]],
        which=which,
        branch=rules.branches[which.branch] if which.branch else None,
        names={code: rules.branches[code].short_name for code in sorted(who.branches)},
        sources=sorted({row["source"] for row in places}),
        fields=sorted(name for name in fields if name in FIELDS),
        words=FIELDS,
        count=refusals.count(session, scope, narrow),
        first=after == 0,
        next=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        mends=Right.INTAKE in who.rights,
        done=DRIVEN.get(done),
    )


@router.get("/quarantine/retry")
def back(request: Request, who: Person) -> Response:  # noqa: ARG001 access
    """To the list, for who loads the answer to the form again or in the other language."""
    return RedirectResponse("/quarantine", HTTPStatus.SEE_OTHER)


@router.post("/quarantine/retry")
def retry_all(
    request: Request,
    held: TheParts,
    now: Now,
    who: Posting,
    which: Annotated[Filter, Depends(typed)],
) -> Response:
    """Drive all that the filter shows again; the page grows as it goes on, so no script is needed.

    Each chunk is committed by itself: who leaves the page loses nothing.
    """
    may_mend(who)
    scope = narrowed(who, which.branch or None)
    narrow = wanted(which.source, which.field, which.code)
    with held.sessions() as session:
        total = refusals.count(session, scope, narrow._replace(decided=True))
        left = refusals.count(session, scope, narrow) - total
    page = render(request, "quarantine_retry.html", which=which, total=total, conflicts=left)
    head, _, tail = bytes(page.body).decode().partition(_HERE)
    progress = _progress(held, who, scope, which, now, total, speech(request))
    body = (part.encode() for one in ([head], progress, [tail]) for part in one)
    return StreamingResponse(
        body, media_type="text/html", headers={"Cache-Control": "private, no-store"}
    )


def _progress(
    held: Parts,
    who: Principal,
    scope: Scope,
    which: Filter,
    now: datetime,
    total: int,
    say: Speech,
) -> Iterator[str]:
    """A line a chunk, of which the last is seen, then what became of all."""
    outcomes: Counter[str] = Counter()
    narrow = wanted(which.source, which.field, which.code)
    last: int | None = 0
    yield '<ol class="progress" role="status">'
    try:
        while last is not None:
            of = say(
                "{done} of {total}", done=say.number(outcomes.total()), total=say.number(total)
            )
            bar = f'<progress max="{max(total, 1)}" value="{outcomes.total()}"></progress>'
            yield f"<li>{bar} {escape(of)}</li>\n"
            driven = drive_on(held, who, scope, narrow, now, last)
            outcomes += driven.outcomes
            last = driven.last_id
    except Exception:  # noqa: BLE001 the page has begun: it can only say so
        _log.exception("driving again failed")
        yield "</ol>" + _said(
            "alert", say("It stopped half way; what was driven is kept. Try again in a moment.")
        )
        return
    yield "</ol>" + _said(
        "fine", say("Records driven again: {count}", count=say.number(outcomes.total()))
    )
    lines = (
        f"<li>{escape(say(DRIVEN[one]))}: <b>{say.number(outcomes[one])}</b></li>"
        for one in KINDS
        if outcomes[one]
    )
    yield f"<ul>{''.join(lines)}</ul>"


def _said(tone: str, sentence: str) -> str:
    return f'<p class="{tone}">{escape(sentence)}</p>'


def may_mend(who: Principal) -> None:
    """Raise unless the reader may send records."""
    if Right.INTAKE not in who.rights:
        right = Right.INTAKE.value
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=right
        )


def _shown(row: RowMapping, rules: Rules, say: Speech) -> Refused:
    branch = rules.branches.get(row["branch"])
    return Refused(
        id=row["id"],
        code=row["code"],
        branch=branch.short_name if branch else row["branch"],
        source=row["source"],
        faults=faults(row["problems"], say),
        times=row["times"],
        arrived_at=row["arrived_at"],
        last_sent_at=row["last_sent_at"],
        settled=row if row["state"] != "open" else None,
    )


def faults(problems: Sequence[Mapping[str, Any]], say: Speech) -> list[tuple[str, str | None, str]]:
    """Of each problem the field as it was sent, its name for people, and what is wrong."""
    return [_fault(problem, say) for problem in problems]


def _fault(problem: Mapping[str, Any], say: Speech) -> tuple[str, str | None, str]:
    field, top = problem["field"], problem["field"].partition("[")[0].partition(".")[0]
    params = say.humane(problem["params"])
    if params.get("first") in FIELDS:  # a sentence that names a second field
        params["first"] = say(FIELDS[str(params["first"])])
    return field, FIELDS.get(top), say(problem["message"], **params)
