"""The page of files: choose one, see what would become of it, take it in, fetch what was refused.

Between preview and confirmation the file waits in the database, where names are kept, so that any
process may take it in; it goes with the confirmation, or after a day.
"""

import base64
import io
import secrets
import zlib
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.adapters.sheets.lexicon import DATES, FIELDS, IGNORED, TEXTS
from app.core.problems import Problem
from app.db import imports as runs
from app.service.access import Principal, Right
from app.service.import_read import Options
from app.service.imports import KINDS, Report
from app.web.deps import MAX_ID, Now, Parts, TheParts, Transaction
from app.web.imports import moment_of, precision, run_of, take, whose, workbook
from app.web.pages import words
from app.web.pages.shell import PageRoute, Person, Posting, posting, render, speech
from app.web.problems import ProblemError
from app.web.uploads import Upload, upload

router = APIRouter(route_class=PageRoute)

MAX_PAGE_BYTES = 20 * 1024 * 1024
"""A file waits in memory whole here; larger ones go by the API or the command."""
_FORM_BYTES = 128 * 1024
_WAITS = timedelta(days=1)
_SHOWN_RUNS = 30
_SHOWN_PROBLEMS = 100
_MAPPED = "map:"


def _clerk(who: Principal) -> Principal:
    if Right.INTAKE not in who.rights:
        right = Right.INTAKE.value
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "This credential has no right '{right}'", right=right
        )
    return who


@router.get("/imports")
def files(request: Request, session: Transaction, held: TheParts, who: Person) -> Response:
    """Choose a file; those taken in before."""
    _clerk(who)
    return _choose(request, session, held, who)


