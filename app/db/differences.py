"""Where the three yardsticks stand on each dossier in hand, and what makes them differ."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.differences import (
    LENIENT_OUTCOMES,
    Clue,
    Difference,
    Pair,
    Reason,
    Side,
    difference,
    mask,
)
from app.core.lifecycle import COUNTED_OUTCOMES, Outcome
from app.core.yardsticks import Yardstick
from app.db.in_hand import ENDED, Span, Standing, arguments, parts, standing
from app.db.lists import Clock

SIDES: Mapping[Standing, Side] = {
    Standing.EARLY: Side.EARLY,
    Standing.ON_TIME: Side.IN_TIME,
    Standing.LATE: Side.LATE,
    Standing.NO_VERDICT: Side.NONE,
    Standing.UNCOUNTED: Side.NONE,
    Standing.IN_TIME: Side.IN_TIME,
    Standing.OVERDUE: Side.LATE,
    Standing.UNVERIFIED: Side.NONE,
    Standing.NO_LIMIT: Side.NONE,
}
_NAMES = ", ".join(Yardstick)


class Exchanged(NamedTuple):
    """The days worked in exchange, for look-ups in SQL: days from `base` on, a table a calendar.

    `shifts` says where the table of each branch begins. `worked` counts the working days up to a
    day, `exchanged` those of them worked in exchange for another.
    """

    branches: Sequence[str]
    shifts: Sequence[int]
    base: date
    worked: Sequence[int]
    exchanged: Sequence[int]


def standings(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """All in hand by branch, whether open (at the close), and where each yardstick stands.

    Columns: branch, open, legal, form, index766, n. What has ended is read from an index alone.
    """
    union = parts(over, f"d.branch, {_all(over, ended=True)}", f"d.branch, {_all(over)}")
    query = (
        f"SELECT branch, open, {_NAMES}, count(*) AS n FROM ({union}) AS held "
        f"GROUP BY branch, open, {_NAMES}"
    )
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


def clued(
    session: Session, clocks: Sequence[Clock], over: Span, table: Exchanged
) -> Sequence[RowMapping]:
    """Those on which some two yardsticks differ, by branch, standings and clues.

    Columns: branch, legal, form, index766, clues (`core.differences.Clue`), n.
    """
    query = (
        f"SELECT branch, {_NAMES}, clues, count(*) AS n FROM ({_differing(over)}) AS told "
        f"GROUP BY branch, {_NAMES}, clues"
    )
    return session.execute(text(query), _told(clocks, over, table)).mappings().all()


def page(
    session: Session,
    clocks: Sequence[Clock],
    over: Span,
    table: Exchanged,
    *,
    pair: Pair,
    wanted: Sequence[Difference],
    reason: Reason | None,
    after: str,
    limit: int,
) -> Sequence[RowMapping]:
    """The dossiers behind a difference, by code: those after `after`, at most `limit`.

    `reason` is the one they are counted under; None for all. Columns: code, branch, legal, form,
    index766, clues, and the days each was judged by.
    """
    chosen, bound = _chosen(pair, wanted, reason)
    query = f"""SELECT * FROM ({_differing(over)}) AS told
