"""What a mail is made of, so that its text and its HTML always say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from app.printed.bars import Picture


class Voice(Protocol):
    """The reader's language: sentences, figures, days."""

    @property
    def language(self) -> str:
        """Its code: `vi`."""

    def __call__(self, message: str, **params: object) -> str:
        """The sentence of an English key."""

    def number(self, figure: float) -> str:
        """A figure with the separators of the language."""

    def percent(self, rate: float) -> str:
        """A rate with one decimal."""

    def weekday(self, on: date) -> str:
        """The name of the day in the week."""

    def day(self, on: date) -> str:
        """A date as it is written."""

    def at(self, moment: datetime) -> str:
        """An instant by the clock of Viet Nam."""


class Tone(StrEnum):
    """How pressing something is; each has its colours, and its words say it as well."""

    LATE = "late"
    TODAY = "today"
    DOUBT = "doubt"
    CALM = "calm"


class Tile(NamedTuple):
    """A figure with its words."""

    figure: str
    words: str
    tone: Tone


class Item(NamedTuple):
    """One line of a list: what it is, where it leads, and what stands beside and below."""

    name: str
    link: str | None
    beside: str
    below: str


@dataclass(frozen=True, slots=True)
class Title:
    """The heading of a mail or of a part of it, with a line below."""

    words: str
    below: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """The figures one sees first."""

    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; with a tone it is a warning. The link has words of its own."""

    words: str
    tone: Tone | None = None
    link: str | None = None
    link_words: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A heading with how many there are, the first of them, and what of the others."""

    heading: str
    count: str
    tone: Tone
    items: Sequence[Item]
    more: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture in the mail; who cannot see it reads its sentence."""

    heading: str
    picture: Picture
    content_id: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table: headings, rows whose first cell may be a link, and a total."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], str | None]]
    total: Sequence[str] | None = None


Block = Title | Tiles | Words | Listing | Chart | Grid


@dataclass(frozen=True, slots=True)
class File:
    """What goes with a mail; with a content id it is shown in it."""

    name: str
    media_type: str
    content_id: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be: its subject, its two forms, its files."""

    subject: str
    text: str
    html: str
    files: Sequence[File]