def _choose(
    request: Request,
    session: Any,  # noqa: ANN401 a session
    held: Parts,
    who: Principal,
    faults: tuple[Problem, ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    rows = runs.page(session, who.office, whose(who), before=None, limit=_SHOWN_RUNS)
    return render(
        request,
        "imports.html",
        status,
        faults=faults,
        branches=_branches(held, session, who),
        runs=[dict(row) for row in rows],
        left=runs.open_rejects(session, [row["id"] for row in rows]),
        limit=MAX_PAGE_BYTES // (1024 * 1024),
    )


def _branches(held: Parts, session: Any, who: Principal) -> dict[str, str]:  # noqa: ANN401
    rules = held.book.in_force(session)
    return {code: rules.branches[code].short_name for code in sorted(who.branches)}


@router.get("/imports/preview")
@router.get("/imports/take")
def back(request: Request, who: Person) -> Response:
    """To the page, for who loads the answer to a form again or in the other language."""
    _clerk(who)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/imports{query}", HTTPStatus.SEE_OTHER)


@router.post("/imports/preview", max_body_size=1 << 62)
async def preview(request: Request, held: TheParts, now: Now, who: Person) -> Response:
    """What would become of the file, and how its columns are read."""
    _clerk(who)
    async with upload(request, MAX_PAGE_BYTES + _FORM_BYTES) as sent:
        posting(who, sent.fields.get("csrf", ""))
        return await run_in_threadpool(_previewed, request, sent, held, now, who)


def _previewed(
    request: Request, sent: Upload, held: Parts, now: datetime, who: Principal
) -> Response:
    fields = sent.fields
    body, name = sent.file.read(), sent.name
    waits = None
    if not body and fields.get("token"):  # mapped anew: the file is here already
        waits = _waiting(held, fields["token"], who)
        body, name = _body(waits), waits["name"]
    wished = waits["wished"] if waits else _wished(fields)
    mapping = {
        heading.removeprefix(_MAPPED): field
        for heading, field in fields.items()
        if heading.startswith(_MAPPED) and field
    }
    wished = wished | {"map": mapping}
    try:
        report = take(
            Upload(io.BytesIO(body), name, {}),
            _options(wished, name),
            who,
            held,
            now,
            only_preview=True,
        )
    except ProblemError as wrong:
        faults = tuple(wrong.problems) or (Problem("", wrong.title, wrong.params),)
        with held.sessions() as session:
            return _choose(request, session, held, who, faults, wrong.status)
    token = secrets.token_urlsafe(24)
    with held.sessions.begin() as session:
        if waits:
            runs.forget(session, fields["token"])
        packed = base64.b64encode(zlib.compress(body, 1)).decode()
        runs.forget_waiting(session, now - _WAITS)
        kept = {"by": who.by, "name": name, "file": packed, "wished": wished}
        runs.wait(session, token, kept, now)
        branches = _branches(held, session, who)
    return _shown_preview(request, report, name, token, branches)


def _shown_preview(
    request: Request, report: Report, name: str, token: str, branches: dict[str, str]
) -> Response:
    say = speech(request)
    columns = report.plan.sheet.columns
    return render(
        request,
        "import_preview.html",
        report=report,
        name=name,
        token=token,
        columns=[(one, precision(report, one.field)) for one in columns.columns],
        fields=_field_names(),
        ignored=IGNORED,
        mapped=_MAPPED,
        kinds=KINDS,
        kind_names=words.OUTCOMES_OF_ROWS,
        rows=[
            (line, record, by_day, words.STATUSES.get(int(record.get("status", 0)), ""))
            for line, record, by_day in report.rows
        ],
        branches=branches,
        dates=_SHOWN_DATES,
        names=words.FIELDS,
        problems=[(one, say.humane(one.problem.params)) for one in report.problems][
            :_SHOWN_PROBLEMS
        ],
        more=max(0, len(report.problems) - _SHOWN_PROBLEMS) + report.more_problems,
        day=_day,
    )


_SHOWN_DATES = ("received_at", "promised_at", "finished_at", "handed_over_at")


def _day(text: str, *, by_day: bool) -> date | datetime:
    """A moment of a record as a day where its hour is not known."""
    at = datetime.fromisoformat(text)
    return at.date() if by_day else at


def _field_names() -> list[tuple[str, str]]:
    """The fields a column may be, each by its first heading."""
    known = {**TEXTS, **DATES}
    return [(field, known[field][0]) for field in FIELDS if field != "reject_id"]


def _wished(fields: dict[str, str]) -> dict[str, Any]:
    as_of = fields.get("as_of", "").strip()
    return {
        "branch": fields.get("branch") or None,
        "sheet": fields.get("sheet", "").strip()[:200] or None,
        "encoding": fields.get("encoding") or None,
        "as_of": as_of or None,
        "historical": "historical" in fields,
    }


def _options(wished: dict[str, Any], name: str) -> Options:
    as_of = None
    if wished["as_of"]:
        try:
            as_of = moment_of(date.fromisoformat(wished["as_of"]))
        except ValueError:
            wrong = Problem("as_of", "give a day, as 2026-11-20")
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "The file cannot be read", [wrong]
            ) from None
    return Options(
        name=name,
        sheet=wished["sheet"],
        encoding=wished["encoding"],
        mapping=wished["map"],
        branch=wished["branch"],
        as_of=as_of,
        historical=wished["historical"],
    )


def _waiting(held: Parts, token: str, who: Principal) -> dict[str, Any]:
    with held.sessions() as session:
        found = runs.waiting(session, token) if "\0" not in token else None
    if found is None or found["by"] != who.by:
        raise ProblemError(HTTPStatus.NOT_FOUND, "The file is no longer here; choose it again")
    return found


def _body(waits: dict[str, Any]) -> bytes:
    return zlib.decompress(base64.b64decode(waits["file"]))


@router.post("/imports/take")
def take_in(held: TheParts, now: Now, who: Posting, token: Annotated[str, Form()] = "") -> Response:
    """Take in the file that was shown, as it was shown."""
    return _taken(held, now, _clerk(who), token)


def _taken(held: Parts, now: datetime, who: Principal, token: str) -> Response:
    waits = _waiting(held, token, who)
    sent = Upload(io.BytesIO(_body(waits)), waits["name"], {})
    options = _options(waits["wished"], waits["name"])
    report = take(sent, options, who, held, now, only_preview=False)
    with held.sessions.begin() as session:
        runs.forget(session, token)
    return RedirectResponse(f"/imports/{report.import_id}", HTTPStatus.SEE_OTHER)


@router.get("/imports/{import_id}")
def file(
    request: Request, session: Transaction, held: TheParts, who: Person, import_id: int
) -> Response:
    """What became of a file."""
    _clerk(who)
    run = run_of(session, _known(import_id), who)
    return render(
        request,
        "import.html",
        run=run,
        left=runs.open_rejects(session, [import_id]).get(import_id, 0),
        kinds=KINDS,
        kind_names=words.OUTCOMES_OF_ROWS,
        branches=_branches(held, session, who),
    )


@router.get("/imports/{import_id}/rejects")
def rejects(request: Request, session: Transaction, who: Person, import_id: int) -> Response:
    """The rows still refused, as a workbook."""
    _clerk(who)
    return workbook(session, run_of(session, _known(import_id), who), speech(request).language)


def _known(import_id: int) -> int:
    if not 0 < import_id <= MAX_ID:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such file")
    return import_id
