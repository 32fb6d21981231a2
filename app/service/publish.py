"""Publishing the catalogue: the same words by command and by API, from files or from people."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.core.calendar import BadCalendarError
from app.core.clock import LimitError
from app.core.codes import procedure_code
from app.core.problems import Problem
from app.db import catalogue
from app.service.calendars import working_calendar
from app.service.catalogue_items import CalendarBody, Case, LimitRow, OfficeBody, Procedure
from app.service.limits import limit_rule
from app.service.rules import NATIONAL

SAMPLE = Path(__file__).parents[1] / "catalogue"

_APART = {"valid_from", "valid_until", "province"}
# A calendar as it is read back says these of itself; the scope it is published for decides.
_SAID_OF_A_CALENDAR = {"scope", "version"}
_TWICE = "it is there twice; put all of it in one place"
_Item = TypeVar("_Item", bound=BaseModel)


class NotPublishableError(Exception):
    """What was to be published contradicts itself; nothing was changed."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{one.field}: {one.detail}" for one in problems))
        self.problems = problems


def procedures(
    session: Session, items: Sequence[Procedure | Mapping[str, Any]], now: datetime
) -> int:
    """Publish procedures with their cases and limits; returns how many limit rows moved.

    Raises:
        NotPublishableError: a shape or a limit that cannot be one, or two limits of a case in
            force on one day, or none between two.
    """
    if not items:
        return 0
    checked = [_checked(Procedure, item, _name(item, "code")) for item in items]
    wrong = [Problem(code, _TWICE) for code in _repeated([item.code for item in checked])]
    wrong += [told for item in checked for told in _contradictions(item)]
    if wrong:
        raise NotPublishableError(*wrong)
    with _publication(session, now) as made:
        made.changed += catalogue.put_procedures(
            session,
            [
                {
                    "code": item.code,
                    "name": item.name,
                    "group": item.group,
                    "field": item.field,
                    "level": item.level,
                    "cases": [{"case": case.case, "name": case.name} for case in item.cases],
                }
                for item in checked
            ],
        )
        moved = sum(
            catalogue.replace_limits(
                session,
                item.code,
                [_row(case.case, limit) for case in item.cases for limit in case.limits],
                made.version,
            )
            for item in checked
        )
        made.changed += moved
    return moved


@dataclass(slots=True)
class _Publication:
    version: int
    changed: int = 0


@contextmanager
def _publication(session: Session, now: datetime) -> Iterator[_Publication]:
    """A new version of the catalogue; taken back if nothing in it differs from the one before."""
    with session.begin_nested() as attempt:
        made = _Publication(catalogue.advance(session, now))
        yield made
        if not made.changed:
            attempt.rollback()


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


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _contradictions(item: Procedure) -> Iterator[Problem]:
    """What is wrong with a procedure whose shape is right."""
    plain = procedure_code(item.code)
    if item.code != plain:
        yield Problem(
            "code",
            "write {code}, without a province's suffix; a province's own limit names its province",
            {"code": plain},
        )
    for name in _repeated([case.case for case in item.cases]):
        yield Problem(f"{item.code}.{name}", _TWICE)
    for case in item.cases:
        wrong = [told for limit in case.limits for told in _no_limit(item.code, case.case, limit)]
        yield from wrong or _neighbours(item.code, case)


def _no_limit(procedure: str, case: str, limit: LimitRow) -> Iterator[Problem]:
    where = f"{procedure}.{case}.{limit.province or NATIONAL}"
    if limit.cutoff is not None and limit.cutoff.tzinfo is not None:
        why = "the cutoff is a local time; leave out its offset"
        yield Problem(where, "not a limit: {why}", {"why": why})
        return
    try:
        limit_rule({"id": 0, "procedure": procedure, **_row(case, limit)})
    except (LimitError, ValueError, KeyError, TypeError) as wrong:
        yield Problem(where, "not a limit: {why}", {"why": str(wrong)})
    if limit.valid_until is None and limit.ends:
        yield Problem(where, "give valid_until, the last day of a rule that ends")
    if limit.valid_until is not None and limit.valid_until < limit.valid_from:
        yield Problem(where, "valid_until is before valid_from; correct one")


