"""One document on one sheet: title, headings, rows, and below them what must be said of them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from xlsxwriter.utility import xl_range

from app.printed import saying
from app.printed.heads import Head, depth, heads
from app.printed.saying import ZONE, Say
from app.printed.widths import WORDS, height, label_at, widths
from app.service.document import Document, Form, Kind, Row, Value

LAST_ROW = 1_000_000
"""A sheet has 1,048,576 rows; some are for what stands around the figures."""
_A4 = 9
_BLOCKS = 6
_LONGEST = 32_767
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_FIRST_YEAR = 1900  # Excel knows no day before
_FINEST = 6
_FORMATS: Mapping[Kind, str] = {
    Kind.COUNT: "#,##0",
    Kind.DAYS: "#,##0.0",
    Kind.POINTS: "#,##0.00",
    Kind.DAY: "dd/mm/yyyy",
    Kind.INSTANT: "dd/mm/yyyy hh:mm",
    Kind.CODE: "@",
}
_FOOTER = 90  # characters of a name; the whole footer has 255


class Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401 xlsxwriter has no types
        self._book = book
        self._held: dict[tuple[tuple[str, object], ...], Any] = {}

    def of(self, **properties: object) -> Any:  # noqa: ANN401 (the same)
        """The format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._held:
            self._held[key] = self._book.add_format(dict(properties))
        return self._held[key]


def draw(sheet: Any, formats: Formats, document: Document, say: Say) -> None:  # noqa: ANN401
    """Write a document onto an empty sheet and set it up for printing."""
    drawn = _Sheet(sheet, formats, document, say)
    # its blocks stand side by side over the columns
    form = document.form if len(document.columns) >= _BLOCKS else None
    if form is None:
        drawn.title()
    else:
        drawn.official_title(form)
    drawn.headings()
    drawn.figures()
    if form is not None:
        drawn.signatures()
    drawn.remarks()
    drawn.print_setup()


