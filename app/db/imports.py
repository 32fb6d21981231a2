"""Files that were taken in, how their columns are read, and what of them was refused."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.db.tables import applicant, column_mapping, import_run, quarantine, source


def known_source(session: Session, code: str, name: str) -> None:
    """Make a source there, if it is not; what is there keeps its name and rank."""
    session.execute(upsert(source).values(code=code, name=name).on_conflict_do_nothing())


def mapping(session: Session, office: str, code: str) -> dict[str, str]:
    """The fields of a source's columns in an office, by their headings in plain form."""
    query = select(column_mapping.c.heading, column_mapping.c.field).where(
        column_mapping.c.office == office, column_mapping.c.source == code
    )
    return {row[0]: row[1] for row in session.execute(query)}


def remember(session: Session, office: str, code: str, told: Mapping[str, str]) -> None:
    """Keep how columns of a source were mapped in an office, for its next file there."""
    if not told:
        return
    rows = [
        {"office": office, "source": code, "heading": heading, "field": told[heading]}
        for heading in told
    ]
    fresh = upsert(column_mapping).values(rows)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["office", "source", "heading"], set_={"field": fresh.excluded.field}
        )
    )


def historical(session: Session, ids: Sequence[int]) -> frozenset[int]:
    """Which of these files are of the past: their rows raise no alarm."""
    query = select(import_run.c.id).where(import_run.c.id.in_(ids), import_run.c.historical)
    return frozenset(session.scalars(query))


def begin(session: Session, **values: Any) -> int:  # noqa: ANN401 columns of `import_run`
    """Write down that a file begins to be taken in; return its id."""
    made = insert(import_run).values(**values).returning(import_run.c.id)
    return int(session.execute(made).scalar_one())


def count(
    session: Session, import_id: int, counts: Mapping[str, int], finished_at: datetime | None
) -> None:
    """Set how many rows became what so far; with `finished_at`, that there are no more."""
    session.execute(
        update(import_run)
        .where(import_run.c.id == import_id)
        .values(counts=dict(counts), finished_at=finished_at)
    )