def _neighbours(procedure: str, case: Case) -> Iterator[Problem]:
    """Each day of receipt has one limit: rows that overlap, or leave a gap that is not meant."""

    def province(limit: LimitRow) -> str:
        return limit.province or ""

    ordered = sorted(case.limits, key=lambda limit: (province(limit), limit.valid_from))
    for own, rows in groupby(ordered, key=province):
        where = f"{procedure}.{case.case}.{own or NATIONAL}"
        for earlier, later in pairwise(rows):
            both = {"earlier": _span(earlier), "later": _span(later)}
            until = earlier.valid_until
            if until is None or until >= later.valid_from:
                yield Problem(
                    where,
                    "two limits are in force at once, {earlier} and {later}; "
                    "end the first the day before the second begins",
                    both,
                )
            elif not earlier.ends and (later.valid_from - until).days > 1:
                yield Problem(
                    where,
                    "no limit is in force between {earlier} and {later}; close the gap, "
                    "or say with ends that the first one really ended",
                    both,
                )


def _span(limit: LimitRow) -> str:
    """The days a row is in force: `2024-08-01 – 2025-06-30`, `2025-07-01 – …`."""
    return f"{limit.valid_from} – {limit.valid_until or '…'}"


def _row(case: str, limit: LimitRow) -> dict[str, Any]:
    """A limit as it is stored: what says nothing is left out, so the same law is the same row."""
    return {
        "case": case,
        "province": limit.province,
        "valid_from": limit.valid_from,
        "valid_until": limit.valid_until,
        "rule": limit.model_dump(mode="json", exclude=_APART, exclude_defaults=True),
    }


def calendar(session: Session, scope: str, body: Mapping[str, Any], now: datetime) -> bool:
    """Publish a calendar for the nation, an office or a branch; False if nothing changed.

    Raises:
        NotPublishableError: a shape that cannot be one, or it contradicts itself (a day off and
            worked, hours that overlap…).
    """
    itself = {name: held for name, held in body.items() if name not in _SAID_OF_A_CALENDAR}
    checked = _checked(CalendarBody, itself, "")
    twice = _repeated([str(day.date) for day in checked.days])
    if twice:
        raise NotPublishableError(*(Problem(f"days.{day}", _TWICE) for day in twice))
    plain = checked.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    plain |= {"zone": checked.zone}
    try:
        read = working_calendar(plain)
    except BadCalendarError as wrong:
        raise NotPublishableError(Problem(wrong.where, "{why}", {"why": wrong.why})) from None
    except (KeyError, ValueError, OSError) as wrong:
        raise NotPublishableError(
            Problem("zone", "not a calendar: {why}", {"why": repr(wrong)})
        ) from None
    if not any(read.spec.week):
        why = "no working time at all; no limit would ever end"
        raise NotPublishableError(Problem("week", "{why}", {"why": why}))
    with _publication(session, now) as made:
        made.changed += catalogue.publish_calendar(session, scope, plain, made.version, now)
    return bool(made.changed)


def office(session: Session, body: OfficeBody | Mapping[str, Any], now: datetime) -> None:
    """Publish an office with its branches and communes (`app/catalogue/dong_thap.json`).

    Raises:
        NotPublishableError: a shape that cannot be one.
    """
    checked = _checked(OfficeBody, body, "")
    held = checked.office
    with _publication(session, now) as made:
        named = {"code": held.code, "name": held.name, "province": held.province}
        made.changed += catalogue.put_offices(session, [named])
        made.changed += catalogue.put_branches(
            session,
            [
                branch.model_dump(exclude={"area", "seat"}) | {"office": held.code}
                for branch in checked.branches
            ],
        )
        communes = [commune.model_dump() for commune in checked.communes]
        made.changed += catalogue.put_communes(session, communes)


def sample(session: Session, now: datetime, folder: Path = SAMPLE) -> None:
    """Publish the catalogue that comes with the program; what is the same stays as it is."""
    calendar(session, NATIONAL, _read(folder / "calendar_vn.json"), now)
    office(session, _read(folder / "dong_thap.json"), now)
    procedures(session, _read(folder / "procedures.json"), now)


def _read(file: Path) -> Any:  # noqa: ANN401 JSON
    return json.loads(file.read_text(encoding="utf-8"))
