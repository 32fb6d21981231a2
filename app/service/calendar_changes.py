"""Changes of a calendar: a whole layer, one day of it, or how far it is confirmed."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.core.layers import days_between
from app.core.office_hours import BadCalendarError
from app.core.problems import Problem
from app.db import calendars, catalogue
from app.db.calendars import NATIONAL
from app.service.calendar_items import CalendarBody, Day
from app.service.calendars import LAST_ON, Published, layer, published
from app.service.changes import Applied, Change, NotPublishableError, checked
from app.service.contradictions import TWICE, repeated

# A calendar as it is read back says these of itself; the scope it is published for decides.
_SAID_OF_A_CALENDAR = {"scope", "version", "unconfirmed_from"}
_KEPT_FOR_PEOPLE = frozenset({"accepted_by", "accepted_at", "proposed_by"})


def calendar(scope: str, body: Mapping[str, Any]) -> Change:
    """A layer of the calendar: the nation's, an office's, or a branch's.

    Raises:
        NotPublishableError: a shape that cannot be one, or it contradicts itself (a day off and
            worked, hours that overlap…).
    """
    itself = {name: held for name, held in body.items() if name not in _SAID_OF_A_CALENDAR}
    plain = _stored(scope, checked(CalendarBody, itself, ""))
    return Change("calendar", scope, lambda *moment: _whole(scope, plain, *moment))


def calendar_day(scope: str, day: Day) -> Change:
    """One day added to a scope's layer, or another word on that day; the rest stays.

    Raises:
        NotPublishableError: on making it, if the calendar would contradict itself.
    """
    said = day.model_dump(mode="json", exclude_defaults=True)
    return Change("calendar", scope, lambda *moment: _with_day(scope, day, *moment), said)


def calendar_without(scope: str, on: date) -> Change:
    """One day taken out of a scope's layer: it is as the wider layers have it."""
    said = {"date": on.isoformat(), "kind": "taken back"}
    return Change("calendar", scope, lambda *moment: _without(scope, on, *moment), said)


def calendar_confirmed(scope: str, until: date, *, earlier: bool = False) -> Change:
    """The layer of a scope said to be complete up to a day, included.

    Raises:
        NotPublishableError: on making it, if it takes back days confirmed before and `earlier`
            does not say that this is meant.
    """
    said = {"confirmed_until": until.isoformat()}
    make = partial(_confirmed, scope, until, earlier)
    return Change("calendar", scope, make, said)


def _with_day(scope: str, day: Day, session: Session, version: int, now: datetime) -> Applied:
    held = dict(_held(session, scope))
    said = day.model_dump(mode="json", exclude_defaults=True)
    if any(_plain(one) == _plain(said) for one in held.get("days", ())):
        return Applied(0, {})
    others = [one for one in held.get("days", ()) if one["date"] != said["date"]]
    held["days"] = sorted([*others, said], key=lambda one: str(one["date"]))
    plain = _stored(scope, checked(CalendarBody, held, ""))
    return _layer(scope, plain, session, version, now)


def _plain(day: Mapping[str, Any]) -> dict[str, Any]:
    """A day without who took it over and when: said again by somebody else it is the same day."""
    return {name: held for name, held in day.items() if name not in _KEPT_FOR_PEOPLE}


def _without(scope: str, on: date, session: Session, version: int, now: datetime) -> Applied:
    held = dict(_held(session, scope))
    days = held.get("days", [])
    held["days"] = [one for one in days if one["date"] != on.isoformat()]
    if len(held["days"]) == len(days):
        raise NotPublishableError(
            Problem("date", "the calendar {scope} says nothing of {on}", {"scope": scope, "on": on})
        )
    return _layer(scope, _stored(scope, checked(CalendarBody, held, "")), session, version, now)


def _confirmed(
    scope: str,
    until: date,
    earlier: bool,  # noqa: FBT001 bound by `partial`
    session: Session,
    version: int,
    now: datetime,
) -> Applied:
    held = dict(_held(session, scope))
    was = held.get("confirmed_until")
    if was is not None and until.isoformat() < was and not earlier:
        why = "it is confirmed until {was} already; say `earlier` to take that back"
        raise NotPublishableError(Problem("until", why, {"was": was}))
    held["confirmed_until"] = until
    return _layer(scope, _stored(scope, checked(CalendarBody, held, "")), session, version, now)


def _held(session: Session, scope: str) -> Mapping[str, Any]:
    row = calendars.find(session, scope)
    return row["body"] if row else {}


def _stored(scope: str, read: CalendarBody) -> dict[str, Any]:
    """A layer as it is stored: what says nothing is left out, the days in their order."""
    twice = repeated([str(day.date) for day in read.days])
    if twice:
        raise NotPublishableError(*(Problem(f"days.{day}", TWICE) for day in twice))
    if scope == NATIONAL and read.week is None:
        why = "give the usual hours of a week; only narrower calendars may leave them out"
        raise NotPublishableError(Problem("week", why))
    if read.week is not None and not any(read.week.values()):
        why = "no working time at all; no limit would ever end"
        raise NotPublishableError(Problem("week", "{why}", {"why": why}))
    return read.model_dump(mode="json", by_alias=True, exclude_defaults=True)


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


def _whole(
    scope: str, plain: Mapping[str, Any], session: Session, version: int, now: datetime
) -> Applied:
    """Who took a day over is not the sender's to say: it stays with days that stay as they were."""
    known = {day["date"]: day for day in _held(session, scope).get("days", ())}
    told = dict(plain)
    if "days" in told:
        told["days"] = [
            known[day["date"]]
            if day["date"] in known and _plain(known[day["date"]]) == _plain(day)
            else {name: held for name, held in day.items() if name not in _KEPT_FOR_PEOPLE}
            for day in told["days"]
        ]
    return _layer(scope, told, session, version, now)


def _check_stacks(session: Session, scope: str) -> None:
    """Every working calendar that has this layer must hold together: each is built once."""
    newest = {row["id"]: row for row in calendars.newest(session)}
    for layers, calendar_id in calendars.stacks(session, list(newest)).items():
        rows = [newest[layer] for layer in layers]
        if all(row["scope"] != scope for row in rows):
            continue
        try:
            _check_worked(published(calendar_id, rows))
            for row in rows[1:]:
                _check_zone(rows[0]["body"], row["body"])
        except BadCalendarError as wrong:
            raise NotPublishableError(Problem(wrong.where, "{why}", {"why": wrong.why})) from None
        except (KeyError, ValueError, OSError) as wrong:
            raise NotPublishableError(
                Problem("zone", "not a calendar: {why}", {"why": repr(wrong)})
            ) from None


def _check_worked(made: Published) -> None:
    """Nothing can be due where nobody works for good: closing a branch is not the calendar's."""
    last = date.fromordinal(made.calendar.last_worked)
    if last.year < LAST_ON.year:
        why = "nobody works after {last}; a branch that closes for good has active_until"
        raise NotPublishableError(Problem("seasons", why, {"last": last}))


def _check_zone(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> None:
    if narrow.get("zone", wide.get("zone")) != wide.get("zone"):
        raise NotPublishableError(Problem("zone", "only the national calendar has a time zone"))
