"""What was refused: kept raw, counted, and settled only by a person or a mended record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from app.db.tables import applicant, quarantine


class Refused(NamedTuple):
    """A record that was not taken in; `personal` is what may identify a citizen, cut out of it."""

    line: int
    code: str | None
    branch: str | None
    problems: list[Mapping[str, Any]]
    record: Mapping[str, Any]
    personal: Mapping[str, Any]
    record_hash: str


_KEEP = text(
    """
INSERT INTO quarantine (arrived_at, last_sent_at, source, office, branch, code, line, problems,
                        record, record_hash)
SELECT :now, :now, :source, :office, branch, code, line, problems, record,
       decode(record_hash, 'hex')
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(
  branch text, code text, line int, problems jsonb, record jsonb, record_hash text)
ORDER BY record_hash
ON CONFLICT (source, record_hash) WHERE state = 'open' DO UPDATE SET
  times = quarantine.times + 1, last_sent_at = excluded.last_sent_at,
  problems = excluded.problems, line = excluded.line
RETURNING id, encode(record_hash, 'hex')
"""
)

_PERSONAL = text(
    """
INSERT INTO applicant (subject, details)
SELECT subject, details
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(subject text, details jsonb)
ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
"""
)


def keep(
    session: Session, refused: Sequence[Refused], source: str, office: str, now: datetime
) -> None:
    """Keep refused records; one sent again while still open is counted, not kept twice."""
    distinct = {row.record_hash: row for row in refused}
    if not distinct:
        return
    rows = [
        {name: value for name, value in row._asdict().items() if name != "personal"}
        for row in distinct.values()
    ]
    ids = session.execute(
        _KEEP, {"rows": _json(rows), "now": now, "source": source, "office": office}
    )
    personal = [
        {"subject": f"quarantine/{row[0]}", "details": distinct[row[1]].personal}
        for row in ids
        if distinct[row[1]].personal
    ]
    if personal:
        session.execute(_PERSONAL, {"rows": _json(personal)})


def page(
    session: Session,
    office: str,
    branches: Sequence[str],
    *,
    whole_office: bool,
    after: int,
    limit: int,
) -> Sequence[RowMapping]:
    """Open records of the branches in scope, oldest first.

    Those of no known branch belong to the office as a whole and are seen only by who may see all
    of it (`whole_office`).
    """
    mine: ColumnElement[bool] = quarantine.c.branch.in_(branches)
    if whole_office:
        mine = or_(mine, quarantine.c.branch.is_(None))
    query = (
        select(quarantine)
        .where(
            quarantine.c.state == "open",
            quarantine.c.office == office,
            mine,
            quarantine.c.id > after,
        )
        .order_by(quarantine.c.id)
        .limit(limit)
    )
    return session.execute(query).mappings().all()


def find(
    session: Session,
    quarantine_id: int,
    office: str,
    branches: Sequence[str],
    *,
    whole_office: bool,
) -> RowMapping | None:
    """One open record, if it is in scope."""
    found = page(
        session, office, branches, whole_office=whole_office, after=quarantine_id - 1, limit=1
    )
    return next((row for row in found if row["id"] == quarantine_id), None)


def personal(session: Session, quarantine_id: int) -> dict[str, Any]:
    """What was cut out of a refused record, to be put back when it is driven again."""
    subject = f"quarantine/{quarantine_id}"
    found = session.scalar(select(applicant.c.details).where(applicant.c.subject == subject))
    return dict(found) if found else {}


def settle(session: Session, quarantine_id: int, state: str, by: str, now: datetime) -> None:
    """Close a record as `mended` or `discarded`, and forget its personal part."""
    session.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantine_id)
        .values(state=state, settled_by=by, settled_at=now)
    )
    session.execute(delete(applicant).where(applicant.c.subject == f"quarantine/{quarantine_id}"))


def counts(
    session: Session, office: str, branches: Sequence[str], *, whole_office: bool
) -> dict[str | None, int]:
    """Open records of an office by branch (None: of no known branch).

    Those of no known branch are counted only for who may see the whole office.
    """
    mine: ColumnElement[bool] = quarantine.c.branch.in_(branches)
    if whole_office:
        mine = or_(mine, quarantine.c.branch.is_(None))
    query = (
        select(quarantine.c.branch, func.count())
        .where(quarantine.c.state == "open", quarantine.c.office == office, mine)
        .group_by(quarantine.c.branch)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _json(rows: object) -> str:
    return msgspec.json.encode(rows).decode()
