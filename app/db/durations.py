"""How long things took that ended in a period: how many took each number of days, never rows.

What comes back is a count of each length, some thousands of rows whatever the number of dossiers;
`core.spread` makes medians of it. Nothing is sorted, and a total is a sum of counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.db import worked
from app.db.in_hand import EXPRESSIONS, Group, Span, arguments, parts
from app.db.lists import Clock
from app.db.pauses import days_off, legs
from app.db.worked import days, local_day

Calendars = Mapping[str, WorkingCalendar]
"""The working calendar of each branch."""

STEP_UNITS_A_DAY = 100
"""Time in a step is told in hundredths of a day of eight working hours, cut."""
_HUNDREDTH = 8 * 3_600_000_000 // STEP_UNITS_A_DAY

# Counts of several measures at once are small, but the planner cannot know and would sort.
_ROOM = text("SELECT set_config('work_mem', '64MB', true)")

_END = "coalesce(d.finished_at, d.ended_at)"


class Length(NamedTuple):
    """How many (`n`) of a key had a value of a measure."""

    key: tuple[str, ...]
    measure: str
    value: int
    n: int


def ended(
    session: Session, clocks: Sequence[Clock], over: Span, by: Group, calendars: Calendars
) -> Iterator[Length]:
    """Of what ended in a period: the days from the receipt to the end, by branch, procedure, group.

    Measures: `working` and `calendar`, from the receipt to the end; `net_working` and
    `net_calendar`, less the days of pauses; `hand_working` and `hand_calendar` from the receipt to
    the hand-over, of those handed over by the close; `filed_working` and `filed_calendar` from the
    filing to the receipt, of those filed online.
    """
    columns = f"""d.branch, {EXPRESSIONS[by]} AS key, d.received_on, d.ended_on, d.paused,
  CASE WHEN d.handed_over_at <= :close THEN {local_day("d.handed_over_at")} END
    AS handed_on,
  CASE WHEN d.channel = 'online' THEN {local_day("d.submitted_at")} END AS filed_on"""
    items = f"""
SELECT h.key, {days("h.received_on", "h.ended_on")} AS working,
  h.ended_on - h.received_on AS calendar,
  {days("h.received_on", "h.ended_on")} - coalesce(off.worked, 0) AS net_working,
  h.ended_on - h.received_on - coalesce(off.passed, 0) AS net_calendar,
  {days("h.received_on", "h.handed_on")} AS hand_working,
  h.handed_on - h.received_on AS hand_calendar,
  {days("h.filed_on", "h.received_on")} AS filed_working,
  h.received_on - h.filed_on AS filed_calendar
FROM ({parts(over, columns, "", with_open=False)}) AS h
JOIN {worked.PLACES} ON place.branch = h.branch
LEFT JOIN LATERAL ({days_off("h.paused", "h.received_on", "h.ended_on")}) AS off ON true"""
    measures = [
        f"{name}_{unit}".removeprefix("_")
        for name in ("", "net", "hand", "filed")
        for unit in ("working", "calendar")
    ]
    return _counted(session, items, ["key"], measures, clocks, over, calendars)


STAGES = """jsonb_array_elements(h.stage_dues) WITH ORDINALITY AS s(one, nth)
CROSS JOIN LATERAL (SELECT CAST(s.one ->> 'started_at' AS timestamptz) AS started_at,
  coalesce(CAST(s.one ->> 'ended_at' AS timestamptz),
    CASE WHEN h.stage_dues -> CAST(s.nth AS int) ->> 'started_at' IS NULL THEN h.end_at END)
    AS stopped_at OFFSET 0) AS stage"""
"""The stages of a dossier `h` that began; the last one ends with the dossier."""

STAGE_COLUMNS = f"d.branch, d.paused, d.stage_dues, {_END} AS end_at"


def stages(
    session: Session, clocks: Sequence[Clock], over: Span, calendars: Calendars
) -> Iterator[Length]:
    """Of each stage of limits with several appointments that ended in the period: its days.

    The key is the number of the stage; the measures are `working`, `calendar`, `net_working` and
    `net_calendar`, as of whole dossiers.
    """
    items = f"""
SELECT CAST(s.one ->> 'stage' AS text) AS key,
  {days("on_.since", "on_.until")} AS working, on_.until - on_.since AS calendar,
  {days("on_.since", "on_.until")} - coalesce(off.worked, 0) AS net_working,
  on_.until - on_.since - coalesce(off.passed, 0) AS net_calendar
FROM ({parts(over, STAGE_COLUMNS, STAGE_COLUMNS)}) AS h
JOIN {worked.PLACES} ON place.branch = h.branch
CROSS JOIN LATERAL {STAGES}
CROSS JOIN LATERAL (SELECT {local_day("started_at")} AS since, {local_day("stopped_at")} AS until
  OFFSET 0) AS on_