class _Sheet:
    """A sheet and the row that is written next."""

    def __init__(self, sheet: Any, formats: Formats, document: Document, say: Say) -> None:  # noqa: ANN401
        self._sheet, self._of, self._document, self._say = sheet, formats.of, document, say
        self._at = 0
        self._heads: tuple[int, int] = (0, 0)
        self._widths = widths(document, say)
        for column, width in enumerate(self._widths):
            sheet.set_column(column, column, width)
        self._label = label_at(document.columns)

    @property
    def _last(self) -> int:
        return len(self._widths) - 1

    def title(self) -> None:
        """What it is, of whom and for when."""
        held = self._document
        self._line(held.title, bold=True, font_size=14)
        self._line(held.unit, bold=True)
        self._line(saying.whole_period(held.period, self._say))
        self._at += 1

    def official_title(self, form: Form) -> None:
        """The three blocks of an official form: its number, its title and period, the two units."""
        say, period = self._say, self._document.period
        left, right = self._after_label(0), self._after_label(0.6)
        receiver = form.receiver or "…………………"
        blocks = (
            (
                say("Form no.: {number}", number=form.number),
                form.title.sentence,
                f"{say('Reporting unit')}: {self._document.unit}",
            ),
            (
                "",
                say("Reporting period: {period}", period=saying.period(period, say)),
                f"{say('Receiving unit')}: {receiver}",
            ),
            ("", f"({saying.days(period, say)})", ""),
        )
        for nth, words in enumerate(blocks):
            first_line = nth == 0
            middle = {"align": "center", "bold": first_line, "font_size": 13 if first_line else 11}
            places: tuple[tuple[int, int, Mapping[str, object]], ...] = (
                (0, left - 1, {"bold": True}),
                (left, right - 1, middle),
                (right, self._last, {}),
            )
            lines = 1
            for text, (first, last, look) in zip(words, places, strict=True):
                self._wide(text, first, last, valign="top", text_wrap=True, **look)
                lines = max(lines, height(text, sum(self._widths[first : last + 1])))
            self._next(lines)
        self._wide(form.measure.sentence, 0, self._last, align="right", italic=True)
        self._next()

    def headings(self) -> None:
        """All levels, merged over their columns, and the numbers of an official form below."""
        columns = self._document.columns
        top, rows = self._at, depth(columns)
        look = {
            "bold": True,
            "text_wrap": True,
            "align": "center",
            "valign": "vcenter",
            "border": 1,
        }
        lines = [1.0] * rows
        for head in heads(columns):
            self._head(head, top, look)
            over = head.bottom - head.top + 1
            need = height(head.words, sum(self._widths[head.left : head.right + 1])) / over
            for level in range(head.top, head.bottom + 1):
                lines[level] = max(lines[level], need)
        for need in lines:
            self._next(need)
        if any(column.number is not None for column in columns):
            number = self._of(italic=True, align="center", border=1)
            for at, column in enumerate(columns):
                words = "" if column.number is None else f"({column.number})"
                self._sheet.write_string(self._at, at, words, number)
            self._next()
        self._heads = (top, self._at - 1)
        self._sheet.freeze_panes(self._at, self._label + 1)

    def _head(self, head: Head, top: int, look: Mapping[str, object]) -> None:
        place = (top + head.top, head.left, top + head.bottom, head.right)
        self._merged(place, head.words, self._of(**look))

    def figures(self) -> None:
        """The rows and the total; where there is no row, that is said."""
        first, say = self._at, self._say
        for row in self._document.rows:
            self._row(row)
        if not self._document.rows:
            self._wide(say("no data"), 0, self._last, align="center", italic=True, border=1)
            self._next()
        if self._document.total is not None:
            self._row(self._document.total, total=True)
        place = str(xl_range(first, 0, self._at - 1, self._last))
        self._sheet.ignore_errors({"number_stored_as_text": place})

    def _row(self, row: Row, *, total: bool = False) -> None:
        look: dict[str, object] = {"border": 1, "valign": "top"}
        if total or row.heading:
            look["bold"] = True
        for at, column in enumerate(self._document.columns):
            more = dict(look)
            if at == self._label and row.level:
                more["indent"] = row.level
            held = row.cells.get(column.key)
            if column.late and isinstance(held, (int, float)) and held and not self._document.form:
                more["font_color"] = "#a40e0e"
            known = column.key in row.cells
            self._cell(at, held, column.kind, more, known=known)
        self._at += 1

    def _cell(
        self, at: int, held: Value, kind: Kind, look: dict[str, object], *, known: bool
    ) -> None:
        """One value as what it is; what is not known says so, what does not belong is empty."""
        sheet, row, say = self._sheet, self._at, self._say
        match held:
            case None if known and kind not in WORDS:
                grey = {"italic": True, "align": "right", "font_color": "#595959"}
                sheet.write_string(row, at, say("no data"), self._of(**look | grey))
            case None:
                sheet.write_blank(row, at, None, self._of(**look))
            case datetime():
                local = held.astimezone(ZONE).replace(tzinfo=None)
                self._moment(at, local, _FORMATS[Kind.INSTANT], look)
            case date():
                self._moment(at, held, _FORMATS[Kind.DAY], look)
            case str():
                self._text(at, held, kind, look)
            case _:
                look["num_format"] = _share(held) if kind is Kind.RATE else _FORMATS.get(kind, "0")
                sheet.write_number(row, at, held, self._of(**look))

    def _moment(self, at: int, held: date, form: str, look: dict[str, object]) -> None:
        if held.year < _FIRST_YEAR:
            self._text(at, held.isoformat(), Kind.TEXT, look)
        else:
            written = self._of(**look, num_format=form, align="center")
            self._sheet.write_datetime(self._at, at, held, written)

    def _text(self, at: int, held: str, kind: Kind, look: dict[str, object]) -> None:
        more: dict[str, object] = {"text_wrap": True}
        if kind is Kind.CODE:
            more["num_format"] = _FORMATS[kind]
        if held.startswith(_DANGEROUS):
            more["quote_prefix"] = True  # it stays a text when somebody edits the cell
        self._sheet.write_string(self._at, at, held[:_LONGEST], self._of(**look | more))

    def signatures(self) -> None:
        """Place and day, who drew it up and who heads the unit, with room to sign."""
        say = self._say
        left, right = self._after_label(0), self._after_label(0.5)
        self._at += 1
        self._wide(
            say("…………, day …… month …… year ………"), right, self._last, align="center", italic=True
        )
        self._next()
        roles = ((say("Drawn up by"), say("Head of the unit")), (
            say("(signature and full name)"), say("(signature and seal)")))  # fmt: skip
        for nth, (drawn_up, head) in enumerate(roles):
            look = {"align": "center", "bold": nth == 0, "italic": nth > 0}
            self._wide(drawn_up, 0, left - 1, **look)
            self._wide(head, right, self._last, **look)
            self._next()
        self._at += 5

    def remarks(self) -> None:
        """How each figure is made, what must be known of these, and how old they are."""
        self._at += 1
        held = self._document
        for words in (
            *(note.sentence for note in held.definition),
            *(note.sentence for note in held.notes),
            " ".join(saying.standing(held, self._say)),
        ):
            self._line(words, italic=True, font_size=10)

    def print_setup(self) -> None:
        """Landscape A4, as wide as one page, the headings on every page, pages numbered."""
        sheet, held, say = self._sheet, self._document, self._say
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.center_horizontally()
        sheet.repeat_rows(*self._heads)
        sheet.print_area(0, 0, max(self._at - 1, 0), self._last)
        pages = say("Page {page} of {pages}", page="&P", pages="&N")
        named = f"{held.form.number if held.form else held.title} – {held.unit}"[:_FOOTER]
        # & begins a command there
        named = named.replace("&", "&&")
        sheet.set_footer(f"&L&9{named} – {held.period.name}&R&9{pages}")

    def _line(self, words: str, **look: object) -> None:
        """A sentence over the whole width, as many lines high as it needs."""
        self._wide(words, 0, self._last, text_wrap=True, valign="top", **look)
        self._next(height(words, sum(self._widths)))

    def _wide(self, words: str, first: int, last: int, **look: object) -> None:
        self._merged((self._at, first, self._at, last), words, self._of(**look))

    def _merged(self, place: tuple[int, int, int, int], words: str, look: Any) -> None:  # noqa: ANN401
        top, left, bottom, right = place
        if (top, left) != (bottom, right):
            self._sheet.merge_range(top, left, bottom, right, "", look)
        self._sheet.write_string(top, left, words[:_LONGEST], look)

    def _next(self, lines: float = 1) -> None:
        """On to the next row; Excel does not find the height of merged cells by itself."""
        if lines > 1:
            self._sheet.set_row(self._at, 15.5 * lines)
        self._at += 1

    def _after_label(self, share: float) -> int:
        """The column that begins after a share of those behind the one that names the rows."""
        left = self._label + 1
        return max(left, min(left + round((self._last - self._label) * share), self._last))


def _share(rate: float) -> str:
    """Two decimals, and more where the reader would take what is nearly all for all."""
    places = next((n for n in range(2, _FINEST) if rate >= 1 or round(rate, n + 2) < 1), _FINEST)
    return f"0.{'0' * places}%"
