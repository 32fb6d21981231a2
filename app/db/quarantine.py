"""What was refused: kept raw, counted, and settled only by a person or a mended record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.db.tables import applicant, quarantine


class Refused(NamedTuple):
    """A record that was not taken in; `personal` is what may identify a citizen, cut out of it.

    Of a row of a file (`import_id`) the personal part holds its `cells` too.
    """

    line: int
    code: str | None
    conflict: bool
    branch: str | None
    problems: list[Mapping[str, Any]]
    record: Mapping[str, Any]
    personal: Mapping[str, Any]
    record_hash: str
    import_id: int | None = None


# The hash is of the whole record as it came, salted by a secret of the source: without it a name
# could be guessed from the hash of a record whose other fields are known. Of the office too: what
# one office refused is not another's, whoever sent it.
_KEEP = text(
    """
WITH given AS (
  SELECT given.*, sha256(
    coalesce((SELECT salt FROM source WHERE source.code = :source), ''::bytea)
    || decode(record_hash, 'hex') || convert_to(:office, 'UTF8')) AS salted
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(
    branch text, code text, conflict boolean, import_id bigint, line int, problems jsonb,
    record jsonb, record_hash text, times int)
), kept AS (
  INSERT INTO quarantine (arrived_at, last_sent_at, times, source, office, branch, code, conflict,
                          import_id, line, problems, record, record_hash)
  SELECT :now, :now, times, :source, :office, branch, code, conflict, import_id, line, problems,
    record, salted
  FROM given ORDER BY salted
  ON CONFLICT (source, record_hash) WHERE state = 'open' DO UPDATE SET
    times = quarantine.times + excluded.times, last_sent_at = excluded.last_sent_at,
    problems = excluded.problems, line = excluded.line, import_id = excluded.import_id,
    conflict = excluded.conflict, branch = excluded.branch, code = excluded.code
  RETURNING id, record_hash
)
SELECT kept.id, given.record_hash FROM kept JOIN given ON given.salted = kept.record_hash
"""
)

_PERSONAL = text(
    """
INSERT INTO applicant (subject, details)
SELECT subject, details
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(subject text, details jsonb)
ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET details = excluded.details
  || CASE WHEN applicant.details ? 'cells' AND NOT excluded.details ? 'cells'
     THEN jsonb_build_object('cells', applicant.details -> 'cells') ELSE '{}' END
"""
)


def keep(
    session: Session, refused: Sequence[Refused], source: str, office: str, now: datetime
) -> None:
    """Keep refused records; one sent again while still open is counted, not kept twice."""
    distinct = {row.record_hash: row for row in refused}
    if not distinct:
        return
    times = Counter(row.record_hash for row in refused)
    rows = [
        {name: value for name, value in row._asdict().items() if name != "personal"}
        | {"times": times[row.record_hash]}
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


def personal(session: Session, quarantine_id: int) -> dict[str, Any]:
    """What was cut out of a refused record, to be put back when it is driven again."""
    subject = f"quarantine/{quarantine_id}"
    found = session.scalar(select(applicant.c.details).where(applicant.c.subject == subject))
    return {name: part for name, part in found.items() if name != "cells"} if found else {}


def personals(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What was cut out of several; a record with nothing personal is absent."""
    subjects = {f"quarantine/{one}": one for one in ids}
    query = select(applicant.c.subject, applicant.c.details).where(
        applicant.c.subject.in_(list(subjects))
    )
    return {subjects[row.subject]: dict(row.details) for row in session.execute(query)}


def amend(session: Session, quarantine_id: int, refused: Refused, now: datetime) -> None:
    """Put a mended record that was refused again in the place of the one it mends."""
    session.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantine_id, quarantine.c.state == "open")
        .values(
            code=refused.code,
            conflict=refused.conflict,
            branch=refused.branch,
            problems=refused.problems,
            record=refused.record,
            times=quarantine.c.times + 1,
            last_sent_at=now,
        )
    )
    subject = f"quarantine/{quarantine_id}"
    if refused.personal:
        rows = [{"subject": subject, "details": refused.personal}]
        session.execute(_PERSONAL, {"rows": _json(rows)})
    else:  # mended away: put back, it would be wrong again
        session.execute(delete(applicant).where(applicant.c.subject == subject))


_STILL_REFUSED = text(
    """
UPDATE quarantine SET problems = given.problems, conflict = given.conflict, branch = given.branch
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given(
  id bigint, problems jsonb, conflict boolean, branch text)
WHERE quarantine.id = given.id AND state = 'open'
"""
)


