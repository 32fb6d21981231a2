"""A document in a terminal: figures under each other, and colour for what is late alone."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from textwrap import wrap
from typing import Protocol

from rich.cells import cell_len
from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from app.printed import saying
from app.printed.saying import Say
from app.printed.widths import WORDS, label_at
from app.service.document import Column, Document, Kind, Row, Value

_LATE = "red"
_INDENT = "  "
_NARROW, _WIDEST = 10, 60


class Figures(Say, Protocol):
    """Sentences and figures in the reader's language."""

    def number(self, figure: float) -> str:
        """A figure with its separators."""

    def percent(self, rate: float) -> str:
        """A rate, rounded so that only a whole one is ever 100 %."""


def shown(document: Document, say: Figures) -> Iterator[RenderableType]:
    """Title, table and what must be said of it, one after the other; its parts are not shown."""
    yield Text(document.title, style="bold")
    yield Text(f"{document.unit} · {saying.whole_period(document.period, say)}")
    yield _table(document, say)
    if not document.rows:
        yield Text(say("no data"))
    for note in (*document.definition, *document.notes):
        yield Text(note.sentence, style="dim")
    yield Text(" ".join(saying.standing(document, say)), style="dim")


def _table(document: Document, say: Figures) -> Table:
    table = Table(show_lines=False, header_style="", pad_edge=False)
    label = label_at(document.columns)
    rows = [list(_cells(document, row, label, say)) for row in document.rows]
    total = list(_cells(document, document.total, label, say)) if document.total else []
    for at, (column, head) in enumerate(
        zip(document.columns, _heads(document.columns), strict=True)
    ):
        if column.kind is Kind.TEXT:
            table.add_column(head, max_width=_WIDEST)
            continue
        # whole: a figure that is cut off would be another figure
        cells = [Text(head), *(row[at] for row in (*rows, total) if row)]
        widest = max(cell_len(line) for cell in cells for line in cell.plain.split("\n"))
        justify: JustifyMethod = "left" if column.kind in WORDS else "right"
        table.add_column(Text(head), justify=justify, no_wrap=True, min_width=widest)
    for row, cells in zip(document.rows, rows, strict=True):
        table.add_row(*cells, style="bold" if row.heading else None)
    if total:
        table.add_section()
        table.add_row(*total, style="bold")
    return table


def _heads(columns: Sequence[Column]) -> list[str]:
    """The headings of each column, level under level, in narrow lines, the lowest at the bottom.

    One that stands over several columns is written over the first of them.
    """
    found: list[list[str]] = []
    before: tuple[str, ...] = ()
    for column in columns:
        words = []
        for level, above in enumerate(column.under):
            same = before[: level + 1] == column.under[: level + 1]
            words += [] if same else _narrow(above)
        words += _narrow(column.heading)
        words += [f"({column.number})"] if column.number is not None else []
        found.append(words)
        before = column.under
    most = max(map(len, found), default=0)
    return ["\n".join([*[""] * (most - len(words)), *words]) for words in found]


def _narrow(words: str) -> list[str]:
    return wrap(words, _NARROW, break_long_words=False, break_on_hyphens=False)


def _cells(document: Document, row: Row, label: int, say: Figures) -> Iterator[Text]:
    for at, column in enumerate(document.columns):
        held = row.cells.get(column.key)
        words = _said(held, column, say) if column.key in row.cells else ""
        late = column.late and isinstance(held, (int, float)) and held > 0
        yield Text(
            (_INDENT * row.level if at == label else "") + words, style=_LATE if late else ""
        )


def _said(held: Value, column: Column, say: Figures) -> str:
    match held:
        case None:
            return "" if column.kind in WORDS else say("no data")
        case datetime():
            return saying.at(held)
        case date():
            return saying.day(held)
        case str():
            return _plain(held)
        case _ if column.kind is Kind.RATE:
            return say.percent(held)
        case _:
            return say.number(round(held, 2))


def _plain(text: str) -> str:
    """Without what a terminal would take for a command."""
    return "".join(one if one.isprintable() else " " for one in text)
