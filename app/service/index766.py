"""Index 766 of QĐ 766/QĐ-TTg, group 2, and what else dossiers alone can give."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.index766 import (
    PAR_THRESHOLD,
    PROGRESS_POINTS,
    Population,
    Scale,
    Share,
    par_points,
    points,
)
from app.core.office_hours import CalendarEndsError
from app.db import index766
from app.db.in_hand import Span, Standing
from app.db.lists import Clock
from app.service.asked import Asked
from app.service.document import Column, Document, Kind, Note, Row, Value, word
from app.service.rules import Rules

NAME = "index-766"
_TITLE = "Index 766: progress of the settlement, and what dossiers tell besides"
_IN_TIME = frozenset({Standing.EARLY, Standing.ON_TIME, Standing.IN_TIME})
_LATE = frozenset({Standing.LATE, Standing.OVERDUE})
_PROGRESS = word("Dossiers settled on time or still in time")
_PROGRESS_FORMULA = word(
    "(ended early or on time + open still in time) / received and handled in the period; "
    "points = rate × 20"
)
_AVERAGE = word("Average time of settlement, calendar days")
_AVERAGE_WORKING = word("Average time of settlement, working days")
_AVERAGE_FORMULA = word(
    "days from the receipt to the end, less the time of the supplement / ended in the period; the "
    "day of receipt is not counted; information, no points"
)
_ONLINE = word("Dossiers filed online")
_ONLINE_FORMULA = word("received online in the period / received in the period")
_PAYMENT = word("Dossiers paid online")
_PAYMENT_FORMULA = word(
    "received in the period and paid online / received in the period and told how they were paid"
)
_PAR = word("PAR INDEX: dossiers settled on time")
_PAR_FORMULA = word(
    "ended early or on time by form II.06a / ended in the period; from 95 % on rate × maximum, "
    "below it nothing"
)
_APOLOGY = word("PAR INDEX: late dossiers with an apology")
_APOLOGY_FORMULA = word(
    "late by law with an apology sent by the close / ended late in the period, or open and past due"
)
COLUMNS: tuple[Column, ...] = (
    Column("criterion", "Criterion", Kind.CODE),
    Column("name", "Content", Kind.TEXT),
    Column("formula", "Formula", Kind.TEXT),
    Column("numerator", "Numerator"),
    Column("denominator", "Denominator"),
    Column("left_out", "Left out"),
    Column("rate", "Rate", Kind.RATE),
    Column("average", "Average", Kind.DAYS),
    Column("threshold", "Threshold", Kind.RATE),
    Column("max_points", "Maximum", Kind.POINTS),
    Column("points", "Points", Kind.POINTS),
)
_DEFINITION = (
    Note(
        "Formula 2.1 of QĐ 766/QĐ-TTg as the national portal describes it: on time is the end, "
        "less the time of the supplement, on or before the day last promised, else within the "
        "whole limit; asked for a supplement twice is late."
    ),
    Note(
        "At or above a threshold full points, below it rate × maximum / threshold. No data is "
        "neither 0 nor 100 %."
    ),
    Note(
        "Left out: for 2.1 neither promised nor with a limit known, for the payment not told; they "
        "are in no denominator."
    ),
)
_POPULATIONS: Mapping[Population, str] = {
    Population.IN_HAND: "population=in_hand: all that was in hand in the period, also what came "
    "before it. The words received and handled in the period can be read otherwise: "
    "population=received, population=ended.",
    Population.RECEIVED: "population=received: what was received in the period. The words received "
    "and handled in the period can be read otherwise: population=in_hand, population=ended.",
    Population.ENDED: "population=ended: what ended in the period, nothing that is open. The words "
    "received and handled in the period can be read otherwise: population=in_hand, "
    "population=received.",
}
_UNSURE = Note(
    "No text we have prints the maximum and the threshold of filing and paying online for a single "
    "office: their points stay empty until online_points, online_threshold, payment_points and "
    "payment_threshold are given."
)
_PAR_UNSURE = Note(
    "PAR INDEX as remembered, not checked against the annex of QĐ 892/QĐ-BNV: the 95 % and that "
    "nothing is given below it. Points stay empty until par_points is given; the share with an "
    "apology is information."
)


UNKNOWN = Scale()
PAR = Scale(threshold=PAR_THRESHOLD)


@dataclass(frozen=True, slots=True)
class Scales:
    """The maxima and thresholds whoever asks has given."""

    online: Scale = UNKNOWN
    payment: Scale = UNKNOWN
    par: Scale = PAR


@dataclass(slots=True)
class Figures:
    """What the criteria of one branch, or of all, are made of; days are sums."""

    progress: Share = field(default_factory=Share)
    online: Share = field(default_factory=Share)
    payment: Share = field(default_factory=Share)
    par: Share = field(default_factory=Share)
    apology: Share = field(default_factory=Share)
    ended: int = 0
    days: int = 0
    working_days: int = 0
    beyond: int = 0  # ended, and received before every calendar of ours

    def take(self, row: Mapping[Any, Any], population: Population) -> None:
        """Count some dossiers in hand."""
        n, stands = row["n"], Standing(row["index766"])
        if _belongs(row, population):
            self.progress = self.progress.with_(_judged(stands, n))
        if row["fresh"]:
            self.online = self.online.with_(Share(n * row["online"], n))
            paid = row["online_payment"]
            told = Share(left_out=n) if paid is None else Share(n * paid, n)
            self.payment = self.payment.with_(told)
        if not row["open"]:
            self.par = self.par.with_(_judged(Standing(row["form"]), n))
        if Standing(row["legal"]) in _LATE:
            self.apology = self.apology.with_(Share(n * row["apology"], n))


def report(
    session: Session,
    asked: Asked,
    *,
    population: Population = Population.IN_HAND,
    by_branch: bool = False,
    online_points: float | None = None,
    online_threshold: float | None = None,
    payment_points: float | None = None,
    payment_threshold: float | None = None,
    par_points: float | None = None,
) -> Document:
    """The criteria of all together, then of each branch where they are asked for."""
    total, found = count(session, asked.rules, asked.clocks, asked.over, population)
    scales = Scales(
        Scale(online_points, online_threshold),
        Scale(payment_points, payment_threshold),
        PAR._replace(points=par_points),
    )
    rows = list(_rows(asked.unit, None, total, scales))
    for code in sorted({*found, *asked.active}) if by_branch and asked.about is None else ():
        figures = found.get(code, Figures())
        rows += _rows(asked.rules.branches[code].name, code, figures, scales)
    return Document(
        name=NAME,
        title=_TITLE,
        unit=asked.unit,
        branch=asked.about,
        period=asked.period,
        as_of=asked.over.close,
        columns=COLUMNS,
        rows=rows,
        total=None,
        definition=_DEFINITION,
        data_as_of=asked.data_as_of,
        notes=[Note(_POPULATIONS[population]), _UNSURE, _PAR_UNSURE, *asked.partly],
    )


def count(
    session: Session,
    rules: Rules,
    clocks: Sequence[Clock],
    over: Span,
    population: Population,
) -> tuple[Figures, dict[str, Figures]]:
    """The figures of all together, and of each branch that had anything; in two statements."""
    total = Figures()
    branches: dict[str, Figures] = {}
    for row in index766.counted(session, clocks, over):
        for one in (total, branches.setdefault(row["branch"], Figures())):
            one.take(row, population)
    for row in index766.durations(session, clocks, over):
        since, end = row["received_on"].toordinal(), row["end_on"].toordinal()
        worked = _worked(rules.calendar_of(row["branch"]), since, end)
        for one in (total, branches.setdefault(row["branch"], Figures())):
            one.ended += row["n"]
            one.days += (end - since) * row["n"]
            if worked is None:
                one.beyond += row["n"]
            else:
                one.working_days += worked * row["n"]
    return total, branches


def _worked(calendar: WorkingCalendar, since: int, end: int) -> int | None:
    """Working days after one day up to another; None where no calendar of ours reaches."""
    try:
        return calendar.worked_days(since, end)
    except CalendarEndsError:
        return None


def _belongs(row: Mapping[Any, Any], population: Population) -> bool:
    match population:
        case Population.IN_HAND:
            return True
        case Population.RECEIVED:
            return bool(row["fresh"])
        case Population.ENDED:
            return not row["open"]


def _judged(stands: Standing, n: int) -> Share:
    if stands in _IN_TIME:
        return Share(n, n)
    return Share(0, n) if stands in _LATE else Share(left_out=n)


def _rows(name: str, branch: str | None, held: Figures, scales: Scales) -> Iterator[Row]:
    """A heading, and a row a criterion."""
    yield Row({"name": name, "branch": branch}, heading=True)
    progress = Scale(PROGRESS_POINTS)
    for criterion, called, formula, share, scale, scored in (
        ("2.1", _PROGRESS, _PROGRESS_FORMULA, held.progress, progress, points),
        ("online", _ONLINE, _ONLINE_FORMULA, held.online, scales.online, points),
        ("payment", _PAYMENT, _PAYMENT_FORMULA, held.payment, scales.payment, points),
        ("par", _PAR, _PAR_FORMULA, held.par, scales.par, par_points),
        ("apology", _APOLOGY, _APOLOGY_FORMULA, held.apology, UNKNOWN, points),
    ):
        row = _row(criterion, branch, called, formula)
        row.cells |= {
            "numerator": share.numerator,
            "denominator": share.denominator,
            "left_out": share.left_out,
            "rate": share.rate,
            "threshold": scale.threshold,
            "max_points": scale.points,
            "points": scored(share.rate, scale),
        }
        yield row
        if criterion == "2.1":
            yield _average(branch, _AVERAGE, held.days, held.ended)
            known = held.ended - held.beyond
            row = _average(branch, _AVERAGE_WORKING, held.working_days, known)
            row.cells["left_out"] = held.beyond
            yield row


def _average(branch: str | None, name: str, days: int, ended: int) -> Row:
    row = _row("2.2", branch, name, _AVERAGE_FORMULA)
    average = days / ended if ended else None
    row.cells |= {"numerator": days, "denominator": ended, "average": average}
    return row


def _row(criterion: str, branch: str | None, name: str, formula: str) -> Row:
    cells: dict[str, Value] = {"criterion": criterion, "branch": branch}
    cells |= {"name": name, "formula": formula}
    return Row(cells, level=1, translate=frozenset({"name", "formula"}))
