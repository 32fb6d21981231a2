"""What 0004 fills its columns with: the days past due, from what is stored beside them.

As `core.yardsticks` gave them when 0004 was written; a migration must not change with the code, so
it is written out here: in SQL, and where the law must be counted anew (`_whole`) in Python.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

_WORDS = """
CREATE OR REPLACE FUNCTION pg_temp.local_day(at timestamptz) RETURNS date LANGUAGE sql STABLE
RETURN (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;

-- None where the days are simply all after the due day until the end
CREATE OR REPLACE FUNCTION pg_temp.unless_plain(days datemultirange, due_on date, end_on date)
RETURNS datemultirange LANGUAGE sql STABLE RETURN nullif(
  days,
  CASE WHEN due_on IS NULL OR due_on + 1 >= end_on THEN '{}'::datemultirange
    ELSE datemultirange(daterange(due_on + 1, end_on)) END
);

-- what the citizen had been told, and during which days it stood: the slip, then each letter
CREATE OR REPLACE FUNCTION pg_temp.promises(slip_on date, letters jsonb)
RETURNS TABLE (during daterange, promised_on date) LANGUAGE sql STABLE AS $$
  WITH letter AS (
    SELECT (one ->> 'sent_at')::timestamptz AS sent_at, place,
      pg_temp.local_day((one ->> 'promised_at')::timestamptz) AS promised_on
    FROM jsonb_array_elements(letters) WITH ORDINALITY AS told (one, place)
    WHERE one ->> 'promised_at' IS NOT NULL
  ), told AS (
    SELECT 0 AS nth, NULL::date AS since, slip_on AS promised_on
    UNION ALL
    SELECT row_number() OVER (ORDER BY sent_at, place), pg_temp.local_day(sent_at), promised_on
    FROM letter
  )
  SELECT daterange(since, lead(since) OVER (ORDER BY nth)), promised_on FROM told
$$;

-- the days at whose close the clock stood: by a suspension, or between two appointments
CREATE OR REPLACE FUNCTION pg_temp.paused(stops jsonb, stages jsonb)
RETURNS datemultirange LANGUAGE sql STABLE AS $$
  WITH stage AS (
    SELECT (one ->> 'stage')::int AS nth, (one ->> 'started_at')::timestamptz AS began_at,
      (one ->> 'ended_at')::timestamptz AS ended_at
    FROM jsonb_array_elements(stages) AS told (one)
  ), edge AS (
    SELECT pg_temp.local_day((one ->> 'from_at')::timestamptz) AS since,
      pg_temp.local_day((one ->> 'until_at')::timestamptz) AS until
    FROM jsonb_array_elements(stops) AS told (one)
    UNION ALL
    SELECT pg_temp.local_day(ended_at), pg_temp.local_day(
      (SELECT began_at FROM stage AS following WHERE following.nth = stage.nth + 1 LIMIT 1))
    FROM stage WHERE ended_at IS NOT NULL
  )
  SELECT coalesce(range_agg(daterange(since, until)), '{}') FROM edge
  WHERE until IS NULL OR since < until
$$;

CREATE OR REPLACE FUNCTION pg_temp.past_due_by_form(
  slip_on date, letters jsonb, stops jsonb, stages jsonb, end_on date
) RETURNS datemultirange LANGUAGE sql STABLE AS $$
  SELECT (coalesce(range_agg(during * daterange(promised_on + 1, NULL)), '{}')
      - pg_temp.paused(stops, stages)) * datemultirange(daterange(NULL, end_on))
  FROM pg_temp.promises(slip_on, letters) WHERE promised_on IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION pg_temp.past_due_by_766(
  slip_on date, letters jsonb, stops jsonb, end_on date
) RETURNS datemultirange LANGUAGE sql STABLE AS $$
  WITH stop AS (
    SELECT (one ->> 'from_at')::timestamptz AS from_at, place,
      (one ->> 'until_at')::timestamptz AS until_at
    FROM jsonb_array_elements(stops) WITH ORDINALITY AS told (one, place)
    WHERE one ->> 'reason' = 'supplement'
  ), asked AS (
    SELECT pg_temp.local_day(from_at) AS since, pg_temp.local_day(until_at) AS until,
      floor(extract(epoch FROM until_at - from_at) / 86400)::int AS days,
      row_number() OVER (ORDER BY from_at, place) AS nth
    FROM stop
  ), late AS (
    SELECT during * daterange(promised_on + 1, NULL) * daterange(NULL, one.since) AS days
    FROM pg_temp.promises(slip_on, letters) LEFT JOIN asked AS one ON one.nth = 1
    WHERE promised_on IS NOT NULL
    UNION ALL  -- still out: its own day is the end
    SELECT during * daterange(one.since, NULL) * daterange(NULL, one.until)
      * daterange(NULL, two.since)
    FROM pg_temp.promises(slip_on, letters) JOIN asked AS one ON one.nth = 1
      LEFT JOIN asked AS two ON two.nth = 2
    WHERE one.since > promised_on
    UNION ALL  -- given back
    SELECT during * daterange(promised_on + 1 + one.days, NULL) * daterange(one.until, NULL)
      * daterange(NULL, two.since)
    FROM pg_temp.promises(slip_on, letters) JOIN asked AS one ON one.nth = 1
      LEFT JOIN asked AS two ON two.nth = 2
    WHERE promised_on IS NOT NULL AND one.until IS NOT NULL
    UNION ALL  -- asked twice
    SELECT daterange(since, NULL) FROM asked WHERE nth = 2
  )
  SELECT coalesce(range_agg(days), '{}') * datemultirange(daterange(NULL, end_on)) FROM late
$$;

-- each appointment from its own due moment until its own end (the last until the dossier's), once
-- one before the last was late
CREATE OR REPLACE FUNCTION pg_temp.past_due_by_law(stages jsonb, end_on date)
RETURNS datemultirange LANGUAGE sql STABLE AS $$
  SELECT coalesce(range_agg(daterange(first, until)), '{}')
  FROM (
    SELECT pg_temp.local_day((one ->> 'due_at')::timestamptz) AS first,
      CASE WHEN place = jsonb_array_length(stages) THEN end_on
        ELSE coalesce(pg_temp.local_day((one ->> 'ended_at')::timestamptz), end_on) END AS until
    FROM jsonb_array_elements(stages) WITH ORDINALITY AS told (one, place)
    WHERE one ->> 'due_at' IS NOT NULL
  ) AS stage
  WHERE until IS NULL OR first < until
$$;

CREATE TEMPORARY TABLE whole (code text COLLATE "C" PRIMARY KEY, due_on date) ON COMMIT DROP
"""

_PROMISED_BY_LETTER = "jsonb_path_exists(apologies, '$[*].promised_at ? (@ != null)')"
_PARKED = "ended_on IS NULL AND status IN (5, 6, 8)"
_FORM_DUE_ON = f"""CASE WHEN {_PARKED} THEN (
    SELECT told.promised_on FROM pg_temp.promises(pg_temp.local_day(promised_at), apologies) AS told
    WHERE upper_inf(told.during)) ELSE form_due_on END"""  # noqa: S608 constants
_ASKED = "jsonb_path_exists(suspensions, '$[*] ? (@.reason == \"supplement\")')"

_FILL = f"""
UPDATE dossier SET
  received_on = pg_temp.local_day(received_at),
  form_due_on = {_FORM_DUE_ON},
  index766_end_on = CASE WHEN ended_on IS NOT NULL THEN index766_end_on END,
  legal_overdue = CASE WHEN jsonb_array_length(stage_dues) > 1
      AND jsonb_path_exists(stage_dues - -1, '$[*] ? (@.late == true)')
    THEN pg_temp.unless_plain(
      pg_temp.past_due_by_law(stage_dues, ended_on), legal_due_on, ended_on) END,
  form_overdue = CASE WHEN how_ended IN ('withdrawn', 'returned', 'stopped')
      OR apologies IS NOT NULL OR suspensions IS NOT NULL OR stages IS NOT NULL
    THEN pg_temp.unless_plain(
      pg_temp.past_due_by_form(
        pg_temp.local_day(promised_at), apologies, suspensions, stages, ended_on),
      {_FORM_DUE_ON}, ended_on) END,
  index766_overdue = CASE WHEN {_ASKED} OR {_PROMISED_BY_LETTER}
    THEN pg_temp.unless_plain(
      pg_temp.past_due_by_766(
        coalesce(pg_temp.local_day(promised_at), CASE WHEN {_PROMISED_BY_LETTER}
          THEN (SELECT whole.due_on FROM whole WHERE whole.code = dossier.code)
          ELSE index766_due_on END),
        apologies, suspensions, ended_on),
      index766_due_on, ended_on) END
"""  # noqa: S608 constants

AS_IT_WAS = f"""
UPDATE dossier SET
  form_due_on = NULL,
  index766_end_on = CASE WHEN status = 5 AND 1 = jsonb_array_length(
      jsonb_path_query_array(suspensions, '$[*] ? (@.reason == "supplement")'))
    THEN (CAST(jsonb_path_query_first(
        suspensions, '$[*] ? (@.reason == "supplement")') ->> 'from_at' AS timestamptz)
      AT TIME ZONE 'Asia/Ho_Chi_Minh')::date END
WHERE {_PARKED}
"""  # noqa: S608 constants

_LETTER_WITHOUT_SLIP = f"""
SELECT d.code, d.received_at, d.difficult, l.rule, c.layers
FROM dossier AS d JOIN limit_rule AS l ON l.id = d.limit_id
  JOIN working_calendar AS c ON c.id = d.calendar_id
WHERE d.promised_at IS NULL AND {_PROMISED_BY_LETTER}
"""  # noqa: S608 constants

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_DAY = timedelta(days=1)
_LAST_ON = date(2056, 12, 31)
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Spans = list[list[str]]
Hours = Callable[[date], Spans]


def fill(connection: sa.Connection) -> None:
    """Fill the columns; a letter without a slip needs the whole limit, which is nowhere stored."""
    for statement in _WORDS.split(";\n\n"):
        connection.exec_driver_sql(statement)
    layers = connection.exec_driver_sql("SELECT id, body FROM calendar")
    bodies: dict[int, Mapping[str, Any]] = {row.id: row.body for row in layers}
    found = []
    asked = connection.exec_driver_sql(_LETTER_WITHOUT_SLIP)
    for code, received_at, difficult, rule, stack in asked:
        hours = _hours([bodies[layer] for layer in stack])
        due_on = _whole(received_at, rule, hours, difficult=difficult)
        found.append({"code": code, "due_on": due_on})
    if found:
        connection.execute(sa.text("INSERT INTO whole VALUES (:code, :due_on)"), found)
    connection.exec_driver_sql(_FILL)


def _hours(layers: Sequence[Mapping[str, Any]]) -> Hours:
    """The office hours of a day, of a calendar in layers, the widest first."""
    days = {day["date"]: day for layer in layers for day in layer.get("days", ())}
    weeks: list[tuple[str, str, Mapping[str, Spans]]] = []
    for layer in layers:
        if "week" in layer:
            weeks.append(("", "9", layer["week"]))
        weeks += [
            (season.get("from") or "", season.get("until") or "9", season["week"])
            for season in layer.get("seasons", ())
        ]

    def of(on: date) -> Spans:
        text = on.isoformat()
        week = next(held for since, until, held in reversed(weeks) if since <= text <= until)
        day = days.get(text, {})
        if day.get("hours") is not None:
            return list(day["hours"])
        if day.get("kind") == "off":
            return []
        own = week.get(_WEEK[on.weekday()], [])
        if day.get("kind") == "work" and not own:
            basis = next(held for _, _, held in weeks)
            usual = (held.get(name, []) for held in (week, basis) for name in _WEEK)
            return next((spans for spans in usual if spans), [])
        return own

    return of


def _whole(
    received_at: datetime, rule: Mapping[str, Any], hours: Hours, *, difficult: bool
) -> date | None:
    """The last day of the whole limit, counted from the receipt with no suspension."""
    held = (rule.get("difficult") if difficult else None) or rule
    quantity, unit = held["quantity"], rule["unit"]
    local = received_at.astimezone(_ZONE)
    on = local.date()
    if rule.get("cutoff"):
        if hours(on) and local.time() > time.fromisoformat(rule["cutoff"]):
            on += _DAY
        on = next(_worked(on, hours), on)
    if unit == "working_hours":
        begun = local if on == local.date() else datetime.combine(on, time(), _ZONE)
        return _used_up(begun, timedelta(hours=quantity), hours)
    if unit == "working_days" and quantity:
        worked = _worked(on + _DAY, hours)
        return next((day for nth, day in enumerate(worked, 1) if nth == ceil(quantity)), None)
    if unit == "calendar_days":
        on += ceil(quantity) * _DAY
    elif unit == "calendar_months":
        month = on.month - 1 + ceil(quantity)
        year, month = on.year + month // 12, month % 12 + 1
        on = date(year, month, min(on.day, monthrange(year, month)[1]))
    return next(_worked(on, hours), None)


def _worked(on: date, hours: Hours) -> Iterator[date]:
    while on <= _LAST_ON:
        if hours(on):
            yield on
        on += _DAY


def _used_up(begun: datetime, left: timedelta, hours: Hours) -> date | None:
    """The day on which the last of some working time is used up."""
    for on in _worked(begun.date(), hours):
        midnight = datetime.combine(on, time(), _ZONE)
        for opens, closes in sorted(hours(on)):
            since, until = (
                midnight + timedelta(hours=int(edge[:2]), minutes=int(edge[3:5]))
                for edge in (opens, closes)
            )
            since = max(since, begun)
            if since < until and left <= until - since:
                return on
            left -= max(until - since, timedelta(0))
    return None