def page(
    session: Session, office: str, by: str | None, *, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Files of an office, newest first; only those of one person or client if `by` is given."""
    query = select(import_run).where(_scope(office, by)).order_by(import_run.c.id.desc())
    if before is not None:
        query = query.where(import_run.c.id < before)
    return session.execute(query.limit(limit)).mappings().all()


def find(session: Session, import_id: int, office: str, by: str | None) -> RowMapping | None:
    """One file, if it is in scope."""
    query = select(import_run).where(_scope(office, by), import_run.c.id == import_id)
    return session.execute(query).mappings().first()


def _scope(office: str, by: str | None) -> ColumnElement[bool]:
    mine = import_run.c.office == office
    return mine if by is None else and_(mine, import_run.c.by == by)


def rejects(session: Session, import_id: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Rows of a file that are still refused, by their line, with their cells; `after` a line."""
    subject = func.concat("quarantine/", quarantine.c.id)
    query = (
        select(
            quarantine.c.id,
            quarantine.c.line,
            quarantine.c.code,
            quarantine.c.problems,
            applicant.c.details["cells"].label("cells"),
        )
        .outerjoin(applicant, applicant.c.subject == subject)
        .where(
            quarantine.c.import_id == import_id,
            quarantine.c.state == "open",
            quarantine.c.line > after,
        )
        .order_by(quarantine.c.line, quarantine.c.id)
        .limit(limit)
    )
    return session.execute(query).mappings().all()


def open_rejects(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """How many rows of each of these files are still refused."""
    query = (
        select(quarantine.c.import_id, func.count())
        .where(quarantine.c.import_id.in_(ids), quarantine.c.state == "open")
        .group_by(quarantine.c.import_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


# Of the rows that name what they mend, those which are a refused row of the same sender.
_MENDABLE = text(
    """
SELECT id FROM quarantine
WHERE id = ANY(:ids) AND state = 'open' AND import_id IS NOT NULL
  AND import_id IS DISTINCT FROM :now_taken
  AND source = :source AND office = :office AND (branch IS NULL OR branch = ANY(:branches))
"""
)


def mendable(
    session: Session,
    ids: Sequence[int],
    code: str,
    office: str,
    branches: Sequence[str],
    import_id: int | None,
) -> frozenset[int]:
    """Which refused rows of other files a file of that source may mend by naming them."""
    if not ids:
        return frozenset()
    given: dict[str, Any] = {"ids": list(ids), "source": code, "office": office}
    given["branches"] = list(branches)
    given["now_taken"] = import_id
    return frozenset(session.scalars(_MENDABLE, given))


_SETTLE = text(
    """
WITH mended AS (
  UPDATE quarantine SET state = 'mended', settled_how = 'amended', settled_by = :by,
    settled_at = :now
  WHERE state = 'open' AND source = :source AND office = :office AND import_id IS NOT NULL
    AND (id = ANY(:ids) OR record_hash IN (
      SELECT sha256(coalesce((SELECT salt FROM source WHERE code = :source), ''::bytea)
        || decode(hash, 'hex') || convert_to(:office, 'UTF8'))
      FROM unnest(CAST(:hashes AS text[])) AS hash))
  RETURNING id
)
DELETE FROM applicant USING mended WHERE subject = 'quarantine/' || mended.id
"""
)


def settle(
    session: Session,
    ids: Sequence[int],
    hashes: Sequence[str],
    code: str,
    office: str,
    by: str,
    now: datetime,
) -> None:
    """Close refused rows that were taken in: those a mended row names, and the same row again."""
    given = {"ids": list(ids), "hashes": list(hashes), "source": code, "office": office}
    session.execute(_SETTLE, given | {"by": by, "now": now})


_AMEND = text(
    """
UPDATE quarantine SET code = given.code, conflict = given.conflict, branch = given.branch,
  problems = given.problems, record = given.record, line = given.line, times = times + 1,
  import_id = given.import_id, last_sent_at = :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(
  id bigint, code text, conflict boolean, branch text, problems jsonb, record jsonb, line int,
  import_id bigint)
WHERE quarantine.id = given.id AND quarantine.state = 'open'
"""
)
_CELLS = text(
    """
INSERT INTO applicant (subject, details)
SELECT 'quarantine/' || id, personal
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(id bigint, personal jsonb)
ORDER BY 1
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
"""
)


def amend(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Put mended rows that were refused again in the place of those they mend."""
    if rows:
        given = msgspec.json.encode(rows).decode()
        session.execute(_AMEND, {"rows": given, "now": now})
        session.execute(_CELLS, {"rows": given})


# A file between its preview and its being taken in may hold names, so it waits where names are.
_WAITING = "import/%"


def wait(session: Session, token: str, details: Mapping[str, Any], now: datetime) -> None:
    """Keep a file until it is confirmed."""
    kept = {**details, "at": now.astimezone(UTC).isoformat()}
    session.execute(insert(applicant).values(subject=f"import/{token}", details=kept))


def forget_waiting(session: Session, before: datetime) -> int:
    """Let files go that have waited since before a moment; return how many."""
    overdue = applicant.c.details["at"].astext < before.astimezone(UTC).isoformat()
    gone = delete(applicant).where(applicant.c.subject.like(_WAITING), overdue)
    return len(session.execute(gone.returning(applicant.c.subject)).all())


def waiting(session: Session, token: str) -> dict[str, Any] | None:
    """A file that waits to be confirmed."""
    query = select(applicant.c.details).where(applicant.c.subject == f"import/{token}")
    found = session.scalar(query)
    return dict(found) if found else None


def forget(session: Session, token: str) -> None:
    """Let a waiting file go."""
    session.execute(delete(applicant).where(applicant.c.subject == f"import/{token}"))
