"""Biểu II.06a as it is asked for: frozen or counted now, and with that of each branch."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.db import openings
from app.service import closings, ii06a
from app.service.asked import Asked
from app.service.document import Document


def report(
    session: Session,
    asked: Asked,
    *,
    per_branch: bool = False,
    live: bool = False,
    parts: bool = True,
) -> Document:
    """The form of the branch that is asked about, or of all together with that of each as a part.

    As it was frozen if the period is closed and asked about to its end, unless `live`. `per_branch`
    puts the parts into one table instead, a row a branch above its own; without `parts` there are
    none, and an office is counted faster.
    """
    parts = (parts or per_branch) and asked.about is None
    whole = None if live else _frozen(session, asked, parts=parts)
    if whole is None:
        whole = _counted(session, asked, parts=parts)
    whole.notes += asked.partly
    return ii06a.by_branch(whole) if per_branch else whole


def _frozen(session: Session, asked: Asked, *, parts: bool) -> Document | None:
    if not closings.is_whole(asked.period, asked.over):
        return None
    office, name = asked.caller.office, asked.period.name
    scope = [clock.branch for clock in asked.clocks]
    whole_office = asked.caller.whole_office
    found = closings.frozen_ii06a(
        session, office, name, asked.about, scope, whole_office=whole_office
    )
    if found is not None and parts:
        each = (
            closings.frozen_ii06a(session, office, name, branch, scope, whole_office=whole_office)
            for branch in sorted(scope)
        )
        found.parts = [one for one in each if one is not None]
    return found


def _counted(session: Session, asked: Asked, *, parts: bool) -> Document:
    office = asked.caller.office
    opening = openings.opening(session, office, asked.period.first, asked.period.kind)
    each = parts or asked.about is not None
    found = ii06a.count(session, asked.clocks, asked.over, opening, each_branch=each)

    def form(branch: str | None) -> Document:
        return ii06a.document(
            found,
            asked.rules,
            asked.period,
            asked.over,
            office=office,
            branch=branch,
            data_as_of=asked.data_as_of if branch == asked.about else _heard(asked, branch),
        )

    whole = form(asked.about)
    if parts:
        active = {
            clock.branch
            for clock in asked.clocks
            if asked.rules.branches[clock.branch].is_active(asked.over.last)
        }
        told = {code for code, _ in (*found.regular, *found.adjusted)}
        whole.parts = [form(branch) for branch in sorted(active | told)]
    return whole


def _heard(asked: Asked, branch: str | None) -> datetime | None:
    clock = asked.heard.get(branch or "")
    return clock.heard_at if clock else None
