"""A change of the catalogue, checked and not yet made: what is wrong with it, what it may move."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.core.layers import days_between
from app.core.office_hours import BadCalendarError
from app.core.problems import Problem
from app.db import calendars, catalogue
from app.db.calendars import NATIONAL
from app.service.calendar_items import CalendarBody, Day
from app.service.calendars import layer, published
from app.service.catalogue_items import OfficeBody, Procedure, SupplementBody, SupplementRow
from app.service.contradictions import TWICE, of_procedure, repeated, span, stored_limit

Reach = Mapping[str, Sequence[str]]
"""Which open dossiers a change may concern: any of these `procedures`, `branches`, `communes`; of
these only those whose clock may run over one of the `days`, given as the first and the last."""

# A calendar as it is read back says these of itself; the scope it is published for decides.
_SAID_OF_A_CALENDAR = {"scope", "version", "unconfirmed_from"}
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
    """A checked change: what it is about, and how to make it as a version of the catalogue."""

    kind: str
    subject: str
    apply: Callable[[Session, int, datetime], Applied]


def procedures(items: Sequence[Procedure | Mapping[str, Any]]) -> Change:
    """Procedures with their cases and limits; limits left out end, other procedures stay.

    Raises:
        NotPublishableError: a shape or a limit that cannot be one, or two limits of a case in
            force on one day, or none between two.
    """
    checked = [_checked(Procedure, item, _name(item, "code")) for item in items]
    wrong = [Problem(code, TWICE) for code in repeated([item.code for item in checked])]
    wrong += [told for item in checked for told in of_procedure(item)]
    if wrong:
        raise NotPublishableError(*wrong)
    codes = [item.code for item in checked]

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
            for item in checked
        ]
        changed = len(catalogue.put_procedures(session, named))
        moved: dict[str, int] = {}
        for item in checked:
            limits = [
                stored_limit(case.case, limit) for case in item.cases for limit in case.limits
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
    checked = _checked(OfficeBody, body, "")
    held = checked.office

    def apply(session: Session, _: int, __: datetime) -> Applied:
        named = {"code": held.code, "name": held.name, "province": held.province}
        whole = catalogue.put_offices(session, [named])
        branches = [
            branch.model_dump(exclude={"area", "seat"}) | {"office": held.code}
            for branch in checked.branches
        ]
        moved = catalogue.put_branches(session, branches)
        communes = [commune.model_dump() for commune in checked.communes]
        difficult = catalogue.put_communes(session, communes)
        calendars.compose(session)
        if whole:  # its province picks the limits of every branch
            moved = [row["code"] for row in catalogue.branches(session, held.code)]
        changed = len(whole) + len(moved) + len(difficult)
        return Applied(changed, {"branches": moved, "communes": difficult})

    return Change("office", held.code, apply)


def supplement(body: SupplementBody | Mapping[str, Any]) -> Change:
    """What a completed supplement does to limits that do not say so, by day of receipt.

    Raises:
        NotPublishableError: a shape that cannot be one, or a day of receipt under two rows or
            under none.
    """
    rows = sorted(
        _checked(SupplementBody, body, "").rows,
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


def calendar(scope: str, body: Mapping[str, Any]) -> Change:
    """A layer of the calendar: the nation's, an office's, or a branch's.

    Raises:
        NotPublishableError: a shape that cannot be one, or it contradicts itself (a day off and
            worked, hours that overlap…).
    """
    itself = {name: held for name, held in body.items() if name not in _SAID_OF_A_CALENDAR}
    checked = _checked(CalendarBody, itself, "")
    plain = _stored(scope, checked)
    return Change("calendar", scope, lambda *moment: _layer(scope, plain, *moment))


def calendar_day(scope: str, day: Day) -> Change:
    """One day added to a scope's layer, or another word on that day; the rest stays.

    Raises:
        NotPublishableError: on making it, if the calendar would contradict itself.
    """
    return Change("calendar", scope, lambda *moment: _with_day(scope, day, *moment))


def calendar_without(scope: str, on: date) -> Change:
    """One day taken out of a scope's layer: it is as the wider layers have it."""
    return Change("calendar", scope, lambda *moment: _without(scope, on, *moment))


