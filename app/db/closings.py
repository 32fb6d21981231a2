"""Closed periods: written once, read for ever. The database refuses every change of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.orm import Session

from app.core.periods import Period
from app.core.yardsticks import Yardstick
from app.db import in_hand
from app.db.in_hand import ENDED, Span, Standing
from app.db.lists import Clock
from app.db.tables import closing, closing_dossier, closing_report

CLASSES = (
    *(Standing.EARLY, Standing.ON_TIME, Standing.LATE, Standing.NO_VERDICT, Standing.UNCOUNTED),
    *(Standing.IN_TIME, Standing.OVERDUE, Standing.UNVERIFIED, Standing.NO_LIMIT),
)
"""What the numbers of a stored class mean, counted from 1: only ever added to at the end."""


class Report(NamedTuple):
    """A frozen report; `branch` is empty for the office."""

    report: str
    branch: str
    document: bytes
    hash: bytes


class Place(NamedTuple):
    """Where a page of dossiers ended."""

    branch: str
    code: str


def alone(session: Session) -> None:
    """Be the only one who closes a period, and see what stands from now on as one moment.

    Must be the first statement of the session. A lock is no query: the snapshot is taken after
    whoever closed before has committed.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(text("LOCK TABLE closing IN SHARE ROW EXCLUSIVE MODE"))


def listing(session: Session, office: str) -> Sequence[RowMapping]:
    """The closings of an office, the newest period first."""
    query = select(closing).where(closing.c.office == office)
    return session.execute(query.order_by(closing.c.last_on.desc(), closing.c.id)).mappings().all()


def find(session: Session, office: str, closing_id: int) -> RowMapping | None:
    """One closing of an office."""
    query = select(closing).where(closing.c.office == office, closing.c.id == closing_id)
    return session.execute(query).mappings().first()


def named(session: Session, office: str, name: str) -> RowMapping | None:
    """The closing of a period."""
    query = select(closing).where(closing.c.office == office, closing.c.name == name)
    return session.execute(query).mappings().first()


def later(session: Session, office: str, period: Period) -> RowMapping | None:
    """The first closing of a later period of the same kind."""
    query = select(closing).where(
        closing.c.office == office,
        closing.c.kind == period.kind.value,
        closing.c.first_on > period.last,
    )
    return session.execute(query.order_by(closing.c.first_on).limit(1)).mappings().first()


def newest(session: Session, office: str) -> RowMapping | None:
    """The closing of an office that was made last."""
    query = select(closing).where(closing.c.office == office).order_by(closing.c.id.desc())
    return session.execute(query.limit(1)).mappings().first()


def all_made(session: Session) -> Sequence[RowMapping]:
    """Every closing of every office, in the order they were made."""
    return session.execute(select(closing).order_by(closing.c.id)).mappings().all()


def next_id(session: Session) -> int:
    """The number of a closing that is being made."""
    return int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('closing', 'id'))")))


def keep(session: Session, made: Mapping[str, Any], reports: Iterable[Report]) -> None:
    """Write a closing and its reports."""
    session.execute(insert(closing).values(**made))
    rows = [{"closing_id": made["id"], **one._asdict()} for one in reports]
    session.execute(insert(closing_report), rows)


def _in_hand(over: Span) -> str:
    """Each dossier in hand with the number of its class by each yardstick, as a query."""
    shared = ["d.code", "d.branch", "d.procedure_code", "d.received_on"]
    after = ["d.received_on < :first AS carried_over", "d.channel = 'online' AS online"]
    ended = [*shared, "d.ended_on", *after]
    still = [*shared, "CAST(NULL AS date) AS ended_on", *after]
    for yardstick in Yardstick:
        ended.append(f"{ENDED[yardstick]} AS {yardstick.value}")
        still.append(f"{in_hand.standing(yardstick, over)} AS {yardstick.value}")
    numbers = ", ".join(
        f"CAST(array_position(CAST(:classes AS text[]), {one.value}) AS smallint) AS {one.value}"
        for one in Yardstick
    )
    return (
        f"SELECT code, branch, procedure_code, received_on, ended_on, carried_over, online, "
        f"{numbers} FROM ({in_hand.parts(over, ', '.join(ended), ', '.join(still))}) AS held"
    )


_COLUMNS = (
    "code, branch, procedure_code, received_on, ended_on, carried_over, online, legal, form, "
    "index766"
)


def freeze(session: Session, clocks: Sequence[Clock], over: Span, into: int) -> int:
    """Keep the class of each dossier in hand, in one statement; how many there are."""
    query = (
        f"INSERT INTO closing_dossier (closing_id, {_COLUMNS}) "
        f"SELECT :into, {_COLUMNS} FROM ({_in_hand(over)}) AS held ORDER BY code"
    )
    told = in_hand.arguments(clocks, over) | _classes() | {"into": into}
    return session.execute(text(query), told).rowcount  # type: ignore[attr-defined,no-any-return]


