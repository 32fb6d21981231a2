"""The contents of a dossier at each of its revisions, walked back from what stands today."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_origin, get_type_hints

import msgspec
from sqlalchemy.dialects.postgresql import JSONB

from app.core.lifecycle import Facts
from app.db.chain import Link
from app.db.tables.dossiers import FACTS
from app.db.tables.metadata import Instant
from app.service.rows import content_hash

NAMES = tuple(column.name for column in FACTS)
_AT = {name: at for at, name in enumerate(NAMES)}
_INSTANTS = frozenset(column.name for column in FACTS if isinstance(column.type, type(Instant)))
_LISTS = frozenset(column.name for column in FACTS if isinstance(column.type, JSONB))
_SHAPES = {
    name: shape for name, shape in get_type_hints(Facts).items() if get_origin(shape) is tuple
}
_LONGEST = 120  # characters of a value that a report repeats
UNREADABLE = (ValueError, TypeError, LookupError, OverflowError, msgspec.MsgspecError)
"""What reading a value that no sound program wrote may raise."""


class Wrong(NamedTuple):
    """Where the history of a dossier's contents does not hold, and how."""

    revision_no: int
    how: str


def as_hashed(row: Mapping[Any, Any]) -> list[Any]:
    """The facts of a stored dossier, lists as text, in the form in which they were hashed.

    Raises:
        UNREADABLE: a list holds what no record may hold, or is none.
    """
    return [_hashed(name, row[name]) for name in NAMES]


def _hashed(name: str, value: Any) -> Any:  # noqa: ANN401 a column
    if name in _LISTS and value is not None:
        return _list(name, msgspec.json.decode(value))
    return value or None if name == "suspensions_inferred" else value


def walk_back(told: Sequence[Any], links: Sequence[Link]) -> Wrong | None:
    """The newest revision whose content hash the facts do not give; None if all are met.

    `told` are the facts that stand (`as_hashed`); `links` the revisions, oldest first. From each
    the old values of its changes are put back, and what comes out must have the hash the revision
    before it has. Stops at a revision that is missing.
    """
    facts = list(told)
    met = None
    for at in range(len(links) - 1, -1, -1):
        link = links[at]
        if link.content_hash != met:
            if content_hash(tuple(facts)) != link.content_hash:
                return Wrong(link.revision_no, _hint(facts, links, at))
            met = link.content_hash
        changes = msgspec.json.decode(link.changes) if link.changes is not None else None
        earlier = links[at - 1] if at else None
        if earlier is None or earlier.revision_no != link.revision_no - 1:
            first = link.revision_no == 1 and changes
            return Wrong(1, "the first revision says that something changed") if first else None
        try:
            how = _put_back(facts, changes or {})
        except UNREADABLE as fault:
            how = f"its changes cannot be read: {fault}"
        if how is not None:
            return Wrong(link.revision_no, how)
        if changes:
            met = None
    return None


def _put_back(facts: list[Any], changes: Mapping[str, Any]) -> str | None:
    """Put the old values in the place of the new ones; what does not fit is said."""
    for name, pair in changes.items():
        at, (old, new) = _AT[name], pair
        if facts[at] != canonical(name, new):
            return f"it says that {name} became {_text(new)}, and then it was {_text(facts[at])}"
        was = canonical(name, old)
        if was == facts[at]:
            return f"it says that {name} changed, from {_text(old)} to the same"
        facts[at] = was
    return None


def _hint(facts: Sequence[Any], links: Sequence[Link], at: int) -> str:
    """Which fact it is that is not as history has it, where history names it at all."""
    if at + 1 < len(links):
        return (
            f"its content hash is not that of the facts before revision {links[at + 1].revision_no}"
        )
    for name, (_, new) in _newest_changes(links):
        try:
            same = facts[_AT[name]] == canonical(name, new)
        except UNREADABLE:
            same = False
        if not same:
            return (
                "the facts that stand are not those that were accepted: "
                f"{name} was {_text(new)} and is {_text(facts[_AT[name]])}"
            )
    return "the facts that stand are not those that were accepted"


def _newest_changes(links: Sequence[Link]) -> Iterator[tuple[str, Any]]:
    """The last word of the history on each fact it names."""
    seen: set[str] = set()
    for link in reversed(links):
        try:
            changes = msgspec.json.decode(link.changes) if link.changes else {}
            pairs = [(name, (old, new)) for name, (old, new) in changes.items() if name in _AT]
        except UNREADABLE:
            return
        yield from (pair for pair in pairs if pair[0] not in seen)
        seen.update(name for name, _ in pairs)


def canonical(name: str, value: Any) -> Any:  # noqa: ANN401 JSON in, a column as it was hashed out
    """A fact as `changes` has it, in the form in which it was hashed.

    Raises:
        ValueError, TypeError, msgspec.MsgspecError: it is none.
    """
    if value is None:
        return None
    if name in _INSTANTS:
        return datetime.fromisoformat(value).astimezone(UTC)
    if name in _LISTS:
        return _list(name, value)
    if name == "suspensions_inferred":
        return value or None
    return value


def _list(name: str, value: Any) -> str | None:  # noqa: ANN401 JSON
    """The members in the order of their fields; PostgreSQL keeps them in its own."""
    if not value:
        return None
    members = msgspec.convert(value, _SHAPES[name])
    told = msgspec.json.encode(members)
    if msgspec.json.decode(told) != value:
        raise ValueError(f"{name} has what no record has")
    return told.decode()


def _text(value: Any) -> str:  # noqa: ANN401 of any fact
    told = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