WHERE code > CAST(:after AS text) COLLATE "C" AND ({chosen}) ORDER BY code LIMIT :limit"""
    told = _told(clocks, over, table) | bound | {"after": after, "limit": limit}
    return session.execute(text(query), told).mappings().all()


def not_handed_over(session: Session, clocks: Sequence[Clock], over: Span) -> Sequence[RowMapping]:
    """Results of the period that were not handed over by its close. Columns: branch, n."""
    query = f"SELECT d.branch, count(*) AS n FROM {_NOT_HANDED_OVER} GROUP BY d.branch"
    return session.execute(text(query), arguments(clocks, over)).mappings().all()


def page_not_handed_over(
    session: Session, clocks: Sequence[Clock], over: Span, *, after: str, limit: int
) -> Sequence[RowMapping]:
    """Which these are, by code, with the standings and days of `page`, and no clues."""
    query = f"""SELECT {_DAYS}, {_all(over, ended=True)}, 0 AS clues FROM {_NOT_HANDED_OVER}
  AND d.code > CAST(:after AS text) COLLATE "C" ORDER BY d.code LIMIT :limit"""
    told = arguments(clocks, over) | {"after": after, "limit": limit}
    return session.execute(text(query), told).mappings().all()


def _local(told: str) -> str:
    return f"(({told})::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"


_NOT_HANDED_OVER = f"""dossier AS d
WHERE d.branch = ANY(:branches) AND d.ended_on BETWEEN :first AND :last
  AND d.received_on IS NOT NULL AND d.how_ended = '{Outcome.RESULT.value}'
  AND d.finished_at IS NOT NULL
  AND coalesce({_local("d.handed_over_at")} > :last, true)"""
_DAYS = (
    "d.code, d.branch, d.received_on, d.ended_on, d.legal_due_on, d.form_due_on, "
    "d.index766_due_on, d.index766_end_on"
)
_FACTS = (
    f"{_DAYS}, d.legal_late, d.how_ended, d.no_limit, d.promised_at, d.apologies, d.suspensions, "
    "d.stages, d.stage_dues, d.promises, d.provisional"
)


def _all(over: Span, *, ended: bool = False) -> str:
    """The standings by every yardstick, as columns."""
    told = ", ".join(
        f"{ENDED[one] if ended else standing(one, over)} AS {one.value}" for one in Yardstick
    )
    return f"{'false' if ended else 'true'} AS open, {told}"


# The stretches in which the clock stood, as the form counts them, and what was asked for.
_STOOD = f"""LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE supplement AND (NOT h.open OR since <= :last)) AS asked,
    bool_or(supplement AND (NOT h.open OR since <= :last) AND (until = h.legal_due_on OR since IN (
      SELECT {_local("p ->> 'promised_at'")} FROM jsonb_array_elements(h.promises) AS p
    ))) AS asked_on_last_day,
    bool_or(since <= :last AND (h.open OR since < h.ended_on)) AS paused,
    bool_or(h.open AND since <= :last AND coalesce(until > :last, true)) AS stands
  FROM (
    SELECT one ->> 'reason' = 'supplement', {_local("one ->> 'from_at'")},
      {_local("one ->> 'until_at'")}
    FROM jsonb_array_elements(h.suspensions) AS one
    UNION ALL
    SELECT false, {_local("one ->> 'ended_at'")}, (
      SELECT {_local("later ->> 'started_at'")} FROM jsonb_array_elements(h.stages) AS later
      WHERE (later -> 'stage')::int = (one -> 'stage')::int + 1)
    FROM jsonb_array_elements(h.stages) AS one WHERE one ->> 'ended_at' IS NOT NULL
  ) AS span(supplement, since, until)
) AS stood ON h.suspensions IS NOT NULL OR h.stages IS NOT NULL"""
# What the citizen had been told by the close: the last letter that names a day, else the slip.
_LETTERS = f"""LEFT JOIN LATERAL (
  SELECT {_local("letter ->> 'promised_at'")} AS promised_on
  FROM jsonb_array_elements(h.apologies) WITH ORDINALITY AS told(letter, nth)
  WHERE letter ->> 'promised_at' IS NOT NULL
    AND (NOT h.open OR {_local("letter ->> 'sent_at'")} <= :last)
  ORDER BY (letter ->> 'sent_at')::timestamptz DESC, nth DESC LIMIT 1
) AS letters ON h.apologies IS NOT NULL"""
_PROMISED = f"coalesce(letters.promised_on, {_local('h.promised_at')})"
_STAGE_LATE = """h.stage_dues @? '$[*] ? (@.late == true)'"""
_BETWEEN = (
    "(CAST(:{name} AS int[]))[k.shift + (promised.on_day - :base)] - "
    "(CAST(:{name} AS int[]))[k.shift + ({since} - :base)]"
)
_EXCHANGED = _BETWEEN.format(name="exchanged", since="h.received_on")
_SATURDAY = f"""CASE WHEN h.received_on <= h.legal_due_on AND h.legal_due_on < promised.on_day
    AND promised.on_day <= h.received_on + 366 AND {_EXCHANGED} > 0
  THEN {_EXCHANGED} = {_BETWEEN.format(name="worked", since="h.legal_due_on")} END"""


def _in(outcomes: frozenset[Outcome]) -> str:
    return ", ".join(f"'{one.value}'" for one in sorted(outcomes))


_CLUES: Mapping[Clue, str] = {
    Clue.WITHDRAWN: f"NOT h.open AND h.how_ended NOT IN ({_in(COUNTED_OUTCOMES)})",
    Clue.LENIENT: f"NOT h.open AND h.how_ended IN ({_in(LENIENT_OUTCOMES)})",
    Clue.NO_LIMIT: "h.no_limit IS NOT NULL",
    Clue.UNVERIFIED: "h.legal = 'unverified'",
    Clue.NOT_PROMISED: "promised.on_day IS NULL",
    Clue.ASKED_ON_LAST_DAY: "stood.asked_on_last_day",
    Clue.ASKED: "stood.asked > 0",
    Clue.ASKED_TWICE: "stood.asked > 1",
    Clue.RE_APPOINTED: "letters.promised_on IS NOT NULL",
    Clue.PAUSED: "stood.paused",
    Clue.STANDS: "stood.stands",
    Clue.STAGE_LATE: f"CASE WHEN h.open THEN h.stage_dues IS NOT NULL ELSE {_STAGE_LATE} END",
    Clue.HOUR_LATE: f"NOT h.open AND h.legal_late AND NOT coalesce({_STAGE_LATE}, false)",
    Clue.SATURDAY: _SATURDAY,
    Clue.PROVISIONAL: "h.provisional AND h.legal_due_on IS DISTINCT FROM promised.on_day",
}
"""The clues as `core.differences.clues` finds them; a test compares the two."""


def _differing(over: Span) -> str:
    """Those on which two yardsticks stand differently, with their clues and their days."""
    union = parts(over, f"{_FACTS}, {_all(over, ended=True)}", f"{_FACTS}, {_all(over)}")
    clues = " + ".join(
        f"CASE WHEN {holds} THEN {clue.value} ELSE 0 END" for clue, holds in _CLUES.items()
    )
    return f"""SELECT h.code, h.branch, h.received_on, h.ended_on, h.legal_due_on, h.form_due_on,
  h.index766_due_on, h.index766_end_on, h.open, h.legal, h.form, h.index766, {clues} AS clues
