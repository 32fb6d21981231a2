"""What came of a day: counts and digests that a sender can work out too, and the numbers used."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_AT_ONCE = 10_000  # rows of a stream in memory
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: the digest of a day of which nothing came."""


class Group(NamedTuple):
    """The dossiers received on a day: all, of one source, or in one state (else None).

    `other_day` of them have another day in their code; `prefixes` are the beginnings, up to the
    running number, of the codes that do not.
    """

    day: date
    source: str | None
    state: str | None
    dossiers: int
    digest: str
    other_day: int
    prefixes: Sequence[str]


# A line of the digest is the code and the stamp; cut to milliseconds, as most languages write it.
_RECEIVED = text(
    """
WITH received AS (
  SELECT code, source, state, received_on AS day,
    code || ' ' || to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || E'\\n'
      AS line,
    substring(code FROM '^.*-[0-9]{6}-') AS prefix
  FROM dossier
  WHERE branch = ANY(:branches)
    AND received_on BETWEEN :first AND :last
), told AS (
  SELECT *, coalesce(prefix LIKE '%-' || to_char(day, 'YYMMDD') || '-', false) AS of_day
  FROM received
)
SELECT day, source, state, count(*),
  encode(sha256(convert_to(string_agg(line, '' ORDER BY code), 'UTF8')), 'hex'),
  count(*) FILTER (WHERE NOT of_day),
  coalesce(array_agg(DISTINCT prefix) FILTER (WHERE of_day), '{}')
FROM told GROUP BY GROUPING SETS ((day), (day, source), (day, state))
ORDER BY day, source NULLS FIRST, state NULLS FIRST
"""
)

# A code begins with its series, and '.' follows '-': one range of the primary key each. OFFSET 0
# keeps the branches out of it, whose own indexes lead to all that they ever had.
_NUMBERS = text(
    """
SELECT code, branch
FROM unnest(CAST(:prefixes AS text[])) AS series(prefix), LATERAL (
  SELECT code, branch FROM dossier
  WHERE code >= prefix COLLATE "C" AND code < (left(prefix, -1) || '.') COLLATE "C" OFFSET 0
) AS one
WHERE branch = ANY(:branches)
"""
)

_REFUSED = text(
    """
SELECT code, branch FROM quarantine
WHERE state = 'open' AND office = :office
  AND substring(code FROM '-([0-9]{6})-') = ANY(CAST(:days AS text[]))
"""
)


def received(session: Session, branches: Sequence[str], first: date, last: date) -> Sequence[Group]:
    """The dossiers of some branches received from `first` to `last`, both included, by day.

    Per day one group of all, one a source and one a state.
    """
    told = {"branches": list(branches), "first": first, "last": last}
    return [Group(*row) for row in session.execute(_RECEIVED, told)]


def numbers(
    session: Session, prefixes: Sequence[str], branches: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Code and branch of every dossier of some branches whose code begins with one of some series.

    A series is written up to the running number: `H20.16-261005-`.
    """
    if not prefixes:
        return iter(())
    told = {"prefixes": sorted(prefixes), "branches": list(branches)}
    rows = session.execute(_NUMBERS, told, execution_options={"yield_per": _AT_ONCE})
    return ((row[0], row[1]) for row in rows)


def refused(session: Session, office: str, days: Sequence[str]) -> Sequence[tuple[str, str | None]]:
    """Code and branch of what lies in quarantine with one of some days (`yymmdd`) in its code."""
    rows = session.execute(_REFUSED, {"office": office, "days": list(days)})
    return [(row[0], row[1]) for row in rows]
