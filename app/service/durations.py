"""Where time goes: how long what ended in a period took, in working and in calendar days."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from sqlalchemy.orm import Session

from app.core.spread import Spread, spread
from app.db import durations
from app.db.durations import STEP_UNITS_A_DAY, Length
from app.db.in_hand import Group, Span
from app.db.lists import Clock
from app.service.asked import Asked
from app.service.document import Bars, Column, Document, Kind, Note, Row, Value, word
from app.service.rules import Rules

NAME = "durations"
MOST_STEPS = 200
"""Steps are named by senders, in words without end: the most frequent have a row, the rest one."""


class By(StrEnum):
    """What durations are split by: dossiers three ways, or parts of them."""

    PROCEDURE = "procedure"
    BRANCH = "branch"
    GROUP = "group"
    STAGE = "stage"
    STEP = "step"
    TAX = "tax"


_DOSSIERS = {By.PROCEDURE: Group.PROCEDURE, By.BRANCH: Group.BRANCH, By.GROUP: Group.GROUP}
_TITLES = {
    By.PROCEDURE: "Where time goes, by procedure",
    By.BRANCH: "Where time goes, by branch",
    By.GROUP: "Where time goes, by group of procedures",
    By.STAGE: "Where time goes, by appointment",
    By.STEP: "Where time goes, by step",
    By.TAX: "Where time goes: the tax office and the payment",
}
_GROSS = word("From receipt to end")
_NET = word("Less suspensions and the tax office's time")
_HAND = word("From receipt to hand-over")
_FILED = word("From filing to acceptance, filed online")
_WORKING = word("working days")
_CALENDAR = word("calendar days")
_OFFICE_DAYS = word("days of 8 working hours")
_MEDIAN = "Median"
_P90 = "90 % took at most"
_LONGEST = "Longest"
_COUNT = "Number"
_CODE = Column("key", "Code", Kind.CODE)
_PROCEDURE = Column("name", "Procedure", Kind.TEXT)
_BRANCH = Column("name", "Branch", Kind.TEXT)


def _days(
    measure: str, over: str, unit: str, *, longest: bool = False, note: int = 0
) -> tuple[Column, ...]:
    under = (over, unit)
    found = (
        Column(f"{measure}_median", _MEDIAN, Kind.DAYS, under, note=note),
        Column(f"{measure}_p90", _P90, Kind.DAYS, under, note=note),
    )
    if not longest:
        return found
    return (*found, Column(f"{measure}_longest", _LONGEST, Kind.DAYS, under, note=note))


_ENDED = Column("calendar_n", "Ended")
_WHOLE: tuple[Column, ...] = (
    *_days("working", _GROSS, _WORKING, longest=True),
    *_days("calendar", _GROSS, _CALENDAR),
    *_days("net_working", _NET, _WORKING, note=2),
    *_days("net_calendar", _NET, _CALENDAR, note=2),
)
_BESIDE: tuple[Column, ...] = (
    Column("hand_calendar_n", _COUNT, under=(_HAND,), note=3),
    *_days("hand_working", _HAND, _WORKING, note=3),
    *_days("hand_calendar", _HAND, _CALENDAR, note=3),
    Column("filed_calendar_n", _COUNT, under=(_FILED,), note=3),
    *_days("filed_working", _FILED, _WORKING, note=3),
    *_days("filed_calendar", _FILED, _CALENDAR, note=3),
)
_LEG = word("From the slip sent to the tax office to the proof of payment")
_WAITING = word("Still awaited at the close")
_STEP = word("From start to end of the step")
_COLUMNS: Mapping[By, tuple[Column, ...]] = {
    By.PROCEDURE: (_CODE, _PROCEDURE, _ENDED, *_WHOLE, *_BESIDE),
    By.BRANCH: (_CODE, _BRANCH, _ENDED, *_WHOLE, *_BESIDE),
    By.GROUP: (_CODE, _ENDED, *_WHOLE, *_BESIDE),
    By.STAGE: (Column("key", "Appointment", Kind.CODE), _ENDED, *_WHOLE),
    By.STEP: (
        Column("unit", "Unit, as sent", Kind.TEXT),
        Column("name", "Step, as sent", Kind.TEXT),
        Column("calendar_n", "Ended"),
        *_days("working", _STEP, _OFFICE_DAYS, longest=True),
        *_days("calendar", _STEP, _CALENDAR),
    ),
    By.TAX: (
        _CODE,
        _BRANCH,
        Column("calendar_n", "Paid"),
        *_days("working", _LEG, _WORKING, longest=True),
        *_days("calendar", _LEG, _CALENDAR),
        Column("waiting_n", _COUNT, under=(_WAITING,)),
        *_days("waiting", _WAITING, _WORKING, longest=True),
    ),
}
_PERCENTILE = Note(
    "Median: half took no longer; 90 %: nine in ten took no longer. Each is a length that did "
    "occur (percentile_disc), never a mean of two; without any there is no figure. The total is "
    "counted anew over all, for medians do not add up."
)
_WORKED = Note(
    "Working days by the calendar of each branch as it is published now; the first day does not "
    "count, the last does, so what was done on one day took 0. What began before the calendar "
    "does counts in calendar days only."
)
_WHO = Note(
    "All that was received and ended in the period, by whatever outcome: results, refusals, "
    "withdrawals and returns."
)
_NET_OF = Note(
    "Less suspensions: without the days after the beginning of a suspension or of the tax office's "
    "time, up to the day of its end; what is left is the office's own."
)
_MORE = Note(
    "Hand-over: of those ended in the period and handed over by its close. Acceptance: of those "
    "ended in the period that were filed online."
)
_DEFINITIONS: Mapping[By, tuple[Note, ...]] = {
    **dict.fromkeys((By.PROCEDURE, By.BRANCH, By.GROUP), (_WHO, _WORKED, _NET_OF, _MORE)),
    By.STAGE: (
        Note(
            "Each appointment of a limit with several that ended in the period, from its start to "
            "its end; the last one ends with the dossier."
        ),
        _WORKED,
        _NET_OF,
    ),
    By.STEP: (
        Note(
            "Steps with a start and an end, ended in the period, by unit and name as the sender "
            "has them. Time inside office hours, 8 hours a day, cut to hundredths of a day."
        ),
        Note("The {most} most frequent have a row of their own; the rest share one.",
             {"most": MOST_STEPS}),
    ),
    By.TAX: (
        Note(
            "From the day the slip was sent to the tax office to the day payment was proved, of "
            "those proved in the period; the tax office's time and the citizen's, never charged "
            "to the branch. Awaited: sent and not proved by the close, of dossiers open then."
        ),
        _WORKED,
    ),
}  # fmt: skip
_OTHERS = word("Other steps")

Spreads = dict[str, Spread]


def measured(
    session: Session, clocks: Sequence[Clock], rules: Rules, over: Span, by: By
) -> tuple[dict[tuple[str, ...], Spreads], Spreads]:
    """The spread of each measure of `db.durations`, by key and in all."""
    calendars = {clock.branch: rules.calendar_of(clock.branch) for clock in clocks}
    if by in _DOSSIERS:
        told = durations.ended(session, clocks, over, _DOSSIERS[by], calendars)
    else:
        ask = {By.STAGE: durations.stages, By.STEP: durations.steps, By.TAX: durations.tax_legs}
        told = ask[by](session, clocks, over, calendars)
    return _spreads(told, most=MOST_STEPS if by is By.STEP else None)


def _spreads(
    told: Iterable[Length], most: int | None
) -> tuple[dict[tuple[str, ...], Spreads], Spreads]:
    counts: dict[tuple[str, ...], dict[str, dict[int, int]]] = {}
    for key, measure, value, n in told:
        held = counts.setdefault(key, {}).setdefault(measure, {})
        held[value] = held.get(value, 0) + n
    whole = _together(counts.values())
    if most is not None and len(counts) > most:
        order = sorted(counts, key=lambda key: (-sum(counts[key]["calendar"].values()), key))
        rest = _together(counts[key] for key in order[most:])
        counts = {key: counts[key] for key in order[:most]} | {(): rest}
    return {key: _of(held) for key, held in counts.items()}, _of(whole)


def _together(all_of: Iterable[Mapping[str, Mapping[int, int]]]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for one in all_of:
        for measure, counts in one.items():
            held = found.setdefault(measure, {})
            for value, n in counts.items():
                held[value] = held.get(value, 0) + n
    return found


def _of(held: Mapping[str, Mapping[int, int]]) -> Spreads:
    return {measure: spread(counts) for measure, counts in held.items()}


def report(session: Session, asked: Asked, *, by: By = By.PROCEDURE) -> Document:
    """Durations of a branch, or of all in scope, split one way; every active branch has a row."""
    found, whole = measured(session, asked.clocks, asked.rules, asked.over, by)
    if by in (By.BRANCH, By.TAX):
        idle: Mapping[tuple[str, ...], Spreads] = {(code,): {} for code in asked.active}
        found = {**idle, **found}
    return Document(
        name=NAME,
        title=_TITLES[by],
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=_COLUMNS[by],
        rows=list(_rows(found, by, asked.rules)),
        total=_total(whole, by),
        definition=(*_DEFINITIONS[by], _PERCENTILE),
        data_as_of=asked.data_as_of,
        notes=asked.partly,
        chart=Bars("key" if by in (By.GROUP, By.STAGE) else "name", ("working_median",)),
    )


def _rows(found: Mapping[tuple[str, ...], Spreads], by: By, rules: Rules) -> Iterator[Row]:
    for key in sorted(found, key=lambda key: (not key, key)):  # the rest last
        cells: dict[str, Value] = {}
        if by is By.STEP:
            cells["unit"], cells["name"] = key or (None, _OTHERS)
        else:
            cells["key"] = key[0]
        if by in (By.PROCEDURE, By.BRANCH, By.TAX):
            cells["name"] = _name(key[0], by, rules)
        translate = frozenset() if key else frozenset({"name"})
        yield Row(cells | _cells(found[key], by), translate=translate)


def _name(key: str, by: By, rules: Rules) -> str:
    if by is By.PROCEDURE:
        return rules.procedures.get(key, key)
    held = rules.branches.get(key)
    return held.short_name if held else key


def _total(whole: Spreads, by: By) -> Row:
    first = _COLUMNS[by][0].key
    return Row({first: word("Total"), **_cells(whole, by)}, translate=frozenset({first}))


def _cells(held: Spreads, by: By) -> dict[str, Value]:
    """A cell of every measure the columns ask for; what there is none of has 0 and no days."""
    cells: dict[str, Value] = {}
    for column in _COLUMNS[by]:
        measure, _, figure = column.key.rpartition("_")
        if not measure:
            continue
        value = getattr(held.get(measure, Spread()), figure)
        if by is By.STEP and measure == "working" and value is not None:
            value = value / STEP_UNITS_A_DAY
        cells[column.key] = value
    return cells