FROM ({union}) AS h
JOIN unnest(CAST(:placed AS text[]), CAST(:shifts AS int[])) AS k(branch, shift)
  ON k.branch = h.branch
{_STOOD}
{_LETTERS}
CROSS JOIN LATERAL (SELECT {_PROMISED} AS on_day) AS promised
WHERE h.legal <> h.form OR h.legal <> h.index766 OR h.form <> h.index766"""


def _told(clocks: Sequence[Clock], over: Span, table: Exchanged) -> dict[str, Any]:
    return arguments(clocks, over) | {
        "placed": list(table.branches),
        "shifts": list(table.shifts),
        "base": table.base,
        "worked": list(table.worked),
        "exchanged": list(table.exchanged),
    }


def _chosen(
    pair: Pair, wanted: Sequence[Difference], reason: Reason | None
) -> tuple[str, dict[str, Any]]:
    """The condition of a page, and its parameters."""
    first, second = (one.value for one in pair)
    found: list[str] = ["false"]
    bound: dict[str, Any] = {}
    for at, how in enumerate(wanted):
        held = None if reason is None else mask(pair, how, reason)
        if reason is not None and held is None:
            continue
        condition = f"{first} || ' ' || {second} = ANY(:standings_{at})"
        bound[f"standings_{at}"] = _standing_so(how)
        if held is not None:
            condition += f" AND clues & :earlier_{at} = 0"
            bound[f"earlier_{at}"] = held.earlier.value
        if held is not None and held.own:
            condition += f" AND clues & :own_{at} <> 0"
            bound[f"own_{at}"] = held.own.value
        found.append(f"({condition})")
    return " OR ".join(found), bound


def _standing_so(how: Difference) -> list[str]:
    return [
        f"{one.value} {other.value}"
        for one in Standing
        for other in Standing
        if difference(SIDES[one], SIDES[other]) is how
    ]