# Null is empty, a day its number: no setting of a connection can change what is hashed.
_LINE = (
    "format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', code, branch, procedure_code, "
    "received_on - date '1970-01-01', ended_on - date '1970-01-01', carried_over::int, "
    "online::int, legal, form, index766)"
)
_ADJUSTED = (
    "format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', code, reason, was_branch, was_procedure, "
    "was_online::int, branch, procedure, online::int, fresh::int, held::int, open::int, standing)"
)
_DIGEST = """
SELECT sha256(coalesce(string_agg(sha256(convert_to({line}, 'UTF8')), ''::bytea
  ORDER BY code COLLATE "C"), ''::bytea)) FROM {table} WHERE closing_id = :closing
"""


def dossiers_hash(session: Session, closing_id: int) -> bytes:
    """One hash over the dossiers of a closing in the order of their codes, and its adjustments."""
    query = "".join(
        f"({_DIGEST.format(line=line, table=table)}) {more}"
        for line, table, more in (
            (_LINE, "closing_dossier", "||"),
            (_ADJUSTED, "closing_adjustment", ""),
        )
    )
    return bytes(session.scalar(text(f"SELECT sha256({query})"), {"closing": closing_id}))


def reports(session: Session, closing_id: int) -> Sequence[Report]:
    """The reports of a closing, by name and branch."""
    columns = (closing_report.c[name] for name in Report._fields)
    query = select(*columns).where(closing_report.c.closing_id == closing_id)
    query = query.order_by(closing_report.c.report, closing_report.c.branch)
    return [Report(*row) for row in session.execute(query)]


def documents(
    session: Session, closing_id: int, report: str, branches: Sequence[str]
) -> dict[str, bytes]:
    """Some frozen reports by branch, an empty one being the office."""
    query = select(closing_report.c.branch, closing_report.c.document).where(
        closing_report.c.closing_id == closing_id,
        closing_report.c.report == report,
        closing_report.c.branch.in_(branches),
    )
    return {row.branch: row.document for row in session.execute(query)}


def counts(session: Session, closing_id: int, branches: Sequence[str]) -> Sequence[RowMapping]:
    """How many dossiers a closing holds, by branch: in_hand, and open of these."""
    query = (
        "SELECT branch, count(*) AS in_hand, count(*) FILTER (WHERE ended_on IS NULL) AS open "
        "FROM closing_dossier WHERE closing_id = :closing AND branch = ANY(:branches) "
        "GROUP BY branch ORDER BY branch"
    )
    told = {"closing": closing_id, "branches": list(branches)}
    return session.execute(text(query), told).mappings().all()


def dossiers(
    session: Session,
    closing_id: int,
    branches: Sequence[str],
    classes: Mapping[Yardstick, Standing],
    *,
    after: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Dossiers of a closing with the class they had, by branch and code."""
    held = closing_dossier.c
    query = select(closing_dossier).where(
        held.closing_id == closing_id,
        held.branch.in_(branches),
        *(held[one.value] == CLASSES.index(wanted) + 1 for one, wanted in classes.items()),
    )
    if after is not None:
        query = query.where(text('(branch, code) > (:branch, :code COLLATE "C")')).params(
            **after._asdict()
        )
    query = query.order_by(held.branch, held.code).limit(limit)
    return session.execute(query).mappings().all()


_COMPARED = ("branch", "procedure_code", "carried_over", "legal", "form", "index766")


def corrections(
    session: Session,
    closing_id: int,
    clocks: Sequence[Clock],
    over: Span,
    *,
    after: str,
    limit: int,
) -> Sequence[RowMapping]:
    """Dossiers that are not today what a closing says they were, by code.

    Columns: code, was_… as it was frozen, now_… as it would be today; all null where it was, or
    would be, in hand of none of these branches.
    """
    told = ", ".join(
        f"{of}.{name} AS {prefix}_{name}"
        for of, prefix in (("o", "was"), ("h", "now"))
        for name in (*_COMPARED, "received_on", "ended_on")
    )
    same = " AND ".join(f"o.{name} = h.{name}" for name in _COMPARED)
    query = f"""
SELECT coalesce(o.code, h.code) AS code, {told}
FROM (SELECT * FROM closing_dossier WHERE closing_id = :closing AND branch = ANY(:branches)
      AND code > :after) AS o
FULL JOIN (SELECT * FROM ({_in_hand(over)}) AS p WHERE code > :after) AS h ON h.code = o.code
WHERE ({same}) IS NOT TRUE
ORDER BY coalesce(o.code, h.code) COLLATE "C" LIMIT :limit
"""
    arguments = in_hand.arguments(clocks, over) | _classes()
    arguments |= {"closing": closing_id, "after": after, "limit": limit}
    return session.execute(text(query), arguments).mappings().all()


def class_of(number: int | None) -> str | None:
    """The class a stored number means."""
    return None if number is None else CLASSES[number - 1].value


def _classes() -> dict[str, Any]:
    return {"classes": [one.value for one in CLASSES]}