LEFT JOIN LATERAL ({days_off("h.paused", "on_.since", "on_.until")}) AS off ON true
WHERE h.stage_dues IS NOT NULL AND on_.since IS NOT NULL AND on_.until BETWEEN :first AND :last"""
    measures = ["working", "calendar", "net_working", "net_calendar"]
    return _counted(session, items, ["key"], measures, clocks, over, calendars)


def tax_legs(
    session: Session, clocks: Sequence[Clock], over: Span, calendars: Calendars
) -> Iterator[Length]:
    """Of the legs at the tax office paid in the period, by branch: `working` and `calendar` days.

    `waiting` counts those sent and not paid by the close, of dossiers open then, by working days.
    """
    columns = f"d.branch, d.suspensions, d.stage_dues, {_END} AS end_at"
    paid = "leg.paid_at <= :close"
    open_then = "(h.end_at IS NULL OR h.end_at > :close)"
    items = f"""
SELECT h.branch AS key, CASE WHEN {paid} THEN {days("on_.since", "on_.until")} END AS working,
  CASE WHEN {paid} THEN on_.until - on_.since END AS calendar,
  CASE WHEN {paid} THEN NULL ELSE {worked.at_least("on_.since", "CAST(:last AS date)")} END
    AS waiting
FROM ({parts(over, columns, columns)}) AS h
JOIN {worked.PLACES} ON place.branch = h.branch
CROSS JOIN LATERAL ({legs("h")}) AS leg
CROSS JOIN LATERAL (SELECT {local_day("leg.sent_at")} AS since, {local_day("leg.paid_at")} AS until
  OFFSET 0) AS on_
WHERE (h.suspensions IS NOT NULL OR h.stage_dues IS NOT NULL)
  AND leg.sent_at <= :close AND CASE WHEN {paid} THEN on_.until >= :first
  ELSE {open_then} END"""
    return _counted(
        session, items, ["key"], ["working", "calendar", "waiting"], clocks, over, calendars
    )


def steps(
    session: Session, clocks: Sequence[Clock], over: Span, calendars: Calendars
) -> Iterator[Length]:
    """Of the steps finished in the period, by unit and name as they were sent.

    Measures: `working`, in hundredths of a day of eight working hours, and `calendar` days.
    """
    columns = "d.branch, d.steps"
    items = f"""
SELECT coalesce(s.one ->> 'unit', '') AS unit, coalesce(s.one ->> 'name', '') AS name,
  CAST({worked.time("step.since", "step.until")} / {_HUNDREDTH} AS int) AS working,
  {local_day("step.until")} - {local_day("step.since")} AS calendar
FROM ({parts(over, columns, columns)}) AS h
JOIN {worked.PLACES} ON place.branch = h.branch
CROSS JOIN LATERAL jsonb_array_elements(h.steps) AS s(one)
CROSS JOIN LATERAL (SELECT CAST(s.one ->> 'started_at' AS timestamptz) AS since,
  CAST(s.one ->> 'finished_at' AS timestamptz) AS until OFFSET 0) AS step
WHERE h.steps IS NOT NULL AND step.since IS NOT NULL AND step.until <= :close
  AND {local_day("step.until")} >= :first"""
    return _counted(
        session,
        items,
        ["unit", "name"],
        ["working", "calendar"],
        clocks,
        over,
        calendars,
        hours=True,
    )


def _counted(
    session: Session,
    items: str,
    keys: Sequence[str],
    measures: Sequence[str],
    clocks: Sequence[Clock],
    over: Span,
    calendars: Calendars,
    *,
    hours: bool = False,
) -> Iterator[Length]:
    """How many items of each key had each value of each measure, in one pass over the items."""
    told = ", ".join([worked.TOLD, worked.TOLD_HOURS] if hours else [worked.TOLD])
    columns, by = ", ".join(measures), ", ".join(keys)
    sets = ", ".join(f"({by}, {measure})" for measure in measures)
    # The bit of each measure that a row is not grouped by is set, the last measure's the lowest.
    whole = 2 ** len(measures) - 1
    which = {whole - 2**at: name for at, name in enumerate(reversed(measures))}
    query = f"""WITH {told}
SELECT {by}, {columns}, grouping({columns}) AS which, count(*) AS n FROM ({items}) AS item
GROUP BY GROUPING SETS ({sets})"""
    held = arguments(clocks, over) | worked.arguments(calendars, over.last, hours=hours)
    session.execute(_ROOM)
    for row in session.execute(text(query), held).mappings():
        measure = which[row["which"]]
        if row[measure] is not None:
            yield Length(tuple(row[key] for key in keys), measure, row[measure], row["n"])