def calendar_confirmed(scope: str, until: date) -> Change:
    """The layer of a scope said to be complete up to a day, included."""
    return Change("calendar", scope, lambda *moment: _confirmed(scope, until, *moment))


def _with_day(scope: str, day: Day, session: Session, version: int, now: datetime) -> Applied:
    held = dict(_held(session, scope))
    said = day.model_dump(mode="json", exclude_defaults=True)
    if any(_plain(one) == _plain(said) for one in held.get("days", ())):
        return Applied(0, {})
    others = [one for one in held.get("days", ()) if one["date"] != said["date"]]
    held["days"] = sorted([*others, said], key=lambda one: str(one["date"]))
    plain = _stored(scope, _checked(CalendarBody, held, ""))
    return _layer(scope, plain, session, version, now)


def _plain(day: Mapping[str, Any]) -> dict[str, Any]:
    """A day without who took it over and when: said again by somebody else it is the same day."""
    return {name: held for name, held in day.items() if not name.startswith("accepted_")}


def _without(scope: str, on: date, session: Session, version: int, now: datetime) -> Applied:
    held = dict(_held(session, scope))
    days = held.get("days", [])
    held["days"] = [one for one in days if one["date"] != on.isoformat()]
    if len(held["days"]) == len(days):
        raise NotPublishableError(
            Problem("date", "the calendar {scope} says nothing of {on}", {"scope": scope, "on": on})
        )
    return _layer(scope, _stored(scope, _checked(CalendarBody, held, "")), session, version, now)


def _confirmed(scope: str, until: date, session: Session, version: int, now: datetime) -> Applied:
    held = dict(_held(session, scope)) | {"confirmed_until": until}
    return _layer(scope, _stored(scope, _checked(CalendarBody, held, "")), session, version, now)


def _held(session: Session, scope: str) -> Mapping[str, Any]:
    row = calendars.find(session, scope)
    return row["body"] if row else {}


def _stored(scope: str, checked: CalendarBody) -> dict[str, Any]:
    """A layer as it is stored: what says nothing is left out, the days in their order."""
    twice = repeated([str(day.date) for day in checked.days])
    if twice:
        raise NotPublishableError(*(Problem(f"days.{day}", TWICE) for day in twice))
    if scope == NATIONAL and checked.week is None:
        why = "give the usual hours of a week; only narrower calendars may leave them out"
        raise NotPublishableError(Problem("week", why))
    if checked.week is not None and not any(checked.week.values()):
        why = "no working time at all; no limit would ever end"
        raise NotPublishableError(Problem("week", "{why}", {"why": why}))
    return checked.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _layer(
    scope: str, plain: Mapping[str, Any], session: Session, version: int, now: datetime
) -> Applied:
    if not plain and calendars.find(session, scope) is None:
        why = "it says nothing; give a week, seasons or days"
        raise NotPublishableError(Problem("week", why))
    old = calendars.find(session, scope)
    if not calendars.publish(session, scope, plain, version, now):
        return Applied(0, {})
    calendars.compose(session)
    _check_stacks(session, scope)
    days = days_between(layer(old["body"] if old else {}), layer(plain))
    reach: dict[str, list[str]] = {"days": [day.isoformat() for day in days or ()]}
    if scope != NATIONAL:
        of_office = [row["code"] for row in catalogue.branches(session, scope)]
        reach["branches"] = of_office or [scope]
    return Applied(1, reach)


def _check_stacks(session: Session, scope: str) -> None:
    """Every working calendar that has this layer must hold together: each is built once."""
    newest = {row["id"]: row for row in calendars.newest(session)}
    for layers, calendar_id in calendars.stacks(session, list(newest)).items():
        rows = [newest[layer] for layer in layers]
        if all(row["scope"] != scope for row in rows):
            continue
        try:
            _ = published(calendar_id, rows).calendar
        except BadCalendarError as wrong:
            raise NotPublishableError(Problem(wrong.where, "{why}", {"why": wrong.why})) from None
        except (KeyError, ValueError, OSError) as wrong:
            raise NotPublishableError(
                Problem("zone", "not a calendar: {why}", {"why": repr(wrong)})
            ) from None


def _checked(shape: type[_Item], item: _Item | Mapping[str, Any], where: str) -> _Item:
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
