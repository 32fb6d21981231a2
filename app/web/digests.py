"""The caller's digest over HTTP: what the morning's mail would say if it were written now."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.service.digest_document import Digest, Line, Section
from app.service.digest_preview import preview
from app.web.deps import Now, Reader, TheParts, Transaction
from app.web.shown import instant

router = APIRouter(prefix="/v1/digests", tags=["alerts"])


class DossierTold(BaseModel):
    """A dossier a section names: when it is or was due, or since when it waits."""

    code: str
    due_at: datetime | None
    since: date | None
    procedure: str | None


class SectionTold(BaseModel):
    """A section; `count` is all of it, `named_above` and `handled` among them."""

    name: str
    count: int
    named_above: int
    handled: int
    working_days: int | None
    dossiers: list[DossierTold]


class BranchTold(BaseModel):
    """The figures of a branch; `rate` of what ended on the last working day, null is no data."""

    branch: str | None
    name: str | None
    overdue: int
    due_today: int
    due_tomorrow: int
    due_soon: int
    unverified: int
    on_time: int
    judged: int
    rate: float | None


class DigestTold(BaseModel):
    """A digest without words; `due_soon` has what is due today in it."""

    day: date
    as_of: datetime
    last_working_day: date
    next_working_day: date
    unit: str | None
    whole_office: bool
    nothing_to_say: bool
    sections: list[SectionTold]
    branches: list[BranchTold]
    totals: BranchTold
    silent: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    unconfirmed: list[dict[str, Any]]
    handled: int
    due_ahead: list[dict[str, Any]]
    data_as_of: datetime | None


@router.get("/today", summary="Your digest as it would be written now")
def get_today(session: Transaction, caller: Reader, held: TheParts, now: Now) -> DigestTold:
    """Nothing is sent and nothing remembered. News are those since the digest last sent to you.

    A credential of a machine was never told anything: for it news are what was raised since the
    last working day opened.
    """
    found = preview(session, held.book.in_force(session), now, held.judged, caller)
    return told(found)


def told(held: Digest) -> DigestTold:
    """A digest as JSON has it."""
    return DigestTold(
        day=held.day,
        as_of=held.as_of,
        last_working_day=held.yesterday,
        next_working_day=held.tomorrow,
        unit=held.unit or None,
        whole_office=held.whole,
        nothing_to_say=held.nothing,
        sections=[_section(one) for one in held.sections],
        branches=[_line(one) for one in held.lines],
        totals=_line(held.total),
        silent=[
            {"branch": one.branch, "source": one.source, "heard_at": instant(one.heard_at)}
            for one in held.silent
        ],
        refused=[
            {"branch": one.branch, "since_last_working_day": one.fresh, "open": one.open}
            for one in held.refused
        ],
        unconfirmed=[
            {"from": one.first.isoformat(), "branches": list(one.branches)}
            for one in held.unconfirmed
        ],
        handled=held.in_hand,
        due_ahead=[{"day": on.isoformat(), "count": count} for on, count in held.ahead],
        data_as_of=held.table.data_as_of,
    )


def _section(one: Section) -> SectionTold:
    return SectionTold(
        name=one.part.value,
        count=one.count,
        named_above=one.above,
        handled=one.handled,
        working_days=one.days,
        dossiers=[
            DossierTold(
                code=entry.code, due_at=entry.due_at, since=entry.since, procedure=entry.procedure
            )
            for entry in one.entries
        ],
    )


def _line(one: Line) -> BranchTold:
    return BranchTold(
        branch=one.code or None,
        name=one.name or None,
        overdue=one.overdue,
        due_today=one.due_today,
        due_tomorrow=one.due_tomorrow,
        due_soon=one.due_soon,
        unverified=one.unverified,
        on_time=one.on_time,
        judged=one.judged,
        rate=one.rate,
    )