def still_refused(session: Session, refused: Mapping[int, Refused]) -> None:
    """Say what is wrong now with records that were driven again as they are."""
    rows = [
        {"id": one, "problems": row.problems, "conflict": row.conflict, "branch": row.branch}
        for one, row in refused.items()
    ]
    if rows:
        session.execute(_STILL_REFUSED, {"rows": _json(rows)})


def settle(
    session: Session,
    ids: Sequence[int],
    state: str,
    how: str,
    by: str,
    now: datetime,
    *,
    note: str | None = None,
) -> None:
    """Close records as `mended` or `discarded`, and forget their personal part.

    Also those that taking them in has just settled as `resent`: it was this that mended them.
    """
    of_this = and_(
        quarantine.c.settled_how == "resent",
        quarantine.c.settled_by == by,
        quarantine.c.settled_at == now,
    )
    session.execute(
        update(quarantine)
        .where(quarantine.c.id.in_(ids), or_(quarantine.c.state == "open", of_this))
        .values(state=state, settled_how=how, settled_by=by, settled_at=now, note=note)
    )
    subjects = [f"quarantine/{one}" for one in ids]
    session.execute(delete(applicant).where(applicant.c.subject.in_(subjects)))


# Of a refused record only its text is at hand: a stamp that cannot be read settles nothing, one
# without an offset is Viet Nam's time.
_STAMP = """CASE WHEN pg_input_is_valid(record ->> 'updated_at', 'timestamptz') THEN CASE
  WHEN record ->> 'updated_at' ~ '(Z|z|[+-]\\d\\d:?\\d\\d)$'
  THEN (record ->> 'updated_at')::timestamptz
  ELSE (record ->> 'updated_at')::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' END END"""
_FEW = 5_000
_WAITING = text(
    "SELECT DISTINCT code FROM quarantine "
    "WHERE state = 'open' AND source = :source AND code IS NOT NULL AND NOT conflict "
    f"LIMIT {_FEW + 1}"
)
# Another content under the same stamp: only a later stamp tells that the sender has decided.
_NO_RIVAL = "problems::text NOT LIKE '%same updated_at%'"
_SETTLE_MENDED = text(
    f"""
WITH mended AS (
  UPDATE quarantine SET state = 'mended', settled_how = 'resent', settled_by = :by,
    settled_at = :now
  FROM unnest(CAST(:codes AS text[]), CAST(:stamps AS timestamptz[])) AS taken(taken_code, taken_at)
  WHERE state = 'open' AND source = :source AND code = taken_code AND NOT conflict
    AND (branch IS NULL OR branch = ANY(:branches))
    AND ({_STAMP} < taken_at OR ({_STAMP} = taken_at AND {_NO_RIVAL}))
  RETURNING id
)
DELETE FROM applicant USING mended WHERE subject = 'quarantine/' || mended.id
"""
)


def settle_mended(
    session: Session,
    taken: Mapping[str, datetime],
    source: str,
    branches: Sequence[str],
    by: str,
    now: datetime,
) -> None:
    """A newer sound record of a code was taken in: what was refused of it before is mended.

    So it is if it was refused in one of the branches the sender may speak for.

    `taken` gives the stamp taken in by code; a refused record with a later stamp, or none that can
    be read, stays. So does a conflict: it may be another dossier, and somebody must decide.
    """
    # Few of those taken in were ever refused; their names need not all travel.
    waiting = session.scalars(_WAITING, {"source": source}).all() if taken else []
    if len(waiting) <= _FEW:
        taken = {code: taken[code] for code in waiting if code in taken}
    if taken:
        arguments = {"codes": list(taken), "stamps": list(taken.values())}
        arguments |= {"source": source, "branches": list(branches), "by": by, "now": now}
        session.execute(_SETTLE_MENDED, arguments)


def counts(
    session: Session, office: str, branches: Sequence[str], at: datetime, *, whole_office: bool
) -> dict[str | None, int]:
    """Records of an office that lay open at an instant, by branch (None: of no known branch).

    Those of no known branch are counted only for who may see the whole office.
    """
    mine: ColumnElement[bool] = quarantine.c.branch.in_(branches)
    if whole_office:
        mine = or_(mine, quarantine.c.branch.is_(None))
    query = (
        select(quarantine.c.branch, func.count())
        .where(
            or_(quarantine.c.state == "open", quarantine.c.settled_at > at),
            quarantine.c.arrived_at <= at,
            quarantine.c.office == office,
            mine,
        )
        .group_by(quarantine.c.branch)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _json(rows: object) -> str:
    return msgspec.json.encode(rows).decode()
