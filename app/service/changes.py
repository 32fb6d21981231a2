"""A change of the catalogue, checked and not yet made: what is wrong with it, what it may move."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import calendars, catalogue
from app.db.calendars import NATIONAL
from app.service.catalogue_items import OfficeBody, Procedure, SupplementBody, SupplementRow
from app.service.contradictions import TWICE, of_procedure, repeated, span, stored_limit

Reach = Mapping[str, Sequence[str]]
"""Which open dossiers a change may concern: any of these `procedures`, `branches`, `communes`; of
these only those whose clock may run over one of the `days`, given as the first and the last."""

_Item = TypeVar("_Item", bound=BaseModel)


class NotPublishableError(Exception):
    """What was to be published contradicts itself; nothing was changed."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{one.field}: {one.detail}" for one in problems))
        self.problems = problems


class Applied(NamedTuple):
    """What a change did: how many rows it moved, and what it may concern (None: everything)."""

    changed: int
    reach: Reach | None


@dataclass(frozen=True, slots=True)
class Change:
    """A checked change: what it is about, and how to make it as a version of the catalogue.

    `details` is what a person said, kept with the publication for who asks later.
    """

    kind: str
    subject: str
    apply: Callable[[Session, int, datetime], Applied]
    details: Mapping[str, Any] | None = None


def procedures(items: Sequence[Procedure | Mapping[str, Any]]) -> Change:
    """Procedures with their cases and limits; limits left out end, other procedures stay.

    Raises:
        NotPublishableError: a shape or a limit that cannot be one, or two limits of a case in
            force on one day, or none between two.
    """
    read = [checked(Procedure, item, _name(item, "code")) for item in items]
    wrong = [Problem(code, TWICE) for code in repeated([item.code for item in read])]
    wrong += [told for item in read for told in of_procedure(item)]
    if wrong:
        raise NotPublishableError(*wrong)
    codes = [item.code for item in read]

    def apply(session: Session, version: int, _: datetime) -> Applied:
        named = [
            {
                "code": item.code,
                "name": item.name,
                "group": item.group,
                "field": item.field,
                "level": item.level,
                "cases": [{"case": case.case, "name": case.name} for case in item.cases],
            }
            for item in read
        ]
        changed = len(catalogue.put_procedures(session, named))
        moved: dict[str, int] = {}
        for item in read:
            limits = [
                stored_limit(case.case, limit, item.doubt)
                for case in item.cases
                for limit in case.limits
            ]
            rows = catalogue.replace_limits(session, item.code, limits, version)
            moved |= {item.code: rows} if rows else {}
        return Applied(changed + sum(moved.values()), {"procedures": sorted(moved)})

    return Change("procedures", ", ".join(codes[:3]) + (" …" if len(codes) > 3 else ""), apply)  # noqa: PLR2004 three name it


def office(body: OfficeBody | Mapping[str, Any]) -> Change:
    """An office with branches and communes (`app/catalogue/dong_thap.json`); none is taken away.

    Raises:
        NotPublishableError: a shape that cannot be one.
    """
    read = checked(OfficeBody, body, "")
    held = read.office
    codes = [held.code, *(branch.code for branch in read.branches)]
    twice = [*repeated(codes), *repeated([commune.code for commune in read.communes])]
    if NATIONAL in codes:
        twice.append(NATIONAL)
    if twice:
        raise NotPublishableError(*(Problem(code, TWICE) for code in twice))

    def apply(session: Session, _: int, __: datetime) -> Applied:
        _check_codes(session, held.code, codes[1:])
        named = {"code": held.code, "name": held.name, "province": held.province}
        whole = catalogue.put_offices(session, [named])
        branches = [
            branch.model_dump(exclude={"area", "seat"}) | {"office": held.code}
            for branch in read.branches
        ]
        moved = catalogue.put_branches(session, branches)
        communes = [commune.model_dump() for commune in read.communes]
        difficult = catalogue.put_communes(session, communes)
        calendars.compose(session)
        if whole:  # its province picks the limits of every branch
            moved = [row["code"] for row in catalogue.branches(session, held.code)]
        changed = len(whole) + len(moved) + len(difficult)
        return Applied(changed, {"branches": moved, "communes": difficult})

    return Change("office", held.code, apply)


def _check_codes(session: Session, office_code: str, branches: Sequence[str]) -> None:
    """A calendar's scope is the code of an office or of a branch: none may be both."""
    offices = {row["code"] for row in catalogue.offices(session)}
    others = {row["code"] for row in catalogue.branches(session)}
    both = sorted((offices & set(branches)) | ({office_code} & others))
    if both:
        why = "the code is an office's already; an office and a branch never share one"
        raise NotPublishableError(*(Problem(code, why) for code in both))


def supplement(body: SupplementBody | Mapping[str, Any]) -> Change:
    """What a completed supplement does to limits that do not say so, by day of receipt.

    Raises:
        NotPublishableError: a shape that cannot be one, or a day of receipt under two rows or
            under none.
    """
    rows = sorted(
        checked(SupplementBody, body, "").rows,
        key=lambda row: (row.valid_from is not None, row.valid_from),
    )
    wrong = []
    for earlier, later in pairwise(rows):
        until, begins = earlier.valid_until, later.valid_from
        if until is None or begins is None or (begins - until).days != 1:
            both = {"earlier": _span(earlier), "later": _span(later)}
            why = "{earlier} and {later} do not meet: let the second begin the day after the first"
            wrong.append(Problem("rows", why, both))
    if rows[0].valid_from is not None or rows[-1].valid_until is not None:
        why = "leave valid_from of the first row and valid_until of the last empty"
        wrong.append(Problem("rows", why))
    if wrong:
        raise NotPublishableError(*wrong)

    def apply(session: Session, version: int, _: datetime) -> Applied:
        stored = [row.model_dump() | {"policy": row.policy.value} for row in rows]
        return Applied(catalogue.replace_supplements(session, stored, version), None)

    return Change("supplement", "supplement", apply)


def _span(row: SupplementRow) -> str:
    return span(row.valid_from, row.valid_until)


def checked(shape: type[_Item], item: _Item | Mapping[str, Any], where: str) -> _Item:
    """The item in its shape; a fault names its field, such as `1.012783.cases.0.limits.2.unit`."""
    try:
        return shape.model_validate(item)
    except ValidationError as wrong:
        raise NotPublishableError(
            *(
                Problem(
                    ".".join(str(part) for part in (where, *fault["loc"]) if part != ""),
                    "{why}",
                    {"why": fault["msg"]},
                )
                for fault in wrong.errors(include_url=False)
            )
        ) from None


def _name(item: object, by: str) -> str:
    """What an item calls itself, however wrong the rest of it is."""
    held = item.get(by, "") if isinstance(item, Mapping) else getattr(item, by, "")
    return str(held)[:60]
