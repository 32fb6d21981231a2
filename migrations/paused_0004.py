"""What 0004 fills `dossier.paused` with, from the suspensions and stages stored beside it.

As `core.pauses` gave it when 0004 was written; a migration must not change with the code, so it is
written out here.
"""

_FROM = "CAST(one ->> 'from_at' AS timestamptz)"
_UNTIL = "CAST(one ->> 'until_at' AS timestamptz)"
_LOCAL = "CAST({} AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)"

# Of the financial obligations those that touch are one; the first few are the gaps between stages,
# of which the stages say when they were.
PAUSED = f"""
UPDATE dossier AS d SET paused = (
  SELECT range_agg(daterange(since, until, '(]')) FROM (
    SELECT {_LOCAL.format("from_at")} AS since,
      {_LOCAL.format("coalesce(until_at, d.finished_at, d.ended_at)")} AS until
    FROM (
      SELECT {_FROM} AS from_at, {_UNTIL} AS until_at
      FROM jsonb_array_elements(d.suspensions) AS stop (one)
      WHERE one ->> 'reason' <> 'financial_obligation'
      UNION ALL
      SELECT from_at, until_at FROM (
        SELECT CAST(one ->> 'ended_at' AS timestamptz) AS from_at,
          CAST(lead(one ->> 'started_at') OVER (ORDER BY nth) AS timestamptz) AS until_at,
          nth < jsonb_array_length(d.stage_dues) AS followed
        FROM jsonb_array_elements(d.stage_dues) WITH ORDINALITY AS stage (one, nth)) AS gap
      WHERE followed AND from_at IS NOT NULL
      UNION ALL
      SELECT lower(leg), upper(leg) FROM (
        SELECT leg, row_number() OVER (ORDER BY leg) AS nth FROM unnest((
          SELECT range_agg(tstzrange({_FROM}, {_UNTIL}, '[]'))
          FROM jsonb_array_elements(d.suspensions) AS stop (one)
          WHERE one ->> 'reason' = 'financial_obligation')) AS leg) AS tax
      WHERE nth > greatest(coalesce(jsonb_array_length(d.stage_dues), 0) - 1, 0)
    ) AS pause
  ) AS span WHERE since < coalesce(until, 'infinity')
) WHERE suspensions IS NOT NULL OR stage_dues IS NOT NULL
"""  # noqa: S608 constants
