"""How a list endpoint pages: what to ask next, and what its answer said. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from app.core.problems import Problem
from app.service.shape import Kind, Shape, StampFormat

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# Asked again at the edge of two pages: whether the other side takes "since" with or without that
# instant, and to the second or finer, no record with an equal stamp is lost.
_EDGE = timedelta(seconds=1)
_LONGEST_CURSOR = 4_000


class PagingError(Exception):
    """An answer that cannot be taken in at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Adapter(NamedTuple):
    """How the items of a source become native records, and which moment each tells of."""

    record: Callable[[Any], bytes]
    stamp: Callable[[Any], datetime | None]


def _native_stamp(item: Any) -> datetime | None:  # noqa: ANN401 whatever JSON holds
    told = item.get("updated_at") if isinstance(item, dict) else None
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) else None
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=_ZONE)
        return at.astimezone(_ZONE) if at else None
    except (ValueError, OverflowError):
        return None


def _native(item: Any) -> bytes:  # noqa: ANN401 whatever JSON holds
    # Of the standard library: half a character, which no encoding has, stays one for intake to see.
    return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()


ADAPTERS: Mapping[str, Adapter] = {"native": Adapter(_native, _native_stamp)}
"""By the name a shape gives; a source that writes otherwise gets a line here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where we are with a source.

    `cursor` and `watermark` are kept for the next run. `reach` is how far this run has read: None
    at its beginning, when the overlap is asked again.
    """

    cursor: str | None = None
    watermark: datetime | None = None
    reach: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its records, where it ends, whether more follows, and what is wrong with it.

    Of a page with a `fault` the records are sound, but the place after it is not known.
    """

    records: Sequence[bytes]
    place: Place
    more: bool
    fault: Problem | None = None


def question(shape: Shape, place: Place) -> dict[str, str]:
    """The parameters that ask for what comes after a place."""
    asked = dict(shape.parameters)
    if shape.size_parameter:
        asked[shape.size_parameter] = str(shape.page_size)
    if shape.kind is Kind.CURSOR:
        if place.cursor is not None:
            asked[shape.cursor_parameter] = place.cursor
    elif place.watermark is not None:
        asked[shape.since_parameter] = _written(_since(shape, place), shape.since_format)
    return asked


def read(shape: Shape, body: bytes, place: Place, now: datetime) -> Page:
    """What an answer to `question` says.

    Raises:
        PagingError: it is not JSON, or the items are not where the shape says.
    """
    answer = _json(body)
    items = _at(answer, shape.items) if body else []
    if not isinstance(items, list):
        raise PagingError(
            Problem(
                "shape.items", "there is no list at '{path}' of the answer", {"path": shape.items}
            )
        )
    more = _more(answer, shape) if body else False
    adapter = ADAPTERS[shape.adapter]
    records = [adapter.record(item) for item in items]
    if shape.kind is Kind.CURSOR:
        return _after_cursor(answer, shape, records, place, more)
    stamps = [adapter.stamp(item) for item in items]
    return _after_watermark(shape, records, stamps, place, more, now)


def _after_cursor(
    answer: Any,  # noqa: ANN401 whatever JSON holds
    shape: Shape,
    records: Sequence[bytes],
    place: Place,
    more: bool | None,  # noqa: FBT001 as the other side says
) -> Page:
    told = _at(answer, shape.next)
    if isinstance(told, int) and not isinstance(told, bool):
        told = str(told)
    if told is not None and not (isinstance(told, str) and len(told) <= _LONGEST_CURSOR):
        where: dict[str, object] = {"path": shape.next}
        raise PagingError(Problem("shape.next", "at '{path}' of the answer is no cursor", where))
    if more is None:
        more = bool(told) and bool(records)
    if not told:
        fault = Problem("shape.next", "more is said to follow, but no next cursor is given")
        # The last cursor is asked again: what is appended will follow it.
        return Page(records, place, more=False, fault=fault if more else None)
    if more and told == place.cursor:
        fault = Problem(
            "shape.next", "the next cursor is the one we asked with; it would never end"
        )
        return Page(records, place, more=False, fault=fault)
    return Page(records, replace(place, cursor=told), more=more)


def _after_watermark(
    shape: Shape,
    records: Sequence[bytes],
    stamps: Sequence[datetime | None],
    place: Place,
    more: bool | None,  # noqa: FBT001 as the other side says
    now: datetime,
) -> Page:
    # A stamp of the future, a slip, would make us pass over all that comes before it.
    told = [at for at in stamps if at is not None and at <= now]
    newest = max(told, default=None)
    reach = place.reach
    if reach is None and place.watermark is not None:
        reach = _since(shape, place)
    advanced = newest is not None and (reach is None or newest > reach)
    full = len(records) >= shape.page_size
    fault = None
    if more or (more is None and full):
        fault = _out_of_order(told) if advanced else _standing_still(shape, newest)
    if fault is not None:
        return Page(records, place, more=False, fault=fault)
    if more is None:
        more = advanced
    moved = [at for at in (place.watermark, newest) if at is not None]
    reached = newest if advanced else reach
    return Page(
        records, replace(place, watermark=max(moved, default=None), reach=reached), more=more
    )


def _out_of_order(stamps: Sequence[datetime]) -> Problem | None:
    if all(earlier <= later for earlier, later in pairwise(stamps)):
        return None
    return Problem(
        "shape.kind",
        "a page that is not the last is not in the order of updated_at, oldest first; records "
        "would be lost: have it sorted, or use a cursor",
    )


def _standing_still(shape: Shape, newest: datetime | None) -> Problem:
    at: dict[str, object] = {"at": newest.isoformat() if newest else "–", "size": shape.page_size}
    return Problem(
        "shape.page_size",
        "a whole page of {size} ends at {at}, where the page before ended; it would never end: "
        "ask for larger pages, or use a cursor",
        at,
    )


def _since(shape: Shape, place: Place) -> datetime:
    """From when on to ask: at the begin of a run with the overlap, then just before the edge."""
    if place.reach is not None:
        return place.reach - _EDGE
    if place.watermark is None:
        raise ValueError("nothing was ever read")
    return place.watermark - timedelta(seconds=shape.overlap_seconds)


def _written(at: datetime, how: StampFormat) -> str:
    local = at.astimezone(_ZONE)
    match how:
        case StampFormat.ISO:
            return local.isoformat(timespec="seconds")
        case StampFormat.DIGITS:
            return f"{local:%Y%m%d%H%M%S}"


def _json(body: bytes) -> Any:  # noqa: ANN401 whatever JSON holds
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # one record with half a character must not sink its page
        return json.loads(body)
    except (ValueError, RecursionError) as fault:
        why = str(fault)[:100] if isinstance(fault, json.JSONDecodeError) else type(fault).__name__
        raise PagingError(Problem("", "the answer is not JSON ({why})", {"why": why})) from None


def _more(answer: Any, shape: Shape) -> bool | None:  # noqa: ANN401 whatever JSON holds
    """Whether more follows, if the answer says it at all."""
    if shape.has_more is None:
        return None
    told = _at(answer, shape.has_more)
    if not isinstance(told, bool):
        where: dict[str, object] = {"path": shape.has_more}
        raise PagingError(
            Problem("shape.has_more", "at '{path}' of the answer is neither true nor false", where)
        )
    return told


def _at(answer: Any, path: str) -> Any:  # noqa: ANN401 whatever JSON holds
    """What stands at a dotted path; the answer itself at an empty one; None if nothing does."""
    for name in path.split(".") if path else ():
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer
