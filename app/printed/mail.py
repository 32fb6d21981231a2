"""A digest or a summary as a mail: subject, text, HTML, the chart in it and the list beside it.

`charts` names what is to be drawn, and who can have it drawn hands it back: not in a transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.printed import morning, week
from app.printed.bars import Picture
from app.printed.blocks import (
    Block,
    Chart,
    File,
    Grid,
    Letter,
    Listing,
    Tiles,
    Title,
    Voice,
    Words,
)
from app.printed.easel import Easel, NotDrawnError
from app.printed.forms import Form, Size
from app.service.digest_document import Digest
from app.service.week_document import Weekly

PREFIX = "[Đúng Hạn]"
_TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
_ALONE = "Sent automatically at the opening of each working day."
_log = structlog.get_logger()
_WEEK = "Sent automatically on the first working day of each week."


class Mail:
    """What one recipient is to get: a digest, a weekly summary, or both in one mail."""

    def __init__(
        self,
        say: Voice,
        public_url: str | None,
        digest: Digest | None = None,
        weekly: Weekly | None = None,
    ) -> None:
        """In one language; at least one of the two is there."""
        self._say = say
        self._public_url = public_url
        self._daily = morning.Teller(digest, say, public_url) if digest else None
        self._weekly = week.Teller(weekly, say, public_url) if weekly else None
        self._blocks = list(self._all())

    def _all(self) -> Iterator[Block]:
        if self._daily:
            yield from self._daily.blocks()
        if self._weekly:
            yield from self._weekly.blocks()

    @property
    def subject(self) -> str:
        """In one line: whose, of which day, and what presses."""
        if self._daily is None:
            told = self._weekly.subject() if self._weekly else ""
        elif self._weekly is None:
            told = self._daily.subject()
        else:
            told = f"{self._daily.subject()} · {self._weekly.in_short()}"
        return f"{PREFIX} {' '.join(told.split())}"

    @property
    def charts(self) -> Mapping[str, Picture]:
        """What is to be drawn for it, by content id."""
        return {one.content_id: one.picture for one in self._blocks if isinstance(one, Chart)}

    def letter(self, drawn: Mapping[str, bytes], files: Sequence[File] = ()) -> Letter:
        """The mail with the charts that were drawn (PNG); the others are left out."""
        pictures = [
            File(f"{name}.png", "image/png", name, drawn[name])
            for name in self.charts
            if name in drawn
        ]
        sources = {one.content_id: f"cid:{one.content_id}" for one in pictures}
        return Letter(
            self.subject,
            self.text(),
            self.html({name: source for name, source in sources.items() if name}),
            [*pictures, *files],
        )

    def html(self, sources: Mapping[str, str], target: str | None = None) -> str:
        """The HTML with its charts at the addresses given; a chart without one is left out.

        `target` is where its links open, where it is shown within a page.
        """
        shown = [
            one for one in self._blocks if not isinstance(one, Chart) or one.content_id in sources
        ]
        return (
            _environment()
            .get_template("letter.html")
            .render(
                blocks=[(type(one).__name__.lower(), one) for one in shown],
                sources=sources,
                target=target,
                subject=self.subject,
                language=self._say.language,
                footer=self._footer(),
                home=self._public_url,
                _=self._say,
            )
        )

    def text(self) -> str:
        """The same as plain text; the charts are their sentences."""
        lines = [line for one in self._blocks for line in _lines(one, self._say)]
        return "\n".join([*lines, self._footer()]) + "\n"

    def _footer(self) -> str:
        say = self._say
        return say(_ALONE if self._daily else _WEEK)


def drawn(easel: Easel, charts: Mapping[str, Picture]) -> dict[str, bytes]:
    """The charts that can be drawn; a mail is worth sending without them."""
    found = {}
    for name, picture in charts.items():
        try:
            found[name] = easel.draw(picture, Size.NARROW, Form.PNG)
        except NotDrawnError:
            _log.warning("a mail goes without its chart", chart=name)
    return found


def _lines(one: Block, say: Voice) -> Iterator[str]:
    match one:
        case Title():
            yield from (one.words.upper(), one.below, "")
        case Tiles():
            yield from (f"{tile.words[:1].upper()}{tile.words[1:]}: {tile.figure}"
                        for tile in one.tiles)  # fmt: skip
            yield ""
        case Words():
            yield f"! {one.words}" if one.tone else one.words
            if one.link:
                yield f"  {one.link_words}: {one.link}"
            yield ""
        case Listing():
            yield f"{one.heading.upper()} ({one.count})"
            yield from _items(one, say)
            yield ""
        case Chart():
            yield f"{one.heading}: {one.picture.sentence}"
            yield ""
        case Grid():
            yield one.heading.upper()
            yield from _grid(one)
            yield ""


def _items(one: Listing, say: Voice) -> Iterator[str]:
    for item in one.items:
        below = f"  ({item.below})" if item.below else ""
        yield f"- {item.name}  {item.beside}{below}"
    if one.more:
        yield f"  … {one.more}"
    if one.link:
        yield f"  {say('Whole list')}: {one.link}"


def _grid(one: Grid) -> Iterator[str]:
    rows: Iterable[Sequence[str]] = [cells for cells, _ in one.rows]
    for cells in (*rows, one.total) if one.total else rows:
        told = ", ".join(
            f"{name[:1].lower()}{name[1:]} {cell}"
            for name, cell in zip(one.columns[1:], cells[1:], strict=True)
        )
        yield f"- {cells[0]}: {told}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
