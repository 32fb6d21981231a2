"""When a dossier was out of the office's hands, in SQL: tax legs, and the days of its pauses."""

from app.db.worked import days

_FROM = "CAST(one ->> 'from_at' AS timestamptz)"
_UNTIL = "CAST(one ->> 'until_at' AS timestamptz)"


def legs(of: str) -> str:
    """The tax legs of the row `of`: sent_at, and paid_at or null; as `core.taxes.gaps` finds them.

    Between two stages, what the stages say; a `financial_obligation` suspension that is no such gap
    is a leg too, those that touch or overlap being one. A lateral subquery over a row with the
    columns `suspensions` and `stage_dues`.
    """
    return f"""
SELECT sent_at, paid_at FROM (
  SELECT CAST(one ->> 'ended_at' AS timestamptz) AS sent_at,
    CAST(lead(one ->> 'started_at') OVER (ORDER BY nth) AS timestamptz) AS paid_at,
    nth < jsonb_array_length({of}.stage_dues) AS followed
  FROM jsonb_array_elements({of}.stage_dues) WITH ORDINALITY AS stage(one, nth)) AS gap
WHERE followed AND sent_at IS NOT NULL
UNION ALL
SELECT lower(leg), upper(leg) FROM (
  SELECT leg, row_number() OVER (ORDER BY leg) AS nth FROM unnest((
    SELECT range_agg(tstzrange({_FROM}, {_UNTIL}, '[]'))
    FROM jsonb_array_elements({of}.suspensions) AS stop(one)
    WHERE one ->> 'reason' = 'financial_obligation')) AS leg) AS tax
WHERE nth > greatest(coalesce(jsonb_array_length({of}.stage_dues), 0) - 1, 0)"""


def days_off(paused: str, since: str, until: str) -> str:
    """How many days after `since`, up to `until`, some pause takes: `worked`, and `passed` in all.

    `paused` is the column of that name. Null without any.
    """
    return f"""
SELECT CAST(sum({days("lower(off) - 1", "upper(off) - 1")}) AS int) AS worked,
  CAST(sum(upper(off) - lower(off)) AS int) AS passed
FROM unnest({paused} * datemultirange(
  daterange({since}, greatest({since}, {until}), '(]'))) AS off
WHERE {paused} IS NOT NULL"""
