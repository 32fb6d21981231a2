"""A document's chart before it is drawn: bars with their words, and a sentence that replaces it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Protocol

from app.service.document import Bars, Column, Document, Kind, Row

MOST = 12
"""More bars than these nobody compares; the largest are shown then."""
_ROOM = 0.055
"""The share of the longest bar from which on a part has room for its figure."""


class Say(Protocol):
    """The reader's language: sentences and figures."""

    def __call__(self, message: str, **params: object) -> str:
        """The sentence of an English key."""

    def number(self, figure: float) -> str:
        """A figure with the separators of the language."""

    def percent(self, rate: float) -> str:
        """A rate with one decimal."""


class Part(NamedTuple):
    """What bars are made of: its heading, its colour, and that of the figure on it."""

    heading: str
    colour: str
    ink: str


class Bar(NamedTuple):
    """One row: its name, how long each part is with the figure on it, and what stands beside."""

    name: str
    lengths: tuple[float, ...]
    figures: tuple[str, ...]
    beside: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart in words and figures: nothing else is needed to draw it.

    `sentence` tells the same figures to who cannot see it; `note` what is not in it.
    """

    title: str
    parts: tuple[Part, ...]
    bars: tuple[Bar, ...]
    sentence: str
    note: str

    @property
    def key(self) -> str:
        """The same for the same content only."""
        return sha256(repr(self).encode()).hexdigest()


_DARK, _LIGHT = "#10202e", "#ffffff"
# Light, middle and dark, so that they stay apart in grey and for who does not tell red from green.
_MIDDLE_BLUE, _PALE_BLUE, _RED = ("#5b9bd0", _DARK), ("#d4e6f4", _DARK), ("#7a1712", _LIGHT)
_OWN = {
    "early": _MIDDLE_BLUE,
    "on_time": _PALE_BLUE,
    "in_time": _PALE_BLUE,
    "late": _RED,
    "overdue": _RED,
}
_OTHERS = (_MIDDLE_BLUE, _PALE_BLUE, ("#2b3f52", _LIGHT), ("#e8b84a", _DARK), ("#8f98a1", _DARK))


def picture(document: Document, say: Say) -> Picture | None:
    """The chart of a document; None where it has none, or no row with figures."""
    chart = document.chart
    if chart is None:
        return None
    columns = {column.key: column for column in document.columns}
    keys = chart.parts or ((chart.rate,) if chart.rate else ())
    rows = [row for row in document.rows if row.level == chart.level]
    drawn = _largest(rows, keys)
    if not any(_length(row, key) for row in drawn for key in keys):
        return None
    longest = max(sum(_length(row, key) for key in keys) for row in drawn)
    parts = tuple(_part(columns[key], at, say) for at, key in enumerate(keys))
    bars = tuple(_bar(row, chart, [columns[key] for key in keys], longest, say) for row in drawn)
    note = ""
    if len(drawn) < len(rows):
        note = say(
            "The chart shows the {shown} largest of {count} rows.",
            shown=say.number(len(drawn)),
            count=say.number(len(rows)),
        )
    title = f"{say(document.title)}: {document.unit}"
    return Picture(title, parts, bars, _sentence(drawn, bars, chart, columns, say), note)


def _largest(rows: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """At most as many rows as fit, in the order of the document."""
    if len(rows) <= MOST:
        return list(rows)
    by_size = sorted(rows, key=lambda row: -sum(_length(row, key) for key in keys))
    kept = {id(row) for row in by_size[:MOST]}
    return [row for row in rows if id(row) in kept]


def _length(row: Row, key: str) -> float:
    held = row.cells.get(key)
    return float(held) if isinstance(held, int | float) else 0.0


def _part(column: Column, at: int, say: Say) -> Part:
    colour, ink = _OWN.get(column.key, _OTHERS[at % len(_OTHERS)])
    return Part(say(column.heading), colour, ink)


def _bar(row: Row, chart: Bars, columns: Sequence[Column], longest: float, say: Say) -> Bar:
    lengths = tuple(_length(row, column.key) for column in columns)
    figures = tuple(
        _figure(length, column, say) if len(columns) > 1 and length >= longest * _ROOM else ""
        for length, column in zip(lengths, columns, strict=True)
    )
    return Bar(_name(row, chart, say), lengths, figures, _beside(row, chart, columns, say))


def _name(row: Row, chart: Bars, say: Say) -> str:
    name = str(row.cells.get(chart.label) or "")
    return say(name) if chart.label in row.translate else name


def _beside(row: Row, chart: Bars, columns: Sequence[Column], say: Say) -> str:
    """The rate, or what all parts come to."""
    if chart.rate is not None:
        rate = row.cells.get(chart.rate)
        return say.percent(rate) if isinstance(rate, int | float) else say("no data yet")
    if all(row.cells.get(column.key) is None for column in columns):
        return say("no data yet")
    return _figure(sum(_length(row, column.key) for column in columns), columns[0], say)


def _figure(held: float, column: Column, say: Say) -> str:
    return say.percent(held) if column.kind is Kind.RATE else say.number(round(held, 1))


def _sentence(
    rows: Sequence[Row],
    bars: Sequence[Bar],
    chart: Bars,
    columns: dict[str, Column],
    say: Say,
) -> str:
    """Every figure of the chart in words: a clause a row."""

    def clauses() -> Iterator[str]:
        for row, bar in zip(rows, bars, strict=True):
            told = [
                f"{say(columns[key].heading).lower()} "
                + _figure(_length(row, key), columns[key], say)
                for key in chart.parts
            ]
            beside = [bar.beside] if chart.rate or not told else []
            yield f"{bar.name}: {', '.join(beside + told)}"

    return "; ".join(clauses()) + "."
